//! The scenarios: a table of named ones, and random draws. Each step of building one adds to its name.

mod drawn;
mod named;
mod names;

use std::fmt::Display;

use super::client::{ClientKind, Job};
use super::latency::{Latency, LatencyTrend, Shape};
use super::node::{Node, Quota, QuotaFields, RetryAfter, Rule, Work};
use super::world::run;
use crate::transport::Class;
pub(super) use drawn::drawn;
pub(super) use named::named;
use names::brief;

const USERS: &[Class] = &[Class::UserWrite];
const GROUPS: &[Class] = &[Class::GroupWrite];

/// When limits change, in seconds.
const CHANGE: f64 = 10.0;

/// What the limiter should achieve in a scenario, besides coming close to the plain client.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Goal {
    /// At most 1.15 times the ideal, and at most 2 % refused.
    Stationary,
    /// At most 1.15 times the ideal.
    RandomRefusals,
    /// Follows the change, which comes then, within 5 s.
    Change(f64),
    /// Clients share 60 to 40 or better, and use 90 % of the limit.
    Share,
    /// A short job takes at most 1.2 times as long as with the plain client.
    Short,
    /// A wrong memory costs at most 5 s.
    Memory,
    /// Nothing besides.
    Plain,
}

/// A node and the clients that use it.
pub(super) struct Scenario {
    name: Vec<String>,
    pub(super) node: Node,
    pub(super) jobs: Vec<Job>,
    pub(super) goal: Goal,
    /// How long the ideal clients should take, in seconds: jobs are given as proportions, and sized accordingly.
    /// Otherwise they are as given.
    seconds: Option<f64>,
}

/// One client with 8 places, and a job that takes an ideal client 25 s.
fn latency(latency: Latency) -> Scenario {
    Scenario {
        name: Vec::new(),
        node: Node::new(latency),
        jobs: vec![Job::new(&[(Class::UserWrite, 1)])],
        goal: Goal::Stationary,
        seconds: Some(25.0),
    }
}

fn shape(shape: Shape) -> Scenario {
    latency(Latency::new(shape)).named(shape)
}

/// Answers after 40 ms ± 20 %.
fn node() -> Scenario {
    latency(Latency::new(Shape::Uniform(0.04)))
}

/// Answers after 500 ms ± 20 %.
fn slow() -> Scenario {
    shape(Shape::Uniform(0.5))
}

impl Scenario {
    pub(super) fn name(&self) -> String {
        if self.name.is_empty() {
            "no limit".into()
        } else {
            self.name.join(", ")
        }
    }

    fn named(mut self, text: impl Display) -> Self {
        self.name.push(text.to_string());
        self
    }

    fn with(mut self, change: impl FnOnce(Node) -> Node) -> Self {
        self.node = change(self.node);
        self
    }

    fn goal(self, goal: Goal) -> Self {
        Scenario { goal, ..self }
    }

    fn limit(self, rule: Rule) -> Self {
        self.named(rule)
            .with(|node| node.limit_for(&Class::ALL, rule))
    }

    fn bucket(self, rate: f64, burst: f64) -> Self {
        self.limit(bucket(rate, burst))
    }

    fn at_once(self, calls: u32) -> Self {
        self.limit(Rule::AtOnce(calls))
    }

    fn users(self, rule: Rule) -> Self {
        self.named(format!("users {rule}"))
            .with(|node| node.limit_for(USERS, rule))
    }

    fn groups(self, rule: Rule) -> Self {
        self.named(format!("groups {rule}"))
            .with(|node| node.limit_for(GROUPS, rule))
    }

    /// The penalty for more calls within 1 s than these.
    fn penalty(self, calls: u32, block: f64, restarts: bool) -> Self {
        let seconds = 1.0;
        let rule = Rule::Penalty {
            calls,
            seconds,
            block,
            restarts,
        };
        self.limit(rule).goal(Goal::Plain)
    }

    fn becomes(self, rule: Rule) -> Self {
        let changed = self
            .named(format!("from {CHANGE} s on {rule}"))
            .with(|node| node.change(CHANGE, rule));
        changed.goal(Goal::Change(CHANGE))
    }

    fn random(self, share: f64) -> Self {
        let named = self.named(format!("{} % at random", brief(share * 100.0)));
        named
            .with(|node| node.random(share))
            .goal(Goal::RandomRefusals)
    }

    fn refusing(self, calls: std::ops::RangeInclusive<u32>) -> Self {
        let named = self.named(format!("refuses calls {calls:?}"));
        let calls: Vec<u32> = calls.collect();
        named
            .with(|node| node.refusing(&calls))
            .goal(Goal::RandomRefusals)
    }

    fn work(self, work: Work) -> Self {
        self.named(work).with(|node| node.work(work))
    }

    fn workers(self, calls: u32, queue: Option<u32>) -> Self {
        self.work(Work::Workers { calls, queue })
    }

    fn retry_after(self, retry_after: RetryAfter) -> Self {
        self.named(retry_after)
            .with(|node| node.retry_after(retry_after))
    }

    fn no_ra(self) -> Self {
        self.retry_after(RetryAfter::Missing)
    }

    fn ra(self, seconds: f64) -> Self {
        self.retry_after(RetryAfter::Always(seconds))
    }

    fn by_503(self) -> Self {
        self.named("by 503").with(Node::doubtful)
    }

    fn quick_refusals(self) -> Self {
        self.named("quick refusals")
            .with(|node| node.quick_refusals(0.005))
    }

    fn told(self, told: QuotaFields) -> Self {
        self.named(told).with(|node| node.told(told))
    }

    /// Always tells these values.
    fn tells(self, left: f64, reset: f64) -> Self {
        self.told(QuotaFields::Always(Quota { left, reset }))
    }

    /// Tells the truth about a quota that is reset in `reset` seconds.
    fn quota(self, of: f64, left: f64, period: f64, reset: f64) -> Self {
        let phase = period - reset;
        let rule = Rule::Window {
            calls: of,
            seconds: period,
            phase,
            left,
        };
        self.limit(rule).told(QuotaFields::Truth)
    }

    fn places(mut self, places: u32) -> Self {
        self.jobs[0].places = places;
        self.named(format!("c{places}"))
    }

    fn memory(mut self, rate: f64) -> Self {
        self.jobs[0].memory = Some(rate);
        self.named(format!("remembers {}/s", brief(rate)))
            .goal(Goal::Memory)
    }

    fn calls(mut self, calls: &[(Class, u32)]) -> Self {
        self.jobs[0].calls = calls.to_vec();
        self.seconds = None;
        self
    }

    fn rows(self, rows: u32) -> Self {
        self.named(format!("{rows} rows"))
            .calls(&[(Class::UserWrite, rows)])
    }

    fn short(self) -> Self {
        self.rows(100).goal(Goal::Short)
    }

    /// User and group writes side by side.
    fn both(self, users: u32, groups: u32) -> Self {
        let named = self.named(format!("{users} + {groups}"));
        named.calls(&[(Class::UserWrite, users), (Class::GroupWrite, groups)])
    }

    /// Group writes after the user writes.
    fn one_by_one(self, users: u32, groups: u32) -> Self {
        let named = self.named(format!("{users}, then {groups}"));
        let mut scenario = named.calls(&[(Class::UserWrite, users)]);
        scenario.jobs[0].then = vec![(Class::GroupWrite, groups)];
        scenario
    }

    /// A second client with the same job that begins later.
    fn rival(self, begins: f64) -> Self {
        self.rival_of(begins, None)
    }

    /// A second client with the same job that begins later, and is always of one kind if one is given.
    fn rival_of(mut self, begins: f64, always: Option<ClientKind>) -> Self {
        let job = self.jobs[0].clone();
        self.jobs.push(Job {
            begins,
            always,
            ..job
        });
        let kind = always.map_or("client".into(), |kind| format!("{kind:?} client"));
        self.named(format!("another {kind} at {begins} s"))
            .goal(Goal::Share)
    }

    /// Sizes the jobs.
    pub(super) fn prepared(mut self) -> Self {
        let Some(seconds) = self.seconds else {
            return self;
        };
        let mut endless = self.jobs.clone();
        for (_, calls) in endless.iter_mut().flat_map(|job| &mut job.calls) {
            *calls *= 1_000_000;
        }
        let sent = run(&self.node, &endless, ClientKind::Ideal, seconds, 0).sent;
        let clients = self.jobs.len();
        for (class, calls) in self.jobs.iter_mut().flat_map(|job| &mut job.calls) {
            let done = sent
                .iter()
                .flatten()
                .filter(|sent| sent.done && sent.class == *class);
            let each = u32::try_from(done.count() / clients).expect("a job ends in time");
            *calls = each.max(1);
        }
        self
    }
}

fn bucket(rate: f64, burst: f64) -> Rule {
    Rule::Bucket { rate, burst }
}

fn sliding(calls: u32, seconds: f64) -> Rule {
    Rule::Sliding { calls, seconds }
}

fn delay_queue(rate: f64, length: f64) -> Rule {
    Rule::DelayQueue { rate, length }
}

fn log_normal() -> Scenario {
    shape(Shape::LogNormal {
        median: 0.2,
        sigma: 0.8,
    })
}

fn exponential() -> Scenario {
    shape(Shape::Exponential {
        min: 0.02,
        mean: 0.13,
    })
}

fn bimodal() -> Scenario {
    shape(Shape::Bimodal {
        usual: 0.04,
        slow: 1.0,
        share: 0.05,
    })
}

fn course(mean: f64, course: LatencyTrend) -> Scenario {
    latency(Latency::new(Shape::Uniform(mean)).course(course)).named(course)
}
