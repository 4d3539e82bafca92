//! One bulk request on its way, whose operations are in it, and what became of it.

use std::collections::HashSet;
use std::time::Duration;

use tracing::info;

use super::queued_operation::{Payload, QueuedOperation};
use super::writer::Writer;
use crate::directory::Teams;
use crate::scim::{
    BulkId, BulkLimits, BulkOperation, BulkRequest, BulkResult, Client, Error, Group, NewGroup,
    NewUser, Reply, User,
};
use crate::transport::retry::back_off;
use crate::transport::{Class, Fault, FaultKind, Refused};

/// A bulk request, and whose it is.
#[derive(Debug)]
pub(super) struct BulkBatch {
    pub(super) request: BulkRequest,
    pub(super) items: Vec<(QueuedOperation, Option<BulkId>)>,
    /// Groups that it makes, by their placeholders.
    pub(super) new_groups: Vec<(String, BulkId)>,
    /// Groups whose members it changes.
    pub(super) changed: HashSet<String>,
}

/// A batch that has come back.
#[derive(Debug)]
pub(super) struct BulkReply {
    pub(super) batch: BulkBatch,
    pub(super) status: BulkStatus,
}

/// What became of a bulk request.
#[derive(Debug)]
pub(super) enum BulkStatus {
    /// Each operation has its own end.
    Answered(Vec<Option<Result<Reply<BulkResult>, Error>>>),
    /// No answer.
    Lost(Fault),
    /// The node wants smaller ones.
    TooLarge,
    /// The node takes none, whatever it says of itself.
    Declined,
}

impl BulkBatch {
    pub(super) fn new(limits: BulkLimits) -> Self {
        BulkBatch {
            request: BulkRequest::new(limits),
            items: Vec::new(),
            new_groups: Vec::new(),
            changed: HashSet::new(),
        }
    }

    /// Puts an operation in, behind the groups that it needs; gives it back if there is no room.
    pub(super) fn add(
        &mut self,
        item: QueuedOperation,
        teams: &Teams,
    ) -> Result<(), QueuedOperation> {
        for stand_in in item.needs(teams) {
            if self.new_group(stand_in).is_none() {
                let group = NewGroup::named(teams.name(stand_in));
                match self.request.add(BulkOperation::create::<Group>(&group)) {
                    Ok(id) => self.new_groups.push((stand_in.clone(), id)),
                    Err(_) => return Err(item),
                }
            }
        }
        let operation = match &*item.payload {
            Payload::NewUser(user) => {
                Some(BulkOperation::create::<User>(&self.referring(user, teams)))
            }
            Payload::User(operation) | Payload::Members { operation, .. } => {
                Some(operation.clone())
            }
            Payload::Group(_) => None,
        };
        let id = match operation.map(|operation| self.request.add(operation)) {
            None => None,
            Some(Ok(id)) => Some(id),
            Some(Err(_)) => return Err(item),
        };
        if let Payload::Members { group, .. } = &*item.payload {
            self.changed.insert(group.clone());
        }
        self.items.push((item, id));
        Ok(())
    }

    fn new_group(&self, stand_in: &str) -> Option<BulkId> {
        let mut new_groups = self.new_groups.iter();
        new_groups
            .find(|(each, _)| each == stand_in)
            .map(|(_, id)| *id)
    }

    /// The account with references to the groups that this request makes.
    fn referring(&self, user: &NewUser, teams: &Teams) -> NewUser {
        let reference = |id: &String| match self.new_group(id) {
            Some(new_group) => new_group.reference(),
            None => teams.now(id).to_owned(),
        };
        NewUser {
            groups: user.groups.iter().map(reference).collect(),
            ..user.clone()
        }
    }

    /// Sends it, alone in changing its groups. No other request waits for the same ones, and who has the turn of one
    /// waits for no request.
    pub(super) async fn send(self, client: &Client, writer: &Writer) -> BulkReply {
        let mut turns = Vec::new();
        for group in &self.changed {
            turns.push(writer.turn(group).await);
        }
        let status = match client.bulk(&self.request).await {
            Ok(reply) => {
                let results = reply.results(&self.request);
                if results.iter().any(is_throttled) {
                    client.transport().pace().refused(Class::Bulk, back_off(2));
                }
                BulkStatus::Answered(results.into_iter().map(Some).collect())
            }
            Err(Error::Fault(fault)) => BulkStatus::Lost(fault),
            Err(Error::Refused(refusal)) if refusal.doubtful => BulkStatus::Lost(Fault {
                kind: FaultKind::AnswerLost,
                cause: refusal.detail.map(Into::into),
                status: Some(refusal.status),
                attempts: refusal.attempts,
                may_have_worked: true,
                lasted: Duration::ZERO,
                refused: Refused::No,
                wait: None,
            }),
            Err(Error::Refused(refusal)) if refusal.status == 413 => BulkStatus::TooLarge,
            Err(error) => {
                info!(%error, "the node does not take a bulk request; going on with single calls");
                BulkStatus::Declined
            }
        };
        BulkReply {
            batch: self,
            status,
        }
    }

    /// Groups that it makes or changes.
    pub(super) fn groups(&self) -> impl Iterator<Item = &String> {
        let new_groups = self.new_groups.iter().map(|(stand_in, _)| stand_in);
        new_groups.chain(&self.changed)
    }

    pub(super) fn is_abandoned(&self) -> bool {
        let mut items = self.items.iter();
        items.all(|(item, _)| item.answer.is_closed())
    }
}

fn is_throttled(result: &Result<Reply<BulkResult>, Error>) -> bool {
    matches!(result, Err(Error::Refused(refusal)) if refusal.status == 429)
}
