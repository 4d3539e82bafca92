//! Rows of one person are carried out in the order of the file, one after the other.

use std::collections::{HashMap, VecDeque};

/// A lane for each name of a person who has a row on the way. A row that is not the first in each
/// of its lanes is parked; `R` is what it carries.
#[derive(Debug)]
pub(super) struct Lanes<R> {
    lanes: HashMap<String, VecDeque<u64>>,
    parked: HashMap<u64, Parked<R>>,
}

#[derive(Debug)]
struct Parked<R> {
    row: R,
    keys: Vec<String>,
    /// In how many of its lanes somebody is ahead.
    blocked: usize,
}

/// A row's place at the head of its lanes, to be given back when the row is done.
#[derive(Debug)]
pub(super) struct Ticket {
    row: u64,
    keys: Vec<String>,
}

impl<R> Default for Lanes<R> {
    fn default() -> Self {
        Lanes {
            lanes: HashMap::new(),
            parked: HashMap::new(),
        }
    }
}

impl<R> Lanes<R> {
    /// Enters the lanes of `keys`, behind those that entered before. Gives the row back if it may
    /// go at once. Each row has another number.
    pub(super) fn enter(&mut self, number: u64, keys: Vec<String>, row: R) -> Option<(Ticket, R)> {
        let mut keys = keys;
        keys.sort_unstable();
        keys.dedup();
        let mut blocked = 0;
        for key in &keys {
            let lane = self.lanes.entry(key.clone()).or_default();
            blocked += usize::from(!lane.is_empty());
            lane.push_back(number);
        }
        if blocked == 0 {
            return Some((Ticket { row: number, keys }, row));
        }
        self.parked.insert(number, Parked { row, keys, blocked });
        None
    }

    /// Takes a row that is done out of its lanes, and gives those that may go now.
    pub(super) fn leave(&mut self, ticket: &Ticket) -> Vec<(Ticket, R)> {
        let mut free = Vec::new();
        for key in &ticket.keys {
            let Some(lane) = self.lanes.get_mut(key) else {
                continue;
            };
            lane.retain(|row| *row != ticket.row);
            let Some(first) = lane.front().copied() else {
                self.lanes.remove(key);
                continue;
            };
            let Some(next) = self.parked.get_mut(&first) else {
                continue;
            };
            next.blocked -= 1;
            if next.blocked == 0
                && let Some(next) = self.parked.remove(&first)
            {
                let ticket = Ticket {
                    row: first,
                    keys: next.keys,
                };
                free.push((ticket, next.row));
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

    fn rows(free: Vec<(Ticket, &'static str)>) -> (Vec<Ticket>, Vec<&'static str>) {
        free.into_iter().unzip()
    }

    #[test]
    fn a_person_is_never_in_two_rows_at_once() {
        let mut lanes = Lanes::default();
        let (first, _) = lanes.enter(1, keys(&["ann"]), "first").unwrap();
        assert!(lanes.enter(2, keys(&["ann", "lee"]), "renamed").is_none());
        assert!(lanes.enter(3, keys(&["lee"]), "third").is_none());
        let (other, _) = lanes.enter(4, keys(&["bob"]), "other").unwrap();
        assert!(lanes.leave(&other).is_empty());
        let (mut tickets, free) = rows(lanes.leave(&first));
        assert_eq!(free, ["renamed"]);
        let (mut tickets, free) = rows(lanes.leave(&tickets.remove(0)));
        assert_eq!(free, ["third"]);
        assert!(lanes.leave(&tickets.remove(0)).is_empty());
        assert!(lanes.lanes.is_empty() && lanes.parked.is_empty());
    }

    #[test]
    fn a_row_waits_for_everybody_ahead_of_it() {
        let mut lanes = Lanes::default();
        let (ann, _) = lanes.enter(1, keys(&["ann"]), "ann").unwrap();
        let (lee, _) = lanes.enter(2, keys(&["lee"]), "lee").unwrap();
        assert!(lanes.enter(3, keys(&["ann", "lee"]), "both").is_none());
        assert!(lanes.leave(&lee).is_empty());
        assert_eq!(rows(lanes.leave(&ann)).1, ["both"]);
    }

    #[test]
    fn a_key_given_twice_does_not_wait_for_itself() {
        let mut lanes = Lanes::default();
        let (ticket, _) = lanes.enter(1, keys(&["ann", "ann"]), "ann").unwrap();
        assert!(lanes.leave(&ticket).is_empty());
        assert!(lanes.lanes.is_empty());
    }
}
