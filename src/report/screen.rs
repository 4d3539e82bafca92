//! The terminal, shared by progress, messages and the log so that they do not overwrite each other.

use std::io::{self, Write};
use std::sync::LazyLock;

use indicatif::MultiProgress;
use tracing_subscriber::fmt::MakeWriter;

/// Where progress bars are drawn: on standard error.
pub(super) static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Says something to the person: on standard error, above a progress bar if there is one.
pub fn say(text: impl std::fmt::Display) {
    let text = format!("{text}\n");
    // Nobody is left to tell if standard error is closed.
    let _ = BARS.suspend(|| io::stderr().lock().write_all(text.as_bytes()));
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
