//! What the node's own header fields claim is left.
//!
//! A claim that nothing is left is tested with a call before the class waits for it. A node whose claim was wrong is never
//! believed again in this run: the fields may be about another class, another client or another length of time.

use std::time::Duration;

use super::block::{Block, SHORT_WAIT};

/// What one answer claims.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::transport) struct Allowance {
    /// How many calls are left.
    pub(in crate::transport) left: f64,
    /// How long until there are new ones.
    pub(in crate::transport) reset: Duration,
}

/// How long after a claim it is tested, in seconds.
const TESTED_AFTER: f64 = 0.2;

/// Times are in seconds.
#[derive(Debug)]
pub(super) struct Quota {
    /// As the latest answer claims.
    claimed: f64,
    /// The same, less the calls that the node may not have counted yet.
    left: f64,
    until: f64,
    is_wrong: bool,
    pause: Block,
}

impl Quota {
    pub(super) fn new() -> Self {
        Quota {
            claimed: f64::INFINITY,
            left: f64::INFINITY,
            until: 0.0,
            is_wrong: false,
            pause: Block::new(),
        }
    }

    /// An answer came while `in_flight` other calls were in flight.
    pub(super) fn told(&mut self, claim: Option<Allowance>, in_flight: u32, now: f64) {
        (self.claimed, self.until) = match claim {
            Some(claim) => (claim.left, now + claim.reset.as_secs_f64()),
            None => (f64::INFINITY, now),
        };
        self.left = self.claimed - f64::from(in_flight);
    }

    pub(super) fn sent(&mut self) {
        self.left -= 1.0;
    }

    /// The pause while nothing is left.
    pub(super) fn pause(&mut self, now: f64) -> Option<&Block> {
        let is_long = self.until - now > SHORT_WAIT;
        let is_used_up = self.claimed < 1.0 && is_long && !self.is_wrong;
        if is_used_up && !self.pause.is_on() {
            self.pause.begin(now, TESTED_AFTER, Some(self.until - now));
        }
        self.pause.is_on().then_some(&self.pause)
    }

    /// Whether the calls in flight may be all that is left, by claims that have been right so far.
    pub(super) fn may_be_used_up(&self, now: f64) -> bool {
        self.left < 1.0 && now < self.until && self.pause.trusts_waits()
    }

    pub(super) fn is_paused(&self) -> bool {
        self.pause.is_on()
    }

    pub(super) fn paused_until(&self) -> Option<f64> {
        self.pause.until()
    }

    /// A call leaves that tests the claim.
    pub(super) fn test_sent(&mut self) {
        self.pause.sent();
    }

    pub(super) fn tested(&mut self, sent: f64, now: f64, is_accepted: bool) {
        if is_accepted {
            self.pause.end(sent);
            self.is_wrong = self.pause.distrusts_waits();
        } else {
            self.pause.refused(now, None);
        }
    }

    pub(super) fn lost(&mut self, now: f64) {
        self.pause.lost(now);
    }
}
