//! How many calls the node takes: token buckets, fixed windows and calls at once, for all calls or by class.

use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::Method;
use tokio::time::Instant;

/// What a node allows: `CLASS=N/s`, `CLASS=N/min:BURST`, `CLASS=N/min:fixed` or `CLASS=N/once`, separated by commas.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Limits(Vec<Limit>);

/// A limit that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a limit: write CLASS=N/s, N/min or N/h, with :BURST or :fixed behind it, or CLASS=N/once for so many at \
     once; CLASS is all, reads, writes, users, groups or bulk: for example writes=180/min:20,all=6/once"
)]
pub struct LimitsError(String);

#[derive(Debug, Clone, Copy, PartialEq)]
struct Limit {
    of: Of,
    how: How,
}

/// Which calls count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    All,
    Reads,
    /// Whatever is no read.
    Writes,
    /// Writes below `/Users`.
    Users,
    /// Writes below `/Groups`.
    Groups,
    Bulk,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum How {
    /// So many calls a second, and so many at once after an idle time.
    Bucket { rate: f64, burst: f64 },
    /// So many in each window, counted from the node's start.
    Fixed { calls: f64, window: Duration },
    /// So many at once.
    Once { calls: u32 },
}

impl Limits {
    /// With so many calls a second besides; a tenth of that, and at least one, may come at once.
    pub(super) fn and_rate(mut self, rate: Option<u32>) -> Self {
        self.0.extend(rate.map(|rate| Limit {
            of: Of::All,
            how: bucket(f64::from(rate), None),
        }));
        self
    }
}

fn bucket(rate: f64, burst: Option<f64>) -> How {
    let burst = burst.unwrap_or(rate / 10.0).max(1.0);
    How::Bucket { rate, burst }
}

impl FromStr for Limits {
    type Err = LimitsError;

    fn from_str(text: &str) -> Result<Self, LimitsError> {
        let parts = text.split(',').map(str::trim);
        let parts = parts.filter(|part| !part.is_empty());
        let limits =
            parts.map(|part| Limit::read(part).ok_or_else(|| LimitsError(part.to_owned())));
        limits.collect::<Result<_, _>>().map(Limits)
    }
}

impl Limit {
    fn read(text: &str) -> Option<Self> {
        let (of, how) = text.split_once('=')?;
        let of = match of.trim() {
            "all" => Of::All,
            "reads" => Of::Reads,
            "writes" => Of::Writes,
            "users" => Of::Users,
            "groups" => Of::Groups,
            "bulk" => Of::Bulk,
            _ => return None,
        };
        let (calls, unit) = how.split_once('/')?;
        let number: u32 = calls.trim().parse().ok().filter(|calls| *calls > 0)?;
        let calls = f64::from(number);
        let (unit, more) = match unit.trim().split_once(':') {
            Some((unit, more)) => (unit, Some(more)),
            None => (unit.trim(), None),
        };
        let window = match unit {
            "once" if more.is_none() => {
                let how = How::Once { calls: number };
                return Some(Limit { of, how });
            }
            "s" => Duration::from_secs(1),
            "min" => Duration::from_mins(1),
            "h" => Duration::from_hours(1),
            _ => return None,
        };
        let how = match more {
            Some("fixed") => How::Fixed { calls, window },
            Some(burst) => {
                let burst: u32 = burst.parse().ok().filter(|burst| *burst > 0)?;
                bucket(calls / window.as_secs_f64(), Some(f64::from(burst)))
            }
            None => bucket(calls / window.as_secs_f64(), None),
        };
        Some(Limit { of, how })
    }

    fn counts(self, method: &Method, path: &str) -> bool {
        let below = |endpoint: &str| path.trim_start_matches('/').starts_with(endpoint);
        let read = method == Method::GET;
        match self.of {
            Of::All => true,
            Of::Reads => read,
            Of::Writes => !read,
            Of::Users => !read && below("Users"),
            Of::Groups => !read && below("Groups"),
            Of::Bulk => !read && below("Bulk"),
        }
    }
}

/// The limits, and what is left of each.
#[derive(Debug)]
pub(super) struct Throttle {
    limits: Vec<Limit>,
    begun: Instant,
    /// For each limit; taken in one go, so that a call that one of them refuses uses up none of the others.
    left: Mutex<Vec<Left>>,
}

#[derive(Debug, Clone, Copy)]
struct Left {
    /// Tokens, calls left in the window, or calls that are in.
    calls: f64,
    /// When that was so, or when the window began, since the start.
    at: Duration,
}

/// A call that was let in. When it is dropped, the next may come in its place.
#[derive(Debug)]
pub(super) struct Inside<'a> {
    throttle: &'a Throttle,
    counted: Vec<usize>,
}

impl Throttle {
    pub(super) fn new(limits: Limits) -> Self {
        let full = |limit: &Limit| Left {
            calls: match limit.how {
                How::Bucket { burst, .. } => burst,
                How::Fixed { calls, .. } => calls,
                How::Once { .. } => 0.0,
            },
            at: Duration::ZERO,
        };
        Self {
            left: Mutex::new(limits.0.iter().map(full).collect()),
            limits: limits.0,
            begun: Instant::now(),
        }
    }

    /// Lets a call in, or says how long to wait.
    pub(super) fn take(&self, method: &Method, path: &str) -> Result<Inside<'_>, Duration> {
        let now = self.begun.elapsed();
        let mut left = self.left();
        let counted: Vec<usize> = (0..self.limits.len())
            .filter(|at| self.limits[*at].counts(method, path))
            .collect();
        let waits = counted
            .iter()
            .filter_map(|at| self.limits[*at].how.wait(&mut left[*at], now));
        if let Some(wait) = waits.reduce(Duration::max) {
            return Err(wait);
        }
        for at in &counted {
            let in_or_out = if self.limits[*at].how.is_once() {
                1.0
            } else {
                -1.0
            };
            left[*at].calls += in_or_out;
        }
        drop(left);
        Ok(Inside {
            throttle: self,
            counted,
        })
    }

    /// The `RateLimit` and `RateLimit-Policy` fields of an answer to such a call (draft-ietf-httpapi-ratelimit-headers).
    pub(super) fn fields(&self, method: &Method, path: &str) -> Option<[String; 2]> {
        let now = self.begun.elapsed();
        let mut left = self.left();
        let (mut limits, mut policies) = (Vec::new(), Vec::new());
        for (at, limit) in self.limits.iter().enumerate() {
            if !limit.counts(method, path) || limit.how.is_once() {
                continue;
            }
            // Fills the bucket, or begins the window.
            let _ = limit.how.wait(&mut left[at], now);
            let (of, window, reset) = match limit.how {
                How::Bucket { rate, burst } => {
                    (burst, burst / rate, (burst - left[at].calls) / rate)
                }
                How::Fixed { calls, window } => {
                    let end = left[at].at + window;
                    (
                        calls,
                        window.as_secs_f64(),
                        end.saturating_sub(now).as_secs_f64(),
                    )
                }
                How::Once { .. } => continue,
            };
            let calls = left[at].calls.floor();
            limits.push(format!("\"limit{at}\";r={calls};t={}", reset.ceil()));
            policies.push(format!(
                "\"limit{at}\";q={};w={}",
                of.floor(),
                window.ceil()
            ));
        }
        (!limits.is_empty()).then(|| [limits.join(", "), policies.join(", ")])
    }

    fn left(&self) -> MutexGuard<'_, Vec<Left>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        let mut left = self.throttle.left();
        for at in &self.counted {
            if self.throttle.limits[*at].how.is_once() {
                left[*at].calls -= 1.0;
            }
        }
    }
}

impl How {
    fn is_once(self) -> bool {
        matches!(self, How::Once { .. })
    }

    /// How long the next call has to wait.
    fn wait(self, left: &mut Left, now: Duration) -> Option<Duration> {
        match self {
            How::Bucket { rate, burst } => {
                let gained = now.saturating_sub(left.at).as_secs_f64() * rate;
                (left.calls, left.at) = ((left.calls + gained).min(burst), now);
                (left.calls < 1.0).then(|| Duration::from_secs_f64((1.0 - left.calls) / rate))
            }
            How::Fixed { calls, window } => {
                while now >= left.at + window {
                    (left.calls, left.at) = (calls, left.at + window);
                }
                (left.calls < 1.0).then(|| (left.at + window).saturating_sub(now))
            }
            How::Once { calls } => (left.calls >= f64::from(calls)).then_some(Duration::ZERO),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttle(limits: &str) -> Throttle {
        Throttle::new(limits.parse().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn calls_beyond_the_rate_wait_for_the_next_token() {
        let throttle = Throttle::new(Limits::default().and_rate(Some(20)));
        let take = || throttle.take(&Method::GET, "/Users").err();
        assert_eq!((take(), take()), (None, None));
        let wait = take().expect("the burst is two calls");
        assert!(wait <= Duration::from_millis(50), "{wait:?}");
        tokio::time::advance(Duration::from_millis(51)).await;
        assert_eq!(take(), None);
        assert!(take().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn classes_are_counted_apart_and_windows_begin_anew() {
        let throttle = throttle("users=2/min:fixed, groups=60/min:1");
        let post = |path: &str| throttle.take(&Method::POST, path).err();
        assert_eq!((post("/Users"), post("/Users")), (None, None));
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!(post("/Users/1"), Some(Duration::from_secs(40)));
        assert_eq!(post("/Groups"), None);
        assert_eq!(post("/Groups"), Some(Duration::from_secs(1)));
        assert!(throttle.take(&Method::GET, "/Users").is_ok());
        let fields = throttle.fields(&Method::POST, "/Users").unwrap();
        assert_eq!(fields, ["\"limit0\";r=0;t=40", "\"limit0\";q=2;w=60"]);
        tokio::time::advance(Duration::from_secs(41)).await;
        assert_eq!(post("/Users"), None);
    }

    #[tokio::test]
    async fn so_many_are_in_at_once() {
        let throttle = throttle("all=1/once");
        let inside = throttle.take(&Method::GET, "/Users").unwrap();
        assert!(throttle.take(&Method::GET, "/Users").is_err());
        drop(inside);
        assert!(throttle.take(&Method::GET, "/Users").is_ok());
    }

    #[test]
    fn what_makes_no_sense_is_no_limit() {
        for text in [
            "5",
            "all=5",
            "all=0/s",
            "some=1/s",
            "all=1/day",
            "all=1/s:0",
            "all=1/once:2",
        ] {
            assert!(
                text.parse::<Limits>().is_err(),
                "{text:?} was taken for a limit"
            );
        }
    }
}
