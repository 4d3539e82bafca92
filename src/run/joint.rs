//! Rows that only change memberships, and so can go together with others.

use super::course::Pending;
use super::not_attempted;
use super::order::Place;
use super::outcome::{Outcome, Verdict};
use super::row::Turn;
use super::worker::Worker;
use crate::roster::Email;

/// A row that only changes memberships, and so can go together with others.
#[derive(Debug)]
pub(super) struct Joint {
    pub(super) sequence: u64,
    pub(super) memberships: Box<Pending>,
    pub(super) place: Place,
    pub(super) turn: Turn,
}

impl Joint {
    /// The groups that its person joins or leaves.
    pub(super) fn groups(&self) -> impl Iterator<Item = &String> {
        let correction = &self.memberships.correction;
        correction.join.iter().chain(&correction.leave)
    }

    /// Carries the row out on its own.
    pub(super) async fn carry_out(self, worker: &Worker) {
        let outcome = match worker.stop.reason() {
            Some(reason) => not_attempted(reason),
            None => tokio::select! {
                outcome = worker.amend(self.memberships.action, &self.memberships.correction) => outcome,
                () = worker.stop.halted() => halted(),
            },
        };
        self.settle(worker, outcome);
    }

    /// Does so in memory only.
    pub(super) fn rehearse(self, worker: &Worker) {
        let outcome = worker.would_change(self.memberships.action, &self.memberships.correction);
        self.settle(worker, outcome);
    }

    /// Writes down how the row ended.
    pub(super) fn settle(self, worker: &Worker, outcome: Outcome) {
        let email = self.memberships.correction.after.user_name.as_deref();
        let email = email.and_then(|email| Email::try_from(email).ok());
        let outcome = self.memberships.finish(outcome);
        worker.count(&outcome, email.as_slice());
        self.place.settle(outcome);
        // Only now may the next row of the person go.
        drop(self.turn);
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
