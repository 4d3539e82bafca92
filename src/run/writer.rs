//! Everything that changes something on the node, each as a call of its own or, where the node takes
//! bulk requests, together with others'.
//!
//! An operation of a bulk request that fails on the way, or for a reason that may lie in the bulk
//! request, is sent again alone. So whoever asks gets the same answers either way.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedMutexGuard, mpsc};

use super::group_provisioner::GroupProvisioner;
use super::queued_operation::{Payload, QueuedOperation, QueuedResult};
use crate::plan::AccountPatch;
use crate::scim::{
    BulkOperation, BulkResult, Client, Document, Error, Group, NewUser, Patch, Reply, Resource,
    User,
};
use crate::transport::{Fault, FaultKind, Refused};

/// Sends what changes something.
#[derive(Debug)]
pub(super) struct Writer {
    client: Arc<Client>,
    provisioner: Arc<GroupProvisioner>,
    /// Where operations wait for others, if they may.
    bulk_queue: Option<mpsc::UnboundedSender<QueuedOperation>>,
    /// Whose turn it is to change a group's members.
    turns: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

/// How an operation may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SendMode {
    /// Together with others. A request leaves when all others wait as well, so nobody who keeps others from going
    /// on may wait for it.
    Together,
    /// As a call of its own.
    Alone,
}

/// What an operation has come to before it is sent alone.
#[derive(Debug, Clone, Copy, Default)]
struct Before {
    attempts: u32,
    /// Whether it may have taken effect.
    doubtful: bool,
    /// Whether it was answered with "too many calls".
    put_off: bool,
}

impl Before {
    fn of(error: &Error) -> Self {
        Before {
            attempts: error.attempts(),
            doubtful: error.is_doubtful(),
            put_off: error.is_put_off(),
        }
    }

    /// Counts the former attempts in.
    fn and<T>(self, sent: Result<Reply<T>, Error>) -> Result<Reply<T>, Error> {
        match sent {
            Ok(reply) => Ok(Reply {
                attempts: reply.attempts + self.attempts,
                doubtful: reply.doubtful || self.doubtful,
                ..reply
            }),
            Err(error) if self.put_off => {
                Err(error.after(self.attempts, self.doubtful).after_put_off())
            }
            Err(error) => Err(error.after(self.attempts, self.doubtful)),
        }
    }
}

impl Writer {
    /// `bulk_queue`: where operations wait for others, if the node takes bulk requests.
    pub(super) fn new(
        client: Arc<Client>,
        provisioner: Arc<GroupProvisioner>,
        bulk_queue: Option<mpsc::UnboundedSender<QueuedOperation>>,
    ) -> Self {
        Writer {
            client,
            provisioner,
            bulk_queue,
            turns: Mutex::default(),
        }
    }

    /// `POST /Users`. Never sent twice in doubt; `mode` says how it may go, and how it may next time.
    pub(super) async fn create_user(
        &self,
        user: &NewUser,
        mode: &mut SendMode,
    ) -> Result<Reply<Option<User>>, Error> {
        if self.bulk_queue.is_none() && !self.refers_to_stand_ins(user) {
            return Box::pin(self.client.create_user(user)).await;
        }
        let mut before = Before::default();
        let mut user = user.clone();
        if self.provisioner.makes_alone() {
            self.make_groups(&mut user.groups).await?;
        }
        if *mode == SendMode::Together {
            let refers = user
                .groups
                .iter()
                .any(|id| self.provisioner.teams().awaits(id));
            match self.submit(Payload::NewUser(user.clone())).await {
                QueuedResult::Answered(Ok(reply)) => {
                    return Ok(reply.map(|result| account_of(&result, &user)));
                }
                QueuedResult::Answered(Err(error)) => {
                    *mode = SendMode::Alone;
                    let again = is_of_bulk(&error)
                        || error.status() == Some(404)
                        || (refers && !is_final(&error));
                    if error.is_doubtful() || !again {
                        return Err(error);
                    }
                    before = Before::of(&error);
                }
                QueuedResult::WithoutGroups(reply) => {
                    return Ok(reply.map(|result| outside_of_groups(&result, &user)));
                }
                QueuedResult::Lost(fault) => return Err(Error::Fault(fault)),
                QueuedResult::Alone => *mode = SendMode::Alone,
            }
        }
        self.make_groups(&mut user.groups).await?;
        before.and(Box::pin(self.client.create_user(&user)).await)
    }

    /// `PATCH /Users/{id}`
    pub(super) async fn patch_user(
        &self,
        id: &str,
        patch: &Patch,
        mode: SendMode,
    ) -> Result<Reply<Option<User>>, Error> {
        let (written, mode) = self.written(patch, mode);
        let operation = || BulkOperation::patch::<User>(id, &written).map(Payload::User);
        let alone = self.client.patch_user(id, patch);
        self.send(mode, operation, alone).await
    }

    /// `PUT /Users/{id}`
    pub(super) async fn put_user(
        &self,
        id: &str,
        document: &Document,
        mode: SendMode,
    ) -> Result<Reply<Option<User>>, Error> {
        let operation = || BulkOperation::replace::<User>(id, document).map(Payload::User);
        let alone = self.client.put::<User>(id, document);
        self.send(mode, operation, alone).await
    }

    /// `DELETE /Users/{id}`
    pub(super) async fn delete_user(&self, id: &str) -> Result<Reply<Option<User>>, Error> {
        let operation = || BulkOperation::delete::<User>(id).map(Payload::User);
        let alone = self.client.delete_user(id);
        self.send(SendMode::Together, operation, alone).await
    }

    /// `PATCH /Groups/{id}`
    pub(super) async fn patch_group(
        &self,
        id: &str,
        patch: &Patch,
    ) -> Result<Reply<Option<Group>>, Error> {
        let (written, mode) = self.written(patch, SendMode::Together);
        let operation = || {
            let operation = BulkOperation::patch::<Group>(id, &written)?;
            let group = id.to_owned();
            Ok(Payload::Members { group, operation })
        };
        let alone = self.patch_group_alone(id, patch);
        self.send(mode, operation, alone).await
    }

    /// A PATCH as it goes in a bulk request, and by which route it may go at all.
    fn written<'p>(&self, patch: &'p Patch, mode: SendMode) -> (Cow<'p, Patch>, SendMode) {
        match self.client.in_one(patch) {
            Some(written) => (written, mode),
            None => (Cow::Borrowed(patch), SendMode::Alone),
        }
    }

    /// Sends a change together with others, or else alone.
    async fn send<R: Resource>(
        &self,
        mode: SendMode,
        payload: impl FnOnce() -> Result<Payload, Error>,
        alone: impl Future<Output = Result<Reply<Option<R>>, Error>>,
    ) -> Result<Reply<Option<R>>, Error> {
        match self.try_together(mode, payload).await? {
            Ok(reply) => Ok(reply),
            Err(before) => before.and(Box::pin(alone).await),
        }
    }

    /// The same as a call of its own. Where batches of one group may come at once, they are kept apart:
    /// a node that reads a group, changes it and writes it back would lose one of two.
    async fn patch_group_alone(
        &self,
        id: &str,
        patch: &Patch,
    ) -> Result<Reply<Option<Group>>, Error> {
        let _turn = self.turn(id).await;
        self.client.patch_group(id, patch).await
    }

    /// Whoever holds this is alone in changing the group.
    pub(super) async fn turn(&self, group: &str) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(group.to_owned()).or_default())
        };
        turn.lock_owned().await
    }

    /// Makes the groups that a change needs and that are not there yet.
    pub(super) async fn make_groups_of(
        &self,
        account_patch: &mut AccountPatch,
    ) -> Result<(), Error> {
        self.make_groups(&mut account_patch.join).await?;
        let teams = self.provisioner.teams();
        for group in account_patch.after.groups.iter_mut().flatten() {
            group.value = teams.now(&group.value).to_owned();
        }
        Ok(())
    }

    fn refers_to_stand_ins(&self, user: &NewUser) -> bool {
        let teams = self.provisioner.teams();
        user.groups.iter().any(|id| teams.is_stand_in(id))
    }

    async fn make_groups(&self, ids: &mut [String]) -> Result<(), Error> {
        let teams = self.provisioner.teams();
        for id in ids {
            if teams.awaits(id) {
                // Whatever comes of it: whether the group is there, the next line sees.
                self.submit(Payload::Group(id.clone())).await;
                Box::pin(self.provisioner.create(&self.client, id)).await?;
            }
            let now = teams.now(id).to_owned();
            *id = now;
        }
        Ok(())
    }

    /// Sends an operation together with others; what is left to be sent alone comes back as `Err`.
    async fn try_together<R: Resource>(
        &self,
        mode: SendMode,
        payload: impl FnOnce() -> Result<Payload, Error>,
    ) -> Result<Result<Reply<Option<R>>, Before>, Error> {
        if self.bulk_queue.is_none() || mode == SendMode::Alone {
            return Ok(Err(Before::default()));
        }
        let fault = match self.submit(payload()?).await {
            QueuedResult::Answered(Ok(reply)) | QueuedResult::WithoutGroups(reply) => {
                return Ok(Ok(reply.map(|result| result.resource())));
            }
            QueuedResult::Answered(Err(error)) if is_of_bulk(&error) || wants_version(&error) => {
                return Ok(Err(Before::of(&error)));
            }
            QueuedResult::Answered(Err(error)) => return Err(error),
            QueuedResult::Alone => return Ok(Err(Before::default())),
            QueuedResult::Lost(fault) => fault,
        };
        let lost = fault.kind == FaultKind::AnswerLost || fault.kind == FaultKind::Unreadable;
        let error = Error::Fault(fault);
        if lost {
            // Twice is the same as once.
            Ok(Err(Before::of(&error)))
        } else {
            Err(error)
        }
    }

    async fn submit(&self, payload: Payload) -> QueuedResult {
        let Some(bulk_queue) = &self.bulk_queue else {
            return QueuedResult::Alone;
        };
        let (item, answered) = QueuedOperation::new(payload);
        if bulk_queue.send(item).is_err() {
            return QueuedResult::Alone;
        }
        answered.await.unwrap_or_else(|_| {
            QueuedResult::Lost(Fault {
                kind: FaultKind::AnswerLost,
                cause: Some(
                    "the program failed while it sent a bulk request"
                        .to_owned()
                        .into(),
                ),
                status: None,
                attempts: 1,
                may_have_worked: true,
                lasted: Duration::ZERO,
                refused: Refused::No,
                wait: None,
            })
        })
    }
}

/// Whether an operation may succeed alone that has failed among others: it came to grief on the way,
/// or the node's handling of bulk requests may be to blame.
fn is_of_bulk(error: &Error) -> bool {
    match error {
        Error::Fault(_) => true,
        Error::Refused(refusal) => matches!(refusal.status, 400 | 408 | 413 | 429 | 501),
        _ => false,
    }
}

/// Whether a change may be taken once it names the version of what it changes, as one that is sent alone
/// does where it must.
fn wants_version(error: &Error) -> bool {
    matches!(error, Error::Refused(refusal) if refusal.status == 412 || refusal.speaks_of_versions())
}

/// Whether a refusal stands whatever the references in the operation were.
fn is_final(error: &Error) -> bool {
    matches!(error.status(), Some(401 | 403 | 428))
}

/// The account that a bulk request made, where groups that it was to join are not there. In which of the others it
/// is does not matter: it is put into all of them.
fn outside_of_groups(result: &BulkResult, asked: &NewUser) -> Option<User> {
    let account = account_of(result, asked)?;
    Some(User {
        groups: Some(Vec::new()),
        ..account
    })
}

/// The account that a bulk request made. What the node does not show of it is as asked: whether it
/// heeded teams and locks is looked at as ever.
fn account_of(result: &BulkResult, asked: &NewUser) -> Option<User> {
    let shown: Option<User> = result.resource();
    shown.filter(|user| user.user_name().is_some()).or_else(|| {
        Some(User {
            active: None,
            groups: None,
            ..asked.account(result.id()?)
        })
    })
}
