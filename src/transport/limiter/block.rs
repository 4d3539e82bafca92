//! A node that accepts nothing for a while: one call at a time finds out when that ends.
//!
//! The time between two such calls doubles, and a wait that the node has asked for ends it. Such waits are obeyed without
//! trying once they have been found to be needed. A long one is tried all the same, once.

use super::{Admission, duration};

/// The longest time between two tries where the node has not said how long to wait, in seconds: at first, and after the node
/// has accepted nothing for so long. Some nodes begin to count anew with each try.
const LONG_STEP: f64 = 2.5;
const LONG: f64 = 15.0;
const LONGEST_STEP: f64 = 15.0;

/// A wait this short, in seconds, may be much longer than needed, since nodes say it in whole seconds. So it is tried.
pub(super) const SHORT_WAIT: f64 = 1.5;

/// A wait that is trusted, but longer than this, is tried after so large a part of it.
const LONG_WAIT: f64 = 10.0;
const LONG_WAIT_STEP: f64 = 1.0 / 3.0;

/// So often a long wait that did not help is not held against the node.
const MOST_LONG_WAITS: u32 = 10;

/// Calls accepted before so large a part of a wait show that it was not needed; so many refused in it, that it was.
const NEEDED: f64 = 0.75;
const ENOUGH_REFUSED: u32 = 2;

/// Times are in seconds.
#[derive(Debug)]
pub(super) struct Block {
    current: Option<Blocked>,
    /// Whether the waits that the node asks for are needed, once that is known.
    is_honest: Option<bool>,
}

#[derive(Debug, Clone, Copy)]
struct Blocked {
    since: f64,
    /// From when on refusals are held against the node, and after how many long waits that it asked for.
    in_vain: f64,
    long_waits: u32,
    /// When the next call may leave, and how long after the one before.
    next: f64,
    step: f64,
    first_step: f64,
    /// When the node asked to wait, and until when.
    told: Option<(f64, f64)>,
    is_trying: bool,
    tries: u32,
}

/// A block that is over.
#[derive(Debug, Clone, Copy)]
pub(super) struct BlockEnd {
    pub(super) lasted: f64,
    /// How many calls were refused to find that out.
    pub(super) refused: u32,
}

impl Blocked {
    /// A long wait that the node asks for is not held against it, nor what is refused during it.
    fn be_patient(&mut self, now: f64, wait: Option<f64>) {
        let long = wait.filter(|wait| *wait > LONG_WAIT && self.long_waits < MOST_LONG_WAITS);
        if let Some(wait) = long
            && now >= self.in_vain
        {
            self.in_vain = now + wait;
            self.long_waits += 1;
        }
    }
}

impl Block {
    pub(super) fn new() -> Self {
        Block {
            current: None,
            is_honest: None,
        }
    }

    pub(super) fn is_on(&self) -> bool {
        self.current.is_some()
    }

    pub(super) fn trusts_waits(&self) -> bool {
        self.is_honest == Some(true)
    }

    pub(super) fn distrusts_waits(&self) -> bool {
        self.is_honest == Some(false)
    }

    /// Nothing is accepted any more. The first try leaves after `step`.
    pub(super) fn begin(&mut self, now: f64, step: f64, wait: Option<f64>) {
        let mut blocked = Blocked {
            since: now,
            in_vain: now,
            long_waits: 0,
            next: now,
            step,
            first_step: step,
            told: wait.map(|wait| (now, now + wait)),
            is_trying: false,
            tries: 0,
        };
        blocked.be_patient(now, wait);
        self.current = Some(blocked);
        self.schedule(now);
    }

    fn schedule(&mut self, now: f64) {
        let trusts_waits = self.trusts_waits();
        let Some(blocked) = &mut self.current else {
            return;
        };
        blocked.next = now + blocked.step;
        let Some((asked, until)) = blocked.told.filter(|(_, until)| *until > now) else {
            return;
        };
        let wait = until - asked;
        if trusts_waits && wait > SHORT_WAIT {
            let is_first = blocked.tries == 0;
            blocked.next = if wait > LONG_WAIT && is_first {
                now + wait * LONG_WAIT_STEP
            } else {
                until
            };
        }
        blocked.next = blocked.next.min(until);
    }

    /// Whether a call may leave that tries.
    pub(super) fn admission(&self, now: f64) -> Result<(), Admission> {
        match self.current {
            Some(blocked) if blocked.is_trying => Err(Admission::AfterAnswer),
            Some(blocked) if now < blocked.next => Err(Admission::At(duration(blocked.next))),
            _ => Ok(()),
        }
    }

    pub(super) fn sent(&mut self) {
        if let Some(blocked) = &mut self.current {
            blocked.is_trying = true;
            blocked.tries += 1;
        }
    }

    /// The call that tried got no answer.
    pub(super) fn lost(&mut self, now: f64) {
        if let Some(blocked) = &mut self.current {
            blocked.is_trying = false;
            blocked.next = now + blocked.step;
        }
    }

    /// A call that had left before was refused as well.
    pub(super) fn told(&mut self, now: f64, wait: Option<f64>) {
        if let (Some(blocked), Some(wait)) = (&mut self.current, wait) {
            blocked.told = Some((now, now + wait));
            if blocked.tries == 0 {
                self.schedule(now);
            }
        }
    }

    /// The call that tried was refused.
    pub(super) fn refused(&mut self, now: f64, wait: Option<f64>) {
        if let Some(blocked) = &mut self.current {
            blocked.is_trying = false;
            let longest = if now - blocked.since < LONG {
                LONG_STEP
            } else {
                LONGEST_STEP
            };
            blocked.step = (blocked.step * 2.0).min(longest);
            blocked.be_patient(now, wait);
            blocked.told = wait.map(|wait| (now, now + wait)).or(blocked.told);
            if blocked.told.is_some_and(|(_, until)| until <= now) {
                // The wait was about long enough, or the node would not have asked for it.
                (blocked.step, blocked.told) = (blocked.first_step, None);
            }
            self.schedule(now);
        }
    }

    /// The call that tried, sent at `sent`, was accepted.
    pub(super) fn end(&mut self, sent: f64) -> BlockEnd {
        let Some(blocked) = self.current.take() else {
            return BlockEnd {
                lasted: 0.0,
                refused: 0,
            };
        };
        let refused = blocked.tries.saturating_sub(1);
        if let Some((asked, until)) = blocked.told {
            if sent < asked + NEEDED * (until - asked) {
                self.is_honest = Some(false);
            } else if refused >= ENOUGH_REFUSED {
                self.is_honest = Some(true);
            }
        }
        BlockEnd {
            lasted: sent - blocked.since,
            refused,
        }
    }

    /// When the next call tries.
    pub(super) fn until(&self) -> Option<f64> {
        self.current.map(|blocked| blocked.next)
    }

    /// A block in which a call was tried: it was refused, or the block would be over.
    fn tried(&self) -> Option<Blocked> {
        self.current.filter(|blocked| blocked.tries > 0)
    }

    /// Whether every call that was tried was refused.
    pub(super) fn refuses_all(&self) -> bool {
        self.tried().is_some()
    }

    /// Since when nothing was accepted, other than in long waits that the node has asked for.
    pub(super) fn in_vain_since(&self, now: f64) -> Option<f64> {
        let blocked = self.tried()?;
        (now >= blocked.in_vain).then_some(blocked.in_vain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tries until the node accepts calls at `opens`; returns when calls left. Each refusal asks to wait so long.
    fn tries(block: &mut Block, opens: f64, wait: impl Fn(f64) -> Option<f64>) -> Vec<f64> {
        let mut tries = Vec::new();
        block.begin(0.0, 0.1, wait(0.0));
        loop {
            let now = block.until().unwrap();
            assert!(block.admission(now).is_ok());
            block.sent();
            assert!(matches!(block.admission(now), Err(Admission::AfterAnswer)));
            tries.push(now);
            if now >= opens {
                block.end(now);
                return tries;
            }
            block.refused(now, wait(now));
        }
    }

    #[test]
    fn tries_get_rarer_and_a_wait_ends_them() {
        let mut block = Block::new();
        let without = tries(&mut block, 20.0, |_| None);
        assert!(without.len() <= 12, "{without:?}");
        let mut block = Block::new();
        let with = tries(&mut block, 8.0, |now| Some(8.0 - now));
        assert_eq!(with.last(), Some(&8.0));
        assert!(block.trusts_waits());
        assert_eq!(tries(&mut block, 8.0, |now| Some(8.0 - now)), [8.0]);
    }

    #[test]
    fn a_wait_that_was_not_needed_is_not_trusted() {
        let mut block = Block::new();
        tries(&mut block, 0.2, |_| Some(5.0));
        assert!(block.distrusts_waits());
    }

    /// For how long a node that refuses everything is tried in vain when it asks to wait for `wait` each time.
    fn patience(wait: f64) -> f64 {
        let mut block = Block::new();
        block.begin(0.0, 0.1, Some(wait));
        for _ in 0..10_000 {
            let now = block.until().unwrap();
            block.sent();
            block.refused(now, Some(wait));
            assert!(block.refuses_all());
            if block
                .in_vain_since(now)
                .is_some_and(|since| now - since > 600.0)
            {
                return now;
            }
        }
        panic!("it is tried for ever");
    }

    #[test]
    fn waits_that_never_help_come_to_an_end() {
        assert!((600.0..620.0).contains(&patience(1.0)));
        assert!((600.0..620.0).contains(&patience(9.0)));
        assert!(
            (900.0..1300.0).contains(&patience(60.0)),
            "{}",
            patience(60.0)
        );
        assert!(
            (3600.0..50_000.0).contains(&patience(3600.0)),
            "{}",
            patience(3600.0)
        );
    }

    #[test]
    fn a_long_wait_is_tried_once_however_honest_the_node_was() {
        let mut block = Block::new();
        tries(&mut block, 8.0, |now| Some(8.0 - now));
        let hour = tries(&mut block, 3600.0, |now| Some(3600.0 - now));
        assert_eq!(hour, [1200.0, 3600.0]);
    }
}
