//! The ceiling: never more calls a second, minute or hour than was asked for.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// A number of calls in a length of time: `50`, `50/s`, `180/min`, `25000/h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rate {
    calls: NonZeroU32,
    per: Per,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Per {
    Second,
    Minute,
    Hour,
}

impl Per {
    fn length(self) -> Duration {
        Duration::from_secs(match self {
            Per::Second => 1,
            Per::Minute => 60,
            Per::Hour => 3600,
        })
    }
}

/// A rate that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a rate; write a whole number above 0, alone or with a unit: 50, 50/s, 180/min, 25000/h; or auto, or off"
)]
pub struct RateError(String);

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let wrong = || RateError(text.to_owned());
        let (calls, unit) = text.split_once('/').unwrap_or((text, "s"));
        let calls = calls.trim().parse().map_err(|_| wrong())?;
        let per = match unit.trim() {
            "s" | "sec" | "second" => Per::Second,
            "m" | "min" | "minute" => Per::Minute,
            "h" | "hour" => Per::Hour,
            _ => return Err(wrong()),
        };
        Ok(Rate { calls, per })
    }
}

impl TryFrom<String> for Rate {
    type Error = RateError;

    fn try_from(text: String) -> Result<Self, RateError> {
        text.parse()
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> Self {
        rate.to_string()
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.per {
            Per::Second => "s",
            Per::Minute => "min",
            Per::Hour => "h",
        };
        write!(f, "{}/{unit}", self.calls)
    }
}

impl Rate {
    /// The time between two calls at this rate.
    #[must_use]
    pub fn interval(self) -> Duration {
        self.per.length() / self.calls.get()
    }
}

/// The `--rate` that was asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum RateSetting {
    /// As fast as the node allows.
    #[default]
    Auto,
    /// That, and never faster than this.
    AtMost(Rate),
    /// Without a controller: each call waits only when the node refuses it.
    Off,
}

impl RateSetting {
    /// The ceiling, if there is one.
    #[must_use]
    pub fn ceiling(self) -> Option<Rate> {
        match self {
            RateSetting::Auto | RateSetting::Off => None,
            RateSetting::AtMost(rate) => Some(rate),
        }
    }
}

impl FromStr for RateSetting {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        match text.trim() {
            "auto" => Ok(RateSetting::Auto),
            "off" => Ok(RateSetting::Off),
            rate => rate.parse().map(RateSetting::AtMost),
        }
    }
}

impl TryFrom<String> for RateSetting {
    type Error = RateError;

    fn try_from(text: String) -> Result<Self, RateError> {
        text.parse()
    }
}

impl From<RateSetting> for String {
    fn from(tempo: RateSetting) -> Self {
        match tempo {
            RateSetting::Auto => "auto".to_owned(),
            RateSetting::Off => "off".to_owned(),
            RateSetting::AtMost(rate) => rate.to_string(),
        }
    }
}

/// What one call costs. A call in many small cells lets the bucket be a little deeper than one
/// call without being two calls deep.
const CELLS_PER_CALL: u32 = 100;

/// How late a call may leave without the ones after it being late as well. Timers fire up to some
/// milliseconds late; without this slack every such delay would lower the rate for good.
const SLACK: Duration = Duration::from_millis(5);

type Bucket = RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Nanos>>;

/// Calls leave one after the other, evenly spaced, in the order in which they asked.
pub(super) struct Ceiling {
    rate: Rate,
    bucket: Bucket,
    queue: Mutex<()>,
}

impl fmt::Debug for Ceiling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ceiling").field(&self.rate).finish()
    }
}

impl Ceiling {
    pub(super) fn new(rate: Rate) -> Self {
        let cell = (rate.interval() / CELLS_PER_CALL).max(Duration::from_nanos(1));
        let slack = u32::try_from(SLACK.as_nanos().div_ceil(cell.as_nanos())).unwrap_or(u32::MAX);
        let depth = NonZeroU32::MIN.saturating_add(CELLS_PER_CALL.saturating_add(slack) - 1);
        let quota = Quota::with_period(cell)
            .expect("a cell lasts at least a nanosecond")
            .allow_burst(depth);
        Ceiling {
            rate,
            bucket: RateLimiter::new(quota, InMemoryState::default(), TokioClock::start()),
            queue: Mutex::new(()),
        }
    }

    pub(super) async fn slot(&self) {
        // One waits for the bucket, the others for him: no herd, and first come is first served.
        let _turn = self.queue.lock().await;
        let cost = NonZeroU32::new(CELLS_PER_CALL).expect("not zero");
        loop {
            match self.bucket.check_n(cost) {
                Ok(Ok(())) => return,
                Ok(Err(not_until)) => {
                    let wait = not_until.wait_time_from(self.bucket.clock().now());
                    tokio::time::sleep(wait).await;
                }
                Err(_) => unreachable!("the bucket is always deeper than one call"),
            }
        }
    }
}

/// Tokio's clock for governor, so that tests can turn it by hand.
#[derive(Debug, Clone)]
struct TokioClock(Instant);

impl TokioClock {
    fn start() -> Self {
        TokioClock(Instant::now())
    }
}

impl Clock for TokioClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(self.0.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_and_written() {
        for (text, shown, interval) in [
            ("50", "50/s", Duration::from_millis(20)),
            ("50/s", "50/s", Duration::from_millis(20)),
            (
                "180/min",
                "180/min",
                Duration::from_millis(333) + Duration::from_nanos(333_333),
            ),
            ("3600/h", "3600/h", Duration::from_secs(1)),
        ] {
            let rate: Rate = text.parse().unwrap();
            assert_eq!(rate.to_string(), shown);
            assert_eq!(rate.interval(), interval);
        }
        for text in ["", "0", "-1", "1.5", "50/day", "fast", "50/"] {
            assert!(
                text.parse::<Rate>().is_err(),
                "{text:?} was taken for a rate"
            );
        }
    }

    #[test]
    fn a_tempo_is_a_word_or_a_rate() {
        for text in ["auto", "off", "180/min"] {
            assert_eq!(String::from(text.parse::<RateSetting>().unwrap()), text);
        }
        assert!("on".parse::<RateSetting>().is_err());
    }

    /// The moments, in milliseconds, at which `calls` calls leave when all ask at once.
    async fn departures(rate: &str, calls: usize) -> Vec<f64> {
        let ceiling = Ceiling::new(rate.parse().unwrap());
        let begun = Instant::now();
        let mut left = Vec::with_capacity(calls);
        for _ in 0..calls {
            ceiling.slot().await;
            left.push(begun.elapsed().as_secs_f64() * 1000.0);
        }
        left
    }

    #[tokio::test(start_paused = true)]
    async fn the_rate_is_kept_to_the_percent_whatever_the_timers_do() {
        for (rate, calls, seconds) in [
            ("50", 1_000_u32, 20.0),
            ("5000", 20_000, 4.0),
            ("120/min", 60, 30.0),
        ] {
            let left = departures(rate, calls as usize).await;
            let took = left[left.len() - 1] / 1000.0;
            let ideal = seconds * f64::from(calls - 1) / f64::from(calls);
            assert!(
                (took / ideal - 1.0).abs() < 0.01,
                "{rate}: {took} s, not {ideal} s"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_second_has_more_calls_than_the_ceiling_and_the_slack() {
        let left = departures("200", 1_000).await;
        for (i, begin) in left.iter().enumerate() {
            let within = left[i..]
                .iter()
                .take_while(|t| **t < begin + 1000.0)
                .count();
            assert!(within <= 202, "{within} calls within one second");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_time_earns_no_burst() {
        let ceiling = Ceiling::new("10".parse().unwrap());
        ceiling.slot().await;
        tokio::time::sleep(Duration::from_mins(1)).await;
        let begun = Instant::now();
        for _ in 0..11 {
            ceiling.slot().await;
        }
        assert!(
            begun.elapsed() >= Duration::from_millis(990),
            "{:?}",
            begun.elapsed()
        );
    }
}
