//! Files that cannot be read as a spreadsheet.

use std::io;

use super::file_kind::Misfit;
use super::reading::Encoding;

/// Why a file, or the rest of it, cannot be read. Names the file and what to do.
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    /// The system says no.
    #[error("{file} cannot be read: {}", why_not(source))]
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
    /// Neither a workbook nor text.
    #[error("{file} is {what}")]
    NotText {
        /// The file.
        file: String,
        /// What it seems to be.
        what: Misfit,
    },
    /// What a spreadsheet program leaves beside a file while that is open.
    #[error("{file} only says that somebody has {name} open; name that one")]
    InUse {
        /// The file.
        file: String,
        /// What it is about.
        name: String,
    },
    /// A text that is not in the encoding that was named.
    #[error(
        "{file} is not in {encoding}: it has bytes that stand for no letter there; leave --encoding out, or name another"
    )]
    WrongEncoding {
        /// The file.
        file: String,
        /// The encoding.
        encoding: Encoding,
    },
    /// A text whose likeliest encoding makes no sense of it.
    #[error(
        "{file}: its encoding cannot be told for sure: the same word is {odd:?} in {guess} and {word:?} in {other}; name the \
         right one, such as --encoding {other}, or save the file as \"CSV UTF-8\""
    )]
    UnclearEncoding {
        /// The file.
        file: String,
        /// The likeliest encoding.
        guess: Encoding,
        /// A word in that.
        odd: String,
        /// One that makes more sense.
        other: Encoding,
        /// The same word in that.
        word: String,
    },
    /// A workbook that only opens with a password.
    #[error(
        "{0} is protected with a password; open it in your spreadsheet program and save a copy without one, or as \
         \"CSV UTF-8\""
    )]
    Password(String),
    /// A workbook that cannot be taken apart.
    #[error(
        "{file} is damaged, or no workbook: {what}; open it in your spreadsheet program and save it again"
    )]
    Damaged {
        /// The file.
        file: String,
        /// What is wrong.
        what: String,
    },
    /// More than is ever read of a file at once.
    #[error(
        "{file} is too large: {what}; save the rows that count in a file of their own, or as \"CSV UTF-8\""
    )]
    TooLarge {
        /// The file.
        file: String,
        /// What of it.
        what: String,
    },
    /// There is no such sheet.
    #[error("{file} has no sheet {name:?}; there are {}", listed(names))]
    NoSheet {
        /// The file.
        file: String,
        /// The sheet.
        name: String,
        /// Those that there are.
        names: Vec<String>,
    },
    /// The row that was named as the header is not there or is empty.
    #[error("{file}: --header-row {row} names a row that is not there or is empty")]
    NoHeaderRow {
        /// The file.
        file: String,
        /// The row.
        row: u64,
    },
    /// A header without measure.
    #[error(
        "{file}, row {row} has {found} cells, more than the {limit} columns of a spreadsheet; is a line break missing?"
    )]
    TooManyColumns {
        /// The file.
        file: String,
        /// Where.
        row: u64,
        /// How many.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// A line of a file of JSON lines that is no row.
    #[error("{file}, line {line}: {what}")]
    JsonLine {
        /// The file.
        file: String,
        /// The line, from 1.
        line: u64,
        /// What is wrong, and what to do.
        what: String,
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

/// What a system that says no means by it, and what to do.
fn why_not(error: &io::Error) -> String {
    /// Windows: another program has it for itself (`ERROR_SHARING_VIOLATION`).
    const IN_USE: i32 = 32;
    match error.kind() {
        io::ErrorKind::NotFound => {
            "there is no such file; look for a slip in its name, and for the folder that it is in"
                .to_owned()
        }
        io::ErrorKind::PermissionDenied => "this user may not read it".to_owned(),
        _ if cfg!(windows) && error.raw_os_error() == Some(IN_USE) => {
            "another program has it open; close it there".to_owned()
        }
        _ => error.to_string(),
    }
}

fn listed(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    names.join(", ")
}

impl SheetError {
    /// That `file` cannot be read.
    pub(super) fn io(file: &str) -> impl Fn(io::Error) -> Self + Copy {
        move |source| SheetError::Io {
            file: file.to_owned(),
            source,
        }
    }

    /// That there is no room for a copy of `file`.
    pub(crate) fn no_room(file: &str) -> impl Fn(io::Error) -> Self + Copy {
        move |source| SheetError::NoRoom {
            file: file.to_owned(),
            source,
        }
    }
}
