//! The calls that a run would send, counted while it is rehearsed.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::scim::{BulkLimits, BulkOperation};

/// The calls that a run would send to change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Forecast {
    /// `POST /Users`
    pub creates: u64,
    /// `PATCH /Users/{id}`
    pub user_changes: u64,
    /// `PUT /Users/{id}`
    pub user_replacements: u64,
    /// `PATCH /Groups/{id}`
    pub group_changes: u64,
    /// `DELETE /Users/{id}`
    pub deletes: u64,
    /// How many of them go in one `POST /Bulk` at the most; none: each is a call of its own.
    #[serde(default)]
    pub bulk: Option<u64>,
}

impl Forecast {
    /// All of them.
    #[must_use]
    pub fn total(self) -> u64 {
        self.creates
            + self.user_changes
            + self.user_replacements
            + self.group_changes
            + self.deletes
    }

    /// How many calls so many more operations and all of these come to.
    #[must_use]
    pub fn calls(self, more: u64) -> u64 {
        let operations = self.total() + more;
        match self.bulk {
            Some(most) => operations.div_ceil(most.max(1)),
            None => operations,
        }
    }
}

/// Counts the calls that are not sent.
#[derive(Debug, Default)]
pub(super) struct Rehearsal {
    pub(super) creates: AtomicU64,
    pub(super) user_changes: AtomicU64,
    pub(super) user_replacements: AtomicU64,
    pub(super) group_changes: AtomicU64,
    pub(super) deletes: AtomicU64,
    bulk: Option<BulkLimits>,
    /// The bytes of those that would be weighed for a bulk request, and how many these are.
    weight: AtomicU64,
    weighed: AtomicU64,
}

impl Rehearsal {
    pub(super) fn new(bulk: Option<BulkLimits>) -> Self {
        Rehearsal {
            bulk,
            ..Rehearsal::default()
        }
    }

    /// Counts the bytes of an operation, where they matter.
    pub(super) fn weigh(&self, operation: impl FnOnce() -> Option<BulkOperation>) {
        if self.bulk.is_some()
            && let Some(operation) = operation()
        {
            add(&self.weight, operation.size());
            add(&self.weighed, 1);
        }
    }

    /// How many operations go in one bulk request, as far as the limits and their sizes tell.
    fn in_one_request(&self) -> Option<u64> {
        let limits = self.bulk?;
        let weighed = self.weighed.load(Ordering::Relaxed).max(1);
        let each = self.weight.load(Ordering::Relaxed).div_ceil(weighed).max(1);
        let by_size = (limits.max_payload as u64 / each).max(1);
        Some(by_size.min(limits.max_operations as u64))
    }

    /// Counts the calls that change memberships.
    pub(super) fn count_memberships(&self, alone: usize, batches: usize) {
        add(&self.user_changes, alone);
        add(&self.group_changes, batches);
    }

    pub(super) fn forecast(&self) -> Forecast {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Forecast {
            creates: count(&self.creates),
            user_changes: count(&self.user_changes),
            user_replacements: count(&self.user_replacements),
            group_changes: count(&self.group_changes),
            deletes: count(&self.deletes),
            bulk: self.in_one_request(),
        }
    }
}

pub(super) fn add(counter: &AtomicU64, calls: usize) {
    counter.fetch_add(calls as u64, Ordering::Relaxed);
}

/// How the id begins of an account that a rehearsal only remembers.
pub(super) const MADE_UP: &str = "(new) ";

/// Whether there is no such account on the node.
pub(super) fn is_made_up(id: &str) -> bool {
    id.starts_with(MADE_UP)
}
