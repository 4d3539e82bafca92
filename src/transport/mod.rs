//! How fast and how often: when a call may leave, and what follows from how it went.
//!
//! Here belong the ceiling ([`Rate`]), the controller that finds out what a node allows (`limiter`), or none
//! (`control`), the breaker that keeps calls from a node that does not answer (`breaker`), the table of what may be sent again ([`retry`]), and the HTTP client that obeys all of them ([`Transport`]): the way to
//! the node (`route`), whom it trusts (`trust`), what to tell people when there is none (`trouble`). What a call is *for*
//! does not belong here: of users, teams and spreadsheets this module knows no more than the [`Class`] of a call.
//!
//! ```text
//!  scim ── Call ──▶ Line ── Pace::admit ──▶ node
//!                    ▲                        │
//!                    └── retry::verdict ◀── answer or fault
//! ```

mod ask;
mod attempts;
mod body;
mod breaker;
mod ca_certs;
mod call;
mod call_slot;
mod ceiling;
mod control;
mod fields;
mod http;
mod limiter;
pub mod retry;
mod retry_loop;
mod route;
mod sending;
mod token_redactor;
mod traffic;
mod trouble;
mod wait;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

pub use ask::RawResponse;
pub use ca_certs::{BadCaCerts, CaCerts};
pub use call::{Answer, Call, Cause, Class, Fault, FaultKind, Idempotency, Refused};
pub use call_slot::CallSlot;
pub use ceiling::{Rate, RateError, RateSetting};
pub use http::{Http, HttpOptions, HttpVersion, NoHttp, client};
pub use limiter::LearnedRates;
pub use retry_loop::Transport;
pub use route::{BadProxy, ProxyAddress, ProxyChoice, Route, is_loopback};
pub use sending::BadToken;
pub use traffic::Traffic;
pub use wait::{date, date_in_seconds, retry_after};

use breaker::{Breaker, Passage};
use call_slot::CallFeedback;
use ceiling::Ceiling;
use control::{Control, Pass};
use retry::CallStatus;

/// Decides when the next call may leave, for all calls of one node.
///
/// Three things must agree: a node that answers, the limit of the call's class with a place among the calls in flight,
/// and a slot under the ceiling. A call that was refused waits by itself, without a place. Closing the pace stops new calls and lets those in
/// flight finish.
#[derive(Debug)]
pub struct Pace {
    begun: Instant,
    state: Mutex<State>,
    queues: [Queue; Class::ALL.len()],
    ceiling: Option<Ceiling>,
    closed: watch::Sender<bool>,
    waiting: AtomicUsize,
    resting: AtomicUsize,
    admitted: AtomicU64,
}

/// What the decision hangs on. Times are counted from when the pace began.
#[derive(Debug)]
struct State {
    control: Control,
    breaker: Breaker,
    /// When the last of those that wait to be sent again will have waited.
    rested_at: Duration,
    traffic: Traffic,
}

/// The calls of one class that wait. One of them waits for the limits, the others for it: no herd, and first come is
/// first served.
#[derive(Debug, Default)]
struct Queue {
    turn: tokio::sync::Mutex<()>,
    /// A call has come back, so that it may be somebody's turn.
    moved: Notify,
}

/// No more calls may leave: the run is stopping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the run is stopping, no further call is sent")]
pub struct Closed;

impl Pace {
    /// At most `concurrency` calls in flight, at this tempo.
    #[must_use]
    pub fn new(concurrency: usize, setting: RateSetting) -> Self {
        Self::remembering(concurrency, setting, LearnedRates::default())
    }

    /// The same, beginning with the pace that an earlier run found.
    #[must_use]
    pub fn remembering(concurrency: usize, setting: RateSetting, learned: LearnedRates) -> Self {
        Pace {
            begun: Instant::now(),
            state: Mutex::new(State {
                control: Control::new(concurrency, setting, learned),
                breaker: Breaker::new(),
                rested_at: Duration::ZERO,
                traffic: Traffic::default(),
            }),
            queues: Default::default(),
            ceiling: setting.ceiling().map(Ceiling::new),
            closed: watch::Sender::new(false),
            waiting: AtomicUsize::new(0),
            resting: AtomicUsize::new(0),
            admitted: AtomicU64::new(0),
        }
    }

    /// Waits until a call may leave. The place is held until it is dropped.
    ///
    /// # Errors
    /// [`Closed`] as soon as the pace is closed, also while waiting.
    pub async fn admit(&self, class: Class) -> Result<CallSlot<'_>, Closed> {
        let _counted = Waiting::count(&self.waiting);
        let mut closed = self.closed.subscribe();
        tokio::select! {
            biased;
            _ = closed.wait_for(|closed| *closed) => Err(Closed),
            slot = self.turn(class) => Ok(slot),
        }
    }

    async fn turn(&self, class: Class) -> CallSlot<'_> {
        let queue = &self.queues[class as usize];
        let _turn = queue.turn.lock().await;
        loop {
            match self.ask(class) {
                Ok(mut slot) => {
                    if let Some(ceiling) = &self.ceiling {
                        ceiling.slot().await;
                        slot.pass.leaves(self.begun.elapsed());
                    }
                    // Its class may have been held back while this call waited for its slot.
                    if self.ceiling.is_none() || self.held(class).is_none() {
                        self.admitted.fetch_add(1, Ordering::Relaxed);
                        return slot;
                    }
                }
                Err(Some(until)) => tokio::select! {
                    () = tokio::time::sleep_until(self.begun + until) => {}
                    () = queue.moved.notified() => {}
                },
                Err(None) => queue.moved.notified().await,
            }
        }
    }

    /// A place for a call, or when to ask again: at a moment, or when a call has come back.
    fn ask(&self, class: Class) -> Result<CallSlot<'_>, Option<Duration>> {
        let now = self.begun.elapsed();
        let mut state = self.state();
        let probe = match state.breaker.passage(now) {
            Passage::Free => false,
            Passage::Probe => true,
            Passage::At(until) => return Err(Some(until)),
            Passage::AfterProbe => return Err(None),
        };
        let pass = state.control.ask(class, now, self.resting())?;
        if probe {
            state.breaker.probes();
        }
        Ok(CallSlot {
            pace: self,
            pass,
            probe,
            feedback: CallFeedback::NOT_BACK,
        })
    }

    /// A call has come back.
    fn back(&self, pass: Pass, probe: bool, feedback: CallFeedback) {
        let now = self.begun.elapsed();
        {
            let mut state = self.state();
            state
                .control
                .back(pass, now, feedback.feedback, feedback.allowance);
            state.breaker.back(feedback.health, probe, now);
            if let Some(what) = feedback.what {
                let took = pass.since_sent(now);
                state
                    .traffic
                    .back(pass.class(), what, feedback.status, took);
            }
        }
        self.moved();
    }

    fn moved(&self) {
        for queue in &self.queues {
            queue.moved.notify_one();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self, class: Class) -> Option<Duration> {
        let until = self.state().control.limiter()?.held_until(class)?;
        self.until(until)
    }

    /// How long it is until then, unless that is over.
    fn until(&self, then: Duration) -> Option<Duration> {
        let left = then.checked_sub(self.begun.elapsed());
        left.filter(|left| !left.is_zero())
    }

    /// The node refused parts of a call because there were too many: keeps calls of this class back for `wait`.
    pub fn refused(&self, class: Class, wait: Duration) {
        let now = self.begun.elapsed();
        let mut state = self.state();
        state.control.hold(class, now, wait);
        state.traffic.refused_in_part();
    }

    /// Whether the node refuses every call of `class`, as far as is known.
    pub(super) fn refuses_all(&self, class: Class) -> bool {
        let state = self.state();
        let limiter = state.control.limiter();
        limiter.is_some_and(|limiter| limiter.refuses_all(class))
    }

    /// For how long the node has accepted no call of `class`, other than in long waits that it has asked for.
    pub(super) fn refused_for(&self, class: Class) -> Option<Duration> {
        let now = self.begun.elapsed();
        self.state().control.limiter()?.refused_for(class, now)
    }

    /// The pace that the node was seen to allow; nothing, where nobody looked.
    #[must_use]
    pub fn learned(&self) -> Option<LearnedRates> {
        Some(self.state().control.limiter()?.learned())
    }

    /// The calls that have come back.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.state().traffic.clone()
    }

    /// How many calls were refused since there were too many, and how many the node could not do just then.
    #[must_use]
    pub fn refusals(&self) -> (u64, u64) {
        let state = self.state();
        (state.traffic.refused(), state.traffic.unavailable())
    }

    /// How many times in a row one call alone was tried in vain, since the node did not answer.
    pub(super) fn probed_in_vain(&self) -> u32 {
        self.state().breaker.rounds()
    }

    /// For how long the node has not answered, where calls are kept back for that.
    #[must_use]
    pub fn down_for(&self) -> Option<Duration> {
        let since = self.state().breaker.open_since()?;
        Some(self.begun.elapsed().saturating_sub(since))
    }

    /// Sleeps for `wait` before a call that came to nothing is tried again, or until the pace is
    /// closed.
    ///
    /// # Errors
    /// [`Closed`] when the pace is closed first.
    pub async fn rest(&self, wait: Duration) -> Result<(), Closed> {
        let counted = Waiting::count(&self.resting);
        {
            let until = self.begun.elapsed().saturating_add(wait);
            let mut state = self.state();
            state.rested_at = state.rested_at.max(until);
        }
        let mut closed = self.closed.subscribe();
        let rested = tokio::select! {
            biased;
            _ = closed.wait_for(|closed| *closed) => Err(Closed),
            () = tokio::time::sleep(wait) => Ok(()),
        };
        drop(counted);
        self.moved();
        rested
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

    /// How long it is until the last of them is tried again.
    #[must_use]
    pub fn resting_for(&self) -> Option<Duration> {
        let rested_at = self.state().rested_at;
        self.until(rested_at)
    }

    /// How many calls have left.
    #[must_use]
    pub fn admitted(&self) -> u64 {
        self.admitted.load(Ordering::Relaxed)
    }

    /// How long no call of some class leaves, since the node accepts none.
    #[must_use]
    pub fn held_for(&self) -> Option<Duration> {
        let held = Class::ALL.into_iter().filter_map(|class| self.held(class));
        held.max()
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
    async fn parts_that_were_refused_hold_back_their_class_alone() {
        let pace = Pace::new(4, RateSetting::Auto);
        let begun = Instant::now();
        pace.refused(Class::Bulk, Duration::from_secs(7));
        assert_eq!(pace.held_for().map(|held| held.as_secs()), Some(7));
        drop(pace.admit(Class::Read).await);
        assert_eq!(begun.elapsed(), Duration::ZERO);
        drop(pace.admit(Class::Bulk).await);
        let waited = begun.elapsed().as_secs_f64();
        assert!((7.0..7.01).contains(&waited), "{waited}");
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_controller_a_call_that_rests_keeps_its_place() {
        let pace = Pace::new(2, RateSetting::Off);
        let begun = Instant::now();
        let refused = pace.admit(Class::UserWrite).await.unwrap();
        let _other = pace.admit(Class::Read).await.unwrap();
        let wait = Duration::from_secs(5);
        refused.back(CallStatus::Throttled, Some(wait), None);
        let (rested, next) = tokio::join!(pace.rest(wait), pace.admit(Class::UserWrite));
        assert!(rested.is_ok() && next.is_ok());
        assert_eq!(begun.elapsed(), wait);
        assert_eq!(pace.learned(), None);
        assert_eq!(pace.held_for(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_calls_than_places_are_in_flight() {
        let pace = Pace::new(2, RateSetting::Auto);
        let first = pace.admit(Class::Read).await;
        let _second = pace.admit(Class::Read).await;
        let third = tokio::time::timeout(Duration::from_mins(1), pace.admit(Class::Read)).await;
        assert!(third.is_err(), "a third call left while two were in flight");
        drop(first);
        assert!(pace.admit(Class::Read).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn closing_wakes_those_who_wait() {
        let pace = Pace::new(1, RateSetting::Auto);
        pace.refused(Class::Read, Duration::from_hours(1));
        let (answer, ()) = tokio::join!(pace.admit(Class::Read), async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert_eq!(pace.waiting(), 1);
            pace.close();
        });
        assert_eq!(answer.err(), Some(Closed));
        assert_eq!(pace.waiting(), 0);
        assert_eq!(pace.rest(Duration::from_secs(1)).await, Err(Closed));
    }
}
