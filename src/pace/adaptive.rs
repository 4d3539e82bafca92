//! Learns from refusals how fast a node lets calls come, where it does not say so beforehand.
//!
//! Nothing is held back until the first refusal. From then on calls leave evenly spaced. What the
//! node took between two refusals, the wait included, is what it allows: for a bucket that was empty
//! both times, and for fixed windows, that is the limit itself. Calls leave a little slower than
//! that, then faster again while nothing is refused, quickly while far below what was refused last
//! and slowly near it. Without this, calls that all wait out a `Retry-After` would leave at once,
//! use up the node's burst, and wait again.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What part of the measured rate is used.
const BELOW: f64 = 0.97;

/// What one refusal leaves of the rate at the least: a long wait makes the measured rate too small.
const LARGEST_FALL: f64 = 0.25;

/// How much faster calls leave after a second without refusals, far below what was refused.
const RISE: f64 = 0.15;

/// The same near what was refused last.
const CREEP: f64 = 0.005;

/// Where "near" begins, as a share of what was refused last.
const NEAR: f64 = 0.9;

/// For so long a refusal tells where the limit is. At the limit, refusals come more often than this.
const LATELY: Duration = Duration::from_secs(15);

/// Never slower than this share of all places in each wait: a node may refuse for reasons that
/// have nothing to do with how fast calls come, and slowing down further would not help.
const SLOWEST: f64 = 0.25;

/// How late a call may leave without those after it being late as well.
const SLACK: Duration = Duration::from_millis(5);

/// The rate that a node has been seen to allow.
#[derive(Debug)]
pub(super) struct Adaptive {
    /// How many calls may be in flight.
    places: f64,
    state: Mutex<State>,
    queue: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct State {
    /// The last refusal, at first the beginning.
    since: Instant,
    /// Calls that have left before the first refusal.
    left: u32,
    /// Calls that the node has taken since then.
    taken: u32,
    /// Calls a second; nothing is known before the first refusal.
    rate: Option<f64>,
    /// What was refused last.
    refused: f64,
    /// Refusals until then belong to the same event: the calls were in flight together.
    deaf_until: Instant,
    last_rise: Instant,
    next: Instant,
}

impl Adaptive {
    pub(super) fn new(places: u32) -> Self {
        let now = Instant::now();
        let state = State {
            since: now,
            left: 0,
            taken: 0,
            rate: None,
            refused: f64::INFINITY,
            deaf_until: now,
            last_rise: now,
            next: now,
        };
        Adaptive {
            places: f64::from(places),
            state: Mutex::new(state),
            queue: tokio::sync::Mutex::new(()),
        }
    }

    /// Waits until a call may leave.
    pub(super) async fn slot(&self) {
        if self.state().leave_at_once() {
            return;
        }
        let _turn = self.queue.lock().await;
        loop {
            let wait = self.state().take(Instant::now());
            match wait {
                None => return,
                Some(until) => tokio::time::sleep_until(until).await,
            }
        }
    }

    /// A call was not refused.
    pub(super) fn taken(&self) {
        let mut state = self.state();
        state.taken = state.taken.saturating_add(1);
    }

    /// A call was refused, and everybody waits for `wait`.
    pub(super) fn refused(&self, wait: Duration) {
        let slowest = self.places * SLOWEST / wait.as_secs_f64().max(0.1);
        self.state().fall(Instant::now(), wait, slowest);
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Counts a call out, unless it has to wait for a slot.
    fn leave_at_once(&mut self) -> bool {
        let unlimited = self.rate.is_none();
        self.left = self.left.saturating_add(u32::from(unlimited));
        unlimited
    }

    /// Takes a slot, or says when to ask again.
    fn take(&mut self, now: Instant) -> Option<Instant> {
        let rate = self.risen(now)?;
        if self.next > now {
            return Some(self.next);
        }
        let earliest = now.checked_sub(SLACK).unwrap_or(now);
        self.next = self.next.max(earliest) + Duration::from_secs_f64(1.0 / rate);
        None
    }

    /// The rate after the time since the last refusal.
    fn risen(&mut self, now: Instant) -> Option<f64> {
        let rate = self.rate.as_mut()?;
        let seconds = now.saturating_duration_since(self.last_rise).as_secs_f64();
        if seconds >= 0.25 {
            self.last_rise = now;
            let near = *rate >= self.refused * NEAR;
            let lately = now.saturating_duration_since(self.since) < LATELY;
            let share = if near && lately { CREEP } else { RISE };
            // A long idle time earns no more than a second of work.
            *rate *= 1.0 + share * seconds.min(1.0);
        }
        Some(*rate)
    }

    fn fall(&mut self, now: Instant, wait: Duration, slowest: f64) {
        if now < self.deaf_until {
            return;
        }
        let seconds = now
            .saturating_duration_since(self.since)
            .as_secs_f64()
            .max(0.05);
        let measured = f64::from(self.taken) / seconds * BELOW;
        // At first, refusals may come back before anything that was taken does.
        let sent = self.rate.unwrap_or(f64::from(self.left) / seconds);
        let rate = measured.clamp(sent * LARGEST_FALL, sent * BELOW);
        self.refused = sent;
        // Never faster than before either, however slow that was.
        let most = self.rate.unwrap_or(f64::INFINITY);
        self.rate = Some(rate.max(slowest).min(most));
        (self.since, self.left, self.taken) = (now, 0, 0);
        let resume = now + wait;
        self.last_rise = resume;
        self.next = resume;
        // Answers to calls that left before the hold may still come in.
        self.deaf_until = resume + Duration::from_millis(50);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::super::Pace;
    use super::*;

    /// A node that allows `rate` calls a second in bursts of `burst`.
    struct Bucket {
        rate: f64,
        burst: f64,
        state: Mutex<(f64, Instant)>,
        refused: AtomicU32,
    }

    impl Bucket {
        fn take(&self) -> bool {
            let mut state = self.state.lock().unwrap();
            let now = Instant::now();
            let tokens = (state.0 + (now - state.1).as_secs_f64() * self.rate).min(self.burst);
            let taken = tokens >= 1.0;
            *state = (tokens - f64::from(u8::from(taken)), now);
            self.refused.fetch_add(u32::from(!taken), Ordering::Relaxed);
            taken
        }
    }

    /// How long `calls` calls take, 16 at once, and how many were refused on the way.
    async fn run(rate: f64, burst: f64, calls: u32) -> (Duration, u32) {
        let node = Arc::new(Bucket {
            rate,
            burst,
            state: Mutex::new((burst, Instant::now())),
            refused: AtomicU32::new(0),
        });
        let pace = Arc::new(Pace::new(16, None));
        let left = Arc::new(AtomicU32::new(calls));
        let begun = Instant::now();
        let mut workers = tokio::task::JoinSet::new();
        for _ in 0..64 {
            let (node, pace, left) = (Arc::clone(&node), Arc::clone(&pace), Arc::clone(&left));
            workers.spawn(async move {
                while left
                    .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1))
                    .is_ok()
                {
                    loop {
                        let _place = pace.admit().await.unwrap();
                        if node.take() {
                            // Refusals come back at once, answers take a while.
                            tokio::time::sleep(Duration::from_millis(30)).await;
                            pace.taken();
                            break;
                        }
                        pace.refused(Duration::from_secs(1));
                    }
                }
            });
        }
        workers.join_all().await;
        (begun.elapsed(), node.refused.load(Ordering::Relaxed))
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_that_nobody_told_is_found_and_used() {
        for (rate, burst, calls) in [
            (60.0, 6.0, 3_000),
            (20.0, 1.0, 1_000),
            (200.0, 40.0, 10_000),
            (5.0, 10.0, 500),
        ] {
            let (took, refused) = run(rate, burst, calls).await;
            let fastest = (f64::from(calls) - burst) / rate;
            let share = fastest / took.as_secs_f64();
            assert!(
                share > 0.7,
                "{rate}/s: only {share:.2} of the limit was used"
            );
            // Some are refused before anything is known; later few.
            let most = 25 + calls * 3 / 100;
            assert!(
                refused <= most,
                "{rate}/s: {refused} of {calls} calls were refused"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_that_refuses_nothing_is_not_slowed_down() {
        let (took, refused) = run(1_000_000.0, 1_000_000.0, 1_600).await;
        assert_eq!(refused, 0);
        assert!(took <= Duration::from_millis(3_200), "{took:?}");
    }
}
