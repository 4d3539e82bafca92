//! The record of one run: an `SQLite` file.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};
use serde::Deserialize;

use super::LedgerError;
use super::about::About;
use super::carried::Carried;
use super::lock::LockGuard;
use super::run_id::RunId;
use crate::private;

/// What marks a file as the record of a run.
const APPLICATION: i32 = 0x6865_6164;

/// What marks a record of which a part may be lost.
const RECOVERED: i32 = 1;

/// How long the log beside the file gets before it is brought in, in pages of 4 KiB: the same pages change again and
/// again, and are brought in once.
const LOG_PAGES: u32 = 4_000;

/// How much of the input is kept in one piece.
const PART: usize = 256 << 10;

const TABLES: &str = "
    CREATE TABLE about (json TEXT NOT NULL);
    CREATE TABLE ended (at INTEGER NOT NULL, stopped TEXT, discarded INTEGER);
    CREATE TABLE row (
        number INTEGER PRIMARY KEY,
        node INTEGER, sent_at INTEGER, before TEXT,
        action TEXT, verdict TEXT, status INTEGER, user_id TEXT, attempts INTEGER, error TEXT,
        finished_at INTEGER, took INTEGER, node_time INTEGER, proven INTEGER, origin TEXT
    );
    CREATE INDEX row_origin ON row (origin) WHERE origin IS NOT NULL;
    CREATE TABLE input (part INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
    CREATE TABLE part (begun INTEGER NOT NULL, calls TEXT);
";

/// The part of a record's head that every version can read.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// The record of one run.
#[derive(Debug)]
pub struct RunRecord {
    id: RunId,
    path: PathBuf,
    about: About,
    pub(super) connection: Connection,
    /// Nobody else writes it.
    _lock: Option<LockGuard>,
}

impl RunRecord {
    /// Begins a record. It has its name only when all of this is in it, so a record that cannot be read is damaged.
    pub(super) fn begin(
        id: RunId,
        path: &Path,
        lock: LockGuard,
        about: &About,
        input: impl Read,
        carried: impl Iterator<Item = Result<Carried, LedgerError>>,
    ) -> Result<Self, LedgerError> {
        let io = LedgerError::io(path);
        let new = path.with_extension("new");
        // Left by a process that was killed: this one holds the lock.
        let _ = fs::remove_file(&new);
        Self::create(&new, about, input, carried).inspect_err(|_| {
            for ending in ["new", "new-wal", "new-shm"] {
                let _ = fs::remove_file(path.with_extension(ending));
            }
        })?;
        fs::rename(&new, path).map_err(io)?;
        // That there is such a file must outlast a power failure, too.
        #[cfg(unix)]
        if let Some(folder) = path.parent() {
            fs::File::open(folder)
                .and_then(|folder| folder.sync_all())
                .map_err(io)?;
        }
        Ok(Self::read(id, path)?.locked_by(lock))
    }

    fn create(
        path: &Path,
        about: &About,
        input: impl Read,
        carried: impl Iterator<Item = Result<Carried, LedgerError>>,
    ) -> Result<(), LedgerError> {
        // SQLite gives the files beside it the same mode.
        let mut options = private::file();
        options.write(true).create_new(true);
        drop(options.open(path).map_err(LedgerError::io(path))?);
        let failed = |source| record_error(path, source);
        let mut connection = connect(path).map_err(failed)?;
        let all = connection.transaction().map_err(failed)?;
        lay_out(&all).map_err(failed)?;
        all.execute("INSERT INTO about (json) VALUES (?1)", [about.to_json()])
            .map_err(failed)?;
        put_part(&all, about.begun).map_err(failed)?;
        copy_in(&all, path, input)?;
        for row in carried {
            row?.put(&all).map_err(failed)?;
        }
        all.commit().map_err(failed)?;
        // What the run is stays readable even if the log is lost.
        checkpoint(&connection);
        connection.close().map_err(|(_, source)| failed(source))
    }

    /// Opens a record that is there, to go on with it. Whoever does so holds its lock.
    pub(super) fn open(id: RunId, path: &Path) -> Result<Self, LedgerError> {
        let record = Self::read(id, path)?;
        let sound: rusqlite::Result<String> =
            record
                .connection
                .query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
        match sound {
            Ok(word) if word == "ok" => Ok(record),
            Ok(word) => Err(record.strange(word)),
            Err(error) => Err(record.failed(error)),
        }
    }

    /// Opens a record, to read it.
    pub(super) fn read(id: RunId, path: &Path) -> Result<Self, LedgerError> {
        // Read-only, it could not be read after a crash: what is in its log has to be brought in first.
        let failed = |source| record_error(path, source);
        let connection = connect(path).map_err(failed)?;
        let json: String = connection
            .query_row("SELECT json FROM about", [], |row| row.get(0))
            .map_err(failed)?;
        let strange = |error: serde_json::Error| LedgerError::Strange {
            path: path.to_owned(),
            what: error.to_string(),
        };
        let Versioned { version } = serde_json::from_str(&json).map_err(strange)?;
        if version != About::VERSION {
            return Err(LedgerError::OtherVersion {
                path: path.to_owned(),
                version,
            });
        }
        let about = serde_json::from_str(&json).map_err(strange)?;
        Ok(RunRecord {
            id,
            path: path.to_owned(),
            about,
            connection,
            _lock: None,
        })
    }

    /// The same, which only this process writes.
    pub(super) fn locked_by(self, lock: LockGuard) -> Self {
        RunRecord {
            _lock: Some(lock),
            ..self
        }
    }

    /// The run's name.
    #[must_use]
    pub fn id(&self) -> &RunId {
        &self.id
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What the run is.
    #[must_use]
    pub fn about(&self) -> &About {
        &self.about
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
            into.write_all(&bytes)
                .map_err(LedgerError::io(&self.path))?;
        }
        Ok(())
    }

    /// Whether a part of it may be lost.
    pub(super) fn is_recovered(&self) -> Result<bool, LedgerError> {
        self.connection
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .map(|version: i32| version == RECOVERED)
            .map_err(|error| self.failed(error))
    }

    /// Brings what is in the log into the file itself.
    pub(super) fn checkpoint(&self) {
        checkpoint(&self.connection);
    }

    /// The results of the run go to another place from now on.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn move_results(&mut self, to: PathBuf) -> Result<(), LedgerError> {
        self.about.results = to;
        self.connection
            .execute("UPDATE about SET json = ?1", [self.about.to_json()])
            .map(|_| ())
            .map_err(|error| self.failed(error))
    }

    /// Another connection to the same record, to read it.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn reader(&self) -> Result<RunRecord, LedgerError> {
        Self::read(self.id.clone(), &self.path)
    }

    pub(super) fn failed(&self, source: rusqlite::Error) -> LedgerError {
        record_error(&self.path, source)
    }

    fn strange(&self, what: String) -> LedgerError {
        LedgerError::Strange {
            path: self.path.clone(),
            what,
        }
    }
}

fn checkpoint(connection: &Connection) {
    // Another process may be reading it: then it is done when it is closed.
    let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
}

/// Keeps the bytes of the input.
fn copy_in(all: &Connection, path: &Path, mut input: impl Read) -> Result<(), LedgerError> {
    let mut part = Vec::new();
    loop {
        part.clear();
        let read = input.by_ref().take(PART as u64).read_to_end(&mut part);
        read.map_err(LedgerError::io(path))?;
        if part.is_empty() {
            return Ok(());
        }
        all.execute("INSERT INTO input (bytes) VALUES (?1)", [&part])
            .map_err(|source| record_error(path, source))?;
    }
}

fn record_error(path: &Path, source: rusqlite::Error) -> LedgerError {
    LedgerError::RunRecord {
        path: path.to_owned(),
        source,
    }
}

/// Makes the tables of a record.
pub(super) fn lay_out(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "application_id", APPLICATION)?;
    connection.execute_batch(TABLES)
}

/// Says for good that rows may be lost.
pub(super) fn mark_as_recovered(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "user_version", RECOVERED)
}

/// A run begins, or goes on.
pub(super) fn put_part(connection: &Connection, begun: Timestamp) -> rusqlite::Result<()> {
    let put = "INSERT INTO part (begun) VALUES (?1)";
    connection
        .execute(put, [begun.as_millisecond()])
        .map(|_| ())
}

/// The names of a table's columns; none if there is no such table.
pub(super) fn columns(table: &str, of: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut names = of.prepare("SELECT name FROM pragma_table_info(?1) ORDER BY cid")?;
    names.query_map([table], |row| row.get(0))?.collect()
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
    connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
    connection.pragma_update(None, "synchronous", "FULL")
}
