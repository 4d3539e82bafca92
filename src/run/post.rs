//! Operations that wait for each other, to go together in bulk requests (RFC 7644, section 3.7).
//!
//! Whoever has something to change hands in a [`Parcel`] and waits for what became of it. A request
//! leaves when it is full, or when nobody moves any more who could add to it: that is for
//! [`engine`](super::engine) to see. Groups that rows need and that are not there yet are made in
//! the same request, and referred to by their `bulkId`.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use tracing::info;

use super::foundry::Foundry;
use super::parcel::{Parcel, Payload, Posted};
use super::shipment::{Arrival, Fate, Shipment};
use crate::scim::{BulkId, BulkLimits, BulkResult, Error, Reply};

/// After so many requests in a row whose answers were lost, no more are sent.
const LOSSES: u32 = 3;

/// Collects parcels into requests.
#[derive(Debug)]
pub(super) struct Post {
    foundry: Arc<Foundry>,
    limits: BulkLimits,
    /// The request that is being filled.
    open: Shipment,
    /// Requests that may leave.
    ready: VecDeque<Shipment>,
    /// Parcels that wait for a request on its way.
    held: Vec<Parcel>,
    /// Groups that requests on their way make or change.
    travelling: HashSet<String>,
    /// How many requests are on their way.
    in_flight: usize,
    /// Parcels without an answer.
    waiting: usize,
    losses: u32,
    trust: Trust,
}

/// What is known of how the node takes bulk requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// Nothing: only one leaves at a time.
    Untried,
    /// It has taken one.
    Proven,
    /// It takes none.
    Refuted,
}

impl Post {
    pub(super) fn new(foundry: Arc<Foundry>, limits: BulkLimits) -> Self {
        Post {
            foundry,
            limits,
            open: Shipment::new(limits),
            ready: VecDeque::new(),
            held: Vec::new(),
            travelling: HashSet::new(),
            in_flight: 0,
            waiting: 0,
            losses: 0,
            trust: Trust::Untried,
        }
    }

    /// How many parcels are without an answer.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Takes a parcel in.
    pub(super) fn take(&mut self, parcel: Parcel) {
        self.waiting += 1;
        self.put(parcel);
    }

    /// A request that is to leave now.
    pub(super) fn depart(&mut self) -> Option<Shipment> {
        if self.trust == Trust::Untried && self.in_flight > 0 {
            return None;
        }
        let shipment = self.ready.pop_front()?;
        self.in_flight += 1;
        Some(shipment)
    }

    fn put(&mut self, parcel: Parcel) {
        let mut parcel = parcel;
        loop {
            if self.trust == Trust::Refuted || self.waits_for_group(&parcel) {
                return self.answer(parcel, Posted::Alone);
            }
            if self.is_held_up(&parcel) {
                return self.held.push(parcel);
            }
            let foundry = Arc::clone(&self.foundry);
            match self.open.load(parcel, foundry.teams()) {
                Ok(()) => break,
                Err(refused) if self.open.parcels.is_empty() => {
                    self.open = Shipment::new(self.limits);
                    return self.answer(refused, Posted::Alone);
                }
                Err(refused) => {
                    parcel = refused;
                    self.close();
                }
            }
        }
        if self.open.request.len() >= self.limits.max_operations {
            self.close();
        }
    }

    /// Whether it needs a group that is to be made by a call of its own.
    fn waits_for_group(&self, parcel: &Parcel) -> bool {
        self.foundry.makes_alone() && !parcel.needs(self.foundry.teams()).is_empty()
    }

    /// Whether a request on its way has to come back first.
    fn is_held_up(&self, parcel: &Parcel) -> bool {
        match &*parcel.payload {
            Payload::Members { group, .. } => self.travelling.contains(group),
            _ => {
                let needs = parcel.needs(self.foundry.teams());
                needs
                    .iter()
                    .any(|stand_in| self.travelling.contains(*stand_in))
            }
        }
    }

    /// Lets the request that is being filled leave, however full it is.
    pub(super) fn close(&mut self) {
        let shipment = std::mem::replace(&mut self.open, Shipment::new(self.limits));
        if shipment.request.len() < 2 || shipment.is_abandoned() {
            for (parcel, _) in shipment.parcels {
                self.answer(parcel, Posted::Alone);
            }
            return;
        }
        self.travelling.extend(shipment.groups().cloned());
        self.ready.push_back(shipment);
    }

    /// Tells everybody what became of a request.
    pub(super) fn arrive(&mut self, arrival: Arrival) {
        let Arrival { shipment, fate } = arrival;
        self.in_flight -= 1;
        for group in shipment.groups() {
            self.travelling.remove(group);
        }
        let operations = shipment.request.len();
        match fate {
            Fate::Heard(results) => {
                self.losses = 0;
                self.trust = Trust::Proven;
                self.hand_out(shipment, results);
            }
            Fate::Lost(fault) => {
                let is_sent = !fault.kind.is_of_the_unsent();
                if is_sent || fault.may_have_worked {
                    self.note_loss(operations);
                    self.foundry.doubt(!shipment.founding.is_empty());
                }
                for (parcel, _) in shipment.parcels {
                    self.answer(parcel, Posted::Lost(fault.clone()));
                }
            }
            Fate::TooLarge => {
                self.shrink(operations);
                self.put_again(shipment.parcels);
            }
            Fate::Declined => {
                self.trust = Trust::Refuted;
                self.put_again(shipment.parcels);
            }
        }
        self.put_again(Vec::new());
    }

    /// A request has come to nothing, since its task has failed; whoever waited for it knows that by now. No more are sent.
    pub(super) fn fail(&mut self, parcels: usize, groups: &[String]) {
        self.in_flight -= 1;
        self.waiting -= parcels;
        for group in groups {
            self.travelling.remove(group);
        }
        self.foundry.doubt(true);
        self.trust = Trust::Refuted;
        self.put_again(Vec::new());
    }

    fn hand_out(
        &mut self,
        shipment: Shipment,
        mut results: Vec<Option<Result<Reply<BulkResult>, Error>>>,
    ) {
        for (stand_in, id) in &shipment.founding {
            self.note_group(stand_in, results[id.place()].take());
        }
        let teams = self.foundry.teams();
        let posted = |(parcel, id): (Parcel, Option<BulkId>)| {
            let posted = match id.and_then(|id| results[id.place()].take()) {
                None => Posted::Alone,
                Some(Ok(reply)) if !parcel.needs(teams).is_empty() => Posted::WithoutGroups(reply),
                Some(result) => Posted::Answered(result),
            };
            (parcel, posted)
        };
        // All before the first is told: whoever hears that a group is not there goes and makes it.
        let posted: Vec<_> = shipment.parcels.into_iter().map(posted).collect();
        for (parcel, posted) in posted {
            self.answer(parcel, posted);
        }
    }

    /// Puts parcels in again, and with them those that were held up, or are in requests that turn out
    /// too large.
    fn put_again(&mut self, parcels: Vec<(Parcel, Option<BulkId>)>) {
        let mut again: Vec<Parcel> = parcels.into_iter().map(|(parcel, _)| parcel).collect();
        let is_too_large =
            |shipment: &Shipment| shipment.request.len() > self.limits.max_operations;
        if self.trust == Trust::Refuted || self.ready.iter().any(is_too_large) {
            let ready = std::mem::take(&mut self.ready);
            let open = std::mem::replace(&mut self.open, Shipment::new(self.limits));
            for shipment in ready {
                for group in shipment.groups() {
                    self.travelling.remove(group);
                }
                again.extend(shipment.parcels.into_iter().map(|(parcel, _)| parcel));
            }
            again.extend(open.parcels.into_iter().map(|(parcel, _)| parcel));
        }
        again.append(&mut self.held);
        for parcel in again {
            self.put(parcel);
        }
    }

    /// Whether a group was made; if not, the first who needs it makes it alone, as all others from then on.
    fn note_group(&self, stand_in: &str, result: Option<Result<Reply<BulkResult>, Error>>) {
        match result {
            Some(Ok(reply)) => match reply.value.id() {
                Some(id) => self.foundry.teams().found(stand_in, id),
                None => self.foundry.doubt(true),
            },
            Some(Err(Error::Fault(_))) | None => self.foundry.doubt(true),
            Some(Err(error)) => {
                info!(stand_in, %error, "a group was not made by a bulk request");
                self.foundry.make_alone();
            }
        }
    }

    fn note_loss(&mut self, operations: usize) {
        self.losses += 1;
        self.shrink(operations);
        if self.losses >= LOSSES {
            info!("no answers to bulk requests; going on with single calls");
            self.trust = Trust::Refuted;
        }
    }

    /// From now on, requests are half as large as this one.
    fn shrink(&mut self, operations: usize) {
        let most = &mut self.limits.max_operations;
        *most = (operations / 2).clamp(1, *most);
        if *most == 1 {
            self.trust = Trust::Refuted;
        }
    }

    fn answer(&mut self, parcel: Parcel, posted: Posted) {
        self.waiting -= 1;
        // A row that was halted has no ears any more.
        let _ = parcel.answer.send(posted);
    }
}
