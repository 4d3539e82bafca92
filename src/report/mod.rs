//! Listens to a run's events and tells people of them: progress, summary, results file, a page of HTML; and of
//! the problems of a file, those of the same kind together. Here is also the terminal: what is said goes by [`say`],
//! which knows of its width and of colours.
//!
//! Nothing here knows how rows are run: [`Event`] is the only door.

mod atomic_file;
mod digest;
mod document;
pub mod page;
mod place;
mod prior_results;
mod progress;
mod results;
mod screen;
mod style;
mod summary;
mod table;
mod wrap;

use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

pub use atomic_file::{AtomicFile, BegunFile, IfExists, free_name, set_aside};
pub use digest::{Digest, ProblemGroup};
pub use document::{NodeName, Outcomes};
pub use place::{beside, is_stream, name_after};
pub use prior_results::PriorResults;
pub use progress::{Counter, Progress, When, waits};
pub use results::{Layout, OverwritePolicy, ResultsError, ResultsFile, UnfitError};
pub use screen::{Screen, TerminalWriter, ask, say};
pub use style::{Colours, Style, plain};
pub use summary::{RunSummary, Tally};
pub use table::Table;
pub use wrap::paragraph;

pub use crate::wording::{counted, duration, grouped};

use crate::run::Event;
use page::{Calls, Page};

/// How many events are taken at once at the most.
const AT_ONCE: usize = 512;

/// How long events gather: a moment that nobody notices.
const GATHER: Duration = Duration::from_millis(2);

/// What was told of a run that is over.
#[derive(Debug)]
pub struct RunReport {
    /// What was counted.
    pub tally: Tally,
    /// Its calls.
    pub calls: Calls,
    /// What a page says of its rows, if one was asked for.
    pub page: Option<Page>,
}

/// Writes every row to `results` and shows `progress` until the run is over; `calls` and `page` hear of it, too.
///
/// Blocks: it belongs on a thread of its own.
///
/// # Errors
/// When the results cannot be written. The run notices, since nobody hears its events any more.
pub fn listen(
    events: mpsc::Receiver<Event>,
    mut results: ResultsFile,
    progress: Progress,
    mut calls: Calls,
    mut page: Option<Page>,
) -> Result<RunReport, ResultsError> {
    let tally = follow(events, progress, |event| {
        calls.hear(event);
        if let Some(page) = &mut page {
            page.hear(event);
        }
        match event {
            Event::Row(record) => results.write(record),
            _ => Ok(()),
        }
    })?;
    results.finish()?;
    Ok(RunReport { tally, calls, page })
}

/// Shows `progress`, counts, and gives everything to `on_event`, rows in the order of the file, until the run is
/// over.
///
/// # Errors
/// The first error of `on_event`.
pub(crate) fn follow<E>(
    mut events: mpsc::Receiver<Event>,
    mut progress: Progress,
    mut on_event: impl FnMut(&Event) -> Result<(), E>,
) -> Result<Tally, E> {
    let mut tally = Tally::new(Instant::now());
    let mut heard = Vec::new();
    while events.blocking_recv_many(&mut heard, AT_ONCE) > 0 {
        for event in heard.drain(..) {
            match &event {
                Event::Settled(verdict) => {
                    tally.count(*verdict);
                    progress.row(&tally);
                }
                Event::Pace(pace) => {
                    tally.calls = pace.calls;
                    progress.pace(&tally, *pace);
                }
                Event::Row(record) => tally.note(&record.outcome),
                Event::Calls(_) => {}
            }
            on_event(&event)?;
        }
        // The run need not wake this thread for every row.
        thread::sleep(GATHER);
    }
    progress.end();
    Ok(tally)
}
