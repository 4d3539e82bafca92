//! A run that changes nothing: everything is looked up and planned, and nothing is sent.
//!
//! What a row would do is done in memory, so that the next row of the person meets it.

use std::sync::atomic::{AtomicU64, Ordering};

use super::outcome::{Outcome, Verdict};
use super::prior_state::RequestedChange;
use super::row_progress::{PendingPatch, RowProgress};
use super::worker::{Worker, done, impossible, protected};
use crate::directory::AccountLookup;
use crate::plan::{self, AccountPatch, PlannedOperation};
use crate::roster::{Action, Ask};
use crate::scim::{BulkLimits, BulkOperation, NewUser, User};

/// The calls that a run would send to change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Forecast {
    /// `POST /Users`
    pub creates: u64,
    /// `PATCH /Users/{id}`
    pub user_changes: u64,
    /// `PUT /Users/{id}`
    pub user_replacements: u64,
    /// `PATCH /Groups/{id}`
    pub group_changes: u64,
    /// `DELETE /Users/{id}`
    pub deletes: u64,
    /// How many of them go in one `POST /Bulk` at the most; none: each is a call of its own.
    #[serde(default)]
    pub bulk: Option<u64>,
}

impl Forecast {
    /// All of them.
    #[must_use]
    pub fn total(self) -> u64 {
        self.creates
            + self.user_changes
            + self.user_replacements
            + self.group_changes
            + self.deletes
    }

    /// How many calls so many more operations and all of these come to.
    #[must_use]
    pub fn calls(self, more: u64) -> u64 {
        let operations = self.total() + more;
        match self.bulk {
            Some(most) => operations.div_ceil(most.max(1)),
            None => operations,
        }
    }
}

/// Counts the calls that are not sent.
#[derive(Debug, Default)]
pub(super) struct Rehearsal {
    creates: AtomicU64,
    user_changes: AtomicU64,
    user_replacements: AtomicU64,
    group_changes: AtomicU64,
    deletes: AtomicU64,
    bulk: Option<BulkLimits>,
    /// The bytes of those that would be weighed for a bulk request, and how many these are.
    weight: AtomicU64,
    weighed: AtomicU64,
}

impl Rehearsal {
    pub(super) fn new(bulk: Option<BulkLimits>) -> Self {
        Rehearsal {
            bulk,
            ..Rehearsal::default()
        }
    }

    /// Counts the bytes of an operation, where they matter.
    fn weigh(&self, operation: impl FnOnce() -> Option<BulkOperation>) {
        if self.bulk.is_some()
            && let Some(operation) = operation()
        {
            add(&self.weight, operation.size());
            add(&self.weighed, 1);
        }
    }

    /// How many operations go in one bulk request, as far as the limits and their sizes tell.
    fn in_one_request(&self) -> Option<u64> {
        let limits = self.bulk?;
        let weighed = self.weighed.load(Ordering::Relaxed).max(1);
        let each = self.weight.load(Ordering::Relaxed).div_ceil(weighed).max(1);
        let by_size = (limits.max_payload as u64 / each).max(1);
        Some(by_size.min(limits.max_operations as u64))
    }

    /// Counts the calls that change memberships.
    pub(super) fn count_memberships(&self, alone: usize, batches: usize) {
        add(&self.user_changes, alone);
        add(&self.group_changes, batches);
    }

    pub(super) fn forecast(&self) -> Forecast {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Forecast {
            creates: count(&self.creates),
            user_changes: count(&self.user_changes),
            user_replacements: count(&self.user_replacements),
            group_changes: count(&self.group_changes),
            deletes: count(&self.deletes),
            bulk: self.in_one_request(),
        }
    }
}

fn add(counter: &AtomicU64, calls: usize) {
    counter.fetch_add(calls as u64, Ordering::Relaxed);
}

impl Worker {
    /// What carrying out `change` would come to.
    pub(super) async fn rehearse(
        &self,
        rehearsal: &Rehearsal,
        asked: &RequestedChange,
    ) -> RowProgress {
        let change = &asked.change;
        let lookup = match Box::pin(self.directory.find(&change.person, change)).await {
            Ok(lookup) => lookup,
            Err(error) => return self.not_found_out(&error).into(),
        };
        let planned = match (&change.ask, &lookup) {
            (Ask::Create(new_account), AccountLookup::Account(account)) => {
                match self
                    .would_be_taken(new_account, account, asked.repeats)
                    .await
                {
                    Ok(planned) => planned,
                    Err(outcome) => return outcome.into(),
                }
            }
            (Ask::Create(_), AccountLookup::Ambiguous { ids }) => {
                return self.would_be_unclear(ids.clone()).into();
            }
            _ => plan::plan(change, &lookup, &self.directory.teams),
        };
        match planned {
            PlannedOperation::Create(user) => {
                add(&rehearsal.creates, 1);
                rehearsal.weigh(|| Some(BulkOperation::create::<User>(&user)));
                self.would_create(&user).into()
            }
            PlannedOperation::Nothing { id } => {
                Outcome::new(Verdict::Unchanged).status(200).user(id).into()
            }
            PlannedOperation::Impossible(reason) => impossible(&reason).into(),
            PlannedOperation::Delete { id } => {
                let email = match &lookup {
                    AccountLookup::Account(account) => account.user_name(),
                    _ => None,
                };
                if self.protected.recognises(&id, email) {
                    return protected(&id, email).into();
                }
                add(&rehearsal.deletes, 1);
                self.directory.people.forget(&id);
                Outcome::new(Verdict::Deleted).user(id).into()
            }
            PlannedOperation::Patch(account_patch) => {
                if let Some(outcome) = self.spare(&account_patch) {
                    return outcome.into();
                }
                let pending = PendingPatch::new(asked.number, change.action, *account_patch);
                if pending.account_patch.operations.is_empty() {
                    return RowProgress::Memberships(Box::new(pending));
                }
                let counter = if self.settings.replace {
                    &rehearsal.user_replacements
                } else {
                    &rehearsal.user_changes
                };
                add(counter, 1);
                let account_patch = &pending.account_patch;
                rehearsal.weigh(|| {
                    BulkOperation::patch::<User>(&account_patch.before.id, &account_patch.patch())
                        .ok()
                });
                self.would_change(change.action, &pending.account_patch)
                    .into()
            }
        }
    }

    fn would_create(&self, user: &NewUser) -> Outcome {
        let teams = &self.directory.teams;
        // No node gives such an id; it only has to be different for each.
        let id = format!("{MADE_UP}{}", user.user_name().to_lowercase());
        self.directory.people.remember(&User {
            active: Some(user.active.unwrap_or(true)),
            ..user.account(id)
        });
        Outcome::new(Verdict::Created).differences(plan::of_newcomer(user, teams))
    }

    /// What a correction would come to.
    pub(super) fn would_change(&self, action: Action, account_patch: &AccountPatch) -> Outcome {
        self.remember(account_patch, &account_patch.after);
        Outcome::new(done(action))
            .user(account_patch.before.id.clone())
            .differences(plan::of_correction(account_patch, &self.directory.teams))
    }
}

/// How the id begins of an account that a rehearsal only remembers.
const MADE_UP: &str = "(new) ";

/// Whether there is no such account on the node.
pub(super) fn is_made_up(id: &str) -> bool {
    id.starts_with(MADE_UP)
}
