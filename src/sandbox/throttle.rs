//! How many calls a second the node takes: a token bucket with a small burst.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

#[derive(Debug)]
pub(super) struct Throttle {
    rate: f64,
    burst: f64,
    bucket: Mutex<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl Throttle {
    /// `rate` calls a second; a tenth of that, and at least one, may come at once.
    pub(super) fn new(rate: u32) -> Self {
        let rate = f64::from(rate);
        let burst = (rate / 10.0).max(1.0);
        Self {
            rate,
            burst,
            bucket: Mutex::new(Bucket {
                tokens: burst,
                filled: Instant::now(),
            }),
        }
    }

    /// Takes one call, or says how long to wait.
    pub(super) fn take(&self) -> Result<(), Duration> {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let gained = now.duration_since(bucket.filled).as_secs_f64() * self.rate;
        bucket.tokens = (bucket.tokens + gained).min(self.burst);
        bucket.filled = now;
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64((1.0 - bucket.tokens) / self.rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn calls_beyond_the_rate_wait_for_the_next_token() {
        let throttle = Throttle::new(20);
        assert_eq!(throttle.take(), Ok(()));
        assert_eq!(throttle.take(), Ok(()));
        let wait = throttle.take().expect_err("the burst is two calls");
        assert!(wait <= Duration::from_millis(50), "{wait:?}");
        tokio::time::advance(Duration::from_millis(51)).await;
        assert_eq!(throttle.take(), Ok(()));
        assert!(throttle.take().is_err());
    }
}
