//! Whether an account that exists is what a row for a new person asks for.

use super::confirm::is_alike;
use super::forecast::is_made_up;
use super::ownership::Likeness;
use super::worker::Worker;
use crate::plan::{Difference, PlannedOperation, adopt, of_correction};
use crate::roster::NewAccount;
use crate::scim::User;

/// When an account that was found is read by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    /// Before a difference counts: a list may show it in short.
    IfItDiffers,
    /// In any case.
    Always,
}

/// An account that was compared with what a row asks for.
#[derive(Debug)]
pub(super) struct Compared {
    pub(super) likeness: Likeness,
    /// The account by itself, if it was read.
    pub(super) shown: Option<User>,
}

impl From<Likeness> for Compared {
    fn from(likeness: Likeness) -> Self {
        Compared {
            likeness,
            shown: None,
        }
    }
}

impl Worker {
    /// Compares an account with what a row asks for.
    pub(super) async fn compare(
        &self,
        new_account: &NewAccount,
        account: &User,
        read: Read,
    ) -> Compared {
        // What the row leaves to the program is no difference.
        let new_account = new_account.as_named();
        self.directory
            .see_memberships(account, new_account.join.iter())
            .await;
        let listed = self.likeness(&new_account, account);
        let is_enough = listed == Likeness::Alike && read == Read::IfItDiffers;
        if is_enough || is_made_up(&account.id) {
            return listed.into();
        }
        let why = match self.client.user(&account.id).await.map(|reply| reply.value) {
            Ok(Some(shown)) => {
                let mut whole = shown.clone();
                let groups = &new_account.join;
                self.directory
                    .look_into_memberships(&mut whole, groups)
                    .await;
                return Compared {
                    likeness: self.likeness(&new_account, &whole),
                    shown: Some(shown),
                };
            }
            Ok(None) => "it cannot be read by its id (HTTP 404)".to_owned(),
            Err(error) => error.to_string(),
        };
        match listed {
            // What is not shown may only be left out.
            Likeness::Differs(mut differences) => {
                differences.retain(|each| !each.before.is_empty());
                if differences.is_empty() {
                    Likeness::Unseen(why).into()
                } else {
                    Likeness::Differs(differences).into()
                }
            }
            other => other.into(),
        }
    }

    fn likeness(&self, new_account: &NewAccount, account: &User) -> Likeness {
        let teams = &self.directory.teams;
        // An account that is not shown as locked is not, as far as the node says; one that is to be locked has to be.
        let lock_unseen = new_account.active == Some(false) && account.active.is_none();
        let account = User {
            active: account.active.or(new_account.active),
            ..account.clone()
        };
        let account_patch = match adopt(new_account, &account, teams) {
            PlannedOperation::Patch(account_patch) => Some(account_patch),
            PlannedOperation::Impossible(reason) => return Likeness::Unseen(reason.to_string()),
            _ => None,
        };
        let groups_unseen = account_patch
            .as_ref()
            .is_some_and(|account_patch| !account_patch.memberships_seen);
        let mut differences = account_patch.map_or_else(Vec::new, |account_patch| {
            of_correction(&account_patch, teams)
        });
        differences.retain(|each: &Difference| {
            let is_unseen = groups_unseen && each.is_membership();
            !is_unseen && !is_alike(&each.after, &each.before)
        });
        match (differences.is_empty(), groups_unseen, lock_unseen) {
            (false, ..) => Likeness::Differs(differences),
            (_, true, _) => Likeness::Unseen("the node does not show its teams".to_owned()),
            (_, _, true) => {
                Likeness::Unseen("the node does not show whether it is locked".to_owned())
            }
            _ => Likeness::Alike,
        }
    }
}
