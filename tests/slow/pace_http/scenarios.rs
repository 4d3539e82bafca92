//! The nodes that are tried. The ideal is the time of a client that knows the node and never sends in vain, with as
//! many calls in flight; each is reckoned by hand, beside the scenario.

use super::limits::RetryAfter::{Absent, Constant, Seconds};
use super::limits::Status::{Failed, Throttled, TooMany, Unavailable};
use super::limits::{Class, Limit, Rule, Told};
use super::node::{Claim, Config, Service};

/// What is to be expected of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A limit that stays as it is: it can be found, and then hardly anything is refused.
    Stationary,
    /// Nothing depends on how fast calls come.
    Unlimited,
    /// A limit that changes, punishes, is shared, or cannot be found in 20 s: as good as the plain client.
    Moving,
}

/// Who else uses the node at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rival {
    Nobody,
    /// Plain workers, as long as the client needs. With fewer of them than the node takes, there is always room
    /// for the client; with more, chance decides who of them ever gets in.
    Plain {
        workers: usize,
    },
    /// A second client of the same kind, with as many rows.
    Same,
}

/// A node, and what is sent to it.
#[derive(Debug, Clone)]
pub struct Scenario {
    pub name: &'static str,
    pub kind: Kind,
    pub concurrency: usize,
    pub rows: usize,
    /// Seconds.
    pub ideal: f64,
    pub node: Config,
    /// One row in so many is about someone who is there already.
    pub taken_every: Option<usize>,
    /// A run over some rows under other limits comes first, for what the program remembers of it.
    pub before: Option<(usize, Limit)>,
    pub rival: Rival,
}

impl Scenario {
    pub fn new(name: &'static str, kind: Kind, rows: usize, ideal: f64) -> Self {
        Scenario {
            name,
            kind,
            concurrency: 8,
            rows,
            ideal,
            node: Config::default(),
            taken_every: None,
            before: None,
            rival: Rival::Nobody,
        }
    }

    pub fn concurrency(self, concurrency: usize) -> Self {
        Scenario {
            concurrency,
            ..self
        }
    }

    pub fn answers(mut self, service: Service) -> Self {
        self.node.service = service;
        self
    }

    pub fn limit(mut self, limit: Limit) -> Self {
        self.node.limits.push(limit);
        self
    }

    fn claims(mut self, claim: Claim) -> Self {
        self.node.claim = claim;
        self
    }
}

pub fn bucket(rate: f64, burst: f64) -> Limit {
    Limit::new(Rule::Bucket { rate, burst })
}

fn at_once(calls: usize) -> Limit {
    Limit::new(Rule::AtOnce(calls))
}

fn random(share: f64) -> Limit {
    Limit::new(Rule::Random(share))
}

/// All of them.
pub fn all() -> Vec<Scenario> {
    let mut all = unlimited();
    all.extend(limited());
    all.push(classes());
    all.extend(moving());
    all
}

/// Nothing but the latency bounds these, at `concurrency` ÷ mean latency.
fn unlimited() -> Vec<Scenario> {
    let unlimited = |name, rows, ideal| Scenario::new(name, Kind::Unlimited, rows, ideal);
    let slower = Service::Around(0.08);
    let taken = Scenario {
        // 850 × 200 ms and 94 × (5 ms and a look-up of 200 ms), by 8.
        taken_every: Some(10),
        ..unlimited("200 ms; 1 of 10 is taken (409 after 5 ms)", 944, 23.6)
    };
    let mut taken = taken.answers(Service::Around(0.2));
    taken.node.taken = Some(0.005);
    vec![
        unlimited("no limit", 4000, 20.0),
        // The mean of a lognormal is its median × exp(sigma² ÷ 2): 239 ms.
        unlimited("lognormal, median 200 ms", 670, 20.0).answers(Service::Lognormal {
            median: 0.2,
            sigma: 0.6,
        }),
        unlimited("lognormal, median 200 ms", 2600, 19.4)
            .concurrency(32)
            .answers(Service::Lognormal {
                median: 0.2,
                sigma: 0.6,
            }),
        unlimited("exponential, 20 ms + 110 ms", 1230, 20.0).answers(Service::Exponential {
            least: 0.02,
            mean: 0.11,
        }),
        // The mean is 145 ms.
        unlimited("100 ms, 1 of 20 takes 1 s", 4400, 19.9)
            .concurrency(32)
            .answers(Service::Bimodal {
                fast: 0.1,
                slow: 1.0,
                share: 0.05,
            }),
        // 200/s for 10 s, then 40/s.
        unlimited("40 ms, 200 ms after 10 s", 2400, 20.0).answers(Service::Step {
            before: 0.04,
            after: 0.2,
            when: 10.0,
        }),
        // The integral of 8 ÷ (0.04 + 0.0084 t) over 20 s.
        unlimited("40 ms to 250 ms in 25 s", 1570, 20.0).answers(Service::Drift {
            first: 0.04,
            last: 0.25,
            over: 25.0,
        }),
        taken,
        // Refusing takes a worker 5 ms, one time in 100 or 20. Of Retry-After only the last one counts.
        unlimited("1 % are refused at random", 3900, 19.5).limit(random(0.01)),
        unlimited("5 % are refused at random", 1950, 19.6)
            .answers(slower)
            .limit(random(0.05)),
        unlimited("1 % are 503 at random, RA 1", 1950, 19.5)
            .answers(slower)
            .limit(random(0.01).by(Unavailable, Seconds)),
        unlimited("call 5 is refused, RA 10", 2000, 20.0)
            .answers(slower)
            .limit(Limit::new(Rule::Nth(5)).by(TooMany, Constant(10))),
        unlimited("told: 2,200 left of a day's 10,000", 2000, 20.0)
            .answers(slower)
            .claims(Claim::Day {
                quota: 10_000,
                left: 2200,
            }),
        unlimited("told: 1,000 an hour", 900, 18.0)
            .answers(Service::Around(0.16))
            .claims(Claim::Hour { quota: 1000 }),
        unlimited("told: nothing is left, always", 1500, 15.0)
            .answers(slower)
            .claims(Claim::NothingLeft),
        unlimited("told: a reset in the past", 1500, 15.0)
            .answers(slower)
            .claims(Claim::ResetInThePast),
    ]
}

/// A rate with a burst: (rows − burst) ÷ rate. Calls at once: rows × latency ÷ calls.
fn limited() -> Vec<Scenario> {
    let limited =
        |name, rows, ideal, limit| Scenario::new(name, Kind::Stationary, rows, ideal).limit(limit);
    vec![
        limited("5/s, burst 100", 200, 20.0, bucket(5.0, 100.0)),
        limited("50/s, burst 1", 1001, 20.0, bucket(50.0, 1.0)),
        limited(
            "50/s, burst 10, 503 RA 1",
            1010,
            20.0,
            bucket(50.0, 10.0).by(Unavailable, Seconds),
        ),
        limited(
            "50/s, burst 10, RA always 5",
            1010,
            20.0,
            bucket(50.0, 10.0).by(TooMany, Constant(5)),
        ),
        limited(
            "50/s, burst 10, 403 throttled",
            1010,
            20.0,
            bucket(50.0, 10.0).by(Throttled, Absent),
        ),
        limited(
            "50/s, burst 10, 500 with text",
            1010,
            20.0,
            bucket(50.0, 10.0).by(Failed, Absent),
        ),
        limited(
            "50/s, burst 10, told",
            1010,
            20.0,
            bucket(50.0, 10.0)
                .by(TooMany, Seconds)
                .told(Told::Extension),
        ),
        // The 20 of the last second take 0.1 s. Whoever tries once a second whether there is more has one in 20 refused.
        Scenario::new("20 in each 1 s", Kind::Moving, 420, 20.1).limit(Limit::new(Rule::Fixed {
            calls: 20,
            per: 1.0,
        })),
        // 300 at 200/s, in each of three periods, a few of them for what headcount asks the node first.
        limited(
            "300 in each 10 s, told",
            890,
            21.5,
            Limit::new(Rule::Fixed {
                calls: 300,
                per: 10.0,
            })
            .by(TooMany, Seconds)
            .told(Told::Draft),
        ),
        // 60 at 200/s, every two seconds, ten times; then 30.
        limited(
            "60 in any 2 s",
            630,
            20.2,
            Limit::new(Rule::Sliding {
                calls: 60,
                per: 2.0,
            }),
        ),
        limited("1 at once", 500, 20.0, at_once(1)),
        limited(
            "3 at once, 503",
            1500,
            20.0,
            at_once(3).by(Unavailable, Absent),
        ),
        limited("6 at once", 3000, 20.0, at_once(6)).concurrency(32),
        limited(
            "4 workers with a queue of 20",
            2000,
            20.0,
            Limit::new(Rule::Workers {
                workers: 4,
                queue: 20,
            }),
        ),
        limited(
            "delay queue, 50/s, 20 wait",
            1000,
            20.0,
            Limit::new(Rule::DelayQueue {
                rate: 50.0,
                queue: 20.0,
            })
            .by(Unavailable, Absent),
        )
        .concurrency(32),
    ]
}

fn moving() -> Vec<Scenario> {
    let moving = |name, rows, ideal| Scenario::new(name, Kind::Moving, rows, ideal);
    let (first, then) = ((0.0, 10.0), (10.0, f64::INFINITY));
    let during = |limit: Limit, (from, until)| limit.between(from, until);
    vec![
        moving("50/s, 25/s after 10 s", 760, 20.0)
            .limit(during(bucket(50.0, 10.0), first))
            .limit(during(bucket(25.0, 1.0), then)),
        moving("25/s, 50/s after 10 s", 760, 20.0)
            .limit(during(bucket(25.0, 10.0), first))
            .limit(during(bucket(50.0, 1.0), then)),
        // 150/s for 10 s, then 50/s.
        moving("6 at once, 2 after 10 s", 2000, 20.0)
            .limit(during(at_once(6), first))
            .limit(during(at_once(2), then)),
        // 300 at 200/s, three times. In 20 s nobody can know that the third time is possible.
        moving("300 in any 10 s", 890, 21.5).limit(Limit::new(Rule::Sliding {
            calls: 300,
            per: 10.0,
        })),
        moving("more than 50 in 1 s blocks for 10 s", 1000, 20.0).limit(Limit::new(
            Rule::Penalty {
                calls: 50,
                per: 1.0,
                block: 10.0,
            },
        )),
        // One worker sends 25/s; two workers take two of the four.
        Scenario {
            rival: Rival::Plain { workers: 1 },
            ..moving("a plain rival takes half of 50/s, burst 10", 505, 20.0)
        }
        .limit(bucket(50.0, 10.0)),
        Scenario {
            rival: Rival::Plain { workers: 2 },
            ..moving("a plain rival takes 2 of 4 at once", 1000, 20.0)
        }
        .limit(at_once(4)),
        // Both together.
        Scenario {
            rival: Rival::Same,
            ..moving("two of one kind on 50/s, burst 10", 505, 20.0)
        }
        .limit(bucket(50.0, 10.0)),
        Scenario {
            rival: Rival::Same,
            ..moving("two of one kind on 4 at once", 1000, 20.0)
        }
        .limit(at_once(4)),
        Scenario {
            before: Some((15, bucket(1.0, 1.0))),
            ..moving("1/s is remembered, no limit", 2000, 20.0)
        }
        .answers(Service::Around(0.08)),
    ]
}

/// Users and groups have limits of their own; who is in a group is told to the group, one call for its 21 people.
fn classes() -> Scenario {
    // The last user at (798 − 10) ÷ 40 s, its group half a second later; the other 37 groups while users go on.
    // 38 calls are too few to find the limit of the groups well.
    let mut scenario = Scenario::new("users 40/s, 38 groups 2/s", Kind::Moving, 798, 20.3)
        .limit(bucket(40.0, 10.0).on(Class::Users))
        .limit(bucket(2.0, 2.0).on(Class::Groups));
    scenario.node.groups = 38;
    scenario.node.joins_on_create = false;
    scenario
}
