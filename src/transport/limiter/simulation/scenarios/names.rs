//! How the parts of a scenario are called.

use std::fmt::{self, Display};

use super::*;

/// With three significant digits or fewer.
pub(super) fn brief(value: f64) -> String {
    let digits = match value.abs() {
        0.0..0.1 => 3,
        0.1..10.0 => 2,
        10.0..100.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').into()
    } else {
        text
    }
}

fn millis(seconds: f64) -> String {
    format!("{} ms", brief(seconds * 1000.0))
}

impl Display for Rule {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        match *self {
            Rule::Unlimited => write!(to, "no limit"),
            Rule::Bucket { rate, burst } => write!(to, "{}/s b{burst}", brief(rate)),
            Rule::Window {
                calls,
                seconds,
                left,
                ..
            } if left < calls => {
                write!(to, "{calls} per {seconds} s, {left} left")
            }
            Rule::Window { calls, seconds, .. } => write!(to, "{calls} per {seconds} s"),
            Rule::Sliding { calls, seconds } => write!(to, "sliding {calls} per {seconds} s"),
            Rule::AtOnce(calls) => write!(to, "{calls} at once"),
            Rule::Penalty {
                calls,
                seconds,
                block,
                restarts,
            } => {
                let restarts = if restarts { ", restarting" } else { "" };
                write!(
                    to,
                    "over {calls} in {seconds} s block {} s{restarts}",
                    brief(block)
                )
            }
            Rule::DelayQueue { rate, length } => {
                write!(to, "delay queue {}/s, length {length}", brief(rate))
            }
        }
    }
}

impl Display for Shape {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        match *self {
            Shape::Uniform(mean) => write!(to, "{}", millis(mean)),
            Shape::LogNormal { median, sigma } => {
                write!(to, "lognormal {}, sigma {}", millis(median), brief(sigma))
            }
            Shape::Exponential { min, mean } => {
                write!(to, "exponential {} + {}", millis(min), millis(mean))
            }
            Shape::Bimodal { usual, slow, share } => {
                write!(
                    to,
                    "{}, {} % {}",
                    millis(usual),
                    share * 100.0,
                    millis(slow)
                )
            }
        }
    }
}

impl Display for LatencyTrend {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        match *self {
            LatencyTrend::Steady => write!(to, "steady"),
            LatencyTrend::Step { at, times } => {
                write!(to, "{} times the latency at {} s", brief(times), brief(at))
            }
            LatencyTrend::Drift { seconds, times } => {
                write!(to, "drifts to {} times in {seconds} s", brief(times))
            }
            LatencyTrend::Wave { period, swing } => {
                write!(
                    to,
                    "swings ± {} % in {} s",
                    brief(swing * 100.0),
                    brief(period)
                )
            }
        }
    }
}

impl Display for Work {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        match *self {
            Work::Parallel => write!(to, "no workers"),
            Work::Workers { calls, queue: None } => write!(to, "{calls} workers and a queue"),
            Work::Workers {
                calls,
                queue: Some(queue),
            } => {
                write!(to, "{calls} workers, queue of {queue}")
            }
            Work::Overload { calls, loss } => {
                write!(to, "overload above {calls}, {} % each", brief(loss * 100.0))
            }
        }
    }
}

impl Display for RetryAfter {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        match *self {
            RetryAfter::Missing => write!(to, "no RA"),
            RetryAfter::Exact => write!(to, "exact RA"),
            RetryAfter::WholeSeconds => write!(to, "RA in whole seconds"),
            RetryAfter::Always(seconds) => write!(to, "RA {}", brief(seconds)),
        }
    }
}

impl Display for QuotaFields {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        match *self {
            QuotaFields::Nothing => write!(to, "untold"),
            QuotaFields::Truth => write!(to, "told"),
            QuotaFields::Always(Quota { left, reset, .. }) => {
                write!(to, "told {left} left, reset {reset} s")
            }
            QuotaFields::Other { of, seconds } => write!(to, "told another's {of} per {seconds} s"),
        }
    }
}
