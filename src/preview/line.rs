//! One row of a preview.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::plan::Difference;
use crate::report::Style;
use crate::roster::Naming;
use crate::run::{RowRecord, Verdict};
use crate::sheet::cell_at;

/// What a row would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The row, as the spreadsheet shows it.
    pub row: u64,
    /// What it asks for; empty if that cannot be read.
    pub action: String,
    /// Whom it names: email, or id.
    pub person: String,
    /// What would become of it, as in the results.
    pub outcome: String,
    /// The account's id, where there is an account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// What would change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Difference>,
    /// Why it cannot be carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Line {
    pub(super) fn of(record: &RowRecord, naming: &Naming) -> Self {
        let cell = |at: Option<usize>| cell_at(&record.cells, at?).map(str::to_owned);
        let outcome = &record.outcome;
        Line {
            row: record.number.0,
            action: record
                .action
                .map(|action| action.to_string())
                .unwrap_or_default(),
            person: cell(naming.email)
                .or_else(|| cell(naming.id))
                .unwrap_or_default(),
            outcome: outcome.verdict.to_string(),
            user_id: outcome.user_id.clone(),
            changes: outcome.differences.clone(),
            error: outcome.error.clone(),
        }
    }
}

impl fmt::Display for Line {
    /// In words, with what is added and what is taken away in colours.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {}: {} {}", self.row, self.action, self.person)?;
        if let Some(error) = &self.error {
            let why = format_args!("cannot be done ({}):", self.outcome);
            return write!(f, ": {} {error}", Style::Bad.on(why));
        }
        if self.outcome == Verdict::Unchanged.as_str() {
            return f.write_str(": nothing to change");
        }
        if self.outcome == Verdict::Exists.as_str() {
            return f.write_str(": exists already, nothing to do");
        }
        // The email of a new account is who it is about.
        let changes = self
            .changes
            .iter()
            .filter(|change| change.what != "email" || !change.before.is_empty());
        for (i, change) in changes.enumerate() {
            f.write_str(if i == 0 { ": " } else { ", " })?;
            match tint(change) {
                Some(tint) => f.write_str(&tint.on(change))?,
                None => change.fmt(f)?,
            }
        }
        Ok(())
    }
}

/// The colour of what is added or taken away; none for what only changes.
fn tint(change: &Difference) -> Option<Style> {
    match (change.before.is_empty(), change.after.is_empty()) {
        (true, false) => Some(Style::Good),
        (false, true) => Some(Style::Bad),
        _ => None,
    }
}
