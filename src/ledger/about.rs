//! What a run is: written once, when it begins.

use std::fmt;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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
    /// How many people may lose access, if the command line says it.
    #[serde(default)]
    pub allow_locks: Option<u64>,
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
}

impl About {
    /// The version that this program writes and reads.
    pub const VERSION: u32 = 1;

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

    /// The addresses of the nodes.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().map(|node| &*node.address)
    }
}
