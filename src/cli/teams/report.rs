//! What became of each team, and how the command ends.

use std::fmt;

use crate::cli::Exit;
use crate::cli::args::QuietArgs;
use crate::report::say;
use crate::roster::GroupKind;
use crate::scim::Error;
use crate::transport::FaultKind;

/// Says what became of each, and remembers how it ends.
pub(super) struct Report {
    kind: GroupKind,
    quiet: QuietArgs,
    failed: bool,
    /// How the command ends when nothing else can be tried.
    pub(super) hopeless: Option<Exit>,
}

impl Report {
    pub(super) fn new(kind: GroupKind, quiet: QuietArgs) -> Self {
        Report {
            kind,
            quiet,
            failed: false,
            hopeless: None,
        }
    }

    pub(super) fn well(&self, name: &str, what: impl fmt::Display) {
        self.quiet
            .say(format_args!("{} {name:?}: {what}", self.kind.word()));
    }

    pub(super) fn hint(&self, words: &str) {
        self.quiet.say(words);
    }

    pub(super) fn badly(&mut self, name: &str, what: impl fmt::Display) {
        self.failed = true;
        say(format_args!("{} {name:?}: {what}", self.kind.word()));
    }

    pub(super) fn note(&mut self, hopeless: Option<&Error>) {
        self.hopeless = self.hopeless.or(hopeless.map(|error| match error {
            Error::Fault(fault) if fault.kind == FaultKind::Stopped => Exit::Interrupted,
            _ => Exit::NoNode,
        }));
    }

    pub(super) fn exit(self) -> Exit {
        match self.hopeless {
            Some(exit) => exit,
            None if self.failed => Exit::RowsFailed,
            None => Exit::Done,
        }
    }
}
