//! What the node holds now: people and teams, looked up or listed, whichever costs fewer calls.
//!
//! Here belongs every question to the node about who and what is there. What follows from the
//! answers is for [`plan`](crate::plan); changing anything is for [`run`](crate::run).

mod account_lookup;
mod filter;
mod index;
mod known;
mod members;
mod missing;
mod people;
mod taken;
mod teams;

pub use account_lookup::AccountLookup;
pub(crate) use filter::other_case;
pub use members::MembershipCache;
pub use missing::{BadName, Expected, GroupRemark, NewName};
pub use people::People;
pub use teams::{TeamProblem, Teams};

use crate::roster::{Change, GroupName, Person};
use crate::scim::{Error, User};

/// What the node holds, as far as a run needs to know.
#[derive(Debug)]
pub struct Directory {
    /// The people.
    pub people: People,
    /// Teams and roles; none where no row names any.
    pub teams: Teams,
}

impl Directory {
    /// Finds the account of `person`, and what has to be known of it to plan `change`: where it does
    /// not show its groups, those that the change names are asked for their members.
    ///
    /// # Errors
    /// What can go wrong with a call.
    pub async fn find(&self, person: &Person, change: &Change) -> Result<AccountLookup, Error> {
        let mut holder = self.people.find(person).await?;
        if let AccountLookup::Account(account) = &mut holder {
            if !self.tells_groups(account, change) {
                account.groups = None;
            }
            self.see_memberships(account, change.groups()).await;
        }
        Ok(holder)
    }

    /// Whether the groups that an account shows are all of its groups, as far as that matters for `change`. Some nodes
    /// write names where ids belong, and some show an empty list whatever there is: until somebody was seen with a
    /// group, that is no reason to think that there is nothing to leave.
    fn tells_groups(&self, account: &User, change: &Change) -> bool {
        self.is_heard(account) || !change.leaves_groups()
    }

    /// Whether users of this node are known to show their groups, as far as this account shows any at all.
    fn is_heard(&self, account: &User) -> bool {
        let Some(groups) = &account.groups else {
            return true;
        };
        let any_known = groups.iter().any(|group| self.teams.has_id(&group.value));
        self.teams.membership_cache().are_told(any_known)
    }

    /// The same as [`see_memberships`](Self::see_memberships), but that the account shows no groups is not believed
    /// until a user was seen with one.
    pub async fn look_into_memberships(&self, account: &mut User, groups: &[GroupName]) {
        if !self.is_heard(account) {
            account.groups = None;
        }
        self.see_memberships(account, groups.iter()).await;
    }

    /// Makes sure that it is known, as far as the node tells, whether the account is in these groups.
    pub async fn see_memberships(
        &self,
        account: &User,
        groups: impl Iterator<Item = &GroupName> + Send,
    ) {
        if account.groups.is_some() {
            return;
        }
        for name in groups {
            if let Ok(group) = self.teams.resolve(name)
                && !self.teams.awaits(group)
            {
                self.teams
                    .membership_cache()
                    .read(self.people.client(), group)
                    .await;
            }
        }
    }
}
