//! Finds out how fast a node lets calls come, for each class of call, without being told.
//!
//! A state machine on a time that is handed in: it has no clock, no tasks and no files, so that a test can drive
//! hours of it in a moment. [`Pace`](super::Pace) gives it the time and waits as it says.
//!
//! ```text
//!                      ┌ held     nobody before a `Retry-After` is over
//!  ask ──▶ Lane ───────┼ Window   how many calls are in flight: slow start, a limit on them, a queue at the node
//!  (one a class)       ├ Quota    what the node's own fields say is left
//!                      └ Speed    calls a second, once calls were refused
//! ```
//!
//! - [`Window`] begins with four calls and doubles with each round trip, so a node without limits is used in full
//!   after a few of them. It becomes smaller when answers take much longer than they could, and when calls are refused
//!   that only more calls in flight than ever before can explain.
//! - [`Speed`] holds nothing back before the first refusal. Then calls leave evenly spaced, at what the node was seen
//!   to take, and faster again until the next refusal: quickly at first, and by a few percent once the limit is known.
//!   How often it tries is measured by what a refusal costs.
//! - [`Quota`] follows the `RateLimit` and `X-RateLimit` fields, where a node sends them: then nothing needs to be
//!   found out.
//!
//! Classes are apart since nodes count them apart. Where a node counts them together, each finds its share.
//! What does not belong here: what is sent again ([`retry`](super::retry)), and whether the node is there
//! at all ([`breaker`](super::breaker)).

mod lane;
mod latency;
mod quota;
#[cfg(test)]
mod simulation;
mod speed;
#[cfg(test)]
mod table;
mod window;

use std::time::Duration;

pub(super) use quota::Allowance;

use super::Class;
use lane::Lane;

/// Decides when the next call of a class may leave.
#[derive(Debug)]
pub(super) struct Limiter {
    /// How many calls may be in flight, of all classes.
    places: u32,
    in_flight: u32,
    lanes: [Lane; Class::ALL.len()],
}

/// When a call may leave.
#[derive(Debug)]
pub(super) enum Turn {
    /// Now; it is counted as being in flight.
    Now(Ticket),
    /// Not before then.
    At(Duration),
    /// When a call has come back.
    AfterAnswer,
}

/// A call that is in flight.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticket {
    class: Class,
    /// When it left, in seconds.
    sent: f64,
    /// How many calls of its class were in flight then, itself included.
    among: u32,
}

impl Ticket {
    pub(super) fn class(&self) -> Class {
        self.class
    }

    /// How long ago it left.
    pub(super) fn since_sent(&self, now: Duration) -> Duration {
        Duration::try_from_secs_f64(now.as_secs_f64() - self.sent).unwrap_or_default()
    }

    /// It leaves later than it was let go.
    pub(super) fn leaves(&mut self, now: Duration) {
        self.sent = now.as_secs_f64();
    }
}

/// What the answer to a call says of the pace.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Said {
    /// It was taken.
    Taken,
    /// There were too many; the next one may come after so long.
    Refused(Duration),
    /// The node could not do it now.
    Busy,
    /// Nothing: no answer came, or the call did not leave.
    Nothing,
}

/// The pace that a node was seen to allow: calls a second, for each class that has a limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Learnt([Option<f64>; Class::ALL.len()]);

impl Learnt {
    /// Whether no limit was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }
}

impl Limiter {
    /// At most so many calls in flight; `learnt` is what an earlier run found.
    pub(super) fn new(places: u32, learnt: Learnt) -> Self {
        let places = places.max(1);
        Limiter {
            places,
            in_flight: 0,
            lanes: learnt.0.map(|speed| Lane::new(places, speed)),
        }
    }

    /// Asks for a call of `class` to leave at `now`.
    pub(super) fn ask(&mut self, class: Class, now: Duration) -> Turn {
        if self.in_flight >= self.places {
            return Turn::AfterAnswer;
        }
        let turn = self.lanes[class as usize].ask(class, now.as_secs_f64());
        self.in_flight += u32::from(matches!(turn, Turn::Now(_)));
        turn
    }

    /// A call has come back, or was not sent after all.
    pub(super) fn back(
        &mut self,
        ticket: Ticket,
        now: Duration,
        said: Said,
        allowance: Option<Allowance>,
    ) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.lanes[ticket.class as usize].back(ticket, now.as_secs_f64(), said, allowance);
    }

    /// Calls of `class` are refused, as something else than the status of a call says.
    pub(super) fn refused(&mut self, class: Class, now: Duration, wait: Duration) {
        self.lanes[class as usize].refused_since(now.as_secs_f64(), wait.as_secs_f64());
    }

    /// Until when calls of `class` are held back by the node's word.
    pub(super) fn held_until(&self, class: Class) -> Duration {
        Duration::from_secs_f64(self.lanes[class as usize].held_until())
    }

    /// What was found out.
    pub(super) fn learnt(&self) -> Learnt {
        Learnt(std::array::from_fn(|at| self.lanes[at].learnt()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn leaves(limiter: &mut Limiter, class: Class, now: Duration) -> Option<Ticket> {
        match limiter.ask(class, now) {
            Turn::Now(ticket) => Some(ticket),
            _ => None,
        }
    }

    #[test]
    fn a_class_waits_as_told_and_the_others_do_not() {
        let mut limiter = Limiter::new(8, Learnt::default());
        let ticket = leaves(&mut limiter, Class::GroupWrite, SECOND).unwrap();
        limiter.back(ticket, 2 * SECOND, Said::Refused(7 * SECOND), None);
        let early = Duration::from_millis(8_999);
        assert!(leaves(&mut limiter, Class::GroupWrite, early).is_none());
        assert!(leaves(&mut limiter, Class::UserWrite, early).is_some());
        assert!(leaves(&mut limiter, Class::GroupWrite, 9 * SECOND).is_some());
    }

    #[test]
    fn it_begins_gently_and_doubles_while_calls_are_taken() {
        let mut limiter = Limiter::new(32, Learnt::default());
        let mut in_flight = Vec::new();
        for most in [4, 8, 16, 32, 32] {
            let now = SECOND * most;
            in_flight.extend(std::iter::from_fn(|| {
                leaves(&mut limiter, Class::Read, now)
            }));
            assert_eq!(in_flight.len(), most as usize);
            for ticket in in_flight.drain(..) {
                limiter.back(ticket, now + SECOND / 50, Said::Taken, None);
            }
        }
    }

    #[test]
    fn no_more_calls_leave_than_the_node_says_are_left() {
        let mut limiter = Limiter::new(8, Learnt::default());
        let ticket = leaves(&mut limiter, Class::UserWrite, SECOND).unwrap();
        let three = Allowance {
            left: 3.0,
            reset: 30 * SECOND,
            of: Some(4.0),
        };
        limiter.back(ticket, SECOND, Said::Taken, Some(three));
        let mut left = 0;
        for millis in (1_000..31_000).step_by(10) {
            let now = Duration::from_millis(millis);
            left += u32::from(leaves(&mut limiter, Class::UserWrite, now).is_some());
        }
        assert_eq!(left, 3);
        assert!(leaves(&mut limiter, Class::UserWrite, 31 * SECOND).is_some());
    }
}
