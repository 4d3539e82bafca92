//! What was understood of how a file is made, to be told to somebody.

use serde_json::{Value, json};

use super::RowNumber;
use super::dialect::Dialect;
use super::reading::Encoding;

/// One thing that was understood of a file before any row was read.
///
/// A kind of file, or something else that is found out about files, is one more variant, and what
/// the four functions below say of it: `headcount columns` shows all there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// What kind of file it is.
    Format(&'static str),
    /// Which sheet of a workbook is read.
    Sheet(String),
    /// How bytes stand for letters.
    Encoding(Encoding),
    /// What stands between cells.
    Delimiter(u8),
    /// Whether the file begins with a byte order mark.
    ByteOrderMark(bool),
    /// Whether lines end with CR LF, or else with LF.
    LineEnds {
        /// Whether they do.
        crlf: bool,
    },
    /// Where the headings stand.
    HeaderRow(RowNumber),
}

impl Fact {
    /// What is known of a text file.
    pub(super) fn of_text(
        encoding: Encoding,
        is_marked: bool,
        dialect: Dialect,
        header: RowNumber,
    ) -> Vec<Fact> {
        vec![
            Fact::Format("CSV"),
            Fact::Encoding(encoding),
            Fact::Delimiter(dialect.delimiter),
            Fact::ByteOrderMark(is_marked),
            Fact::LineEnds { crlf: dialect.crlf },
            Fact::HeaderRow(header),
        ]
    }

    /// What programs know it by.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Fact::Format(_) => "format",
            Fact::Sheet(_) => "sheet",
            Fact::Encoding(_) => "encoding",
            Fact::Delimiter(_) => "delimiter",
            Fact::ByteOrderMark(_) => "byte_order_mark",
            Fact::LineEnds { .. } => "line_ends",
            Fact::HeaderRow(_) => "header_row",
        }
    }

    /// The fact itself, for programs.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Fact::Format(format) => json!(format.to_lowercase()),
            Fact::Sheet(name) => json!(name),
            Fact::Encoding(encoding) => json!(encoding.to_string()),
            Fact::Delimiter(delimiter) => json!(char::from(*delimiter)),
            Fact::ByteOrderMark(is_there) => json!(is_there),
            Fact::LineEnds { crlf: true } => json!("crlf"),
            Fact::LineEnds { crlf: false } => json!("lf"),
            Fact::HeaderRow(row) => json!(row.0),
        }
    }

    /// What people know it by.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Fact::Format(_) => "format",
            Fact::Sheet(_) => "sheet",
            Fact::Encoding(_) => "encoding",
            Fact::Delimiter(_) => "between cells",
            Fact::ByteOrderMark(_) => "byte order mark",
            Fact::LineEnds { .. } => "line ends",
            Fact::HeaderRow(_) => "headings",
        }
    }

    /// The fact itself, in words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Fact::Format(format) => (*format).to_owned(),
            Fact::Sheet(name) => name.clone(),
            Fact::Encoding(encoding) => encoding.to_string(),
            Fact::Delimiter(b'\t') => "tab".to_owned(),
            Fact::Delimiter(delimiter) => char::from(*delimiter).to_string(),
            Fact::ByteOrderMark(true) => "yes".to_owned(),
            Fact::ByteOrderMark(false) => "no".to_owned(),
            Fact::LineEnds { crlf: true } => "CR LF, as on Windows".to_owned(),
            Fact::LineEnds { crlf: false } => "LF".to_owned(),
            Fact::HeaderRow(row) => format!("in row {row}"),
        }
    }
}
