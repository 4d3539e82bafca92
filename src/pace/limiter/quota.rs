//! What a node's own fields say is left.

use std::time::Duration;

/// What one answer says of the calls that may still come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::pace) struct Allowance {
    /// How many calls are left.
    pub(in crate::pace) left: f64,
    /// In how long there are new ones.
    pub(in crate::pace) reset: Duration,
    /// How many there are in all, if that was said.
    pub(in crate::pace) of: Option<f64>,
}

/// What part of a quota is used as fast as answers come. The rest is spread over the time that is left, so that
/// other clients find something as well, and the node no idle time.
const AT_ONCE: f64 = 0.5;

/// When to look again whether an answer has told more, in seconds.
const ASK_AGAIN: f64 = 0.01;

/// The calls that may leave until a moment. Times are in seconds.
#[derive(Debug)]
pub(super) struct Quota {
    left: f64,
    of: Option<f64>,
    until: f64,
    /// Whether that moment is over, and no answer has come since.
    renewed: bool,
    /// When the next call may leave.
    next: f64,
}

impl Quota {
    /// What is known after an answer, while `in_flight` calls are on their way of which the node may not have known.
    pub(super) fn after(known: Option<Self>, said: Allowance, in_flight: u32, now: f64) -> Self {
        let until = now + said.reset.as_secs_f64();
        let sure = said.left - f64::from(in_flight);
        let next = known.as_ref().map_or(now, |known| known.next);
        let left = match known {
            // What was counted here is right, unless others take calls, or more of those in flight were counted
            // by the node already.
            Some(known) if now < known.until && !known.renewed => {
                known.left.max(sure).min(said.left)
            }
            _ => sure,
        };
        Quota {
            left,
            of: said.of,
            until,
            renewed: false,
            next: next.min(until),
        }
    }

    /// Whether the answer to one call was to tell how many there are now.
    pub(super) fn is_renewed(&self) -> bool {
        self.renewed
    }

    /// Until when to wait.
    pub(super) fn wait(&mut self, now: f64) -> Option<f64> {
        if now >= self.until && !self.renewed {
            // There are new ones. How many, the answer to one call tells.
            self.renewed = true;
            self.left = 1.0;
            self.next = now;
        }
        match (self.left < 1.0, self.renewed) {
            (true, true) => Some(now + ASK_AGAIN),
            (true, false) => Some(self.until),
            (false, _) => (self.next > now).then_some(self.next),
        }
    }

    /// A call leaves.
    pub(super) fn take(&mut self, now: f64) {
        self.left -= 1.0;
        let hurried = self.of.is_some_and(|of| self.left >= of * (1.0 - AT_ONCE));
        self.next = if hurried || self.renewed || self.left < 1.0 {
            now
        } else {
            self.next.max(now - 0.005) + (self.until - now) / (self.left + 1.0)
        };
    }
}
