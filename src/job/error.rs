//! How a job ends: its exit code, and why it ended without having done its work.

use std::fmt;

use crate::ledger::LedgerError;
use crate::report::Style;
use crate::scim::Error;
use crate::transport::FaultKind;

/// How a job ends, and the program with it: a contract that scripts rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Every row is as requested.
    Done = 0,
    /// An unexpected error.
    Unexpected = 1,
    /// Wrong usage, or an input with errors: nothing was sent.
    Usage = 2,
    /// The node cannot be reached, or access is refused.
    NoNode = 3,
    /// Finished; some rows failed.
    RowsFailed = 4,
    /// Stopped by a guard: seats, thresholds, too many errors.
    Guard = 5,
    /// Interrupted.
    Interrupted = 130,
}

/// Why a job ended without having done its work: what happened, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct JobError {
    /// How the program ends.
    pub exit: Exit,
    /// For the user.
    pub message: String,
}

impl JobError {
    /// An error that ends the program with `exit`.
    pub fn new(exit: Exit, message: impl fmt::Display) -> Self {
        JobError {
            exit,
            message: message.to_string(),
        }
    }

    /// The user asked for something that cannot be done.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Nobody expected it.
    pub fn unexpected(message: impl fmt::Display) -> Self {
        Self::new(Exit::Unexpected, message)
    }

    /// The user stopped it before anything was sent.
    pub fn interrupted() -> Self {
        Self::new(Exit::Interrupted, "interrupted; nothing was sent")
    }

    /// The same with more to say.
    #[must_use]
    pub fn and(self, more: impl fmt::Display) -> Self {
        JobError {
            message: format!("{}{more}", self.message),
            ..self
        }
    }

    /// The same, about one of several nodes or files.
    #[must_use]
    pub fn about(self, what: impl fmt::Display) -> Self {
        JobError {
            message: format!("{what}: {}", self.message),
            ..self
        }
    }
}

impl From<Error> for JobError {
    fn from(error: Error) -> Self {
        match &error {
            Error::Fault(fault) if fault.kind == FaultKind::Stopped => Self::interrupted(),
            Error::Refused(refusal) if refusal.is_about_token() => {
                let doctor = Style::Command.on("headcount doctor");
                Self::new(
                    Exit::NoNode,
                    format_args!("{error}. What the token may do, and what to fix: {doctor}"),
                )
            }
            _ => Self::new(Exit::NoNode, error),
        }
    }
}

impl From<LedgerError> for JobError {
    fn from(error: LedgerError) -> Self {
        JobError::usage(error)
    }
}
