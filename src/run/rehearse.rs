//! A run that changes nothing: everything is looked up and planned, and nothing is sent.
//!
//! What a row would do is done in memory, so that the next row of the person meets it.

use super::forecast::{MADE_UP, Rehearsal, add};
use super::outcome::{Outcome, Verdict, done, impossible, protected};
use super::prior_state::RequestedChange;
use super::row_progress::{PendingPatch, RowProgress};
use super::worker::Worker;
use crate::directory::AccountLookup;
use crate::plan::{self, AccountPatch, PlannedOperation};
use crate::roster::{Action, Ask};
use crate::scim::{BulkOperation, NewUser, User};

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
