//! Rows of one person are carried out in the order of the file, one after the other.

use std::collections::{HashMap, VecDeque};

/// A queue for each name of a person who has a row on the way. A row that is not the first in each
/// of its queues is parked; `R` is what a row carries.
#[derive(Debug)]
pub(super) struct KeyedQueue<R> {
    queues: HashMap<String, VecDeque<u64>>,
    parked: HashMap<u64, Parked<R>>,
}

#[derive(Debug)]
struct Parked<R> {
    row: R,
    keys: Vec<String>,
    /// In how many of its queues somebody is ahead.
    blocked: usize,
}

/// A row's place at the head of its queues, to be given back when the row is done.
#[derive(Debug)]
pub(super) struct QueueGuard {
    row: u64,
    keys: Vec<String>,
}

impl<R> Default for KeyedQueue<R> {
    fn default() -> Self {
        KeyedQueue {
            queues: HashMap::new(),
            parked: HashMap::new(),
        }
    }
}

impl<R> KeyedQueue<R> {
    /// Enters the queues of `keys`, behind those that entered before. Gives the row back if it may
    /// go at once. Each row has another number.
    pub(super) fn enter(
        &mut self,
        number: u64,
        keys: Vec<String>,
        row: R,
    ) -> Option<(QueueGuard, R)> {
        let mut keys = keys;
        keys.sort_unstable();
        keys.dedup();
        let mut blocked = 0;
        for key in &keys {
            let queue = self.queues.entry(key.clone()).or_default();
            blocked += usize::from(!queue.is_empty());
            queue.push_back(number);
        }
        if blocked == 0 {
            return Some((QueueGuard { row: number, keys }, row));
        }
        self.parked.insert(number, Parked { row, keys, blocked });
        None
    }

    /// Takes a row that is done out of its queues, and gives those that may go now.
    pub(super) fn leave(&mut self, guard: &QueueGuard) -> Vec<(QueueGuard, R)> {
        let mut free = Vec::new();
        for key in &guard.keys {
            let Some(queue) = self.queues.get_mut(key) else {
                continue;
            };
            queue.retain(|row| *row != guard.row);
            let Some(first) = queue.front().copied() else {
                self.queues.remove(key);
                continue;
            };
            let Some(next) = self.parked.get_mut(&first) else {
                continue;
            };
            next.blocked -= 1;
            if next.blocked == 0
                && let Some(next) = self.parked.remove(&first)
            {
                let guard = QueueGuard {
                    row: first,
                    keys: next.keys,
                };
                free.push((guard, next.row));
            }
        }
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(keys: &[&str]) -> Vec<String> {
        keys.iter().map(|key| (*key).to_owned()).collect()
    }

    fn rows(free: Vec<(QueueGuard, &'static str)>) -> (Vec<QueueGuard>, Vec<&'static str>) {
        free.into_iter().unzip()
    }

    #[test]
    fn a_person_is_never_in_two_rows_at_once() {
        let mut queues = KeyedQueue::default();
        let (first, _) = queues.enter(1, keys(&["ann"]), "first").unwrap();
        assert!(queues.enter(2, keys(&["ann", "lee"]), "renamed").is_none());
        assert!(queues.enter(3, keys(&["lee"]), "third").is_none());
        let (other, _) = queues.enter(4, keys(&["bob"]), "other").unwrap();
        assert!(queues.leave(&other).is_empty());
        let (mut guards, free) = rows(queues.leave(&first));
        assert_eq!(free, ["renamed"]);
        let (mut guards, free) = rows(queues.leave(&guards.remove(0)));
        assert_eq!(free, ["third"]);
        assert!(queues.leave(&guards.remove(0)).is_empty());
        assert!(queues.queues.is_empty() && queues.parked.is_empty());
    }

    #[test]
    fn a_row_waits_for_everybody_ahead_of_it() {
        let mut queues = KeyedQueue::default();
        let (ann, _) = queues.enter(1, keys(&["ann"]), "ann").unwrap();
        let (lee, _) = queues.enter(2, keys(&["lee"]), "lee").unwrap();
        assert!(queues.enter(3, keys(&["ann", "lee"]), "both").is_none());
        assert!(queues.leave(&lee).is_empty());
        assert_eq!(rows(queues.leave(&ann)).1, ["both"]);
    }

    #[test]
    fn a_key_given_twice_does_not_wait_for_itself() {
        let mut queues = KeyedQueue::default();
        let (guard, _) = queues.enter(1, keys(&["ann", "ann"]), "ann").unwrap();
        assert!(queues.leave(&guard).is_empty());
        assert!(queues.queues.is_empty());
    }
}
