//! Rows of which only memberships are left, until they leave: on their own, or in batches by group.
//!
//! As many calls are sent as if all rows had waited for each other, only sooner. Where memberships go with the group, groups
//! have nothing to do with each other. Where they may go with the user as well, who goes alone depends on everybody who
//! is in the same groups: so only a group whose people are in no other leaves before all rows are there.

use std::collections::{BTreeSet, HashSet};
use std::mem;
use std::sync::Arc;

use super::WINDOW;
use super::ask::{Ask, Member};
use super::batch::GroupBatches;
use super::joint::Joint;
use super::queues::{Batches, GroupQueues};
use crate::plan::{Memberships, alone};

/// Rows that were set aside.
pub(super) struct Pool {
    batch: usize,
    /// Those of which it is open whether they go alone.
    rows: Vec<Joint>,
    /// Memberships of those that do not.
    pub(super) queues: GroupQueues<Ask>,
    /// Whether a row was ever set aside.
    pub(super) is_used: bool,
}

/// What leaves.
pub(super) struct Flush {
    /// Rows that go on their own.
    pub(super) alone: Vec<Joint>,
    /// Batches, by group.
    pub(super) groups: Vec<GroupBatches>,
}

impl Pool {
    /// `batch`: how many people go together.
    pub(super) fn new(batch: usize) -> Self {
        Pool {
            batch,
            rows: Vec::new(),
            queues: GroupQueues::new(batch),
            is_used: false,
        }
    }

    pub(super) fn put(&mut self, joint: Joint) {
        self.is_used = true;
        self.rows.push(joint);
    }

    /// The sequence of the oldest row.
    pub(super) fn oldest(&self) -> Option<u64> {
        let rows = self.rows.iter().map(|joint| joint.sequence);
        let queued = self.queues.iter().map(|ask| ask.member.sequence);
        rows.chain(queued).min()
    }

    /// The groups that those who were set aside join or leave.
    pub(super) fn groups(&self) -> BTreeSet<String> {
        let rows = self.rows.iter().flat_map(Joint::groups).cloned();
        rows.chain(self.queues.groups_with(|_| true)).collect()
    }

    /// What of a group need not wait for others. `over`: no further row is read; `by_group`: memberships go with the group
    /// only.
    pub(super) fn ripe(&mut self, group: &str, over: bool, by_group: bool) -> Flush {
        let is_last = over && self.queues.is_complete(group);
        let is_in = |joint: &Joint| joint.groups().any(|each| each == group);
        let is_in_others = |joint: &Joint| joint.groups().any(|each| each != group);
        let mut rows = self.rows.iter();
        let rows = if by_group {
            mem::take(&mut self.rows)
        } else if is_last && !rows.any(|row| is_in(row) && is_in_others(row)) {
            self.rows.extract_if(.., |row| is_in(row)).collect()
        } else {
            Vec::new()
        };
        let alone = self.queue(rows, by_group);
        let batches = self.queues.leave(group, is_last);
        Flush::new(alone, batches)
    }

    /// Everything; if more rows are `to_come`, the newest wait for a full batch, and groups that only newer rows name wait
    /// for more of them.
    pub(super) fn all(&mut self, to_come: bool, by_group: bool) -> Flush {
        let half = self.oldest().unwrap_or(0) + WINDOW as u64 / 2;
        let until = if to_come && by_group { half } else { u64::MAX };
        let mut rows = mem::take(&mut self.rows);
        rows.sort_unstable_by_key(|joint| joint.sequence);
        if to_come && rows.len() > self.batch {
            self.rows = rows.split_off(rows.len() - rows.len() % self.batch);
        }
        let alone = self.queue(rows, by_group);
        let groups = self.queues.groups_with(|ask| ask.member.sequence < until);
        let batches: Vec<_> = groups
            .into_iter()
            .filter_map(|group| self.queues.leave(&group, true))
            .collect();
        Flush::new(alone, batches)
    }

    /// Queues the memberships of rows for their groups; those that go alone come back.
    fn queue(&mut self, rows: Vec<Joint>, by_group: bool) -> Vec<Joint> {
        let people = rows.iter().map(|joint| Memberships {
            join: &joint.memberships.correction.join,
            leave: &joint.memberships.correction.leave,
        });
        let places = if by_group {
            Vec::new()
        } else {
            alone(&people.collect::<Vec<_>>(), self.batch)
        };
        let places: HashSet<usize> = places.into_iter().collect();
        let mut apart = Vec::new();
        for (place, joint) in rows.into_iter().enumerate() {
            if places.contains(&place) {
                apart.push(joint);
                continue;
            }
            let correction = &joint.memberships.correction;
            let joins = correction.join.iter().map(|group| (group.clone(), true));
            let leaves = correction.leave.iter().map(|group| (group.clone(), false));
            let groups: Vec<(String, bool)> = joins.chain(leaves).collect();
            let member = Arc::new(Member::new(joint));
            for (group, joins) in groups {
                self.queues
                    .put(&group, Ask::new(Arc::clone(&member), joins));
            }
        }
        apart
    }
}

impl Flush {
    fn new(alone: Vec<Joint>, batches: impl IntoIterator<Item = Batches<Ask>>) -> Self {
        let groups = batches.into_iter();
        Flush {
            alone,
            groups: groups
                .map(|(group, batches)| GroupBatches { group, batches })
                .collect(),
        }
    }

    /// One row that goes on its own.
    pub(super) fn alone(joint: Joint) -> Self {
        Flush::new(vec![joint], None)
    }

    /// They are sent from now on: that they waited for others says nothing of how long they take.
    pub(super) fn begin(&mut self) {
        for joint in &mut self.alone {
            joint.place.begin();
        }
        let batches = self.groups.iter().flat_map(|group| &group.batches);
        batches.flatten().for_each(|ask| ask.member.begin());
    }

    /// How many batches there are.
    pub(super) fn calls(&self) -> usize {
        self.groups.iter().map(|group| group.batches.len()).sum()
    }

    /// The rows, whichever way they would go, without those that somebody had before.
    pub(super) fn into_rows(self) -> Vec<Joint> {
        let asks = self.groups.into_iter().flat_map(|group| group.batches);
        let batched = asks.flatten().filter_map(|ask| ask.member.take());
        let mut rows = self.alone;
        rows.extend(batched);
        rows
    }
}
