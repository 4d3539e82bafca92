//! What calls there were: how they were answered, and how long that took.
//!
//! Counters of a fixed number, kept beside the state of the pace, for whoever tells people of a run.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::StatusCode;
use serde::{Deserialize, Serialize};

use super::Class;
use super::retry::CallStatus;
use crate::histogram::Histogram;

/// Calls that have come back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Traffic {
    /// By status code.
    statuses: BTreeMap<u16, u64>,
    unanswered: u64,
    /// What was refused since there were too many; parts of a bulk request count, too.
    refused: u64,
    /// What the node could not do just then (503, 408).
    unavailable: u64,
    /// For each class how long an answer took.
    latencies: [Histogram; Class::ALL.len()],
}

impl Traffic {
    /// A call has come back.
    pub(super) fn back(
        &mut self,
        class: Class,
        what: CallStatus,
        status: Option<StatusCode>,
        took: Duration,
    ) {
        match status {
            Some(status) => *self.statuses.entry(status.as_u16()).or_default() += 1,
            None => self.unanswered += 1,
        }
        self.refused += u64::from(what == CallStatus::Throttled);
        self.unavailable += u64::from(what == CallStatus::Unavailable);
        // How long it took not to get a connection says nothing of the node.
        if what != CallStatus::NotSent {
            self.latencies[class as usize].add(took);
        }
    }

    /// A part of a call was refused since there were too many.
    pub(super) fn refused_in_part(&mut self) {
        self.refused += 1;
    }

    /// Counts those of another node, or of another part of a run.
    pub fn merge(&mut self, other: &Traffic) {
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        self.unanswered += other.unanswered;
        self.refused += other.refused;
        self.unavailable += other.unavailable;
        for (histogram, more) in self.latencies.iter_mut().zip(&other.latencies) {
            histogram.merge(more);
        }
    }

    /// How many calls came back, with an answer or without.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.statuses.values().sum::<u64>() + self.unanswered
    }

    /// The status codes that came, with their counts.
    #[must_use]
    pub fn statuses(&self) -> &BTreeMap<u16, u64> {
        &self.statuses
    }

    /// How many calls got no answer.
    #[must_use]
    pub fn unanswered(&self) -> u64 {
        self.unanswered
    }

    /// How many were refused since there were too many.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// How many the node could not do just then.
    #[must_use]
    pub fn unavailable(&self) -> u64 {
        self.unavailable
    }

    /// How long the calls of a class took.
    #[must_use]
    pub fn latency(&self, class: Class) -> &Histogram {
        &self.latencies[class as usize]
    }
}
