//! All problems of a file for a program: one after the other, however many there are.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::roster::{Problem, ProblemKind};

/// One problem as a program reads it.
#[derive(Debug, Serialize)]
pub struct Finding<'p> {
    /// The row; none for the file as a whole.
    pub row: Option<u64>,
    /// The name of the cell, such as `C17`, in a workbook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cell: Option<&'p str>,
    /// The heading of the column.
    pub column: Option<&'p str>,
    /// What stands in the cell.
    pub value: Option<&'p str>,
    /// Of what kind it is.
    pub code: &'static str,
    /// What is wrong and what to do, in words.
    pub message: String,
}

impl<'p> Finding<'p> {
    /// A problem.
    #[must_use]
    pub fn of(problem: &'p Problem) -> Self {
        Finding {
            row: problem.row.map(|row| row.0),
            cell: problem.cell.as_deref(),
            column: problem.column.as_deref(),
            value: problem.value.as_deref(),
            code: problem.code.as_str(),
            message: problem.message(),
        }
    }

    /// Something that is wrong with the file as a whole.
    #[must_use]
    pub fn of_file(code: ProblemKind, message: String) -> Self {
        Finding {
            row: None,
            cell: None,
            column: None,
            value: None,
            code: code.as_str(),
            message,
        }
    }
}

/// One JSON object with all problems and then what else is to be said. Problems are written as they come:
/// memory does not grow with them.
#[derive(Debug)]
pub struct ProblemList<W> {
    to: W,
    is_empty: bool,
    /// What went wrong first with writing; nothing is written after that.
    failed: Option<io::Error>,
}

impl<W: Write> ProblemList<W> {
    /// Begins the object of a file.
    pub fn begin(to: W, file: &str) -> Self {
        let mut list = ProblemList {
            to,
            is_empty: true,
            failed: None,
        };
        list.put(&format!(
            "{{\n\"file\": {},\n\"problems\": [",
            Value::from(file)
        ));
        list
    }

    /// Writes one problem.
    pub fn add(&mut self, finding: &Finding) {
        let separator = if self.is_empty { "\n" } else { ",\n" };
        self.is_empty = false;
        match serde_json::to_string(finding) {
            Ok(text) => self.put(&format!("{separator}{text}")),
            Err(error) => self.fail(error.into()),
        }
    }

    /// Ends the object, with what else is known.
    ///
    /// # Errors
    /// When any of it could not be written.
    pub fn end(mut self, rest: &Map<String, Value>) -> io::Result<()> {
        self.put(if self.is_empty { "]" } else { "\n]" });
        for (key, value) in rest {
            self.put(&format!(",\n{}: {value}", Value::from(key.as_str())));
        }
        self.put("\n}\n");
        match self.failed {
            Some(error) => Err(error),
            None => self.to.flush(),
        }
    }

    fn put(&mut self, text: &str) {
        if self.failed.is_none()
            && let Err(error) = self.to.write_all(text.as_bytes())
        {
            self.fail(error);
        }
    }

    fn fail(&mut self, error: io::Error) {
        self.failed.get_or_insert(error);
    }
}
