//! Carries out one row: finds the person, plans, sends, and finds out what became of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tracing::warn;

use super::create::{Create, Creation};
use super::outcome::{Outcome, Verdict};
use super::stop::{StopReason, StopSwitch};
use super::{OnConflict, Settings};
use crate::directory::{Directory, Holder};
use crate::pace::FaultKind;
use crate::plan::{Correction, Impossible, Work, plan};
use crate::roster::{Action, Change, Newcomer};
use crate::scim::{Client, Error, Reply, User};

/// What every row of a run needs.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) client: Arc<Client>,
    pub(super) directory: Arc<Directory>,
    pub(super) settings: Settings,
    pub(super) stop: Arc<StopSwitch>,
    seats_used_up: AtomicBool,
    failed: AtomicU64,
}

impl Worker {
    pub(super) fn new(
        client: Arc<Client>,
        directory: Arc<Directory>,
        settings: Settings,
        stop: Arc<StopSwitch>,
    ) -> Self {
        Worker {
            client,
            directory,
            settings,
            stop,
            seats_used_up: AtomicBool::new(false),
            failed: AtomicU64::new(0),
        }
    }

    /// Whether the node said that there are no seats left (428).
    pub(super) fn seats_used_up(&self) -> bool {
        self.seats_used_up.load(Ordering::Relaxed)
    }

    /// Counts a row that is not as asked, and stops the run when there are too many.
    pub(super) fn count(&self, verdict: Verdict) {
        if !matches!(verdict, Verdict::Failed | Verdict::Unknown) {
            return;
        }
        let failed = self.failed.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(most) = self.settings.max_errors
            && failed > most
        {
            self.stop.drain(StopReason::TooManyErrors(most));
        }
    }

    /// Carries out `change`; `repeats` says that an earlier row asks for the very same.
    pub(super) async fn carry_out(&self, change: &Change, repeats: bool) -> Outcome {
        let holder = match change {
            Change::Create(_) => Holder::Nobody,
            _ => match self.directory.people.find(&change.person()).await {
                Ok(holder) => holder,
                Err(error) => return self.not_found_out(&error),
            },
        };
        match plan(change, &holder, &self.directory.teams) {
            Work::Create(user) => {
                let newcomer = change
                    .newcomer()
                    .expect("only a change with a newcomer is planned as a create");
                self.create(&user, newcomer, repeats).await
            }
            Work::Nothing { id } => Outcome::new(Verdict::Unchanged).status(200).user(id),
            Work::Impossible(reason) => impossible(&reason),
            Work::Patch(correction) => self.patch(change.action(), &correction).await,
            Work::Delete { id } => self.delete(id).await,
        }
    }

    async fn create(
        &self,
        user: &crate::scim::NewUser,
        newcomer: &Newcomer,
        repeats: bool,
    ) -> Outcome {
        if self.seats_used_up() {
            return Outcome::new(Verdict::NotAttempted).because("the licensed seats are used up");
        }
        let creation = Create::new(self, user, &newcomer.email).send().await;
        match creation {
            Creation::Created {
                status,
                id,
                attempts,
            } => {
                if let Some(id) = &id {
                    self.directory.people.remember(&as_created(user, id));
                }
                Outcome::new(Verdict::Created)
                    .status(status)
                    .user(id)
                    .attempts(attempts)
            }
            Creation::Taken {
                refused,
                holder,
                attempts,
            } => self
                .taken(newcomer, refused, holder, repeats)
                .await
                .attempts_of(attempts),
            Creation::Failed { error, attempts } => self.failed(&error).attempts(attempts),
            Creation::Unknown { error, attempts } => {
                self.note(&error);
                Outcome::new(Verdict::Unknown)
                    .status(error.status())
                    .attempts(attempts)
                    .because(format!(
                        "it was sent, and whether it worked could not be found out: {error}"
                    ))
            }
        }
    }

    /// The email of a create is taken (409): what then is the user's choice.
    async fn taken(
        &self,
        newcomer: &Newcomer,
        refused: Option<Error>,
        holder: Option<User>,
        repeats: bool,
    ) -> Outcome {
        let words = refused.map_or_else(|| "already taken".to_owned(), |error| error.to_string());
        let known = holder.as_ref().map(|user| user.id.clone());
        match self.settings.on_conflict {
            _ if repeats => Outcome::new(Verdict::Exists).status(409).user(known),
            OnConflict::Fail => Outcome::new(Verdict::Failed)
                .status(409)
                .user(known)
                .because(words),
            OnConflict::Skip => Outcome::new(Verdict::Exists).status(409).user(known),
            OnConflict::Update => {
                let holder = match holder {
                    Some(user) => Some(user),
                    None => match self.directory.people.find_now(&newcomer.email).await {
                        Ok(reply) => reply.value,
                        Err(error) => return self.not_found_out(&error),
                    },
                };
                let Some(account) = holder else {
                    return Outcome::new(Verdict::Failed).status(409).because(format!(
                        "{words}; nobody on this node has it, so it belongs to another node or tenant"
                    ));
                };
                match crate::plan::adopt(newcomer, &account, &self.directory.teams) {
                    Work::Patch(correction) => self.patch(Action::Update, &correction).await,
                    Work::Impossible(reason) => {
                        Outcome::new(Verdict::Failed).status(409).because(reason)
                    }
                    _ => Outcome::new(Verdict::Unchanged)
                        .status(200)
                        .user(account.id),
                }
            }
        }
    }

    async fn patch(&self, action: Action, correction: &Correction) -> Outcome {
        let id = &correction.before.id;
        let done = match action {
            Action::Lock => Verdict::Locked,
            Action::Unlock => Verdict::Unlocked,
            _ => Verdict::Updated,
        };
        match self.client.patch_user(id, &correction.patch).await {
            Ok(Reply {
                status,
                attempts,
                value,
                ..
            }) => {
                let now = value.filter(|user| user.user_name.is_some() && user.id == *id);
                if action == Action::Lock
                    && now.as_ref().is_some_and(|user| user.active == Some(true))
                {
                    let words = "the node says yes, but the account is still active";
                    return Outcome::new(Verdict::Failed)
                        .status(status)
                        .user(id.clone())
                        .attempts(attempts)
                        .because(words);
                }
                self.directory
                    .people
                    .remember(now.as_ref().unwrap_or(&correction.after));
                Outcome::new(done)
                    .status(status)
                    .user(id.clone())
                    .attempts(attempts)
            }
            Err(error) => self.failed(&error).user(id.clone()),
        }
    }

    async fn delete(&self, id: String) -> Outcome {
        match self.client.delete_user(&id).await {
            Ok(reply) => {
                self.directory.people.forget(&id);
                Outcome::new(Verdict::Deleted)
                    .status(reply.status)
                    .user(id)
                    .attempts(reply.attempts)
            }
            // Gone, and an earlier attempt may have been the one that did it.
            Err(Error::Refused(refusal)) if refusal.status == 404 && refusal.doubtful => {
                Outcome::new(Verdict::Deleted)
                    .status(404)
                    .user(id)
                    .attempts(refusal.attempts)
            }
            Err(error) => self.failed(&error).user(id),
        }
    }

    /// A call that was to change something did not come through.
    fn failed(&self, error: &Error) -> Outcome {
        self.note(error);
        let verdict = match error {
            Error::Fault(fault) if fault.may_have_worked => Verdict::Unknown,
            Error::Fault(fault)
                if matches!(fault.kind, FaultKind::Stopped | FaultKind::Unreachable) =>
            {
                Verdict::NotAttempted
            }
            _ => Verdict::Failed,
        };
        Outcome::new(verdict)
            .status(error.status())
            .attempts(error.attempts())
            .because(error)
    }

    /// A question did not come through; nothing was changed.
    fn not_found_out(&self, error: &Error) -> Outcome {
        self.note(error);
        let verdict = match error {
            Error::Fault(fault)
                if matches!(fault.kind, FaultKind::Stopped | FaultKind::Unreachable) =>
            {
                Verdict::NotAttempted
            }
            _ => Verdict::Failed,
        };
        Outcome::new(verdict)
            .status(error.status())
            .because(format!(
                "nothing was changed; the account could not be looked up: {error}"
            ))
    }

    /// Some errors are not this row's alone.
    fn note(&self, error: &Error) {
        match error {
            Error::Refused(refusal) if matches!(refusal.status, 401 | 403) => {
                self.stop.drain(StopReason::Denied(error.to_string()));
            }
            Error::Refused(refusal)
                if refusal.status == 428 && !self.seats_used_up.swap(true, Ordering::Relaxed) =>
            {
                warn!(
                    "the licensed seats are used up; no more accounts are created, the other rows go on"
                );
            }
            Error::Fault(fault) if fault.kind == FaultKind::Unreachable => {
                self.stop.drain(StopReason::Unreachable(error.to_string()));
            }
            _ => {}
        }
    }
}

impl Outcome {
    /// Counts the calls of a refused create in, on top of those that followed.
    fn attempts_of(self, create: u32) -> Self {
        let attempts = self.attempts + create;
        self.attempts(attempts)
    }
}

/// A row that asks for somebody whom the node does not have is answered as the node would: 404.
fn impossible(reason: &Impossible) -> Outcome {
    let outcome = match reason {
        Impossible::Nobody(_) => Outcome::new(Verdict::Failed).status(404),
        Impossible::SomeoneElse { .. } => Outcome::new(Verdict::Failed),
        Impossible::Team { .. } => Outcome::new(Verdict::Invalid),
    };
    outcome.because(reason)
}

fn as_created(user: &crate::scim::NewUser, id: &str) -> User {
    User {
        id: id.to_owned(),
        user_name: Some(user.user_name.clone()),
        given_name: user.given_name.clone(),
        family_name: user.family_name.clone(),
        display_name: user.display_name.clone(),
        external_id: user.external_id.clone(),
        active: Some(user.active.unwrap_or(true)),
        groups: Some(
            user.groups
                .iter()
                .map(|id| crate::scim::Reference {
                    value: id.clone(),
                    display: None,
                })
                .collect(),
        ),
        created: None,
    }
}
