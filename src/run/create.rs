//! A create that is carried out once, whatever happens to its answer.
//!
//! A POST whose answer was lost may have worked. Before it is sent again, the account is looked
//! for; and when a second POST is refused with 409, the account may be the first one's. Whether an
//! account that is found is this row's own is told by what it holds and by when the node made it.

use jiff::Timestamp;
use tokio::time::Instant;
use tracing::{debug, info};

use super::worker::Worker;
use crate::pace::retry::{MAX_ATTEMPTS, back_off};
use crate::pace::{Fault, FaultKind};
use crate::roster::Email;
use crate::scim::{Error, NewUser, Reply, User};

/// How a create ended.
#[derive(Debug)]
pub(super) enum Creation {
    /// The account is there, and this row made it.
    Created {
        status: u16,
        id: Option<String>,
        attempts: u32,
    },
    /// The email was taken before this row came.
    Taken {
        refused: Option<Error>,
        holder: Option<User>,
        attempts: u32,
    },
    /// The account was not made.
    Failed { error: Error, attempts: u32 },
    /// Nobody knows.
    Unknown { error: Error, attempts: u32 },
}

/// What is known of one create while it goes on.
pub(super) struct Create<'w> {
    worker: &'w Worker,
    user: &'w NewUser,
    email: &'w Email,
    begun: Instant,
    attempts: u32,
    /// Whether a POST may have worked without its answer having come.
    doubtful: bool,
}

/// Whose an account is that was found under the email of a create.
enum Found {
    Ours(User),
    Theirs(User),
    Nobody,
}

impl<'w> Create<'w> {
    pub(super) fn new(worker: &'w Worker, user: &'w NewUser, email: &'w Email) -> Self {
        Create {
            worker,
            user,
            email,
            begun: Instant::now(),
            attempts: 0,
            doubtful: false,
        }
    }

    /// Sends it until it is known what became of it.
    pub(super) async fn send(mut self) -> Creation {
        let mut losses = 0;
        loop {
            let error = match self.worker.client.create_user(self.user).await {
                Ok(reply) => return self.created(reply).await,
                Err(error) => error,
            };
            self.attempts += error.attempts();
            let fault = match &error {
                Error::Fault(fault) => fault.clone(),
                Error::Refused(refusal)
                    if refusal.status == 409 && (self.doubtful || refusal.doubtful) =>
                {
                    return self.taken_in_doubt(error).await;
                }
                Error::Refused(refusal) if refusal.status == 409 => {
                    return Creation::Taken {
                        refused: Some(error),
                        holder: None,
                        attempts: self.attempts,
                    };
                }
                _ => {
                    return Creation::Failed {
                        error,
                        attempts: self.attempts,
                    };
                }
            };
            self.doubtful |= fault.may_have_worked;
            if matches!(fault.kind, FaultKind::Stopped | FaultKind::Unreachable) {
                return self.cut_off(fault);
            }
            losses += 1;
            if let Some(end) = self.look_into(&fault, losses).await {
                return end;
            }
        }
    }

    async fn created(self, reply: Reply<Option<User>>) -> Creation {
        let attempts = self.attempts + reply.attempts;
        let id = match reply.value {
            Some(user) => Some(user.id),
            // A yes without the account: its id is worth a look, but the row is done without it.
            None => self
                .look()
                .await
                .ok()
                .and_then(|reply| reply.value)
                .map(|user| user.id),
        };
        Creation::Created {
            status: reply.status,
            id,
            attempts,
        }
    }

    /// The answer was lost: looks whether the POST worked, and ends the row unless it did not.
    async fn look_into(&self, fault: &Fault, losses: u32) -> Option<Creation> {
        let attempts = self.attempts;
        info!(email = %self.email, cause = %fault, "no answer to a create; looking whether it worked");
        match self.whose().await {
            Ok((Found::Ours(user), status)) => {
                let status = fault
                    .status
                    .filter(|status| *status == 201)
                    .unwrap_or(status);
                Some(Creation::Created {
                    status,
                    id: Some(user.id),
                    attempts,
                })
            }
            Ok((Found::Theirs(user), _)) => Some(Creation::Taken {
                refused: None,
                holder: Some(user),
                attempts,
            }),
            // 201 is the node's word even if what came behind it was damaged.
            Ok((Found::Nobody, _)) if fault.status == Some(201) => Some(Creation::Created {
                status: 201,
                id: None,
                attempts,
            }),
            Ok((Found::Nobody, _)) if losses >= MAX_ATTEMPTS => Some(Creation::Failed {
                error: Error::Fault(without_doubt(fault)),
                attempts,
            }),
            Ok((Found::Nobody, _)) => {
                debug!(email = %self.email, "the account is not there; sending the create again");
                let rest = self
                    .worker
                    .client
                    .line()
                    .pace()
                    .rest(back_off(losses))
                    .await;
                rest.is_err().then(|| Creation::Failed {
                    error: Error::Fault(Fault {
                        kind: FaultKind::Stopped,
                        ..without_doubt(fault)
                    }),
                    attempts,
                })
            }
            Err(error) => Some(Creation::Unknown { error, attempts }),
        }
    }

    /// 409 after a POST that may have worked: the account may be our own.
    async fn taken_in_doubt(self, refused: Error) -> Creation {
        let attempts = self.attempts;
        match self.whose().await {
            Ok((Found::Ours(user), status)) => Creation::Created {
                status,
                id: Some(user.id),
                attempts,
            },
            Ok((Found::Theirs(user), _)) => Creation::Taken {
                refused: Some(refused),
                holder: Some(user),
                attempts,
            },
            Ok((Found::Nobody, _)) => Creation::Taken {
                refused: Some(refused),
                holder: None,
                attempts,
            },
            Err(error) => Creation::Unknown { error, attempts },
        }
    }

    /// No further call may leave.
    fn cut_off(self, fault: Fault) -> Creation {
        let attempts = self.attempts;
        let error = Error::Fault(Fault {
            may_have_worked: self.doubtful,
            ..fault
        });
        if self.doubtful {
            Creation::Unknown { error, attempts }
        } else {
            Creation::Failed { error, attempts }
        }
    }

    async fn look(&self) -> Result<Reply<Option<User>>, Error> {
        self.worker.directory.people.find_now(self.email).await
    }

    async fn whose(&self) -> Result<(Found, u16), Error> {
        let reply = self.look().await?;
        let status = reply.status;
        Ok((
            match reply.value {
                None => Found::Nobody,
                Some(user) if self.is_ours(&user, reply.date) => Found::Ours(user),
                Some(user) => Found::Theirs(user),
            },
            status,
        ))
    }

    /// An account is this row's own when it holds what the row asks for and was made since the row
    /// began, by the node's own clock where it tells the time.
    fn is_ours(&self, user: &User, node_now: Option<i64>) -> bool {
        /// `Date` has whole seconds, and answers travel.
        const TOLERANCE: i64 = 5;
        /// How wrong this machine's clock may be against the node's.
        const SKEW: i64 = 600;
        let same =
            |asked: &Option<String>, there: &Option<String>| asked.is_none() || asked == there;
        let alike = same(&self.user.given_name, &user.given_name)
            && same(&self.user.family_name, &user.family_name)
            && same(&self.user.external_id, &user.external_id)
            && same(&self.user.display_name, &user.display_name);
        let since_begun = i64::try_from(self.begun.elapsed().as_secs()).unwrap_or(i64::MAX);
        let in_time = user.created.is_none_or(|created| match node_now {
            Some(now) => now - created.as_second() <= since_begun + TOLERANCE,
            None => Timestamp::now().as_second() - created.as_second() <= since_begun + SKEW,
        });
        alike && in_time
    }
}

/// The same fault after it was seen that nothing had come of it.
fn without_doubt(fault: &Fault) -> Fault {
    Fault {
        may_have_worked: false,
        ..fault.clone()
    }
}
