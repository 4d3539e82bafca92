//! What a row means: names of columns, rules for cells, checks over the whole file.
//!
//! Here a row of cells becomes a [`Change`] to one person, or a list of [`Problem`]s that say what,
//! where, and what to do. It knows no HTTP and asks no node: whether a team exists is for
//! [`directory`](crate::directory) to say.

mod action;
mod aliases;
mod already_done;
mod change;
mod column;
mod email;
mod external_sort;
mod fingerprint;
mod header;
mod heading;
mod input_summary;
mod intent;
mod likeness;
mod mapping;
mod names;
mod naming;
mod nodes;
mod person;
mod problem;
mod problem_kind;
mod protected;
mod reading;
mod rules;
mod spreadsheet_damage;
#[cfg(test)]
mod tests;
mod words;

use std::path::Path;
use std::sync::Arc;

pub use action::{Action, ActionError};
pub use already_done::AlreadyDone;
pub use change::{AccountUpdate, Ask, Change, Edit, GroupKind, GroupName, NewAccount};
pub use column::{Column, ColumnError, RESULT_COLUMNS};
pub use email::{Email, EmailError};
pub use header::{Columns, Idle, Meaning, Why};
pub use input_summary::{InputSummary, Mentions};
pub use mapping::{MappedBy, Mapping, MappingError, MappingTarget, MappingTargetError};
pub use naming::Naming;
pub use nodes::{NodeNames, Nodes};
pub use person::{Person, UserId};
pub use problem::Problem;
pub use problem_kind::ProblemKind;
pub use protected::{PersonError, Protected};

use crate::sheet::{
    Cells, Dialect, Fact, Line, Original, Reader, Reading, Remark, RowNumber, SheetError, Snapshot,
};
use nodes::Share;
use rules::Rules;

/// How the rows of a file are to be understood.
#[derive(Debug, Clone)]
pub struct Options {
    /// What a row without an action asks for.
    pub default_action: Action,
    /// Whether that is the only action: a row that asks for another has a problem.
    pub forced_action: bool,
    /// Headings, and what they are said to stand for.
    pub map: Vec<Mapping>,
}

impl Options {
    /// Whether rows are asked what stands in a column: to lock or unlock somebody takes little.
    fn reads(&self, column: Column) -> bool {
        let only_access = matches!(self.default_action, Action::Lock | Action::Unlock);
        let who = matches!(
            column,
            Column::Action | Column::Email | Column::Id | Column::Node
        );
        who || !(self.forced_action && only_access)
    }
}

/// A file that was opened and whose headings are understood.
#[derive(Debug)]
pub struct Roster {
    snapshot: Arc<Snapshot>,
    dialect: Dialect,
    facts: Vec<Fact>,
    rules: Rules,
    already_done: AlreadyDone,
}

/// A row and what it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedRow {
    /// Where it stands.
    pub number: RowNumber,
    /// Its cells as they came.
    pub cells: Cells,
    /// What it asks for, or what is wrong with it.
    pub change: Result<Change, Vec<Problem>>,
}

/// A file whose rows cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum RosterError {
    /// It cannot be read.
    #[error(transparent)]
    Sheet(#[from] SheetError),
    /// Its headings cannot be understood.
    #[error("{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Header {
        /// What is wrong with them, all at once.
        problems: Vec<Problem>,
    },
}

impl Roster {
    /// Opens the file at `path` and reads its header.
    ///
    /// # Errors
    /// When it is no spreadsheet, or its headings do not say who the rows are about.
    pub fn open(path: &Path, reading: &Reading, options: Options) -> Result<Self, RosterError> {
        Self::of(Original::take(path)?, reading, options)
    }

    /// The same for a file that was copied already.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn of(
        original: Original,
        reading: &Reading,
        options: Options,
    ) -> Result<Self, RosterError> {
        let (roster, problems) = Self::as_far_as_understood(original, reading, options)?;
        if problems.is_empty() {
            Ok(roster)
        } else {
            Err(RosterError::Header { problems })
        }
    }

    /// The same for a file that is looked at and not carried out: what is wrong with its headings is told
    /// beside.
    ///
    /// # Errors
    /// When it is no spreadsheet.
    pub fn as_far_as_understood(
        original: Original,
        reading: &Reading,
        options: Options,
    ) -> Result<(Self, Vec<Problem>), SheetError> {
        let judge = |headings: &[String]| likeness::worth(headings, &options.map);
        let snapshot = Snapshot::of(original, reading, &judge)?;
        let reader = snapshot.open()?;
        let name = snapshot.original().name();
        let reads = |column| options.reads(column);
        let (columns, problems) = Columns::look(name, reader.header(), &options.map, &reads);
        let mut rules = Rules::new(name.to_owned(), reader.header().to_vec(), columns, options);
        rules.addressing = snapshot.addressing();
        let roster = Roster {
            dialect: reader.dialect(),
            facts: snapshot.facts(),
            snapshot: Arc::new(snapshot),
            rules,
            already_done: AlreadyDone::default(),
        };
        Ok((roster, problems))
    }

    /// The same with rows that are done with, and are not to be carried out again.
    #[must_use]
    pub fn with_already_done(self, already_done: AlreadyDone) -> Self {
        Roster {
            already_done,
            ..self
        }
    }

    /// The same with people whom no row may lock or delete: one that would has a problem.
    #[must_use]
    pub fn sparing(mut self, protected: Protected) -> Self {
        self.rules.protected = protected;
        self
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// When its copy cannot be read.
    pub fn bytes(&self) -> std::io::Result<impl std::io::Read + use<>> {
        self.snapshot.original().bytes()
    }

    /// The file's name, for messages.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.snapshot.original().name()
    }

    /// The SHA-256 of the file, in hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> &str {
        self.snapshot.original().sha256()
    }

    /// What was found out of how the file is to be read, and may be wrong.
    #[must_use]
    pub fn remarks(&self) -> &[Remark] {
        self.snapshot.remarks()
    }

    /// The headings.
    #[must_use]
    pub fn header(&self) -> &[String] {
        self.rules.header()
    }

    /// How the file marks its cells and lines.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// What was understood of how the file is made.
    #[must_use]
    pub fn facts(&self) -> &[Fact] {
        &self.facts
    }

    /// What the headings stand for.
    #[must_use]
    pub fn columns(&self) -> &Columns {
        self.rules.columns()
    }

    /// The same file for one of several nodes: rows for the others are left out.
    ///
    /// `at` is the node's place in `nodes`. Rows that are for none of them have a problem, and stand
    /// with those of the first.
    #[must_use]
    pub fn for_node(&self, nodes: &Arc<Nodes>, at: usize) -> Roster {
        let mut rules = self.rules.clone();
        rules.share = Some(Share::new(Arc::clone(nodes), at));
        Roster {
            snapshot: Arc::clone(&self.snapshot),
            dialect: self.dialect,
            facts: self.facts.clone(),
            rules,
            already_done: self.already_done.clone(),
        }
    }

    /// Reads the rows, from the first.
    ///
    /// # Errors
    /// When the copy of the file cannot be read.
    pub fn entries(&self) -> Result<CheckedRows, SheetError> {
        Ok(CheckedRows {
            reader: self.snapshot.open()?,
            rules: self.rules.clone(),
        })
    }

    /// Reads the whole file, tells `on_problem` everything that is wrong with it, and counts what
    /// it asks for. Memory does not grow with the number of rows.
    ///
    /// # Errors
    /// When the file cannot be read to its end.
    pub fn check(&self, on_problem: &mut dyn FnMut(Problem)) -> Result<InputSummary, SheetError> {
        input_summary::take(self, on_problem)
    }
}

/// The rows of a file, one after the other.
#[derive(Debug)]
pub struct CheckedRows {
    reader: Reader,
    rules: Rules,
}

impl Iterator for CheckedRows {
    type Item = Result<CheckedRow, SheetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = loop {
            let line = self.reader.next()?;
            if !self.rules.is_elses(&line) {
                break line;
            }
        };
        Some(match line {
            Ok(Line::Row(row)) => {
                let change = intent::change(&self.rules, &row);
                Ok(CheckedRow {
                    number: row.number,
                    cells: row.cells,
                    change,
                })
            }
            Ok(Line::Broken(broken)) => {
                let problem = self.rules.broken(&broken);
                Ok(CheckedRow {
                    number: broken.number,
                    cells: broken.cells,
                    change: Err(vec![problem]),
                })
            }
            Err(error) => Err(error),
        })
    }
}
