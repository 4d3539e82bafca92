//! The rate controller: finds out how fast a node accepts calls, without being told.
//!
//! A state machine that is told the time: it has no clock, no tasks and no files, so tests drive hours of it in
//! a moment. [`Pace`](super::Pace) tells it the time and waits as it says.
//!
//! ```text
//!                     ┌ Block             nothing is accepted: one call at a time finds out when that ends
//!  ask ─▶ ClassLimiter┼ Quota             what the node's own header fields claim is left
//!         (per class) ├ ConcurrencyLimit  calls in flight
//!                     └ RateController    calls per second, once a limit has shown
//!
//!  back ─▶ CallLog ─▶ RefusalDetector     are refusals a limit, or chance?
//!                        └─▶ ConcurrencyLimit, if what was in flight explains them; else RateController
//! ```
//!
//! - A refusal by itself changes nothing. [`RefusalDetector`](refusals) decides when refusals come so close together that
//!   there must be a limit. The status code does not matter: 429, 503 and 500 count alike.
//! - Latency changes nothing either. Only refusals hold calls back.
//! - What a node says (`Retry-After`, quota fields) holds back the class only after a call has shown it to be true.
//! - Each class of call has its own limits. Only the number of calls in flight is also counted for all together. Classes
//!   that share a rate find their shares as two clients do.
//!
//! What is sent again after a refusal is the business of [`retry`](super::retry); whether the node is there at all, that of
//! [`breaker`](super::breaker).

mod block;
mod call_log;
mod class;
mod concurrency;
mod quota;
mod quota_window;
mod rate;
mod refusals;
#[cfg(test)]
mod simulation;

use std::time::Duration;

pub(super) use quota::Allowance;

use super::Class;
use call_log::CallLog;
use class::{ClassLimiter, Returned};
use concurrency::ConcurrencyLimit;

/// Decides when the next call of a class may leave.
#[derive(Debug)]
pub(super) struct Limiter {
    /// The most calls in flight, of all classes together.
    places: u32,
    in_flight: u32,
    classes: [ClassLimiter; Class::ALL.len()],
    /// How many calls of all classes the node accepts at once.
    overall: ConcurrencyLimit,
    log: CallLog,
    last_sent: f64,
}

/// When a call may leave.
#[derive(Debug)]
pub(super) enum Admission {
    /// Now; it counts as in flight.
    Now(CallPermit),
    /// Not before then.
    At(Duration),
    /// When a call has come back.
    AfterAnswer,
}

/// A call in flight.
#[derive(Debug, Clone, Copy)]
pub(super) struct CallPermit {
    class: Class,
    /// When it left, in seconds.
    sent: f64,
    /// How many calls were in flight then, itself included: of its class, and of all.
    of_class: u32,
    of_all: u32,
    probe: Option<Probe>,
    /// Its number in the log.
    number: u64,
}

/// What a call was let go to find out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Probe {
    /// Whether the node accepts calls again.
    Block,
    /// Whether nothing is left, as the node claims.
    Quota,
}

impl CallPermit {
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

/// What an answer says about limits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Feedback {
    /// The node carried the call out, or refused what it asks for.
    Accepted,
    /// The node would not do it now; it may have said how long to wait.
    Refused(Option<Duration>),
    /// No answer came, or the call did not leave.
    Unknown,
}

/// The limits that a run found on a node, by class of call.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct LearnedRates([Option<LearnedRate>; Class::ALL.len()]);

/// A limit that a run found.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
struct LearnedRate {
    /// Calls per second.
    rate: f64,
    /// The calls that it was measured by.
    calls: u32,
}

impl LearnedRates {
    /// Whether no limit was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }
}

impl Limiter {
    /// At most `places` calls in flight; `learned` is what an earlier run found.
    pub(super) fn new(places: u32, learned: LearnedRates) -> Self {
        let places = places.max(1);
        Limiter {
            places,
            in_flight: 0,
            classes: learned.0.map(|learned| ClassLimiter::new(places, learned)),
            overall: ConcurrencyLimit::without_slow_start(places),
            log: CallLog::default(),
            last_sent: f64::NEG_INFINITY,
        }
    }

    /// Asks for a call of `class` to leave at `now`.
    pub(super) fn ask(&mut self, class: Class, now: Duration) -> Admission {
        let limiter = &mut self.classes[class as usize];
        let seconds = now.as_secs_f64();
        if self.in_flight >= self.places || self.in_flight >= self.overall.size(seconds) {
            limiter.waits_for_place();
            return Admission::AfterAnswer;
        }
        let spaced = self.overall.next(self.last_sent, limiter.latency());
        if seconds < spaced {
            return Admission::At(duration(spaced));
        }
        let mut admission = limiter.ask(class, seconds);
        if let Admission::Now(permit) = &mut admission {
            self.in_flight += 1;
            self.last_sent = seconds;
            permit.of_all = self.in_flight;
            permit.number = self.log.sent(class, seconds);
        }
        admission
    }

    /// A call has come back, or was not sent after all.
    pub(super) fn back(
        &mut self,
        permit: CallPermit,
        now: Duration,
        feedback: Feedback,
        allowance: Option<Allowance>,
    ) {
        let now = now.as_secs_f64();
        self.in_flight = self.in_flight.saturating_sub(1);
        let limiter = &mut self.classes[permit.class as usize];
        let is_accepted = feedback == Feedback::Accepted;
        let inside = self
            .log
            .back(permit.number, now, is_accepted, limiter.latency());
        let returned = Returned {
            permit,
            now,
            inside,
        };
        limiter.told(allowance, now);
        match feedback {
            Feedback::Accepted => {
                let of_all = inside.map(|inside| inside.of_all);
                self.overall.accepted(permit.of_all, of_all);
                limiter.accepted(returned);
            }
            Feedback::Refused(wait) => {
                let wait = wait.map(|wait| wait.as_secs_f64());
                limiter.refused(returned, wait, &mut self.overall);
            }
            Feedback::Unknown => limiter.lost(permit, now),
        }
    }

    /// Parts of a bulk request were refused because there were too many: calls of `class` wait.
    pub(super) fn hold(&mut self, class: Class, now: Duration, wait: Duration) {
        self.classes[class as usize].hold(now.as_secs_f64(), wait.as_secs_f64());
    }

    /// Until when calls of `class` are held back, if the node accepts none.
    pub(super) fn held_until(&self, class: Class) -> Option<Duration> {
        self.classes[class as usize].held_until().map(duration)
    }

    /// Whether the node refuses every call of `class`.
    pub(super) fn refuses_all(&self, class: Class) -> bool {
        self.classes[class as usize].refuses_all()
    }

    /// For how long the node has accepted no call of `class`, other than in long waits that it has asked for.
    pub(super) fn refused_for(&self, class: Class, now: Duration) -> Option<Duration> {
        let now = now.as_secs_f64();
        let since = self.classes[class as usize].refused_since(now)?;
        Some(duration(now - since))
    }

    /// What was found.
    pub(super) fn learned(&self) -> LearnedRates {
        LearnedRates(std::array::from_fn(|at| self.classes[at].learned()))
    }
}

/// A time, rounded up: whoever waits until then must not find that it is not quite over.
fn duration(seconds: f64) -> Duration {
    let rounded = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    rounded.saturating_add(Duration::from_nanos(1))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast stays within the bounds of the number, and none of these is negative"
)]
fn whole(calls: f64) -> u32 {
    calls as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn leaves(limiter: &mut Limiter, class: Class, now: Duration) -> Option<CallPermit> {
        match limiter.ask(class, now) {
            Admission::Now(permit) => Some(permit),
            _ => None,
        }
    }

    /// Lets calls leave one after the other, each of which comes back after 40 ms like this, and returns the time then.
    fn answers(limiter: &mut Limiter, mut now: Duration, calls: &[Feedback]) -> Duration {
        for feedback in calls {
            let permit = loop {
                match limiter.ask(Class::UserWrite, now) {
                    Admission::Now(permit) => break permit,
                    Admission::At(then) => now = then.max(now + SECOND / 10_000),
                    Admission::AfterAnswer => panic!("nothing is in flight"),
                }
            };
            now += SECOND / 25;
            limiter.back(permit, now, *feedback, None);
        }
        now
    }

    #[test]
    fn a_single_refusal_holds_nobody_back() {
        let mut limiter = Limiter::new(8, LearnedRates::default());
        let wait = Feedback::Refused(Some(10 * SECOND));
        let now = answers(&mut limiter, SECOND, &[Feedback::Accepted, wait]);
        let in_flight = std::iter::from_fn(|| leaves(&mut limiter, Class::UserWrite, now));
        assert_eq!(
            in_flight.count(),
            5,
            "half the places, and one for each call accepted"
        );
        assert_eq!(limiter.held_until(Class::UserWrite), None);
    }

    #[test]
    fn refusals_in_a_row_stop_the_class_and_no_other() {
        let mut limiter = Limiter::new(8, LearnedRates::default());
        let refused = [Feedback::Refused(Some(7 * SECOND)); 4];
        let now = answers(&mut limiter, SECOND, &refused);
        assert!(leaves(&mut limiter, Class::UserWrite, now).is_none());
        assert!(limiter.held_until(Class::UserWrite).is_some());
        assert!(leaves(&mut limiter, Class::Read, now).is_some());
    }

    #[test]
    fn one_call_at_a_time_finds_out_when_calls_are_accepted_again() {
        let mut limiter = Limiter::new(8, LearnedRates::default());
        let refused = [Feedback::Refused(None); 5];
        let mut now = answers(&mut limiter, SECOND, &refused);
        now += 20 * SECOND;
        let probe = leaves(&mut limiter, Class::UserWrite, now).expect("it is time to find out");
        assert!(leaves(&mut limiter, Class::UserWrite, now).is_none());
        limiter.back(probe, now + SECOND / 25, Feedback::Accepted, None);
        assert!(leaves(&mut limiter, Class::UserWrite, now + SECOND).is_some());
        assert_eq!(limiter.refused_for(Class::UserWrite, now), None);
    }

    #[test]
    fn a_node_that_refuses_everything_is_known_to() {
        let mut limiter = Limiter::new(8, LearnedRates::default());
        let now = answers(&mut limiter, SECOND, &[Feedback::Refused(None); 100]);
        let for_how_long = limiter.refused_for(Class::UserWrite, now).unwrap();
        assert!(for_how_long > 10 * SECOND, "{for_how_long:?}");
        let (told, mut limiter) = (Some(19 * SECOND), Limiter::new(8, LearnedRates::default()));
        let now = answers(&mut limiter, SECOND, &[Feedback::Refused(told); 5]);
        assert_eq!(
            limiter.refused_for(Class::UserWrite, now),
            None,
            "it asked to wait"
        );
    }

    #[test]
    fn a_claim_that_nothing_is_left_is_tested_once() {
        let none_left = Some(Allowance {
            left: 0.0,
            reset: 60 * SECOND,
        });
        let mut limiter = Limiter::new(8, LearnedRates::default());
        let permit = leaves(&mut limiter, Class::UserWrite, SECOND).unwrap();
        limiter.back(permit, SECOND, Feedback::Accepted, none_left);
        assert!(leaves(&mut limiter, Class::UserWrite, SECOND).is_none());
        let test = leaves(&mut limiter, Class::UserWrite, 2 * SECOND).expect("one call tests it");
        assert!(leaves(&mut limiter, Class::UserWrite, 2 * SECOND).is_none());
        limiter.back(test, 2 * SECOND, Feedback::Accepted, none_left);
        assert!(leaves(&mut limiter, Class::UserWrite, 2 * SECOND).is_some());
    }
}
