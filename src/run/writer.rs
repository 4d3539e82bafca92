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

use super::foundry::Foundry;
use super::parcel::{Parcel, Payload, Posted};
use crate::pace::{Fault, FaultKind, Refused};
use crate::plan::Correction;
use crate::scim::{
    BulkOperation, BulkResult, Client, Document, Error, Group, NewUser, Patch, Reply, Resource,
    User,
};

/// Sends what changes something.
#[derive(Debug)]
pub(super) struct Writer {
    client: Arc<Client>,
    foundry: Arc<Foundry>,
    /// Where operations wait for others, if they may.
    post: Option<mpsc::UnboundedSender<Parcel>>,
    /// Whose turn it is to change a group's members.
    turns: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

/// How an operation may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
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
    /// `post`: where operations wait for others, if the node takes bulk requests.
    pub(super) fn new(
        client: Arc<Client>,
        foundry: Arc<Foundry>,
        post: Option<mpsc::UnboundedSender<Parcel>>,
    ) -> Self {
        Writer {
            client,
            foundry,
            post,
            turns: Mutex::default(),
        }
    }

    /// `POST /Users`. Never sent twice in doubt; `route` says how it may go, and how it may next time.
    pub(super) async fn create_user(
        &self,
        user: &NewUser,
        route: &mut Route,
    ) -> Result<Reply<Option<User>>, Error> {
        if self.post.is_none() && !self.refers_to_stand_ins(user) {
            return Box::pin(self.client.create_user(user)).await;
        }
        let mut before = Before::default();
        let mut user = user.clone();
        if self.foundry.makes_alone() {
            self.make_groups(&mut user.groups).await?;
        }
        if *route == Route::Together {
            let refers = user.groups.iter().any(|id| self.foundry.teams().awaits(id));
            match self.post(Payload::NewUser(user.clone())).await {
                Posted::Answered(Ok(reply)) => {
                    return Ok(reply.map(|result| account_of(&result, &user)));
                }
                Posted::Answered(Err(error)) => {
                    *route = Route::Alone;
                    let again = is_of_bulk(&error)
                        || error.status() == Some(404)
                        || (refers && !is_final(&error));
                    if error.is_doubtful() || !again {
                        return Err(error);
                    }
                    before = Before::of(&error);
                }
                Posted::WithoutGroups(reply) => {
                    return Ok(reply.map(|result| outside_of_groups(&result, &user)));
                }
                Posted::Lost(fault) => return Err(Error::Fault(fault)),
                Posted::Alone => *route = Route::Alone,
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
        route: Route,
    ) -> Result<Reply<Option<User>>, Error> {
        let (written, route) = self.written(patch, route);
        let operation = || BulkOperation::patch::<User>(id, &written).map(Payload::User);
        let alone = self.client.patch_user(id, patch);
        self.send(route, operation, alone).await
    }

    /// `PUT /Users/{id}`
    pub(super) async fn put_user(
        &self,
        id: &str,
        document: &Document,
        route: Route,
    ) -> Result<Reply<Option<User>>, Error> {
        let operation = || BulkOperation::replace::<User>(id, document).map(Payload::User);
        let alone = self.client.put::<User>(id, document);
        self.send(route, operation, alone).await
    }

    /// `DELETE /Users/{id}`
    pub(super) async fn delete_user(&self, id: &str) -> Result<Reply<Option<User>>, Error> {
        let operation = || BulkOperation::delete::<User>(id).map(Payload::User);
        let alone = self.client.delete_user(id);
        self.send(Route::Together, operation, alone).await
    }

    /// `PATCH /Groups/{id}`
    pub(super) async fn patch_group(
        &self,
        id: &str,
        patch: &Patch,
    ) -> Result<Reply<Option<Group>>, Error> {
        let (written, route) = self.written(patch, Route::Together);
        let operation = || {
            let operation = BulkOperation::patch::<Group>(id, &written)?;
            let group = id.to_owned();
            Ok(Payload::Members { group, operation })
        };
        let alone = self.patch_group_alone(id, patch);
        self.send(route, operation, alone).await
    }

    /// A PATCH as it goes in a bulk request, and by which route it may go at all.
    fn written<'p>(&self, patch: &'p Patch, route: Route) -> (Cow<'p, Patch>, Route) {
        match self.client.in_one(patch) {
            Some(written) => (written, route),
            None => (Cow::Borrowed(patch), Route::Alone),
        }
    }

    /// Sends a change together with others, or else alone.
    async fn send<R: Resource>(
        &self,
        route: Route,
        payload: impl FnOnce() -> Result<Payload, Error>,
        alone: impl Future<Output = Result<Reply<Option<R>>, Error>>,
    ) -> Result<Reply<Option<R>>, Error> {
        match self.try_together(route, payload).await? {
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
    pub(super) async fn make_groups_of(&self, correction: &mut Correction) -> Result<(), Error> {
        self.make_groups(&mut correction.join).await?;
        let teams = self.foundry.teams();
        for group in correction.after.groups.iter_mut().flatten() {
            group.value = teams.now(&group.value).to_owned();
        }
        Ok(())
    }

    fn refers_to_stand_ins(&self, user: &NewUser) -> bool {
        let teams = self.foundry.teams();
        user.groups.iter().any(|id| teams.is_stand_in(id))
    }

    async fn make_groups(&self, ids: &mut [String]) -> Result<(), Error> {
        let teams = self.foundry.teams();
        for id in ids {
            if teams.awaits(id) {
                // Whatever comes of it: whether the group is there, the next line sees.
                self.post(Payload::Group(id.clone())).await;
                Box::pin(self.foundry.found(&self.client, id)).await?;
            }
            let now = teams.now(id).to_owned();
            *id = now;
        }
        Ok(())
    }

    /// Sends an operation together with others; what is left to be sent alone comes back as `Err`.
    async fn try_together<R: Resource>(
        &self,
        route: Route,
        payload: impl FnOnce() -> Result<Payload, Error>,
    ) -> Result<Result<Reply<Option<R>>, Before>, Error> {
        if self.post.is_none() || route == Route::Alone {
            return Ok(Err(Before::default()));
        }
        let fault = match self.post(payload()?).await {
            Posted::Answered(Ok(reply)) | Posted::WithoutGroups(reply) => {
                return Ok(Ok(reply.map(|result| result.resource())));
            }
            Posted::Answered(Err(error)) if is_of_bulk(&error) || wants_version(&error) => {
                return Ok(Err(Before::of(&error)));
            }
            Posted::Answered(Err(error)) => return Err(error),
            Posted::Alone => return Ok(Err(Before::default())),
            Posted::Lost(fault) => fault,
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

    async fn post(&self, payload: Payload) -> Posted {
        let Some(post) = &self.post else {
            return Posted::Alone;
        };
        let (parcel, answered) = Parcel::new(payload);
        if post.send(parcel).is_err() {
            return Posted::Alone;
        }
        answered.await.unwrap_or_else(|_| {
            Posted::Lost(Fault {
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
    shown.filter(|user| user.user_name.is_some()).or_else(|| {
        Some(User {
            active: None,
            groups: None,
            ..asked.account(result.id()?)
        })
    })
}
