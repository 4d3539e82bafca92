//! The scenarios: a table of named ones, and random draws. Each step of building one adds to its name.

use std::fmt::{self, Display};

use fastrand::Rng;

use super::client::{Job, Kind};
use super::latency::{Course, Latency, Shape};
use super::node::{Node, Quota, RetryAfter, Rule, Told, Work};
use super::world::run;
use crate::pace::Class;

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

    fn told(self, told: Told) -> Self {
        self.named(told).with(|node| node.told(told))
    }

    /// Always tells these values.
    fn tells(self, left: f64, reset: f64) -> Self {
        self.told(Told::Always(Quota { left, reset }))
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
        self.limit(rule).told(Told::Truth)
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
    fn rival_of(mut self, begins: f64, always: Option<Kind>) -> Self {
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
        let sent = run(&self.node, &endless, Kind::Ideal, seconds, 0).sent;
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

fn course(mean: f64, course: Course) -> Scenario {
    latency(Latency::new(Shape::Uniform(mean)).course(course)).named(course)
}

/// The nodes of `PACE.md`, and others of the same kinds.
pub(super) fn named() -> Vec<Scenario> {
    let parts = [
        unlimited(),
        latencies(),
        random_refusals(),
        at_once(),
        rates(),
        quotas(),
        several_clients(),
        changes(),
        classes(),
        memories(),
        short_jobs(),
    ];
    parts.into_iter().flatten().collect()
}

fn unlimited() -> Vec<Scenario> {
    let overload = Work::Overload {
        calls: 8,
        loss: 0.03,
    };
    vec![
        node(),
        node().named("no limit").places(32),
        slow().named("no limit").places(64),
        node().workers(4, None),
        node().workers(4, None).places(32),
        node().workers(4, Some(4)).places(32),
        slow().workers(4, None).places(32),
        node().work(overload).places(32).goal(Goal::Plain),
        node().limit(delay_queue(50.0, 20.0)),
        node().limit(delay_queue(50.0, 4.0)),
        node().limit(delay_queue(50.0, 20.0)).places(32),
    ]
}

fn latencies() -> Vec<Scenario> {
    let mixed = Latency::new(Shape::Uniform(0.2)).fast(0.1, 0.005);
    vec![
        log_normal(),
        log_normal().places(32),
        log_normal().bucket(20.0, 10.0),
        log_normal().at_once(6).places(32),
        exponential(),
        exponential().bucket(30.0, 5.0).no_ra(),
        bimodal(),
        bimodal().places(32),
        bimodal().bucket(50.0, 10.0),
        course(
            0.04,
            Course::Step {
                at: 5.0,
                times: 5.0,
            },
        ),
        course(
            0.04,
            Course::Drift {
                seconds: 25.0,
                times: 6.25,
            },
        ),
        course(
            0.1,
            Course::Wave {
                period: 8.0,
                swing: 0.8,
            },
        ),
        latency(mixed).named("200 ms, 10 % are 409 after 5 ms"),
    ]
}

fn random_refusals() -> Vec<Scenario> {
    vec![
        node().random(0.002).no_ra(),
        node().random(0.01).no_ra(),
        node().random(0.05).no_ra(),
        node().random(0.05).no_ra().places(32),
        node().random(0.002).ra(1.0),
        node().random(0.01).ra(1.0),
        node().random(0.01).ra(1.0).by_503(),
        node().random(0.002).ra(5.0).by_503(),
        node().random(0.02).no_ra().by_503(),
        node().bucket(50.0, 50.0).random(0.01).ra(1.0),
        slow().random(0.01).no_ra().places(32),
        node().refusing(5..=5).ra(10.0),
        node().refusing(500..=507).no_ra(),
    ]
}

fn at_once() -> Vec<Scenario> {
    vec![
        node().at_once(3).by_503().no_ra(),
        node().at_once(3).by_503(),
        node().at_once(6).places(32).no_ra(),
        node().at_once(6).places(32),
        node().at_once(1),
        node().at_once(1).no_ra(),
        node().at_once(2),
        node().at_once(2).by_503().no_ra(),
        node().at_once(3).no_ra(),
        node().at_once(4),
        node().at_once(4).ra(5.0),
        node().at_once(6).no_ra(),
        node().at_once(10).places(32),
        node().at_once(20).places(32).no_ra(),
        node().at_once(20).places(64),
        node().at_once(6).places(32).quick_refusals(),
        slow().at_once(1),
        slow().at_once(2),
        slow().at_once(3).no_ra(),
        slow().at_once(3).places(32),
        node().at_once(6).bucket(60.0, 6.0).places(32),
    ]
}

fn rates() -> Vec<Scenario> {
    vec![
        node().bucket(50.0, 50.0),
        node().bucket(5.0, 100.0),
        node().bucket(50.0, 10.0).by_503().no_ra(),
        node().bucket(50.0, 10.0).by_503(),
        node().bucket(50.0, 1.0),
        node().bucket(50.0, 2.0),
        node().bucket(100.0, 1.0),
        node().bucket(50.0, 10.0),
        node().bucket(50.0, 10.0).places(32),
        node().bucket(50.0, 10.0).ra(5.0),
        node().bucket(50.0, 10.0).ra(10.0),
        node().bucket(50.0, 10.0).ra(0.2),
        node().bucket(50.0, 10.0).retry_after(RetryAfter::Exact),
        node().bucket(50.0, 10.0).no_ra(),
        node().bucket(2.0, 1.0),
        node().bucket(2.0, 5.0).no_ra(),
        node().bucket(5.0, 1.0).no_ra(),
        node().bucket(10.0, 1.0).retry_after(RetryAfter::Exact),
        node().bucket(10.0, 2.0),
        node().bucket(20.0, 5.0),
        node().bucket(20.0, 1.0).places(32).no_ra(),
        node().bucket(100.0, 10.0),
        node().bucket(100.0, 100.0).places(32).no_ra(),
        node().bucket(150.0, 5.0),
        node().bucket(150.0, 50.0).places(32),
        node().bucket(50.0, 10.0).no_ra().quick_refusals(),
        slow().bucket(50.0, 10.0).places(64),
        slow().bucket(100.0, 1.0).places(64),
        node().limit(Rule::window(300, 10.0)),
        node().limit(Rule::window(300, 10.0)).no_ra(),
        node().limit(Rule::window(1000, 10.0)),
        node().limit(Rule::window(20, 1.0)),
        node()
            .limit(Rule::window(20, 1.0))
            .retry_after(RetryAfter::Exact),
        node().limit(sliding(50, 1.0)),
        node().limit(sliding(300, 10.0)),
        node().limit(sliding(50, 1.0)).places(32).no_ra(),
        node().penalty(50, 10.0, false),
        node().penalty(50, 10.0, true).no_ra(),
        node().penalty(50, 3.0, false).no_ra(),
    ]
}

fn quotas() -> Vec<Scenario> {
    let other = |of, seconds| Told::Other { of, seconds };
    vec![
        node().limit(Rule::window(300, 10.0)).told(Told::Truth),
        node().limit(Rule::window(1000, 10.0)).told(Told::Truth),
        node().limit(Rule::window(20, 1.0)).told(Told::Truth),
        node().limit(sliding(50, 1.0)).told(Told::Truth),
        node().bucket(50.0, 10.0).told(Told::Truth),
        node().bucket(50.0, 10.0).told(Told::Truth).no_ra(),
        node().bucket(5.0, 100.0).told(Told::Truth),
        node()
            .quota(10_000.0, 4_000.0, 86_400.0, 36_400.0)
            .rows(3_900),
        node().quota(1_000.0, 1_000.0, 3_600.0, 3_000.0).rows(900),
        node().quota(1_000.0, 200.0, 3_600.0, 20.0).rows(900),
        node().tells(0.0, 1.0),
        node().tells(0.0, 60.0),
        node().tells(0.0, 0.0),
        node().tells(3.0, 30.0),
        node().told(other(100.0, 10.0)),
        node().bucket(50.0, 10.0).told(other(600.0, 60.0)),
    ]
}

fn several_clients() -> Vec<Scenario> {
    vec![
        node().bucket(50.0, 10.0).rival(0.0),
        node().bucket(50.0, 10.0).rival(5.0),
        node().bucket(50.0, 1.0).no_ra().rival(0.0),
        node().limit(Rule::window(300, 10.0)).rival(0.0),
        node().at_once(4).rival(0.0),
        node().at_once(4).no_ra().rival(0.0),
        node().at_once(4).rival(5.0),
        node().at_once(2).no_ra().rival(0.0),
        node().bucket(60.0, 10.0).rival(0.0).rival(5.0),
        node().bucket(50.0, 10.0).rival_of(0.0, Some(Kind::Plain)),
        node().at_once(4).rival_of(0.0, Some(Kind::Plain)),
    ]
}

fn changes() -> Vec<Scenario> {
    vec![
        node().bucket(50.0, 10.0).becomes(bucket(25.0, 10.0)),
        node().bucket(25.0, 10.0).becomes(bucket(50.0, 10.0)),
        node().bucket(100.0, 10.0).becomes(bucket(10.0, 10.0)),
        node().bucket(10.0, 10.0).becomes(bucket(100.0, 10.0)),
        node()
            .bucket(10.0, 10.0)
            .becomes(bucket(100.0, 10.0))
            .no_ra(),
        node().at_once(6).becomes(Rule::AtOnce(2)),
        node().at_once(6).becomes(Rule::AtOnce(2)).no_ra(),
        node().at_once(2).becomes(Rule::AtOnce(6)),
        node().at_once(2).becomes(Rule::AtOnce(6)).no_ra(),
        node().at_once(1).becomes(Rule::AtOnce(4)).no_ra(),
        node().bucket(20.0, 1.0).becomes(Rule::Unlimited),
        node().at_once(2).becomes(Rule::Unlimited),
        node().limit(Rule::Unlimited).becomes(bucket(30.0, 10.0)),
    ]
}

fn classes() -> Vec<Scenario> {
    let apart = || node().users(bucket(40.0, 10.0)).groups(bucket(2.0, 2.0));
    let then = || node().users(bucket(80.0, 10.0)).groups(bucket(4.0, 2.0));
    vec![
        apart().both(1_000, 48),
        apart().both(1_000, 48).no_ra(),
        then().one_by_one(1_000, 48),
        node().groups(bucket(2.0, 1.0)).both(4_800, 48),
        node().groups(Rule::AtOnce(1)).both(4_400, 550),
        node().bucket(40.0, 10.0).both(950, 50),
        node().bucket(40.0, 10.0).both(500, 500),
        node().at_once(3).both(1_800, 90),
        node().at_once(1).both(590, 40).no_ra(),
        node()
            .users(Rule::AtOnce(2))
            .groups(bucket(2.0, 2.0))
            .both(1_250, 48),
        node().users(bucket(50.0, 10.0)).by_503(),
        node().users(Rule::AtOnce(3)).by_503().no_ra(),
    ]
}

fn memories() -> Vec<Scenario> {
    vec![
        node().memory(1.4),
        node().memory(0.3),
        node().memory(0.002).rows(300),
        node().bucket(50.0, 10.0).memory(2.0),
        node().bucket(50.0, 10.0).memory(50.0),
        node().bucket(50.0, 10.0).memory(500.0),
        node().at_once(3).memory(20.0),
    ]
}

fn short_jobs() -> Vec<Scenario> {
    vec![
        node().named("no limit").short(),
        slow().named("no limit").places(32).short(),
        log_normal().short(),
        node().bucket(50.0, 10.0).short(),
        node().bucket(50.0, 10.0).no_ra().short(),
        node().bucket(50.0, 1.0).short(),
        node().bucket(10.0, 1.0).no_ra().short(),
        node().bucket(5.0, 10.0).short(),
        node().at_once(3).short(),
        node().at_once(1).no_ra().short(),
        node().at_once(6).places(32).short(),
        node().limit(Rule::window(20, 1.0)).short(),
        node().limit(Rule::window(300, 10.0)).short(),
        node().random(0.05).no_ra().short(),
        node().random(0.01).ra(5.0).short(),
        node().penalty(50, 10.0, false).short(),
    ]
}

/// A scenario with everything drawn from wide ranges.
pub(super) fn drawn(seed: u64) -> Scenario {
    // Neighbouring seeds should have nothing in common.
    let mut draw = Draw(Rng::with_seed(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
    let places = draw.pick(&[2, 4, 8, 8, 8, 16, 32, 64]);
    let mean = draw.log(0.02, 0.8).max(f64::from(places) / 400.0);
    let most = f64::from(places) / mean;
    let scenario = draw.latency(mean).places(places);
    let scenario = draw.limits(scenario, places, most);
    let scenario = draw.refusals(scenario);
    draw.job(scenario, most)
}

struct Draw(Rng);

impl Draw {
    fn one_in(&mut self, times: u32) -> bool {
        self.0.u32(..times) == 0
    }

    fn pick<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.0.usize(..values.len())]
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.0.f64()
    }

    /// Each order of magnitude is equally likely.
    fn log(&mut self, low: f64, high: f64) -> f64 {
        low * (high / low).powf(self.0.f64())
    }

    fn latency(&mut self, mean: f64) -> Scenario {
        let sigma = self.between(0.4, 1.0);
        let shape = match self.0.u32(..8) {
            0 => Shape::LogNormal {
                median: mean * 0.75,
                sigma,
            },
            1 => Shape::Exponential {
                min: mean * 0.2,
                mean: mean * 0.8,
            },
            2 => Shape::Bimodal {
                usual: mean * 0.6,
                slow: mean * 9.0,
                share: 0.05,
            },
            _ => Shape::Uniform(mean),
        };
        let times = self.log(0.3, 5.0);
        let course = match self.0.u32(..12) {
            0 => Course::Step {
                at: self.between(2.0, 15.0),
                times,
            },
            1 => Course::Drift {
                seconds: 25.0,
                times,
            },
            2 => Course::Wave {
                period: self.between(3.0, 20.0),
                swing: self.between(0.3, 0.8),
            },
            _ => Course::Steady,
        };
        let drawn = Latency::new(shape).course(course);
        let scenario = if self.one_in(10) {
            latency(drawn.fast(0.1, 0.005)).named("10 % after 5 ms")
        } else {
            latency(drawn)
        };
        match course {
            Course::Steady => scenario.named(shape),
            _ => scenario.named(shape).named(course),
        }
    }

    /// Limits for a client that reaches `most` calls per second without them, with so many places.
    fn limits(&mut self, scenario: Scenario, places: u32, most: f64) -> Scenario {
        let calls = self.0.u32(1..=places.min(24));
        let share = self.0.f64();
        match self.0.u32(..20) {
            0 => scenario,
            1..=8 => scenario.limit(self.rate(most)),
            9..=11 => scenario.at_once(calls),
            12 => scenario.at_once(calls).limit(self.rate(most)),
            13 => scenario.workers(calls, (share < 0.5).then_some(calls)),
            14 => {
                let loss = 0.05 * share;
                scenario
                    .work(Work::Overload { calls, loss })
                    .goal(Goal::Plain)
            }
            15 => {
                let calls = self.0.u32(5..100);
                scenario.penalty(calls, self.between(1.0, 15.0), share < 0.3)
            }
            16 | 17 => scenario.random(self.log(0.001, 0.1)),
            18 => scenario.limit(self.rate(most)).becomes(self.rate(most)),
            _ => {
                let to = self.0.u32(1..=places.min(24));
                scenario.at_once(calls).becomes(Rule::AtOnce(to))
            }
        }
    }

    /// A rate limit that is below `most` more often than not.
    fn rate(&mut self, most: f64) -> Rule {
        let rate = self.log(1.0, 1.2 * most.max(2.0));
        let seconds = self.log(1.0, 15.0).round();
        let calls = (1..100_000)
            .find(|calls| f64::from(*calls) >= rate * seconds)
            .unwrap_or(1);
        match self.0.u32(..8) {
            0 => Rule::window(calls, seconds),
            1 | 2 => sliding(calls, seconds),
            3 => delay_queue(rate, self.log(1.0, 40.0).round()),
            _ => bucket(rate, self.pick(&[1.0, 1.0, 2.0, 5.0, 10.0, 50.0, 100.0])),
        }
    }

    fn refusals(&mut self, scenario: Scenario) -> Scenario {
        let scenario = match self.0.u32(..8) {
            0..=2 => scenario.no_ra(),
            3..=5 => scenario,
            6 => scenario.retry_after(RetryAfter::Exact),
            _ => scenario.ra(self.log(0.2, 10.0)),
        };
        let scenario = if self.one_in(4) {
            scenario.by_503()
        } else {
            scenario
        };
        let scenario = if self.one_in(6) {
            scenario.quick_refusals()
        } else {
            scenario
        };
        let of = self.log(10.0, 2_000.0).round();
        match self.0.u32(..25) {
            0..=2 => scenario.told(Told::Truth),
            3 => {
                let reset = self.pick(&[0.0, 1.0, 60.0]);
                scenario.tells(self.pick(&[0.0, 0.0, 3.0]), reset)
            }
            4 => scenario.told(Told::Other {
                of,
                seconds: self.log(1.0, 60.0).round(),
            }),
            _ => scenario,
        }
    }

    fn job(&mut self, mut scenario: Scenario, most: f64) -> Scenario {
        if self.one_in(8) {
            let users = self.pick(&[1, 4, 20]);
            scenario.jobs[0].calls = vec![(Class::UserWrite, users), (Class::GroupWrite, 1)];
            scenario = scenario.named(format!("{users} users a group"));
            if self.0.bool() {
                scenario = scenario.groups(self.rate(most * 0.3));
            }
        }
        let stationary = scenario.goal == Goal::Stationary;
        match self.0.u32(..20) {
            0 | 1 if stationary || scenario.goal == Goal::RandomRefusals => scenario.short(),
            2 | 3 if stationary => scenario.rival(self.pick(&[0.0, 5.0])),
            4 if stationary => scenario.memory(self.log(0.01, 1_000.0)),
            _ => scenario,
        }
    }
}

/// With three significant digits or fewer.
fn brief(value: f64) -> String {
    let digits = match value.abs() {
        0.0..0.1 => 3,
        0.1..10.0 => 2,
        10.0..100.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').into()
    } else {
        text
    }
}

fn millis(seconds: f64) -> String {
    format!("{} ms", brief(seconds * 1000.0))
}

impl Display for Rule {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        match *self {
            Rule::Unlimited => write!(to, "no limit"),
            Rule::Bucket { rate, burst } => write!(to, "{}/s b{burst}", brief(rate)),
            Rule::Window {
                calls,
                seconds,
                left,
                ..
            } if left < calls => {
                write!(to, "{calls} per {seconds} s, {left} left")
            }
            Rule::Window { calls, seconds, .. } => write!(to, "{calls} per {seconds} s"),
            Rule::Sliding { calls, seconds } => write!(to, "sliding {calls} per {seconds} s"),
            Rule::AtOnce(calls) => write!(to, "{calls} at once"),
            Rule::Penalty {
                calls,
                seconds,
                block,
                restarts,
            } => {
                let restarts = if restarts { ", restarting" } else { "" };
                write!(
                    to,
                    "over {calls} in {seconds} s block {} s{restarts}",
                    brief(block)
                )
            }
            Rule::DelayQueue { rate, length } => {
                write!(to, "delay queue {}/s, length {length}", brief(rate))
            }
        }
    }
}

impl Display for Shape {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        match *self {
            Shape::Uniform(mean) => write!(to, "{}", millis(mean)),
            Shape::LogNormal { median, sigma } => {
                write!(to, "lognormal {}, sigma {}", millis(median), brief(sigma))
            }
            Shape::Exponential { min, mean } => {
                write!(to, "exponential {} + {}", millis(min), millis(mean))
            }
            Shape::Bimodal { usual, slow, share } => {
                write!(
                    to,
                    "{}, {} % {}",
                    millis(usual),
                    share * 100.0,
                    millis(slow)
                )
            }
        }
    }
}

impl Display for Course {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        match *self {
            Course::Steady => write!(to, "steady"),
            Course::Step { at, times } => {
                write!(to, "{} times the latency at {} s", brief(times), brief(at))
            }
            Course::Drift { seconds, times } => {
                write!(to, "drifts to {} times in {seconds} s", brief(times))
            }
            Course::Wave { period, swing } => {
                write!(
                    to,
                    "swings ± {} % in {} s",
                    brief(swing * 100.0),
                    brief(period)
                )
            }
        }
    }
}

impl Display for Work {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        match *self {
            Work::Parallel => write!(to, "no workers"),
            Work::Workers { calls, queue: None } => write!(to, "{calls} workers and a queue"),
            Work::Workers {
                calls,
                queue: Some(queue),
            } => {
                write!(to, "{calls} workers, queue of {queue}")
            }
            Work::Overload { calls, loss } => {
                write!(to, "overload above {calls}, {} % each", brief(loss * 100.0))
            }
        }
    }
}

impl Display for RetryAfter {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        match *self {
            RetryAfter::Missing => write!(to, "no RA"),
            RetryAfter::Exact => write!(to, "exact RA"),
            RetryAfter::WholeSeconds => write!(to, "RA in whole seconds"),
            RetryAfter::Always(seconds) => write!(to, "RA {}", brief(seconds)),
        }
    }
}

impl Display for Told {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        match *self {
            Told::Nothing => write!(to, "untold"),
            Told::Truth => write!(to, "told"),
            Told::Always(Quota { left, reset, .. }) => {
                write!(to, "told {left} left, reset {reset} s")
            }
            Told::Other { of, seconds } => write!(to, "told another's {of} per {seconds} s"),
        }
    }
}
