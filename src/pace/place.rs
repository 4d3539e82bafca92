//! A call that was let go, until it has come back.

use std::time::Duration;

use reqwest::StatusCode;

use super::breaker::Health;
use super::limiter::{Allowance, Said, Ticket};
use super::{Happened, Pace};

/// The place of a call among those in flight; free again when it is dropped.
#[derive(Debug)]
#[must_use = "the place is free again when this is dropped"]
pub struct Place<'a> {
    pub(super) pace: &'a Pace,
    pub(super) ticket: Ticket,
    /// Whether this call finds out if the node is back.
    pub(super) probe: bool,
    pub(super) came: Came,
}

/// How a call came back, as far as the pace is concerned.
#[derive(Debug, Clone, Copy)]
pub(super) struct Came {
    pub(super) said: Said,
    pub(super) health: Health,
    pub(super) allowance: Option<Allowance>,
    pub(super) what: Option<Happened>,
    pub(super) status: Option<StatusCode>,
}

impl Came {
    /// Nothing is known of it.
    pub(super) const NOT_BACK: Came = Came {
        said: Said::Nothing,
        health: Health::Unknown,
        allowance: None,
        what: None,
        status: None,
    };
}

impl Place<'_> {
    /// This status came back.
    pub(super) fn with(mut self, status: impl Into<Option<StatusCode>>) -> Self {
        self.came.status = status.into();
        self
    }

    /// The call has come back like this. `wait` is how long the next one has to wait if there were too many.
    pub(super) fn back(mut self, what: Happened, wait: Duration, allowance: Option<Allowance>) {
        let (said, health) = match what {
            Happened::Decided => (Said::Taken, Health::Alive),
            Happened::Throttled => (Said::Refused(wait), Health::Alive),
            Happened::Unavailable => (Said::Busy, Health::Failing),
            // It closes connections now and then, whatever is asked.
            Happened::Untouched => (Said::Nothing, Health::Unknown),
            Happened::Refused => (Said::Busy, Health::Alive),
            Happened::ServerError | Happened::NotSent | Happened::Lost | Happened::Unreadable => {
                (Said::Nothing, Health::Failing)
            }
        };
        self.came = Came {
            said,
            health,
            allowance,
            what: Some(what),
            status: self.came.status,
        };
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.pace.back(self.ticket, self.probe, self.came);
    }
}
