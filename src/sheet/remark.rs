//! What was decided about a file that its owner may want to decide otherwise.

use std::fmt;

use super::reading::Encoding;

/// Something that was found out, not told: to be said once, with the flag that says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    pub(super) file: String,
    pub(super) what: Decided,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decided {
    /// The encoding is a guess.
    Guessed(Encoding),
    /// A byte order mark speaks against the encoding that was named.
    Marked { by: Encoding, named: Encoding },
    /// One of several sheets was read.
    Sheet { read: String, others: Vec<String> },
    /// The header is not the first row.
    HeaderRow(u64),
}

/// How many other sheets are named.
const NAMED: usize = 5;

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.file)?;
        match &self.what {
            Decided::Guessed(encoding) => write!(
                f,
                "the text is not in UTF-8, and most likely in {encoding}, so it was read as that; if letters come out \
                 wrong, name its encoding with --encoding"
            ),
            Decided::Marked { by, named } => write!(
                f,
                "the file begins with the mark of {by}, so it was read as that, and not as {named}"
            ),
            Decided::Sheet { read, others } => {
                let listed: Vec<String> = others
                    .iter()
                    .take(NAMED)
                    .map(|name| format!("{name:?}"))
                    .collect();
                write!(f, "the sheet {read:?} was read, not {}", listed.join(", "))?;
                if let Some(more @ 1..) = others.len().checked_sub(NAMED) {
                    write!(f, " and {more} more")?;
                }
                f.write_str("; --sheet NAME chooses another")
            }
            Decided::HeaderRow(row) => write!(
                f,
                "row {row} was taken for the header, and what stands above it was left out; --header-row N names another"
            ),
        }
    }
}
