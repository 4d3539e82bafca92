//! A client: a job of calls, the rows under way, and the controller that decides when they are sent.

use std::collections::VecDeque;

use fastrand::Rng;

use super::adapter::Adaptive;
use super::controller::{Controller, Permit};
use super::node::{Node, Reply};
use crate::transport::Class;
use crate::transport::limiter::CallPermit;
use crate::transport::retry::{LOOK_UPS, RefusedCreates};

/// The three kinds of client that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClientKind {
    /// The limiter under test.
    Limiter,
    /// Workers that retry after Retry-After or a back-off, and hold their place while they wait.
    Plain,
    /// Knows the node, its limits and their changes; only random refusals surprise it.
    Ideal,
}

/// Sends whenever a worker is free. The client keeps no more rows under way than there are workers.
struct Plain;

impl Controller for Plain {
    fn ask(&mut self, _: Class, _: f64, _: &mut Node) -> Permit {
        Permit::Now(None)
    }

    fn back(&mut self, _: Option<CallPermit>, _: f64, _: &Reply) {}
}

struct Ideal {
    places: u32,
    in_flight: u32,
}

impl Ideal {
    /// How often it looks at the node for a place to become free, in seconds.
    const POLL: f64 = 0.001;
    /// The longest time after which it looks whether a limit has changed, in seconds.
    const LOOK: f64 = 0.1;
}

impl Controller for Ideal {
    fn ask(&mut self, class: Class, now: f64, node: &mut Node) -> Permit {
        if self.in_flight >= self.places {
            return Permit::AfterAnswer;
        }
        match node.foresee(class, now) {
            Ok(()) => {
                self.in_flight += 1;
                Permit::Now(None)
            }
            Err(wait) if wait > 0.0 => Permit::At(now + wait.min(Self::LOOK)),
            Err(_) => Permit::At(now + Self::POLL),
        }
    }

    fn back(&mut self, _: Option<CallPermit>, _: f64, _: &Reply) {
        self.in_flight -= 1;
    }
}

/// The work of a client.
#[derive(Debug, Clone)]
pub(super) struct Job {
    /// The most calls in flight.
    pub(super) places: u32,
    /// How many calls of which class, side by side.
    pub(super) calls: Vec<(Class, u32)>,
    /// The calls that begin when the others are done.
    pub(super) then: Vec<(Class, u32)>,
    /// In seconds.
    pub(super) begins: f64,
    /// The rate of user writes that it remembers from an earlier run, per second.
    pub(super) memory: Option<f64>,
    /// Its kind, if that is not the kind under test.
    pub(super) always: Option<ClientKind>,
}

impl Job {
    pub(super) fn new(calls: &[(Class, u32)]) -> Self {
        Job {
            places: 8,
            calls: calls.to_vec(),
            then: Vec::new(),
            begins: 0.0,
            memory: None,
            always: None,
        }
    }

    pub(super) fn size(&self) -> u32 {
        self.calls
            .iter()
            .chain(&self.then)
            .map(|(_, calls)| calls)
            .sum()
    }
}

/// A row under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    class: Class,
    /// How often it was refused.
    refusals: u32,
    /// Whether a look-up has to find out first whether the refused call took effect.
    look_up: bool,
    /// Whether that is to be decided when its wait is over.
    is_doubtful: bool,
}

impl Row {
    /// The class of its next call.
    pub(super) fn call(self) -> Class {
        if self.look_up {
            Class::Read
        } else {
            self.class
        }
    }
}

/// A call that was answered, for the report.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    pub(super) at: f64,
    pub(super) answered: f64,
    pub(super) accepted: bool,
    /// Whether it finished a row: it was accepted, and no look-up.
    pub(super) done: bool,
    pub(super) class: Class,
}

/// A client and its state.
pub(super) struct Client {
    pub(super) kind: ClientKind,
    pub(super) controller: Box<dyn Controller>,
    pub(super) begins: f64,
    /// Calls of each class that were never sent.
    fresh: [u32; Class::ALL.len()],
    total: [u32; Class::ALL.len()],
    then: Vec<(Class, u32)>,
    /// Rows whose wait is over, by the class of their next call.
    ready: [VecDeque<Row>; Class::ALL.len()],
    under_way: u32,
    most_under_way: u32,
    /// When it is going to ask again.
    pub(super) wakes: f64,
    pub(super) sent: Vec<Sent>,
    refused_creates: RefusedCreates,
    /// Look-ups so far, and the rows that wait for what they find.
    looks: u32,
    wait_to_look: VecDeque<Row>,
}

impl Client {
    pub(super) fn new(job: &Job, kind: ClientKind) -> Self {
        let kind = match job.always {
            Some(always) if kind != ClientKind::Ideal => always,
            _ => kind,
        };
        let controller: Box<dyn Controller> = match kind {
            ClientKind::Limiter => Box::new(Adaptive::new(job.places, job.memory)),
            ClientKind::Plain => Box::new(Plain),
            ClientKind::Ideal => Box::new(Ideal {
                places: job.places,
                in_flight: 0,
            }),
        };
        let mut client = Client {
            kind,
            controller,
            begins: job.begins,
            fresh: [0; Class::ALL.len()],
            total: [0; Class::ALL.len()],
            then: job.then.clone(),
            ready: Default::default(),
            under_way: 0,
            most_under_way: match kind {
                ClientKind::Plain => job.places,
                ClientKind::Limiter | ClientKind::Ideal => 8 * job.places,
            },
            wakes: f64::INFINITY,
            sent: Vec::new(),
            refused_creates: RefusedCreates::default(),
            looks: 0,
            wait_to_look: VecDeque::new(),
        };
        client.add(&job.calls);
        client
    }

    fn add(&mut self, calls: &[(Class, u32)]) {
        for (class, calls) in calls {
            self.fresh[*class as usize] += calls;
            self.total[*class as usize] += calls;
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.under_way == 0 && self.then.is_empty() && self.fresh.iter().all(|calls| *calls == 0)
    }

    /// Which class to ask for next, apart from those that have to wait: look-ups, then the class that is furthest
    /// behind. The plain client takes its rows in random order instead.
    pub(super) fn next_class(
        &self,
        waiting: [bool; Class::ALL.len()],
        rng: &mut Rng,
    ) -> Option<Class> {
        let may_begin = self.under_way < self.most_under_way;
        let left = |class: Class| {
            let fresh = if may_begin {
                self.fresh[class as usize]
            } else {
                0
            };
            super::count(self.ready[class as usize].len()) + f64::from(fresh)
        };
        let can = |class: &Class| !waiting[*class as usize] && left(*class) > 0.0;
        let mut classes = Class::ALL.into_iter().filter(can);
        if self.kind == ClientKind::Plain {
            let has_ready = |class: &Class| !self.ready[*class as usize].is_empty();
            if let Some(class) = Class::ALL.into_iter().find(has_ready) {
                return Some(class);
            }
            let mut at = rng.f64() * classes.clone().map(left).sum::<f64>();
            return classes.find(|class| {
                at -= left(*class);
                at <= 0.0
            });
        }
        let behind = |class: &Class| left(*class) / f64::from(self.total[*class as usize]);
        classes.max_by(|a, b| behind(a).total_cmp(&behind(b)))
    }

    /// Takes a row whose next call is of `class`.
    pub(super) fn take(&mut self, class: Class) -> Row {
        self.ready[class as usize].pop_front().unwrap_or_else(|| {
            self.fresh[class as usize] -= 1;
            self.under_way += 1;
            Row {
                class,
                refusals: 0,
                look_up: false,
                is_doubtful: false,
            }
        })
    }

    /// The wait of a row is over.
    pub(super) fn due(&mut self, mut row: Row) {
        if row.is_doubtful {
            if self.refused_creates.is_undecided() && self.looks >= LOOK_UPS {
                return self.wait_to_look.push_back(row);
            }
            row.is_doubtful = false;
            row.look_up = self.refused_creates.needs_look_up();
            self.looks += u32::from(row.look_up);
        }
        self.ready[row.call() as usize].push_back(row);
    }

    /// A call of `row` was answered. Returns the row and its wait if it has to be sent again.
    pub(super) fn answered(
        &mut self,
        mut row: Row,
        reply: &Reply,
        doubtful: bool,
        rng: &mut Rng,
    ) -> Option<(Row, f64)> {
        if reply.accepted {
            if row.look_up {
                row.look_up = false;
                self.refused_creates.looked_up(false);
                if !self.refused_creates.is_undecided() {
                    for waiting in std::mem::take(&mut self.wait_to_look) {
                        self.due(waiting);
                    }
                }
                return Some((row, 0.0));
            }
            self.under_way -= 1;
            if self.under_way == 0 && self.fresh.iter().all(|calls| *calls == 0) {
                let then = std::mem::take(&mut self.then);
                self.add(&then);
            }
            return None;
        }
        row.refusals += 1;
        let doublings = row.refusals - 1;
        let back_off = (0.2 * 2_f64.powi(doublings.min(10).cast_signed())).min(15.0);
        let wait = reply.retry_after.unwrap_or_else(|| rng.f64() * back_off);
        let is_create = row.class == Class::UserWrite && self.kind == ClientKind::Limiter;
        row.is_doubtful |= doubtful && is_create && !row.look_up;
        Some((row, wait))
    }
}
