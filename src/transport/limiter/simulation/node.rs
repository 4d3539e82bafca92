//! A node: its limits, how it refuses calls, and what it says about its limits in header fields.
//!
//! ```text
//! arrive ──▶ random refusal? ──▶ every limit that covers the class ──▶ workers ──▶ leave
//!                  └─ refused ──────────────┘
//! ```

use std::collections::VecDeque;

use fastrand::Rng;

use super::latency::Latency;
use crate::transport::Class;

/// Absorbs rounding errors in sums of times and tokens.
const EPSILON: f64 = 1e-9;

/// What a node allows. Times are in seconds, rates in calls per second.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rule {
    Unlimited,
    Bucket {
        rate: f64,
        burst: f64,
    },
    /// So many calls in each window. The first window began `phase` seconds before the run, and has `left` calls.
    Window {
        calls: f64,
        seconds: f64,
        phase: f64,
        left: f64,
    },
    Sliding {
        calls: u32,
        seconds: f64,
    },
    AtOnce(u32),
    /// More than `calls` within `seconds` block every call for `block` seconds. With `restarts`, a call during the
    /// block restarts it.
    Penalty {
        calls: u32,
        seconds: f64,
        block: f64,
        restarts: bool,
    },
    /// Delays calls to keep the rate, as nginx does, and refuses those that find `length` calls waiting.
    DelayQueue {
        rate: f64,
        length: f64,
    },
}

impl Rule {
    pub(super) fn window(calls: u32, seconds: f64) -> Self {
        Rule::Window {
            calls: calls.into(),
            seconds,
            phase: 0.0,
            left: calls.into(),
        }
    }
}

/// A rule, the classes it covers, and its current state.
#[derive(Debug, Clone)]
struct Limit {
    classes: &'static [Class],
    rule: Rule,
    /// Tokens in the bucket, or calls left in the window.
    left: f64,
    /// When `left` was computed, when the window began, or when the delay queue will be empty.
    at: f64,
    /// When recent calls came in.
    recent: VecDeque<f64>,
    blocked_until: f64,
}

impl Limit {
    fn new(classes: &'static [Class], rule: Rule) -> Self {
        let (left, at) = match rule {
            Rule::Bucket { burst, .. } => (burst, 0.0),
            Rule::Window { phase, left, .. } => (left, -phase),
            _ => (0.0, 0.0),
        };
        Limit {
            classes,
            rule,
            left,
            at,
            recent: VecDeque::new(),
            blocked_until: 0.0,
        }
    }

    /// Updates the state to `now`, and returns how long a call has to wait, if it would be refused.
    fn wait(&mut self, now: f64, inside: u32) -> Option<f64> {
        match self.rule {
            Rule::Unlimited => None,
            Rule::Bucket { rate, burst } => {
                self.left = (self.left + (now - self.at) * rate).min(burst);
                self.at = now;
                (self.left < 1.0 - EPSILON).then(|| (1.0 - self.left) / rate)
            }
            Rule::Window { calls, seconds, .. } => {
                while now >= self.at + seconds - EPSILON {
                    self.at += seconds;
                    self.left = calls;
                }
                (self.left < 1.0).then_some(self.at + seconds - now)
            }
            Rule::Sliding { calls, seconds } => self.full(now, calls, seconds),
            Rule::AtOnce(calls) => (inside >= calls).then_some(0.0),
            Rule::Penalty { calls, seconds, .. } => {
                if now < self.blocked_until - EPSILON {
                    return Some(self.blocked_until - now);
                }
                self.full(now, calls, seconds)
            }
            Rule::DelayQueue { rate, length } => {
                let too_long = (self.at - now) - length / rate;
                (too_long > EPSILON).then_some(too_long)
            }
        }
    }

    fn full(&mut self, now: f64, calls: u32, seconds: f64) -> Option<f64> {
        while let Some(first) = self.recent.front()
            && *first <= now - seconds + EPSILON
        {
            self.recent.pop_front();
        }
        let surplus = self.recent.len().checked_sub(calls as usize)?;
        Some(self.recent[surplus] + seconds - now)
    }

    /// Counts an accepted call, and returns how long it is delayed.
    fn accept(&mut self, now: f64) -> f64 {
        match self.rule {
            Rule::Bucket { .. } | Rule::Window { .. } => self.left -= 1.0,
            Rule::Sliding { .. } | Rule::Penalty { .. } => self.recent.push_back(now),
            Rule::DelayQueue { rate, .. } => {
                let begins = self.at.max(now);
                self.at = begins + 1.0 / rate;
                return begins - now;
            }
            Rule::AtOnce(_) | Rule::Unlimited => {}
        }
        0.0
    }

    /// Counts a refused call, and returns the wait, which a penalty makes longer.
    fn refuse(&mut self, now: f64, wait: f64) -> f64 {
        let Rule::Penalty {
            block, restarts, ..
        } = self.rule
        else {
            return wait;
        };
        if restarts || now >= self.blocked_until - EPSILON {
            self.blocked_until = now + block;
            self.recent.clear();
        }
        self.blocked_until - now
    }

    fn quota(&self, now: f64) -> Option<Quota> {
        match self.rule {
            Rule::Bucket { rate, burst } => Some(Quota {
                left: self.left.floor(),
                reset: ((burst - self.left) / rate).ceil(),
            }),
            Rule::Window { seconds, .. } => Some(Quota {
                left: self.left,
                reset: (self.at + seconds - now).max(0.0).ceil(),
            }),
            Rule::Sliding { calls, seconds } => {
                let oldest = self.recent.front().copied().unwrap_or(now);
                Some(Quota {
                    left: f64::from(calls) - super::count(self.recent.len()),
                    reset: (oldest + seconds - now).max(0.0).ceil(),
                })
            }
            _ => None,
        }
    }
}

/// What a node says in its quota fields.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quota {
    pub(super) left: f64,
    /// In seconds.
    pub(super) reset: f64,
}

/// How a node fills its quota fields.
#[derive(Debug, Clone, Copy)]
pub(super) enum QuotaFields {
    Nothing,
    /// The state of its first limit that covers the class.
    Truth,
    /// Always the same values.
    Always(Quota),
    /// The quota of another class or client, which is used up evenly in each window.
    Other {
        of: f64,
        seconds: f64,
    },
}

/// How a node fills Retry-After.
#[derive(Debug, Clone, Copy)]
pub(super) enum RetryAfter {
    Missing,
    Exact,
    /// Rounded up, at least one second.
    WholeSeconds,
    Always(f64),
}

/// How a node works on the calls it has accepted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Work {
    /// On all at the same time.
    Parallel,
    /// On so many at a time. Others queue, and calls that find the queue full are refused.
    Workers { calls: u32, queue: Option<u32> },
    /// On all at the same time; with more than `calls` inside, they slow each other down. Each call above `calls`
    /// lowers the throughput by the share `loss`.
    Overload { calls: u32, loss: f64 },
}

/// The answer to a call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reply {
    pub(super) accepted: bool,
    /// In seconds.
    pub(super) retry_after: Option<f64>,
    pub(super) quota: Option<Quota>,
}

/// A node and its state.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) latency: Latency,
    limits: Vec<Limit>,
    work: Work,
    retry_after: RetryAfter,
    told: QuotaFields,
    /// The share of calls that are refused at random.
    random: f64,
    /// Which calls are refused, counted from 1.
    listed: Vec<u32>,
    /// A refused call may have taken effect (HTTP 500 or 503): clients look before they send it again.
    pub(super) doubtful: bool,
    /// The latency of refusals, if it differs from that of other answers.
    pub(super) refusal_latency: Option<f64>,
    /// Which limit gets which rule when, in order of time.
    changes: VecDeque<(f64, usize, Rule)>,
    arrived: u32,
    inside: [u32; Class::ALL.len()],
    /// When each worker is free.
    free: Vec<f64>,
}

impl Node {
    pub(super) fn new(latency: Latency) -> Self {
        Node {
            latency,
            limits: Vec::new(),
            work: Work::Parallel,
            retry_after: RetryAfter::WholeSeconds,
            told: QuotaFields::Nothing,
            random: 0.0,
            listed: Vec::new(),
            doubtful: false,
            refusal_latency: None,
            changes: VecDeque::new(),
            arrived: 0,
            inside: [0; Class::ALL.len()],
            free: Vec::new(),
        }
    }

    /// Limits calls of `classes`, in addition to its other limits.
    pub(super) fn limit_for(mut self, classes: &'static [Class], rule: Rule) -> Self {
        self.limits.push(Limit::new(classes, rule));
        self
    }

    /// Replaces the rule of the first limit.
    pub(super) fn change(mut self, at: f64, rule: Rule) -> Self {
        self.changes.push_back((at, 0, rule));
        self
    }

    pub(super) fn work(self, work: Work) -> Self {
        let workers = match work {
            Work::Workers { calls, .. } => calls as usize,
            _ => 0,
        };
        let free = vec![0.0; workers];
        Node { work, free, ..self }
    }

    pub(super) fn retry_after(self, retry_after: RetryAfter) -> Self {
        Node {
            retry_after,
            ..self
        }
    }

    pub(super) fn told(self, told: QuotaFields) -> Self {
        Node { told, ..self }
    }

    pub(super) fn random(self, random: f64) -> Self {
        Node { random, ..self }
    }

    pub(super) fn refusing(mut self, calls: &[u32]) -> Self {
        self.listed.extend(calls);
        self
    }

    pub(super) fn doubtful(self) -> Self {
        Node {
            doubtful: true,
            ..self
        }
    }

    pub(super) fn quick_refusals(self, seconds: f64) -> Self {
        Node {
            refusal_latency: Some(seconds),
            ..self
        }
    }

    fn advance(&mut self, now: f64) {
        while let Some((at, limit, rule)) = self.changes.front().copied()
            && at <= now
        {
            self.changes.pop_front();
            let limit = &mut self.limits[limit];
            // Old state stays: tokens in a bucket, calls in a window.
            limit.wait(at, 0);
            limit.rule = rule;
        }
    }

    /// Asks every limit that covers `class`. Returns the longest wait if one of them refuses.
    fn refusal(&mut self, class: Class, now: f64, count_it: bool) -> Option<f64> {
        let mut longest: Option<f64> = None;
        for limit in &mut self.limits {
            if !limit.classes.contains(&class) {
                continue;
            }
            let inside = limit
                .classes
                .iter()
                .map(|class| self.inside[*class as usize]);
            if let Some(mut wait) = limit.wait(now, inside.sum()) {
                if count_it {
                    wait = limit.refuse(now, wait);
                }
                longest = Some(longest.unwrap_or_default().max(wait));
            }
        }
        if let Work::Workers {
            calls,
            queue: Some(queue),
        } = self.work
            && self.inside.iter().sum::<u32>() >= calls + queue
        {
            longest = Some(longest.unwrap_or_default());
        }
        longest
    }

    /// Whether a client that knows everything would send a call now; otherwise how long it would wait, 0 if that
    /// depends on other calls.
    pub(super) fn foresee(&mut self, class: Class, now: f64) -> Result<(), f64> {
        self.advance(now);
        if let Work::Overload { calls, .. } = self.work
            && self.inside.iter().sum::<u32>() >= calls
        {
            return Err(0.0);
        }
        self.refusal(class, now, false).map_or(Ok(()), Err)
    }

    /// Decides about a call that arrives at `now` and takes `seconds` of work. An accepted one leaves at the time
    /// that is returned; [`Node::leave`] has to be called then.
    pub(super) fn arrive(
        &mut self,
        class: Class,
        now: f64,
        seconds: f64,
        rng: &mut Rng,
    ) -> (Reply, Option<f64>) {
        self.advance(now);
        self.arrived += 1;
        let by_chance = rng.f64() < self.random || self.listed.contains(&self.arrived);
        let wait = if by_chance {
            Some(0.0)
        } else {
            self.refusal(class, now, true)
        };
        let leaves = wait.is_none().then(|| self.accept(class, now, seconds));
        let retry_after = wait.and_then(|wait| match self.retry_after {
            RetryAfter::Missing => None,
            RetryAfter::Exact => Some(wait),
            RetryAfter::WholeSeconds => Some(wait.ceil().max(1.0)),
            RetryAfter::Always(seconds) => Some(seconds),
        });
        let reply = Reply {
            accepted: wait.is_none(),
            retry_after,
            quota: self.quota(class, now),
        };
        (reply, leaves)
    }

    fn accept(&mut self, class: Class, now: f64, seconds: f64) -> f64 {
        let covering = |limit: &&mut Limit| limit.classes.contains(&class);
        let delays = self.limits.iter_mut().filter(covering);
        let begins = now + delays.map(|limit| limit.accept(now)).fold(0.0, f64::max);
        self.inside[class as usize] += 1;
        let inside = self.inside.iter().sum::<u32>();
        match self.work {
            Work::Parallel => begins + seconds,
            Work::Workers { .. } => {
                let first = self.free.iter_mut().min_by(|a, b| a.total_cmp(b));
                let free = first.expect("a node with workers has at least one");
                *free = free.max(begins) + seconds;
                *free
            }
            Work::Overload { calls, loss } => {
                let above = f64::from(inside.saturating_sub(calls));
                let share = f64::from(inside.max(calls)) / f64::from(calls);
                begins + seconds * share * (1.0 + above * loss)
            }
        }
    }

    pub(super) fn has_workers(&self) -> bool {
        matches!(self.work, Work::Workers { .. })
    }

    pub(super) fn leave(&mut self, class: Class) {
        self.inside[class as usize] -= 1;
    }

    fn quota(&self, class: Class, now: f64) -> Option<Quota> {
        match self.told {
            QuotaFields::Nothing => None,
            QuotaFields::Truth => {
                let mut covering = self
                    .limits
                    .iter()
                    .filter(|limit| limit.classes.contains(&class));
                covering.find_map(|limit| limit.quota(now))
            }
            QuotaFields::Always(quota) => Some(quota),
            QuotaFields::Other { of, seconds } => {
                let reset = seconds - now % seconds;
                Some(Quota {
                    left: (of * reset / seconds).floor(),
                    reset: reset.ceil(),
                })
            }
        }
    }
}
