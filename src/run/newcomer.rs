//! New accounts: made, completed where the node left something aside, adopted where they exist.

use std::sync::atomic::Ordering;

use tracing::warn;

use super::OnConflict;
use super::confirm::{in_words, made_otherwise};
use super::course::{Course, Pending};
use super::create::{Create, Creation};
use super::habits::Aspects;
use super::journal::Before;
use super::outcome::{Outcome, Verdict};
use super::past::Asked;
use super::stop::StopReason;
use super::worker::{Worker, impossible};
use crate::directory::Holder;
use crate::plan::{Correction, Impossible, Work, adopt};
use crate::roster::{Action, Newcomer};
use crate::scim::{Error, NewUser, Operation, Reference, Reply, User, same_id};

/// The email of a create is that of an account that can be found.
pub(super) const EXISTS_HERE: &str =
    "an account with this email exists on this node; see --on-conflict skip or update";

/// What becomes of a create whose email is taken.
enum Taken {
    Settled(Outcome),
    /// The account that exists is to be made as the row asks.
    Adopt(Box<Correction>),
}

impl Worker {
    /// Carries out a create.
    pub(super) async fn create(
        &self,
        asked: &Asked,
        user: &NewUser,
        newcomer: &Newcomer,
    ) -> Course {
        if self.seats_used_up() {
            return Outcome::new(Verdict::NotAttempted)
                .because("the licensed seats are used up")
                .into();
        }
        let before = Before::Nobody {
            email: Some(user.user_name.clone()),
            made: None,
        };
        if let Err(outcome) = self.announce(asked.number, before).await {
            return outcome.into();
        }
        let creation = self.send_new(asked, user, newcomer).await;
        self.conclude(asked, user, newcomer, creation).await
    }

    /// Sends a create with its teams, or without where the node does not take them with the user: RFC
    /// 7643, section 4.1.2, makes them read-only there.
    async fn send_new(&self, asked: &Asked, user: &NewUser, newcomer: &Newcomer) -> Creation {
        let create = |user, doubt| Create::new(self, user, &newcomer.email, doubt);
        let doubt = asked.doubt.as_ref();
        let plain = || NewUser {
            groups: Vec::new(),
            ..user.clone()
        };
        if self.habits.memberships_by_group() {
            return create(&plain(), doubt).send().await;
        }
        let creation = create(user, doubt).send().await;
        let aspects = Aspects::of_new(user);
        match creation {
            Creation::Failed {
                error: Error::Refused(refusal),
                attempts,
            } if refusal.is_about_form()
                && !user.groups.is_empty()
                && !self.habits.are_proven(aspects) =>
            {
                let creation = create(&plain(), doubt).send().await.after(attempts);
                if matches!(creation, Creation::Created { .. }) {
                    self.habits.use_groups();
                }
                creation
            }
            creation => creation,
        }
    }

    /// What becomes of a row whose create has ended.
    pub(super) async fn conclude(
        &self,
        asked: &Asked,
        user: &NewUser,
        newcomer: &Newcomer,
        creation: Creation,
    ) -> Course {
        match creation {
            Creation::Created {
                status,
                account,
                attempts,
            } => {
                let created = Outcome::new(Verdict::Created)
                    .status(status)
                    .attempts(attempts);
                match account {
                    Some(account) => Box::pin(self.complete(asked, user, *account, created)).await,
                    None => created.into(),
                }
            }
            Creation::Taken {
                refused,
                holder,
                attempts,
            } => {
                let holder = holder.map(|holder| *holder);
                match Box::pin(self.taken(newcomer, refused, holder, asked.repeats)).await {
                    Taken::Settled(outcome) => outcome.attempts_of(attempts).into(),
                    Taken::Adopt(correction) => {
                        let pending = Pending {
                            attempts,
                            ..Pending::new(asked.number, Action::Update, *correction)
                        };
                        Box::pin(self.correct(pending)).await
                    }
                }
            }
            Creation::Failed { error, attempts } => {
                self.note_create(&error);
                self.failed(&error).attempts(attempts).into()
            }
            Creation::Unknown { error, attempts } => {
                self.note(&error);
                Outcome::new(Verdict::Unknown)
                    .status(error.status())
                    .attempts(attempts)
                    .because(format!(
                        "it was sent, and whether it worked could not be found out: {error}"
                    ))
                    .into()
            }
        }
    }

    /// Some nodes make the account and leave its teams, or that it is to be locked, aside: what is
    /// missing is asked for again, as a change.
    async fn complete(
        &self,
        asked: &Asked,
        user: &NewUser,
        account: User,
        created: Outcome,
    ) -> Course {
        let id = account.id.clone();
        let created = created.user(id.clone());
        let otherwise = made_otherwise(user, &account);
        let created = if otherwise.is_empty() {
            created
        } else {
            // The account is there and of use. That it is otherwise is said, and no more.
            created.because(format!("created, but the node {}", in_words(&otherwise)))
        };
        let aspects = Aspects::of_new(user);
        let is_shown = |account: &User| {
            (user.groups.is_empty() || account.groups.is_some())
                && (user.active != Some(false) || account.active.is_some())
        };
        let (mut account, mut missing) = (account, None);
        let is_certain = || self.habits.are_proven(aspects) || self.habits.memberships_by_group();
        if !is_shown(&account) && !is_certain() {
            let _one = self.habits.one_looks().await;
            if !is_certain() {
                // Where the account cannot be read, the groups may tell, and else the node's yes has to do.
                if let Ok(Reply {
                    value: Some(shown), ..
                }) = self.client.user(&id).await
                {
                    account = shown;
                }
                let not_in = self.not_joined(&id, &user.groups, &account).await;
                if not_in.is_empty() && not_heeded(user, &account).is_none() {
                    self.habits.prove(aspects);
                } else if not_in.len() == user.groups.len() && !not_in.is_empty() {
                    self.habits.use_groups();
                }
                missing = Some(not_in);
            }
        }
        let missing = missing.unwrap_or_else(|| self.not_shown(&user.groups, &account));
        let active = not_heeded(user, &account);
        if missing.is_empty() && active.is_none() {
            if is_shown(&account) {
                self.habits.prove(aspects);
            }
            // What the node does not show is as asked.
            let groups = account.groups.take();
            account.groups = groups.or_else(|| Some(self.references(&user.groups)));
            account.active = account.active.or(user.active);
            self.directory.people.remember(&account);
            let teams = &self.directory.teams;
            teams.note_memberships(&account.id, &user.groups, &[]);
            return created.into();
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
            memberships_seen: true,
        };
        let pending = Pending {
            before: Some(created),
            ..Pending::new(asked.number, Action::Update, correction)
        };
        self.correct(pending).await
    }

    fn references(&self, groups: &[String]) -> Vec<Reference> {
        let ids = groups.iter().map(|id| self.directory.teams.now(id));
        ids.map(|id| Reference::to(id.to_owned())).collect()
    }

    /// Which of these groups a new account is not in, as far as it shows its groups.
    fn not_shown(&self, groups: &[String], account: &User) -> Vec<String> {
        let ids = groups.iter().map(|id| self.directory.teams.now(id));
        let is_missing = |id: &&str| match &account.groups {
            Some(shown) => !shown.iter().any(|group| same_id(&group.value, id)),
            // They were not sent with the account.
            None => self.habits.memberships_by_group(),
        };
        ids.filter(is_missing).map(str::to_owned).collect()
    }

    /// Which of these groups a new account is not in, by the groups themselves if it does not show them.
    async fn not_joined(&self, user: &str, groups: &[String], account: &User) -> Vec<String> {
        if account.groups.is_some() {
            return self.not_shown(groups, account);
        }
        let mut missing = Vec::new();
        for group in groups.iter().map(|id| self.directory.teams.now(id)) {
            if self.is_member(user, group).await == Some(false) {
                missing.push(group.to_owned());
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
    ) -> Taken {
        let status = refused.as_ref().and_then(Error::status).unwrap_or(409);
        let words = refused.map_or_else(|| "already taken".to_owned(), |error| error.to_string());
        let choice = self.settings.on_conflict;
        let holder = match holder {
            _ if !repeats && choice == OnConflict::Fail => {
                let outcome = self.refused(newcomer, holder, &words).await;
                return Taken::Settled(outcome.status(status));
            }
            None if !repeats => match self.who_has(newcomer, &words).await {
                Ok(account) => Some(account),
                Err(outcome) => return Taken::Settled(outcome),
            },
            holder => holder,
        };
        let known = holder.as_ref().map(|user| user.id.clone());
        let outcome = |verdict| Outcome::new(verdict).status(status).user(known.clone());
        let outcome = match (choice, holder) {
            (OnConflict::Update, Some(account)) if !repeats => {
                let groups = newcomer.join.iter();
                self.directory.see_memberships(&account, groups).await;
                match adopt(newcomer, &account, &self.directory.teams) {
                    Work::Patch(correction) => return Taken::Adopt(correction),
                    Work::Impossible(reason) => outcome(Verdict::Failed).because(reason),
                    _ => Outcome::new(Verdict::Unchanged)
                        .status(200)
                        .user(account.id),
                }
            }
            _ => outcome(Verdict::Exists),
        };
        Taken::Settled(outcome)
    }

    /// A row that has failed since its email is taken, with words on where.
    async fn refused(&self, newcomer: &Newcomer, holder: Option<User>, words: &str) -> Outcome {
        let failed = Outcome::new(Verdict::Failed).status(409);
        let holder = match holder {
            Some(account) => Some(Holder::Account(Box::new(account))),
            // The row has failed, whatever comes of this question.
            None => {
                let asked = self.directory.people.taken_by(&newcomer.email).await;
                asked.ok().flatten()
            }
        };
        match holder {
            None => failed.because(words),
            Some(Holder::Account(account)) => failed
                .user(account.id)
                .because(format!("{words}; {EXISTS_HERE}")),
            Some(Holder::Several { ids }) => failed.because(format!(
                "{words}; the node has {} accounts of this email: {}",
                ids.len(),
                ids.join(", ")
            )),
            Some(Holder::Nobody | Holder::SomeoneElse { .. }) => {
                failed.because(format!("{words}; {}", elsewhere(newcomer)))
            }
        }
    }

    /// The account that has a newcomer's email, or what becomes of the row.
    async fn who_has(&self, newcomer: &Newcomer, words: &str) -> Result<User, Outcome> {
        let holder = self.directory.people.find_now(&newcomer.email).await;
        match holder.map_err(|error| self.not_found_out(&error))?.value {
            Holder::Account(account) => Ok(*account),
            Holder::Nobody | Holder::SomeoneElse { .. } => Err(Outcome::new(Verdict::Failed)
                .status(409)
                .because(format!("{words}; {}", elsewhere(newcomer)))),
            Holder::Several { ids } => Err(impossible(&Impossible::Several { ids }).status(409)),
        }
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
}

/// Why a create is refused although nobody on the node has the email.
fn elsewhere(newcomer: &Newcomer) -> &'static str {
    if newcomer.external_id.is_some() {
        "nobody on this node has this email, so it belongs to another node or tenant, or the external id is taken"
    } else {
        "nobody on this node has this email, so it belongs to another node or tenant"
    }
}

/// Whether a new account is to be active or locked, where it shows the other.
fn not_heeded(user: &NewUser, account: &User) -> Option<bool> {
    let other = |wanted: &bool| account.active.is_some_and(|active| active != *wanted);
    user.active.filter(other)
}
