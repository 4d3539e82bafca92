//! The durable record of runs: what may have been sent, what became of each row, what was there
//! before.
//!
//! ```text
//!  run ── Note ─▶ JournalWriter ─▶ RunRecord (one SQLite file a run) ─▶ History ─▶ resume, retry
//!                                      │   ▲                         └─▶ UndoStep ─▶ undo
//!                                   RunStore: where the records are, who is writing one
//! ```
//!
//! That a row may have been sent is in the record, and on the disk, before its first byte leaves; what
//! became of it follows when it is known. So a row with the first and without the second is one to
//! look for. A record never holds a token.

mod about;
mod carried;
mod chain;
mod files;
mod history;
mod integer;
mod journal_writer;
mod lock;
mod notes;
mod recovery;
mod row_set;
mod run_id;
mod run_record;
mod run_store;
mod standing;
#[cfg(test)]
mod tests;
mod undo;

use std::io;
use std::path::{Path, PathBuf};

use crate::sheet::{RowNumber, SheetError};

pub use about::{About, NodeAbout, RunKind};
pub use carried::Carried;
pub use chain::{Chain, ChainRow};
pub use history::{History, RecordedRows};
pub use journal_writer::JournalWriter;
pub use lock::{LockGuard, acquire_lock};
pub use row_set::RowSet;
pub use run_id::RunId;
pub use run_record::RunRecord;
pub use run_store::RunStore;
pub use standing::{Access, Counts, RunPart, RunState};
pub use undo::{Irreversible, UndoRow, UndoStep};

/// The record of a run cannot be kept, or cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// There is no place for it.
    #[error("there is no folder for the records of runs; name one with --state-dir")]
    NoPlace,
    /// The disk does not do as it should.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The record of a run cannot be written or read.
    #[error("{}: {source}", path.display())]
    RunRecord {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// What is in it makes no sense.
    #[error("{}: this is not the record of a run of this version of headcount ({what})", path.display())]
    Strange {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The rows of a spreadsheet cannot be read.
    #[error(transparent)]
    Input(#[from] SheetError),
    /// Another version of the program wrote it.
    #[error(
        "{}: another version of headcount wrote this record (its format is {version}, this version reads {}); finish its \
         run with that version",
        path.display(),
        About::VERSION
    )]
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// The version of the record.
        version: u32,
    },
    /// A row of a results file that cannot be told from others.
    #[error("row {row} of the results file cannot be retried: {what}; nothing was sent")]
    OddResults {
        /// Which.
        row: RowNumber,
        /// Why.
        what: String,
    },
    /// There is no such run.
    #[error("{0}")]
    Unknown(String),
    /// Another process is writing it.
    #[error("run {0} is still going")]
    Busy(RunId),
}

impl LedgerError {
    /// That the disk does not do as it should with this file or folder.
    fn io(path: &Path) -> impl Fn(io::Error) -> Self + Copy {
        move |source| LedgerError::Io {
            path: path.to_owned(),
            source,
        }
    }
}
