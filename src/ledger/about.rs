//! What a run is: written once, when it begins.

use std::fmt;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::guard::{LockLimit, MaxErrors};
use crate::spec::{ImportSpec, InputFile, JobIdentity, NodeIdentity};
use crate::transport::RateSetting;

/// What a run is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// The format of the record.
    pub version: u32,
    /// What made it.
    pub kind: RunKind,
    /// When it began.
    pub begun: Timestamp,
    /// The file it reads.
    pub input: InputFile,
    /// What it was asked to do with the rows.
    pub import: ImportSpec,
    /// The nodes, in the order in which rows are counted to them.
    pub nodes: Vec<NodeAbout>,
    /// How the user named them, for whoever continues the run; nothing here reads it. Never holds a token.
    pub node_ref: serde_json::Value,
    /// How many rows there are.
    pub rows: u64,
    /// Where the results go.
    pub results: PathBuf,
    /// More failed rows than this stop it.
    pub max_errors: Option<MaxErrors>,
}

/// What made a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// A spreadsheet.
    Import,
    /// What was not done of another run, or of a results file.
    Retry {
        /// The run, if it was one.
        of: Option<String>,
    },
    /// What undoes another run.
    Undo {
        /// Which.
        of: String,
    },
}

impl fmt::Display for RunKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunKind::Import => f.write_str("import"),
            RunKind::Retry { of: None } => f.write_str("retry"),
            RunKind::Retry { of: Some(of) } => write!(f, "retry of {of}"),
            RunKind::Undo { of } => write!(f, "undo of {of}"),
        }
    }
}

/// A node of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeAbout {
    /// The node in words.
    pub name: String,
    /// What decides which changes a row makes on it.
    #[serde(flatten)]
    pub identity: NodeIdentity,
    /// The ceiling of its calls.
    pub rate: RateSetting,
    /// How many calls might be in flight.
    pub concurrency: usize,
    /// Its own time (`Date`) when the run began, in seconds since 1970; none if it does not say it.
    pub node_time: Option<i64>,
    /// From how many people the run may take access, as that was found out when it began.
    pub allowed_locks: Option<LockLimit>,
}

impl About {
    /// The version that this program writes and reads.
    pub const VERSION: u32 = 2;

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings, numbers and booleans only")
    }

    /// What it is in a word: the command that began it.
    #[must_use]
    pub fn word(&self) -> &str {
        match self.kind {
            RunKind::Import if self.import.only_action => self.import.action.as_str(),
            RunKind::Import => "import",
            RunKind::Retry { .. } => "retry",
            RunKind::Undo { .. } => "undo",
        }
    }

    /// What it does, whatever the content of its file is.
    #[must_use]
    pub fn identity(&self) -> JobIdentity<'_> {
        JobIdentity {
            import: &self.import,
            nodes: self.nodes.iter().map(|node| &node.identity).collect(),
        }
    }

    /// Whether both are about a node that is the same.
    #[must_use]
    pub fn shares_a_node(&self, other: &About) -> bool {
        self.addresses()
            .any(|address| other.addresses().any(|each| each == address))
    }

    /// The run that this one retries, if it is one.
    #[must_use]
    pub fn retries(&self) -> Option<&str> {
        match &self.kind {
            RunKind::Retry { of } => of.as_deref(),
            RunKind::Import | RunKind::Undo { .. } => None,
        }
    }

    /// What a column `node` calls the nodes.
    #[must_use]
    pub fn node_cells(&self) -> String {
        let cells: Vec<&str> = self.nodes.iter().map(|node| &*node.identity.cell).collect();
        cells.join("+")
    }

    /// The nodes in words.
    #[must_use]
    pub fn node_names(&self) -> String {
        let names: Vec<&str> = self.nodes.iter().map(|node| &*node.name).collect();
        names.join(" and ")
    }

    /// When it began by the clocks of its nodes, in seconds since 1970: by the one that is ahead of the others. None if
    /// one does not say its time.
    #[must_use]
    pub fn node_time(&self) -> Option<i64> {
        let times: Option<Vec<i64>> = self.nodes.iter().map(|node| node.node_time).collect();
        times?.into_iter().max()
    }

    /// The addresses of the nodes.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().map(|node| &*node.identity.address)
    }
}
