//! How many calls of a class may be in flight.

use super::latency::Latency;

/// With how many calls a class begins.
const FIRST: f64 = 4.0;

/// A queue at the node makes the window no smaller than this.
const LEAST: f64 = 2.0;

/// What a queue leaves of the window, once a round trip.
const SHRINK: f64 = 0.75;

/// How many times more calls than pace times latency may be in flight (Little's law): answers do not all take
/// equally long.
const ROOM: f64 = 2.0;

/// After so many calls one more than the limit is tried; twice as many after each refusal.
const PROBE_CALLS: u32 = 50;

/// And not before so many times the wait that a refusal cost; twice as many after each.
const PROBE_WAITS: f64 = 4.0;

/// How often these are doubled at the most.
const DOUBLINGS: u32 = 5;

/// So many calls more than the limit may come through by chance.
const CHANCE: u32 = 10;

/// The number of calls in flight.
#[derive(Debug)]
pub(super) struct Window {
    places: u32,
    size: f64,
    /// Grows by one with each call that is taken; later by one with each round trip.
    slow_start: bool,
    /// The node takes no more calls at once than this.
    limit: Option<Limit>,
    /// The most calls among which one was taken.
    most_taken: u32,
    shrunk_at: f64,
}

#[derive(Debug, Clone, Copy)]
struct Limit {
    calls: u32,
    /// How many calls were taken since the window was full for the first time.
    taken: u32,
    /// How often one more was tried in vain.
    in_vain: u32,
    probe_from: f64,
}

/// What is known of a call that was refused.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refusal {
    /// As one of how many in flight it left.
    pub(super) among: u32,
    /// How many are in flight now that it is back.
    pub(super) still: u32,
    /// No pace is known which could explain it.
    pub(super) open: bool,
    /// It left after the last refusal was heard.
    pub(super) anew: bool,
    /// When it came back.
    pub(super) at: f64,
    /// How long the node said to wait.
    pub(super) wait: f64,
}

impl Window {
    pub(super) fn new(places: u32) -> Self {
        Window {
            places,
            size: FIRST,
            slow_start: true,
            limit: None,
            most_taken: 0,
            shrunk_at: 0.0,
        }
    }

    /// How many may be in flight at this pace and latency.
    pub(super) fn size(&self, speed: Option<f64>, latency: Option<f64>) -> u32 {
        let widest = self.widest().min(whole(self.size));
        match (speed, latency) {
            (Some(speed), Some(latency)) => widest.min(whole(speed * latency * ROOM + 2.0)),
            _ => widest,
        }
    }

    /// How many may be in flight when the window is open.
    pub(super) fn widest(&self) -> u32 {
        let limit = self.limit.map_or(u32::MAX, |limit| limit.calls);
        self.places.min(limit).max(1)
    }

    /// A call was taken that left as one of `among`; `open` says that only this window held it back.
    pub(super) fn taken(&mut self, among: u32, open: bool, now: f64, latency: Latency) {
        self.most_taken = self.most_taken.max(among);
        if let Some(limit) = &mut self.limit {
            limit.taken += u32::from(open && among >= limit.calls);
            if limit.taken >= PROBE_CALLS << limit.in_vain && now >= limit.probe_from {
                limit.calls += 1;
                limit.taken = 0;
            }
        }
        if latency.shows_a_queue() {
            self.slow_start = false;
            if now - self.shrunk_at >= latency.usual().unwrap_or_default() {
                self.size = (self.size * SHRINK).max(LEAST);
                self.shrunk_at = now;
            }
            return;
        }
        let grown = if self.slow_start {
            1.0
        } else {
            1.0 / self.size
        };
        self.size = (self.size + grown).min(f64::from(self.places));
    }

    /// A call was refused. Where none among so many was ever taken, it may be that the node counts calls in flight.
    ///
    /// Says whether that was found out before, so that the pace has nothing to do with it.
    pub(super) fn refused(&mut self, refusal: Refusal) -> bool {
        let Refusal {
            among,
            still,
            open,
            anew,
            at,
            wait,
        } = refusal;
        let first = among > self.most_taken.max(1);
        // One more was tried, and few came through: those that the node had just answered.
        let probed = self
            .limit
            .is_some_and(|limit| open && among + 1 >= limit.calls && limit.taken < CHANCE);
        let explains = first || probed;
        match &mut self.limit {
            // Of several refused together, the first one has made a pace of it already.
            None if explains && (open || !anew) => {
                self.limit = Some(Limit {
                    calls: (among - 1).min(still).max(1),
                    taken: 0,
                    in_vain: 0,
                    probe_from: at + wait * PROBE_WAITS,
                });
            }
            Some(limit) if explains => {
                limit.in_vain = (limit.in_vain + u32::from(anew)).min(DOUBLINGS);
                limit.calls = limit.calls.saturating_sub(1).min(among).max(1);
                limit.taken = 0;
                limit.probe_from = at + wait * PROBE_WAITS * f64::from(1_u32 << limit.in_vain);
                self.most_taken = self.most_taken.min(limit.calls);
                return true;
            }
            // Calls overtake each other. Refusals come back at once: what is still in flight was taken.
            Some(limit) if !anew => limit.calls = limit.calls.min(still).max(1),
            // Fewer in flight were refused than were taken before: it is not their number.
            Some(_) => self.limit = None,
            None => {}
        }
        false
    }

    /// The node could not carry out a call that left at `sent`: half as many, once a round trip.
    pub(super) fn busy(&mut self, sent: f64, now: f64) {
        if sent >= self.shrunk_at {
            self.size = (self.size / 2.0).max(LEAST);
            self.shrunk_at = now;
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast stays within the bounds of the number, and none of these is negative"
)]
fn whole(calls: f64) -> u32 {
    calls as u32
}
