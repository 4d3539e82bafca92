//! New accounts: made, and completed where the node left something aside.

use std::sync::atomic::Ordering;

use tracing::warn;

use super::amend::unseen;
use super::confirm::{in_words, left_out, unexpected_values};
use super::conflict::ConflictOutcome;
use super::create::{Create, Creation};
use super::journal::Before;
use super::observed_capabilities::CapabilitySet;
use super::outcome::{Outcome, Verdict};
use super::prior_state::RequestedChange;
use super::row_progress::{PendingPatch, RowProgress};
use super::stop::StopReason;
use super::worker::Worker;
use crate::plan::AccountPatch;
use crate::roster::{Action, NewAccount};
use crate::scim::{Error, NewUser, Operation, Reference, Reply, User, same_id};
use crate::transport::FaultKind;

impl Worker {
    /// Carries out a create.
    pub(super) async fn create(
        &self,
        asked: &RequestedChange,
        user: &NewUser,
        new_account: &NewAccount,
    ) -> RowProgress {
        if self.seats_used_up() {
            return no_seat().into();
        }
        let before = Before::Nobody {
            email: Some(user.user_name().to_owned()),
            made: None,
            proven: false,
        };
        let sent = match self.announce(asked.number, before).await {
            Ok(sent) => sent,
            Err(outcome) => return outcome.into(),
        };
        let creation = self.send_new(asked, user, new_account, sent).await;
        self.conclude(asked, user, new_account, creation).await
    }

    /// Sends a create with its teams, or without where the node does not take them with the user: RFC
    /// 7643, section 4.1.2, makes them read-only there.
    async fn send_new(
        &self,
        asked: &RequestedChange,
        user: &NewUser,
        new_account: &NewAccount,
        sent: Option<i64>,
    ) -> Creation {
        let create = |user, doubt| Create::new(self, user, new_account, doubt, sent);
        let doubt = asked.doubt.as_ref();
        let plain = || NewUser {
            groups: Vec::new(),
            ..user.clone()
        };
        if self.capabilities.memberships_by_group() {
            return create(&plain(), doubt).send().await;
        }
        let creation = create(user, doubt).send().await;
        let needed = CapabilitySet::of_new(user);
        match creation {
            Creation::Failed {
                error: Error::Refused(refusal),
                attempts,
            } if refusal.is_about_form()
                && !user.groups.is_empty()
                && !self.capabilities.are_proven(needed) =>
            {
                let creation = create(&plain(), doubt).send().await.after(attempts);
                if matches!(creation, Creation::Created { .. }) {
                    self.capabilities.use_groups();
                }
                creation
            }
            creation => creation,
        }
    }

    /// What becomes of a row whose create has ended.
    pub(super) async fn conclude(
        &self,
        asked: &RequestedChange,
        user: &NewUser,
        new_account: &NewAccount,
        creation: Creation,
    ) -> RowProgress {
        match creation {
            Creation::Created {
                status,
                account,
                proven,
                attempts,
            } => {
                self.has_created.store(true, Ordering::Relaxed);
                let created = Outcome::new(Verdict::Created)
                    .status(status)
                    .proven(proven)
                    .attempts(attempts);
                match account {
                    Some(account) => Box::pin(self.complete(asked, user, *account, created)).await,
                    None if self.is_stopping() && !user.groups.is_empty() => unseen(created).into(),
                    None => created.into(),
                }
            }
            Creation::ConflictOutcome { conflict, attempts } => {
                match Box::pin(self.taken(new_account, conflict, asked.repeats)).await {
                    ConflictOutcome::Settled(outcome) => outcome.attempts_of(attempts).into(),
                    ConflictOutcome::Adopt(account_patch) => {
                        let pending = PendingPatch {
                            attempts,
                            ..PendingPatch::new(asked.number, Action::Update, *account_patch)
                        };
                        Box::pin(self.apply_patch(pending)).await
                    }
                }
            }
            Creation::Failed {
                error: Error::Fault(fault),
                attempts,
            } if fault.kind == FaultKind::Withdrawn => no_seat().attempts(attempts).into(),
            Creation::Failed { error, attempts } => {
                self.note_create(&error);
                self.failed(&error).attempts(attempts).into()
            }
            Creation::Unknown { error, attempts } => {
                self.note(&error);
                // A row of unknown state with 409 is one whose only create was refused: it may be sent again.
                let status = error.status().filter(|status| *status != 409);
                Outcome::new(Verdict::Unknown)
                    .status(status)
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
        asked: &RequestedChange,
        user: &NewUser,
        account: User,
        created: Outcome,
    ) -> RowProgress {
        let id = account.id.clone();
        let (account, left_out) = self.seen(user, account).await;
        let created = created
            .user(id.clone())
            .with_remark(remark(user, &account, &left_out));
        let Some((account, missing)) = self.examine(user, account).await else {
            return unseen(created).into();
        };
        let active = not_heeded(user, &account);
        if missing.is_empty() && active.is_none() {
            self.keep(user, account);
            return created.into();
        }
        // An account that shows another name may be another person's: a yes alone is no reason to lock it.
        let is_unexpected = !unexpected_values(user, &account).is_empty();
        if active == Some(false) && is_unexpected && !created.proven {
            let outcome = Outcome {
                verdict: Verdict::Unknown,
                ..created
            };
            return outcome.because(MAY_BE_ANOTHER).into();
        }
        let operations = active
            .map(|active| Operation::replace("active", active))
            .into_iter()
            .collect();
        let after = User {
            active: active.or(account.active),
            ..account.clone()
        };
        let account_patch = AccountPatch {
            before: account,
            after,
            operations,
            join: missing,
            leave: Vec::new(),
            memberships_seen: true,
        };
        let pending = PendingPatch {
            before: Some(created),
            ..PendingPatch::new(asked.number, Action::Update, account_patch)
        };
        self.apply_patch(pending).await
    }

    /// A new account, and the groups that it was to join and is not in. What it does not show itself is looked for until
    /// this node was once seen to heed it; nothing if the run was stopped before.
    async fn examine(&self, user: &NewUser, account: User) -> Option<(User, Vec<String>)> {
        let needed = CapabilitySet::of_new(user);
        let is_certain =
            || self.capabilities.are_proven(needed) || self.capabilities.memberships_by_group();
        if !is_shown(user, &account) && !is_certain() {
            let _one = self.capabilities.one_looks().await;
            if !is_certain() {
                let id = account.id.clone();
                // Where the account cannot be read, the groups may tell, and else the node's yes has to do.
                let account = match self.client.user(&id).await {
                    Ok(Reply {
                        value: Some(shown), ..
                    }) => shown,
                    Err(_) if self.is_stopping() => return None,
                    _ => account,
                };
                let missing = self.not_joined(&id, &user.groups, &account).await;
                if missing.is_empty() && not_heeded(user, &account).is_none() {
                    self.capabilities.prove(needed);
                } else if missing.len() == user.groups.len() && !missing.is_empty() {
                    self.capabilities.use_groups();
                }
                return Some((account, missing));
            }
        }
        let missing = self.not_shown(&user.groups, &account);
        Some((account, missing))
    }

    /// Remembers a new account that is as asked, and what it does not show of it.
    fn keep(&self, user: &NewUser, mut account: User) {
        if is_shown(user, &account) {
            self.capabilities.prove(CapabilitySet::of_new(user));
        }
        let groups = account.groups.take();
        account.groups = groups.or_else(|| Some(self.references(&user.groups)));
        account.active = account.active.or(user.active);
        self.directory.people.remember(&account);
        let teams = &self.directory.teams;
        teams.note_memberships(&account.id, &user.groups, &[]);
    }

    /// A new account, and what it lacks of what was asked for. Some nodes answer in short, others leave aside what they
    /// have no room for: which it is, a look tells, once in a run.
    async fn seen(&self, user: &NewUser, account: User) -> (User, Vec<&'static str>) {
        let unshown = left_out(user, &account);
        let known = |unshown: &Vec<&'static str>| {
            if unshown.is_empty() || self.capabilities.are_proven(CapabilitySet::SHORT_ANSWERS) {
                return Some(Vec::new());
            }
            let is_whole = self.capabilities.are_proven(CapabilitySet::WHOLE_ANSWERS);
            is_whole.then(|| unshown.clone())
        };
        if let Some(unshown) = known(&unshown) {
            return (account, unshown);
        }
        let _one = self.capabilities.one_looks().await;
        if let Some(unshown) = known(&unshown) {
            return (account, unshown);
        }
        let looked = self.client.user(&account.id).await;
        let (account, unshown) = match looked {
            Ok(Reply {
                value: Some(shown), ..
            }) => {
                let unshown = left_out(user, &shown);
                (shown, unshown)
            }
            // Nobody can tell.
            _ => (account, Vec::new()),
        };
        self.capabilities.prove(if unshown.is_empty() {
            CapabilitySet::SHORT_ANSWERS
        } else {
            CapabilitySet::WHOLE_ANSWERS
        });
        (account, unshown)
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
            None => self.capabilities.memberships_by_group(),
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

    /// Some errors of a create are about all creates, or about the address.
    fn note_create(&self, error: &Error) {
        match error {
            Error::Refused(refusal) if refusal.status == 428 && self.client.end_creates() => {
                warn!(
                    "the licensed seats are used up; no more accounts are created, the other rows go on"
                );
            }
            Error::Refused(refusal)
                if refusal.status == 404 && !self.has_created.load(Ordering::Relaxed) =>
            {
                self.stop.drain(StopReason::Unreachable(format!(
                    "{error}: there are no users at this address, so region, node id or --url must be wrong"
                )));
            }
            _ => {}
        }
    }
}

const MAY_BE_ANOTHER: &str = "the node answered the create with an account that shows another name and is active; it may be another \
     person's, so it was not locked";

/// What becomes of whoever was not sent since the node has no seats left.
fn no_seat() -> Outcome {
    Outcome::new(Verdict::NotAttempted).because("the licensed seats are used up")
}

/// What is to be said of a new account that is otherwise than asked. It is there and of use: that is said, and no more.
fn remark(user: &NewUser, account: &User, left_out: &[&str]) -> Option<String> {
    let unexpected = unexpected_values(user, account);
    let unexpected = (!unexpected.is_empty()).then(|| in_words(&unexpected));
    let lacks = (!left_out.is_empty()).then(|| format!("shows no {}", left_out.join(", no ")));
    let all: Vec<String> = [unexpected, lacks].into_iter().flatten().collect();
    (!all.is_empty()).then(|| format!("created, but the node {}", all.join(", and ")))
}

/// Whether a new account is to be active or locked, where it shows the other.
fn not_heeded(user: &NewUser, account: &User) -> Option<bool> {
    let other = |wanted: &bool| account.active.is_some_and(|active| active != *wanted);
    user.active.filter(other)
}

/// Whether a new account shows all that a node might have left aside.
fn is_shown(user: &NewUser, account: &User) -> bool {
    (user.groups.is_empty() || account.groups.is_some())
        && (user.active != Some(false) || account.active.is_some())
}
