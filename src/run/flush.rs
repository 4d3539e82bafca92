//! What is sent for rows that were set aside: which of them go alone, and who goes with whom.

use std::collections::HashSet;
use std::sync::Arc;

use super::ask::{Ask, Member};
use super::batch::GroupBatches;
use super::habits::Habits;
use super::joint::Joint;
use crate::plan::{Memberships, Shares, Ways, share};

/// What is to be sent for the rows that were set aside.
pub(super) struct Flush {
    /// Rows that go on their own.
    pub(super) alone: Vec<Joint>,
    /// Batches, by group.
    pub(super) groups: Vec<GroupBatches>,
}

impl Flush {
    /// One row that goes on its own.
    pub(super) fn alone(joint: Joint) -> Self {
        Flush {
            alone: vec![joint],
            groups: Vec::new(),
        }
    }

    /// What `joints` have in common goes in batches of so many people.
    pub(super) fn of(joints: Vec<Joint>, batch: usize, habits: &Habits) -> Self {
        let people: Vec<Memberships<'_>> = joints
            .iter()
            .map(|joint| Memberships {
                join: &joint.memberships.correction.join,
                leave: &joint.memberships.correction.leave,
            })
            .collect();
        let ways = if habits.memberships_by_group() {
            Ways::GroupsOnly
        } else {
            Ways::Both
        };
        let Shares { by_user, batches } = share(&people, batch, ways);
        let alone: HashSet<usize> = by_user.into_iter().collect();
        let (mut apart, mut members) = (Vec::new(), Vec::new());
        for (place, joint) in joints.into_iter().enumerate() {
            if alone.contains(&place) {
                apart.push(joint);
                members.push(None);
            } else {
                members.push(Some(Arc::new(Member::new(joint))));
            }
        }
        let mut groups: Vec<GroupBatches> = Vec::new();
        for batch in batches {
            let named = |places: Vec<usize>, joins| {
                let member = |place: usize| members[place].clone();
                let ask = move |member| Ask::new(member, joins);
                places.into_iter().filter_map(member).map(ask)
            };
            let asks = named(batch.join, true).chain(named(batch.leave, false));
            let asks: Vec<Ask> = asks.collect();
            match groups.last_mut() {
                Some(last) if last.group == batch.group => last.batches.push(asks),
                _ => groups.push(GroupBatches {
                    group: batch.group,
                    batches: vec![asks],
                }),
            }
        }
        Flush {
            alone: apart,
            groups,
        }
    }

    /// How many batches there are.
    pub(super) fn calls(&self) -> usize {
        self.groups.iter().map(|group| group.batches.len()).sum()
    }

    /// The rows, whichever way they would go.
    pub(super) fn into_rows(self) -> Vec<Joint> {
        let asks = self.groups.into_iter().flat_map(|group| group.batches);
        let batched = asks.flatten().filter_map(|ask| ask.member.take());
        let mut rows = self.alone;
        rows.extend(batched);
        rows
    }
}
