//! Runs clients against a node in virtual time.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use fastrand::Rng;

use super::client::{Client, ClientKind, Job, Row, Sent};
use super::controller::Permit;
use super::node::{Node, Reply};
use crate::transport::Class;
use crate::transport::limiter::CallPermit;

/// The share of its latency that a call spends on the way to the node, and again on the way back.
const WAY: f64 = 0.025;

/// A run with more events than this is stopped: a controller keeps asking without letting time pass.
const MOST_EVENTS: u64 = 3_000_000;

/// A call in flight.
struct Flight {
    client: usize,
    row: Row,
    permit: Option<CallPermit>,
    sent: f64,
    /// How long a refusal takes. An accepted call has a latency of its own.
    latency: f64,
}

enum Event {
    /// A client asks whether it may send.
    Wake(usize),
    Arrive(Flight),
    Leave(Class),
    Answer(Flight, Reply),
    /// The wait of a row is over.
    Due(usize, Row),
}

struct Scheduled {
    at: f64,
    number: u64,
    event: Event,
}

impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> Ordering {
        // The heap takes the greatest first.
        let earlier = other.at.total_cmp(&self.at);
        earlier.then(other.number.cmp(&self.number))
    }
}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Scheduled {}

struct World {
    node: Node,
    clients: Vec<Client>,
    events: BinaryHeap<Scheduled>,
    scheduled: u64,
    /// Latencies, refusals and back-offs are drawn apart, so that clients of all kinds meet the same luck.
    latencies: Rng,
    refusals: Rng,
    rng: Rng,
}

/// What happened in a run.
pub(super) struct Run {
    /// The answered calls of each client, in order.
    pub(super) sent: Vec<Vec<Sent>>,
    /// Whether all rows were done in time.
    pub(super) finished: bool,
}

/// Runs the clients until they are done, but at most until `until` seconds.
pub(super) fn run(node: &Node, jobs: &[Job], kind: ClientKind, until: f64, seed: u64) -> Run {
    let mut rng = Rng::with_seed(seed);
    let mut world = World {
        node: node.clone(),
        clients: jobs.iter().map(|job| Client::new(job, kind)).collect(),
        events: BinaryHeap::new(),
        scheduled: 0,
        latencies: rng.fork(),
        refusals: rng.fork(),
        rng,
    };
    for client in 0..world.clients.len() {
        let begins = world.clients[client].begins;
        world.clients[client].wakes = begins;
        world.schedule(begins, Event::Wake(client));
    }
    while let Some(Scheduled { at, event, .. }) = world.events.pop() {
        if at > until || world.scheduled > MOST_EVENTS {
            break;
        }
        world.happens(event, at);
    }
    Run {
        finished: world.clients.iter().all(Client::is_done),
        sent: world
            .clients
            .into_iter()
            .map(|client| client.sent)
            .collect(),
    }
}

impl World {
    fn schedule(&mut self, at: f64, event: Event) {
        self.scheduled += 1;
        self.events.push(Scheduled {
            at,
            number: self.scheduled,
            event,
        });
    }

    fn happens(&mut self, event: Event, now: f64) {
        match event {
            Event::Wake(client) => {
                // A later wake may have been replaced by an earlier one.
                if self.clients[client].wakes <= now {
                    self.clients[client].wakes = f64::INFINITY;
                    self.send(client, now);
                }
            }
            Event::Arrive(flight) => self.arrive(flight, now),
            Event::Leave(class) => self.node.leave(class),
            Event::Answer(flight, reply) => {
                let client = flight.client;
                self.clients[client]
                    .controller
                    .back(flight.permit, now, &reply);
                self.answer(client, flight.row, flight.sent, &reply, now);
            }
            Event::Due(client, row) => {
                self.clients[client].due(row);
                self.send(client, now);
            }
        }
    }

    fn arrive(&mut self, flight: Flight, now: f64) {
        let class = flight.row.call();
        let is_ideal = self.clients[flight.client].kind == ClientKind::Ideal;
        // Refused calls take nothing out of the luck that accepted ones have.
        let mut latencies = self.latencies.clone();
        let latency = self.node.latency.draw(now, &mut latencies);
        // The node decides about the calls of an ideal client when they are sent, so that they keep what they were
        // promised. They are inside from then on, but take workers no longer than others.
        let there = if is_ideal { 0.0 } else { latency * WAY };
        let ways_back = if is_ideal && self.node.has_workers() {
            2.0
        } else {
            1.0
        };
        let back = ways_back * latency * WAY;
        let work = latency - there - back;
        let (reply, leaves) = self.node.arrive(class, now, work, &mut self.refusals);
        let answered = match leaves {
            Some(leaves) => {
                self.latencies = latencies;
                self.schedule(leaves, Event::Leave(class));
                leaves + back
            }
            None => {
                let usual = flight.latency * (1.0 - WAY);
                now + self.node.refusal_latency.unwrap_or(usual)
            }
        };
        self.schedule(answered, Event::Answer(flight, reply));
    }

    fn answer(&mut self, client: usize, row: Row, sent: f64, reply: &Reply, now: f64) {
        let this = &mut self.clients[client];
        let again = this.answered(row, reply, self.node.doubtful, &mut self.rng);
        this.sent.push(Sent {
            at: sent,
            answered: now,
            accepted: reply.accepted,
            done: again.is_none(),
            class: row.call(),
        });
        match again {
            Some((row, wait)) if wait > 0.0 => self.schedule(now + wait, Event::Due(client, row)),
            Some((row, _)) => self.clients[client].due(row),
            None => {}
        }
        self.send(client, now);
    }

    /// Sends the calls of a client that may be sent now.
    fn send(&mut self, client: usize, now: f64) {
        let mut waiting = [false; Class::ALL.len()];
        let mut wakes = f64::INFINITY;
        while let Some(class) = self.clients[client].next_class(waiting, &mut self.rng) {
            let this = &mut self.clients[client];
            match this.controller.ask(class, now, &mut self.node) {
                Permit::Now(permit) => {
                    let flight = Flight {
                        client,
                        row: this.take(class),
                        permit,
                        sent: now,
                        latency: self.node.latency.draw(now, &mut self.rng),
                    };
                    if this.kind == ClientKind::Ideal {
                        self.arrive(flight, now);
                    } else {
                        self.schedule(now + flight.latency * WAY, Event::Arrive(flight));
                    }
                }
                Permit::At(when) => {
                    wakes = wakes.min(when);
                    waiting[class as usize] = true;
                }
                Permit::AfterAnswer => waiting[class as usize] = true,
            }
        }
        let wakes = wakes.max(now + 1e-5);
        if wakes < self.clients[client].wakes {
            self.clients[client].wakes = wakes;
            self.schedule(wakes, Event::Wake(client));
        }
    }
}
