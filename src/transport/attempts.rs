//! What is remembered of the attempts at one call.

use std::time::Duration;

use reqwest::StatusCode;

use super::retry::{CallStatus, Effort, RetryLimit};
use super::{Cause, Fault, FaultKind, Refused};

/// What is remembered of the attempts at one call.
#[derive(Default)]
pub(super) struct Attempts {
    /// How many were sent.
    pub(super) sent: u32,
    pub(super) effort: Effort,
    /// How long the last one took.
    pub(super) last: Duration,
    /// How long all of them took.
    lasted: Duration,
    /// Whether one of them may have taken effect.
    pub(super) doubtful: bool,
    /// Whether one of them was answered with "too many calls".
    pub(super) put_off: bool,
    pub(super) status: Option<u16>,
}

impl Attempts {
    pub(super) fn fault(&self, kind: FaultKind, cause: Option<Cause>) -> Fault {
        Fault {
            kind,
            cause,
            status: self.status,
            attempts: self.sent,
            may_have_worked: self.doubtful,
            lasted: self.lasted,
            refused: Refused::No,
            wait: None,
        }
    }

    /// The last one was answered, by more than can be taken.
    pub(super) fn too_large(&mut self, status: StatusCode) -> Fault {
        self.status = Some(status.as_u16());
        self.doubtful = true;
        self.fault(FaultKind::TooLarge, None)
    }

    /// One more was sent, and came back after so long.
    pub(super) fn count(&mut self, lasted: Duration) {
        self.sent += 1;
        self.last = lasted;
        self.lasted = self.lasted.saturating_add(lasted);
    }

    /// Whether the attempts that this kind of failure is worth are used up.
    pub(super) fn spent(&self, what: CallStatus) -> bool {
        match what.rule().most {
            // An unreadable body is no word of the node's, however often it comes.
            _ if what == CallStatus::Unreadable => false,
            RetryLimit::Waits(waits) => self.effort.waits() + 1 >= waits,
            RetryLimit::Attempts(attempts) => {
                let mut effort = self.effort;
                effort.add(self.last);
                effort.is_spent(attempts)
            }
            RetryLimit::Outage => false,
        }
    }
}
