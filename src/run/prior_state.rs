//! Rows that were begun before: in a run that was cut short, or in one of which some rows failed.

use std::fmt::Display;

use super::journal::Before;
use super::not_attempted;
use super::outcome::{Outcome, Verdict};
use super::stop::StopReason;
use crate::roster::{Change, CheckedRow, Person, UserId};
use crate::sheet::{RowNumber, SheetError};

/// What is known of a row from an earlier time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum PriorState {
    /// It was not sent.
    #[default]
    Fresh,
    /// It is done with, and this became of it.
    Settled(Box<Outcome>),
    /// It may have been sent: what became of it has to be looked for first.
    InDoubt(InDoubt),
}

/// A row that may have been sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InDoubt {
    /// What says so.
    pub proof: Proof,
    /// It was not sent before this, by the node's own clock in seconds since 1970, if that is known.
    pub sent: Option<i64>,
    /// What was there before.
    pub before: Before,
}

/// What says that a row may have been sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// That was written down, and not what became of it.
    Noted,
    /// Nothing does, but what was written last may be lost. So it is looked for; if that cannot be, what is written
    /// counts: nothing was sent.
    Missing,
}

/// A row to carry out.
#[derive(Debug)]
pub struct Assignment {
    /// The row.
    pub entry: CheckedRow,
    /// What is known of it.
    pub prior_state: PriorState,
}

impl From<CheckedRow> for Assignment {
    fn from(entry: CheckedRow) -> Self {
        Assignment {
            entry,
            prior_state: PriorState::Fresh,
        }
    }
}

/// The rows of a run.
pub type Assignments = Box<dyn Iterator<Item = Result<Assignment, SheetError>> + Send>;

/// What a row asks for, and what is known of it.
#[derive(Debug)]
pub(super) struct RequestedChange {
    pub(super) number: RowNumber,
    pub(super) change: Change,
    /// An earlier row asks for the very same.
    pub(super) repeats: bool,
    pub(super) doubt: Option<InDoubt>,
}

impl RequestedChange {
    /// What becomes of it since the run has stopped before it.
    pub(super) fn not_reached(&self, reason: &StopReason) -> Outcome {
        let why = format_args!("the run had stopped before it could be looked for: {reason}");
        self.stays_in_doubt(why)
            .unwrap_or_else(|| not_attempted(reason))
    }

    /// What becomes of it since it could not be looked for, if it may have been sent.
    pub(super) fn stays_in_doubt(&self, why: impl Display) -> Option<Outcome> {
        let is_noted = self.doubt.as_ref().is_some_and(InDoubt::is_noted);
        let unknown = Outcome::new(Verdict::Unknown);
        is_noted.then(|| unknown.because(format!("it may have been sent earlier, and {why}")))
    }

    /// Whom to look for: a person who was found before has kept the id, if not the email.
    pub(super) fn person(&self) -> Person {
        let id = match self.doubt.as_ref().map(|doubt| &doubt.before) {
            Some(Before::Account(prior)) => Some(&prior.id),
            Some(Before::Deleted { id, .. } | Before::Nobody { made: Some(id), .. }) => Some(id),
            Some(Before::Nobody { made: None, .. }) | None => None,
        };
        id.and_then(|id| UserId::new(id))
            .map_or_else(|| self.change.person.clone(), Person::Id)
    }
}

impl InDoubt {
    /// Whether it is written down that the row may have been sent.
    pub(super) fn is_noted(&self) -> bool {
        self.proof == Proof::Noted
    }
}
