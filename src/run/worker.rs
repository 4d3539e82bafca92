//! Carries out one row: finds the person, plans, sends, and finds out what became of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::concurrent_removals::{ConcurrentRemovals, RemovedFrom};
use super::forecast::Rehearsal;
use super::journal::{Before, Journal};
use super::observed_capabilities::ObservedCapabilities;
use super::outcome::{Outcome, Verdict, impossible, protected};
use super::ownership::Lag;
use super::prior_state::RequestedChange;
use super::row_progress::{PendingPatch, RowProgress};
use super::stop::{StopReason, StopSwitch};
use super::writer::Writer;
use super::{Settings, not_attempted};
use crate::directory::{AccountLookup, Directory};
use crate::guard::{LockAllowance, LockLimit};
use crate::plan::{Impossible, PlannedOperation, plan};
use crate::roster::{Ask, Change, Email, Protected};
use crate::scim::{Client, Error};
use crate::sheet::RowNumber;
use crate::transport::FaultKind;

/// What every row of a run needs.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) client: Arc<Client>,
    pub(super) writer: Writer,
    pub(super) directory: Arc<Directory>,
    pub(super) settings: Settings,
    pub(super) stop: Arc<StopSwitch>,
    pub(super) capabilities: ObservedCapabilities,
    pub(super) removals: ConcurrentRemovals,
    pub(super) journal: Journal,
    /// Whom no row locks or deletes.
    pub(super) protected: Protected,
    /// In a rehearsal nothing is sent that changes anything.
    pub(super) rehearsal: Option<Rehearsal>,
    /// Whether the node has made an account: then the address is right.
    pub(super) has_created: AtomicBool,
    /// How far `meta.created` lags behind the node's `Date`.
    pub(super) lag: Lag,
    failed: AtomicU64,
    /// How many people may lose access, and who has so far; nothing where any number may.
    pub(super) losses: Option<LockAllowance>,
}

impl Worker {
    pub(super) fn new(
        client: Arc<Client>,
        directory: Arc<Directory>,
        settings: Settings,
        stop: Arc<StopSwitch>,
        writer: Writer,
    ) -> Self {
        Worker {
            client,
            writer,
            journal: Journal::none(),
            protected: Protected::default(),
            directory,
            rehearsal: settings.rehearse.then(|| Rehearsal::new(settings.bulk)),
            capabilities: ObservedCapabilities::of(settings.capabilities),
            losses: None,
            removals: ConcurrentRemovals::default(),
            settings,
            stop,
            has_created: AtomicBool::new(false),
            lag: Lag::default(),
            failed: AtomicU64::new(0),
        }
    }

    /// Whether the node said that there are no seats left (428).
    pub(super) fn seats_used_up(&self) -> bool {
        self.client.has_ended_creates()
    }

    /// Whether no further call leaves.
    pub(super) fn is_stopping(&self) -> bool {
        self.stop.reason().is_some()
    }

    /// Counts a row that is not as asked, and stops the run when there are too many. Whatever the row
    /// may have changed unseen is asked for before another row relies on it; `emails` are what its
    /// account may have now.
    pub(super) fn count(&self, outcome: &Outcome, emails: &[Email]) {
        let id = outcome.user_id.as_deref();
        let people = &self.directory.people;
        match outcome.verdict {
            Verdict::Created => emails.iter().for_each(|email| people.expect(id, email)),
            Verdict::Unknown => people.doubt(id, emails),
            Verdict::Failed if outcome.attempts > 0 => people.doubt(id, emails),
            _ => {}
        }
        if !matches!(outcome.verdict, Verdict::Failed | Verdict::Unknown) {
            return;
        }
        let failed = self.failed.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(most) = self.settings.max_errors
            && failed > most
        {
            self.stop.drain(StopReason::TooManyErrors(most));
        }
    }

    /// A row may have made an account that does not show yet.
    pub(super) fn may_be_made(&self, change: &Change, outcome: &Outcome) {
        let is_open = matches!(outcome.verdict, Verdict::Created | Verdict::Unknown);
        if let Some(new_account) = change.new_account().filter(|_| is_open) {
            self.directory.people.await_account(&new_account.email);
        }
    }

    /// A row was carried out in an earlier part of the run: a list that was read since may not show it.
    pub(super) fn carried_out_before(&self, change: &Change, outcome: &Outcome) {
        let people = &self.directory.people;
        match (outcome.verdict, outcome.user_id.as_deref()) {
            (Verdict::Deleted, Some(id)) => people.forget(id),
            (
                Verdict::Invalid | Verdict::NotAttempted | Verdict::Unchanged | Verdict::Exists,
                _,
            ) => {}
            (_, id) => people.doubt(id, &change.emails()),
        }
    }

    /// Carries out what a row asks for.
    pub(super) async fn carry_out(&self, asked: &RequestedChange) -> RowProgress {
        let change = &asked.change;
        if let Some(rehearsal) = &self.rehearsal {
            return Box::pin(self.rehearse(rehearsal, asked)).await;
        }
        let lookup = match (&change.ask, &asked.doubt) {
            (Ask::Create(_), None) => AccountLookup::NotFound,
            _ => match Box::pin(self.directory.find(&asked.person(), change)).await {
                Ok(lookup) => lookup,
                Err(error) => return self.not_found(asked, &error).into(),
            },
        };
        if let Some(doubt) = &asked.doubt
            && let Some(progress) = Box::pin(self.resolve(asked, doubt, &lookup)).await
        {
            return progress;
        }
        match plan(change, &lookup, &self.directory.teams) {
            PlannedOperation::Create(user) => {
                let new_account = change
                    .new_account()
                    .expect("only a change with a newcomer is planned as a create");
                Box::pin(self.create(asked, &user, new_account)).await
            }
            PlannedOperation::Nothing { id } => {
                Outcome::new(Verdict::Unchanged).status(200).user(id).into()
            }
            PlannedOperation::Impossible(reason) => self.not_there(change, &reason).into(),
            PlannedOperation::Patch(account_patch) => {
                Box::pin(self.apply_patch(PendingPatch::new(
                    asked.number,
                    change.action,
                    *account_patch,
                )))
                .await
            }
            PlannedOperation::Delete { id } => self.delete(asked, &lookup, id).await.into(),
        }
    }

    /// What becomes of a row that cannot be carried out on what the node shows.
    fn not_there(&self, change: &Change, reason: &Impossible) -> Outcome {
        let people = &self.directory.people;
        let person = &change.person;
        let is_expected = || {
            person
                .email()
                .is_some_and(|email| people.is_expected(email))
        };
        match reason {
            Impossible::Nobody(_) if is_expected() => Outcome::new(Verdict::Unknown).because(
                "an earlier row may have created this account, and it does not show yet; nothing was sent",
            ),
            _ => impossible(reason),
        }
    }

    async fn delete(&self, asked: &RequestedChange, lookup: &AccountLookup, id: String) -> Outcome {
        let email = match lookup {
            AccountLookup::Account(account) => account.user_name().map(str::to_owned),
            _ => None,
        };
        if self.protected.recognises(&id, email.as_deref()) {
            return protected(&id, email.as_deref());
        }
        let is_active =
            matches!(lookup, AccountLookup::Account(account) if account.active != Some(false));
        if is_active && let Some(outcome) = self.one_too_many(&id) {
            return outcome;
        }
        let before = Before::Deleted {
            id: id.clone(),
            email,
            active: Some(is_active),
        };
        if let Err(outcome) = self.announce(asked.number, before).await {
            return outcome.user(id);
        }
        let _removal = self.removals.leave(&id, RemovedFrom::Everything);
        match self.writer.delete_user(&id).await {
            Ok(reply) => {
                self.directory.people.forget(&id);
                Outcome::new(Verdict::Deleted)
                    .status(reply.status)
                    .user(id)
                    .attempts(reply.attempts)
            }
            // Gone, and an earlier attempt may have been the one that did it.
            Err(Error::Refused(refusal))
                if matches!(refusal.status, 404 | 410)
                    && (refusal.doubtful || refusal.attempts > 1) =>
            {
                Outcome::new(Verdict::Deleted)
                    .status(refusal.status)
                    .user(id)
                    .attempts(refusal.attempts)
            }
            Err(error) => self.failed(&error).user(id),
        }
    }

    /// Counts an account that is about to lose access. If that is more than the run may take it from,
    /// the run stops instead.
    pub(super) fn one_too_many(&self, id: &str) -> Option<Outcome> {
        let losses = self.losses.as_ref()?;
        if losses.admit(id) {
            return None;
        }
        let reason = match losses.limit() {
            LockLimit::AtMost(most) => StopReason::TooManyLocks(most),
            LockLimit::NoneAgreed => StopReason::LocksNotAgreed,
        };
        let outcome = not_attempted(&reason).user(id.to_owned());
        self.stop.drain(reason);
        Some(outcome)
    }

    /// Notes that a locked account is about to be unlocked, if it may be in another row.
    pub(super) fn note_unlocked(&self, id: &str) {
        if let Some(losses) = &self.losses
            && self.directory.people.keeps_up()
        {
            losses.give(id);
        }
    }

    /// A call that was to change something did not come through.
    pub(super) fn failed(&self, error: &Error) -> Outcome {
        self.note(error);
        let verdict = match error {
            Error::Fault(fault) if fault.may_have_worked => Verdict::Unknown,
            Error::Fault(fault) if fault.kind.is_of_the_unsent() => Verdict::NotAttempted,
            _ => Verdict::Failed,
        };
        Outcome::new(verdict)
            .status(error.status())
            .attempts(error.attempts())
            .because(error)
    }

    /// The person of a row could not be looked up.
    fn not_found(&self, asked: &RequestedChange, error: &Error) -> Outcome {
        let outcome = self.not_found_out(error);
        let why = format_args!("the account could not be looked up: {error}");
        match asked.stays_in_doubt(why) {
            Some(unknown) => unknown.status(error.status()),
            None => outcome,
        }
    }

    /// A question did not come through; nothing was changed.
    pub(super) fn not_found_out(&self, error: &Error) -> Outcome {
        self.note(error);
        let verdict = match error {
            Error::Fault(fault) if fault.kind.is_of_the_unsent() => Verdict::NotAttempted,
            _ => Verdict::Failed,
        };
        Outcome::new(verdict)
            .status(error.status())
            .because(format!(
                "nothing was changed; the account could not be looked up: {error}"
            ))
    }

    /// Some errors are not this row's alone.
    pub(super) fn note(&self, error: &Error) {
        match error {
            Error::Refused(refusal) if refusal.is_about_token() => {
                self.stop.drain(StopReason::Denied(error.to_string()));
            }
            Error::Fault(fault) if fault.kind == FaultKind::Unreachable => {
                self.stop.drain(StopReason::Unreachable(error.to_string()));
            }
            _ => {}
        }
    }

    /// Writes down that a row may be sent from now on. If that cannot be, it must not, nor any other. Gives the node's
    /// own time that was written down with it.
    pub(super) async fn announce(
        &self,
        row: RowNumber,
        before: Before,
    ) -> Result<Option<i64>, Outcome> {
        let node_time = self.client.node_time();
        let written = self.journal.may_be_sent(row, node_time, before).await;
        written.map(|()| node_time).map_err(|error| {
            self.stop.drain(StopReason::Broken(error.to_string()));
            Outcome::new(Verdict::NotAttempted).because(format!("nothing was sent: {error}"))
        })
    }
}
