//! What a run would do, before it does it: every change named, calls counted, time estimated.
//!
//! Here belong the lines of a preview, in words, in a plan file and in a document for programs, and holding one preview against
//! another. How a run is rehearsed is for [`run`](crate::run); this listens to its
//! [`Event`]s as [`report`](crate::report) does.

mod compare;
mod document;
mod file;
mod line;
mod summary;

use tokio::sync::mpsc;

pub use compare::Comparison;
pub use document::{Closing, NewGroup, Opening, PreviewDocument, without_lines};
pub use file::{PlanError, PlanFile, PlanWriter, Planned};
pub use line::Line;
pub use summary::{PreviewSummary, Share};

use crate::report::{Progress, Tally, follow};
use crate::roster::Naming;
use crate::run::Event;

/// Gives each row of a rehearsal to `on_line`, in the order of the file, until it is over; `sink` is
/// what it works on.
///
/// Blocks: it belongs on a thread of its own.
///
/// # Errors
/// The first error of `on_line`. The run notices, since nobody hears its events any more.
pub fn listen<S, E>(
    events: mpsc::Receiver<Event>,
    naming: &Naming,
    progress: Progress,
    mut sink: S,
    on_line: fn(&mut S, &Line) -> Result<(), E>,
) -> Result<(Tally, S), E> {
    let tally = follow(events, progress, |event| match event {
        Event::Row(record) => on_line(&mut sink, &Line::of(record, naming)),
        _ => Ok(()),
    })?;
    Ok((tally, sink))
}
