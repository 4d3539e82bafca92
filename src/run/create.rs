//! A create that is carried out once, whatever happens to its answer.
//!
//! A POST whose answer was lost may have worked. Before it is sent again, the account is looked
//! for; and when a second POST is refused with 409, the account may be the first one's. Whose an account is that is
//! found then is told by [`ownership`](super::ownership).

use std::time::Duration;

use tracing::{debug, info};

use super::confirm::is_another;
use super::conflict::Conflict;
use super::likeness::{Compared, Read};
use super::observed_capabilities::LookUpTurn;
use super::ownership::{Acceptance, Made, Owner, Sent, claim, owner};
use super::prior_state::{InDoubt, Proof};
use super::worker::Worker;
use super::writer::SendMode;
use crate::directory::AccountLookup;
use crate::roster::{Email, NewAccount};
use crate::scim::{Error, NewUser, Reply, User, same_id};
use crate::transport::retry::{Effort, MAX_ATTEMPTS};
use crate::transport::{Fault, FaultKind, Refused};

/// How often an account is looked for that must be there.
const LOOKS: u32 = 4;

/// How long it is given to show.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// An account that is found so soon after a POST is hardly somebody else's.
const NEAR: Duration = Duration::from_secs(1);

/// How a create ended.
#[derive(Debug)]
pub(super) enum Creation {
    /// The account is there, and this row made it.
    Created {
        status: u16,
        account: Option<Box<User>>,
        /// Whether that is certain enough to lock it when the run is undone.
        proven: bool,
        attempts: u32,
    },
    /// The email was taken before this row came.
    ConflictOutcome { conflict: Conflict, attempts: u32 },
    /// The account was not made.
    Failed { error: Error, attempts: u32 },
    /// Nobody knows.
    Unknown { error: Error, attempts: u32 },
}

impl Creation {
    /// The same after so many calls of an earlier try.
    pub(super) fn after(mut self, earlier: u32) -> Self {
        let (Creation::Created { attempts, .. }
        | Creation::ConflictOutcome { attempts, .. }
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
    new_account: &'w NewAccount,
    email: &'w Email,
    attempts: u32,
    mode: SendMode,
    /// Whether an account that is there may be this row's own: a POST may have worked without its answer having come.
    sent: Sent,
    /// Whether anything says that one may have been carried out.
    noted: bool,
    /// Whether an earlier run may have sent it: then nobody saw what was there just before.
    is_resumed: bool,
    /// The node's own time before the first POST could leave.
    sent_at: Option<i64>,
    /// The id of the account that a list showed before that.
    seen_before: Option<String>,
}

/// Whose an account is that was found under the email of a create.
enum Found {
    Ours {
        account: Box<User>,
        /// Whether everything that the node shows says so.
        is_certain: bool,
    },
    Theirs(Conflict),
}

impl<'w> Create<'w> {
    /// `doubt`: that it may have been sent before; `announced`: the node's own time now.
    pub(super) fn new(
        worker: &'w Worker,
        user: &'w NewUser,
        new_account: &'w NewAccount,
        doubt: Option<&InDoubt>,
        announced: Option<i64>,
    ) -> Self {
        let email = &new_account.email;
        let (sent, sent_at) = match doubt.map(|doubt| (doubt.proof, doubt.sent)) {
            None => (Sent::Never, announced),
            Some((Proof::Noted, sent)) => (Sent::Perhaps, sent),
            Some((Proof::Missing, sent)) => (Sent::Unrecorded, sent),
        };
        let known = worker.directory.people.known_id(email);
        Create {
            worker,
            user,
            new_account,
            email,
            attempts: 0,
            mode: SendMode::Together,
            sent,
            noted: doubt.is_some_and(InDoubt::is_noted),
            is_resumed: doubt.is_some(),
            sent_at,
            seen_before: match sent {
                Sent::Never => known,
                Sent::Perhaps | Sent::Unrecorded => None,
            },
        }
    }

    /// What became of a POST of an earlier time, where this account is there now.
    pub(super) async fn judge_found(&self, account: Box<User>) -> Creation {
        match self.whose(account).await {
            Found::Ours { account, .. } => Creation::Created {
                status: 200,
                account: Some(account),
                proven: false,
                attempts: 0,
            },
            Found::Theirs(conflict) => Creation::ConflictOutcome {
                conflict,
                attempts: 0,
            },
        }
    }

    /// Sends it until it is known what became of it.
    pub(super) async fn send(mut self) -> Creation {
        let mut effort = Effort::default();
        loop {
            let sent = self.worker.writer.create_user(self.user, &mut self.mode);
            let error = match sent.await {
                Ok(reply) => return Box::pin(self.created(reply)).await,
                Err(error) => error,
            };
            self.attempts += error.attempts();
            let fault = match &error {
                Error::Fault(fault) => fault.clone(),
                Error::Refused(refusal) if refusal.is_conflict() => {
                    // Some nodes carry out what they put off.
                    if refusal.doubtful || refusal.put_off {
                        self.sent = Sent::Perhaps;
                    }
                    if self.sent != Sent::Never {
                        return Box::pin(self.taken_in_doubt(error)).await;
                    }
                    return Creation::ConflictOutcome {
                        conflict: Conflict {
                            refused: Some(error),
                            holder: None,
                            likeness: None,
                        },
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
            self.noted |= fault.may_have_worked || fault.status == Some(201);
            if fault.kind.is_of_the_unsent() {
                return self.cut_off(fault);
            }
            self.sent = Sent::Perhaps;
            let wait = effort.after(&fault);
            let pace = self.worker.client.transport().pace();
            if pace.rest(wait).await.is_err() {
                let kind = FaultKind::Stopped;
                return self.not_seen(Error::Fault(Fault { kind, ..fault }));
            }
            let mut turn = None;
            if fault.refused != Refused::No && !self.is_resumed && !effort.is_spent(MAX_ATTEMPTS) {
                turn = self.worker.capabilities.look_up_turn().await;
                if turn.is_none() {
                    continue;
                }
            }
            if let Some(end) = Box::pin(self.look_into(&fault, effort, wait, turn)).await {
                return end;
            }
        }
    }

    async fn created(self, reply: Reply<Option<User>>) -> Creation {
        let (status, attempts) = (reply.status, self.attempts + reply.attempts);
        // A yes without the account, or with a part of it: the whole is worth a look.
        let account = match reply.value.filter(|user| user.user_name().is_some()) {
            Some(user) => Some(Box::new(user)),
            None => match self.find().await {
                Ok((Some(account), _)) => Some(account),
                Ok((None, _)) => {
                    return Creation::Unknown {
                        error: Error::Vanished,
                        attempts,
                    };
                }
                // The node said yes, and nothing speaks against it.
                Err(_) => None,
            },
        };
        let yes = Acceptance {
            status,
            created: account.as_ref().and_then(|account| account.created),
            sent: self.sent_at,
            now: reply.date,
            contradicts: account
                .as_ref()
                .is_some_and(|account| is_another(self.user, account)),
        };
        let was_listed = account
            .as_ref()
            .is_some_and(|account| self.was_seen_before(account));
        if was_listed || yes.is_to_another() {
            let refused = match yes.created {
                _ if was_listed => Error::ListedAccount {
                    status,
                    sign: "it was in the list of users",
                },
                Some(made) => Error::OlderAccount { status, made },
                None => Error::ListedAccount {
                    status,
                    sign: "it is not what the row asks for",
                },
            };
            return Creation::ConflictOutcome {
                conflict: Conflict {
                    refused: Some(refused),
                    holder: account,
                    likeness: None,
                },
                attempts,
            };
        }
        self.worker.lag.learn(yes);
        Creation::Created {
            status,
            account,
            proven: yes.is_proof(self.worker.lag.get()),
            attempts,
        }
    }

    /// Whether a list showed this account before the first POST.
    fn was_seen_before(&self, account: &User) -> bool {
        let seen_before = self.seen_before.as_deref();
        seen_before.is_some_and(|id| same_id(id, &account.id))
    }

    /// The answer was lost, or the node could not do it just then: looks whether the POST worked after so long, and ends the
    /// row unless it did not.
    async fn look_into(
        &self,
        fault: &Fault,
        effort: Effort,
        after: Duration,
        turn: Option<LookUpTurn<'_>>,
    ) -> Option<Creation> {
        let attempts = self.attempts;
        info!(email = %self.email, cause = %fault, "no answer to a create; looking whether it worked");
        let found = self.look().await;
        if let (Some(turn), Ok((found, _))) = (turn, &found) {
            turn.found(found.is_some());
        }
        match found {
            Ok((
                Some(Found::Ours {
                    account,
                    is_certain,
                }),
                status,
            )) => {
                let made = fault.status.filter(|status| *status == 201);
                // While a call waits, others may make the account.
                let was_put_off = fault.attempts > 1 || fault.status == Some(429);
                let is_near = !self.is_resumed && !was_put_off && after <= NEAR;
                Some(Creation::Created {
                    status: made.unwrap_or(status),
                    account: Some(account),
                    proven: made.is_some() || (is_certain && is_near),
                    attempts,
                })
            }
            Ok((Some(Found::Theirs(conflict)), _)) => {
                Some(Creation::ConflictOutcome { conflict, attempts })
            }
            Ok((None, _)) if effort.is_spent(MAX_ATTEMPTS) => Some(Creation::Failed {
                error: Error::Fault(without_doubt(fault)),
                attempts,
            }),
            Ok((None, _)) => {
                debug!(email = %self.email, "the account is not there; sending the create again");
                None
            }
            Err(error) => Some(self.not_seen(error)),
        }
    }

    /// 409 after a POST that may have worked: the account may be our own.
    async fn taken_in_doubt(self, refused: Error) -> Creation {
        let attempts = self.attempts;
        for look in 1..=LOOKS {
            match self.look().await {
                Ok((Some(Found::Ours { account, .. }), status)) => {
                    self.worker.capabilities.learn_of_refused_create(true);
                    return Creation::Created {
                        status,
                        account: Some(account),
                        proven: false,
                        attempts,
                    };
                }
                Ok((Some(Found::Theirs(conflict)), _)) => {
                    return Creation::ConflictOutcome {
                        conflict: Conflict {
                            refused: Some(refused),
                            ..conflict
                        },
                        attempts,
                    };
                }
                // Somebody has the email: the account may take a while to show.
                Ok((None, _)) if look < LOOKS => {
                    if self
                        .worker
                        .client
                        .transport()
                        .pace()
                        .rest(BETWEEN_LOOKS)
                        .await
                        .is_err()
                    {
                        break;
                    }
                }
                Ok((None, _)) => {}
                Err(error) => return Creation::Unknown { error, attempts },
            }
        }
        Creation::Unknown {
            error: refused,
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

    /// The account that has the email now, and the status code that said so.
    async fn find(&self) -> Result<(Option<Box<User>>, u16), Error> {
        let reply = self.worker.directory.people.find_now(self.email).await?;
        match reply.value {
            AccountLookup::NotFound | AccountLookup::IdMismatch { .. } => Ok((None, reply.status)),
            AccountLookup::Account(account) => Ok((Some(account), reply.status)),
            AccountLookup::Ambiguous { .. } => Err(Error::Vanished),
        }
    }

    async fn look(&self) -> Result<(Option<Found>, u16), Error> {
        let (account, status) = self.find().await?;
        let found = match account {
            Some(account) => Some(self.whose(account).await),
            None => None,
        };
        Ok((found, status))
    }

    /// Whose an account is that has the email.
    async fn whose(&self, account: Box<User>) -> Found {
        let worker = self.worker;
        // A list may leave out when it was made.
        let read = if self.sent != Sent::Never && account.created.is_none() {
            Read::Always
        } else {
            Read::IfItDiffers
        };
        let compared = worker.compare(self.new_account, &account, read).await;
        let Compared { likeness, shown } = compared;
        let account = Box::new(User {
            created: account
                .created
                .or(shown.as_ref().and_then(|shown| shown.created)),
            ..shown.unwrap_or(*account)
        });
        let made = if self.was_seen_before(&account) {
            Made::Before
        } else {
            let now = worker.client.node_time();
            Made::of(account.created, self.sent_at, now, worker.lag.get())
        };
        match owner(claim(self.sent, made), &likeness) {
            Owner::Ours { is_certain } => Found::Ours {
                account,
                is_certain,
            },
            Owner::Exists | Owner::Differs | Owner::Unclear => Found::Theirs(Conflict {
                refused: None,
                holder: Some(account),
                likeness: Some(likeness),
            }),
        }
    }
}

/// The same fault after it was seen that nothing had come of it.
fn without_doubt(fault: &Fault) -> Fault {
    Fault {
        may_have_worked: false,
        ..fault.clone()
    }
}
