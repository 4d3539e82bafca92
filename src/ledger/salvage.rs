//! Records that were damaged: by a disk, or by a machine that lost its power.

use std::fs;
use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};
use tracing::warn;

use super::LedgerError;
use super::book::{Book, columns};
use super::lock::Hold;
use super::shelf::RunId;

/// Opens a record to go on with it. What can be read of a damaged one is copied into a new one, and
/// the damaged one kept; then `true`.
pub(super) fn open(id: RunId, path: &Path, hold: Hold) -> Result<(Book, bool), LedgerError> {
    let error = match Book::open(id.clone(), path, hold) {
        Ok(book) => return Ok((book, false)),
        Err(error) => error,
    };
    if !path.exists() {
        return Err(error);
    }
    warn!(%error, "the record of a run is damaged");
    let unreadable = |what: String| LedgerError::Strange {
        path: path.to_owned(),
        what: format!(
            "{error}; {what}. What the run has done cannot be known from it: look at the people on the node, and \
             import the file again with --on-conflict skip"
        ),
    };
    let copy = path.with_extension("copy");
    // Of an attempt that was cut short.
    let _ = fs::remove_file(&copy);
    copy_what_can_be_read(path, &copy).map_err(|error| unreadable(error.to_string()))?;
    let io = |source| LedgerError::Io {
        path: path.to_owned(),
        source,
    };
    for ending in ["db-wal", "db-shm"] {
        // What is in it was read, or cannot be.
        let _ = fs::remove_file(path.with_extension(ending));
    }
    fs::rename(path, path.with_extension("damaged")).map_err(io)?;
    fs::rename(&copy, path).map_err(io)?;
    let lock = path.with_extension("lock");
    let hold = super::lock::hold(&lock, &format!("process {}", std::process::id())).map_err(io)?;
    let hold = hold.map_err(|_| LedgerError::Busy(id.clone()))?;
    Ok((Book::open(id, path, hold)?, true))
}

fn copy_what_can_be_read(from: &Path, to: &Path) -> rusqlite::Result<()> {
    let read = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let json: String = read.query_row("SELECT json FROM about", [], |row| row.get(0))?;
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let _ = options.open(to);
    let mut write = Connection::open(to)?;
    let all = write.transaction()?;
    super::book::lay_out(&all)?;
    super::book::mark_as_salvaged(&all)?;
    all.execute("INSERT INTO about (json) VALUES (?1)", [json])?;
    // Not how it ended: of rows that are lost now that is not true any more.
    for table in ["row", "input", "part"] {
        copy_table(table, &read, &all)?;
    }
    all.commit()
}

/// Copies the rows of a table in their order, as far as they can be read.
fn copy_table(table: &str, from: &Connection, to: &Connection) -> rusqlite::Result<()> {
    // A record of an earlier version does not have all of them.
    let there = columns(table, from).unwrap_or_default();
    let mut columns = columns(table, to)?;
    columns.retain(|column| there.contains(column));
    if columns.is_empty() {
        return Ok(());
    }
    let places = vec!["?"; columns.len()].join(", ");
    let names = columns.join(", ");
    let mut put = to.prepare(&format!(
        "INSERT OR IGNORE INTO {table} ({names}) VALUES ({places})"
    ))?;
    let Ok(mut rows) = from.prepare(&format!("SELECT {names} FROM {table} ORDER BY rowid")) else {
        return Ok(());
    };
    let Ok(mut rows) = rows.query([]) else {
        return Ok(());
    };
    // The first that cannot be read ends it: of those behind it nothing is known.
    while let Ok(Some(row)) = rows.next() {
        let values = (0..columns.len()).map(|at| row.get(at).unwrap_or(Value::Null));
        put.execute(rusqlite::params_from_iter(values))?;
    }
    Ok(())
}
