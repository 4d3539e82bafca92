//! Listens to a run's events and tells people of them: progress, summary, results file; and of the
//! problems of a file, those of the same kind together.
//!
//! Nothing here knows how rows are run: [`Event`] is the only door.

mod digest;
mod former;
mod place;
mod progress;
mod results;
mod screen;
mod summary;

use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

pub use digest::{Digest, Kind};
pub use former::FormerResults;
pub use place::{Former, beside, complete, private_part};
pub use progress::{Counter, Progress, When};
pub use results::{Layout, ResultsError, ResultsFile, UnfitError};
pub use screen::{Screen, say};
pub use summary::{Summary, Tally, duration, grouped};

use crate::run::{Event, Record};

/// How many events are taken at once at the most.
const AT_ONCE: usize = 512;

/// How long events gather: a moment that nobody notices.
const GATHER: Duration = Duration::from_millis(2);

/// Writes every row to `results` and shows `progress` until the run is over.
///
/// Blocks: it belongs on a thread of its own.
///
/// # Errors
/// When the results cannot be written. The run notices, since nobody hears its events any more.
pub fn listen(
    events: mpsc::Receiver<Event>,
    mut results: ResultsFile,
    progress: Progress,
) -> Result<Tally, ResultsError> {
    let tally = follow(events, progress, |record| results.write(record))?;
    results.finish()?;
    Ok(tally)
}

/// Shows `progress`, counts, and gives every row to `on_row`, in the order of the file, until the run is
/// over.
///
/// # Errors
/// The first error of `on_row`.
pub(crate) fn follow<E>(
    mut events: mpsc::Receiver<Event>,
    mut progress: Progress,
    mut on_row: impl FnMut(&Record) -> Result<(), E>,
) -> Result<Tally, E> {
    let mut tally = Tally::new(Instant::now());
    let mut heard = Vec::new();
    while events.blocking_recv_many(&mut heard, AT_ONCE) > 0 {
        for event in heard.drain(..) {
            match event {
                Event::Settled(verdict) => {
                    tally.count(verdict);
                    progress.row(&tally);
                }
                Event::Pace(pace) => {
                    tally.calls = pace.calls;
                    progress.pace(&tally, pace);
                }
                Event::Row(record) => on_row(&record)?,
            }
        }
        // The run need not wake this thread for every row.
        thread::sleep(GATHER);
    }
    progress.end();
    Ok(tally)
}
