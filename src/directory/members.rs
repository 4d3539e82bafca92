//! Who is in which group, as the groups themselves show it: for nodes that do not show it with the
//! users. RFC 7643, section 4.1.2, makes a user's `groups` something that a node may leave out.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;
use tracing::{debug, info};

use super::Directory;
use super::holder::Holder;
use super::teams::Teams;
use crate::roster::{Change, GroupName, Person};
use crate::scim::{Client, Error, Group, Members, User};

/// Who is in one group, once that was read; nothing where the group does not tell.
type Roll = Arc<OnceCell<Option<Mutex<HashSet<u64>>>>>;

/// Who is in the groups that were read, each read once and kept up with what the run changes.
#[derive(Debug, Default)]
pub(super) struct Rolls {
    groups: Mutex<HashMap<String, Roll>>,
    /// Ids are kept as hashes: a group may have very many.
    hasher: RandomState,
    shown: AtomicU8,
    /// Whether any user was seen with a group that is known.
    told: AtomicBool,
}

/// Whether groups show their members.
mod shown {
    pub(super) const UNKNOWN: u8 = 0;
    pub(super) const YES: u8 = 1;
    pub(super) const NO: u8 = 2;
}

impl Rolls {
    fn key(&self, user: &str) -> u64 {
        // Some nodes write an id now in upper and now in lower case.
        self.hasher.hash_one(user.to_ascii_lowercase())
    }

    fn roll(&self, group: &str) -> Roll {
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(groups.entry(group.to_owned()).or_default())
    }

    fn with<T>(&self, group: &str, work: impl FnOnce(&mut HashSet<u64>) -> T) -> Option<T> {
        let groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        let roll = Arc::clone(groups.get(group)?);
        drop(groups);
        let members = roll.get()?.as_ref()?;
        Some(work(
            &mut members.lock().unwrap_or_else(PoisonError::into_inner),
        ))
    }
}

impl Directory {
    /// Finds the account of `person`, and what has to be known of it to plan `change`: where it does
    /// not show its groups, those that the change names are asked for their members.
    ///
    /// # Errors
    /// What can go wrong with a call.
    pub async fn find(&self, person: &Person, change: &Change) -> Result<Holder, Error> {
        let mut holder = self.people.find(person).await?;
        if let Holder::Account(account) = &mut holder {
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
        if any_known {
            self.teams.rolls.told.store(true, Ordering::Relaxed);
        }
        any_known || self.teams.rolls.told.load(Ordering::Relaxed)
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
                self.teams.read_members(self.people.client(), group).await;
            }
        }
    }
}

impl Teams {
    /// Whether the user is in the group, as far as that was read.
    #[must_use]
    pub fn is_in(&self, user: &str, group: &str) -> Option<bool> {
        let key = self.rolls.key(user);
        self.rolls.with(group, |members| members.contains(&key))
    }

    /// Reads who is in the group, once. A group that cannot be read is asked for again.
    async fn read_members(&self, client: &Client, group: &str) {
        let roll = self.rolls.roll(group);
        let read = roll.get_or_try_init(async || {
            let group = match client.group(group).await {
                Ok(reply) => reply.value.ok_or(())?,
                Err(error) => {
                    debug!(group, %error, "the members of a group cannot be read");
                    return Err(());
                }
            };
            let members = self.members_told(&group);
            let keys = |members: Members| members.ids().map(|id| self.rolls.key(id)).collect();
            Ok::<_, ()>(members.map(|members| Mutex::new(keys(members))))
        });
        // Whoever is not known to be in a group is put into it, or taken out of it.
        let _ = read.await;
    }

    /// As [`members_of`](Self::members_of), but that a group has no members is believed only of a node of which some
    /// group has shown any: nobody is to stay in a team because the node does not say that they are.
    fn members_told(&self, group: &Group) -> Option<Members> {
        let members = self.members_of(group)?;
        (group.members.is_some() || self.has_shown_members()).then_some(members)
    }

    /// The ids of those whom the group shows. A group without `members` has none (RFC 7643, section
    /// 2.5), unless the node is known to leave members out.
    #[must_use]
    pub fn members_of(&self, group: &Group) -> Option<Members> {
        match &group.members {
            Some(members) => {
                self.rolls.shown.store(shown::YES, Ordering::Relaxed);
                Some(members.iter().map(|member| member.value.clone()).collect())
            }
            None if self.rolls.shown.load(Ordering::Relaxed) == shown::NO => None,
            None => Some(Members::default()),
        }
    }

    /// Whether any group has shown members.
    #[must_use]
    pub fn has_shown_members(&self) -> bool {
        self.rolls.shown.load(Ordering::Relaxed) == shown::YES
    }

    /// It is known that groups show their members.
    pub fn members_were_shown(&self) {
        self.rolls.shown.store(shown::YES, Ordering::Relaxed);
    }

    /// The same of a group that somebody was put into: if it shows nobody, as no group has done so
    /// far, then the node leaves members out.
    #[must_use]
    pub fn members_after_joining(&self, group: &Group) -> Option<Members> {
        let first = group.members.is_none()
            && self
                .rolls
                .shown
                .compare_exchange(
                    shown::UNKNOWN,
                    shown::NO,
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                )
                .is_ok();
        if first {
            info!("the node does not show the members of groups; its word has to do");
        }
        self.members_of(group)
    }

    /// Somebody has joined and left groups.
    pub fn note_memberships(&self, user: &str, joined: &[String], left: &[String]) {
        let key = self.rolls.key(user);
        for group in joined {
            self.rolls
                .with(self.now(group), |members| members.insert(key));
        }
        for group in left {
            self.rolls
                .with(self.now(group), |members| members.remove(&key));
        }
    }
}
