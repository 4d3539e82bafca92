//! Spreadsheets in and out: what a file is, its rows, their cells.
//!
//! Here belong reading a file into numbered rows, and writing rows so that no cell runs as a formula
//! ([`Writer`], [`formula`]). What a cell *means* does not belong here: this module has never heard of
//! people. Where that matters, to find the row with the headings, the caller judges ([`Judge`]).
//!
//! ```text
//!  file ──▶ Original ──▶ Snapshot ──▶ Reader ──▶ Line
//!           its bytes     how it is     its rows, from the first,
//!           copied once   to be read    as often as needed
//! ```
//!
//! - A text in UTF-8 is read where it was copied to. One in another encoding is put in UTF-8 first, on
//!   disk. Both are read row by row, so that memory does not grow with the file.
//! - A workbook (xlsx, xlsb, xls, ods) and JSON lines are gone through once, when the snapshot is made;
//!   their rows are put aside in a temporary file and read from there. What a workbook may need of memory
//!   for that is bounded, and looked at before it is taken apart.
//!
//! Written are CSV, TSV, JSON lines and workbooks. [`Writer`] is the one place where spreadsheets
//! are written, and [`Format`] knows what each format cannot hold.
//!
//! A quotation mark that opens a cell which does not end as cells end would hide rows: the file is
//! refused there, with the row's number. Nothing is ever read into the wrong row.
//!
//! What is found out rather than told, such as an encoding, is a [`Remark`], and [`Reading`] says otherwise.

mod address;
mod catch_panic;
mod cell;
mod code_page;
mod cursor;
mod dialect;
mod encoding;
mod encoding_check;
mod error;
mod fact;
mod file_kind;
mod format;
pub mod formula;
mod header;
mod json_lines;
mod line;
mod misread;
mod original;
mod reader;
mod reading;
mod remark;
mod row_framing;
mod rows;
mod snapshot;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod workbook;
mod writer;
mod xlsx;

use std::fmt;

pub use address::Addressing;
pub use cell::{Cell, Tone};
pub use dialect::Dialect;
pub use error::SheetError;
pub use fact::Fact;
pub use file_kind::Misfit;
pub use format::{Format, FormatError, LimitError};
pub use header::Judge;
pub use line::{BrokenRow, Cells, Defect, Line, Mark, Row};
pub use misread::before_misread;
pub use original::{Original, is_standard_input, shown};
pub use reader::Reader;
pub use reading::{Delimiter, DelimiterError, Encoding, EncodingError, Reading, SheetName};
pub use remark::Remark;
pub use snapshot::Snapshot;
pub use writer::{Writer, beginning};

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

/// The cell at a place, from 0, without the blanks around it; nothing if there is nothing in it.
#[must_use]
pub fn cell_at(cells: &Cells, at: usize) -> Option<&str> {
    cells.get(at).map(trim).filter(|cell| !cell.is_empty())
}

/// Whether nothing is to be seen of a character: white space of any kind, the characters of no width that copying from web
/// pages and mail leaves behind, and the mark with which programs of DOS end a file.
#[must_use]
pub fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}' | '\u{00AD}' | '\u{001A}'
        )
}
