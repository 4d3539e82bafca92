//! What became of a row that may have been sent by an earlier run.

use super::create::{Create, Creation};
use super::journal::Before;
use super::outcome::{Outcome, Verdict, done, impossible};
use super::prior_state::{InDoubt, RequestedChange};
use super::row_progress::{PendingPatch, RowProgress};
use super::worker::Worker;
use crate::directory::AccountLookup;
use crate::plan::{PlannedOperation, adopt, plan};
use crate::roster::{Action, Ask};
use crate::scim::same_id;

impl Worker {
    /// Finds out what became of a row that may have been sent, where `lookup` is who is there now.
    /// Nothing if it is to be carried out like any other.
    pub(super) async fn resolve(
        &self,
        asked: &RequestedChange,
        doubt: &InDoubt,
        lookup: &AccountLookup,
    ) -> Option<RowProgress> {
        match (&doubt.before, lookup) {
            (Before::Nobody { made, proven, .. }, AccountLookup::Account(account)) => {
                let new_account = asked.change.new_account()?;
                let PlannedOperation::Create(user) = plan(
                    &asked.change,
                    &AccountLookup::NotFound,
                    &self.directory.teams,
                ) else {
                    return None;
                };
                let creation = if made.as_ref().is_some_and(|made| same_id(made, &account.id)) {
                    Creation::Created {
                        status: 200,
                        account: Some(account.clone()),
                        proven: *proven,
                        attempts: 0,
                    }
                } else {
                    let create = Create::new(self, &user, new_account, Some(doubt), None);
                    create.judge_found(account.clone()).await
                };
                // An upsert takes whoever is there for what it is.
                let others = matches!(creation, Creation::ConflictOutcome { .. });
                if others && asked.change.action != Action::Create {
                    return None;
                }
                Some(Box::pin(self.conclude(asked, &user, new_account, creation)).await)
            }
            (Before::Account(prior), AccountLookup::Account(account)) => {
                let planned = match &asked.change.ask {
                    Ask::Create(new_account) => adopt(new_account, account, &self.directory.teams),
                    _ => plan(&asked.change, lookup, &self.directory.teams),
                };
                let action = match asked.change.action {
                    Action::Create => Action::Update,
                    action => action,
                };
                match planned {
                    // There was something to change, and it is as asked now.
                    PlannedOperation::Nothing { id } if same_id(&prior.id, &id) => {
                        Some(Outcome::new(done(action)).status(200).user(id).into())
                    }
                    PlannedOperation::Patch(account_patch)
                        if asked.change.action == Action::Create =>
                    {
                        let pending = PendingPatch::new(asked.number, action, *account_patch);
                        Some(Box::pin(self.apply_patch(pending)).await)
                    }
                    PlannedOperation::Impossible(reason) => Some(impossible(&reason).into()),
                    _ => None,
                }
            }
            (Before::Deleted { id, .. }, AccountLookup::NotFound) => Some(
                Outcome::new(Verdict::Deleted)
                    .status(404)
                    .user(id.clone())
                    .into(),
            ),
            _ => None,
        }
    }
}
