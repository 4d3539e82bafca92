//! One bulk request on its way, whose operations are in it, and what became of it.

use std::collections::HashSet;
use std::time::Duration;

use tracing::info;

use super::parcel::{Parcel, Payload};
use super::writer::Writer;
use crate::directory::Teams;
use crate::pace::retry::back_off;
use crate::pace::{Class, Fault, FaultKind, Refused};
use crate::scim::{
    BulkId, BulkLimits, BulkOperation, BulkRequest, BulkResult, Client, Error, Group, NewGroup,
    NewUser, Reply, User,
};

/// A bulk request, and whose it is.
#[derive(Debug)]
pub(super) struct Shipment {
    pub(super) request: BulkRequest,
    pub(super) parcels: Vec<(Parcel, Option<BulkId>)>,
    /// Groups that it makes, by their stand-ins.
    pub(super) founding: Vec<(String, BulkId)>,
    /// Groups whose members it changes.
    pub(super) changed: HashSet<String>,
}

/// A shipment that has come back.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) shipment: Shipment,
    pub(super) fate: Fate,
}

/// What became of a bulk request.
#[derive(Debug)]
pub(super) enum Fate {
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
    pub(super) fn new(limits: BulkLimits) -> Self {
        Shipment {
            request: BulkRequest::new(limits),
            parcels: Vec::new(),
            founding: Vec::new(),
            changed: HashSet::new(),
        }
    }

    /// Puts a parcel in, behind the groups that it needs; gives it back if there is no room.
    pub(super) fn load(&mut self, parcel: Parcel, teams: &Teams) -> Result<(), Parcel> {
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

    /// Sends it, alone in changing its groups. No other request waits for the same ones, and who has the turn of one
    /// waits for no request.
    pub(super) async fn send(self, client: &Client, writer: &Writer) -> Arrival {
        let mut turns = Vec::new();
        for group in &self.changed {
            turns.push(writer.turn(group).await);
        }
        let fate = match client.bulk(&self.request).await {
            Ok(reply) => {
                let results = reply.results(&self.request);
                if results.iter().any(is_throttled) {
                    client.line().pace().refused(Class::Bulk, back_off(2));
                }
                Fate::Heard(results.into_iter().map(Some).collect())
            }
            Err(Error::Fault(fault)) => Fate::Lost(fault),
            Err(Error::Refused(refusal)) if refusal.doubtful => Fate::Lost(Fault {
                kind: FaultKind::AnswerLost,
                cause: refusal.detail.map(Into::into),
                status: Some(refusal.status),
                attempts: refusal.attempts,
                may_have_worked: true,
                lasted: Duration::ZERO,
                refused: Refused::No,
                wait: None,
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
    pub(super) fn groups(&self) -> impl Iterator<Item = &String> {
        let founding = self.founding.iter().map(|(stand_in, _)| stand_in);
        founding.chain(&self.changed)
    }

    pub(super) fn is_abandoned(&self) -> bool {
        let mut parcels = self.parcels.iter();
        parcels.all(|(parcel, _)| parcel.answer.is_closed())
    }
}

fn is_throttled(result: &Result<Reply<BulkResult>, Error>) -> bool {
    matches!(result, Err(Error::Refused(refusal)) if refusal.status == 429)
}
