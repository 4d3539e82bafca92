//! The report of a run as one page of HTML: for whoever has to be shown what happened.
//!
//! ```text
//!  Event ─▶ Calls (every run; its record keeps them) ─┐
//!  Event ─▶ Page (rows, counts) ─────────────────────▶ view ─▶ page.html ─▶ PageFile
//!                                              Facts ─┘
//! ```
//!
//! A page is made of events while a run goes on, or afterwards of its record, told as the same events. What it
//! holds does not grow with the rows: counts by steps (`series`, `Histogram`), the first and the slowest
//! rows (`rows`). The template escapes whatever comes from a spreadsheet or a node; nothing is written past it.
//! The page loads nothing and runs nothing.

mod bars;
mod calls;
mod chart;
mod file;
mod mask;
mod rows;
mod series;
#[cfg(test)]
mod tests;
mod view;
mod words;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use askama::Template;
use jiff::Timestamp;

pub use calls::Calls;
pub use file::{PageError, PageFile};
pub use mask::Mask;

use crate::histogram::Histogram;
use crate::roster::Naming;
use crate::run::{Event, RowRecord, Verdict};
use rows::Rows;
use series::Series;
use view::View;

/// What is said of a run beside what happened to its rows.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The command, in a word or two.
    pub what: String,
    /// The run's id.
    pub run: String,
    /// The name of the input.
    pub file: String,
    /// The SHA-256 of its bytes.
    pub sha256: String,
    /// The nodes, in words and by their addresses.
    pub nodes: Vec<(String, String)>,
    /// When it began.
    pub begun: Timestamp,
    /// How it ended.
    pub end: End,
    /// How many rows the input has.
    pub rows: u64,
    /// Where the results are.
    pub results: PathBuf,
    /// What was set for it.
    pub settings: Vec<Setting>,
    /// The command that does what is left to do, if anything is.
    pub next: Option<String>,
    /// The run from when it began, or went on, each time.
    pub parts: Vec<Part>,
    /// Whether people are shown by their names.
    pub mask: Mask,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It has come to its end.
    Finished(Timestamp),
    /// It stopped before that.
    Stopped {
        /// When.
        at: Timestamp,
        /// Why.
        why: String,
    },
    /// It is going on.
    Going,
    /// It was killed.
    CutShort,
}

/// Something that was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The flag.
    pub flag: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// What was set.
    pub value: String,
}

/// A run from when it began, or went on, to when it stopped.
#[derive(Debug, Clone)]
pub struct Part {
    /// When that was.
    pub begun: Timestamp,
    /// What is known of its calls, if it came to an orderly end.
    pub calls: Option<Calls>,
}

/// What a report says of rows, as far as they have come.
#[derive(Debug)]
pub struct Page {
    /// When the run began, or went on for the last time: from then on it is shown over time.
    since: Timestamp,
    rows: Rows,
    verdicts: BTreeMap<Verdict, u64>,
    /// By the status code that decided.
    statuses: BTreeMap<Option<u16>, u64>,
    took: Histogram,
    /// Rows that are done, and that are not.
    over_time: Series<2>,
    /// How many rows were settled before.
    earlier: u64,
}

impl Page {
    /// No row yet. People are named in these columns; the run began, or went on for the last time, then.
    #[must_use]
    pub fn new(naming: Naming, since: Timestamp) -> Self {
        Page {
            since: whole(since),
            rows: Rows::new(naming),
            verdicts: BTreeMap::new(),
            statuses: BTreeMap::new(),
            took: Histogram::default(),
            over_time: Series::default(),
            earlier: 0,
        }
    }

    /// Something happened.
    pub fn hear(&mut self, event: &Event) {
        if let Event::Row(record) = event {
            self.row(record);
        }
    }

    fn row(&mut self, record: &RowRecord) {
        let outcome = &record.outcome;
        *self.verdicts.entry(outcome.verdict).or_default() += 1;
        *self.statuses.entry(outcome.status).or_default() += 1;
        if let Some(took) = outcome.took {
            self.took.add(took);
        }
        self.rows.add(record);
        if outcome.verdict == Verdict::NotAttempted {
            return;
        }
        let since = whole(outcome.finished_at).duration_since(self.since);
        match Duration::try_from(since) {
            Ok(at) if outcome.verdict.is_done() => self.over_time.add(at, [1, 0]),
            Ok(at) => self.over_time.add(at, [0, 1]),
            Err(_) => self.earlier += 1,
        }
    }

    fn of(&self, verdict: Verdict) -> u64 {
        self.verdicts.get(&verdict).copied().unwrap_or_default()
    }

    /// The page.
    ///
    /// # Errors
    /// Never of itself: all of it is text in memory.
    pub fn render(&self, facts: &Facts) -> Result<String, askama::Error> {
        View::of(self, facts).render()
    }
}

/// A moment as the record of a run keeps it, to the thousandth of a second: so a page that is made at once and one that is
/// made of the record have each row in the same step.
fn whole(moment: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(moment.as_millisecond()).unwrap_or(moment)
}
