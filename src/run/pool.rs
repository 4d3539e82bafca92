//! Rows of which only memberships are left, until they leave: on their own, or in batches by group.
//!
//! As many calls are sent as if all rows had waited for each other, only sooner. Where memberships go with the group, groups
//! have nothing to do with each other. Where they may go with the user as well, who goes alone depends on everybody who
//! is in the same groups: so only a group whose people are in no other leaves before all rows are there.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::mem;

use super::WINDOW;
use super::batch::Batch;
use super::memberships::{MembershipOperation, MembershipProgress, MembershipRow};
use super::queues::{Batches, GroupQueues};
use super::rows::Sequence;
use crate::plan::{Memberships, alone};

/// Rows that were set aside.
pub(super) struct Pool {
    batch: usize,
    /// Those of which it is open whether they go alone.
    rows: Vec<MembershipRow>,
    /// Memberships of those that do not, until they leave.
    pub(super) queues: GroupQueues<MembershipOperation>,
    /// Those that do not, until the last of their memberships has ended.
    pub(super) progress: HashMap<Sequence, MembershipProgress>,
    /// Whether a row was ever set aside.
    pub(super) is_used: bool,
}

/// What leaves.
pub(super) struct Flush {
    /// Rows that go on their own.
    pub(super) alone: Vec<MembershipRow>,
    /// Batches, by group.
    pub(super) groups: Vec<(String, Vec<Batch>)>,
}

impl Pool {
    /// `batch`: how many people go together.
    pub(super) fn new(batch: usize) -> Self {
        Pool {
            batch,
            rows: Vec::new(),
            queues: GroupQueues::new(batch),
            progress: HashMap::new(),
            is_used: false,
        }
    }

    pub(super) fn put(&mut self, row: MembershipRow) {
        self.is_used = true;
        self.rows.push(row);
    }

    /// The sequence of the oldest row that has not left.
    pub(super) fn oldest(&self) -> Option<Sequence> {
        let rows = self.rows.iter().map(|row| row.sequence);
        let queued = self.queues.iter().map(|operation| operation.sequence);
        rows.chain(queued).min()
    }

    /// The groups that those who were set aside join or leave.
    pub(super) fn groups(&self) -> BTreeSet<String> {
        let rows = self.rows.iter().flat_map(MembershipRow::groups).cloned();
        rows.chain(self.queues.groups_with(|_| true)).collect()
    }

    /// What of a group need not wait for others. `over`: no further row is read; `by_group`: memberships go with the group
    /// only.
    pub(super) fn ripe(&mut self, group: &str, over: bool, by_group: bool) -> Flush {
        let is_last = over && self.queues.is_complete(group);
        let is_in = |row: &MembershipRow| row.groups().any(|each| each == group);
        let is_in_others = |row: &MembershipRow| row.groups().any(|each| each != group);
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
        rows.sort_unstable_by_key(|row| row.sequence);
        if to_come && rows.len() > self.batch {
            self.rows = rows.split_off(rows.len() - rows.len() % self.batch);
        }
        let alone = self.queue(rows, by_group);
        let groups = self
            .queues
            .groups_with(|operation| operation.sequence < until);
        let batches: Vec<_> = groups
            .into_iter()
            .filter_map(|group| self.queues.leave(&group, true))
            .collect();
        Flush::new(alone, batches)
    }

    /// Queues the memberships of rows for their groups; those that go alone come back.
    fn queue(&mut self, rows: Vec<MembershipRow>, by_group: bool) -> Vec<MembershipRow> {
        let people = rows.iter().map(|row| Memberships {
            join: &row.pending.account_patch.join,
            leave: &row.pending.account_patch.leave,
        });
        let places = if by_group {
            Vec::new()
        } else {
            alone(&people.collect::<Vec<_>>(), self.batch)
        };
        let places: HashSet<usize> = places.into_iter().collect();
        let mut apart = Vec::new();
        for (place, row) in rows.into_iter().enumerate() {
            if places.contains(&place) {
                apart.push(row);
                continue;
            }
            let account_patch = &row.pending.account_patch;
            let joins = account_patch.join.iter().map(|group| (group, true));
            let leaves = account_patch.leave.iter().map(|group| (group, false));
            for (group, joins) in joins.chain(leaves) {
                let operation = MembershipOperation {
                    sequence: row.sequence,
                    user: account_patch.before.id.clone(),
                    joins,
                };
                self.queues.put(group, operation);
            }
            let sequence = row.sequence;
            self.progress.insert(sequence, MembershipProgress::new(row));
        }
        apart
    }
}

impl Flush {
    fn new(
        alone: Vec<MembershipRow>,
        batches: impl IntoIterator<Item = Batches<MembershipOperation>>,
    ) -> Self {
        let groups = batches.into_iter().map(|(group, batches)| {
            let batches = batches.into_iter();
            let batches = batches.map(|operations| Batch::new(group.clone(), operations));
            (group.clone(), batches.collect())
        });
        Flush {
            alone,
            groups: groups.collect(),
        }
    }

    /// One row that goes on its own.
    pub(super) fn alone(row: MembershipRow) -> Self {
        Flush::new(vec![row], None)
    }

    /// The rows, a row once for each of its memberships.
    pub(super) fn sequences(&self) -> impl Iterator<Item = Sequence> {
        let alone = self.alone.iter().map(|row| row.sequence);
        let batches = self.groups.iter().flat_map(|(_, batches)| batches);
        alone.chain(batches.flat_map(Batch::sequences))
    }
}
