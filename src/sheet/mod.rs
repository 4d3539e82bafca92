//! Spreadsheets in and out: cells, rows, dialects.
//!
//! Here belong reading a file into numbered rows ([`Snapshot`], [`Reader`]), and writing rows so
//! that no cell runs as a formula ([`Writer`], [`formula`]). What a cell *means* does not belong
//! here: this module has never heard of people.
//!
//! Written are CSV, TSV, JSON lines and workbooks. [`Writer`] is the one place where spreadsheets
//! are written, and [`Format`] knows what each format cannot hold.
//!
//! A quotation mark that opens a cell which does not end as cells end would hide rows: the file is
//! refused there, with the row's number. Nothing is ever read into the wrong row.
//!
//! Read now: CSV with `,` `;` tab or `|` between cells, in UTF-8. [`Reader`] is the one place where
//! formats differ.

mod blank;
mod dialect;
mod error;
mod fact;
mod format;
pub mod formula;
mod reader;
mod snapshot;
#[cfg(test)]
mod tests;
mod writer;
mod xlsx;

use std::fmt;

pub use dialect::Dialect;
pub use error::SheetError;
pub use fact::Fact;
pub use format::{Format, FormatError, LimitError};
pub use reader::{BrokenRow, Cells, Defect, Line, Reader, Row};
pub use snapshot::Snapshot;
pub use writer::{Cell, Tone, Writer};

/// The number of a row as a spreadsheet program shows it: the first line is 1, empty lines count,
/// and a cell with line breaks is still in one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowNumber(pub u64);

impl fmt::Display for RowNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A cell without the blanks around it.
#[must_use]
pub fn trim(cell: &str) -> &str {
    cell.trim_matches(is_blank)
}

/// Whether nothing is to be seen of a character: white space of any kind, and the characters of no
/// width that copying from web pages and mail leaves behind.
#[must_use]
pub fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}' | '\u{00AD}'
        )
}
