//! What follows from a time in which nothing was accepted.
//!
//! Some nodes count calls by the minute, and accept nothing until it is over; some close for a while to a client that was
//! too fast. Both are blocks. The first costs nothing, since what was accepted, over the time until calls are accepted
//! again, is the limit. The second does, so calls leave more slowly afterwards, and for longer the longer it was.

/// What part of the rate before a block is not exceeded after it, and for how many times as long as it lasted.
const LOWER: f64 = 0.6;
const TIMES: f64 = 3.0;

/// In no case for longer than this, in seconds; and no less than so many calls a second are tried.
const LONGEST: f64 = 30.0;
const LEAST: f64 = 1.0;

/// From fewer accepted calls than these, nothing follows for the time after the block.
const FEW: f64 = 10.0;

/// A window this long is worth using up at once, in seconds.
const LONG: f64 = 4.0;

/// How much numbers may differ that are taken to be the same.
const ALIKE: f64 = 0.1;

/// What part of the calls of such a window leave at once. The rest leave steadily, so that few are refused at its end.
const AT_ONCE: f64 = 0.9;

#[derive(Debug, Default)]
pub(super) struct QuotaWindow {
    /// When it began, and how many calls were accepted since.
    begun: f64,
    accepted: f64,
    /// When the block began, and how many calls a second were to leave before, if that was known.
    blocked: Option<(f64, Option<f64>)>,
    before: Option<PreviousWindow>,
    /// Whether the node counts calls by windows.
    repeats: bool,
    /// So many calls may leave at once.
    at_once: Option<f64>,
    /// The rate is no higher until then.
    ceiling: Option<(f64, f64)>,
}

/// The calls from one block to the end of the next.
#[derive(Debug, Clone, Copy)]
struct PreviousWindow {
    accepted: f64,
    /// How long it was, and how long calls were accepted in it.
    length: f64,
    sending: f64,
}

/// What is known when calls are accepted again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Released {
    /// How many calls a second were accepted in the window, the block included, and how many in all.
    pub(super) rate: f64,
    pub(super) accepted: f64,
    /// Calls left much faster than that.
    pub(super) was_faster: bool,
    /// As many were accepted as in the window before, which was long: they may leave at once.
    pub(super) is_window: bool,
}

impl QuotaWindow {
    pub(super) fn restart(&mut self, now: f64) {
        (self.begun, self.accepted) = (now, 0.0);
    }

    /// A call was accepted; says whether those are used up that may leave at once.
    pub(super) fn accepted(&mut self) -> bool {
        self.accepted += 1.0;
        self.at_once
            .take_if(|calls| self.accepted >= *calls)
            .is_some()
    }

    /// Nothing is accepted any more of the calls that leave at `rate`, or as fast as they can.
    pub(super) fn blocked(&mut self, now: f64, rate: Option<f64>) {
        self.blocked = Some((now, rate));
    }

    pub(super) fn released(&mut self, now: f64, lasted: f64) -> Released {
        let length = now - self.begun;
        let accepted = self.accepted;
        let rate = (accepted.max(1.0) / length.max(1e-3)).max(LEAST);
        // What had left before is answered by now.
        let before = self
            .blocked
            .take()
            .map(|(since, rate)| rate.unwrap_or_else(|| accepted / (since - self.begun).max(1e-3)));
        if let Some(before) = before.filter(|_| accepted >= FEW) {
            let until = now + (lasted * TIMES).min(LONGEST);
            self.ceiling = Some(((before * LOWER).max(LEAST), until));
        }
        self.compare(PreviousWindow {
            accepted,
            length,
            sending: length - lasted,
        });
        self.at_once = self.repeats.then_some(AT_ONCE * accepted);
        self.restart(now);
        Released {
            rate,
            accepted,
            was_faster: before.is_some_and(|before| rate < LOWER * before),
            is_window: self.repeats,
        }
    }

    /// The same number of calls in the same time, however long they took to send, is a window: a penalty would
    /// have come on top of that.
    fn compare(&mut self, previous: PreviousWindow) {
        let Some(before) = self.before.replace(previous) else {
            return;
        };
        let alike = |one: f64, other: f64| (one - other).abs() <= ALIKE * one.max(other);
        let is_same =
            alike(previous.accepted, before.accepted) && alike(previous.length, before.length);
        let is_telling = (previous.sending - before.sending).abs() > ALIKE * previous.length;
        self.repeats = is_same && previous.length >= LONG && (is_telling || self.repeats);
    }

    /// The highest rate for now, and until when.
    pub(super) fn ceiling(&self, now: f64) -> Option<(f64, f64)> {
        self.ceiling.filter(|(_, until)| now < *until)
    }
}
