//! What a file would cost if nobody planned: what planning saves is measured by it.

use crate::roster::{Action, InputSummary};

/// How many calls the rows of an input would take one by one: a question and a change for each, for a new account
/// one call, and a change for each team and role that it names.
#[must_use]
pub fn one_by_one(summary: &InputSummary) -> u64 {
    let calls = |action: Action| match action {
        Action::Create | Action::AddTeams | Action::RemoveTeams => 1,
        Action::Update | Action::Upsert | Action::Lock | Action::Unlock | Action::Delete => 2,
    };
    let rows = Action::ALL.map(|action| summary.by_action(action) * calls(action));
    let memberships = summary.groups.values().map(crate::roster::Mentions::rows);
    rows.into_iter().sum::<u64>() + memberships.sum::<u64>()
}
