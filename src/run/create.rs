//! A create that is carried out once, whatever happens to its answer.
//!
//! A POST whose answer was lost may have worked. Before it is sent again, the account is looked
//! for; and when a second POST is refused with 409, the account may be the first one's. Whether an
//! account that is found is this row's own is told by what it holds and by when the node made it.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use tracing::{debug, info};

use super::past::Doubt;
use super::worker::Worker;
use super::writer::Route;
use crate::directory::Holder;
use crate::pace::retry::{Effort, MAX_ATTEMPTS, back_off};
use crate::pace::{Fault, FaultKind};
use crate::roster::Email;
use crate::scim::{Error, NewUser, Reply, User};

/// How often an account is looked for that must be there.
const LOOKS: u32 = 4;

/// How many seconds an account may seem older than it is: `Date` has whole seconds, and answers travel.
const TOLERANCE: i64 = 5;

/// How long it is given to show.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// How a create ended.
#[derive(Debug)]
pub(super) enum Creation {
    /// The account is there, and this row made it.
    Created {
        status: u16,
        account: Option<Box<User>>,
        attempts: u32,
    },
    /// The email was taken before this row came.
    Taken {
        refused: Option<Error>,
        holder: Option<Box<User>>,
        attempts: u32,
    },
    /// The account was not made.
    Failed { error: Error, attempts: u32 },
    /// Nobody knows.
    Unknown { error: Error, attempts: u32 },
}

impl Creation {
    /// The same after so many calls of an earlier try.
    pub(super) fn after(mut self, earlier: u32) -> Self {
        let (Creation::Created { attempts, .. }
        | Creation::Taken { attempts, .. }
        | Creation::Failed { attempts, .. }
        | Creation::Unknown { attempts, .. }) = &mut self;
        *attempts += earlier;
        self
    }
}

/// What is known of one create while it goes on.
pub(super) struct Create<'w> {
    worker: &'w Worker,
    user: &'w NewUser,
    email: &'w Email,
    begun: Begun,
    attempts: u32,
    route: Route,
    /// Whether an account that is there may be this row's own: a POST may have worked without its answer having come.
    doubtful: bool,
    /// Whether anything says that one was sent.
    noted: bool,
}

/// Since when an account may be this row's own.
#[derive(Debug, Clone, Copy)]
enum Begun {
    Now(Instant),
    /// In a run before this one.
    At(Timestamp),
    /// Nobody knows when.
    Once,
}

impl Begun {
    /// How long ago that was, in seconds.
    fn age(self) -> Option<i64> {
        match self {
            Begun::Now(begun) => i64::try_from(begun.elapsed().as_secs()).ok(),
            Begun::At(begun) => Some(Timestamp::now().as_second() - begun.as_second()),
            Begun::Once => None,
        }
    }
}

/// Whose an account is that was found under the email of a create.
enum Found {
    Ours(Box<User>),
    Theirs(Box<User>),
    Nobody,
}

impl<'w> Create<'w> {
    /// `doubt`: that it may have been sent before.
    pub(super) fn new(
        worker: &'w Worker,
        user: &'w NewUser,
        email: &'w Email,
        doubt: Option<&Doubt>,
    ) -> Self {
        Create {
            worker,
            user,
            email,
            begun: match doubt {
                None => Begun::Now(Instant::now()),
                Some(doubt) => doubt.since.map_or(Begun::Once, Begun::At),
            },
            attempts: 0,
            route: Route::Together,
            doubtful: doubt.is_some(),
            noted: doubt.is_some_and(Doubt::is_noted),
        }
    }

    /// Looks what became of a POST of an earlier time; nothing if there is no account.
    pub(super) async fn look(self) -> Option<Creation> {
        match self.whose().await {
            Ok((Found::Ours(account), status)) => Some(Creation::Created {
                status,
                account: Some(account),
                attempts: 0,
            }),
            Ok((Found::Theirs(holder), _)) => Some(Creation::Taken {
                refused: None,
                holder: Some(holder),
                attempts: 0,
            }),
            Ok((Found::Nobody, _)) => None,
            Err(error) => Some(self.not_seen(error)),
        }
    }

    /// Sends it until it is known what became of it.
    pub(super) async fn send(mut self) -> Creation {
        let mut effort = Effort::default();
        loop {
            let sent = self.worker.writer.create_user(self.user, &mut self.route);
            let error = match sent.await {
                Ok(reply) => return Box::pin(self.created(reply)).await,
                Err(error) => error,
            };
            self.attempts += error.attempts();
            let fault = match &error {
                Error::Fault(fault) => fault.clone(),
                Error::Refused(refusal)
                    if refusal.is_conflict() && (self.doubtful || refusal.doubtful) =>
                {
                    return Box::pin(self.taken_in_doubt(error)).await;
                }
                // It was put off before, and some nodes carry out what they put off.
                Error::Refused(refusal) if refusal.is_conflict() && refusal.attempts > 1 => {
                    return Box::pin(self.taken_after_waiting(error)).await;
                }
                Error::Refused(refusal) if refusal.is_conflict() => {
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
            // A 201 that cannot be read is no page of a stranger's.
            let may_have_worked = fault.may_have_worked || fault.status == Some(201);
            self.doubtful |= may_have_worked;
            self.noted |= may_have_worked;
            if fault.kind.is_of_the_unsent() {
                return self.cut_off(fault);
            }
            effort.add(fault.lasted);
            if let Some(end) = Box::pin(self.look_into(&fault, effort)).await {
                return end;
            }
        }
    }

    async fn created(self, reply: Reply<Option<User>>) -> Creation {
        let (status, attempts) = (reply.status, self.attempts + reply.attempts);
        // A yes without the account, or with a part of it: the whole is worth a look.
        let shown = match reply.value.filter(|user| user.user_name.is_some()) {
            Some(user) => Ok((Found::Ours(Box::new(user)), status)),
            None => self.whose().await,
        };
        match shown {
            Ok((Found::Ours(user) | Found::Theirs(user), _)) => {
                match self.made_before(&user, reply.date, status) {
                    None => Creation::Created {
                        status,
                        account: Some(user),
                        attempts,
                    },
                    Some(made) => Creation::Taken {
                        refused: Some(Error::OlderAccount { status, made }),
                        holder: Some(user),
                        attempts,
                    },
                }
            }
            Ok((Found::Nobody, _)) => Creation::Unknown {
                error: Error::Vanished,
                attempts,
            },
            // The node said yes, and nothing speaks against it.
            Err(_) => Creation::Created {
                status,
                account: None,
                attempts,
            },
        }
    }

    /// The answer was lost: looks whether the POST worked, and ends the row unless it did not.
    async fn look_into(&self, fault: &Fault, effort: Effort) -> Option<Creation> {
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
                    account: Some(user),
                    attempts,
                })
            }
            Ok((Found::Theirs(user), _)) => Some(Creation::Taken {
                refused: None,
                holder: Some(user),
                attempts,
            }),
            Ok((Found::Nobody, _)) if effort.is_spent(MAX_ATTEMPTS) => Some(Creation::Failed {
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
                    .rest(back_off(effort.failures()))
                    .await;
                rest.is_err().then(|| Creation::Failed {
                    error: Error::Fault(Fault {
                        kind: FaultKind::Stopped,
                        ..without_doubt(fault)
                    }),
                    attempts,
                })
            }
            Err(error) => Some(self.not_seen(error)),
        }
    }

    /// 409 after a POST that may have worked: the account may be our own.
    async fn taken_in_doubt(self, refused: Error) -> Creation {
        let attempts = self.attempts;
        for look in 1..=LOOKS {
            match self.whose().await {
                Ok((Found::Ours(account), status)) => {
                    return Creation::Created {
                        status,
                        account: Some(account),
                        attempts,
                    };
                }
                Ok((Found::Theirs(holder), _)) => {
                    return Creation::Taken {
                        refused: Some(refused),
                        holder: Some(holder),
                        attempts,
                    };
                }
                // Somebody has the email: the account may take a while to show.
                Ok((Found::Nobody, _)) if look < LOOKS => {
                    if self
                        .worker
                        .client
                        .line()
                        .pace()
                        .rest(BETWEEN_LOOKS)
                        .await
                        .is_err()
                    {
                        break;
                    }
                }
                Ok((Found::Nobody, _)) => {}
                Err(error) => return Creation::Unknown { error, attempts },
            }
        }
        Creation::Unknown {
            error: refused,
            attempts,
        }
    }

    /// 409 after the node said that there are too many calls. It has hardly looked at the POST then: the account is
    /// our own only if the node says when it was made.
    async fn taken_after_waiting(self, refused: Error) -> Creation {
        let attempts = self.attempts;
        let holder = match self.whose().await {
            Ok((Found::Ours(account), status)) if account.created.is_some() => {
                return Creation::Created {
                    status,
                    account: Some(account),
                    attempts,
                };
            }
            Ok((Found::Ours(account) | Found::Theirs(account), _)) => Some(account),
            Ok((Found::Nobody, _)) | Err(_) => None,
        };
        Creation::Taken {
            refused: Some(refused),
            holder,
            attempts,
        }
    }

    /// It could not be seen whether the POST worked.
    fn not_seen(&self, error: Error) -> Creation {
        let attempts = self.attempts;
        match error {
            error if self.noted => Creation::Unknown { error, attempts },
            // It is a question that was lost, not the POST.
            Error::Fault(fault) => Creation::Failed {
                error: Error::Fault(without_doubt(&fault)),
                attempts,
            },
            error => Creation::Failed { error, attempts },
        }
    }

    /// No further call may leave.
    fn cut_off(self, fault: Fault) -> Creation {
        let attempts = self.attempts;
        let error = Error::Fault(Fault {
            may_have_worked: self.noted,
            ..fault
        });
        if self.noted {
            Creation::Unknown { error, attempts }
        } else {
            Creation::Failed { error, attempts }
        }
    }

    async fn whose(&self) -> Result<(Found, u16), Error> {
        let reply = self.worker.directory.people.find_now(self.email).await?;
        let found = match reply.value {
            Holder::Nobody | Holder::SomeoneElse { .. } => Found::Nobody,
            Holder::Several { .. } => return Err(Error::Vanished),
            Holder::Account(account) if self.is_ours(&account, reply.date) => Found::Ours(account),
            Holder::Account(account) => Found::Theirs(account),
        };
        Ok((found, reply.status))
    }

    /// An account is this row's own when the node made it since the row began, by the node's own
    /// clock where it tells the time; where it does not say when, if it holds what the row asks for.
    fn is_ours(&self, account: &User, node_now: Option<i64>) -> bool {
        /// How wrong this machine's clock may be against the node's.
        const SKEW: i64 = 600;
        let age = |now: i64, made: Timestamp| now.saturating_sub(made.as_second());
        match (account.created, node_now, self.begun.age()) {
            (Some(made), Some(now), Some(begun)) => age(now, made) <= begun + TOLERANCE,
            (Some(made), None, Some(begun)) => {
                age(Timestamp::now().as_second(), made) <= begun + SKEW
            }
            (None, ..) | (.., None) => self.is_alike(account),
        }
    }

    /// When an account was made, if that was before the row began, whatever is wrong with clocks and time zones. Some
    /// nodes answer the create of somebody who is there with a yes and that account.
    fn made_before(&self, account: &User, node_now: Option<i64>, status: u16) -> Option<Timestamp> {
        /// A day: no time zone is further off.
        const DOUBT: i64 = 86_400;
        /// Time zones are apart by whole quarters of an hour.
        const QUARTER: i64 = 900;
        let now = node_now.unwrap_or_else(|| Timestamp::now().as_second());
        let made = account.created?;
        let age = now.saturating_sub(made.as_second());
        let begun = self.begun.age()?;
        let recent = begun.saturating_add(TOLERANCE);
        // Who makes an account says 201.
        let is_doubtful = status == 200 && node_now.is_some();
        let is_older = age > begun.saturating_add(DOUBT)
            || (is_doubtful && age > recent && age % QUARTER > recent);
        is_older.then_some(made)
    }

    fn is_alike(&self, account: &User) -> bool {
        let same =
            |asked: &Option<String>, there: &Option<String>| asked.is_none() || asked == there;
        same(&self.user.given_name, &account.given_name)
            && same(&self.user.family_name, &account.family_name)
            && same(&self.user.external_id, &account.external_id)
            && same(&self.user.display_name, &account.display_name)
    }
}

/// The same fault after it was seen that nothing had come of it.
fn without_doubt(fault: &Fault) -> Fault {
    Fault {
        may_have_worked: false,
        ..fault.clone()
    }
}
