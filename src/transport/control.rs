//! What decides how many calls leave: the controller, or nothing but the number of places (`--rate off`).

use std::time::Duration;

use super::limiter::{Admission, Allowance, CallPermit, Feedback, LearnedRates, Limiter};
use super::{Class, RateSetting};

/// Decides when a call may leave.
#[derive(Debug)]
pub(super) enum Control {
    /// It finds out what the node allows.
    Auto(Box<Limiter>),
    /// So many calls at once. One that was refused keeps its place while it waits.
    Off { places: usize, in_flight: usize },
}

/// A call in flight.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pass {
    Auto(CallPermit),
    Off { class: Class, sent: Duration },
}

impl Control {
    pub(super) fn new(places: usize, setting: RateSetting, learned: LearnedRates) -> Self {
        match setting {
            RateSetting::Auto | RateSetting::AtMost(_) => {
                let places = u32::try_from(places).unwrap_or(u32::MAX);
                Control::Auto(Box::new(Limiter::new(places, learned)))
            }
            RateSetting::Off => Control::Off {
                places: places.max(1),
                in_flight: 0,
            },
        }
    }

    /// Asks for a call of `class` to leave at `now`, where so many that were refused wait; else says when to ask again: at
    /// a moment, or when a call has come back.
    pub(super) fn ask(
        &mut self,
        class: Class,
        now: Duration,
        resting: usize,
    ) -> Result<Pass, Option<Duration>> {
        match self {
            Control::Auto(limiter) => match limiter.ask(class, now) {
                Admission::Now(permit) => Ok(Pass::Auto(permit)),
                Admission::At(until) => Err(Some(until)),
                Admission::AfterAnswer => Err(None),
            },
            Control::Off { places, in_flight } if *in_flight + resting < *places => {
                *in_flight += 1;
                Ok(Pass::Off { class, sent: now })
            }
            Control::Off { .. } => Err(None),
        }
    }

    /// A call has come back, or was not sent after all.
    pub(super) fn back(
        &mut self,
        pass: Pass,
        now: Duration,
        feedback: Feedback,
        allowance: Option<Allowance>,
    ) {
        match (self, pass) {
            (Control::Auto(limiter), Pass::Auto(permit)) => {
                limiter.back(permit, now, feedback, allowance);
            }
            (Control::Off { in_flight, .. }, _) => *in_flight = in_flight.saturating_sub(1),
            (Control::Auto(_), Pass::Off { .. }) => {}
        }
    }

    /// The controller, where there is one.
    pub(super) fn limiter(&self) -> Option<&Limiter> {
        match self {
            Control::Auto(limiter) => Some(limiter),
            Control::Off { .. } => None,
        }
    }

    /// Parts of a call of `class` were refused: calls of the class wait so long.
    pub(super) fn hold(&mut self, class: Class, now: Duration, wait: Duration) {
        if let Control::Auto(limiter) = self {
            limiter.hold(class, now, wait);
        }
    }
}

impl Pass {
    pub(super) fn class(&self) -> Class {
        match self {
            Pass::Auto(permit) => permit.class(),
            Pass::Off { class, .. } => *class,
        }
    }

    /// How long ago it left.
    pub(super) fn since_sent(&self, now: Duration) -> Duration {
        match self {
            Pass::Auto(permit) => permit.since_sent(now),
            Pass::Off { sent, .. } => now.saturating_sub(*sent),
        }
    }

    /// It leaves later than it was let go.
    pub(super) fn leaves(&mut self, now: Duration) {
        match self {
            Pass::Auto(permit) => permit.leaves(now),
            Pass::Off { sent, .. } => *sent = now,
        }
    }
}
