//! What is heard of the calls of a run, from when it began, or went on, to its end.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::series::Series;
use crate::run::{Event, PaceReport};
use crate::transport::Traffic;

/// The calls of a run, or of the part of it since it went on. A record keeps it, so that a report can be made
/// at any time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calls {
    pub(super) begun: Timestamp,
    pub(super) lasted: Duration,
    /// How many calls it would have been row by row.
    pub(super) one_by_one: u64,
    /// Calls that left, that were refused, and that the node could not do just then.
    pub(super) over_time: Series<3>,
    pub(super) traffic: Traffic,
    #[serde(skip)]
    heard: Heard,
}

/// What was heard last.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Heard {
    begun: Instant,
    at: Duration,
    /// The first that is heard are the calls that prepared the run.
    counts: Option<[u64; 3]>,
}

impl Default for Heard {
    fn default() -> Self {
        Heard {
            begun: Instant::now(),
            at: Duration::ZERO,
            counts: None,
        }
    }
}

impl Calls {
    /// A run begins, or goes on, now. `one_by_one` is how many calls its rows would take row by row.
    #[must_use]
    pub fn begin(one_by_one: u64) -> Self {
        Calls {
            begun: Timestamp::now(),
            lasted: Duration::ZERO,
            one_by_one,
            over_time: Series::default(),
            traffic: Traffic::default(),
            heard: Heard::default(),
        }
    }

    /// When it began, or went on.
    #[must_use]
    pub fn begun(&self) -> Timestamp {
        self.begun
    }

    /// Something happened.
    pub(in crate::report) fn hear(&mut self, event: &Event) {
        match event {
            Event::Pace(pace) => self.at(self.heard.begun.elapsed(), *pace),
            Event::Calls(traffic) => self.traffic.merge(traffic),
            Event::Settled(_) | Event::Row(_) => {}
        }
    }

    fn at(&mut self, now: Duration, pace: PaceReport) {
        let counts = [pace.calls, pace.refused, pace.unavailable];
        let before = self.heard.counts.replace(counts).unwrap_or(counts);
        let since = std::array::from_fn(|at| counts[at].saturating_sub(before[at]));
        self.over_time.spread(self.heard.at, now, since);
        self.heard.at = now;
        self.lasted = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(calls: u64, refused: u64) -> PaceReport {
        PaceReport {
            calls,
            refused,
            unavailable: 0,
            waiting: 0,
            resting: 0,
            held_for: None,
            resting_for: None,
            down_for: None,
        }
    }

    #[test]
    fn calls_are_counted_from_the_first_that_is_heard_and_can_be_kept() {
        let mut calls = Calls::begin(12);
        calls.at(Duration::ZERO, pace(5, 0));
        calls.at(Duration::from_millis(500), pace(25, 2));
        assert_eq!(calls.over_time.counts(), [[10, 1, 0], [10, 1, 0]]);
        assert_eq!(calls.lasted, Duration::from_millis(500));
        let kept = serde_json::to_string(&calls).unwrap();
        let read: Calls = serde_json::from_str(&kept).unwrap();
        assert_eq!(read.over_time, calls.over_time);
        assert_eq!((read.begun, read.one_by_one), (calls.begun, 12));
    }
}
