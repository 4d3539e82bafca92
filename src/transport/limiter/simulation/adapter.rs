//! The limiter under test as a [`Controller`].

use std::time::Duration;

use super::controller::{Controller, Permit};
use super::node::{Node, Reply};
use crate::transport::Class;
use crate::transport::limiter::{
    Admission, Allowance, CallPermit, Feedback, LearnedRate, LearnedRates, Limiter,
};

pub(super) struct Adaptive(Limiter);

impl Adaptive {
    pub(super) fn new(places: u32, memory: Option<f64>) -> Self {
        Adaptive(Limiter::new(
            places,
            memory.map_or_else(LearnedRates::default, learned),
        ))
    }
}

/// What a run leaves behind that found `rate` user writes per second.
fn learned(rate: f64) -> LearnedRates {
    let mut learned = LearnedRates::default();
    learned.0[Class::UserWrite as usize] = Some(LearnedRate { rate, calls: 100 });
    learned
}

impl Controller for Adaptive {
    fn ask(&mut self, class: Class, now: f64, _: &mut Node) -> Permit {
        match self.0.ask(class, Duration::from_secs_f64(now)) {
            Admission::Now(permit) => Permit::Now(Some(permit)),
            Admission::At(when) => Permit::At(when.as_secs_f64()),
            Admission::AfterAnswer => Permit::AfterAnswer,
        }
    }

    fn back(&mut self, permit: Option<CallPermit>, now: f64, reply: &Reply) {
        let feedback = if reply.accepted {
            Feedback::Accepted
        } else {
            Feedback::Refused(reply.retry_after.map(Duration::from_secs_f64))
        };
        let allowance = reply.quota.map(|quota| Allowance {
            left: quota.left,
            reset: Duration::from_secs_f64(quota.reset),
        });
        let permit = permit.expect("every call of the limiter has a ticket");
        self.0
            .back(permit, Duration::from_secs_f64(now), feedback, allowance);
    }
}
