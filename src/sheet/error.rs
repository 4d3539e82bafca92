//! Files that cannot be read as a spreadsheet.

use std::io;

/// Why a file, or the rest of it, cannot be read. Names the file and what to do.
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    /// The system says no.
    #[error("{file} cannot be read: {source}")]
    Io {
        /// The file.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// What has to be put aside while the file is read cannot be written.
    #[error(
        "{file} cannot be looked at: {}, the folder for temporary files, cannot be written to: {source}; nothing was \
         sent. Make room there, or name another folder in the variable {}",
        std::env::temp_dir().display(),
        if cfg!(windows) { "TEMP" } else { "TMPDIR" }
    )]
    NoRoom {
        /// The file.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// A folder.
    #[error("{0} is a folder; name a file in it")]
    Folder(String),
    /// Nothing in it.
    #[error("{0} is empty: it has no header and no rows")]
    Empty(String),
    /// A workbook or something else that is not text.
    #[error(
        "{file} is {what}, which cannot be read; open it in your spreadsheet program and save it as \"CSV UTF-8\""
    )]
    NotText {
        /// The file.
        file: String,
        /// What it seems to be.
        what: &'static str,
    },
    /// The headings are not UTF-8.
    #[error(
        "{file}, row {row}: the heading {heading:?} is not in UTF-8; save the file as \"CSV UTF-8\""
    )]
    HeadingNotUtf8 {
        /// The file.
        file: String,
        /// Where.
        row: u64,
        /// What can be read of it.
        heading: String,
    },
    /// A row without an end.
    #[error(
        "{file}, row {row} is longer than {limit} bytes; most often a quotation mark in it has no partner, \
         so that the rest of the file seems to be one cell"
    )]
    RowTooLong {
        /// The file.
        file: String,
        /// Where it begins.
        row: u64,
        /// What a row may be.
        limit: usize,
    },
    /// A quotation mark that makes one cell of several rows.
    #[error(
        "{file}, row {row}: a quotation mark in this row has no partner, so that rows after it seem to be part of \
         one cell; remove it, or write two for one that belongs to a quoted cell"
    )]
    StrayQuote {
        /// The file.
        file: String,
        /// Where the cell begins.
        row: u64,
    },
}
