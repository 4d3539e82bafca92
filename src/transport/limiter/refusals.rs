//! Are refusals a limit, or chance?
//!
//! Some nodes refuse a call now and then, whatever the rate. A limit shows in refusals that come close together, since what
//! the node refuses at one moment it also refuses at the next. Which of the two it is, a sequential test decides (CUSUM):
//! each answer adds to a score how much likelier it is under a limit than by chance.

/// The share of calls that a node is taken to refuse by chance, and how many calls that is worth.
const USUAL: f64 = 0.002;
const USUAL_CALLS: f64 = 100.0;

/// After so many calls older ones count half.
const REMEMBERED: f64 = 1000.0;

/// The share of refusals by chance that the test allows for at least.
const ALLOWED: f64 = 0.08;

/// The share of refusals that is a limit.
const LIMITED: f64 = 0.3;

/// The score (a log-likelihood ratio) that shows a limit; a higher one on a node that refuses so large a share by chance.
const CERTAIN: f64 = 4.0;
const MORE_CERTAIN: f64 = 8.0;
const ERRATIC: f64 = 0.03;

/// Refusals so far apart, in seconds and in calls, do not belong together.
const APART: f64 = 0.5;
const CALLS_APART: f64 = 3.0;

/// Times are in seconds, rates in calls per second.
#[derive(Debug)]
pub(super) struct RefusalDetector {
    score: f64,
    cluster: Option<Cluster>,
    /// Calls, and those among them that were refused by chance.
    calls: f64,
    refused: f64,
}

/// Calls sent since a refusal, at which the node had nothing left.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cluster {
    /// When the first and the last of them left.
    pub(super) first: f64,
    pub(super) last: f64,
    pub(super) accepted: u32,
    pub(super) refused: u32,
}

impl RefusalDetector {
    pub(super) fn new() -> Self {
        RefusalDetector {
            score: 0.0,
            cluster: None,
            calls: 0.0,
            refused: 0.0,
        }
    }

    /// The share of calls refused whatever the rate.
    pub(super) fn by_chance(&self) -> f64 {
        (self.refused + USUAL * USUAL_CALLS) / (self.calls + USUAL_CALLS)
    }

    pub(super) fn is_erratic(&self) -> bool {
        self.by_chance() >= ERRATIC
    }

    /// What an accepted call takes from the score, and what a refused one adds.
    fn weights(&self) -> (f64, f64) {
        let by_chance = (self.by_chance() * 1.5).clamp(ALLOWED, 0.5);
        let limited = (by_chance * 3.0).clamp(LIMITED, 0.9);
        let accepted = ((1.0 - by_chance) / (1.0 - limited)).ln();
        let refused = (limited / by_chance).ln();
        (accepted, refused)
    }

    /// A call was accepted that left at `sent`; `rate` is what calls are held to.
    pub(super) fn accepted(&mut self, sent: f64, rate: Option<f64>) {
        self.count(sent, rate);
        let (less, _) = self.weights();
        if let Some(cluster) = self
            .cluster
            .as_mut()
            .filter(|cluster| sent >= cluster.first)
        {
            cluster.accepted += 1;
            cluster.last = cluster.last.max(sent);
            self.score -= less;
            if self.score <= 0.0 {
                self.was_chance();
            }
        }
    }

    /// A call was refused that left at `sent`. Returns the calls since the first refusal if that shows a limit.
    pub(super) fn refused(&mut self, sent: f64, rate: Option<f64>) -> Option<Cluster> {
        self.count(sent, rate);
        let (_, more) = self.weights();
        self.score += more;
        let certain = if self.is_erratic() {
            MORE_CERTAIN
        } else {
            CERTAIN
        };
        let cluster = self.cluster.get_or_insert(Cluster {
            first: sent,
            last: sent,
            accepted: 0,
            refused: 0,
        });
        cluster.refused += 1;
        cluster.last = cluster.last.max(sent);
        (self.score >= certain).then_some(*cluster)
    }

    fn count(&mut self, sent: f64, rate: Option<f64>) {
        let apart = APART + rate.map_or(1.0, |rate| CALLS_APART / rate);
        if self
            .cluster
            .is_some_and(|cluster| sent - cluster.last > apart)
        {
            self.was_chance();
        }
        self.calls += 1.0;
        if self.calls > REMEMBERED {
            self.calls /= 2.0;
            self.refused /= 2.0;
        }
    }

    fn was_chance(&mut self) {
        self.refused += self
            .cluster
            .map_or(0.0, |cluster| f64::from(cluster.refused));
        self.clear();
    }

    /// Begins again, without taking what was refused for chance.
    pub(super) fn clear(&mut self) {
        self.score = 0.0;
        self.cluster = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of `calls` calls pass before there seems to be a limit, where every `nth` is refused, 5 ms apart.
    fn until_limited(nth: u32, calls: u32) -> Option<u32> {
        let mut detector = RefusalDetector::new();
        (0..calls).find(|call| {
            let sent = f64::from(*call) / 200.0;
            if call % nth == 0 {
                return detector.refused(sent, None).is_some();
            }
            detector.accepted(sent, None);
            false
        })
    }

    #[test]
    fn refusals_now_and_then_are_no_limit() {
        for nth in [1000, 100, 20] {
            assert_eq!(until_limited(nth, 10_000), None, "every {nth}th");
        }
    }

    #[test]
    fn refusals_close_together_are_one() {
        assert!(until_limited(1, 10).is_some_and(|call| call < 5));
        assert!(until_limited(2, 40).is_some_and(|call| call < 10));
    }

    #[test]
    fn refusals_far_apart_do_not_add_up() {
        let mut detector = RefusalDetector::new();
        for minute in 0..100 {
            let cluster = detector.refused(f64::from(minute) * 60.0, None);
            assert!(cluster.is_none(), "minute {minute}");
        }
    }
}
