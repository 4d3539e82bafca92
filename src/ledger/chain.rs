//! A run and the retries of it, and what a retry takes over of their rows.

use rusqlite::OptionalExtension;
use rusqlite::types::Value;

use super::LedgerError;
use super::carried::Carried;
use super::integer::signed;
use super::row_set::RowSet;
use super::run_record::RunRecord;
use super::standing::{RecordedRow, is_refused};
use crate::run::Verdict;
use crate::sheet::RowNumber;

/// A run and the retries of it, the oldest first. What is known of a row is what the latest of them says.
#[derive(Debug)]
pub struct Chain {
    first: RunRecord,
    retries: Vec<RunRecord>,
}

/// A row of one of the runs of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChainRow {
    record: usize,
    row: RowNumber,
}

impl Chain {
    /// A run that was not retried yet.
    #[must_use]
    pub fn of(first: RunRecord) -> Self {
        Chain {
            first,
            retries: Vec::new(),
        }
    }

    /// Takes a run that began after all others, if it is the next retry.
    pub(super) fn extend(&mut self, later: RunRecord) {
        if later.about().retries() == Some(self.latest().id().as_str()) {
            self.retries.push(later);
        }
    }

    /// The run that none of them retries.
    #[must_use]
    pub fn first(&self) -> &RunRecord {
        &self.first
    }

    /// The run that the next retry is of.
    #[must_use]
    pub fn latest(&self) -> &RunRecord {
        self.retries.last().unwrap_or(&self.first)
    }

    /// The same over other connections.
    ///
    /// # Errors
    /// When a record cannot be opened.
    pub fn reader(&self) -> Result<Self, LedgerError> {
        let retries: Result<_, _> = self.retries.iter().map(RunRecord::reader).collect();
        Ok(Chain {
            first: self.first.reader()?,
            retries: retries?,
        })
    }

    /// Their records, in order.
    pub fn records(&self) -> impl Iterator<Item = &RunRecord> {
        std::iter::once(&self.first).chain(&self.retries)
    }

    fn record(&self, at: usize) -> &RunRecord {
        at.checked_sub(1)
            .and_then(|at| self.retries.get(at))
            .unwrap_or(&self.first)
    }

    /// How many rows of the first run none of them has done.
    ///
    /// # Errors
    /// When a record cannot be read.
    pub fn open_rows(&self) -> Result<u64, LedgerError> {
        let mut done = RowSet::default();
        let mut count = 0;
        for record in self.records() {
            let insert = |row| count += u64::from(done.insert(row));
            record.done_of(self.first.id().as_str(), insert)?;
        }
        Ok(self.first.about().rows.saturating_sub(count))
    }

    /// Where the latest of them knows a row of one of them; nothing if it is none of these runs.
    ///
    /// # Errors
    /// When a record cannot be read.
    pub fn place(&self, run: &str, row: RowNumber) -> Result<Option<ChainRow>, LedgerError> {
        let Some((at, record)) = self
            .records()
            .enumerate()
            .find(|(_, record)| record.id().as_str() == run)
        else {
            return Ok(None);
        };
        let origin = record.origin_of(row)?;
        let later: Vec<_> = self.records().enumerate().skip(at + 1).collect();
        for (at, record) in later.into_iter().rev() {
            if let Some(number) = record.number_of(&origin)? {
                return Ok(Some(ChainRow::new(at, number)));
            }
        }
        Ok(Some(ChainRow::new(at, row)))
    }

    /// What is known of a row.
    ///
    /// # Errors
    /// When a record cannot be read.
    pub(super) fn written(&self, place: ChainRow) -> Result<Option<RecordedRow>, LedgerError> {
        let record = self.record(place.record);
        let rows = record.rows(place.row, 1);
        let rows = rows.map_err(|error| record.failed(error))?;
        Ok(rows.into_iter().find(|row| row.number == place.row))
    }

    /// Whether a row is done.
    ///
    /// # Errors
    /// When a record cannot be read.
    pub fn is_done(&self, place: ChainRow) -> Result<bool, LedgerError> {
        let outcome = self.written(place)?.and_then(|written| written.outcome);
        Ok(outcome.is_some_and(|outcome| outcome.verdict.is_done()))
    }

    /// What a retry takes over of a row, which is its own row `number`.
    ///
    /// # Errors
    /// When a record cannot be read.
    pub fn carry(&self, number: RowNumber, place: ChainRow) -> Result<Carried, LedgerError> {
        let record = self.record(place.record);
        Ok(Carried {
            number,
            origin: Some(record.origin_of(place.row)?),
            values: kept(record.values(place.row)?),
        })
    }
}

impl ChainRow {
    /// Row `row` of the run that is number `record` in the chain.
    #[must_use]
    pub fn new(record: usize, row: RowNumber) -> Self {
        ChainRow { record, row }
    }
}

/// What a retry keeps of a row: its outcome if it is done, what was there before if it may have been sent; else nothing.
fn kept(mut values: Vec<(String, Value)>) -> Vec<(String, Value)> {
    let value = |name: &str| {
        let mut values = values.iter();
        values
            .find(|(column, _)| column == name)
            .map(|(_, value)| value)
    };
    let verdict = match value("verdict") {
        Some(Value::Text(word)) => Verdict::of_word(word),
        _ => None,
    };
    let is_sent = matches!(value("sent_at"), Some(Value::Integer(_)));
    let status = match value("status") {
        Some(Value::Integer(status)) => u16::try_from(*status).ok(),
        _ => None,
    };
    let keeps: &[&str] = match verdict {
        Some(verdict) if verdict.is_done() => &[
            "node",
            "action",
            "verdict",
            "status",
            "user_id",
            "attempts",
            "error",
            "finished_at",
            "took",
        ],
        Some(Verdict::NotAttempted) => &[],
        Some(verdict) if is_refused(verdict, status) => &[],
        _ if is_sent => &["node", "sent_at", "node_time", "before"],
        _ => &[],
    };
    values.retain(|(column, _)| keeps.contains(&column.as_str()));
    values
}

impl RunRecord {
    /// Gives the numbers that the rows which are done have in run `first`, as far as they come from there.
    fn done_of(&self, first: &str, mut on_row: impl FnMut(RowNumber)) -> Result<(), LedgerError> {
        let mut each = || {
            let mut rows = self
                .connection
                .prepare("SELECT number, origin, verdict FROM row WHERE verdict IS NOT NULL")?;
            let mut rows = rows.query([])?;
            while let Some(row) = rows.next()? {
                let verdict = Verdict::of_word(&row.get::<_, String>(2)?);
                if !verdict.is_some_and(Verdict::is_done) {
                    continue;
                }
                let origin: Option<String> = row.get(1)?;
                let number = match &origin {
                    None if self.id().as_str() == first => {
                        Some(row.get::<_, i64>(0)?.unsigned_abs())
                    }
                    None => None,
                    Some(origin) => origin
                        .strip_prefix(first)
                        .and_then(|number| number.trim().parse().ok()),
                };
                number.map(RowNumber).into_iter().for_each(&mut on_row);
            }
            Ok(())
        };
        each().map_err(|error| self.failed(error))
    }

    /// Where a row comes from: its run and its number there. A retry keeps it, so that the row is found again in every
    /// retry of a retry, whatever became of the file in between.
    fn origin_of(&self, number: RowNumber) -> Result<String, LedgerError> {
        let origin = || {
            let sql = "SELECT origin FROM row WHERE number = ?1";
            let mut origin = self.connection.prepare_cached(sql)?;
            let origin = origin.query_row([signed(number)], |row| row.get::<_, Option<String>>(0));
            origin.optional()
        };
        let origin = origin().map_err(|error| self.failed(error))?.flatten();
        Ok(origin.unwrap_or_else(|| format!("{} {number}", self.id())))
    }

    /// The number of the row that comes from there.
    fn number_of(&self, origin: &str) -> Result<Option<RowNumber>, LedgerError> {
        let number = || {
            let sql = "SELECT number FROM row WHERE origin = ?1";
            let mut number = self.connection.prepare_cached(sql)?;
            number
                .query_row([origin], |row| row.get::<_, i64>(0))
                .optional()
        };
        let number = number().map_err(|error| self.failed(error))?;
        Ok(number.map(|number| RowNumber(number.unsigned_abs())))
    }

    /// All that the record has of a row, by column.
    fn values(&self, number: RowNumber) -> Result<Vec<(String, Value)>, LedgerError> {
        let values = || {
            let mut row = self
                .connection
                .prepare_cached("SELECT * FROM row WHERE number = ?1")?;
            let columns: Vec<String> = row.column_names().map(str::to_owned).collect();
            row.query_row([signed(number)], |row| {
                let value = |(at, column)| Ok((column, row.get::<_, Value>(at)?));
                columns.into_iter().enumerate().map(value).collect()
            })
            .optional()
        };
        let values: Option<Vec<_>> = values().map_err(|error| self.failed(error))?;
        Ok(values.unwrap_or_default())
    }
}
