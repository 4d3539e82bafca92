//! Rows out of a text in UTF-8.

use std::io::{self, BufReader, Read};

use csv::ByteRecord;

use super::cursor::FileCursor;
use super::dialect::Dialect;
use super::error::SheetError;
use super::formula::unguard;
use super::header::{Found, Judge, Search};
use super::reading::{DELIMITERS, Delimiter, Reading};
use super::row_framing::{Endless, LONGEST_ROW, RowFramer};
use super::rows::MOST_COLUMNS;
use super::trim;

/// How a text is divided into rows, and where they begin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// What stands before the first row: marks, and a line for Excel.
    pub(super) skip: u64,
    pub(super) dialect: Dialect,
    /// The row with the headings.
    pub(super) header: Found,
}

/// The rows of a text, blank ones too.
#[derive(Debug)]
pub(super) struct TextRows {
    file: String,
    csv: csv::Reader<RowFramer<BufReader<FileCursor>>>,
    pub(super) record: ByteRecord,
    /// The number of the row in `record`.
    pub(super) row: u64,
}

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// How many rows are looked at for the header, blank ones too.
const LOOKED_AT: u64 = 10_000;

impl TextRows {
    pub(super) fn new(mut input: FileCursor, file: &str, skip: u64, delimiter: u8) -> Self {
        input.go_to(skip);
        let lines = RowFramer::new(BufReader::with_capacity(64 << 10, input), delimiter);
        let csv = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .buffer_capacity(64 << 10)
            .from_reader(lines);
        TextRows {
            file: file.to_owned(),
            csv,
            record: ByteRecord::new(),
            row: 0,
        }
    }

    /// Reads the next row; false at the end.
    pub(super) fn read(&mut self) -> Result<bool, SheetError> {
        self.row += 1;
        self.csv
            .read_byte_record(&mut self.record)
            .map_err(|error| self.cannot_read(error))
    }

    /// Whether the row has nothing in it.
    pub(super) fn is_blank(&self) -> bool {
        self.record.iter().all(|cell| {
            // Most cells begin with something that can be seen: no need to look at the rest.
            if cell.first().is_some_and(u8::is_ascii_graphic) {
                return false;
            }
            cell.trim_ascii().is_empty()
                || std::str::from_utf8(cell).is_ok_and(|cell| trim(cell).is_empty())
        })
    }

    /// The row as headings.
    pub(super) fn headings(&self) -> Result<Vec<String>, SheetError> {
        if self.record.len() > MOST_COLUMNS {
            return Err(SheetError::TooManyColumns {
                file: self.file.clone(),
                row: self.row,
                found: self.record.len(),
                limit: MOST_COLUMNS,
            });
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
        headings.collect()
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
}

impl Layout {
    /// Finds out how a text is laid out. `open` gives the text from its start.
    pub(super) fn of(
        open: &dyn Fn() -> Result<FileCursor, SheetError>,
        file: &str,
        reading: &Reading,
        judge: Judge<'_>,
    ) -> Result<Self, SheetError> {
        let mut start = Vec::new();
        open()?
            .take(64 << 10)
            .read_to_end(&mut start)
            .map_err(SheetError::io(file))?;
        // A program that adds a byte order mark without looking leaves two.
        let mut text = &start[..];
        while let Some(rest) = text.strip_prefix(BOM) {
            text = rest;
        }
        let bom = text.len() < start.len();
        let told = excel_line(text);
        let text = told.map_or(text, |(_, length)| &text[length..]);
        let skip = (start.len() - text.len()) as u64;
        let mut dialect = Dialect::detect(text, bom);
        let search = |delimiter| -> Result<Option<Found>, SheetError> {
            let rows = TextRows::new(open()?, file, skip, delimiter);
            match reading.header_row {
                Some(row) => header_at(rows, row, judge).map(Some),
                None => find_header(rows, judge),
            }
        };
        let named = reading.delimiter.map(|Delimiter(byte)| byte);
        let fixed = named.or(told.map(|(delimiter, _)| delimiter));
        dialect.delimiter = fixed.unwrap_or(dialect.delimiter);
        let mut found = search(dialect.delimiter)?;
        let others = DELIMITERS
            .into_iter()
            .filter(|other| *other != dialect.delimiter && text.contains(other));
        let others: Vec<u8> = others.collect();
        for other in others {
            // Of two ways to divide the rows, the one that gives headings which mean something.
            let better =
                |found: Found, than: Option<Found>| found.worth > than.map_or(0, |than| than.worth);
            if fixed.is_none()
                && let Ok(Some(otherwise)) = search(other)
                && better(otherwise, found)
            {
                (found, dialect.delimiter) = (Some(otherwise), other);
            }
        }
        let header = found.ok_or_else(|| SheetError::Empty(file.to_owned()))?;
        Ok(Layout {
            skip,
            dialect,
            header,
        })
    }
}

/// The line that tells Excel what stands between cells, and how long it is. Excel does not show it.
fn excel_line(text: &[u8]) -> Option<(u8, usize)> {
    let end = memchr::memchr2(b'\n', b'\r', text)?;
    let line = &text[..end];
    let bare = line
        .strip_prefix(b"\"")
        .and_then(|line| line.strip_suffix(b"\""))
        .unwrap_or(line);
    let (name, delimiter) = bare.split_at_checked(4)?;
    match delimiter {
        [one] if name.eq_ignore_ascii_case(b"sep=") && DELIMITERS.contains(one) => {
            let both = text[end..].starts_with(b"\r\n");
            Some((*one, end + if both { 2 } else { 1 }))
        }
        _ => None,
    }
}

fn find_header(mut rows: TextRows, judge: Judge<'_>) -> Result<Option<Found>, SheetError> {
    let mut search = Search::default();
    while !search.is_over() && (rows.row < LOOKED_AT || search.found().is_none()) {
        let headings = match rows.read() {
            Ok(true) if rows.is_blank() => continue,
            Ok(true) => rows.headings(),
            Ok(false) => break,
            Err(error) => Err(error),
        };
        match headings {
            Ok(headings) => search.look_at(rows.row, &headings, judge),
            Err(error) if search.found().is_none() => return Err(error),
            // Whoever reads the rows will come upon it.
            Err(_) => break,
        }
    }
    Ok(search.found())
}

fn header_at(mut rows: TextRows, row: u64, judge: Judge<'_>) -> Result<Found, SheetError> {
    while rows.read()? {
        if rows.row == row && !rows.is_blank() {
            return Ok(Found {
                row,
                worth: judge(&rows.headings()?),
                is_first: true,
            });
        }
        if rows.row >= row {
            break;
        }
    }
    Err(SheetError::NoHeaderRow {
        file: rows.file,
        row,
    })
}
