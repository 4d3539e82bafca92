//! The terminal, shared by progress, messages and the log so that they do not overwrite each other.
//!
//! Whatever is said to a person goes through here: long lines are wrapped on a terminal, and nowhere else, and
//! colours are taken out where there are to be none.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Write};
use std::os;
use std::sync::LazyLock;

use anstream::{AutoStream, ColorChoice};
use indicatif::MultiProgress;
use terminal_size::terminal_size_of;
use tracing_subscriber::fmt::MakeWriter;

use super::style::plain;
use super::wrap::wrapped;

/// Where progress bars are drawn: on standard error.
pub(super) static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Says something to the person: on standard error, above a progress bar if there is one.
pub fn say(text: impl fmt::Display) {
    write(&format!("{text}\n"));
}

/// Begins a line that the person goes on with: a question.
pub fn ask(question: impl fmt::Display) {
    write(&question.to_string());
}

fn write(text: &str) {
    let text = laid_out(text, columns_of_error());
    // Nobody is left to tell if standard error is closed.
    let _ = BARS.suspend(|| {
        let mut error = AutoStream::auto(io::stderr().lock());
        error.write_all(text.as_bytes())?;
        error.flush()
    });
}

/// How wide the terminal at standard error is, if one is there.
pub(super) fn columns_of_error() -> Option<usize> {
    columns(io::stderr())
}

/// The text as standard error shows it, for what is drawn and not written.
pub(super) fn for_error(text: &str) -> String {
    let text = laid_out(text, columns_of_error());
    match AutoStream::choice(&io::stderr()) {
        ColorChoice::Never => plain(&text),
        _ => text.into_owned(),
    }
}

#[cfg(unix)]
fn columns(stream: impl os::fd::AsFd) -> Option<usize> {
    let (width, _) = terminal_size_of(stream)?;
    Some(usize::from(width.0)).filter(|width| *width > 0)
}

#[cfg(windows)]
fn columns(stream: impl os::windows::io::AsHandle) -> Option<usize> {
    let (width, _) = terminal_size_of(stream)?;
    Some(usize::from(width.0)).filter(|width| *width > 0)
}

fn laid_out(text: &str, columns: Option<usize>) -> Cow<'_, str> {
    let Some(columns) = columns else {
        return Cow::Borrowed(text);
    };
    // Blanks at the end are before the place where somebody types.
    let shown = text.trim_end_matches(' ');
    let blanks = &text[shown.len()..];
    Cow::Owned(wrapped(shown, columns) + blanks)
}

/// Standard output for a person: what was asked for, in words. Data goes there as it is, without this.
#[derive(Debug)]
pub struct TerminalWriter {
    out: AutoStream<io::Stdout>,
    columns: Option<usize>,
    gathered: Vec<u8>,
}

impl TerminalWriter {
    /// Standard output.
    #[must_use]
    pub fn standard_output() -> Self {
        TerminalWriter {
            out: AutoStream::auto(io::stdout()),
            columns: columns(io::stdout()),
            gathered: Vec::new(),
        }
    }

    /// How wide the terminal is, if standard output is one.
    #[must_use]
    pub fn columns(&self) -> Option<usize> {
        self.columns
    }

    /// Writes a text, of whole lines.
    ///
    /// # Errors
    /// When standard output cannot be written to.
    pub fn print(&mut self, text: &str) -> io::Result<()> {
        let text = laid_out(text, self.columns);
        let mut write = || {
            self.out.write_all(text.as_bytes())?;
            self.out.flush()
        };
        match self.columns {
            // A progress bar is on the same terminal.
            Some(_) => BARS.suspend(write),
            None => write(),
        }
    }
}

/// What is written is printed when it is flushed.
impl Write for TerminalWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.gathered.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let gathered = std::mem::take(&mut self.gathered);
        self.print(&String::from_utf8_lossy(&gathered))
    }
}

/// Standard error for the log, written to above a progress bar.
#[derive(Debug, Clone, Copy, Default)]
pub struct Screen;

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        BARS.suspend(|| io::stderr().lock().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl<'a> MakeWriter<'a> for Screen {
    type Writer = Screen;

    fn make_writer(&'a self) -> Screen {
        Screen
    }
}
