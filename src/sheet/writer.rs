//! Rows into a file. This is the one place where spreadsheets are written.

use std::borrow::Cow;
use std::io::{self, Write};

use serde_json::Value;

use super::dialect::Dialect;
use super::format::Format;
use super::formula::guard;

/// A cell to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell<'a> {
    /// Nothing.
    Empty,
    /// Text. In a spreadsheet it never runs as a formula.
    Text(&'a str),
    /// Yes or no.
    Flag(bool),
    /// Several texts: `;` between them in a spreadsheet, a list in JSON.
    List(&'a [String]),
}

/// Writes rows below a header.
#[derive(Debug)]
pub struct Writer<W: Write>(Kind<W>);

#[derive(Debug)]
enum Kind<W: Write> {
    Csv(Box<csv::Writer<W>>),
    JsonLines { to: W, header: Vec<String> },
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
                return Ok(Writer(Kind::JsonLines {
                    to,
                    header: header.to_vec(),
                }));
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
        Ok(Writer(Kind::Csv(csv)))
    }

    /// Writes a row: one cell for each heading.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        match &mut self.0 {
            Kind::Csv(csv) => {
                for cell in cells {
                    csv.write_field(&*guard(&text(*cell))).map_err(io_error)?;
                }
                csv.write_record(None::<&[u8]>).map_err(io_error)
            }
            Kind::JsonLines { to, header } => {
                let object: serde_json::Map<String, Value> = header
                    .iter()
                    .cloned()
                    .zip(cells.iter().map(|cell| json(*cell)))
                    .collect();
                serde_json::to_writer(&mut *to, &object)?;
                to.write_all(b"\n")
            }
        }
    }

    /// Hands everything written so far to the system.
    ///
    /// # Errors
    /// When it does not take it.
    pub fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Kind::Csv(csv) => csv.flush(),
            Kind::JsonLines { to, .. } => to.flush(),
        }
    }
}

fn write_record<W: Write>(to: &mut csv::Writer<W>, cells: &[Cow<'_, str>]) -> io::Result<()> {
    to.write_record(cells.iter().map(|cell| cell.as_bytes()))
        .map_err(io_error)
}

fn text(cell: Cell<'_>) -> Cow<'_, str> {
    match cell {
        Cell::Empty => Cow::Borrowed(""),
        Cell::Text(text) => Cow::Borrowed(text),
        Cell::Flag(flag) => Cow::Borrowed(if flag { "true" } else { "false" }),
        Cell::List(texts) => Cow::Owned(texts.join(";")),
    }
}

fn json(cell: Cell<'_>) -> Value {
    match cell {
        Cell::Empty => Value::Null,
        Cell::Text(text) => text.into(),
        Cell::Flag(flag) => flag.into(),
        Cell::List(texts) => texts.into(),
    }
}

fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}
