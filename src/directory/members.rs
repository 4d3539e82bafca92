//! Who is in which group, as the groups themselves show it: for nodes that do not show it with the
//! users. RFC 7643, section 4.1.2, makes a user's `groups` something that a node may leave out.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;
use tracing::{debug, info};

use crate::scim::{Client, Group, Members};

/// Who is in one group, once that was read; nothing where the group does not tell.
type CachedMembers = Arc<OnceCell<Option<Mutex<HashSet<u64>>>>>;

/// Who is in the groups that were read, each read once and kept up with what the run changes.
#[derive(Debug, Default)]
pub struct MembershipCache {
    groups: Mutex<HashMap<String, CachedMembers>>,
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

impl MembershipCache {
    fn key(&self, user: &str) -> u64 {
        // Some nodes write an id now in upper and now in lower case.
        self.hasher.hash_one(user.to_ascii_lowercase())
    }

    fn cached(&self, group: &str) -> CachedMembers {
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(groups.entry(group.to_owned()).or_default())
    }

    fn with<T>(&self, group: &str, work: impl FnOnce(&mut HashSet<u64>) -> T) -> Option<T> {
        let groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        let cached = Arc::clone(groups.get(group)?);
        drop(groups);
        let members = cached.get()?.as_ref()?;
        Some(work(
            &mut members.lock().unwrap_or_else(PoisonError::into_inner),
        ))
    }

    /// Whether any user was seen with a group that is known, or is `now`.
    pub(super) fn are_told(&self, now: bool) -> bool {
        self.told.fetch_or(now, Ordering::Relaxed) || now
    }

    /// Whether the user is in the group, as far as that was read.
    #[must_use]
    pub fn is_in(&self, user: &str, group: &str) -> Option<bool> {
        let key = self.key(user);
        self.with(group, |members| members.contains(&key))
    }

    /// Reads who is in the group, once. A group that cannot be read is asked for again.
    pub(super) async fn read(&self, client: &Client, group: &str) {
        let cached = self.cached(group);
        let read = cached.get_or_try_init(async || {
            let group = match client.group(group).await {
                Ok(reply) => reply.value.ok_or(())?,
                Err(error) => {
                    debug!(group, %error, "the members of a group cannot be read");
                    return Err(());
                }
            };
            let members = self.members_told(&group);
            let keys = |members: Members| members.ids().map(|id| self.key(id)).collect();
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
                self.shown.store(shown::YES, Ordering::Relaxed);
                Some(members.iter().map(|member| member.value.clone()).collect())
            }
            None if self.shown.load(Ordering::Relaxed) == shown::NO => None,
            None => Some(Members::default()),
        }
    }

    /// Whether any group has shown members.
    #[must_use]
    pub fn has_shown_members(&self) -> bool {
        self.shown.load(Ordering::Relaxed) == shown::YES
    }

    /// It is known that groups show their members.
    pub fn members_were_shown(&self) {
        self.shown.store(shown::YES, Ordering::Relaxed);
    }

    /// The same of a group that somebody was put into: if it shows nobody, as no group has done so
    /// far, then the node leaves members out.
    #[must_use]
    pub fn members_after_joining(&self, group: &Group) -> Option<Members> {
        let first = group.members.is_none()
            && self
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
    pub(super) fn note<'g>(
        &self,
        user: &str,
        joined: impl Iterator<Item = &'g str>,
        left: impl Iterator<Item = &'g str>,
    ) {
        let key = self.key(user);
        for group in joined {
            self.with(group, |members| members.insert(key));
        }
        for group in left {
            self.with(group, |members| members.remove(&key));
        }
    }
}
