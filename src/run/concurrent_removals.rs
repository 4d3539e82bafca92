//! Who is leaving groups just now, other than by a change of the group itself: with their own account, or because the
//! account is deleted.
//!
//! Whoever counts the members of a group before and after a change of it ([`RemovalWatch`]) must not take those for people
//! whom the node has thrown out, and put them back.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::scim::same_id;

/// The leavers of a run, as far as anybody may ask: those on their way, and while somebody watches, those since then.
#[derive(Debug, Default)]
pub(super) struct ConcurrentRemovals {
    all: Mutex<All>,
}

#[derive(Debug, Default)]
struct All {
    next: u64,
    removals: HashMap<u64, Removal>,
    watches: usize,
}

#[derive(Debug)]
struct Removal {
    user: String,
    leaves: RemovedFrom,
    on_the_way: bool,
}

/// What somebody leaves.
#[derive(Debug, Clone)]
pub(super) enum RemovedFrom {
    These(Vec<String>),
    Everything,
}

impl RemovedFrom {
    fn is_about(&self, group: &str) -> bool {
        match self {
            RemovedFrom::These(groups) => groups.iter().any(|left| same_id(left, group)),
            RemovedFrom::Everything => true,
        }
    }
}

impl ConcurrentRemovals {
    /// Somebody is about to leave. It is over, one way or the other, when what this returns is dropped.
    pub(super) fn leave(&self, user: &str, leaves: RemovedFrom) -> RemovalGuard<'_> {
        let mut all = self.all();
        let key = all.next;
        all.next += 1;
        let user = user.to_owned();
        let on_the_way = true;
        all.removals.insert(
            key,
            Removal {
                user,
                leaves,
                on_the_way,
            },
        );
        RemovalGuard {
            removals: self,
            key,
        }
    }

    /// Keeps in mind who leaves, until what this returns is dropped.
    pub(super) fn watch(&self) -> RemovalWatch<'_> {
        self.all().watches += 1;
        RemovalWatch { removals: self }
    }

    fn all(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who is leaving.
pub(super) struct RemovalGuard<'l> {
    removals: &'l ConcurrentRemovals,
    key: u64,
}

impl Drop for RemovalGuard<'_> {
    fn drop(&mut self) {
        let mut all = self.removals.all();
        if all.watches == 0 {
            all.removals.remove(&self.key);
        } else if let Some(removal) = all.removals.get_mut(&self.key) {
            removal.on_the_way = false;
        }
    }
}

/// Somebody who wants to know who leaves.
pub(super) struct RemovalWatch<'l> {
    removals: &'l ConcurrentRemovals,
}

impl RemovalWatch<'_> {
    /// Whether the user has left the group since this began, or may have.
    pub(super) fn has_seen(&self, user: &str, group: &str) -> bool {
        let all = self.removals.all();
        let mut removals = all.removals.values();
        removals.any(|removal| same_id(&removal.user, user) && removal.leaves.is_about(group))
    }
}

impl Drop for RemovalWatch<'_> {
    fn drop(&mut self) {
        let mut all = self.removals.all();
        all.watches -= 1;
        if all.watches == 0 {
            all.removals.retain(|_, removal| removal.on_the_way);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_leaves_while_somebody_watches_is_seen_and_then_forgotten() {
        let removals = ConcurrentRemovals::default();
        let sales = || RemovedFrom::These(vec!["G1".into()]);
        drop(removals.leave("early", sales()));
        let on_the_way = removals.leave("a", sales());
        let watch = removals.watch();
        drop(on_the_way);
        drop(removals.leave("b", RemovedFrom::Everything));
        for (user, group, seen) in [
            ("early", "g1", false),
            ("A", "g1", true),
            ("a", "g2", false),
            ("b", "g2", true),
        ] {
            assert_eq!(watch.has_seen(user, group), seen, "{user} {group}");
        }
        let late = removals.leave("late", sales());
        drop(watch);
        assert_eq!(removals.all().removals.len(), 1);
        drop(late);
        assert!(removals.all().removals.is_empty());
    }
}
