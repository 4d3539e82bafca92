//! Rows into a file. This is the one place where spreadsheets are written.

use std::borrow::Cow;
use std::io::{self, Write};

use serde_json::Value;

use super::cell::{Cell, Tone};
use super::dialect::Dialect;
use super::format::Format;
use super::formula::guard;
use super::xlsx::Workbook;

/// Writes rows below a header. Only what is [finished](Writer::finish) is a whole file.
#[derive(Debug)]
pub struct Writer<W: Write>(Sink<W>);

#[derive(Debug)]
enum Sink<W: Write> {
    Csv(Box<csv::Writer<W>>),
    JsonLines { to: W, header: Vec<String> },
    Workbook { to: W, book: Box<Workbook> },
}

impl<W: Write> Writer<W> {
    /// Begins a file with these headings.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn new(mut to: W, format: Format, header: &[String]) -> io::Result<Self> {
        let mut builder = csv::WriterBuilder::new();
        let mut delimiter = b',';
        match format {
            Format::JsonLines => {
                return Ok(Writer(Sink::JsonLines {
                    to,
                    header: header.to_vec(),
                }));
            }
            Format::Xlsx => {
                let book = Box::new(Workbook::new(header)?);
                return Ok(Writer(Sink::Workbook { to, book }));
            }
            Format::Csv => {}
            Format::Tsv => delimiter = b'\t',
            Format::Like(dialect) => {
                delimiter = dialect.delimiter;
                if dialect.crlf {
                    builder.terminator(csv::Terminator::CRLF);
                }
                if dialect.bom {
                    to.write_all("\u{FEFF}".as_bytes())?;
                }
            }
        }
        builder.delimiter(delimiter);
        let headings: Vec<_> = header.iter().map(|heading| guard(heading)).collect();
        let mut first_line = builder.from_writer(Vec::new());
        write_record(&mut first_line, &headings)?;
        // Whoever reads the file guesses the delimiter from the headings. Where that would go
        // wrong, quotes keep the cells together.
        let seen = first_line
            .into_inner()
            .map(|line| Dialect::detect(&line, false).delimiter);
        if seen.is_ok_and(|seen| seen != delimiter) {
            builder.quote_style(csv::QuoteStyle::Always);
        }
        let mut csv = Box::new(builder.from_writer(to));
        write_record(&mut csv, &headings)?;
        Ok(Writer(Sink::Csv(csv)))
    }

    /// Writes a row: one cell for each heading.
    ///
    /// # Errors
    /// When it cannot be written; where the format cannot hold it, with a [`LimitError`] inside.
    ///
    /// [`LimitError`]: super::LimitError
    pub fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        self.toned(Tone::Plain, cells)
    }

    /// Writes a row that catches the eye, where the format has colours.
    ///
    /// # Errors
    /// As [`row`](Self::row).
    pub fn toned(&mut self, tone: Tone, cells: &[Cell<'_>]) -> io::Result<()> {
        match &mut self.0 {
            Sink::Csv(csv) => {
                for cell in cells {
                    csv.write_field(&*guard(&cell.text())).map_err(io_error)?;
                }
                csv.write_record(None::<&[u8]>).map_err(io_error)
            }
            Sink::JsonLines { to, header } => {
                let object: serde_json::Map<String, Value> = header
                    .iter()
                    .cloned()
                    .zip(cells.iter().map(|cell| cell.json()))
                    .collect();
                serde_json::to_writer(&mut *to, &object)?;
                to.write_all(b"\n")
            }
            Sink::Workbook { book, .. } => book.row(tone, cells),
        }
    }

    /// Lets the cells of a column, from 0, be picked from a list, where the format has such a thing.
    ///
    /// # Errors
    /// When that cannot be written, or the list is longer than 255 characters.
    pub fn offer(&mut self, column: u16, choices: &[&str]) -> io::Result<()> {
        match &mut self.0 {
            Sink::Workbook { book, .. } => book.offer(column, choices),
            Sink::Csv(_) | Sink::JsonLines { .. } => Ok(()),
        }
    }

    /// Adds a small table on a sheet of its own, where the format has several sheets.
    ///
    /// # Errors
    /// When it cannot be written, or the title is none for a sheet.
    pub fn explain(&mut self, title: &str, header: &[&str], rows: &[Vec<&str>]) -> io::Result<()> {
        match &mut self.0 {
            Sink::Workbook { book, .. } => book.explain(title, header, rows),
            Sink::Csv(_) | Sink::JsonLines { .. } => Ok(()),
        }
    }

    /// Hands everything written so far to the system, as far as the format
    /// [grows by rows](Format::grows_by_rows).
    ///
    /// # Errors
    /// When it does not take it.
    pub fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Sink::Csv(csv) => csv.flush(),
            Sink::JsonLines { to, .. } => to.flush(),
            Sink::Workbook { .. } => Ok(()),
        }
    }
}

impl<W: Write + Send> Writer<W> {
    /// Ends the file, and hands all of it to the system.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(self) -> io::Result<W> {
        let mut to = match self.0 {
            Sink::Csv(csv) => csv.into_inner().map_err(csv::IntoInnerError::into_error)?,
            Sink::JsonLines { to, .. } => to,
            Sink::Workbook { mut to, book } => {
                book.finish(&mut to)?;
                to
            }
        };
        to.flush()?;
        Ok(to)
    }
}

/// The first line of a spreadsheet with these headings, as far as it is known before the first row. Nothing of a
/// workbook, which is written at the end.
///
/// # Panics
/// Never: memory takes whatever is written to it.
#[must_use]
pub fn beginning(format: Format, header: &[String]) -> Vec<u8> {
    match format {
        Format::Xlsx => Vec::new(),
        Format::JsonLines => {
            let first = header.first().map(|heading| Value::from(heading.as_str()));
            first.map_or_else(Vec::new, |first| format!("{{{first}:").into_bytes())
        }
        Format::Csv | Format::Tsv | Format::Like(_) => {
            let written = Writer::new(Vec::new(), format, header).and_then(Writer::finish);
            written.expect("memory takes it")
        }
    }
}

fn write_record<W: Write>(to: &mut csv::Writer<W>, cells: &[Cow<'_, str>]) -> io::Result<()> {
    to.write_record(cells.iter().map(|cell| cell.as_bytes()))
        .map_err(io_error)
}

fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}
