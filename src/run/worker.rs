//! Carries out one row: finds the person, plans, sends, and finds out what became of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tracing::warn;

use super::create::{Create, Creation};
use super::habits::{Aspects, Habits};
use super::outcome::{Outcome, Verdict};
use super::stop::{StopReason, StopSwitch};
use super::{OnConflict, Settings};
use crate::directory::{Directory, Holder};
use crate::pace::FaultKind;
use crate::plan::{Correction, Impossible, Work, plan};
use crate::roster::{Action, Change, Newcomer};
use crate::scim::{Client, Error, NewUser, Operation, Reply, User};

/// What every row of a run needs.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) client: Arc<Client>,
    pub(super) directory: Arc<Directory>,
    pub(super) settings: Settings,
    pub(super) stop: Arc<StopSwitch>,
    pub(super) habits: Habits,
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
            habits: Habits::default(),
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
            Work::Patch(correction) => self.amend(change.action(), &correction).await,
            Work::Delete { id } => self.delete(id).await,
        }
    }

    async fn create(&self, user: &NewUser, newcomer: &Newcomer, repeats: bool) -> Outcome {
        if self.seats_used_up() {
            return Outcome::new(Verdict::NotAttempted).because("the licensed seats are used up");
        }
        match Create::new(self, user, &newcomer.email).send().await {
            Creation::Created {
                status,
                account,
                attempts,
            } => {
                let created = Outcome::new(Verdict::Created)
                    .status(status)
                    .attempts(attempts);
                match account {
                    Some(account) => self.complete(user, *account, created).await,
                    None => created,
                }
            }
            Creation::Taken {
                refused,
                holder,
                attempts,
            } => {
                let holder = holder.map(|holder| *holder);
                self.taken(newcomer, refused, holder, repeats)
                    .await
                    .attempts_of(attempts)
            }
            Creation::Failed { error, attempts } => {
                self.note_create(&error);
                self.failed(&error).attempts(attempts)
            }
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

    /// Some nodes make the account and leave its teams, or that it is to be locked, aside: what is
    /// missing is asked for again, as a change.
    async fn complete(&self, user: &NewUser, account: User, created: Outcome) -> Outcome {
        let id = account.id.clone();
        let created = created.user(id.clone());
        let mut account = account;
        if account.groups.is_none()
            && !user.groups.is_empty()
            && !self.habits.are_proven(Aspects::TEAMS_OF_NEW)
        {
            // Where the account cannot be read, the groups may tell, and else the node's yes has to do.
            if let Ok(Reply {
                value: Some(shown), ..
            }) = self.client.user(&id).await
            {
                account = shown;
            }
        }
        let missing = match &account.groups {
            Some(groups) => {
                let is_in = |id: &&String| groups.iter().any(|group| group.value == **id);
                user.groups
                    .iter()
                    .filter(|id| !is_in(id))
                    .cloned()
                    .collect()
            }
            None => self.not_joined(&id, &user.groups).await,
        };
        let active = user
            .active
            .filter(|wanted| account.active.is_some_and(|active| active != *wanted));
        if missing.is_empty() && active.is_none() {
            if !user.groups.is_empty() {
                self.habits.prove(Aspects::TEAMS_OF_NEW);
            }
            self.directory.people.remember(&account);
            return created;
        }
        let operations = active
            .map(|active| Operation::replace("active", active))
            .into_iter()
            .collect();
        let after = User {
            active: active.or(account.active),
            ..account.clone()
        };
        let correction = Correction {
            before: account,
            after,
            operations,
            join: missing,
            leave: Vec::new(),
        };
        let amended = self.amend(Action::Update, &correction).await;
        match amended.error {
            None => created.attempts_of(amended.attempts),
            Some(words) => Outcome {
                verdict: Verdict::Failed,
                ..created
            }
            .attempts_of(amended.attempts)
            .because(format!(
                "the account was created, but not as asked: {words}"
            )),
        }
    }

    /// Which of these groups a new account is not in, where the account itself does not show it. One
    /// look a run tells whether the node heeds teams that are given with a new account.
    async fn not_joined(&self, user: &str, groups: &[String]) -> Vec<String> {
        let mut missing = Vec::new();
        if !self.habits.are_proven(Aspects::TEAMS_OF_NEW) {
            for group in groups {
                if self.is_member(user, group).await == Some(false) {
                    missing.push(group.clone());
                }
            }
        }
        missing
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
        let look = !repeats && self.settings.on_conflict != OnConflict::Fail;
        let holder = match holder {
            None if look => match self.directory.people.find_now(&newcomer.email).await {
                Ok(reply) => match reply.value {
                    Holder::Account(account) => Some(*account),
                    Holder::Nobody | Holder::SomeoneElse { .. } => {
                        return Outcome::new(Verdict::Failed).status(409).because(format!(
                            "{words}; nobody on this node has this email, so something else of the row is \
                             taken, or the email belongs to another node or tenant"
                        ));
                    }
                    Holder::Several { ids } => {
                        return impossible(&Impossible::Several { ids }).status(409);
                    }
                },
                Err(error) => return self.not_found_out(&error),
            },
            holder => holder,
        };
        let known = holder.as_ref().map(|user| user.id.clone());
        let outcome = |verdict| Outcome::new(verdict).status(409).user(known.clone());
        match (self.settings.on_conflict, holder) {
            _ if repeats => outcome(Verdict::Exists),
            (OnConflict::Skip, _) => outcome(Verdict::Exists),
            (OnConflict::Update, Some(account)) => {
                match crate::plan::adopt(newcomer, &account, &self.directory.teams) {
                    Work::Patch(correction) => self.amend(Action::Update, &correction).await,
                    Work::Impossible(reason) => outcome(Verdict::Failed).because(reason),
                    _ => Outcome::new(Verdict::Unchanged)
                        .status(200)
                        .user(account.id),
                }
            }
            (OnConflict::Fail | OnConflict::Update, _) => outcome(Verdict::Failed).because(words),
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
    pub(super) fn failed(&self, error: &Error) -> Outcome {
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

    /// Some errors of a create are about all creates, or about the address.
    fn note_create(&self, error: &Error) {
        match error {
            Error::Refused(refusal)
                if refusal.status == 428 && !self.seats_used_up.swap(true, Ordering::Relaxed) =>
            {
                warn!(
                    "the licensed seats are used up; no more accounts are created, the other rows go on"
                );
            }
            Error::Refused(refusal) if refusal.status == 404 => {
                self.stop.drain(StopReason::Unreachable(format!(
                    "{error}: there are no users at this address, so region, node id or --url must be wrong"
                )));
            }
            _ => {}
        }
    }

    /// Some errors are not this row's alone.
    fn note(&self, error: &Error) {
        match error {
            Error::Refused(refusal) if matches!(refusal.status, 401 | 403) => {
                self.stop.drain(StopReason::Denied(error.to_string()));
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
        Impossible::SomeoneElse { .. } | Impossible::Several { .. } => {
            Outcome::new(Verdict::Failed)
        }
        Impossible::Team { .. } => Outcome::new(Verdict::Invalid),
    };
    outcome.because(reason)
}
