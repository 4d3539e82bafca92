//! One class of calls: everything that may keep a call of it back.

use std::time::Duration;

use super::latency::Latency;
use super::quota::{Allowance, Quota};
use super::speed::Speed;
use super::window::{Refusal, Window};
use super::{Said, Ticket, Turn};
use crate::pace::Class;

/// The limits of one class, as far as they are known. Times are in seconds.
#[derive(Debug)]
pub(super) struct Lane {
    held_until: f64,
    in_flight: u32,
    window: Window,
    quota: Option<Quota>,
    speed: Speed,
    latency: Latency,
}

impl Lane {
    pub(super) fn new(places: u32, learnt: Option<f64>) -> Self {
        Lane {
            held_until: 0.0,
            in_flight: 0,
            window: Window::new(places),
            quota: None,
            speed: Speed::new(learnt),
            latency: Latency::default(),
        }
    }

    pub(super) fn ask(&mut self, class: Class, now: f64) -> Turn {
        if now < self.held_until {
            return Turn::At(time(self.held_until));
        }
        if self.in_flight >= self.window.size(self.speed.now(), self.latency.usual()) {
            return Turn::AfterAnswer;
        }
        if let Some(quota) = &mut self.quota
            && let Some(until) = quota.wait(now)
        {
            return Turn::At(time(until));
        }
        if let Some(until) = self.speed.wait(now) {
            return Turn::At(time(until));
        }
        if let Some(quota) = &mut self.quota {
            quota.take(now);
        }
        self.in_flight += 1;
        Turn::Now(Ticket {
            class,
            sent: now,
            among: self.in_flight,
        })
    }

    pub(super) fn back(
        &mut self,
        ticket: Ticket,
        now: f64,
        said: Said,
        allowance: Option<Allowance>,
    ) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if let Some(allowance) = allowance {
            self.quota = Some(Quota::after(
                self.quota.take(),
                allowance,
                self.in_flight,
                now,
            ));
        }
        // An answer that does not tell any more must not keep the class waiting for one that does.
        if allowance.is_none() && self.quota.as_ref().is_some_and(Quota::is_renewed) {
            self.quota = None;
        }
        match said {
            Said::Taken => {
                // How long a bulk request takes says more of what is in it than of the node.
                if ticket.class != Class::Bulk {
                    self.latency.was(now - ticket.sent, now);
                }
                let open = self.speed.is_open();
                self.window.taken(ticket.among, open, now, self.latency);
                self.speed.taken();
                if let Some(reach) = self.reach() {
                    self.speed.forget_beyond(reach, now);
                }
            }
            Said::Refused(wait) => {
                let wait = wait.as_secs_f64();
                self.held_until = self.held_until.max(now + wait);
                let refusal = Refusal {
                    among: ticket.among,
                    still: self.in_flight,
                    open: self.speed.is_open(),
                    // Those that left before the last refusal was heard belong to it.
                    anew: ticket.sent > self.speed.refused_at(),
                    at: now,
                    wait,
                };
                let at_once = self.window.refused(refusal);
                match (refusal.anew, at_once && refusal.open) {
                    (true, false) => self.speed.refused(now, wait),
                    (true, true) => self.speed.paused(now, wait),
                    (false, _) => self.speed.held(now + wait),
                }
            }
            Said::Busy => self.window.busy(ticket.sent, now),
            Said::Nothing => {}
        }
    }

    pub(super) fn refused_since(&mut self, now: f64, wait: f64) {
        self.held_until = self.held_until.max(now + wait);
        self.speed.refused(now, wait);
    }

    pub(super) fn held_until(&self) -> f64 {
        self.held_until
    }

    pub(super) fn learnt(&self) -> Option<f64> {
        self.speed.learnt()
    }

    /// How many calls a second the window lets through.
    fn reach(&self) -> Option<f64> {
        let usual = self.latency.usual()?;
        Some(f64::from(self.window.widest()) / usual.max(1e-6))
    }
}

fn time(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}
