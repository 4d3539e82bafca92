//! How fast and how often: when a call may leave, and what follows from how it went.
//!
//! Here belong the ceiling ([`Rate`]), the rate that a node is seen to allow, the number of calls in flight, the gate that a node's
//! "wait" closes for everybody, the table of what may be sent again ([`retry`]), and the HTTP
//! client that obeys all of them ([`Line`]). What a call is *for* does not belong here: this
//! module has never heard of users, teams or spreadsheets.
//!
//! ```text
//!  scim ── Call ──▶ Line ── Pace::admit ──▶ node
//!                    ▲                        │
//!                    └── retry::verdict ◀── answer or fault
//! ```

mod adaptive;
mod ask;
mod call;
mod ceiling;
mod http;
mod line;
pub mod retry;
mod veil;
mod wait;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::time::Instant;

pub use ask::Heard;
pub use call::{Answer, Call, Fault, FaultKind};
pub use ceiling::{Rate, RateError};
pub use http::{Http, HttpOptions, client};
pub use line::{BadToken, Line};
pub use wait::retry_after;

use adaptive::Adaptive;
use ceiling::Ceiling;

/// Decides when the next call may leave, for all calls of one node.
///
/// Three things must agree: a place among the calls in flight, an open gate, and a slot under the
/// ceiling. Closing the pace stops new calls and lets those in flight finish.
#[derive(Debug)]
pub struct Pace {
    places: Semaphore,
    ceiling: Option<Ceiling>,
    adaptive: Adaptive,
    held_until: Mutex<Option<Instant>>,
    closed: watch::Sender<bool>,
    waiting: AtomicUsize,
    resting: AtomicUsize,
    admitted: AtomicU64,
    holds: AtomicU64,
}

/// No more calls may leave: the run is stopping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the run is stopping, no further call is sent")]
pub struct Closed;

impl Pace {
    /// At most `concurrency` calls in flight and, with a rate, never more than that.
    #[must_use]
    pub fn new(concurrency: usize, rate: Option<Rate>) -> Self {
        Pace {
            places: Semaphore::new(concurrency.max(1)),
            ceiling: rate.map(Ceiling::new),
            adaptive: Adaptive::new(u32::try_from(concurrency).unwrap_or(u32::MAX)),
            held_until: Mutex::new(None),
            closed: watch::Sender::new(false),
            waiting: AtomicUsize::new(0),
            resting: AtomicUsize::new(0),
            admitted: AtomicU64::new(0),
            holds: AtomicU64::new(0),
        }
    }

    /// Waits until a call may leave. The place is held until the permit is dropped.
    ///
    /// # Errors
    /// [`Closed`] as soon as the pace is closed, also while waiting.
    pub async fn admit(&self) -> Result<SemaphorePermit<'_>, Closed> {
        let _counted = Waiting::count(&self.waiting);
        let mut closed = self.closed.subscribe();
        tokio::select! {
            biased;
            _ = closed.wait_for(|closed| *closed) => Err(Closed),
            permit = self.turn() => Ok(permit),
        }
    }

    async fn turn(&self) -> SemaphorePermit<'_> {
        let permit = self
            .places
            .acquire()
            .await
            .expect("the semaphore is never closed: `closed` is the one way to stop");
        loop {
            self.gate().await;
            self.adaptive.slot().await;
            if let Some(ceiling) = &self.ceiling {
                ceiling.slot().await;
            }
            // The gate may have shut while this call waited for its slot.
            if self.held().is_none() {
                self.admitted.fetch_add(1, Ordering::Relaxed);
                return permit;
            }
        }
    }

    async fn gate(&self) {
        while let Some(until) = self.held() {
            tokio::time::sleep_until(until).await;
        }
    }

    fn held(&self) -> Option<Instant> {
        let until = *self
            .held_until
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        until.filter(|until| *until > Instant::now())
    }

    /// Keeps every call back for `wait` from now on; a longer hold that is in force stays.
    pub fn hold(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut held = self
            .held_until
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if held.is_none_or(|held| held < until) {
            *held = Some(until);
            self.holds.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The node took a call: it did not say that there are too many.
    pub fn taken(&self) {
        self.adaptive.taken();
    }

    /// The node refused a call because there were too many: keeps every call back for `wait`, and
    /// lets them leave more slowly from then on.
    pub fn refused(&self, wait: Duration) {
        self.adaptive.refused(wait);
        self.hold(wait);
    }

    /// Sleeps for `wait` before a call that came to nothing is tried again, or until the pace is
    /// closed.
    ///
    /// # Errors
    /// [`Closed`] when the pace is closed first.
    pub async fn rest(&self, wait: Duration) -> Result<(), Closed> {
        let _counted = Waiting::count(&self.resting);
        let mut closed = self.closed.subscribe();
        tokio::select! {
            biased;
            _ = closed.wait_for(|closed| *closed) => Err(Closed),
            () = tokio::time::sleep(wait) => Ok(()),
        }
    }

    /// Lets no new call leave. Calls in flight are not touched.
    pub fn close(&self) {
        self.closed.send_replace(true);
    }

    /// Returns when the pace is closed.
    pub async fn closed(&self) {
        // The sender lives as long as `self`.
        let _ = self.closed.subscribe().wait_for(|closed| *closed).await;
    }

    /// Whether the pace was closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        *self.closed.borrow()
    }

    /// How many calls wait for their turn now.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// How many calls came to nothing and will be tried again.
    #[must_use]
    pub fn resting(&self) -> usize {
        self.resting.load(Ordering::Relaxed)
    }

    /// How many calls have left.
    #[must_use]
    pub fn admitted(&self) -> u64 {
        self.admitted.load(Ordering::Relaxed)
    }

    /// How long the gate stays shut from now on, if it is shut.
    #[must_use]
    pub fn held_for(&self) -> Option<Duration> {
        self.held().map(|until| until - Instant::now())
    }

    /// How often the node made everybody wait.
    #[must_use]
    pub fn holds(&self) -> u64 {
        self.holds.load(Ordering::Relaxed)
    }
}

/// Counts a waiting call for as long as it lives, also when the wait is cancelled.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn count(counter: &'a AtomicUsize) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Waiting(counter)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_hold_keeps_every_call_back_for_just_as_long() {
        let pace = Pace::new(4, None);
        let begun = Instant::now();
        pace.hold(Duration::from_secs(7));
        pace.hold(Duration::from_secs(3));
        let (one, two) = tokio::join!(pace.admit(), pace.admit());
        assert!(one.is_ok() && two.is_ok());
        let waited = begun.elapsed();
        assert!(waited >= Duration::from_secs(7), "{waited:?}");
        assert!(waited < Duration::from_millis(7_010), "{waited:?}");
        assert_eq!(pace.holds(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_calls_than_places_are_in_flight() {
        let pace = Pace::new(2, None);
        let first = pace.admit().await;
        let _second = pace.admit().await;
        let third = tokio::time::timeout(Duration::from_mins(1), pace.admit()).await;
        assert!(third.is_err(), "a third call left while two were in flight");
        drop(first);
        assert!(pace.admit().await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn closing_wakes_those_who_wait() {
        let pace = Pace::new(1, None);
        pace.hold(Duration::from_hours(1));
        let (answer, ()) = tokio::join!(pace.admit(), async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert_eq!(pace.waiting(), 1);
            pace.close();
        });
        assert_eq!(answer.err(), Some(Closed));
        assert_eq!(pace.waiting(), 0);
        assert_eq!(pace.rest(Duration::from_secs(1)).await, Err(Closed));
    }
}
