//! Standard output: words for people, documents for programs, and data as it is.

use std::fmt::Display;
use std::io::{self, Write};

use clap::ValueEnum;
use serde::Serialize;

use super::{Exit, JobError};
use crate::job::Finished;
use crate::report::{Style, TerminalWriter};

/// Who reads what is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum OutputFormat {
    /// A person
    #[default]
    Text,
    /// A program: one JSON object
    Json,
}

/// Prints data that was asked for, byte by byte.
pub(super) fn print(bytes: &[u8]) -> Result<(), JobError> {
    let mut out = io::stdout().lock();
    written(out.write_all(bytes).and_then(|()| out.flush()))
}

/// Prints words for a person: in colours and in lines that fit, where there is a terminal.
pub(super) fn show(text: &str) -> Result<(), JobError> {
    written(TerminalWriter::standard_output().print(text))
}

/// Prints a document for a program.
pub(super) fn print_json(document: &impl Serialize) -> Result<(), JobError> {
    let json = serde_json::to_string_pretty(document).map_err(JobError::unexpected)?;
    print(format!("{json}\n").as_bytes())
}

/// Whoever reads it may have had enough, which is no failure.
pub(super) fn written(result: io::Result<()>) -> Result<(), JobError> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| {
            JobError::unexpected(format_args!(
                "standard output cannot be written to: {error}"
            ))
        }),
    }
}

/// Prints what a job came to, if a program asks for it.
pub(super) fn finish(finished: &Finished, reader: OutputFormat) -> Result<Exit, JobError> {
    if reader == OutputFormat::Json
        && let Some(summary) = &finished.summary
    {
        print_json(summary)?;
    }
    Ok(finished.exit)
}

/// A message that something went wrong.
pub(super) fn error(message: impl Display) -> String {
    format!("{} {message}", Style::Bad.on("error:"))
}
