//! What a run is: written once, when it begins.

use std::fmt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::guard::LockLimit;
use crate::scim::Dialect;
use crate::sheet::is_standard_input;
use crate::terms::Terms;

/// What a run is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// The format of the record.
    pub version: u32,
    /// What made it.
    pub kind: Kind,
    /// When it began.
    pub begun: Timestamp,
    /// What it was asked to do.
    pub terms: Terms,
    /// The nodes, in the order in which rows are counted to them.
    pub nodes: Vec<NodeAbout>,
    /// How the command line named them. Never holds a token.
    pub reach: serde_json::Value,
    /// How many rows there are.
    pub rows: u64,
    /// Where the results go.
    pub results: PathBuf,
    /// More failed rows than this stop it, as the command line says it.
    pub max_errors: Option<String>,
}

/// What made a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A spreadsheet.
    Import,
    /// What was not done of another run, or of a results file.
    Retry {
        /// The run, if it was one.
        of: Option<String>,
    },
    /// The way back of another run.
    Undo {
        /// Which.
        of: String,
    },
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Import => f.write_str("import"),
            Kind::Retry { of: None } => f.write_str("retry"),
            Kind::Retry { of: Some(of) } => write!(f, "retry of {of}"),
            Kind::Undo { of } => write!(f, "undo of {of}"),
        }
    }
}

/// A node of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeAbout {
    /// The node in words.
    pub name: String,
    /// What a column `node` calls it.
    pub cell: String,
    /// Its address.
    pub address: String,
    /// The ceiling of its calls, if there was one.
    #[serde(default)]
    pub rate: Option<String>,
    /// How many calls might be in flight.
    #[serde(default)]
    pub concurrency: Option<usize>,
    /// What names of roles begin with.
    #[serde(default)]
    pub role_prefix: Option<String>,
    /// The people who are never locked, by email or id, in order.
    #[serde(default)]
    pub protected: Vec<String>,
    /// How changes are sent, as far as the profile says.
    #[serde(default)]
    pub dialect: Dialect,
    /// Its own time (`Date`) when the run began, in seconds since 1970; none if it does not say it.
    #[serde(default)]
    pub node_time: Option<i64>,
    /// From how many people the run may take access, as that was found out when it began.
    #[serde(default)]
    pub allowed_locks: Option<LockLimit>,
}

impl NodeAbout {
    /// Whether the same rows send the same changes to the same node. Its name and its limits do not matter for that.
    fn is_same(&self, other: &NodeAbout) -> bool {
        let NodeAbout {
            name: _,
            cell,
            address,
            rate: _,
            concurrency: _,
            role_prefix,
            protected,
            dialect,
            node_time: _,
            allowed_locks: _,
        } = self;
        cell == &other.cell
            && address == &other.address
            && role_prefix == &other.role_prefix
            && protected == &other.protected
            && dialect == &other.dialect
    }
}

impl About {
    /// The version that this program writes and reads.
    pub const VERSION: u32 = 1;

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings, numbers and booleans only")
    }

    /// What it is in a word: the command that began it.
    #[must_use]
    pub fn word(&self) -> &str {
        match self.kind {
            Kind::Import if self.terms.only_action => &self.terms.action,
            Kind::Import => "import",
            Kind::Retry { .. } => "retry",
            Kind::Undo { .. } => "undo",
        }
    }

    /// Whether both ask for the same changes to the same people on the same nodes, whatever the content of the file is.
    #[must_use]
    pub fn asks_the_same(&self, other: &About) -> bool {
        let About {
            version: _,
            kind: _,
            begun: _,
            terms,
            nodes,
            reach: _,
            rows: _,
            results: _,
            max_errors: _,
        } = self;
        let terms = Terms {
            file: other.terms.file.clone(),
            sha256: other.terms.sha256.clone(),
            ..terms.clone()
        };
        terms == other.terms
            && nodes.len() == other.nodes.len()
            && nodes
                .iter()
                .zip(&other.nodes)
                .all(|(one, other)| one.is_same(other))
    }

    /// Whether both are about a node that is the same.
    #[must_use]
    pub fn shares_a_node(&self, other: &About) -> bool {
        self.addresses()
            .any(|address| other.addresses().any(|each| each == address))
    }

    /// Whether both read the same file, whatever is in it now. Standard input is the same only with the same content.
    #[must_use]
    pub fn reads_the_same_file(&self, other: &About) -> bool {
        let (one, other) = (&self.terms, &other.terms);
        if is_standard_input(&one.file) || is_standard_input(&other.file) {
            return one.file == other.file && one.sha256 == other.sha256;
        }
        // However its path is written.
        let same = |one: &Path, other: &Path| one.canonicalize().ok() == other.canonicalize().ok();
        one.file == other.file || (one.file.exists() && same(&one.file, &other.file))
    }

    /// The run that this one retries, if it is one.
    #[must_use]
    pub fn retries(&self) -> Option<&str> {
        match &self.kind {
            Kind::Retry { of } => of.as_deref(),
            Kind::Import | Kind::Undo { .. } => None,
        }
    }

    /// What a column `node` calls the nodes.
    #[must_use]
    pub fn node_cells(&self) -> String {
        let cells: Vec<&str> = self.nodes.iter().map(|node| &*node.cell).collect();
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
        self.nodes.iter().map(|node| &*node.address)
    }
}
