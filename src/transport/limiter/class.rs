//! The limits of one class of call, as far as they are known.

use super::block::Block;
use super::call_log::Inside;
use super::concurrency::ConcurrencyLimit;
use super::quota::{Allowance, Quota};
use super::rate::RateController;
use super::refusals::{Cluster, RefusalDetector};
use super::{Admission, CallPermit, LearnedRate, Probe, duration};
use crate::transport::Class;

/// The latency before any is known, in seconds.
const USUAL_LATENCY: f64 = 0.1;

/// How much a new latency counts in the mean.
const NEWEST: f64 = 0.1;

/// Everything that may hold back a call of one class. Times are in seconds.
#[derive(Debug)]
pub(super) struct ClassLimiter {
    in_flight: u32,
    concurrency: ConcurrencyLimit,
    refusals: RefusalDetector,
    block: Block,
    rate: RateController,
    quota: Quota,
    /// How long an accepted call takes, as a moving mean.
    latency: Option<f64>,
    last_sent: f64,
}

/// A call that has come back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Returned {
    pub(super) permit: CallPermit,
    pub(super) now: f64,
    /// How many calls the node was working on when it came.
    pub(super) inside: Option<Inside>,
}

impl ClassLimiter {
    pub(super) fn new(places: u32, learned: Option<LearnedRate>) -> Self {
        ClassLimiter {
            in_flight: 0,
            concurrency: ConcurrencyLimit::new(places),
            refusals: RefusalDetector::new(),
            block: Block::new(),
            rate: RateController::new(learned),
            quota: Quota::new(),
            latency: None,
            last_sent: f64::NEG_INFINITY,
        }
    }

    pub(super) fn latency(&self) -> f64 {
        self.latency.unwrap_or(USUAL_LATENCY)
    }

    /// A call waits because too many are in flight.
    pub(super) fn waits_for_place(&mut self) {
        self.rate.waits_for_place();
    }

    pub(super) fn ask(&mut self, class: Class, now: f64) -> Admission {
        let probe = match self.may_leave(now) {
            Ok(probe) => probe,
            Err(admission) => return admission,
        };
        match probe {
            Some(Probe::Block) => self.block.sent(),
            Some(Probe::Quota) => self.quota.test_sent(),
            None => {}
        }
        self.quota.sent();
        self.in_flight += 1;
        self.last_sent = now;
        Admission::Now(CallPermit {
            class,
            sent: now,
            of_class: self.in_flight,
            of_all: 0,
            probe,
            number: 0,
        })
    }

    fn may_leave(&mut self, now: f64) -> Result<Option<Probe>, Admission> {
        if self.block.is_on() {
            return self.block.admission(now).map(|()| Some(Probe::Block));
        }
        if let Some(pause) = self.quota.pause(now) {
            return pause.admission(now).map(|()| Some(Probe::Quota));
        }
        if self.in_flight > 0 && self.quota.may_be_used_up(now) {
            return Err(Admission::AfterAnswer);
        }
        if self.in_flight >= self.concurrency.size(now) {
            self.waits_for_place();
            return Err(Admission::AfterAnswer);
        }
        let spaced = self.concurrency.next(self.last_sent, self.latency());
        if now < spaced {
            return Err(Admission::At(duration(spaced)));
        }
        match self.rate.wait(now, self.latency()) {
            Some(until) => Err(Admission::At(duration(until))),
            None => Ok(None),
        }
    }

    /// A call is back, and its answer tells what is left.
    pub(super) fn told(&mut self, allowance: Option<Allowance>, now: f64) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.quota.told(allowance, self.in_flight, now);
    }

    pub(super) fn lost(&mut self, permit: CallPermit, now: f64) {
        match permit.probe {
            Some(Probe::Block) => self.block.lost(now),
            Some(Probe::Quota) => self.quota.lost(now),
            None => {}
        }
    }

    pub(super) fn accepted(&mut self, returned: Returned) {
        let Returned {
            permit,
            now,
            inside,
        } = returned;
        let took = now - permit.sent;
        let latency = self.latency.get_or_insert(took);
        *latency += NEWEST * (took - *latency);
        self.concurrency
            .accepted(permit.of_class, inside.map(|inside| inside.of_class));
        self.rate.accepted(permit.sent);
        match permit.probe {
            Some(Probe::Quota) => self.quota.tested(permit.sent, now, true),
            Some(Probe::Block) if self.block.is_on() => {
                let ended = self.block.end(permit.sent);
                self.rate.released(now, ended);
                self.refusals.clear();
            }
            _ if self.rate.is_current(permit.sent) => {
                self.refusals.accepted(permit.sent, self.rate.now());
            }
            _ => {}
        }
    }

    /// A call was refused.
    pub(super) fn refused(
        &mut self,
        returned: Returned,
        wait: Option<f64>,
        overall: &mut ConcurrencyLimit,
    ) {
        let Returned { permit, now, .. } = returned;
        match permit.probe {
            Some(Probe::Quota) => return self.quota.tested(permit.sent, now, false),
            Some(Probe::Block) if self.block.is_on() => return self.block.refused(now, wait),
            _ if self.block.is_on() => return self.block.told(now, wait),
            // It left before the node's claim was known, which foretold the refusal.
            _ if self.quota.is_paused() => return,
            _ => {}
        }
        let was_expected = self.count_by_concurrency(returned, overall);
        if was_expected || !self.rate.is_current(permit.sent) {
            return;
        }
        let was_search = self.rate.is_searching();
        let cluster = self.refusals.refused(permit.sent, self.rate.now());
        if (cluster.is_some() || was_search)
            && (self.concurrency.explains(now) || overall.explains(now))
        {
            self.rate.lift(now);
            self.refusals.clear();
        } else if let Some(cluster) = cluster {
            self.concurrency.refute();
            overall.refute();
            self.limit(now, cluster, wait);
        } else if was_search {
            if self.rate.ends_search(now, self.refusals.by_chance()) {
                self.refusals.clear();
                if self.block.trusts_waits() && wait.is_some() {
                    self.rate.blocked(now);
                    self.block.begin(now, 0.0, wait);
                }
            }
        } else if !self.refusals.is_erratic() {
            self.rate.yields();
        }
    }

    /// Says whether the call was to find out whether more are accepted at once.
    fn count_by_concurrency(&mut self, returned: Returned, overall: &mut ConcurrencyLimit) -> bool {
        let Returned {
            permit,
            now,
            inside,
        } = returned;
        let latency = self.latency();
        let was_expected =
            self.concurrency.was_tried(permit.of_class) || overall.was_tried(permit.of_all);
        let of_class = inside.map(|inside| inside.of_class);
        self.concurrency
            .refused(permit.of_class, of_class, now, latency);
        let of_all = inside.map(|inside| inside.of_all);
        overall.refused(permit.of_all, of_all, now, latency);
        was_expected
    }

    /// Calls are refused for their rate.
    fn limit(&mut self, now: f64, cluster: Cluster, wait: Option<f64>) {
        let latency = self.latency();
        if cluster.accepted == 0 {
            let soon = self.rate.now().map_or(latency / 4.0, |rate| 0.5 / rate);
            self.rate.blocked(now);
            self.block.begin(now, soon, wait);
        } else {
            self.rate.limit(now, cluster, latency);
        }
        self.refusals.clear();
    }

    /// Nothing leaves for so long.
    pub(super) fn hold(&mut self, now: f64, wait: f64) {
        if !self.block.is_on() {
            self.rate.blocked(now);
            self.block.begin(now, wait, Some(wait));
        }
    }

    pub(super) fn held_until(&self) -> Option<f64> {
        self.block.until().or_else(|| self.quota.paused_until())
    }

    pub(super) fn refuses_all(&self) -> bool {
        self.block.refuses_all()
    }

    pub(super) fn refused_since(&self, now: f64) -> Option<f64> {
        self.block.in_vain_since(now)
    }

    pub(super) fn learned(&self) -> Option<LearnedRate> {
        self.rate.learned()
    }
}
