//! Nodes with limits, and clients that send as fast as their [`Limiter`] lets them, in a time of their own.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use super::{Allowance, Class, Learnt, Limiter, Said, Ticket, Turn};

/// What part of its latency a call is on the way, there or back.
const WAY: f64 = 0.05;

/// What a node allows.
#[derive(Debug, Clone, Copy)]
pub(super) enum Limit {
    /// So many calls a second, and so many at once after an idle time.
    Bucket { rate: f64, burst: f64 },
    /// So many calls in each window of so many seconds.
    Windows { calls: f64, seconds: f64 },
    /// So many calls at once.
    AtOnce(u32),
}

/// A limit as it is kept.
#[derive(Debug, Clone)]
struct Kept {
    /// Of which classes; all if empty.
    classes: Vec<Class>,
    limit: Limit,
    left: f64,
    at: f64,
}

impl Kept {
    /// Whether a call may come in, and else how long to wait.
    fn refuses(&mut self, now: f64, inside: u32) -> Option<f64> {
        let passed = now - self.at;
        match self.limit {
            Limit::Bucket { rate, burst } => {
                self.left = (self.left + passed * rate).min(burst);
                self.at = now;
                (self.left < 1.0).then(|| (1.0 - self.left) / rate)
            }
            Limit::Windows { calls, seconds } => {
                let begun = (now / seconds).floor() * seconds;
                if begun > self.at {
                    (self.at, self.left) = (begun, calls);
                }
                (self.left < 1.0).then_some(begun + seconds - now)
            }
            Limit::AtOnce(calls) => (inside >= calls).then_some(0.0),
        }
    }

    fn allowance(&self, now: f64) -> Option<Allowance> {
        match self.limit {
            Limit::Windows { calls, seconds } => Some(Allowance {
                left: self.left,
                reset: Duration::from_secs_f64((self.at + seconds - now).max(0.0).ceil()),
                of: Some(calls),
            }),
            _ => None,
        }
    }
}

/// A node.
#[derive(Debug, Clone)]
pub(super) struct Node {
    limits: Vec<Kept>,
    /// How long a call takes, the way included.
    pub(super) latency: f64,
    /// How many calls it works on at once; the others queue.
    workers: Option<u32>,
    /// Whether it says in its fields what is left.
    tells: bool,
    inside: u32,
    queue: VecDeque<Flight>,
    /// After the first minute.
    pub(super) longest_queue: usize,
}

impl Node {
    pub(super) fn new(limits: &[(&[Class], Limit)]) -> Self {
        let kept = |(classes, limit): &(&[Class], Limit)| Kept {
            classes: classes.to_vec(),
            limit: *limit,
            left: match *limit {
                Limit::Bucket { burst, .. } => burst,
                Limit::Windows { calls, .. } => calls,
                Limit::AtOnce(_) => 0.0,
            },
            at: 0.0,
        };
        Node {
            limits: limits.iter().map(kept).collect(),
            latency: 0.03,
            workers: None,
            tells: false,
            inside: 0,
            queue: VecDeque::new(),
            longest_queue: 0,
        }
    }

    /// A node that says in its fields what is left.
    pub(super) fn telling(mut self) -> Self {
        self.tells = true;
        self
    }

    /// A node that works on so many calls at once, each of which takes so long.
    pub(super) fn working_on(mut self, calls: u32, seconds: f64) -> Self {
        (self.workers, self.latency) = (Some(calls), seconds);
        self
    }

    /// Takes a call, or says how long to wait, and what is left.
    fn judge(&mut self, class: Class, now: f64) -> (Option<f64>, Option<Allowance>) {
        let inside = self.inside + u32::try_from(self.queue.len()).unwrap();
        let meant = |kept: &&mut Kept| kept.classes.is_empty() || kept.classes.contains(&class);
        let waits = self
            .limits
            .iter_mut()
            .filter(meant)
            .filter_map(|kept| kept.refuses(now, inside));
        let wait = waits.reduce(f64::max);
        for kept in self.limits.iter_mut().filter(meant) {
            kept.left -= f64::from(u8::from(wait.is_none()));
        }
        let mut meant = self.limits.iter_mut().filter(meant);
        let allowance = meant.find_map(|kept| kept.allowance(now));
        (wait, allowance.filter(|_| self.tells))
    }
}

/// A call on its way.
#[derive(Debug, Clone, Copy)]
struct Flight {
    client: usize,
    class: Class,
    ticket: Ticket,
}

#[derive(Debug, Clone, Copy)]
enum Event {
    Begins(usize),
    Wakes(usize),
    Arrives(Flight),
    Carried(Flight, Option<Allowance>),
    Answers(Flight, Said, Option<Allowance>),
}

/// Somebody with calls to send.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) limiter: Limiter,
    /// Calls of each class that are still to be sent.
    left: [u32; Class::ALL.len()],
    begins: f64,
    /// When calls were taken.
    pub(super) taken: Vec<f64>,
    pub(super) refused: u32,
    wakes: f64,
}

impl Client {
    /// So many calls of each class in turn, so many in flight at once.
    pub(super) fn new(places: u32, calls: &[(Class, u32)]) -> Self {
        let mut left = [0; Class::ALL.len()];
        for (class, calls) in calls {
            left[*class as usize] = *calls;
        }
        Client {
            limiter: Limiter::new(places, Learnt::default()),
            left,
            begins: 0.0,
            taken: Vec::new(),
            refused: 0,
            wakes: f64::INFINITY,
        }
    }

    pub(super) fn remembering(mut self, class: Class, speed: f64) -> Self {
        let mut learnt = Learnt::default();
        learnt.0[class as usize] = Some(speed);
        self.limiter = Limiter::new(self.limiter.places, learnt);
        self
    }

    pub(super) fn beginning(mut self, at: f64) -> Self {
        self.begins = at;
        self
    }

    /// When the last call was taken.
    pub(super) fn ended(&self) -> f64 {
        self.taken.last().copied().unwrap_or_default()
    }

    /// How many calls were taken between two moments.
    pub(super) fn taken_in(&self, from: f64, to: f64) -> usize {
        let within = |at: &&f64| (from..to).contains(*at);
        self.taken.iter().filter(within).count()
    }
}

/// A node, its clients, and what is going to happen.
struct World {
    node: Node,
    clients: Vec<Client>,
    events: BinaryHeap<Reverse<(Duration, u64, usize)>>,
    what: Vec<Event>,
    dice: fastrand::Rng,
}

/// Lets the clients send until all is done, or until that moment; gives the node and the clients back. How long each
/// call takes is chance, which begins at `seed`.
pub(super) fn run(node: Node, clients: Vec<Client>, until: f64, seed: u32) -> (Node, Vec<Client>) {
    let mut world = World {
        node,
        events: BinaryHeap::new(),
        what: Vec::new(),
        dice: fastrand::Rng::with_seed(u64::from(seed)),
        clients,
    };
    for client in 0..world.clients.len() {
        world.at(world.clients[client].begins, Event::Begins(client));
    }
    while let Some(Reverse((when, _, event))) = world.events.pop() {
        let now = when.as_secs_f64();
        if now > until {
            break;
        }
        world.happens(world.what[event], now);
    }
    (world.node, world.clients)
}

impl World {
    fn at(&mut self, when: f64, event: Event) {
        let number = self.what.len();
        self.what.push(event);
        // Nanoseconds order the events as the clients see the time.
        let when = Duration::from_secs_f64(when);
        self.events.push(Reverse((when, number as u64, number)));
    }

    fn happens(&mut self, event: Event, now: f64) {
        match event {
            Event::Begins(client) => self.send(client, now),
            // A wake that an earlier one has made needless is passed over.
            Event::Wakes(client) if self.clients[client].wakes <= now + 1e-9 => {
                self.clients[client].wakes = f64::INFINITY;
                self.send(client, now);
            }
            Event::Wakes(_) => {}
            Event::Arrives(flight) => {
                let (wait, allowance) = self.node.judge(flight.class, now);
                match wait {
                    Some(wait) => {
                        // Whole seconds, as nodes say it.
                        let wait = Duration::from_secs_f64(wait.ceil().max(1.0));
                        let back = now + self.some(self.node.latency * WAY);
                        self.at(back, Event::Answers(flight, Said::Refused(wait), allowance));
                    }
                    None => {
                        self.node.queue.push_back(flight);
                        self.work(now, allowance);
                    }
                }
            }
            Event::Carried(flight, allowance) => {
                self.node.inside -= 1;
                self.work(now, None);
                let back = now + self.some(self.node.latency * WAY);
                self.clients[flight.client].taken.push(now);
                self.at(back, Event::Answers(flight, Said::Taken, allowance));
            }
            Event::Answers(flight, said, allowance) => {
                let client = &mut self.clients[flight.client];
                if matches!(said, Said::Refused(_)) {
                    client.refused += 1;
                    client.left[flight.class as usize] += 1;
                }
                let now_as_time = Duration::from_secs_f64(now);
                client
                    .limiter
                    .back(flight.ticket, now_as_time, said, allowance);
                self.send(flight.client, now);
            }
        }
    }

    /// The node takes calls out of its queue.
    fn work(&mut self, now: f64, allowance: Option<Allowance>) {
        let workers = self.node.workers.unwrap_or(u32::MAX);
        while self.node.inside < workers
            && let Some(flight) = self.node.queue.pop_front()
        {
            self.node.inside += 1;
            let done = now + self.some(self.node.latency * (1.0 - 2.0 * WAY));
            self.at(done, Event::Carried(flight, allowance));
        }
        if now > 60.0 {
            self.node.longest_queue = self.node.longest_queue.max(self.node.queue.len());
        }
    }

    /// A client sends what it may.
    fn send(&mut self, client: usize, now: f64) {
        let time = Duration::from_secs_f64(now);
        let mut wakes = f64::INFINITY;
        for class in Class::ALL {
            while self.clients[client].left[class as usize] > 0 {
                match self.clients[client].limiter.ask(class, time) {
                    Turn::Now(ticket) => {
                        self.clients[client].left[class as usize] -= 1;
                        let flight = Flight {
                            client,
                            class,
                            ticket,
                        };
                        let there = now + self.some(self.node.latency * WAY);
                        self.at(there, Event::Arrives(flight));
                    }
                    Turn::At(when) => {
                        wakes = wakes.min(when.as_secs_f64().max(now + 1e-6));
                        break;
                    }
                    Turn::AfterAnswer => break,
                }
            }
        }
        if wakes < self.clients[client].wakes {
            self.clients[client].wakes = wakes;
            self.at(wakes, Event::Wakes(client));
        }
    }

    /// About so long.
    fn some(&mut self, seconds: f64) -> f64 {
        seconds * (0.8 + 0.4 * self.dice.f64())
    }
}
