//! Operations that wait for each other, to go together in bulk requests (RFC 7644, section 3.7).
//!
//! Whoever has something to change hands in a [`Parcel`] and waits for what became of it. A request
//! leaves when it is full, or when nobody moves any more who could add to it: that is for
//! [`dispatch`](super::dispatch) to see. Groups that rows need and that are not there yet are made in
//! the same request, and referred to by their `bulkId`.

use std::collections::HashSet;
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
    groups: HashSet<String>,
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
            groups: HashSet::new(),
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
            self.groups.insert(group.clone());
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
    open: Shipment,
    /// Parcels that wait for a request on its way.
    held: Vec<Parcel>,
    /// Groups that requests on their way make or change.
    travelling: HashSet<String>,
    /// Parcels without an answer.
    waiting: usize,
    losses: u32,
    /// Whether the node takes bulk requests.
    is_open: bool,
}

impl Post {
    pub(super) fn new(foundry: Arc<Foundry>, limits: BulkLimits) -> Self {
        Post {
            foundry,
            limits,
            open: Shipment::new(limits),
            held: Vec::new(),
            travelling: HashSet::new(),
            waiting: 0,
            losses: 0,
            is_open: true,
        }
    }

    /// How many parcels are without an answer.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Takes a parcel in, and gives the requests that are full.
    #[must_use]
    pub(super) fn take(&mut self, parcel: Parcel) -> Vec<Shipment> {
        self.waiting += 1;
        self.put(parcel)
    }

    fn put(&mut self, parcel: Parcel) -> Vec<Shipment> {
        let mut full = Vec::new();
        let mut parcel = parcel;
        loop {
            if !self.is_open {
                self.answer(parcel, Posted::Alone);
                return full;
            }
            if self.is_held_up(&parcel) {
                self.held.push(parcel);
                return full;
            }
            let foundry = Arc::clone(&self.foundry);
            match self.open.load(parcel, foundry.teams()) {
                Ok(()) => break,
                Err(refused) if self.open.parcels.is_empty() => {
                    self.open = Shipment::new(self.limits);
                    self.answer(refused, Posted::Alone);
                    return full;
                }
                Err(refused) => {
                    parcel = refused;
                    full.extend(self.close());
                }
            }
        }
        if self.open.request.len() >= self.limits.max_operations {
            full.extend(self.close());
        }
        full
    }

    /// Whether a request on its way has to come back first.
    fn is_held_up(&self, parcel: &Parcel) -> bool {
        match &*parcel.payload {
            Payload::Members { group, .. } => self.travelling.contains(group),
            _ => {
                let mut needs = parcel.needs(self.foundry.teams()).into_iter();
                needs.any(|stand_in| self.travelling.contains(stand_in))
            }
        }
    }

    /// The request that is being filled, however full it is.
    pub(super) fn close(&mut self) -> Option<Shipment> {
        let mut shipment = std::mem::replace(&mut self.open, Shipment::new(self.limits));
        if shipment.is_abandoned() && shipment.founding.is_empty() || shipment.request.len() < 2 {
            for (parcel, _) in shipment.parcels.drain(..) {
                self.answer(parcel, Posted::Alone);
            }
            return None;
        }
        let founding = shipment.founding.iter().map(|(stand_in, _)| stand_in);
        self.travelling
            .extend(founding.chain(&shipment.groups).cloned());
        Some(shipment)
    }

    /// Tells everybody what became of a request, and gives those that are full now.
    #[must_use]
    pub(super) fn arrive(&mut self, arrival: Arrival) -> Vec<Shipment> {
        let Arrival { shipment, fate } = arrival;
        let Shipment {
            request,
            parcels,
            founding,
            groups,
        } = shipment;
        for group in founding.iter().map(|(group, _)| group).chain(&groups) {
            self.travelling.remove(group);
        }
        let mut back = Vec::new();
        match fate {
            Fate::Heard(mut results) => {
                self.losses = 0;
                for (stand_in, id) in &founding {
                    self.note_group(stand_in, results[id.place()].take());
                }
                for (parcel, id) in parcels {
                    let result = id.and_then(|id| results[id.place()].take());
                    self.answer(parcel, result.map_or(Posted::Alone, Posted::Answered));
                }
            }
            Fate::Lost(fault) => {
                if fault.may_have_worked {
                    self.note_loss(request.len());
                    self.foundry.doubt(!founding.is_empty());
                }
                for (parcel, _) in parcels {
                    self.answer(parcel, Posted::Lost(fault.clone()));
                }
            }
            Fate::TooLarge => {
                self.shrink(request.len());
                back.extend(parcels.into_iter().map(|(parcel, _)| parcel));
            }
            Fate::Declined => {
                self.is_open = false;
                back.extend(parcels.into_iter().map(|(parcel, _)| parcel));
            }
        }
        back.append(&mut self.held);
        if !self.is_open {
            let open = std::mem::replace(&mut self.open, Shipment::new(self.limits));
            back.extend(open.parcels.into_iter().map(|(parcel, _)| parcel));
        }
        back.into_iter()
            .flat_map(|parcel| self.put(parcel))
            .collect()
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
            self.is_open = false;
        }
    }

    /// From now on, requests are half as large as this one.
    fn shrink(&mut self, operations: usize) {
        let half = (operations / 2).max(1);
        let most = &mut self.limits.max_operations;
        *most = half.min(*most);
        if *most == 1 {
            self.is_open = false;
        }
    }

    fn answer(&mut self, parcel: Parcel, posted: Posted) {
        self.waiting -= 1;
        // A row that was halted has no ears any more.
        let _ = parcel.answer.send(posted);
    }
}
