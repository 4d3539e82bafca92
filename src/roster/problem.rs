//! What is wrong with a file, said so that somebody can mend it.

use std::fmt;

use super::problem_kind::ProblemKind;
use crate::sheet::RowNumber;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// The row; none for the file as a whole.
    pub row: Option<RowNumber>,
    /// The name of the cell, in a workbook.
    pub cell: Option<String>,
    /// The heading of the column, as in the file.
    pub column: Option<String>,
    /// What stands there.
    pub value: Option<String>,
    /// Of what kind it is.
    pub code: ProblemKind,
    /// What is wrong with it, and what to do.
    pub what: String,
}

/// How much of a value is shown.
const SHOWN: usize = 60;

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        match (&self.cell, self.row, &self.column) {
            (Some(cell), _, Some(column)) if !column.is_empty() => {
                write!(f, ", cell {cell} (column {column:?})")?;
            }
            (Some(cell), ..) => write!(f, ", cell {cell}")?,
            (None, row, column) => {
                if let Some(row) = row {
                    write!(f, ", row {row}")?;
                }
                if let Some(column) = column {
                    write!(f, ", column {column:?}")?;
                }
            }
        }
        write!(f, ": {}", self.message())
    }
}

impl Problem {
    /// The same without the file's name, for the results of that file.
    #[must_use]
    pub fn in_row(&self) -> String {
        let column = self
            .column
            .as_ref()
            .map(|column| format!("{column}: "))
            .unwrap_or_default();
        format!("{column}{}", self.message())
    }

    /// The same without its place: the value, what is wrong with it, and what to do.
    #[must_use]
    pub fn message(&self) -> String {
        let value = self
            .value
            .as_ref()
            .map(|value| format!("{} ", quoted(value)))
            .unwrap_or_default();
        format!("{value}{}", self.what)
    }
}

/// A value in quotes, with what cannot be seen made visible, and not too much of it.
fn quoted(value: &str) -> String {
    if value.chars().count() <= SHOWN {
        return format!("{value:?}");
    }
    let start: String = value.chars().take(SHOWN).collect();
    format!("{start:?}…")
}
