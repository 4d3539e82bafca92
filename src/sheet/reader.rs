//! Rows out of a file, whatever it was. This is the one place where formats come together.

use std::sync::Arc;

use csv::{ByteRecord, StringRecord};

use super::cursor::FileCursor;
use super::dialect::Dialect;
use super::error::SheetError;
use super::formula::unguard;
use super::line::{BrokenRow, Cells, Defect, Line, Row};
use super::rows::SpoolReader;
use super::table::Table;
use super::text::{Layout, TextRows};
use super::{RowNumber, trim};

/// Reads a file row by row.
#[derive(Debug)]
pub struct Reader {
    file: String,
    header: Arc<[String]>,
    dialect: Dialect,
    source: Source,
    /// Whether there is nothing more that could be read.
    ended: bool,
}

#[derive(Debug)]
enum Source {
    Text {
        rows: Box<TextRows>,
        /// How many cells a row must have: up to the last heading that says something.
        headed: usize,
    },
    Rows {
        rows: SpoolReader,
        below: u64,
    },
}

impl Reader {
    /// Reads the header of the text `input`, which is called `file` in messages.
    pub(super) fn of_text(
        input: FileCursor,
        file: &str,
        layout: Layout,
    ) -> Result<Self, SheetError> {
        let mut rows = TextRows::new(input, file, layout.skip, layout.dialect.delimiter);
        while rows.read()? && rows.row < layout.header.row {}
        let header: Arc<[String]> = rows.headings()?.into();
        let last = header.iter().rposition(|heading| !heading.is_empty());
        Ok(Reader {
            file: file.to_owned(),
            header,
            dialect: layout.dialect,
            source: Source::Text {
                rows: Box::new(rows),
                headed: last.map_or(0, |last| last + 1),
            },
            ended: false,
        })
    }

    /// Reads rows that were put aside.
    pub(super) fn of_rows(input: FileCursor, file: &str, table: &Table) -> Self {
        Reader {
            file: file.to_owned(),
            header: Arc::clone(&table.header),
            dialect: table.dialect(),
            source: Source::Rows {
                rows: SpoolReader::new(input),
                below: table.below,
            },
            ended: false,
        }
    }

    /// The headings, trimmed.
    #[must_use]
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// How a file like it is written.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The next line that is not blank; none at the end.
    fn line(&mut self) -> Result<Option<Line>, SheetError> {
        let width = self.header.len();
        match &mut self.source {
            Source::Text { rows, headed } => {
                while rows.read()? {
                    if !rows.is_blank() {
                        return Ok(Some(text_line(&rows.record, rows.row, width, *headed)));
                    }
                }
                Ok(None)
            }
            Source::Rows { rows, below } => loop {
                let row = rows.next().map_err(SheetError::io(&self.file))?;
                let Some(row) = row else { return Ok(None) };
                if row.number <= *below || row.cells.iter().all(|cell| trim(&cell.text).is_empty())
                {
                    continue;
                }
                let number = RowNumber(row.number);
                let cells = row.dense(width);
                let beyond = row
                    .cells
                    .iter()
                    .find(|cell| cell.column >= width && !trim(&cell.text).is_empty());
                return Ok(Some(match beyond {
                    None => Line::Row(Row {
                        number,
                        cells,
                        marks: row.marks(),
                    }),
                    Some(cell) => Line::Broken(BrokenRow {
                        number,
                        cells,
                        defect: Defect::TooManyCells {
                            expected: width,
                            found: row.width(),
                            column: cell.column,
                            extra: cell.text.clone(),
                        },
                    }),
                }));
            },
        }
    }
}

impl Iterator for Reader {
    type Item = Result<Line, SheetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let line = self.line();
        // Behind an error, where a row begins is not known any more.
        self.ended = !matches!(line, Ok(Some(_)));
        line.transpose()
    }
}

/// A row of a text with `width` headings, the last of which that says something is the one with the
/// number `headed`, counted from 1.
fn text_line(record: &ByteRecord, row: u64, width: usize, headed: usize) -> Line {
    let number = RowNumber(row);
    let found = record.len();
    let (cells, defect) = match StringRecord::from_byte_record(record.clone()) {
        Ok(cells) => {
            let beyond = (width..found)
                .filter_map(|column| Some((column, cells.get(column)?)))
                .find(|(_, cell)| !trim(cell).is_empty());
            let defect = match beyond {
                Some((column, extra)) => Some(Defect::TooManyCells {
                    expected: width,
                    found,
                    column,
                    extra: extra.to_owned(),
                }),
                None if found < headed => Some(Defect::TooFewCells {
                    expected: headed,
                    found,
                }),
                None => None,
            };
            (cells, defect)
        }
        Err(error) => {
            let column = error.utf8_error().field();
            let cells = StringRecord::from_byte_record_lossy(record.clone());
            let value = cells.get(column).unwrap_or_default().to_owned();
            (cells, Some(Defect::NotUtf8 { column, value }))
        }
    };
    let cells = fitted(cells, width);
    match defect {
        None => Line::Row(Row {
            number,
            cells,
            marks: Vec::new(),
        }),
        Some(defect) => Line::Broken(BrokenRow {
            number,
            cells,
            defect,
        }),
    }
}

/// The cells as they were before they were written, as many as there are headings.
fn fitted(cells: Cells, width: usize) -> Cells {
    let is_guarded = |cells: &Cells| {
        memchr::memchr(b'\'', cells.as_slice().as_bytes()).is_some()
            && cells.iter().any(|cell| cell.starts_with('\''))
    };
    if cells.len() == width && !is_guarded(&cells) {
        return cells;
    }
    let mut fitted = Cells::with_capacity(cells.as_slice().len(), width);
    for at in 0..width {
        fitted.push_field(unguard(cells.get(at).unwrap_or_default()));
    }
    fitted
}
