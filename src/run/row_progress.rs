//! How a row goes on: done with, or with memberships left that may go together with others'.

use super::journal::{Before, PriorAccount};
use super::outcome::{Outcome, Verdict};
use super::worker::{Worker, protected};
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
    fn made(&self) -> Option<&Outcome> {
        let before = self.before.as_ref();
        before.filter(|before| before.verdict == Verdict::Created)
    }

    /// Whether it is proven that the row has made the account.
    fn was_made(&self) -> bool {
        self.made().is_some_and(|made| made.proven)
    }

    /// What was there before the row was carried out.
    fn prior(&self) -> Before {
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

impl Worker {
    /// Refuses what would lock somebody who is protected.
    pub(super) fn spare(&self, account_patch: &AccountPatch) -> Option<Outcome> {
        let account = &account_patch.before;
        let email = account.user_name();
        let is_protected = self.protected.recognises(&account.id, email);
        (is_protected && account_patch.locks()).then(|| protected(&account.id, email))
    }

    /// Changes an account, or leaves its memberships to be changed with those of others: where that
    /// is all there is to do, and where the node changes them with the group only.
    pub(super) async fn apply_patch(&self, mut pending: PendingPatch) -> RowProgress {
        if let Some(outcome) = self.spare(&pending.account_patch) {
            return pending.finish(outcome).into();
        }
        // A new account that is locked takes access from nobody, if it is certain that this run has made it.
        if pending.account_patch.locks()
            && !pending.was_made()
            && let Some(outcome) = self.one_too_many(&pending.account_patch.before.id)
        {
            return pending.finish(outcome).into();
        }
        if let Err(error) = self.writer.make_groups_of(&mut pending.account_patch).await {
            return pending.finish(self.failed(&error)).into();
        }
        if let Err(outcome) = self.announce(pending.row, pending.prior()).await {
            return pending.finish(outcome).into();
        }
        let account_patch = &pending.account_patch;
        if account_patch.unlocks() {
            self.note_unlocked(&account_patch.before.id);
        }
        if !account_patch.changes_memberships() {
            let amended = self.amend(pending.action, account_patch).await;
            return pending.finish(amended).into();
        }
        if account_patch.operations.is_empty() {
            return RowProgress::Memberships(Box::new(pending));
        }
        if !self.capabilities.memberships_by_group() {
            let amended = self.amend(pending.action, account_patch).await;
            return pending.finish(amended).into();
        }
        let (attributes, memberships) = pending.account_patch.apart();
        let amended = self.amend(pending.action, &attributes).await;
        let failed = !amended.verdict.is_done();
        let outcome = PendingPatch {
            account_patch: attributes,
            ..pending
        }
        .finish(amended);
        if failed {
            return outcome.into();
        }
        pending = PendingPatch {
            before: Some(outcome),
            ..PendingPatch::new(pending.row, pending.action, memberships)
        };
        RowProgress::Memberships(Box::new(pending))
    }
}
