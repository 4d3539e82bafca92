//! Rows out of a file.

use std::io::{self, BufReader, Read};

use csv::{ByteRecord, StringRecord};

use super::blank::{BlankLines, Endless, LONGEST_ROW};
use super::dialect::Dialect;
use super::error::SheetError;
use super::fact::Fact;
use super::formula::unguard;
use super::snapshot::Place;
use super::{RowNumber, trim};

/// The cells of a row as they came, one for each heading.
pub type Cells = StringRecord;

/// A row with as many cells as there are headings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Where it stands.
    pub number: RowNumber,
    /// Its cells, not trimmed.
    pub cells: Cells,
}

/// A row that cannot be understood as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenRow {
    /// Where it stands.
    pub number: RowNumber,
    /// Its cells as far as they can be shown, cut or filled up to the number of headings.
    pub cells: Cells,
    /// What is wrong.
    pub defect: Defect,
}

/// What is wrong with a row before anyone asks what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Defect {
    /// A cell is not UTF-8.
    NotUtf8 {
        /// Which cell, from 0.
        column: usize,
        /// What can be read of it.
        value: String,
    },
    /// There are more cells than headings.
    TooManyCells {
        /// How many headings there are.
        expected: usize,
        /// How many cells.
        found: usize,
        /// The first cell beyond the headings that is not empty.
        extra: String,
    },
    /// There are fewer cells than headings.
    TooFewCells {
        /// How many headings there are.
        expected: usize,
        /// How many cells.
        found: usize,
    },
}

/// A line of the file that is not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A row.
    Row(Row),
    /// Something like a row.
    Broken(BrokenRow),
}

/// Reads a file row by row.
#[derive(Debug)]
pub struct Reader {
    file: String,
    csv: csv::Reader<BlankLines<BufReader<Place>>>,
    dialect: Dialect,
    header: Vec<String>,
    header_row: RowNumber,
    record: ByteRecord,
    row: u64,
    /// Whether there is nothing more that could be read.
    ended: bool,
}

const BOM: &[u8] = b"\xEF\xBB\xBF";

impl Reader {
    /// Reads the header of `input`, which is called `file` in messages.
    pub(super) fn new(mut input: Place, file: &str) -> Result<Self, SheetError> {
        let failed = |source| SheetError::Io {
            file: file.to_owned(),
            source,
        };
        let mut start = Vec::new();
        Read::by_ref(&mut input)
            .take(64 << 10)
            .read_to_end(&mut start)
            .map_err(failed)?;
        // A program that adds a byte order mark without looking leaves two.
        let mut text = &start[..];
        while let Some(rest) = text.strip_prefix(BOM) {
            text = rest;
        }
        let marks = start.len() - text.len();
        let dialect = Dialect::detect(text, marks > 0);
        input.go_to(marks as u64);
        let lines = BlankLines::new(BufReader::with_capacity(64 << 10, input), dialect.delimiter);
        let csv = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(dialect.delimiter)
            .buffer_capacity(64 << 10)
            .from_reader(lines);
        let record = ByteRecord::new();
        let mut reader = Reader {
            file: file.to_owned(),
            csv,
            dialect,
            header: Vec::new(),
            header_row: RowNumber(0),
            record,
            row: 0,
            ended: false,
        };
        reader.read_header()?;
        Ok(reader)
    }

    /// The headings, trimmed.
    #[must_use]
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// What was understood of the file.
    #[must_use]
    pub fn facts(&self) -> Vec<Fact> {
        Fact::of_text(self.dialect, self.header_row)
    }

    /// How the file marks its cells and lines.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    fn read_header(&mut self) -> Result<(), SheetError> {
        while self.read_record()? {
            if is_blank(&self.record) {
                continue;
            }
            let headings = self.record.iter().map(|heading| {
                std::str::from_utf8(heading)
                    .map(|heading| trim(unguard(heading)).to_owned())
                    .map_err(|_| SheetError::HeadingNotUtf8 {
                        file: self.file.clone(),
                        row: self.row,
                        heading: String::from_utf8_lossy(heading).into_owned(),
                    })
            });
            self.header = headings.collect::<Result<_, _>>()?;
            self.header_row = RowNumber(self.row);
            return Ok(());
        }
        Err(SheetError::Empty(self.file.clone()))
    }

    /// Reads the next record, blank or not; false at the end.
    fn read_record(&mut self) -> Result<bool, SheetError> {
        self.row += 1;
        self.csv
            .read_byte_record(&mut self.record)
            .map_err(|error| self.cannot_read(error))
    }

    fn cannot_read(&self, error: csv::Error) -> SheetError {
        let (file, row) = (self.file.clone(), self.row);
        let source = match error.into_kind() {
            csv::ErrorKind::Io(source) => source,
            other => io::Error::other(format!("{other:?}")),
        };
        match source.get_ref().and_then(|cause| cause.downcast_ref()) {
            Some(Endless::TooLong) => SheetError::RowTooLong {
                file,
                row,
                limit: LONGEST_ROW,
            },
            Some(Endless::StrayQuote) => SheetError::StrayQuote { file, row },
            None => SheetError::Io { file, source },
        }
    }

    fn line(&self) -> Line {
        let number = RowNumber(self.row);
        let expected = self.header.len();
        let found = self.record.len();
        let text = StringRecord::from_byte_record(self.record.clone());
        let (cells, defect) = match text {
            Ok(cells) => {
                let beyond = cells
                    .iter()
                    .skip(expected)
                    .find(|cell| !cell.trim().is_empty());
                let defect = match beyond {
                    Some(extra) => Some(Defect::TooManyCells {
                        expected,
                        found,
                        extra: extra.to_owned(),
                    }),
                    None if found < expected => Some(Defect::TooFewCells { expected, found }),
                    None => None,
                };
                (cells, defect)
            }
            Err(error) => {
                let column = error.utf8_error().field();
                let cells = StringRecord::from_byte_record_lossy(self.record.clone());
                let value = cells.get(column).unwrap_or_default().to_owned();
                (cells, Some(Defect::NotUtf8 { column, value }))
            }
        };
        let cells = fitted(cells, expected);
        match defect {
            None => Line::Row(Row { number, cells }),
            Some(defect) => Line::Broken(BrokenRow {
                number,
                cells,
                defect,
            }),
        }
    }
}

impl Iterator for Reader {
    type Item = Result<Line, SheetError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            match self.read_record() {
                Ok(false) => self.ended = true,
                Ok(true) if is_blank(&self.record) => {}
                Ok(true) => return Some(Ok(self.line())),
                Err(error) => {
                    // Where a row begins is not known any more.
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

fn is_blank(record: &ByteRecord) -> bool {
    record.iter().all(|cell| {
        cell.trim_ascii().is_empty()
            || std::str::from_utf8(cell).is_ok_and(|cell| trim(cell).is_empty())
    })
}

/// The cells as they were before they were written, as many as there are headings.
fn fitted(cells: Cells, expected: usize) -> Cells {
    if cells.len() == expected && !cells.iter().any(|cell| cell.starts_with('\'')) {
        return cells;
    }
    let mut fitted = Cells::with_capacity(cells.as_slice().len(), expected);
    for at in 0..expected {
        fitted.push_field(unguard(cells.get(at).unwrap_or_default()));
    }
    fitted
}
