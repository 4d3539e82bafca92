//! The ways in which the node limits calls. Times are seconds since its first call.
//!
//! Every rule is asked twice: [`Limit::refuses`] says whether a call would pass, and only when it passes
//! all rules does [`Limit::enter`] spend anything. A refused call costs nothing, unless a rule counts
//! attempts on purpose ([`Rule::Penalty`], [`Rule::Nth`]).

use std::collections::VecDeque;

use fastrand::Rng;

/// Which calls a limit counts: those below `/Users`, those below `/Groups`, or all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Users,
    Groups,
    All,
}

/// What a limit counts, and what passes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// `rate` calls per second on average, `burst` of them at once.
    Bucket { rate: f64, burst: f64 },
    /// So many calls in each period; the first period starts with the first call.
    Fixed { calls: usize, per: f64 },
    /// So many calls in any period.
    Sliding { calls: usize, per: f64 },
    /// So many calls being answered at the same time.
    AtOnce(usize),
    /// More than `calls` attempts in `per` seconds, and nothing passes for `block` seconds.
    Penalty { calls: usize, per: f64, block: f64 },
    /// As nginx's `limit_req`: calls leave at `rate`, up to `queue` of them wait, others are refused.
    DelayQueue { rate: f64, queue: f64 },
    /// So many workers, each answering one call; up to `queue` calls wait, others are refused.
    Workers { workers: usize, queue: usize },
    /// This share of all calls is refused, whoever sends them and however fast.
    Random(f64),
    /// The call of this number is refused; the first is 1.
    Nth(usize),
}

/// How a call is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// 429.
    TooMany,
    /// 503.
    Unavailable,
    /// 403 with `{"error":"throttled"}`.
    Throttled,
    /// 500 with a text that tells the reason.
    Failed,
}

/// What `Retry-After` holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    Absent,
    /// The true wait in whole seconds, rounded up.
    Seconds,
    /// Always this, whatever the true wait is.
    Constant(u32),
}

/// Which headers tell the state of a limit, truthfully and with every answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    Nothing,
    /// `RateLimit` and `RateLimit-Policy`, from the IETF's draft.
    Draft,
    /// `X-RateLimit-Limit`, `-Remaining` and `-Reset` (in seconds from now).
    Extension,
}

/// A limit and everything it remembers.
#[derive(Debug, Clone)]
pub struct Limit {
    pub class: Class,
    pub rule: Rule,
    pub status: Status,
    pub retry_after: RetryAfter,
    pub told: Told,
    /// In force from this second until that one.
    from: f64,
    until: f64,
    /// Tokens that are left (bucket), or calls that are ahead (delay queue), at the second `at`.
    level: f64,
    at: f64,
    /// When calls passed (windows) or were tried (penalty).
    recent: VecDeque<f64>,
    blocked_until: f64,
    seen: usize,
    in_flight: usize,
    /// When each worker is free.
    free_at: Vec<f64>,
}

impl Limit {
    /// A limit on all calls that refuses by 429 without `Retry-After`.
    pub fn new(rule: Rule) -> Self {
        Limit {
            class: Class::All,
            rule,
            status: Status::TooMany,
            retry_after: RetryAfter::Absent,
            told: Told::Nothing,
            from: 0.0,
            until: f64::INFINITY,
            level: match rule {
                Rule::Bucket { burst, .. } => burst,
                _ => 0.0,
            },
            at: 0.0,
            recent: VecDeque::new(),
            blocked_until: 0.0,
            seen: 0,
            in_flight: 0,
            free_at: match rule {
                Rule::Workers { workers, .. } => vec![0.0; workers],
                _ => Vec::new(),
            },
        }
    }

    pub fn on(self, class: Class) -> Self {
        Limit { class, ..self }
    }

    pub fn by(self, status: Status, retry_after: RetryAfter) -> Self {
        Limit {
            status,
            retry_after,
            ..self
        }
    }

    pub fn told(self, told: Told) -> Self {
        Limit { told, ..self }
    }

    pub fn between(self, from: f64, until: f64) -> Self {
        Limit {
            from,
            until,
            ..self
        }
    }

    fn counts(&self, class: Class) -> bool {
        self.class == Class::All || self.class == class
    }

    fn in_force(&self, now: f64) -> bool {
        (self.from..self.until).contains(&now)
    }

    /// How long a call has to wait before it would pass; nothing if it passes now.
    pub fn refuses(&mut self, class: Class, now: f64, rng: &mut Rng) -> Option<f64> {
        if !self.counts(class) || !self.in_force(now) {
            return None;
        }
        self.seen += 1;
        match self.rule {
            Rule::Bucket { rate, burst } => {
                self.level = burst.min(self.level + (now - self.at) * rate);
                self.at = now;
                (self.level < 1.0).then(|| (1.0 - self.level) / rate)
            }
            Rule::Fixed { calls, per } => {
                // `at` is when the present period started.
                if now >= self.at + per {
                    self.at += ((now - self.at) / per).floor() * per;
                    self.recent.clear();
                }
                (self.recent.len() >= calls).then_some(self.at + per - now)
            }
            Rule::Sliding { calls, per } => {
                self.forget(now - per);
                (self.recent.len() >= calls).then(|| self.recent[0] + per - now)
            }
            Rule::AtOnce(calls) => (self.in_flight >= calls).then_some(0.0),
            Rule::Penalty { calls, per, block } => {
                if now < self.blocked_until {
                    return Some(self.blocked_until - now);
                }
                self.forget(now - per);
                self.recent.push_back(now);
                (self.recent.len() > calls).then(|| {
                    self.blocked_until = now + block;
                    self.recent.clear();
                    block
                })
            }
            Rule::DelayQueue { rate, queue } => {
                self.level = (self.level - (now - self.at) * rate).max(0.0);
                self.at = now;
                (self.level > queue).then(|| (self.level - queue) / rate)
            }
            Rule::Workers { workers, queue } => (self.in_flight >= workers + queue).then_some(0.0),
            Rule::Random(share) => (rng.f64() < share).then_some(0.0),
            Rule::Nth(number) => (self.seen == number).then_some(0.0),
        }
    }

    /// Counts a call that passed all limits and needs `service` seconds; gives the second when it is answered.
    pub fn enter(&mut self, class: Class, now: f64, service: f64) -> f64 {
        if !self.counts(class) {
            return now + service;
        }
        // Also when the limit is not in force yet: these calls are still there when it is.
        self.in_flight += 1;
        if !self.in_force(now) {
            return now + service;
        }
        match self.rule {
            Rule::Bucket { .. } => self.level -= 1.0,
            Rule::Fixed { .. } | Rule::Sliding { .. } => self.recent.push_back(now),
            Rule::DelayQueue { rate, .. } => {
                let start = now + self.level / rate;
                self.level += 1.0;
                return start + service;
            }
            Rule::Workers { .. } => {
                let first = self.free_at.iter_mut().min_by(|a, b| a.total_cmp(b));
                let free_at = first.expect("there is a worker");
                *free_at = free_at.max(now) + service;
                return *free_at;
            }
            Rule::AtOnce(_) | Rule::Penalty { .. } | Rule::Random(_) | Rule::Nth(_) => {}
        }
        now + service
    }

    /// The answer to a call that entered is on its way.
    pub fn leave(&mut self, class: Class) {
        if self.counts(class) {
            // Limits may have been exchanged while it was in flight.
            self.in_flight = self.in_flight.saturating_sub(1);
        }
    }

    fn forget(&mut self, until: f64) {
        while self.recent.front().is_some_and(|&passed| passed <= until) {
            self.recent.pop_front();
        }
    }

    /// The headers that tell how much is left.
    pub fn headers(&self, class: Class, now: f64) -> String {
        if self.told == Told::Nothing || !self.counts(class) || !self.in_force(now) {
            return String::new();
        }
        let (quota, per, left, reset) = match self.rule {
            Rule::Bucket { rate, burst } => {
                (burst, burst / rate, self.level, (burst - self.level) / rate)
            }
            Rule::Fixed { calls, per } => {
                let left = calls - self.recent.len();
                (number(calls), per, number(left), self.at + per - now)
            }
            Rule::Sliding { calls, per } => {
                let left = calls - self.recent.len();
                let reset = self.recent.front().map_or(0.0, |first| first + per - now);
                (number(calls), per, number(left), reset)
            }
            _ => return String::new(),
        };
        let (left, reset) = (left.max(0.0).floor(), reset.max(0.0).ceil());
        match self.told {
            Told::Nothing => String::new(),
            Told::Draft => {
                let per = per.ceil();
                format!(
                    "RateLimit-Policy: \"calls\";q={quota};w={per}\r\nRateLimit: \"calls\";r={left};t={reset}\r\n"
                )
            }
            Told::Extension => format!(
                "X-RateLimit-Limit: {quota}\r\nX-RateLimit-Remaining: {left}\r\nX-RateLimit-Reset: {reset}\r\n"
            ),
        }
    }
}

/// A small count as a number to reckon with.
pub fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).expect("counts here are small"))
}
