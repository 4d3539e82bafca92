//! How the program ends: its exit code, and why a command ends without having done its work.

use std::fmt;

use crate::ledger::LedgerError;
use crate::pace::FaultKind;
use crate::report::Tint;
use crate::scim::Error;

/// How the program ends: a contract that scripts rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Every row is as asked.
    Done = 0,
    /// An unexpected error.
    Unexpected = 1,
    /// Wrong usage, or an input with errors: nothing was sent.
    Usage = 2,
    /// The node cannot be reached or may not be used.
    NoNode = 3,
    /// Finished; some rows failed.
    RowsFailed = 4,
    /// Stopped by a guard: seats, thresholds, too many errors.
    Guard = 5,
    /// Interrupted.
    Interrupted = 130,
}

/// Why a command ends without having done its work.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(super) exit: Exit,
    pub(super) message: String,
}

impl Failure {
    pub(super) fn new(exit: Exit, message: impl fmt::Display) -> Self {
        Failure {
            exit,
            message: message.to_string(),
        }
    }

    pub(super) fn usage(message: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, message)
    }

    pub(super) fn unexpected(message: impl fmt::Display) -> Self {
        Self::new(Exit::Unexpected, message)
    }

    /// The same, said of one of several nodes.
    pub(super) fn of(self, node: &str) -> Self {
        Failure {
            message: format!("{node}: {}", self.message),
            ..self
        }
    }

    pub(super) fn interrupted() -> Self {
        Self::new(Exit::Interrupted, "interrupted; nothing was sent")
    }
}

/// A message that something went wrong.
pub(super) fn error(message: impl fmt::Display) -> String {
    format!("{} {message}", Tint::Bad.on("error:"))
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match &error {
            Error::Fault(fault) if fault.kind == FaultKind::Stopped => Self::interrupted(),
            Error::Refused(refusal) if refusal.is_about_token() => {
                let doctor = Tint::Command.on("headcount doctor");
                Self::new(
                    Exit::NoNode,
                    format_args!("{error}. What the token may do, and what to mend: {doctor}"),
                )
            }
            _ => Self::new(Exit::NoNode, error),
        }
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        Failure::usage(error)
    }
}
