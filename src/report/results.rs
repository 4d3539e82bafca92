//! The results file: the spreadsheet as it came, and what happened to every row.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use super::place::{Former, complete, private_part};
use super::screen::say;
use crate::roster::Roster;
use crate::run::{Outcome, Record};
use crate::sheet::{Cell, Format, Writer};

/// The columns behind those of the input.
pub(super) const COLUMNS: [&str; 8] = [
    "result_row",
    "result_action",
    "result_outcome",
    "result_status",
    "result_user_id",
    "result_attempts",
    "result_error",
    "result_finished_at",
];

/// Results cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("the results cannot be written to {path}: {source}")]
pub struct ResultsError {
    path: PathBuf,
    source: io::Error,
}

/// What of the input goes into the results, and how.
#[derive(Debug, Clone, Copy)]
pub struct Layout<'a> {
    /// The headings of the input.
    pub header: &'a [String],
    /// Which of its columns are results of an earlier run, and so are left out.
    pub former_results: &'a [usize],
    /// How it is written.
    pub format: Format,
}

impl<'a> Layout<'a> {
    /// As the input is laid out, unless the ending of `path` names another format.
    #[must_use]
    pub fn like_input(roster: &'a Roster, path: &Path) -> Self {
        let format = match Format::of(path) {
            Ok(Format::Csv) | Err(_) => Format::Like(roster.dialect()),
            Ok(format) => format,
        };
        Layout {
            header: roster.header(),
            former_results: roster.columns().results(),
            format,
        }
    }
}

/// A results file being written. It has its name only when it is whole; until then the rows so far
/// are in the same folder, in a file whose name ends with `.part`.
#[derive(Debug)]
pub struct ResultsFile {
    path: PathBuf,
    part: PathBuf,
    writer: Writer<BufWriter<File>>,
    kept: Vec<usize>,
    unflushed: u32,
    former: Former,
}

/// How many rows may be lost from the `.part` file when the machine fails.
const FLUSH_EVERY: u32 = 256;

impl ResultsFile {
    /// Begins a results file at `path`; only its owner may read it.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(path: &Path, layout: Layout<'_>, former: Former) -> Result<Self, ResultsError> {
        let failed = |source| ResultsError {
            path: path.to_owned(),
            source,
        };
        let (part, file, kept) = private_part(path, former).map_err(failed)?;
        if let Some(kept) = kept {
            say(format_args!(
                "An earlier run over this file did not come to its end; its results so far are now in {}",
                kept.display()
            ));
        }
        let kept: Vec<usize> = (0..layout.header.len())
            .filter(|at| !layout.former_results.contains(at))
            .collect();
        let mut header: Vec<String> = kept.iter().map(|at| layout.header[*at].clone()).collect();
        header.extend(COLUMNS.map(str::to_owned));
        let writer = Writer::new(BufWriter::new(file), layout.format, &header).map_err(failed)?;
        Ok(ResultsFile {
            path: path.to_owned(),
            part,
            writer,
            kept,
            unflushed: 0,
            former,
        })
    }

    /// Writes one row.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn write(&mut self, record: &Record) -> Result<(), ResultsError> {
        self.try_write(record).map_err(|source| self.failed(source))
    }

    fn try_write(&mut self, record: &Record) -> io::Result<()> {
        let Outcome {
            verdict,
            status,
            user_id,
            attempts,
            error,
            finished_at,
            differences: _,
        } = &record.outcome;
        let row = record.number.to_string();
        let status = status.map(|status| status.to_string());
        let attempts = attempts.to_string();
        let finished_at = format!("{finished_at:.3}");
        let text = |text: &'_ Option<String>| text.clone().unwrap_or_default();
        let (user_id, error) = (text(user_id), text(error));
        let mut cells: Vec<Cell<'_>> = Vec::with_capacity(self.kept.len() + COLUMNS.len());
        cells.extend(
            self.kept
                .iter()
                .map(|at| Cell::Text(record.cells.get(*at).unwrap_or_default())),
        );
        cells.extend([
            Cell::Text(&row),
            record
                .action
                .map_or(Cell::Empty, |action| Cell::Text(action.as_str())),
            Cell::Text(verdict.as_str()),
            status.as_deref().map_or(Cell::Empty, Cell::Text),
            Cell::Text(&user_id),
            Cell::Text(&attempts),
            Cell::Text(&error),
            Cell::Text(&finished_at),
        ]);
        self.writer.row(&cells)?;
        self.unflushed += 1;
        if self.unflushed >= FLUSH_EVERY {
            self.unflushed = 0;
            self.writer.flush()?;
        }
        Ok(())
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// When the last rows cannot be written or the file cannot be renamed.
    pub fn finish(mut self) -> Result<(), ResultsError> {
        self.writer
            .flush()
            .and_then(|()| complete(&self.part, &self.path, self.former))
            .map_err(|source| self.failed(source))
    }

    /// Leaves nothing behind: no row was begun.
    pub fn discard(self) {
        drop(self.writer);
        // A part that stays is kept by the next run as that of a killed one: nothing is lost.
        let _ = std::fs::remove_file(&self.part);
    }

    fn failed(&self, source: io::Error) -> ResultsError {
        ResultsError {
            path: self.part.clone(),
            source,
        }
    }
}
