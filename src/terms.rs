//! What a run was asked to do, as plans and ledgers keep it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::sheet::Reading;

/// What a run was asked to do. A plan and a ledger hold it: carrying out the one and going on with the
/// other begin with the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line, by its name"
)]
pub struct Terms {
    /// The spreadsheet, with its whole path.
    pub file: PathBuf,
    /// The SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// How it is read, as far as somebody said so.
    #[serde(default)]
    pub reading: Reading,
    /// The addresses of the nodes.
    pub nodes: Vec<String>,
    /// What rows without an action ask for.
    pub action: String,
    /// Whether that is the only action.
    pub only_action: bool,
    /// Headings, and what somebody said that they stand for: a column, or `ignore`.
    pub map: Vec<(String, String)>,
    /// What happens to emails that are taken.
    pub on_conflict: String,
    /// Whether rows with errors are left out.
    pub skip_invalid: bool,
    /// Whether teams and roles that are missing are created.
    pub create_teams: bool,
    /// How many people are named in one change of a team.
    pub batch: u16,
    /// Whether changes go together in bulk requests.
    pub bulk: String,
    /// Whether attributes are changed by PUT.
    pub replace: bool,
}
