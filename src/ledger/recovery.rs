//! Records that were damaged: by a disk, or by a machine that lost its power.

use std::fs;
use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use tracing::debug;

use super::LedgerError;
use super::lock::LockGuard;
use super::run_id::RunId;
use super::run_record::{RunRecord, columns};
use crate::private;

/// Opens a record to go on with it. What can be read of a damaged one is copied into a new one, and
/// the damaged one kept; then `true`.
pub(super) fn open(
    id: RunId,
    path: &Path,
    lock: LockGuard,
) -> Result<(RunRecord, bool), LedgerError> {
    let error = match RunRecord::open(id.clone(), path) {
        Ok(record) => return Ok((record.locked_by(lock), false)),
        Err(error) => error,
    };
    if !is_damage(&error) {
        return Err(error);
    }
    debug!(%error, "the record of a run is damaged");
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
    let io = LedgerError::io(path);
    for ending in ["db-wal", "db-shm"] {
        // What is in it was read, or cannot be.
        let _ = fs::remove_file(path.with_extension(ending));
    }
    fs::rename(path, path.with_extension("damaged")).map_err(io)?;
    fs::rename(&copy, path).map_err(io)?;
    Ok((RunRecord::open(id, path)?.locked_by(lock), true))
}

/// Whether what is in the record is to blame. A record that cannot be opened or read for another reason, since others
/// are at it, the disk is full or memory is short, is as good as it was, and stays where it is.
fn is_damage(error: &LedgerError) -> bool {
    match error {
        LedgerError::Strange { .. } => true,
        LedgerError::RunRecord { source, .. } => match source.sqlite_error_code() {
            // That a table is not there is an error without a code of its own.
            Some(code) => matches!(
                code,
                ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown
            ),
            // A row is not there, or is not what it should be.
            None => true,
        },
        _ => false,
    }
}

fn copy_what_can_be_read(from: &Path, to: &Path) -> rusqlite::Result<()> {
    let read = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let json: String = read.query_row("SELECT json FROM about", [], |row| row.get(0))?;
    let _ = private::file().write(true).create_new(true).open(to);
    let mut write = Connection::open(to)?;
    let all = write.transaction()?;
    super::run_record::lay_out(&all)?;
    super::run_record::mark_as_recovered(&all)?;
    all.execute("INSERT INTO about (json) VALUES (?1)", [json])?;
    // Not how it ended: of rows that are lost now that is not true any more.
    for table in ["row", "input", "part"] {
        copy_table(table, &read, &all)?;
    }
    all.commit()
}

/// Copies the rows of a table in their order, as far as they can be read.
fn copy_table(table: &str, from: &Connection, to: &Connection) -> rusqlite::Result<()> {
    let columns = columns(table, to)?;
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

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn a_record_that_cannot_be_read_for_now_is_not_damaged() {
        let damaged = |code| {
            is_damage(&LedgerError::RunRecord {
                path: "a.db".into(),
                source: rusqlite::Error::SqliteFailure(ffi::Error::new(code), None),
            })
        };
        for code in [ffi::SQLITE_CORRUPT, ffi::SQLITE_NOTADB, ffi::SQLITE_ERROR] {
            assert!(damaged(code), "{code}");
        }
        for code in [
            ffi::SQLITE_BUSY,
            ffi::SQLITE_BUSY_RECOVERY,
            ffi::SQLITE_LOCKED,
            ffi::SQLITE_PROTOCOL,
            ffi::SQLITE_CANTOPEN,
            ffi::SQLITE_IOERR,
            ffi::SQLITE_FULL,
            ffi::SQLITE_READONLY,
            ffi::SQLITE_NOMEM,
            ffi::SQLITE_PERM,
        ] {
            assert!(!damaged(code), "{code}");
        }
    }
}
