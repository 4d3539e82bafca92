//! The results file: the spreadsheet as it came, and what happened to every row.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use super::atomic_file::{AtomicFile, BegunFile, IfExists};
use super::screen::say;
use crate::roster::{RESULT_COLUMNS, Roster};
use crate::run::{Outcome, RowRecord, Verdict};
use crate::sheet::{Cell, Format, LimitError, SheetError, Tone, Writer};

/// What tells results from other files, in every format that is written row by row.
const SIGN: &[u8] = b"result_outcome";

/// Results cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("the results cannot be written to {path}: {source}")]
pub struct ResultsError {
    path: PathBuf,
    source: io::Error,
}

/// Results that the format cannot hold.
#[derive(Debug, thiserror::Error)]
pub enum UnfitError {
    /// There is too much of something.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// The input cannot be looked at.
    #[error(transparent)]
    Input(#[from] SheetError),
}

/// What of the input goes into the results, and how.
#[derive(Debug, Clone, Copy)]
pub struct Layout<'a> {
    /// The headings of the input.
    pub header: &'a [String],
    /// Which of its columns are results of an earlier run, and so are left out.
    pub prior_results: &'a [usize],
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
            prior_results: roster.columns().results(),
            format,
        }
    }

    /// The columns of the input that are carried over.
    fn kept(&self) -> impl Iterator<Item = usize> {
        (0..self.header.len()).filter(|at| !self.prior_results.contains(at))
    }

    /// Finds out whether the format can hold the results of an input with so many rows in all. Reads
    /// the rows of `parts` for that, if it has limits.
    ///
    /// # Errors
    /// When it cannot hold them.
    pub fn check<'p>(
        &self,
        rows: u64,
        parts: impl IntoIterator<Item = &'p Roster>,
    ) -> Result<(), UnfitError> {
        if !self.format.is_limited() {
            return Ok(());
        }
        let kept: Vec<usize> = self.kept().collect();
        self.format
            .check_size(rows, kept.len() + RESULT_COLUMNS.len())?;
        for part in parts {
            for entry in part.entries()? {
                let entry = entry?;
                for &at in &kept {
                    let text = entry.cells.get(at).unwrap_or_default();
                    let row = entry.number.0;
                    self.format.check_text(row, &self.header[at], text)?;
                }
            }
        }
        Ok(())
    }
}

/// What happens to results that are there already.
#[derive(Debug, Clone, Copy)]
pub struct OverwritePolicy {
    /// To a file of the same name.
    pub whole: IfExists,
    /// To what a run has left that was killed.
    pub part: IfExists,
}

impl From<IfExists> for OverwritePolicy {
    fn from(both: IfExists) -> Self {
        OverwritePolicy {
            whole: both,
            part: both,
        }
    }
}

/// A results file being written. It has its name only when it is whole; until then the rows so far
/// are in the same folder, in a file whose name ends with `.part`. That of a workbook is empty until
/// the end: what became of the rows so far is in the record of the run only.
#[derive(Debug)]
pub struct ResultsFile {
    part: AtomicFile,
    writer: Writer<BufWriter<File>>,
    kept: Vec<usize>,
    unflushed: u32,
    format: Format,
    run: String,
}

/// How many rows may be lost from the `.part` file when the machine fails.
const FLUSH_EVERY: u32 = 256;

impl ResultsFile {
    /// Begins a results file at `path`; only its owner may read it.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(
        path: &Path,
        layout: Layout<'_>,
        overwrite: OverwritePolicy,
    ) -> Result<Self, ResultsError> {
        let failed = |source| ResultsError {
            path: path.to_owned(),
            source,
        };
        // A part without rows is worth nothing.
        let (part_exists, sign) = if layout.format.grows_by_rows() {
            (overwrite.part, SIGN)
        } else {
            (IfExists::Replace, &b""[..])
        };
        let begun =
            AtomicFile::begin_over(path, overwrite.whole, part_exists, sign).map_err(failed)?;
        let BegunFile { part, file, left } = begun;
        if let Some(left) = left {
            say(format_args!(
                "An earlier run over this file did not come to its end; its results so far are now in {}",
                left.display()
            ));
        }
        let kept: Vec<usize> = layout.kept().collect();
        let mut header: Vec<String> = kept.iter().map(|at| layout.header[*at].clone()).collect();
        header.extend(RESULT_COLUMNS.map(str::to_owned));
        let writer = match Writer::new(BufWriter::new(file), layout.format, &header) {
            Ok(writer) => writer,
            Err(error) => {
                part.discard();
                return Err(failed(error));
            }
        };
        Ok(ResultsFile {
            part,
            writer,
            kept,
            unflushed: 0,
            format: layout.format,
            run: String::new(),
        })
    }

    /// The same for the run of this id, which each row names: its record tells what has become of the row since.
    #[must_use]
    pub fn of_run(self, id: &str) -> Self {
        ResultsFile {
            run: id.to_owned(),
            ..self
        }
    }

    /// Writes one row.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn write(&mut self, record: &RowRecord) -> Result<(), ResultsError> {
        self.try_write(record).map_err(|source| self.failed(source))
    }

    fn try_write(&mut self, record: &RowRecord) -> io::Result<()> {
        let Outcome {
            verdict,
            status,
            user_id,
            attempts,
            error,
            finished_at,
            proven: _,
            differences: _,
            took: _,
        } = &record.outcome;
        let finished_at = format!("{finished_at:.3}");
        let error = self.words(error.as_deref().unwrap_or_default());
        let mut cells: Vec<Cell<'_>> = Vec::with_capacity(self.kept.len() + RESULT_COLUMNS.len());
        cells.extend(
            self.kept
                .iter()
                .map(|at| Cell::Text(record.cells.get(*at).unwrap_or_default())),
        );
        cells.extend([
            Cell::Number(record.number.0),
            record
                .action
                .map_or(Cell::Empty, |action| Cell::Text(action.as_str())),
            Cell::Text(verdict.as_str()),
            status.map_or(Cell::Empty, |status| Cell::Number(status.into())),
            Cell::Text(user_id.as_deref().unwrap_or_default()),
            Cell::Number((*attempts).into()),
            Cell::Text(&error),
            Cell::Text(&finished_at),
            Cell::Text(&self.run),
        ]);
        self.writer.toned(tone(*verdict), &cells)?;
        self.unflushed += 1;
        if self.unflushed >= FLUSH_EVERY {
            self.unflushed = 0;
            self.writer.flush()?;
        }
        Ok(())
    }

    /// What is said of a row, as far as a cell can hold it. The words may quote a cell that is as long
    /// as a cell may be; the record of the run has all of them.
    fn words<'e>(&self, error: &'e str) -> Cow<'e, str> {
        /// How much is left of words that are too long.
        const SHORT: usize = 1000;
        match self.format.check_text(0, "", error) {
            Ok(()) => Cow::Borrowed(error),
            Err(_) => {
                let mut short: String = error.chars().take(SHORT).collect();
                short.push_str("… (longer than a cell of a workbook can be)");
                Cow::Owned(short)
            }
        }
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// When the last rows cannot be written or the file cannot be renamed.
    pub fn finish(self) -> Result<(), ResultsError> {
        let ResultsFile { writer, part, .. } = self;
        // The file stays open, and so locked, until it has its name.
        let finished = writer.finish();
        let named = finished.and_then(|_file| part.complete());
        named.map_err(|source| ResultsError {
            path: part.path().to_owned(),
            source,
        })
    }

    /// Leaves nothing behind: no row was begun.
    pub fn discard(self) {
        drop(self.writer);
        self.part.discard();
    }

    fn failed(&self, source: io::Error) -> ResultsError {
        ResultsError {
            path: self.part.path().to_owned(),
            source,
        }
    }
}

/// How a row catches the eye.
fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Failed | Verdict::Invalid => Tone::Alarm,
        Verdict::Unknown => Tone::Caution,
        _ => Tone::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roster::{Action, Options};
    use crate::sheet::Reading;

    fn roster(content: &str) -> Roster {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        let options = Options {
            default_action: Action::Create,
            forced_action: false,
            map: Vec::new(),
        };
        Roster::open(file.path(), &Reading::default(), options).unwrap()
    }

    #[test]
    fn a_workbook_is_asked_for_before_it_is_too_small() {
        let long = "x".repeat(32_768);
        let fits = |name: &str, content: &str, rows| {
            let roster = roster(content);
            let layout = Layout::like_input(&roster, Path::new(name));
            layout.check(rows, [&roster]).is_ok()
        };
        assert!(fits("done.xlsx", "email,note\na@x.com,y\n", 1_048_575));
        assert!(!fits("done.xlsx", "email,note\na@x.com,y\n", 1_048_576));
        assert!(fits("done.csv", "email,note\na@x.com,y\n", 1_048_576));
        let content = format!("email,note\na@x.com,{long}\n");
        assert!(!fits("done.xlsx", &content, 1));
        assert!(fits("done.tsv", &content, 1));
        // What an earlier run said is left out.
        let former = format!("email,result_outcome\na@x.com,{long}\n");
        assert!(fits("done.xlsx", &former, 1));
    }

    #[test]
    fn words_that_are_too_long_for_a_cell_say_so() {
        let roster = roster("email\na@x.com\n");
        let dir = tempfile::tempdir().unwrap();
        let words = |name: &str, length: usize| {
            let path = dir.path().join(name);
            let layout = Layout::like_input(&roster, &path);
            let file = ResultsFile::create(&path, layout, IfExists::Keep.into()).unwrap();
            let words = file.words(&"x".repeat(length)).into_owned();
            file.discard();
            words
        };
        assert_eq!(words("done.csv", 40_000).len(), 40_000);
        assert_eq!(words("done.xlsx", 32_767).len(), 32_767);
        let short = words("done.xlsx", 32_768);
        assert!(
            short.len() < 2_000 && short.ends_with("(longer than a cell of a workbook can be)")
        );
        assert_eq!(dir.path().read_dir().unwrap().count(), 0);
    }
}
