//! What a report keeps of rows: a few of them, however many there are.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use crate::roster::{Action, Naming};
use crate::run::{Outcome, RowRecord, Verdict};
use crate::sheet::cell_at;

/// How many rows that are not done are shown.
pub(super) const NOT_DONE: usize = 100;

/// How many of the slowest rows are shown.
pub(super) const SLOWEST: usize = 10;

/// How much of a text is kept, in characters.
const LONGEST: usize = 400;

/// A row as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) number: u64,
    pub(super) email: Option<String>,
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    /// Everything in the row that says who somebody is; it may be quoted in `error`.
    pub(super) personal: Vec<String>,
    pub(super) action: Option<Action>,
    pub(super) verdict: Verdict,
    pub(super) status: Option<u16>,
    pub(super) attempts: u32,
    pub(super) took: Option<Duration>,
    pub(super) error: Option<String>,
}

impl Kept {
    fn of(record: &RowRecord, naming: &Naming) -> Self {
        let cell = |at: Option<usize>| cell_at(&record.cells, at?).map(clip);
        let outcome = &record.outcome;
        let names: Vec<String> = naming.names.into_iter().filter_map(cell).collect();
        let whole = (!names.is_empty()).then(|| names.join(" "));
        let email = cell(naming.email);
        let name = cell(naming.display_name).or(whole);
        let others = naming.others.into_iter().filter_map(cell);
        let personal = names.into_iter().chain(others);
        let personal = personal.chain(email.clone()).chain(name.clone());
        Kept {
            number: record.number.0,
            personal: personal.collect(),
            email,
            id: cell(naming.id).or_else(|| outcome.user_id.as_deref().map(clip)),
            name,
            action: record.action,
            verdict: outcome.verdict,
            status: outcome.status,
            attempts: outcome.attempts,
            took: outcome.took,
            error: outcome.error.as_deref().map(clip),
        }
    }
}

fn clip(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}

/// Rows that are not done, for the same reason as far as outcome and status tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reason {
    pub(super) count: u64,
    /// The first of them.
    pub(super) first: Kept,
}

/// The rows of a report, as they come.
#[derive(Debug)]
pub(super) struct Rows {
    naming: Naming,
    /// The first that are not done, apart from those that were not attempted.
    pub(super) not_done: Vec<Kept>,
    /// At most one for each outcome and status.
    pub(super) reasons: BTreeMap<(Verdict, Option<u16>), Reason>,
    slowest: BinaryHeap<Reverse<Slow>>,
}

/// A row by how long it took; of two that took equally long the first in the file counts.
#[derive(Debug, PartialEq, Eq)]
struct Slow(Duration, Kept);

impl Slow {
    fn rank(&self) -> (Duration, Reverse<u64>) {
        (self.0, Reverse(self.1.number))
    }
}

impl Ord for Slow {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for Slow {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Rows {
    pub(super) fn new(naming: Naming) -> Self {
        Rows {
            naming,
            not_done: Vec::new(),
            reasons: BTreeMap::new(),
            slowest: BinaryHeap::new(),
        }
    }

    pub(super) fn add(&mut self, record: &RowRecord) {
        let Outcome {
            verdict,
            status,
            took,
            ..
        } = record.outcome;
        if !verdict.is_done() {
            let kept = || Kept::of(record, &self.naming);
            self.reasons
                .entry((verdict, status))
                .and_modify(|reason| reason.count += 1)
                .or_insert_with(|| Reason {
                    count: 1,
                    first: kept(),
                });
            if verdict != Verdict::NotAttempted && self.not_done.len() < NOT_DONE {
                self.not_done.push(kept());
            }
        }
        let is_slow = |took: &Duration| {
            let quickest = self.slowest.peek();
            self.slowest.len() < SLOWEST || quickest.is_none_or(|Reverse(row)| *took > row.0)
        };
        if let Some(took) = took.filter(is_slow) {
            let row = Slow(took, Kept::of(record, &self.naming));
            self.slowest.push(Reverse(row));
            if self.slowest.len() > SLOWEST {
                self.slowest.pop();
            }
        }
    }

    /// The slowest rows, the slowest first.
    pub(super) fn slowest(&self) -> Vec<&Kept> {
        let mut rows: Vec<&Slow> = self.slowest.iter().map(|Reverse(row)| row).collect();
        rows.sort_unstable_by(|one, other| other.cmp(one));
        rows.into_iter().map(|row| &row.1).collect()
    }
}
