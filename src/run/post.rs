//! Operations that wait for each other, to go together in bulk requests (RFC 7644, section 3.7).
//!
//! Whoever has something to change hands in a [`Parcel`] and waits for what became of it. A request
//! leaves when it is full, or when nobody moves any more who could add to it: that is for
//! [`dispatch`](super::dispatch) to see. Groups that rows need and that are not there yet are made in
//! the same request, and referred to by their `bulkId`.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use tokio::sync::oneshot;
use tracing::info;

use super::foundry::Foundry;
use crate::directory::Teams;
use crate::pace::retry::back_off;
use crate::pace::{Fault, FaultKind};
use crate::scim::{
    BulkId, BulkLimits, BulkOperation, BulkRequest, BulkResult, Client, Error, Group, NewGroup,
    NewUser, Reply, User,
};

/// After so many requests in a row whose answers were lost, no more are sent.
const LOSSES: u32 = 3;

/// What is to be sent, and who waits for it.
#[derive(Debug)]
pub(super) struct Parcel {
    payload: Box<Payload>,
    answer: oneshot::Sender<Posted>,
}

/// What is to be sent.
#[derive(Debug)]
pub(super) enum Payload {
    /// A new account. Its groups may be stand-ins for some that are made in the same request.
    NewUser(NewUser),
    /// A change of one account.
    User(BulkOperation),
    /// A change of a group's members. Never are two of one group on their way at once.
    Members {
        group: String,
        operation: BulkOperation,
    },
    /// Nothing but that the group of this stand-in is made.
    Group(String),
}

/// What became of a parcel.
#[derive(Debug)]
pub(super) enum Posted {
    /// The node's word on it, as if it had been a call of its own.
    Answered(Result<Reply<BulkResult>, Error>),
    /// The request that it was in came to nothing, or nobody knows.
    Lost(Fault),
    /// It was not sent: it is to be a call of its own. A group is made, or is not.
    Alone,
}

impl Parcel {
    /// A parcel, and where to wait for what becomes of it.
    pub(super) fn new(payload: Payload) -> (Self, oneshot::Receiver<Posted>) {
        let (answer, answered) = oneshot::channel();
        (
            Parcel {
                payload: Box::new(payload),
                answer,
            },
            answered,
        )
    }

    /// Stand-ins of groups that have to be there before it, or with it.
    fn needs<'p>(&'p self, teams: &Teams) -> Vec<&'p String> {
        let ids = match &*self.payload {
            Payload::NewUser(user) => user.groups.as_slice(),
            Payload::Group(stand_in) => std::slice::from_ref(stand_in),
            Payload::User(_) | Payload::Members { .. } => &[],
        };
        ids.iter().filter(|id| teams.awaits(id)).collect()
    }
}

/// A bulk request, and whose it is.
#[derive(Debug)]
pub(super) struct Shipment {
    request: BulkRequest,
    parcels: Vec<(Parcel, Option<BulkId>)>,
    /// Groups that it makes, by their stand-ins.
    founding: Vec<(String, BulkId)>,
    /// Groups whose members it changes.
    changed: HashSet<String>,
}

/// A shipment that has come back.
#[derive(Debug)]
pub(super) struct Arrival {
    shipment: Shipment,
    fate: Fate,
}

/// What became of a bulk request.
#[derive(Debug)]
enum Fate {
    /// Each operation has its own end.
    Heard(Vec<Option<Result<Reply<BulkResult>, Error>>>),
    /// No answer.
    Lost(Fault),
    /// The node wants smaller ones.
    TooLarge,
    /// The node takes none, whatever it says of itself.
    Declined,
}

impl Shipment {
    fn new(limits: BulkLimits) -> Self {
        Shipment {
            request: BulkRequest::new(limits),
            parcels: Vec::new(),
            founding: Vec::new(),
            changed: HashSet::new(),
        }
    }

    /// Puts a parcel in, behind the groups that it needs; gives it back if there is no room.
    fn load(&mut self, parcel: Parcel, teams: &Teams) -> Result<(), Parcel> {
        for stand_in in parcel.needs(teams) {
            if self.founded(stand_in).is_none() {
                let group = NewGroup::named(teams.name(stand_in));
                match self.request.add(BulkOperation::create::<Group>(&group)) {
                    Ok(id) => self.founding.push((stand_in.clone(), id)),
                    Err(_) => return Err(parcel),
                }
            }
        }
        let operation = match &*parcel.payload {
            Payload::NewUser(user) => {
                Some(BulkOperation::create::<User>(&self.referring(user, teams)))
            }
            Payload::User(operation) | Payload::Members { operation, .. } => {
                Some(operation.clone())
            }
            Payload::Group(_) => None,
        };
        let place = match operation.map(|operation| self.request.add(operation)) {
            None => None,
            Some(Ok(id)) => Some(id),
            Some(Err(_)) => return Err(parcel),
        };
        if let Payload::Members { group, .. } = &*parcel.payload {
            self.changed.insert(group.clone());
        }
        self.parcels.push((parcel, place));
        Ok(())
    }

    fn founded(&self, stand_in: &str) -> Option<BulkId> {
        let mut founding = self.founding.iter();
        founding
            .find(|(each, _)| each == stand_in)
            .map(|(_, id)| *id)
    }

    /// The account with references to the groups that this request makes.
    fn referring(&self, user: &NewUser, teams: &Teams) -> NewUser {
        let reference = |id: &String| match self.founded(id) {
            Some(founded) => founded.reference(),
            None => teams.now(id).to_owned(),
        };
        NewUser {
            groups: user.groups.iter().map(reference).collect(),
            ..user.clone()
        }
    }

    /// Sends it.
    pub(super) async fn send(self, client: &Client) -> Arrival {
        let fate = match client.bulk(&self.request).await {
            Ok(reply) => {
                let results = reply.results(&self.request);
                if results.iter().any(is_throttled) {
                    client.line().pace().refused(back_off(2));
                }
                Fate::Heard(results.into_iter().map(Some).collect())
            }
            Err(Error::Fault(fault)) => Fate::Lost(fault),
            Err(Error::Refused(refusal)) if refusal.doubtful => Fate::Lost(Fault {
                kind: FaultKind::AnswerLost,
                cause: refusal.detail,
                status: Some(refusal.status),
                attempts: refusal.attempts,
                may_have_worked: true,
            }),
            Err(Error::Refused(refusal)) if refusal.status == 413 => Fate::TooLarge,
            Err(error) => {
                info!(%error, "the node does not take a bulk request; going on with single calls");
                Fate::Declined
            }
        };
        Arrival {
            shipment: self,
            fate,
        }
    }

    /// Groups that it makes or changes.
    fn groups(&self) -> impl Iterator<Item = &String> {
        let founding = self.founding.iter().map(|(stand_in, _)| stand_in);
        founding.chain(&self.changed)
    }

    fn is_abandoned(&self) -> bool {
        let mut parcels = self.parcels.iter();
        parcels.all(|(parcel, _)| parcel.answer.is_closed())
    }
}

fn is_throttled(result: &Result<Reply<BulkResult>, Error>) -> bool {
    matches!(result, Err(Error::Refused(refusal)) if refusal.status == 429)
}

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
            if self.trust == Trust::Refuted || self.needs_a_look(&parcel) {
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

    /// Whether it needs a group that may have been made without anybody having heard of it.
    fn needs_a_look(&self, parcel: &Parcel) -> bool {
        self.foundry.is_in_doubt() && !parcel.needs(self.foundry.teams()).is_empty()
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
                let is_sent = !matches!(fault.kind, FaultKind::Stopped | FaultKind::Unreachable);
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

    fn hand_out(
        &mut self,
        shipment: Shipment,
        mut results: Vec<Option<Result<Reply<BulkResult>, Error>>>,
    ) {
        for (stand_in, id) in &shipment.founding {
            self.note_group(stand_in, results[id.place()].take());
        }
        for (parcel, id) in shipment.parcels {
            let result = id.and_then(|id| results[id.place()].take());
            self.answer(parcel, result.map_or(Posted::Alone, Posted::Answered));
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

    /// Whether a group was made; if not, the first who needs it tries alone.
    fn note_group(&self, stand_in: &str, result: Option<Result<Reply<BulkResult>, Error>>) {
        match result {
            Some(Ok(reply)) => match reply.value.id() {
                Some(id) => self.foundry.teams().found(stand_in, id),
                None => self.foundry.doubt(true),
            },
            Some(Err(Error::Fault(_))) | None => self.foundry.doubt(true),
            Some(Err(error)) => info!(stand_in, %error, "a group was not made by a bulk request"),
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
