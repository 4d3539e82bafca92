//! Formats of files that are written, and what they can hold.

use std::path::Path;
use std::str::FromStr;

use super::dialect::Dialect;

/// How a spreadsheet is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated (RFC 4180).
    Csv,
    /// Tab-separated.
    Tsv,
    /// One JSON object a line.
    JsonLines,
    /// A workbook (ECMA-376), as Excel writes it.
    Xlsx,
    /// As a file that was read.
    Like(Dialect),
}

/// A format that is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a format that can be written; use csv, tsv, jsonl or xlsx")]
pub struct FormatError(String);

/// More than a format can hold. Each of them says what to do instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// Too many rows.
    #[error(
        "{INSTEAD_OF_XLSX} than {MOST_ROWS} rows below the header; write CSV, with a name that ends with .csv"
    )]
    Rows,
    /// Too many columns.
    #[error(
        "{INSTEAD_OF_XLSX} than {MOST_COLUMNS} columns; write CSV, with a name that ends with .csv"
    )]
    Columns,
    /// A cell that is too long.
    #[error(
        "{INSTEAD_OF_XLSX} than {LONGEST_TEXT} characters in one cell, and row {row}, column {column:?}, has {length}; \
         write CSV, with a name that ends with .csv"
    )]
    Text {
        /// The row of the input, or the file's own where there is no input.
        row: u64,
        /// The heading.
        column: String,
        /// How long it is, in UTF-16 code units, as Excel counts.
        length: usize,
    },
}

const INSTEAD_OF_XLSX: &str = "a workbook (xlsx) cannot hold more";

/// The rows of a sheet without the header.
const MOST_ROWS: u32 = 1_048_575;

/// The columns of a sheet.
const MOST_COLUMNS: u16 = 16_384;

/// The characters of a cell, in UTF-16 code units.
const LONGEST_TEXT: usize = 32_767;

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(name: &str) -> Result<Self, FormatError> {
        match name.to_ascii_lowercase().as_str() {
            "csv" | "txt" => Ok(Format::Csv),
            "tsv" | "tab" => Ok(Format::Tsv),
            "jsonl" | "ndjson" => Ok(Format::JsonLines),
            "xlsx" => Ok(Format::Xlsx),
            _ => Err(FormatError(format!("{name:?}"))),
        }
    }
}

impl Format {
    /// The format that the ending of a file's name stands for.
    ///
    /// # Errors
    /// When it stands for none.
    pub fn of(path: &Path) -> Result<Self, FormatError> {
        let wrong = || FormatError(path.display().to_string());
        path.extension()
            .and_then(|ending| ending.to_str())
            .ok_or_else(wrong)?
            .parse()
            .map_err(|_| wrong())
    }

    /// The same with a byte order mark in front, without which Excel on Windows takes UTF-8 for
    /// something else. Formats that need none stay as they are.
    #[must_use]
    pub fn with_bom(self) -> Self {
        let like = |delimiter| Dialect {
            delimiter,
            bom: true,
            crlf: false,
        };
        match self {
            Format::Csv => Format::Like(like(b',')),
            Format::Tsv => Format::Like(like(b'\t')),
            Format::Like(dialect) => Format::Like(Dialect {
                bom: true,
                ..dialect
            }),
            Format::JsonLines | Format::Xlsx => self,
        }
    }

    /// Whether the file holds the rows written so far before it is finished.
    #[must_use]
    pub fn grows_by_rows(self) -> bool {
        self != Format::Xlsx
    }

    /// Whether some tables are too large for it.
    #[must_use]
    pub fn is_limited(self) -> bool {
        self == Format::Xlsx
    }

    /// Whether it can hold so many rows below the header, and so many columns.
    ///
    /// # Errors
    /// When it cannot.
    pub fn check_size(self, rows: u64, columns: usize) -> Result<(), LimitError> {
        if self.is_limited() && rows > u64::from(MOST_ROWS) {
            return Err(LimitError::Rows);
        }
        if self.is_limited() && columns > usize::from(MOST_COLUMNS) {
            return Err(LimitError::Columns);
        }
        Ok(())
    }

    /// Whether a cell of it can hold this text, of this row and column.
    ///
    /// # Errors
    /// When it cannot.
    pub fn check_text(self, row: u64, column: &str, text: &str) -> Result<(), LimitError> {
        // No text has more UTF-16 code units than bytes: most need not be counted.
        if !self.is_limited() || text.len() <= LONGEST_TEXT {
            return Ok(());
        }
        let length = text.encode_utf16().count();
        if length <= LONGEST_TEXT {
            return Ok(());
        }
        Err(LimitError::Text {
            row,
            column: column.to_owned(),
            length,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workbook_has_limits_and_text_files_have_none() {
        assert_eq!(Format::Csv.check_size(u64::MAX, usize::MAX), Ok(()));
        assert_eq!(Format::Xlsx.check_size(1_048_575, 16_384), Ok(()));
        let said = |rows, columns| {
            Format::Xlsx
                .check_size(rows, columns)
                .unwrap_err()
                .to_string()
        };
        insta::assert_snapshot!(said(1_048_576, 1), @"a workbook (xlsx) cannot hold more than 1048575 rows below the header; write CSV, with a name that ends with .csv");
        insta::assert_snapshot!(said(1, 16_385), @"a workbook (xlsx) cannot hold more than 16384 columns; write CSV, with a name that ends with .csv");
        // 😀 is two characters for a workbook.
        let longest = "😀".repeat(16_383) + "x";
        assert_eq!(Format::Xlsx.check_text(2, "notes", &longest), Ok(()));
        let longer = longest + "x";
        assert_eq!(Format::Tsv.check_text(2, "notes", &longer), Ok(()));
        let error = Format::Xlsx.check_text(2, "notes", &longer).unwrap_err();
        insta::assert_snapshot!(error, @r#"a workbook (xlsx) cannot hold more than 32767 characters in one cell, and row 2, column "notes", has 32768; write CSV, with a name that ends with .csv"#);
    }

    #[test]
    fn a_byte_order_mark_is_only_put_where_it_helps() {
        for (format, bom) in [
            (Format::Csv, true),
            (Format::Tsv, true),
            (Format::JsonLines, false),
            (Format::Xlsx, false),
        ] {
            let with = format.with_bom();
            assert_eq!(matches!(with, Format::Like(Dialect { bom: true, .. })), bom);
        }
    }
}
