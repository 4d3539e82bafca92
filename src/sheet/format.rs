//! Formats of files that are written.

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
    /// As a file that was read.
    Like(Dialect),
}

/// A format that is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a format that can be written; use csv, tsv or jsonl")]
pub struct FormatError(String);

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(name: &str) -> Result<Self, FormatError> {
        match name.to_ascii_lowercase().as_str() {
            "csv" | "txt" => Ok(Format::Csv),
            "tsv" | "tab" => Ok(Format::Tsv),
            "jsonl" | "ndjson" => Ok(Format::JsonLines),
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
}
