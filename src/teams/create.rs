//! A group created once, whatever happens to the answer.
//!
//! Nodes let two groups have the same name. So a POST whose answer was lost is not sent again before
//! the node's groups were listed, twice with a pause between, and none of the name is there.

use std::sync::Arc;
use std::time::Duration;

use tracing::{debug, info};

use super::hopeless;
use crate::directory::Teams;
use crate::scim::{Client, Error, NewGroup};
use crate::transport::Fault;
use crate::transport::retry::{Effort, MAX_ATTEMPTS};

/// How often a group is looked for that may be there.
const LOOKS: u32 = 2;

/// How long it is given to show.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// Why a group was not created.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotCreated {
    /// It is not there.
    #[error("{0}")]
    Failed(Error),
    /// Nobody knows.
    #[error(
        "it was sent, and whether it worked could not be found out: {0}; look at headcount teams list before it is \
         sent again"
    )]
    Unknown(Error),
    /// The node said yes, and then does not show it.
    #[error("the node said yes, but then nothing of this name could be found on it")]
    Vanished,
    /// There is more than one now.
    #[error("there are {} of this name now, where there was none before; delete all but one: {}", ids.len(), ids.join(", "))]
    Several {
        /// Their ids.
        ids: Vec<String>,
    },
}

impl NotCreated {
    /// The error that every other call would meet as well: no further call may leave, the token is
    /// refused, or the node is gone.
    #[must_use]
    pub fn hopeless(&self) -> Option<&Error> {
        match self {
            NotCreated::Failed(error) | NotCreated::Unknown(error) => hopeless(error),
            NotCreated::Vanished | NotCreated::Several { .. } => None,
        }
    }
}

/// Creates a group that the node does not have, and returns its id.
///
/// `full_name` is what it is called on the node: a role with its prefix.
///
/// # Errors
/// [`NotCreated`].
pub async fn create(client: &Arc<Client>, full_name: &str) -> Result<String, NotCreated> {
    let mut creation = Creation {
        client,
        full_name,
        doubtful: false,
    };
    creation.send().await
}

/// The same, where the group may be there already: it is looked for first.
///
/// # Errors
/// [`NotCreated`].
pub async fn find_or_create(client: &Arc<Client>, full_name: &str) -> Result<String, NotCreated> {
    let mut creation = Creation {
        client,
        full_name,
        doubtful: true,
    };
    match creation.look().await? {
        Some(id) => Ok(id),
        None => creation.send().await,
    }
}

/// What is known of one creation while it goes on.
struct Creation<'c> {
    client: &'c Arc<Client>,
    full_name: &'c str,
    /// Whether a POST may have worked without its answer having come.
    doubtful: bool,
}

impl Creation<'_> {
    async fn send(&mut self) -> Result<String, NotCreated> {
        let group = NewGroup::named(self.full_name);
        let mut effort = Effort::default();
        loop {
            let error = match self.client.create_group(&group).await {
                Ok(reply) => {
                    return match reply.value {
                        Some(group) => Ok(group.id),
                        // A yes without the group: it has to be there.
                        None => self.look().await?.ok_or(NotCreated::Vanished),
                    };
                }
                Err(error) => error,
            };
            let fault = match &error {
                Error::Fault(fault) => fault.clone(),
                // Made by an earlier attempt, or by somebody else meanwhile.
                Error::Refused(refusal) if refusal.is_conflict() => {
                    let there = self.look().await?;
                    return there.ok_or(NotCreated::Failed(error));
                }
                _ => return Err(NotCreated::Failed(error)),
            };
            self.doubtful |= fault.may_have_worked;
            if fault.kind.is_of_the_unsent() {
                return Err(self.not_seen(error));
            }
            self.rest(effort.after(&fault)).await?;
            info!(name = self.full_name, cause = %fault, "no answer to the creation of a group; looking whether it worked");
            if let Some(id) = self.look().await? {
                return Ok(id);
            }
            if effort.is_spent(MAX_ATTEMPTS) {
                return Err(NotCreated::Failed(error));
            }
            debug!(
                name = self.full_name,
                "the group is not there; sending it again"
            );
        }
    }

    /// Looks for the group as the node has it now.
    async fn look(&self) -> Result<Option<String>, NotCreated> {
        for look in 1..=LOOKS {
            let teams = Teams::list(self.client, None)
                .await
                .map_err(|error| self.not_seen(error))?;
            match teams.called(self.full_name) {
                [id] => return Ok(Some(id.clone())),
                [] if look < LOOKS => self.rest(BETWEEN_LOOKS).await?,
                [] => {}
                ids => return Err(NotCreated::Several { ids: ids.to_vec() }),
            }
        }
        Ok(None)
    }

    async fn rest(&self, wait: Duration) -> Result<(), NotCreated> {
        let stopped = Fault {
            may_have_worked: self.doubtful,
            ..Fault::stopped()
        };
        let rested = self.client.transport().pace().rest(wait).await;
        rested.map_err(|_| self.not_seen(Error::Fault(stopped)))
    }

    /// It could not be seen whether a POST worked.
    fn not_seen(&self, error: Error) -> NotCreated {
        if self.doubtful {
            NotCreated::Unknown(error)
        } else {
            NotCreated::Failed(error)
        }
    }
}
