//! How many calls per second may leave, once a limit has shown.
//!
//! ```text
//!              refusals cluster            every few seconds
//!  unlimited ──────────────────▶ steady ───────────────────▶ searching
//!      ▲                            ▲     a call is refused      │
//!      │                            └────────────────────────────┤
//!      └─────────────────────────────────────────────────────────┘
//!                  calls wait for a place, no longer for the rate
//! ```
//!
//! Between two moments at which the node had nothing left, it accepted as many calls as it allows: that number over that
//! time is the measure of the limit. Steady, calls leave at a little less. A search raises the rate a little, then twice as
//! much each time, until a call is refused. So a search of an unchanged limit costs about one refusal, and a limit that was
//! raised tenfold or lifted is found within seconds.

use super::block::BlockEnd;
use super::quota_window::QuotaWindow;
use super::refusals::Cluster;
use super::{LearnedRate, whole};

/// What part of the measured limit is used between searches.
const BELOW: f64 = 0.98;

/// What is left of the rate when a call is refused between searches: the difference is for another client.
const YIELD: f64 = 0.94;

/// A smaller share of refusals by chance is as good as none.
const RARE: f64 = 0.01;

/// By so many calls a limit is well measured.
const KNOWN: f64 = 16.0;

/// So many calls prove that a rate lasts.
const PROOF: u32 = 24;

/// Calls that leave so many seconds apart are fewer than the node allows; so are calls that leave so large a part of the
/// time between two calls after they were due.
const IDLE: f64 = 1.0;
const UNUSED: f64 = 0.7;

/// The rate that an earlier run found counts for no less than this, so that a wrong one costs a second or two.
const LEAST_LEARNED: f64 = 8.0;

/// Times are in seconds, rates in calls per second.
#[derive(Debug)]
pub(super) struct RateController {
    /// None while no limit has shown.
    rate: Option<f64>,
    /// What an earlier run found.
    remembered: Option<LearnedRate>,
    /// The rate between searches.
    steady: f64,
    /// When the latest call was due, and when it left.
    due: f64,
    left: f64,
    /// When the rate was lowered last: calls that left before say nothing about it.
    lowered: f64,
    search: Search,
    measure: Measure,
    window: QuotaWindow,
    /// Whether the node lets calls be saved up, so that more than the limit are accepted for a while.
    saves_up: bool,
    /// The measured rate, while a higher one that was accepted is used for so many calls to see whether it lasts.
    unproven: Option<(f64, u32)>,
}

/// The search for a higher rate.
#[derive(Debug, Default)]
struct Search {
    /// By what part the rate is raised next, and first.
    step: f64,
    first_step: f64,
    /// No search before then.
    from: f64,
    /// When the rate was raised last, and what it was before.
    raised: f64,
    before: f64,
    /// Calls accepted and refused since it began.
    accepted: f64,
    refused: f64,
    /// Whether a call had to wait for the rate since it was raised, and whether one had to wait for a place.
    was_late: bool,
    was_crowded: bool,
}

/// What the node accepted since it had nothing left.
#[derive(Debug, Default)]
struct Measure {
    since: Option<f64>,
    accepted: f64,
    /// By how many calls the limit is known.
    known_by: f64,
}

impl Search {
    /// The shortest time between two raises.
    const ROUND: f64 = 0.25;
    /// Calls between two raises of a rate that is well known.
    const CALLS: f64 = 4.0;
    /// How long a search waits, at least and at most, after the one before.
    const WAIT: f64 = 2.5;
    const LONG_WAIT: f64 = 3.5;
    const LONGEST_WAIT: f64 = 15.0;
    /// A search that has not found the limit goes on after so many calls.
    const FEW_CALLS: f64 = 3.0;
    /// A slow limit is left alone for so many calls.
    const SLOW_CALLS: f64 = 20.0;
    /// So many calls are to be accepted for each that a search has refused.
    const CALLS_PER_REFUSAL: f64 = 60.0;
    /// The first step in calls per second: the same for a slow client and a fast one beside it, so that they come to
    /// share a limit.
    const STEP: f64 = 1.5;

    fn restart(&mut self, now: f64, rate: f64, known_by: f64) {
        let even = (Self::STEP / rate).min(0.3);
        *self = Search {
            first_step: (1.0 / known_by.max(1.0)).max(even).clamp(0.02, 0.5),
            from: now,
            raised: now,
            ..Search::default()
        };
        self.step = self.first_step;
    }

    fn wait(&mut self, now: f64, rate: f64, refused: f64) {
        let most = (Self::SLOW_CALLS / rate).clamp(Self::LONG_WAIT, Self::LONGEST_WAIT);
        let paid = (refused * Self::CALLS_PER_REFUSAL / rate).min(most);
        self.from = now + Self::WAIT.max(paid);
    }

    /// When the rate may be raised next.
    fn next(&self, rate: f64, latency: f64, is_known: bool) -> f64 {
        let calls = if is_known { Self::CALLS } else { 0.0 };
        let round = Self::ROUND
            .max(latency)
            .max(calls / rate)
            .min(Self::LONG_WAIT);
        self.from.max(self.raised + round)
    }
}

impl Measure {
    fn rate(&self, now: f64) -> Option<f64> {
        let since = self.since?;
        (self.accepted >= 1.0).then(|| self.accepted / (now - since).max(1e-3))
    }

    /// Fewer calls left than might have.
    fn forget(&mut self) {
        (self.since, self.accepted) = (None, 0.0);
    }

    /// There is nothing left now.
    fn restart(&mut self, now: f64) {
        if self.since.is_none() || self.accepted >= KNOWN {
            (self.since, self.accepted) = (Some(now), 0.0);
        }
    }
}

impl RateController {
    /// `learned` is what an earlier run found: where this one begins, and no more.
    pub(super) fn new(learned: Option<LearnedRate>) -> Self {
        let learned = learned.filter(|learned| learned.rate.is_finite());
        let rate = learned.map(|learned| learned.rate.max(LEAST_LEARNED) * BELOW);
        RateController {
            rate,
            remembered: learned,
            steady: rate.unwrap_or_default(),
            due: f64::NEG_INFINITY,
            left: f64::NEG_INFINITY,
            lowered: f64::NEG_INFINITY,
            search: Search {
                step: 1.0,
                first_step: 1.0,
                ..Search::default()
            },
            measure: Measure::default(),
            window: QuotaWindow::default(),
            saves_up: false,
            unproven: None,
        }
    }

    pub(super) fn now(&self) -> Option<f64> {
        self.rate
    }

    /// The limit, if it is well known; else what an earlier run found, as long as nothing speaks against it.
    pub(super) fn learned(&self) -> Option<LearnedRate> {
        let rate = self.rate?;
        if self.is_known() {
            return Some(LearnedRate {
                rate: rate.min(self.steady),
                calls: whole(self.measure.known_by),
            });
        }
        self.remembered.filter(|learned| rate < learned.rate * 2.0)
    }

    fn is_known(&self) -> bool {
        self.measure.known_by >= KNOWN
    }

    pub(super) fn is_searching(&self) -> bool {
        self.rate.is_some_and(|rate| rate > self.steady * 1.005)
    }

    /// Whether a call left since the rate was lowered.
    pub(super) fn is_current(&self, sent: f64) -> bool {
        sent >= self.lowered
    }

    /// A call waits because too many are in flight.
    pub(super) fn waits_for_place(&mut self) {
        self.search.was_crowded = true;
    }

    /// Lets a call leave now, or says until when it waits.
    pub(super) fn wait(&mut self, now: f64, latency: f64) -> Option<f64> {
        if now - self.left > IDLE + 2.0 / self.rate.unwrap_or(1.0) {
            self.measure.forget();
            self.window.restart(now);
        }
        self.raise(now, latency);
        if let Some(rate) = self.rate {
            let due = self.due + 1.0 / rate;
            if due > now {
                self.search.was_late = true;
                let raised = self.search.next(rate, latency, self.is_known());
                return Some(due.min(raised.max(now) + 1e-4));
            }
            if now - due > UNUSED / rate {
                self.measure.forget();
            }
            // Timers fire late, which must not make the calls after this one late as well.
            let slack = (0.1 / rate).min(0.002);
            self.due = due.max(now - slack);
        }
        self.left = now;
        None
    }

    fn raise(&mut self, now: f64, latency: f64) {
        let Some(rate) = self.rate else {
            return;
        };
        if now < self.search.next(rate, latency, self.is_known()) {
            return;
        }
        self.search.raised = now;
        self.search.before = rate;
        if self.search.was_late {
            let raised = rate * (1.0 + self.search.step);
            let faster = if self.is_known() { 2.0 } else { 1.5 };
            self.search.step = (self.search.step * faster).min(1.0);
            match self.window.ceiling(now).filter(|(most, _)| raised > *most) {
                Some((most, until)) => {
                    self.steady = rate.max(most);
                    self.rate = Some(self.steady);
                    self.search.from = until;
                }
                None => self.rate = Some(raised),
            }
        } else if self.search.was_crowded {
            self.lift(now);
        }
        (self.search.was_late, self.search.was_crowded) = (false, false);
    }

    /// There is no limit that would hold calls back.
    pub(super) fn lift(&mut self, now: f64) {
        self.rate = None;
        self.remembered = None;
        self.measure = Measure::default();
        self.due = now - 1.0;
        self.lowered = now;
    }

    pub(super) fn accepted(&mut self, sent: f64) {
        self.measure.accepted += 1.0;
        if let Some((_, calls)) = &mut self.unproven {
            *calls += 1;
            self.unproven = self.unproven.filter(|(_, calls)| *calls < PROOF);
        }
        self.search.accepted += f64::from(u8::from(self.is_searching()));
        if self.window.accepted() {
            self.settle(sent, self.steady);
        }
    }

    /// A call was refused that left in a search. Says whether that ends it, where the share of refusals that have
    /// nothing to do with the rate is `by_chance`.
    pub(super) fn ends_search(&mut self, now: f64, by_chance: f64) -> bool {
        if !self.is_searching() {
            return false;
        }
        self.search.refused += 1.0;
        let refused = self.search.refused;
        let least = if by_chance < RARE { 1.0 } else { 3.0 };
        if refused < (least + 3.0 * by_chance * self.search.accepted).floor() {
            return false;
        }
        let tried = self.rate.unwrap_or_default();
        self.measure.known_by = self.measure.known_by.max(self.measure.accepted);
        let lowest = match self.measure.accepted {
            accepted if accepted >= KNOWN => 0.9,
            accepted if accepted >= 3.0 => 0.7,
            _ => 1.0,
        };
        let limit = self.measure.rate(now).unwrap_or(tried / 3.0);
        let reached = (limit * BELOW).clamp(self.steady * lowest, tried);
        let reached = self.proven(reached, tried);
        self.settle(now, reached);
        // A search that went far beyond the limit has not found it yet.
        if tried < reached * 1.3 {
            self.search.wait(now, reached, refused);
        } else {
            self.search.from = now + (Search::FEW_CALLS / reached).min(Search::LONG_WAIT);
        }
        self.measure.restart(now);
        true
    }

    /// Where a node saves nothing up, more than the measure was accepted just before the search ended.
    fn proven(&mut self, measured: f64, tried: f64) -> f64 {
        let before = self.search.before.min(tried) * BELOW;
        if self.saves_up || !self.is_known() || before <= measured {
            return measured;
        }
        self.unproven = Some((measured, 0));
        before
    }

    /// A call was refused between searches.
    pub(super) fn yields(&mut self) {
        if let Some((measured, _)) = self.unproven.take() {
            self.saves_up = true;
            self.rate = Some(measured);
            self.steady = measured;
        } else if let Some(rate) = self.rate {
            self.steady = rate * YIELD;
            self.rate = Some(self.steady);
        }
    }

    fn settle(&mut self, now: f64, rate: f64) {
        self.rate = Some(rate);
        self.steady = rate;
        self.due = self.due.max(now - 1.0 / rate);
        self.lowered = now;
        self.search.restart(now, rate, self.measure.known_by);
    }

    /// Calls are refused more often than by chance: as many leave as were accepted.
    pub(super) fn limit(&mut self, now: f64, cluster: Cluster, latency: f64) {
        let span = (cluster.last - cluster.first).max(latency / 4.0);
        let accepted = f64::from(cluster.accepted);
        let lately = (accepted + 0.5) / span;
        let lasting = self
            .measure
            .rate(now)
            .filter(|lasting| lately > 0.7 * lasting);
        let (measured, known_by) = match lasting {
            Some(lasting) => (lasting, self.measure.accepted),
            None => {
                self.measure.since = None;
                (lately, accepted)
            }
        };
        let rate = self.rate.map_or(measured, |rate| measured.min(rate));
        self.measured(now, rate, known_by, f64::from(cluster.refused));
    }

    fn measured(&mut self, now: f64, rate: f64, known_by: f64, refused: f64) {
        self.measure.known_by = known_by;
        self.settle(now, rate * BELOW);
        if known_by >= KNOWN {
            self.search.wait(now, rate, refused);
        }
        self.measure.restart(now);
    }

    /// Nothing is accepted any more.
    pub(super) fn blocked(&mut self, now: f64) {
        self.window.blocked(now, self.rate);
        self.lowered = now;
        if self.measure.since.is_none() {
            self.measure.restart(now);
        }
    }

    /// Calls are accepted again.
    pub(super) fn released(&mut self, now: f64, ended: BlockEnd) {
        let released = self.window.released(now, ended.lasted);
        let refused = f64::from(ended.refused);
        self.measured(now, released.rate, released.accepted, refused);
        if released.was_faster {
            self.search.from = now;
        }
        if released.is_window {
            self.rate = None;
        }
        self.due = now - 1.0 / released.rate;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_block_after_a_few_calls_says_nothing_of_the_rate() {
        let mut rate = RateController::new(None);
        assert_eq!(rate.wait(0.0, 0.05), None);
        rate.accepted(0.0);
        rate.blocked(0.1);
        let mut now = 600.0;
        rate.released(
            now,
            BlockEnd {
                lasted: 599.9,
                refused: 40,
            },
        );
        let mut left = 0;
        while now < 610.0 {
            now += 0.01;
            if rate.wait(now, 0.05).is_none() {
                left += 1;
                rate.accepted(now);
            }
        }
        assert!(left > 40, "{left} calls left in 10 s");
    }
}
