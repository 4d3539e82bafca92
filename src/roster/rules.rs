//! How the rows of a file are understood: each becomes a change, or everything that is wrong with it. What a row asks for
//! is in `intent`, what stands in its cells in `reading`.

use super::Options;
use super::column::Column;
use super::header::Columns;
use super::nodes::Share;
use super::problem::Problem;
use super::problem_kind::ProblemKind;
use super::protected::Protected;
use crate::sheet::{Addressing, BrokenRow, Defect, Line, SheetError, trim};

/// How the rows of one file are understood.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    file: String,
    header: Vec<String>,
    columns: Columns,
    pub(super) options: Options,
    /// How problems name cells.
    pub(super) addressing: Addressing,
    /// Which rows count, where a file is for several nodes.
    pub(super) share: Option<Share>,
    /// Whom no row may lock or delete.
    pub(super) protected: Protected,
}

impl Rules {
    pub(super) fn new(
        file: String,
        header: Vec<String>,
        columns: Columns,
        options: Options,
    ) -> Self {
        Rules {
            file,
            header,
            columns,
            options,
            addressing: Addressing::default(),
            share: None,
            protected: Protected::default(),
        }
    }

    pub(super) fn file(&self) -> &str {
        &self.file
    }

    pub(super) fn header(&self) -> &[String] {
        &self.header
    }

    pub(super) fn columns(&self) -> &Columns {
        &self.columns
    }

    /// What is wrong with a row that is not even one.
    pub(super) fn broken(&self, row: &BrokenRow) -> Problem {
        let (code, column, value, what) = match &row.defect {
            Defect::NotUtf8 { column, value } => (
                ProblemKind::Encoding,
                Some(*column),
                Some(value.clone()),
                "is not in UTF-8; save the file as \"CSV UTF-8\"".to_owned(),
            ),
            Defect::TooManyCells { column, extra, .. } if self.addressing == Addressing::Cells => (
                ProblemKind::TooManyCells,
                Some(*column),
                Some(extra.clone()),
                "stands far beyond the last heading; empty the cell, or give its column a heading"
                    .to_owned(),
            ),
            Defect::TooManyCells {
                expected,
                found,
                extra,
                ..
            } => (
                ProblemKind::TooManyCells,
                None,
                Some(extra.clone()),
                format!(
                    "stands beyond the last heading: the row has {found} cells, the header {expected}; \
                     put quotation marks around cells with a separator in them"
                ),
            ),
            Defect::TooFewCells { expected, found } => (
                ProblemKind::TooFewCells,
                None,
                None,
                format!(
                    "the row has {}, the header {expected}; is the row cut off, or a separator missing?",
                    if *found == 1 {
                        "1 cell".to_owned()
                    } else {
                        format!("{found} cells")
                    }
                ),
            ),
        };
        Problem {
            file: self.file.clone(),
            row: Some(row.number),
            cell: column.and_then(|at| self.addressing.cell(row.number, at)),
            column: column.and_then(|at| self.header.get(at).cloned()),
            value,
            code,
            what,
        }
    }

    /// Whether a line is for another node.
    pub(super) fn is_elses(&self, line: &Result<Line, SheetError>) -> bool {
        let Some(share) = &self.share else {
            return false;
        };
        match line {
            Ok(Line::Row(row)) => {
                let at = self.columns.at(Column::Node);
                !share.has(at.and_then(|at| row.cells.get(at)).map_or("", trim))
            }
            // Whose it is cannot be told.
            Ok(Line::Broken(_)) => !share.is_first(),
            Err(_) => false,
        }
    }
}
