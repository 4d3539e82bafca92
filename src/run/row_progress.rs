//! How a row goes on: done with, or with memberships left that may go together with others'.

use super::journal::{Before, PriorAccount};
use super::outcome::{Outcome, Verdict};
use crate::plan::AccountPatch;
use crate::roster::Action;
use crate::sheet::RowNumber;

/// How a row goes on.
#[derive(Debug)]
pub(super) enum RowProgress {
    /// It is done with.
    Settled(Outcome),
    /// What is left are memberships, which may go together with those of other rows.
    Memberships(Box<PendingPatch>),
}

impl From<Outcome> for RowProgress {
    fn from(outcome: Outcome) -> Self {
        RowProgress::Settled(outcome)
    }
}

/// Memberships that a row still has to get.
#[derive(Debug)]
pub(super) struct PendingPatch {
    pub(super) row: RowNumber,
    pub(super) action: Action,
    pub(super) account_patch: AccountPatch,
    /// What was done for the row before.
    pub(super) before: Option<Outcome>,
    /// Calls that were sent for the row before, and that `before` does not count.
    pub(super) attempts: u32,
}

impl PendingPatch {
    pub(super) fn new(row: RowNumber, action: Action, account_patch: AccountPatch) -> Self {
        PendingPatch {
            row,
            action,
            account_patch,
            before: None,
            attempts: 0,
        }
    }

    /// The outcome of the create if the row has made the account, as far as is known.
    pub(super) fn made(&self) -> Option<&Outcome> {
        let before = self.before.as_ref();
        before.filter(|before| before.verdict == Verdict::Created)
    }

    /// Whether it is proven that the row has made the account.
    pub(super) fn was_made(&self) -> bool {
        self.made().is_some_and(|made| made.proven)
    }

    /// What was there before the row was carried out.
    pub(super) fn prior(&self) -> Before {
        if let Some(made) = self.made() {
            Before::Nobody {
                email: self.account_patch.after.user_name().map(str::to_owned),
                made: Some(self.account_patch.before.id.clone()),
                proven: made.proven,
            }
        } else {
            Before::Account(PriorAccount::of(&self.account_patch))
        }
    }

    /// The outcome of the row after that of its memberships.
    pub(super) fn finish(self, memberships: Outcome) -> Outcome {
        let memberships = memberships.attempts_of(self.attempts);
        let Some(before) = self.before else {
            return memberships;
        };
        let what = match before.verdict {
            Verdict::Created => "the account was created, but not as asked",
            _ => "only a part of the row was carried out",
        };
        match memberships.error {
            None => before.attempts_of(memberships.attempts),
            Some(words) => Outcome {
                verdict: Verdict::Failed,
                ..before
            }
            .attempts_of(memberships.attempts)
            .because(format!("{what}: {words}")),
        }
    }
}
