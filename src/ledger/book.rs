//! The record of one run: an `SQLite` file.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::LedgerError;
use super::about::About;
use super::lock::Hold;
use super::shelf::RunId;
use crate::run::{Before, Note, Outcome, Verdict};
use crate::sheet::RowNumber;

/// What marks a file as the record of a run.
const APPLICATION: i32 = 0x6865_6164;

/// How much of the input is kept in one piece.
const PART: usize = 256 << 10;

pub(super) const TABLES: &str = "
    CREATE TABLE about (json TEXT NOT NULL);
    CREATE TABLE ended (at INTEGER NOT NULL, stopped TEXT);
    CREATE TABLE row (
        number INTEGER PRIMARY KEY,
        node INTEGER, sent_at INTEGER, before TEXT,
        action TEXT, verdict TEXT, status INTEGER, user_id TEXT, attempts INTEGER, error TEXT,
        finished_at INTEGER
    );
    CREATE TABLE input (part INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
";

/// The record of one run.
#[derive(Debug)]
pub struct Book {
    id: RunId,
    path: PathBuf,
    about: About,
    connection: Connection,
    /// Nobody else writes it.
    _hold: Option<Hold>,
}

/// How far a run has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It was cut short, or is still going.
    Open,
    /// It stopped before its end.
    Stopped {
        /// When.
        at: Timestamp,
        /// Why.
        why: String,
    },
    /// It has come to its end.
    Finished {
        /// When.
        at: Timestamp,
    },
}

/// Rows by what became of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows that have an outcome.
    pub verdicts: Vec<(Verdict, u64)>,
    /// Rows that may have been sent and have none.
    pub in_doubt: u64,
    /// Rows that may have been sent.
    pub sent: u64,
}

impl Counts {
    /// How many rows ended like this.
    #[must_use]
    pub fn of(&self, verdict: Verdict) -> u64 {
        let mut verdicts = self.verdicts.iter();
        let found = verdicts.find(|(each, _)| *each == verdict);
        found.map_or(0, |(_, count)| *count)
    }

    /// How many rows are as asked.
    #[must_use]
    pub fn done(&self) -> u64 {
        let done = self
            .verdicts
            .iter()
            .filter(|(verdict, _)| verdict.is_done());
        done.map(|(_, count)| count).sum()
    }

    /// How many rows have an outcome that is not to their liking, or none.
    #[must_use]
    pub fn not_done(&self, rows: u64) -> u64 {
        rows.saturating_sub(self.done())
    }
}

/// A row as it stands in the record.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub(super) number: RowNumber,
    pub(super) sent_at: Option<Timestamp>,
    pub(super) before: Option<Before>,
    pub(super) outcome: Option<Outcome>,
}

impl Book {
    /// Begins a record.
    pub(super) fn begin(
        id: RunId,
        path: &Path,
        hold: Hold,
        about: &About,
        input: impl Read,
    ) -> Result<Self, LedgerError> {
        let io = |source| LedgerError::Io {
            path: path.to_owned(),
            source,
        };
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        // SQLite gives the files beside it the same mode.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        drop(options.open(path).map_err(io)?);
        let connection = connect(path).map_err(|source| of_book(path, source))?;
        let mut book = Book {
            id,
            path: path.to_owned(),
            about: about.clone(),
            connection,
            _hold: Some(hold),
        };
        book.fill(input)?;
        // What the run is stays readable even if the log is lost.
        book.checkpoint();
        // That there is such a file must outlast a power failure, too.
        #[cfg(unix)]
        if let Some(folder) = path.parent() {
            File::open(folder)
                .and_then(|folder| folder.sync_all())
                .map_err(io)?;
        }
        Ok(book)
    }

    fn fill(&mut self, mut input: impl Read) -> Result<(), LedgerError> {
        let path = self.path.clone();
        let failed = |source| of_book(&path, source);
        let json = serde_json::to_string(&self.about).expect("strings, numbers and booleans only");
        let all = self.connection.transaction().map_err(failed)?;
        all.pragma_update(None, "application_id", APPLICATION)
            .and_then(|()| all.execute_batch(TABLES))
            .and_then(|()| all.execute("INSERT INTO about (json) VALUES (?1)", [json]))
            .map_err(failed)?;
        let mut part = Vec::new();
        loop {
            part.clear();
            let read = input.by_ref().take(PART as u64).read_to_end(&mut part);
            read.map_err(|source| LedgerError::Io {
                path: path.clone(),
                source,
            })?;
            if part.is_empty() {
                break;
            }
            all.execute("INSERT INTO input (bytes) VALUES (?1)", [&part])
                .map_err(failed)?;
        }
        all.commit().map_err(failed)
    }

    /// Opens a record that is there, to go on with it.
    pub(super) fn open(id: RunId, path: &Path, hold: Hold) -> Result<Self, LedgerError> {
        let book = Self::with(id, path, OpenFlags::SQLITE_OPEN_READ_WRITE, Some(hold))?;
        let sound: rusqlite::Result<String> =
            book.connection
                .query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
        match sound {
            Ok(word) if word == "ok" => Ok(book),
            Ok(word) => Err(book.strange(word)),
            Err(error) => Err(book.failed(error)),
        }
    }

    /// Opens a record, to read it.
    pub(super) fn read(id: RunId, path: &Path) -> Result<Self, LedgerError> {
        // Read-only, it could not be read after a crash: what is in its log has to be brought in first.
        Self::with(id, path, OpenFlags::SQLITE_OPEN_READ_WRITE, None)
    }

    fn with(
        id: RunId,
        path: &Path,
        flags: OpenFlags,
        hold: Option<Hold>,
    ) -> Result<Self, LedgerError> {
        let failed = |source| of_book(path, source);
        let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(failed)?;
        prepare(&connection).map_err(failed)?;
        let json: String = connection
            .query_row("SELECT json FROM about", [], |row| row.get(0))
            .map_err(failed)?;
        let about: About = serde_json::from_str(&json).map_err(|error| LedgerError::Strange {
            path: path.to_owned(),
            what: error.to_string(),
        })?;
        if about.version != About::VERSION {
            return Err(LedgerError::Strange {
                path: path.to_owned(),
                what: format!("its version is {}", about.version),
            });
        }
        Ok(Book {
            id,
            path: path.to_owned(),
            about,
            connection,
            _hold: hold,
        })
    }

    /// The run's name.
    #[must_use]
    pub fn id(&self) -> &RunId {
        &self.id
    }

    /// What the run is.
    #[must_use]
    pub fn about(&self) -> &About {
        &self.about
    }

    /// How far it has come.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn state(&self) -> Result<State, LedgerError> {
        let ended = self.connection.query_row(
            "SELECT at, stopped FROM ended ORDER BY rowid DESC LIMIT 1",
            [],
            |row| Ok((time(row.get(0)?), row.get::<_, Option<String>>(1)?)),
        );
        let ended = ended.optional().map_err(|error| self.failed(error))?;
        Ok(match ended {
            None => State::Open,
            Some((at, Some(why))) => State::Stopped { at, why },
            Some((at, None)) => State::Finished { at },
        })
    }

    /// What became of its rows.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn counts(&self) -> Result<Counts, LedgerError> {
        self.count().map_err(|error| self.failed(error))
    }

    fn count(&self) -> rusqlite::Result<Counts> {
        let one = |sql: &str| {
            self.connection
                .query_row(sql, [], |row| row.get::<_, i64>(0))
                .map(unsigned)
        };
        let mut counts = Counts {
            verdicts: Vec::new(),
            in_doubt: one(
                "SELECT count(*) FROM row WHERE verdict IS NULL AND sent_at IS NOT NULL",
            )?,
            sent: one("SELECT count(*) FROM row WHERE sent_at IS NOT NULL")?,
        };
        for verdict in Verdict::ALL {
            let count = self.connection.query_row(
                "SELECT count(*) FROM row WHERE verdict = ?1",
                [verdict.as_str()],
                |row| row.get(0),
            )?;
            if count > 0 {
                counts.verdicts.push((verdict, unsigned(count)));
            }
        }
        Ok(counts)
    }

    /// The bytes of its input.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn copy_input(&self, into: &mut impl std::io::Write) -> Result<(), LedgerError> {
        let mut parts = self
            .connection
            .prepare("SELECT bytes FROM input ORDER BY part")
            .map_err(|error| self.failed(error))?;
        let mut rows = parts.query([]).map_err(|error| self.failed(error))?;
        while let Some(row) = rows.next().map_err(|error| self.failed(error))? {
            let bytes: Vec<u8> = row.get(0).map_err(|error| self.failed(error))?;
            into.write_all(&bytes).map_err(|source| LedgerError::Io {
                path: self.path.clone(),
                source,
            })?;
        }
        Ok(())
    }

    /// Writes several notes down at once; they are durable when this returns.
    pub(super) fn write(&mut self, notes: &[Note]) -> rusqlite::Result<()> {
        let all = self.connection.transaction()?;
        for note in notes {
            put(&all, note)?;
        }
        all.commit()
    }

    /// Says that it has ended, and why if that is before its end.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn end(&self, stopped: Option<&str>) -> Result<(), LedgerError> {
        let now = Timestamp::now().as_millisecond();
        self.connection
            .execute(
                "INSERT INTO ended (at, stopped) VALUES (?1, ?2)",
                params![now, stopped],
            )
            .map_err(|error| self.failed(error))?;
        self.checkpoint();
        Ok(())
    }

    /// Brings what is in the log into the file itself.
    fn checkpoint(&self) {
        // Somebody may be reading it: then it is done when it is closed.
        let _ = self
            .connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }

    /// It goes on.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn begin_again(&self) -> Result<(), LedgerError> {
        self.connection
            .execute("DELETE FROM ended", [])
            .map(|_| ())
            .map_err(|error| self.failed(error))
    }

    /// At most `most` rows from number `from` on.
    pub(super) fn rows(&self, from: RowNumber, most: usize) -> rusqlite::Result<Vec<Written>> {
        let mut rows = self.connection.prepare_cached(
            "SELECT number, sent_at, before, verdict, status, user_id, attempts, error, finished_at
             FROM row WHERE number >= ?1 ORDER BY number LIMIT ?2",
        )?;
        let from = i64::try_from(from.0).unwrap_or(i64::MAX);
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        rows.query_map(params![from, most], written)?.collect()
    }

    /// The numbers of all rows with their verdicts.
    pub(super) fn verdicts(
        &self,
        mut on_row: impl FnMut(RowNumber, Verdict),
    ) -> rusqlite::Result<()> {
        let mut rows = self
            .connection
            .prepare("SELECT number, verdict FROM row WHERE verdict IS NOT NULL ORDER BY number")?;
        let mut rows = rows.query([])?;
        while let Some(row) = rows.next()? {
            let word: String = row.get(1)?;
            if let Some(verdict) = Verdict::of_word(&word) {
                on_row(RowNumber(unsigned(row.get(0)?)), verdict);
            }
        }
        Ok(())
    }

    /// Another connection to the same record, to read it.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn reader(&self) -> Result<Book, LedgerError> {
        Self::read(self.id.clone(), &self.path)
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(super) fn failed(&self, source: rusqlite::Error) -> LedgerError {
        of_book(&self.path, source)
    }

    fn strange(&self, what: String) -> LedgerError {
        LedgerError::Strange {
            path: self.path.clone(),
            what,
        }
    }
}

fn of_book(path: &Path, source: rusqlite::Error) -> LedgerError {
    LedgerError::Book {
        path: path.to_owned(),
        source,
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    prepare(&connection)?;
    Ok(connection)
}

/// Every commit is on the disk when it returns, and readers do not wait for writers.
fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")
}

fn put(all: &Connection, note: &Note) -> rusqlite::Result<()> {
    match note {
        Note::MayBeSent {
            row,
            node,
            at,
            before,
            ..
        } => {
            // What was there before the first time is what was there before. Only that somebody was made
            // can turn out later, and that it was somebody else who is changed.
            let mut put = all.prepare_cached(
                "INSERT INTO row (number, node, sent_at, before) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (number) DO UPDATE SET
                    node = excluded.node,
                    sent_at = coalesce(sent_at, excluded.sent_at),
                    before = CASE WHEN before IS NULL OR before ->> 'was' = 'nobody' THEN excluded.before ELSE before END",
            )?;
            let before = serde_json::to_string(before).expect("strings and booleans only");
            put.execute(params![signed(*row), node, at.as_millisecond(), before])?;
        }
        Note::Settled {
            row,
            action,
            outcome,
        } => {
            let mut put = all.prepare_cached(
                "INSERT INTO row (number, action, verdict, status, user_id, attempts, error, finished_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                 ON CONFLICT (number) DO UPDATE SET
                    action = excluded.action, verdict = excluded.verdict, status = excluded.status,
                    user_id = excluded.user_id, attempts = excluded.attempts, error = excluded.error,
                    finished_at = excluded.finished_at",
            )?;
            put.execute(params![
                signed(*row),
                action.map(crate::roster::Action::as_str),
                outcome.verdict.as_str(),
                outcome.status,
                outcome.user_id,
                outcome.attempts,
                outcome.error,
                outcome.finished_at.as_millisecond(),
            ])?;
        }
    }
    Ok(())
}

fn written(row: &rusqlite::Row<'_>) -> rusqlite::Result<Written> {
    let before: Option<String> = row.get("before")?;
    let word: Option<String> = row.get("verdict")?;
    let verdict = word.as_deref().and_then(Verdict::of_word);
    let outcome = match verdict {
        None => None,
        Some(verdict) => Some(Outcome {
            verdict,
            status: row.get("status")?,
            user_id: row.get("user_id")?,
            attempts: row.get::<_, Option<u32>>("attempts")?.unwrap_or_default(),
            error: row.get("error")?,
            differences: Vec::new(),
            finished_at: time(row.get("finished_at")?),
        }),
    };
    Ok(Written {
        number: RowNumber(unsigned(row.get("number")?)),
        sent_at: row.get::<_, Option<i64>>("sent_at")?.map(time),
        before: before.and_then(|json| serde_json::from_str(&json).ok()),
        outcome,
    })
}

fn time(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn signed(row: RowNumber) -> i64 {
    i64::try_from(row.0).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
