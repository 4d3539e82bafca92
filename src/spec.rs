//! What a job is asked to do, as plans and ledgers keep it. Whether two jobs are the same job is decided here.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::roster::{Action, Mapping};
use crate::run::OnConflict;
use crate::scim::Capabilities;
use crate::sheet::{Reading, is_standard_input};

/// The file a job reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// Its absolute path; `-` for standard input.
    pub path: PathBuf,
    /// The SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

impl InputFile {
    /// Whether both are the same file, whatever is in it now. Standard input is the same only with the same content.
    #[must_use]
    pub fn is_same_file(&self, other: &InputFile) -> bool {
        if is_standard_input(&self.path) || is_standard_input(&other.path) {
            return self == other;
        }
        // However its path is written.
        let same = |one: &Path, other: &Path| one.canonicalize().ok() == other.canonicalize().ok();
        self.path == other.path || (self.path.exists() && same(&self.path, &other.path))
    }
}

/// How the rows of a file are read, and what is done with them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a choice of its own, named as the command line names it"
)]
pub struct ImportSpec {
    /// How the file is read, as far as the user says.
    pub reading: Reading,
    /// What headings stand for, as far as the user or a profile says.
    pub map: Vec<Mapping>,
    /// What rows without an action ask for.
    pub action: Action,
    /// Whether that is the only action.
    pub only_action: bool,
    /// What happens when the email of a new person is taken.
    pub on_conflict: OnConflict,
    /// Whether rows with errors are left out.
    pub skip_invalid: bool,
    /// Whether missing teams and roles are created.
    pub create_teams: bool,
    /// How many people one change of a team names.
    pub batch: u16,
    /// Whether changes go together in bulk requests.
    pub bulk: BulkUse,
    /// Whether accounts are changed by PUT instead of PATCH.
    pub replace: bool,
}

impl ImportSpec {
    /// How many people one change of a team names, by default.
    pub const BATCH: u16 = 100;

    /// Rows whose default action is `action`, with the default of everything else.
    #[must_use]
    pub fn new(action: Action) -> Self {
        ImportSpec {
            reading: Reading::default(),
            map: Vec::new(),
            action,
            only_action: false,
            on_conflict: OnConflict::default(),
            skip_invalid: false,
            create_teams: false,
            batch: Self::BATCH,
            bulk: BulkUse::default(),
            replace: false,
        }
    }
}

/// Whether changes go together in bulk requests (`POST /Bulk`, RFC 7644 section 3.7).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    clap::ValueEnum,
    Serialize,
    Deserialize,
    strum::Display,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum BulkUse {
    /// Where the node says that it takes them
    #[default]
    Auto,
    /// Also where the node does not say so
    On,
    /// Never
    Off,
}

/// What decides which changes a row makes on a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeIdentity {
    /// What a column `node` calls it.
    pub cell: String,
    /// Its address.
    pub address: String,
    /// What names of roles begin with.
    pub role_prefix: Option<String>,
    /// The people who are never locked, by email or id, in order.
    pub protected: Vec<String>,
    /// How changes are sent, as far as the profile says.
    pub dialect: Capabilities,
}

/// What a job does, whatever the content of its file is: an unfinished run is continued only by a job with the same identity.
#[derive(Debug, PartialEq, Eq)]
pub struct JobIdentity<'a> {
    /// What is done with the rows.
    pub import: &'a ImportSpec,
    /// On which nodes, in the order in which rows are counted to them.
    pub nodes: Vec<&'a NodeIdentity>,
}
