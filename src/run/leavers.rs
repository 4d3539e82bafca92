//! Who is leaving groups just now, other than by a change of the group itself: with their own account, or because the
//! account is deleted.
//!
//! Whoever counts the members of a group before and after a change of it ([`Watch`]) must not take those for people
//! whom the node has thrown out, and put them back.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::scim::same_id;

/// The leavers of a run, as far as anybody may ask: those on their way, and while somebody watches, those since then.
#[derive(Debug, Default)]
pub(super) struct Leavers {
    all: Mutex<All>,
}

#[derive(Debug, Default)]
struct All {
    next: u64,
    leavers: HashMap<u64, Leaver>,
    watches: usize,
}

#[derive(Debug)]
struct Leaver {
    user: String,
    leaves: Leaves,
    on_the_way: bool,
}

/// What somebody leaves.
#[derive(Debug, Clone)]
pub(super) enum Leaves {
    These(Vec<String>),
    Everything,
}

impl Leaves {
    fn is_about(&self, group: &str) -> bool {
        match self {
            Leaves::These(groups) => groups.iter().any(|left| same_id(left, group)),
            Leaves::Everything => true,
        }
    }
}

impl Leavers {
    /// Somebody is about to leave. It is over, one way or the other, when what this returns is dropped.
    pub(super) fn leave(&self, user: &str, leaves: Leaves) -> Leaving<'_> {
        let mut all = self.all();
        let key = all.next;
        all.next += 1;
        let user = user.to_owned();
        let on_the_way = true;
        all.leavers.insert(
            key,
            Leaver {
                user,
                leaves,
                on_the_way,
            },
        );
        Leaving { leavers: self, key }
    }

    /// Keeps in mind who leaves, until what this returns is dropped.
    pub(super) fn watch(&self) -> Watch<'_> {
        self.all().watches += 1;
        Watch { leavers: self }
    }

    fn all(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who is leaving.
pub(super) struct Leaving<'l> {
    leavers: &'l Leavers,
    key: u64,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        let mut all = self.leavers.all();
        if all.watches == 0 {
            all.leavers.remove(&self.key);
        } else if let Some(leaver) = all.leavers.get_mut(&self.key) {
            leaver.on_the_way = false;
        }
    }
}

/// Somebody who wants to know who leaves.
pub(super) struct Watch<'l> {
    leavers: &'l Leavers,
}

impl Watch<'_> {
    /// Whether the user has left the group since this began, or may have.
    pub(super) fn has_seen(&self, user: &str, group: &str) -> bool {
        let all = self.leavers.all();
        let mut leavers = all.leavers.values();
        leavers.any(|leaver| same_id(&leaver.user, user) && leaver.leaves.is_about(group))
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let mut all = self.leavers.all();
        all.watches -= 1;
        if all.watches == 0 {
            all.leavers.retain(|_, leaver| leaver.on_the_way);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_leaves_while_somebody_watches_is_seen_and_then_forgotten() {
        let leavers = Leavers::default();
        let sales = || Leaves::These(vec!["G1".into()]);
        drop(leavers.leave("early", sales()));
        let on_the_way = leavers.leave("a", sales());
        let watch = leavers.watch();
        drop(on_the_way);
        drop(leavers.leave("b", Leaves::Everything));
        for (user, group, seen) in [
            ("early", "g1", false),
            ("A", "g1", true),
            ("a", "g2", false),
            ("b", "g2", true),
        ] {
            assert_eq!(watch.has_seen(user, group), seen, "{user} {group}");
        }
        let late = leavers.leave("late", sales());
        drop(watch);
        assert_eq!(leavers.all().leavers.len(), 1);
        drop(late);
        assert!(leavers.all().leavers.is_empty());
    }
}
