//! Which rows of a results file are done, as the records of its run and of the retries since say.
//!
//! Between two tries people sort, cut, copy, correct and add rows. So a row is done if a done row asked for just the same,
//! wherever that stood; or if the row of its number (`result_row`) is done and is about the same person. A copy with another
//! person in it is a new row.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::JobError;
use crate::ledger::{Chain, ChainRow, LedgerError, RecordedRows, RunRecord};
use crate::report::PriorResults;
use crate::roster::{self, CheckedRow, Column, Roster};
use crate::sheet::{Original, shown, trim};

/// The done rows of a run and its retries.
#[derive(Debug)]
pub(super) struct DoneRows {
    /// By what they ask for.
    rows: Vec<DoneRow>,
    /// The same by where they stand.
    by_place: Vec<(ChainRow, u64)>,
}

/// A done row, at a few bytes: a file may have millions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct DoneRow {
    content: u64,
    place: ChainRow,
}

/// Rows of a file, each held against what is done.
#[derive(Debug)]
pub(super) struct Sources {
    prior: PriorResults,
    node: Option<usize>,
}

/// What a row of a file is known as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// It is done with.
    Done(ChainRow),
    /// It is the row at this place, and is not done.
    Open(ChainRow),
    /// It was added since.
    New,
}

impl DoneRows {
    pub(super) fn of(chain: &Chain) -> Result<Self, JobError> {
        let (mut rows, mut by_place) = (Vec::new(), Vec::new());
        for (at, record) in chain.records().enumerate() {
            let roster = roster_of(record)?;
            let node = node_of(&roster);
            let mut pages = RecordedRows::of(record.reader()?);
            for entry in roster.entries().map_err(JobError::unexpected)? {
                let entry = entry.map_err(JobError::unexpected)?;
                let outcome = pages.outcome(entry.number)?;
                if outcome.verdict.is_done()
                    && let Some((content, person)) = hashes(&entry, node)
                {
                    let place = ChainRow::new(at, entry.number);
                    rows.push(DoneRow { content, place });
                    by_place.push((place, person));
                }
            }
        }
        rows.sort_unstable();
        by_place.sort_unstable();
        Ok(DoneRows { rows, by_place })
    }

    /// The latest done row that asked for just this.
    fn same(&self, content: u64) -> Option<ChainRow> {
        let behind = self.rows.partition_point(|row| row.content <= content);
        let last = self.rows.get(behind.checked_sub(1)?)?;
        (last.content == content).then_some(last.place)
    }

    /// Whether the row there is done, and is about this person.
    fn is_about(&self, place: ChainRow, person: u64) -> Option<bool> {
        let found = self
            .by_place
            .binary_search_by_key(&place, |(place, _)| *place);
        found.ok().map(|at| self.by_place[at].1 == person)
    }
}

impl Sources {
    pub(super) fn of(roster: &Roster, prior: PriorResults) -> Self {
        Sources {
            prior,
            node: node_of(roster),
        }
    }

    /// What a row is known as.
    pub(super) fn of_row(
        &self,
        entry: &CheckedRow,
        chain: &Chain,
        done: &DoneRows,
    ) -> Result<Source, LedgerError> {
        let hashes = hashes(entry, self.node);
        if let Some(place) = hashes.and_then(|(content, _)| done.same(content)) {
            return Ok(Source::Done(place));
        }
        let Some(place) = self.numbered(entry, chain)? else {
            return Ok(Source::New);
        };
        let is_done = hashes.and_then(|(_, person)| done.is_about(place, person));
        Ok(match is_done {
            Some(true) => Source::Done(place),
            Some(false) => Source::New,
            None => Source::Open(place),
        })
    }

    /// Where the row stands by its number; nothing for a row that was added.
    fn numbered(&self, entry: &CheckedRow, chain: &Chain) -> Result<Option<ChainRow>, LedgerError> {
        let Some(run) = self.prior.run(&entry.cells) else {
            return Ok(None);
        };
        let odd = |what: String| LedgerError::OddResults {
            row: entry.number,
            what,
        };
        let Some(row) = self.prior.row(&entry.cells) else {
            return Err(odd(
                "its result_run names a run, and its result_row no row of that".to_owned(),
            ));
        };
        match chain.place(run, row)? {
            Some(place) => Ok(Some(place)),
            None => Err(odd(format!(
                "it comes from run {run}, and others from run {}; retry the results of each run on their own",
                chain.first().id()
            ))),
        }
    }
}

/// A row by all that it asks for, and by whom it is about; nothing for a row that makes no sense.
fn hashes(entry: &CheckedRow, node: Option<usize>) -> Option<(u64, u64)> {
    let change = entry.change.as_ref().ok()?;
    let node = node.and_then(|at| entry.cells.get(at)).map(trim);
    let person = &change.person;
    let email = person.email().map(|email| email.folded().into_owned());
    let id = person.id().map(|id| id.as_str().to_ascii_lowercase());
    Some((
        hash(&(node, change)),
        hash(&(node, change.action, email, id)),
    ))
}

fn hash(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

fn node_of(roster: &Roster) -> Option<usize> {
    roster.columns().at(Column::Node)
}

/// The input of a run, understood as it was then.
pub(super) fn roster_of(record: &RunRecord) -> Result<Roster, JobError> {
    let import = &record.about().import;
    let options = roster::Options {
        default_action: import.action,
        forced_action: import.only_action,
        map: import.map.clone(),
    };
    Roster::of(restore(record)?, &import.reading, options).map_err(JobError::usage)
}

/// The input of a run as it was.
pub(super) fn restore(record: &RunRecord) -> Result<Original, JobError> {
    let name = shown(&record.about().input.path);
    let mut copy = tempfile::tempfile().map_err(JobError::unexpected)?;
    record.copy_input(&mut copy)?;
    std::io::Seek::rewind(&mut copy).map_err(JobError::unexpected)?;
    Original::copy(name, &mut copy).map_err(JobError::usage)
}
