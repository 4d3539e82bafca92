//! Changes an account, and makes sure that the node did what it says.
//!
//! Memberships change with the user, as the provider's clients do it: everything in one call. RFC
//! 7643 makes a user's `groups` read-only, and many servers refuse or ignore them: then memberships
//! change with the group, as on the provider's page.

use std::time::Duration;

use super::confirm::{Drift, drift, in_words};
use super::memberships::in_part;
use super::observed_capabilities::CapabilitySet;
use super::outcome::{Outcome, Verdict, done, protected};
use super::row_progress::{PendingPatch, RowProgress};
use super::worker::Worker;
use tracing::debug;

use super::change_method::ChangeProgress;
use super::members::Movement;
use crate::plan::AccountPatch;
use crate::roster::Action;
use crate::scim::{Error, Reply};

/// After how long an account is looked at again that does not show a change.
const MOMENTS: [Duration; 3] = [
    Duration::from_millis(300),
    Duration::from_millis(700),
    Duration::from_millis(1500),
];

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

    /// Carries out a correction for a row that asks for `action`.
    pub(super) async fn amend(&self, action: Action, account_patch: &AccountPatch) -> Outcome {
        let id = &account_patch.before.id;
        let mut progress = match self.send(account_patch).await {
            Ok(progress) => progress,
            Err(error) => return self.failed(&error).user(id.clone()),
        };
        match Box::pin(self.settle(account_patch, &mut progress)).await {
            Ok(_) if progress.is_unseen => unseen(
                Outcome::new(Verdict::Unknown)
                    .status(progress.status)
                    .user(id.clone())
                    .attempts(progress.attempts),
            ),
            Ok(drift) if drift.attributes.is_empty() && drift.unexpected.is_empty() => {
                let now = progress.shown.as_ref().unwrap_or(&account_patch.after);
                self.remember(account_patch, now);
                Outcome::new(done(action))
                    .status(progress.status)
                    .user(id.clone())
                    .attempts(progress.attempts)
            }
            Ok(drift) => Outcome::new(Verdict::Failed)
                .status(progress.status)
                .user(id.clone())
                .attempts(progress.attempts)
                .because(unheeded(&drift)),
            Err(error) => {
                let outcome = self.failed(&error).user(id.clone());
                in_part(outcome)
            }
        }
    }

    /// Finds out what is not done yet, does what can be done about memberships, and returns what is
    /// left.
    async fn settle(
        &self,
        account_patch: &AccountPatch,
        progress: &mut ChangeProgress,
    ) -> Result<Drift, Error> {
        let needed = CapabilitySet::of(account_patch);
        let by_group =
            self.capabilities.memberships_by_group() && account_patch.changes_memberships();
        let left = progress
            .shown
            .as_ref()
            .map(|shown| drift(account_patch, shown));
        let sent = progress.active;
        // What was proven meanwhile was perhaps not what was sent here.
        let is_as_proven = || sent.is_none_or(|form| form == self.capabilities.active());
        let is_trusted = || self.capabilities.are_proven(needed) && !by_group && is_as_proven();
        let left = match left {
            Some(left) if left.is_nothing() => left,
            left if is_trusted() => self.look(account_patch, progress, left, false).await,
            left if by_group => {
                let account = !account_patch.operations.is_empty();
                self.look(account_patch, progress, left, account).await
            }
            left => {
                let _one = self.capabilities.one_looks().await;
                let left = self
                    .look(account_patch, progress, left, !is_trusted())
                    .await;
                if left.is_nothing() {
                    self.capabilities.prove(needed);
                }
                left
            }
        };
        let left = if left.attributes.contains(&"active") {
            self.lock_another_way(account_patch, progress, left).await?
        } else {
            left
        };
        let left = self.look_again(account_patch, progress, left).await;
        if left.is_nothing() {
            self.capabilities.prove(needed);
        } else if !left.join.is_empty() || !left.leave.is_empty() {
            self.capabilities.use_groups();
            self.change_groups(&account_patch.before.id, &left, progress)
                .await?;
        }
        Ok(left)
    }

    /// Some nodes show a change only after a moment. Whether this one does is found out once in a run: if not, nobody
    /// else waits for what is not done.
    async fn look_again(
        &self,
        account_patch: &AccountPatch,
        progress: &mut ChangeProgress,
        mut left: Drift,
    ) -> Drift {
        for moment in MOMENTS {
            if left.attributes.is_empty() || self.capabilities.shows_at_once() {
                return left;
            }
            let rested = self.client.transport().pace().rest(moment).await;
            if rested.is_err() {
                return left;
            }
            left = self.look(account_patch, progress, Some(left), true).await;
        }
        if !left.attributes.is_empty() {
            self.capabilities.show_at_once();
        }
        left
    }

    /// Looks at the account, if `account`, and at its groups where the account does not show them. The
    /// answer may be empty, or show the state of before; where the account cannot be read, the node's
    /// yes has to do.
    pub(super) async fn look(
        &self,
        account_patch: &AccountPatch,
        progress: &mut ChangeProgress,
        left: Option<Drift>,
        account: bool,
    ) -> Drift {
        let mut left = left;
        let id = &account_patch.before.id;
        if account {
            match self.client.user(id).await {
                Ok(Reply {
                    value: Some(shown), ..
                }) => {
                    left = Some(drift(account_patch, &shown));
                    progress.shown = Some(shown);
                }
                Ok(_) => debug!(id, "a changed account is not shown"),
                Err(_) if self.is_stopping() => progress.is_unseen = true,
                Err(error) => debug!(id, %error, "a changed account cannot be looked at"),
            }
        }
        let by_group =
            self.capabilities.memberships_by_group() && account_patch.changes_memberships();
        let mut left = left.unwrap_or_else(|| Drift {
            groups_unseen: by_group,
            ..Drift::default()
        });
        if left.groups_unseen {
            let all_seen = self.look_at_groups(account_patch, &mut left, by_group);
            progress.is_unseen |= !all_seen.await && self.is_stopping();
        }
        left
    }

    /// The account does not show its groups: the groups themselves show their members. Says whether all of them did.
    async fn look_at_groups(
        &self,
        account_patch: &AccountPatch,
        left: &mut Drift,
        by_group: bool,
    ) -> bool {
        left.groups_unseen = false;
        let mut all_seen = true;
        for (ids, wanted) in [(&account_patch.join, true), (&account_patch.leave, false)] {
            for id in ids {
                // Known not to have been sent with the user: there is nothing to look for.
                let is_in = if by_group {
                    Some(!wanted)
                } else {
                    self.is_member(&account_patch.before.id, id).await
                };
                all_seen &= is_in.is_some();
                if is_in == Some(!wanted) {
                    if wanted {
                        &mut left.join
                    } else {
                        &mut left.leave
                    }
                    .push(id.clone());
                }
            }
        }
        all_seen
    }

    async fn change_groups(
        &self,
        user: &str,
        left: &Drift,
        progress: &mut ChangeProgress,
    ) -> Result<(), Error> {
        for group in &left.join {
            let reply = self
                .change_members(Movement {
                    group,
                    join: &[user],
                    leave: &[],
                })
                .await?;
            progress.count(&reply);
        }
        for group in &left.leave {
            let reply = self
                .change_members(Movement {
                    group,
                    join: &[],
                    leave: &[user],
                })
                .await?;
            progress.count(&reply);
        }
        // What was shown before is no longer so.
        progress.shown = None;
        Ok(())
    }
}

/// What becomes of a row to which the node said yes, where that was to be looked at and no call may leave any more.
pub(super) fn unseen(outcome: Outcome) -> Outcome {
    Outcome {
        verdict: Verdict::Unknown,
        ..outcome
    }
    .because(
        "it was sent, and the run was stopped before it was seen whether all of it was carried out",
    )
}

/// Why a change to which the node said yes is not done.
fn unheeded(drift: &Drift) -> String {
    let unchanged = (!drift.attributes.is_empty())
        .then(|| format!("has not changed {}", drift.attributes.join(", ")));
    let unexpected = (!drift.unexpected.is_empty()).then(|| in_words(&drift.unexpected));
    let all: Vec<String> = [unchanged, unexpected].into_iter().flatten().collect();
    format!("the node says yes, but {}", all.join(", and "))
}
