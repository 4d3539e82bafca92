//! How long things took, counted in a fixed number of steps: so memory does not grow with their number.
//!
//! Each step is a quarter of a doubling, so a time that is read from here is within a tenth of the true one.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Steps for each doubling.
const QUARTERS: u32 = 4;

/// The end of the first doubling, in seconds. Nothing that is counted here is much faster.
const FIRST: f64 = 0.000_25;

/// So that the last step begins beyond an hour.
const STEPS: usize = 25 * QUARTERS as usize;

/// Durations, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram {
    /// Up to the last step that is not empty.
    counts: Vec<u64>,
    longest: Duration,
}

/// How many took so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// At the most.
    pub up_to: Duration,
    /// How many.
    pub count: u64,
}

impl Histogram {
    /// Counts one.
    pub fn add(&mut self, took: Duration) {
        let step = step_of(took);
        if step >= self.counts.len() {
            self.counts.resize(step + 1, 0);
        }
        self.counts[step] += 1;
        self.longest = self.longest.max(took);
    }

    /// Counts what another one has counted.
    pub fn merge(&mut self, other: &Histogram) {
        // One that was read from a file may have any length.
        let known = &other.counts[..other.counts.len().min(STEPS)];
        if known.len() > self.counts.len() {
            self.counts.resize(known.len(), 0);
        }
        for (count, more) in self.counts.iter_mut().zip(known) {
            *count += more;
        }
        self.longest = self.longest.max(other.longest);
    }

    /// How many there are.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The longest of them.
    #[must_use]
    pub fn longest(&self) -> Duration {
        self.longest
    }

    /// The time within which this share of them was done, in percent; none if there are none.
    #[must_use]
    pub fn within(&self, percent: u64) -> Option<Duration> {
        let wanted = (self.total() * percent).div_ceil(100).max(1);
        let mut counted = 0;
        for (step, count) in (0..).zip(&self.counts) {
            counted += count;
            if counted >= wanted {
                return Some(middle_of(step).min(self.longest));
            }
        }
        None
    }

    /// The counts by doublings, from the first that is not empty to the last.
    #[must_use]
    pub fn doublings(&self) -> Vec<Span> {
        let spans = self.counts.chunks(QUARTERS as usize).zip(0_u32..);
        let mut spans: Vec<Span> = spans
            .map(|(counts, at)| Span {
                up_to: end_of((at + 1) * QUARTERS - 1),
                count: counts.iter().sum(),
            })
            .collect();
        let empty = spans.iter().take_while(|span| span.count == 0).count();
        spans.drain(..empty);
        spans
    }
}

fn step_of(took: Duration) -> usize {
    let doublings = (took.as_secs_f64() / FIRST).log2();
    let step = (doublings * f64::from(QUARTERS)).ceil() + f64::from(QUARTERS - 1);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "what is below the first step, no time at all among it, becomes 0"
    )]
    let step = step as usize;
    step.min(STEPS - 1)
}

/// The longest time of a step.
fn end_of(step: u32) -> Duration {
    time(f64::from(step))
}

fn middle_of(step: u32) -> Duration {
    time(f64::from(step) - 0.5)
}

fn time(step: f64) -> Duration {
    let doublings = (step + 1.0) / f64::from(QUARTERS) - 1.0;
    Duration::from_secs_f64(FIRST * doublings.exp2())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_time_is_within_a_tenth_of_the_true_one(micros in 250_u64..3_600_000_000) {
            let took = Duration::from_micros(micros);
            let mut histogram = Histogram::default();
            histogram.add(took);
            // Two, so that the longest does not say it.
            histogram.add(took * 3);
            let said = histogram.within(50).unwrap().as_secs_f64() / took.as_secs_f64();
            prop_assert!((0.9..=1.1).contains(&said), "{said}");
        }

        #[test]
        fn counts_in_parts_are_those_of_the_whole(times in prop::collection::vec(0_u64..10_u64.pow(10), 0..200), cut in 0_usize..200) {
            let of = |times: &[u64]| {
                let mut histogram = Histogram::default();
                for micros in times {
                    histogram.add(Duration::from_micros(*micros));
                }
                histogram
            };
            let (one, other) = times.split_at(cut.min(times.len()));
            let mut both = of(one);
            both.merge(&of(other));
            prop_assert_eq!(&both, &of(&times));
            prop_assert_eq!(both.total(), times.len() as u64);
            let spans = both.doublings();
            prop_assert_eq!(spans.iter().map(|span| span.count).sum::<u64>(), both.total());
            prop_assert!(spans.is_sorted_by_key(|span| span.up_to));
            prop_assert!(spans.first().is_none_or(|span| span.count > 0));
            prop_assert!(both.counts.len() <= STEPS);
        }
    }

    #[test]
    fn shares_are_read_from_the_counts() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.within(50), None);
        for millis in 1..=100 {
            histogram.add(Duration::from_millis(millis));
        }
        let near = |percent, millis: f64| {
            let said = histogram.within(percent).unwrap().as_secs_f64() * 1000.0;
            assert!((said / millis - 1.0).abs() < 0.15, "{percent}: {said}");
        };
        near(50, 50.0);
        near(95, 95.0);
        assert_eq!(histogram.longest(), Duration::from_millis(100));
        let whole = serde_json::to_string(&histogram).unwrap();
        let read: Histogram = serde_json::from_str(&whole).unwrap();
        assert_eq!(read, histogram);
    }

    #[test]
    fn memory_does_not_grow_with_what_is_counted() {
        let mut histogram = Histogram::default();
        for at in 0..1_000_000_u64 {
            histogram.add(Duration::from_micros(at * at));
        }
        histogram.add(Duration::MAX);
        assert!(histogram.counts.capacity() <= 2 * STEPS);
        assert_eq!(histogram.total(), 1_000_001);
    }
}
