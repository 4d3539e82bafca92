//! Rows that only change memberships, and so can go together with others: alone, or in batches by group.

use super::not_attempted;
use super::outcome::{Outcome, Verdict};
use super::row_progress::PendingPatch;
use super::rows::Sequence;
use super::worker::Worker;
use crate::roster::Email;

/// A row that only changes memberships.
#[derive(Debug)]
pub(super) struct MembershipRow {
    pub(super) sequence: Sequence,
    pub(super) pending: Box<PendingPatch>,
}

impl MembershipRow {
    /// The groups that its person joins or leaves.
    pub(super) fn groups(&self) -> impl Iterator<Item = &String> {
        let account_patch = &self.pending.account_patch;
        account_patch.join.iter().chain(&account_patch.leave)
    }

    /// Carries the row out on its own.
    pub(super) async fn carry_out(self, worker: &Worker) -> Outcome {
        let outcome = match worker.stop.reason() {
            Some(reason) => not_attempted(reason),
            None => tokio::select! {
                outcome = worker.amend(self.pending.action, &self.pending.account_patch) => outcome,
                () = worker.stop.halted() => halted(),
            },
        };
        self.finish(worker, outcome)
    }

    /// Does so in memory only.
    pub(super) fn rehearse(self, worker: &Worker) -> Outcome {
        let outcome = worker.would_change(self.pending.action, &self.pending.account_patch);
        self.finish(worker, outcome)
    }

    /// The outcome of the row after that of its memberships.
    pub(super) fn finish(self, worker: &Worker, memberships: Outcome) -> Outcome {
        let email = self.pending.account_patch.after.user_name();
        let email = email.and_then(|email| Email::try_from(email).ok());
        let outcome = self.pending.finish(memberships);
        worker.count(&outcome, email.as_slice());
        outcome
    }
}

/// One person to join or to leave a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MembershipOperation {
    pub(super) sequence: Sequence,
    /// The id of the person.
    pub(super) user: String,
    pub(super) joins: bool,
}

/// How one membership ended.
#[derive(Debug)]
pub(super) enum MembershipResult {
    /// It is as asked.
    Done {
        /// The status of the call.
        status: u16,
    },
    /// The node said yes and did nothing: the row is to be sent on its own.
    Ignored,
    /// It is not as asked, or nobody knows.
    Failed(Outcome),
}

/// A row whose memberships are in batches, until the last of them has ended.
#[derive(Debug)]
pub(super) struct MembershipProgress {
    row: MembershipRow,
    /// Memberships that have not ended.
    left: usize,
    /// Memberships that are as asked.
    done: usize,
    status: u16,
    attempts: u32,
    /// The first that went wrong.
    trouble: Option<Outcome>,
    ignored: bool,
}

impl MembershipProgress {
    pub(super) fn new(row: MembershipRow) -> Self {
        MembershipProgress {
            left: row.groups().count(),
            row,
            done: 0,
            status: 200,
            attempts: 0,
            trouble: None,
            ignored: false,
        }
    }

    /// Notes how a membership ended, after so many calls; tells whether it was the last.
    pub(super) fn note(&mut self, result: MembershipResult, attempts: u32) -> bool {
        self.left -= 1;
        self.attempts += attempts;
        match result {
            MembershipResult::Done { status } => {
                self.status = status;
                self.done += 1;
            }
            MembershipResult::Ignored => self.ignored = true,
            MembershipResult::Failed(outcome) => {
                self.trouble.get_or_insert(outcome);
            }
        }
        self.left == 0
    }

    /// The row, whatever has become of its memberships.
    pub(super) fn into_row(self) -> MembershipRow {
        self.row
    }

    /// The outcome of the row after its last membership; the row itself if it is to be sent on its own.
    pub(super) fn end(self, worker: &Worker) -> Result<Outcome, MembershipRow> {
        let outcome = match self.trouble {
            Some(trouble) if self.done > 0 => in_part(trouble),
            Some(trouble) => trouble,
            None if self.ignored => return Err(self.row),
            None => Outcome::new(Verdict::Updated).status(self.status),
        };
        let account_patch = &self.row.pending.account_patch;
        if outcome.verdict == Verdict::Updated {
            worker.remember(account_patch, &account_patch.after);
        }
        let outcome = outcome
            .attempts(self.attempts)
            .user(account_patch.before.id.clone());
        Ok(self.row.finish(worker, outcome))
    }
}

/// The outcome of a row that was cut short.
pub(super) fn halted() -> Outcome {
    Outcome::new(Verdict::Unknown)
        .because("the run was halted while this row was being carried out")
}

/// The outcome of a row some of whose memberships were changed before this trouble.
pub(super) fn in_part(trouble: Outcome) -> Outcome {
    let verdict = match trouble.verdict {
        Verdict::NotAttempted => Verdict::Failed,
        verdict => verdict,
    };
    let words = trouble.error.clone().unwrap_or_default();
    Outcome { verdict, ..trouble }
        .because(format!("only a part of the row was carried out: {words}"))
}
