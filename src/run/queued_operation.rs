//! One operation that may go in a bulk request, and whoever waits for what becomes of it.

use tokio::sync::oneshot;

use crate::directory::Teams;
use crate::scim::{BulkOperation, BulkResult, Error, NewUser, Reply};
use crate::transport::Fault;

/// What is to be sent, and who waits for it.
#[derive(Debug)]
pub(super) struct QueuedOperation {
    pub(super) payload: Box<Payload>,
    pub(super) answer: oneshot::Sender<QueuedResult>,
}

/// What is to be sent.
#[derive(Debug)]
pub(super) enum Payload {
    /// A new account. Its groups may be placeholders for some that are made in the same request.
    NewUser(NewUser),
    /// A change of one account.
    User(BulkOperation),
    /// A change of a group's members. Never are two of one group on their way at once.
    Members {
        group: String,
        operation: BulkOperation,
    },
    /// Nothing but that the group of this placeholder is made.
    Group(String),
}

/// What became of an operation.
#[derive(Debug)]
pub(super) enum QueuedResult {
    /// The node's word on it, as if it had been a call of its own.
    Answered(Result<Reply<BulkResult>, Error>),
    /// The node's yes to a new account, but not to a group that was to be made in the same request for it to join.
    WithoutGroups(Reply<BulkResult>),
    /// The request that it was in came to nothing, or nobody knows.
    Lost(Fault),
    /// It was not sent: it is to be a call of its own. A group is made, or is not.
    Alone,
}

impl QueuedOperation {
    /// An operation, and where to wait for what becomes of it.
    pub(super) fn new(payload: Payload) -> (Self, oneshot::Receiver<QueuedResult>) {
        let (answer, answered) = oneshot::channel();
        (
            QueuedOperation {
                payload: Box::new(payload),
                answer,
            },
            answered,
        )
    }

    /// Placeholders of groups that have to be there before it, or with it.
    pub(super) fn needs<'p>(&'p self, teams: &Teams) -> Vec<&'p String> {
        let ids = match &*self.payload {
            Payload::NewUser(user) => user.groups.as_slice(),
            Payload::Group(stand_in) => std::slice::from_ref(stand_in),
            Payload::User(_) | Payload::Members { .. } => &[],
        };
        ids.iter().filter(|id| teams.awaits(id)).collect()
    }
}
