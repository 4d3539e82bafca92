//! A call that was let go, until it has come back.

use std::time::Duration;

use reqwest::StatusCode;

use super::breaker::Health;
use super::control::Pass;
use super::limiter::{Allowance, Feedback};
use super::{CallStatus, Pace};

/// The place of a call among those in flight; free again when it is dropped.
#[derive(Debug)]
#[must_use = "the place is free again when this is dropped"]
pub struct CallSlot<'a> {
    pub(super) pace: &'a Pace,
    pub(super) pass: Pass,
    /// Whether this call finds out if the node is back.
    pub(super) probe: bool,
    pub(super) feedback: CallFeedback,
}

/// How a call came back, as far as the pace is concerned.
#[derive(Debug, Clone, Copy)]
pub(super) struct CallFeedback {
    pub(super) feedback: Feedback,
    pub(super) health: Health,
    pub(super) allowance: Option<Allowance>,
    pub(super) what: Option<CallStatus>,
    pub(super) status: Option<StatusCode>,
}

impl CallFeedback {
    /// Nothing is known of it.
    pub(super) const NOT_BACK: CallFeedback = CallFeedback {
        feedback: Feedback::Unknown,
        health: Health::Unknown,
        allowance: None,
        what: None,
        status: None,
    };
}

impl CallSlot<'_> {
    /// This status came back.
    pub(super) fn with(mut self, status: impl Into<Option<StatusCode>>) -> Self {
        self.feedback.status = status.into();
        self
    }

    /// The call has come back like this, and the node asked to `wait` so long.
    pub(super) fn back(
        mut self,
        what: CallStatus,
        wait: Option<Duration>,
        allowance: Option<Allowance>,
    ) {
        let (feedback, health) = match what {
            CallStatus::Decided => (Feedback::Accepted, Health::Alive),
            // What a refusal means shows in how often it comes, not in its status.
            what if what.is_refusal() => (Feedback::Refused(wait), Health::Alive),
            // It closes connections now and then, whatever is asked.
            CallStatus::Untouched => (Feedback::Unknown, Health::Unknown),
            _ => (Feedback::Unknown, Health::Failing),
        };
        self.feedback = CallFeedback {
            feedback,
            health,
            allowance,
            what: Some(what),
            status: self.feedback.status,
        };
    }
}

impl Drop for CallSlot<'_> {
    fn drop(&mut self) {
        self.pace.back(self.pass, self.probe, self.feedback);
    }
}
