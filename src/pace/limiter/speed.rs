//! How many calls a second of a class may leave, learnt from refusals.
//!
//! Between two refusals a node took what it allows: both times there was nothing left. So the calls taken, over the
//! time between, are no more than the limit, and where the waits were short beside that time they are nearly
//! it. What was tried when a call was refused is no less than the limit. The next speed is taken from between the two.

/// How much faster calls leave after each period, until the limit is about known: twice as fast.
const SEARCH: f64 = 1.0;

/// The same when it is known.
const CREEP: f64 = 0.03;

/// How much more than was taken may have been tried for the limit to be about known.
const NEARLY: f64 = 1.1;

/// What part of the limit is used at first when it is known.
const BELOW: f64 = 0.99;

/// Of how many calls one may be refused.
const CALLS_PER_REFUSAL: f64 = 300.0;

/// How many times longer than the wait of a refusal calls leave without one; twice that after each refusal that came
/// where it was expected.
const WAITS: f64 = 16.0;

/// The most that this becomes: waiting then costs less than a hundredth of the time.
const MOST_WAITS: f64 = 128.0;

/// The shortest time in which the speed is raised by [`CREEP`], in seconds.
const SHORTEST_CREEP: f64 = 20.0;

/// How long a long wait makes it at the most.
const LONGEST_CREEP: f64 = 300.0;

/// The same while what an earlier run found is not confirmed.
const UNCONFIRMED: f64 = 3.0;

/// How late a call may leave without those after it being late as well: timers fire late.
const SLACK: f64 = 0.005;

/// Never slower than this many calls in each wait that the node asks for: it has promised one.
const CALLS_PER_WAIT: f64 = 0.1;

/// The calls a second of one class. Times are in seconds.
#[derive(Debug)]
pub(super) struct Speed {
    /// Calls a second; nothing is known before the first refusal.
    now: Option<f64>,
    /// Whether a refusal has shown that there is a limit near `now`.
    confirmed: bool,
    /// The share by which the speed rises in a period.
    growth: f64,
    /// How many times longer than a wait calls leave without one.
    waits: f64,
    /// How much of the period is over.
    spent: f64,
    grown_at: f64,
    /// When the first call was let go.
    begun: Option<f64>,
    /// When calls were refused last.
    refused_at: Option<f64>,
    /// How long everybody waited then.
    wait: f64,
    /// Calls sent since then.
    sent: f64,
    /// Calls taken since then.
    taken: f64,
    /// When the next call may leave.
    next: f64,
}

impl Speed {
    /// `learnt` is what an earlier run found.
    pub(super) fn new(learnt: Option<f64>) -> Self {
        Speed {
            now: learnt
                .filter(|speed| speed.is_finite() && *speed > 0.0)
                .map(|speed| speed * BELOW),
            confirmed: false,
            growth: CREEP,
            waits: WAITS,
            spent: 0.0,
            grown_at: 0.0,
            begun: None,
            refused_at: None,
            wait: 0.0,
            sent: 0.0,
            taken: 0.0,
            next: 0.0,
        }
    }

    pub(super) fn now(&self) -> Option<f64> {
        self.now
    }

    pub(super) fn learnt(&self) -> Option<f64> {
        self.now
    }

    /// Whether nothing is held back.
    pub(super) fn is_open(&self) -> bool {
        self.now.is_none()
    }

    /// When calls were refused last.
    pub(super) fn refused_at(&self) -> f64 {
        self.refused_at.unwrap_or(f64::NEG_INFINITY)
    }

    /// Takes a slot, or says until when to wait for one.
    pub(super) fn wait(&mut self, now: f64) -> Option<f64> {
        self.begun.get_or_insert(now);
        let Some(speed) = self.risen(now) else {
            self.sent += 1.0;
            return None;
        };
        if self.next > now {
            return Some(self.next);
        }
        self.next = self.next.max(now - SLACK) + 1.0 / speed;
        self.sent += 1.0;
        None
    }

    /// A call was taken.
    pub(super) fn taken(&mut self) {
        self.taken += 1.0;
    }

    /// The speed is so far beyond what can be sent that it holds nothing back.
    pub(super) fn forget_beyond(&mut self, reach: f64, now: f64) {
        if self.now.is_some_and(|speed| speed > reach * 2.0) {
            self.now = None;
            self.next = now;
        }
    }

    /// The wait for the last refusal is longer than was thought.
    pub(super) fn held(&mut self, until: f64) {
        self.next = self.next.max(until);
        self.grown_at = self.grown_at.max(until);
        self.wait = self.wait.max(until - self.refused_at());
    }

    /// Calls were refused for what has nothing to do with the speed.
    pub(super) fn paused(&mut self, now: f64, wait: f64) {
        (self.refused_at, self.wait) = (Some(now), wait);
        (self.sent, self.taken) = (0.0, 0.0);
        self.next = self.next.max(now + wait);
    }

    /// Calls were refused, and everybody waits.
    pub(super) fn refused(&mut self, now: f64, wait: f64) {
        let since = self.refused_at.or(self.begun).unwrap_or(now);
        let time = (now - since).max(1e-3);
        // The calls in this time, with the wait and without it.
        let least = self.taken / time;
        let most = self.taken / (time - self.wait).max(1e-3);
        let expected = self.now.is_some_and(|tried| tried <= most * NEARLY);
        let speed = match self.now {
            // What was saved up for a beginning was taken as well: it has to last for the wait. The first
            // refusals come back before the answers to what was taken.
            None => self.taken.max(self.sent / 2.0) / (time + wait),
            // The limit is about known: it lies between what was taken and what was tried.
            Some(tried) if tried <= most * NEARLY => {
                let taken = f64::midpoint(least, most);
                f64::midpoint(taken, tried.min(taken * NEARLY)) * BELOW
            }
            Some(tried) => (tried / (1.0 + self.growth)).max(least),
        };
        // Each refusal says three times as exactly where the limit is.
        self.growth = match self.now {
            None => SEARCH,
            Some(_) if self.growth / 3.0 > CREEP * 2.0 => self.growth / 3.0,
            Some(_) => CREEP,
        };
        let slowest = CALLS_PER_WAIT / wait.max(1.0);
        self.now = Some(speed.max(slowest));
        self.waits = if expected && self.growth <= CREEP {
            (self.waits * 2.0).min(MOST_WAITS)
        } else {
            WAITS
        };
        self.confirmed = true;
        (self.refused_at, self.wait) = (Some(now), wait);
        (self.sent, self.taken) = (0.0, 0.0);
        (self.spent, self.grown_at, self.next) = (0.0, now + wait, now + wait);
    }

    /// The speed after the time since the last call.
    fn risen(&mut self, now: f64) -> Option<f64> {
        let speed = self.now?;
        // Where nobody asked for a slot nothing was tried.
        let most = (2.0 / speed).max(1.0);
        let passed = (now - self.grown_at).clamp(0.0, most);
        self.grown_at = self.grown_at.max(now);
        let period = self.period(speed);
        let speed = speed * (1.0 + self.growth).powf(passed / period);
        self.now = Some(speed);
        self.spent += passed;
        if self.spent >= period {
            self.spent = 0.0;
            // A memory that is not confirmed soon is worth nothing.
            let more = if self.confirmed { 2.0 } else { f64::INFINITY };
            self.growth = (self.growth * more).min(SEARCH);
        }
        Some(speed)
    }

    /// How long it takes to rise by `growth`.
    fn period(&self, speed: f64) -> f64 {
        if self.growth <= CREEP && !self.confirmed {
            return UNCONFIRMED.max(8.0 / speed);
        }
        if self.growth <= CREEP {
            return (CALLS_PER_REFUSAL / speed)
                .max((self.wait * self.waits).min(LONGEST_CREEP))
                .max(SHORTEST_CREEP);
        }
        let search = self.wait.max(4.0 / speed).max(1.0);
        search * (0.2 / self.growth).max(1.0)
    }
}
