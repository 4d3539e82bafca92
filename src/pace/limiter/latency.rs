//! How long answers take, and whether calls queue at the node.

/// What one answer weighs in the mean.
const WEIGHT: f64 = 0.125;

/// In how many seconds the least that was seen is about forgotten: the node may have become slower for good.
const FORGET: f64 = 600.0;

/// So much longer than the least an answer may take before that is called a queue.
const TIMES: f64 = 2.0;

/// And so many seconds more: below that nobody minds, and a busy machine of one's own looks the same.
const MORE: f64 = 0.1;

/// The time that answers take, in seconds.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Latency(Option<Seen>);

#[derive(Debug, Clone, Copy)]
struct Seen {
    least: f64,
    usual: f64,
    at: f64,
}

impl Latency {
    /// An answer came at `now` that took so long.
    pub(super) fn was(&mut self, seconds: f64, now: f64) {
        let seen = self.0.get_or_insert(Seen {
            least: seconds,
            usual: seconds,
            at: now,
        });
        seen.usual += (seconds - seen.usual) * WEIGHT;
        let passed = (now - seen.at).clamp(0.0, FORGET) / FORGET;
        seen.least += (seen.usual - seen.least).max(0.0) * passed;
        seen.at = now;
        seen.least = seen.least.min(seconds);
    }

    pub(super) fn usual(self) -> Option<f64> {
        self.0.map(|seen| seen.usual)
    }

    /// Whether calls wait for each other at the node.
    pub(super) fn shows_a_queue(self) -> bool {
        self.0
            .is_some_and(|seen| seen.usual > seen.least * TIMES + MORE)
    }
}
