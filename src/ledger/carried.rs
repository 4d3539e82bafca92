//! Rows that a retry takes over from the runs before it: what those have settled stays settled, and what they may have
//! sent is looked up first.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::LedgerError;
use super::book::Book;
use super::history::is_refused;
use super::standing::Written;
use crate::run::Verdict;
use crate::sheet::RowNumber;

/// A run and the retries of it, the oldest first. What is known of a row is what the latest of them says.
#[derive(Debug)]
pub struct Chain {
    first: Book,
    retries: Vec<Book>,
}

/// A row that is taken over.
#[derive(Debug)]
pub struct Carried {
    number: RowNumber,
    /// Where the row comes from.
    origin: String,
    /// What is kept of it, by column.
    values: Vec<(String, Value)>,
}

impl Chain {
    /// A run that was not retried yet.
    #[must_use]
    pub fn of(first: Book) -> Self {
        Chain {
            first,
            retries: Vec::new(),
        }
    }

    /// Takes a run that began after all others, if it is the next retry.
    pub(super) fn extend(&mut self, later: Book) {
        if later.about().retries() == Some(self.latest().id().as_str()) {
            self.retries.push(later);
        }
    }

    /// The run that none of them retries.
    #[must_use]
    pub fn first(&self) -> &Book {
        &self.first
    }

    /// The run that the next retry is of.
    #[must_use]
    pub fn latest(&self) -> &Book {
        self.retries.last().unwrap_or(&self.first)
    }

    /// The same over other connections.
    ///
    /// # Errors
    /// When a record cannot be opened.
    pub fn reader(&self) -> Result<Self, LedgerError> {
        let retries: Result<_, _> = self.retries.iter().map(Book::reader).collect();
        Ok(Chain {
            first: self.first.reader()?,
            retries: retries?,
        })
    }

    /// The latest record that knows a row of the first run, and the row's number there.
    fn place(&self, row: RowNumber) -> Result<(&Book, RowNumber), LedgerError> {
        let origin = self.first.origin_of(row)?;
        for retry in self.retries.iter().rev() {
            if let Some(number) = retry.number_of(&origin)? {
                return Ok((retry, number));
            }
        }
        Ok((&self.first, row))
    }

    /// What is known of a row of the first run.
    ///
    /// # Errors
    /// When a record cannot be read.
    pub(super) fn written(&self, row: RowNumber) -> Result<Option<Written>, LedgerError> {
        let (book, number) = self.place(row)?;
        let rows = book.rows(number, 1).map_err(|error| book.failed(error))?;
        Ok(rows.into_iter().find(|row| row.number == number))
    }

    /// What a retry takes over of row `row` of the first run, which is its own row `number`.
    ///
    /// # Errors
    /// When a record cannot be read.
    pub fn carry(&self, number: RowNumber, row: RowNumber) -> Result<Carried, LedgerError> {
        let (book, latest) = self.place(row)?;
        Ok(Carried {
            number,
            origin: self.first.origin_of(row)?,
            values: kept(book.values(latest)?),
        })
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

impl Carried {
    pub(super) fn put(self, all: &Connection) -> rusqlite::Result<()> {
        let mut columns = vec!["number".to_owned(), "origin".to_owned()];
        let mut values = vec![
            Value::Integer(signed(self.number)),
            Value::Text(self.origin),
        ];
        for (column, value) in self.values {
            columns.push(column);
            values.push(value);
        }
        let places = vec!["?"; columns.len()].join(", ");
        let sql = format!(
            "INSERT OR REPLACE INTO row ({}) VALUES ({places})",
            columns.join(", ")
        );
        all.prepare_cached(&sql)?
            .execute(params_from_iter(values))
            .map(|_| ())
    }
}

impl Book {
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

fn signed(row: RowNumber) -> i64 {
    i64::try_from(row.0).unwrap_or(i64::MAX)
}
