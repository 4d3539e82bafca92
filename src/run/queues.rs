//! Memberships that go with their groups: a queue for each group, from which full batches leave.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::mem;

/// A queue for each group; `M` is a membership to change. A batch leaves when it is full, and what is left of a queue when
/// no row may add to it any more: so it makes no more batches to send them early. One group's batches are on their way one
/// after the other.
#[derive(Debug)]
pub(super) struct GroupQueues<M> {
    batch: usize,
    queues: BTreeMap<String, Vec<M>>,
    /// How many rows that were read may still add to the queue of a group.
    expected: HashMap<String, usize>,
    /// The groups whose batches are on their way.
    busy: HashSet<String>,
}

/// Batches of one group.
pub(super) type Batches<M> = (String, Vec<Vec<M>>);

impl<M> GroupQueues<M> {
    pub(super) fn new(batch: usize) -> Self {
        GroupQueues {
            batch: batch.max(1),
            queues: BTreeMap::new(),
            expected: HashMap::new(),
            busy: HashSet::new(),
        }
    }

    /// A row was read that names this group.
    pub(super) fn expect(&mut self, group: &str) {
        *self.expected.entry(group.to_owned()).or_default() += 1;
    }

    /// A row that was expected has added to the queue what it had to add.
    pub(super) fn came(&mut self, group: &str) {
        if let Some(rows) = self.expected.get_mut(group) {
            *rows -= 1;
            if *rows == 0 {
                self.expected.remove(group);
            }
        }
    }

    /// Whether no row that was read may still add to the queue.
    pub(super) fn is_complete(&self, group: &str) -> bool {
        !self.expected.contains_key(group)
    }

    pub(super) fn put(&mut self, group: &str, membership: M) {
        match self.queues.get_mut(group) {
            Some(queue) => queue.push(membership),
            None => drop(self.queues.insert(group.to_owned(), vec![membership])),
        }
    }

    /// The batches of a group that leave now: full ones, and if nobody else is to come, the last one.
    pub(super) fn leave(&mut self, group: &str, is_last: bool) -> Option<Batches<M>> {
        if self.busy.contains(group) {
            return None;
        }
        let queue = self.queues.get_mut(group)?;
        let stay = if is_last { 0 } else { queue.len() % self.batch };
        if queue.len() == stay {
            return None;
        }
        let rest = queue.split_off(queue.len() - stay);
        let mut leaving = mem::replace(queue, rest);
        if stay == 0 {
            self.queues.remove(group);
        }
        let mut batches = Vec::new();
        while !leaving.is_empty() {
            let rest = leaving.split_off(self.batch.min(leaving.len()));
            batches.push(mem::replace(&mut leaving, rest));
        }
        self.busy.insert(group.to_owned());
        Some((group.to_owned(), batches))
    }

    /// What `leave` gave was sent.
    pub(super) fn sent(&mut self, group: &str) {
        self.busy.remove(group);
    }

    /// The groups in whose queue there is such a membership.
    pub(super) fn groups_with(&self, is_such: impl Fn(&M) -> bool) -> Vec<String> {
        let queues = self.queues.iter();
        let those = queues.filter(|(_, queue)| queue.iter().any(&is_such));
        those.map(|(group, _)| group.clone()).collect()
    }

    /// All that wait.
    pub(super) fn iter(&self) -> impl Iterator<Item = &M> {
        self.queues.values().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_batches_leave_at_once_and_the_rest_when_nobody_else_may_come() {
        let mut queues = GroupQueues::new(2);
        for _ in 0..4 {
            queues.expect("a");
        }
        queues.put("a", 1);
        assert_eq!(queues.leave("a", false), None);
        queues.put("a", 2);
        queues.put("a", 3);
        assert_eq!(
            queues.leave("a", false),
            Some(("a".into(), vec![vec![1, 2]]))
        );
        for _ in 0..3 {
            queues.came("a");
            assert!(!queues.is_complete("a"));
        }
        queues.came("a");
        assert!(queues.is_complete("a"));
        assert_eq!(queues.leave("a", true), None, "a batch is on its way");
        queues.sent("a");
        assert_eq!(queues.leave("a", true), Some(("a".into(), vec![vec![3]])));
        assert_eq!(queues.iter().count(), 0);
        assert!(queues.groups_with(|_| true).is_empty());
    }

    #[test]
    fn groups_do_not_wait_for_each_other() {
        let mut queues = GroupQueues::new(10);
        queues.expect("b");
        queues.put("a", 1);
        queues.put("b", 2);
        assert!(queues.is_complete("a") && !queues.is_complete("b"));
        assert_eq!(queues.leave("a", true), Some(("a".into(), vec![vec![1]])));
        assert_eq!(queues.groups_with(|one| *one == 2), ["b"]);
        assert_eq!(queues.leave("c", true), None);
    }
}
