//! Counts over time, in a number of steps that does not grow: when they are full, each becomes twice as long.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How many steps there are at the most: as many as a narrow screen can show.
pub(super) const STEPS: usize = 60;

/// How long a step is at first.
const FIRST: Duration = Duration::from_millis(250);

/// `N` things counted over time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub(super) struct Series<const N: usize> {
    step: Duration,
    /// Up to the last step that is not empty.
    counts: Vec<[u64; N]>,
}

impl<const N: usize> Default for Series<N> {
    fn default() -> Self {
        Series {
            step: FIRST,
            counts: Vec::new(),
        }
    }
}

impl<const N: usize> Series<N> {
    /// Counts `counts` at a time since the beginning, in whatever order times come.
    pub(super) fn add(&mut self, at: Duration, counts: [u64; N]) {
        let mut place = self.place(at);
        while place >= STEPS as u128 {
            self.widen();
            place = self.place(at);
        }
        if counts == [0; N] {
            return;
        }
        let place = usize::try_from(place).unwrap_or(STEPS - 1);
        if place >= self.counts.len() {
            self.counts.resize(place + 1, [0; N]);
        }
        add(&mut self.counts[place], counts);
    }

    /// Counts what came some time between the two times, evenly.
    pub(super) fn spread(&mut self, from: Duration, to: Duration, counts: [u64; N]) {
        if counts == [0; N] {
            return;
        }
        // The end comes first: the steps may become longer by it.
        self.add(to, [0; N]);
        let whole = to.saturating_sub(from).as_nanos().max(1);
        let mut given = [0; N];
        let mut begin = from;
        while begin < to {
            let next = u32::try_from(self.place(begin) + 1).unwrap_or(u32::MAX);
            let end = to.min(self.step.saturating_mul(next));
            let so_far = end.saturating_sub(from).as_nanos();
            let due = counts.map(|count| share(count, so_far, whole));
            self.add(begin, std::array::from_fn(|at| due[at] - given[at]));
            given = due;
            begin = end;
        }
        self.add(to, std::array::from_fn(|at| counts[at] - given[at]));
    }

    /// Makes steps at least as long as those of another series, so that the two can be shown together.
    pub(super) fn widen_to(&mut self, step: Duration) {
        while self.step < step {
            self.widen();
        }
    }

    /// How long a step is.
    pub(super) fn step(&self) -> Duration {
        self.step
    }

    /// The counts of each step, up to the last that is not empty.
    pub(super) fn counts(&self) -> &[[u64; N]] {
        &self.counts
    }

    fn place(&self, at: Duration) -> u128 {
        at.as_nanos() / self.step.as_nanos()
    }

    fn widen(&mut self) {
        self.step = self.step.saturating_mul(2);
        let pairs = self.counts.chunks(2).map(|pair| {
            let mut sum = pair[0];
            if let Some(second) = pair.get(1) {
                add(&mut sum, *second);
            }
            sum
        });
        self.counts = pairs.collect();
    }
}

fn add<const N: usize>(sum: &mut [u64; N], counts: [u64; N]) {
    for (sum, count) in sum.iter_mut().zip(counts) {
        *sum += count;
    }
}

fn share(count: u64, part: u128, whole: u128) -> u64 {
    let share = u128::from(count) * part / whole;
    u64::try_from(share).unwrap_or(count)
}

/// A series as a record of a run keeps it.
#[derive(Serialize, Deserialize)]
struct Stored {
    step_ms: u64,
    counts: Vec<Vec<u64>>,
}

impl<const N: usize> From<Series<N>> for Stored {
    fn from(series: Series<N>) -> Self {
        Stored {
            step_ms: u64::try_from(series.step.as_millis()).unwrap_or(u64::MAX),
            counts: series.counts.iter().map(|step| step.to_vec()).collect(),
        }
    }
}

impl<const N: usize> TryFrom<Stored> for Series<N> {
    type Error = &'static str;

    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        let first = FIRST.as_millis();
        let times = u128::from(stored.step_ms) / first;
        if u128::from(stored.step_ms) != times * first || !times.is_power_of_two() {
            return Err("a step that there is not");
        }
        if stored.counts.len() > STEPS {
            return Err("too many steps");
        }
        let steps = stored.counts.into_iter().map(<[u64; N]>::try_from);
        Ok(Series {
            step: Duration::from_millis(stored.step_ms),
            counts: steps
                .collect::<Result<_, _>>()
                .map_err(|_| "a step with other counts")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sum<const N: usize>(series: &Series<N>) -> [u64; N] {
        let mut sum = [0; N];
        for step in series.counts() {
            add(&mut sum, *step);
        }
        sum
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_the_order_does_not_matter(
            times in prop::collection::vec(0_u64..100_000_000, 1..300),
        ) {
            let of = |times: &mut dyn Iterator<Item = &u64>| {
                let mut series = Series::<1>::default();
                for millis in times {
                    series.add(Duration::from_millis(*millis), [1]);
                }
                series
            };
            let series = of(&mut times.iter());
            prop_assert_eq!(sum(&series), [times.len() as u64]);
            prop_assert!(series.counts().len() <= STEPS);
            let latest = Duration::from_millis(*times.iter().max().unwrap());
            // No longer than it has to be.
            prop_assert!(series.step() == FIRST || latest >= series.step() * (u32::try_from(STEPS).unwrap() / 2));
            prop_assert_eq!(of(&mut times.iter().rev()), series);
        }

        #[test]
        fn what_came_between_two_times_is_spread_and_nothing_lost(
            spans in prop::collection::vec((0_u64..50_000, 0_u64..10_000, 0_u64..1_000), 1..50),
        ) {
            let mut series = Series::<2>::default();
            let mut all = 0;
            for (from, length, count) in spans {
                let from = Duration::from_millis(from);
                series.spread(from, from + Duration::from_millis(length), [count, 1]);
                all += count;
            }
            prop_assert_eq!(sum(&series)[0], all);
            let stored = serde_json::to_string(&series).unwrap();
            prop_assert_eq!(serde_json::from_str::<Series<2>>(&stored).unwrap(), series);
        }
    }

    #[test]
    fn a_spread_is_even() {
        let mut series = Series::<1>::default();
        series.spread(
            Duration::from_millis(125),
            Duration::from_millis(1_125),
            [80],
        );
        let counts: Vec<u64> = series.counts().iter().map(|step| step[0]).collect();
        assert_eq!(counts, [10, 20, 20, 20, 10]);
    }

    #[test]
    fn a_series_of_a_damaged_record_is_refused() {
        for strange in [
            r#"{"step_ms":0,"counts":[]}"#,
            r#"{"step_ms":300,"counts":[]}"#,
            r#"{"step_ms":250,"counts":[[1,2]]}"#,
        ] {
            assert!(
                serde_json::from_str::<Series<1>>(strange).is_err(),
                "{strange}"
            );
        }
    }
}
