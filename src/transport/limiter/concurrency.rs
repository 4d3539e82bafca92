//! How many calls may be in flight.
//!
//! A node that limits calls at once refuses those that come while too many are inside, and no others. To a node that limits
//! a rate it does not matter how many are. So the two are told apart by how many calls were inside when one was refused
//! and when one was accepted.

use super::whole;

/// A class begins with so many calls in flight, or with half of those allowed. One more follows for each accepted call.
const FIRST: f64 = 4.0;

/// After so many calls older ones count half.
const REMEMBERED: f64 = 2000.0;

/// The share of calls refused beyond a limit and within it. It is not 1 and 0, since what is inside is only known about.
const BEYOND: f64 = 0.6;
const WITHIN: f64 = 0.01;

/// So many refusals beyond a limit are needed to believe in it.
const LEAST_REFUSED: f64 = 1.5;

/// How much better a limit must explain the refusals than chance does (log-likelihood ratio).
const BETTER: f64 = 3.0;

/// One call more is tried after so many calls, but within these times, in seconds.
const CALLS_PER_TRY: f64 = 60.0;
const FIRST_TRY: f64 = 2.5;
const LAST_TRY: f64 = 15.0;

/// So many calls accepted beyond a limit raise it.
const RAISED_BY: u32 = 3;

/// A limit within which so many calls were accepted is not wrong. A call that is refused within it has met another client's,
/// who gets one place. Of two places neither is given up, since that would be half of them.
const PROVEN: u32 = 100;
const KEPT: u32 = 2;
/// No second place is given up before so many latencies have passed.
const APART: f64 = 3.0;

/// Times are in seconds.
#[derive(Debug)]
pub(super) struct ConcurrencyLimit {
    places: u32,
    slow_start: f64,
    limit: Option<Limit>,
    /// By how many were inside.
    counts: Vec<Count>,
    calls: f64,
}

#[derive(Debug, Clone, Copy)]
struct Limit {
    calls: u32,
    /// How many were accepted within it.
    accepted_within: u32,
    /// When a place was given up.
    yielded: f64,
    /// How many more are being tried.
    trying: Option<u32>,
    /// How many of these were accepted.
    accepted: u32,
    /// How many more are tried next, and when.
    step: u32,
    next_try: f64,
}

impl Limit {
    /// Gives up a place if the limit is certain. One call more is tried again soon.
    fn meets_another_client(&mut self, now: f64, latency: f64) {
        let is_certain = self.accepted_within >= PROVEN && now > self.yielded + APART * latency;
        if is_certain && self.calls > KEPT {
            self.calls -= 1;
            self.yielded = now;
            (self.trying, self.step, self.next_try) = (None, 1, now + FIRST_TRY);
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Count {
    accepted: f64,
    refused: f64,
}

impl ConcurrencyLimit {
    /// At most `places` calls in flight.
    pub(super) fn new(places: u32) -> Self {
        ConcurrencyLimit {
            places,
            slow_start: FIRST.max(f64::from(places) / 2.0),
            limit: None,
            counts: Vec::new(),
            calls: 0.0,
        }
    }

    pub(super) fn without_slow_start(places: u32) -> Self {
        ConcurrencyLimit {
            slow_start: f64::from(places),
            ..ConcurrencyLimit::new(places)
        }
    }

    /// How many calls may be in flight.
    pub(super) fn size(&mut self, now: f64) -> u32 {
        let most = self.places.min(whole(self.slow_start));
        let Some(limit) = &mut self.limit else {
            return most.max(1);
        };
        if limit.trying.is_none() && now >= limit.next_try {
            (limit.trying, limit.accepted) = (Some(limit.step), 0);
        }
        most.min(limit.calls + limit.trying.unwrap_or_default())
            .max(1)
    }

    /// When the next call may leave. While more calls are tried they leave evenly, so that a node that limits the rate
    /// has no reason to refuse them.
    pub(super) fn next(&self, last_sent: f64, latency: f64) -> f64 {
        let tried = self
            .limit
            .and_then(|limit| Some(limit.calls + limit.trying?));
        let spacing = tried.map_or(0.0, |calls| 0.9 * latency / f64::from(calls));
        last_sent + spacing
    }

    /// Whether a call that left as one of `in_flight` tries whether more are accepted.
    pub(super) fn was_tried(&self, in_flight: u32) -> bool {
        self.limit
            .is_some_and(|limit| limit.trying.is_some() && in_flight > limit.calls)
    }

    /// A call was accepted that left as one of `in_flight` and found so many `inside`.
    pub(super) fn accepted(&mut self, in_flight: u32, inside: Option<u32>) {
        self.slow_start = (self.slow_start + 1.0).min(f64::from(self.places));
        if let Some(count) = self.count(inside) {
            count.accepted += 1.0;
        }
        if !self.was_tried(in_flight) {
            if let Some(limit) = &mut self.limit {
                limit.accepted_within += 1;
            }
            return;
        }
        if let Some(limit) = &mut self.limit {
            limit.accepted += 1;
            if limit.accepted >= RAISED_BY {
                limit.calls += limit.step;
                limit.step *= 2;
                (limit.trying, limit.accepted) = (Some(limit.step), 0);
                self.limit = self.limit.filter(|limit| limit.calls < self.places);
            }
        }
    }

    /// The same of a call that was refused.
    pub(super) fn refused(&mut self, in_flight: u32, inside: Option<u32>, now: f64, latency: f64) {
        if let Some(count) = self.count(inside) {
            count.refused += 1.0;
        }
        let was_tried = self.was_tried(in_flight);
        let Some(limit) = &mut self.limit else {
            return;
        };
        if was_tried {
            let calls = CALLS_PER_TRY * latency / f64::from(limit.calls);
            // Several calls more were too many, which one more need not be.
            let wait = if limit.step > 1 {
                0.0
            } else {
                calls.clamp(FIRST_TRY, LAST_TRY)
            };
            (limit.trying, limit.step, limit.next_try) = (None, 1, now + wait);
        } else if in_flight <= limit.calls {
            limit.meets_another_client(now, latency);
        }
    }

    fn count(&mut self, inside: Option<u32>) -> Option<&mut Count> {
        let at = inside?.min(self.places) as usize;
        if self.counts.len() <= at {
            self.counts.resize(at + 1, Count::default());
        }
        self.calls += 1.0;
        if self.calls > REMEMBERED {
            self.calls /= 2.0;
            for count in &mut self.counts {
                count.accepted /= 2.0;
                count.refused /= 2.0;
            }
        }
        self.counts.get_mut(at)
    }

    /// Whether the latest refusals are best explained by how many calls were inside; then no more leave at once than
    /// were accepted.
    pub(super) fn explains(&mut self, now: f64) -> bool {
        let likeliest = self
            .likeliest()
            .filter(|calls| self.limit.is_none_or(|limit| *calls < limit.calls));
        let Some(calls) = likeliest else {
            return false;
        };
        self.limit = Some(Limit {
            calls,
            accepted_within: 0,
            yielded: f64::NEG_INFINITY,
            trying: None,
            accepted: 0,
            step: 1,
            next_try: now + FIRST_TRY,
        });
        self.slow_start = self.slow_start.max(f64::from(calls));
        self.forget();
        true
    }

    /// The limit that explains the refusals best, if one does.
    fn likeliest(&self) -> Option<u32> {
        let all = sum(&self.counts);
        let share = (all.refused / (all.accepted + all.refused).max(1.0)).clamp(0.01, 0.9);
        let better = |count: Count, refused: f64| {
            count.refused * (refused / share).ln()
                + count.accepted * ((1.0 - refused) / (1.0 - share)).ln()
        };
        let limits = (1..self.counts.len()).filter_map(|limit| {
            let (within, beyond) = self.counts.split_at(limit + 1);
            let (within, beyond) = (sum(within), sum(beyond));
            let score = better(beyond, BEYOND) + better(within, WITHIN);
            let limit = u32::try_from(limit).ok()?;
            (beyond.refused >= LEAST_REFUSED && score >= BETTER).then_some((limit, score))
        });
        let best = limits.max_by(|(_, one), (_, other)| one.total_cmp(other));
        best.map(|(limit, _)| limit)
    }

    /// What is refused now has another reason.
    pub(super) fn refute(&mut self) {
        self.limit = None;
        self.forget();
    }

    fn forget(&mut self) {
        self.counts.clear();
        self.calls = 0.0;
    }
}

fn sum(counts: &[Count]) -> Count {
    Count {
        accepted: counts.iter().map(|count| count.accepted).sum(),
        refused: counts.iter().map(|count| count.refused).sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts so many calls that were accepted and refused with so many inside.
    fn seen(limit: &mut ConcurrencyLimit, inside: u32, accepted: u32, refused: u32) {
        for _ in 0..accepted {
            limit.accepted(1, Some(inside));
        }
        for _ in 0..refused {
            limit.refused(1, Some(inside), 0.0, 0.04);
        }
    }

    #[test]
    fn refusals_among_many_only_are_a_limit_at_once() {
        let mut limit = ConcurrencyLimit::new(8);
        seen(&mut limit, 2, 20, 0);
        seen(&mut limit, 3, 30, 0);
        seen(&mut limit, 4, 1, 4);
        assert!(limit.explains(0.0));
        assert_eq!(limit.size(1.0), 3);
        // Later one more is tried, and three accepted calls make it four.
        assert_eq!(limit.size(3.0), 4);
        for _ in 0..RAISED_BY {
            limit.accepted(4, Some(4));
        }
        assert!(limit.size(3.0) > 4);
        limit.refused(6, Some(6), 3.0, 0.04);
        assert_eq!(limit.size(3.0), 5, "again one more than four");
    }

    #[test]
    fn refusals_among_few_and_many_are_not() {
        let mut limit = ConcurrencyLimit::new(8);
        for inside in 1..=4 {
            seen(&mut limit, inside, 6, 2);
        }
        assert!(!limit.explains(0.0));
        assert_eq!(limit.size(1.0), 8);
    }

    #[test]
    fn a_place_is_given_up_to_another_client_and_tried_again() {
        let mut limit = ConcurrencyLimit::new(8);
        seen(&mut limit, 4, 30, 0);
        seen(&mut limit, 5, 1, 4);
        assert!(limit.explains(0.0));
        let refused = |limit: &mut ConcurrencyLimit, now| {
            limit.refused(4, Some(4), now, 0.04);
            limit.size(now)
        };
        assert_eq!(refused(&mut limit, 1.0), 4, "the limit may be wrong yet");
        seen(&mut limit, 4, PROVEN, 0);
        assert_eq!(refused(&mut limit, 2.0), 3);
        assert_eq!(refused(&mut limit, 2.01), 3, "that is the same moment");
        assert_eq!(
            refused(&mut limit, 2.0 + FIRST_TRY + 0.01),
            4,
            "it is tried again"
        );
        for now in [10.0, 20.0, 30.0] {
            limit.refused(1, Some(1), now, 0.04);
        }
        assert_eq!(limit.limit.unwrap().calls, KEPT);
    }
}
