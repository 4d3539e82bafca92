//! Cells that a spreadsheet program has made something else of: a number without its last digits, a date
//! where a name was, an error where a formula was.

use super::column::Column;
use super::problem_kind::ProblemKind;
use crate::sheet::{Cells, Mark};

/// Which cells of a row are not what somebody wrote.
#[derive(Debug, Clone, Copy)]
pub(super) struct SpreadsheetDamage<'r> {
    pub(super) marks: &'r [(usize, Mark)],
}

/// What spreadsheet programs show instead of a value that they cannot work out.
const ERRORS: [&str; 21] = [
    "#N/A",
    "#N/A!",
    "#NAME?",
    "#REF!",
    "#VALUE!",
    "#DIV/0!",
    "#NULL!",
    "#NUM!",
    "#SPILL!",
    "#CALC!",
    // German, French, Spanish
    "#NV",
    "#BEZUG!",
    "#WERT!",
    "#ZAHL!",
    "#NOM?",
    "#VALEUR!",
    "#NOMBRE!",
    "#N/D",
    "#¿NOMBRE?",
    "#¡REF!",
    "#¡VALOR!",
];

/// What is wrong with a cell, by its kind and in words.
pub(super) type Flaw = (ProblemKind, &'static str);

impl SpreadsheetDamage<'_> {
    /// What is wrong with the cell of a column, which stands at `at`; nothing in most.
    pub(super) fn what(self, column: Column, at: usize, cells: &Cells) -> Option<Flaw> {
        let cell = cells.get(at).map_or("", crate::sheet::trim);
        let marked = self.marks.iter().find(|(marked, _)| *marked == at);
        match marked.map(|(_, mark)| mark) {
            Some(Mark::Error) => Some(ERROR),
            Some(Mark::Date) => Some((
                ProblemKind::Date,
                "is a date in the workbook; perhaps the spreadsheet program took something else for one. Write it as text",
            )),
            Some(Mark::Rounded) => Some(DIGITS),
            Some(Mark::NotCalculated) => Some((
                ProblemKind::NotCalculated,
                "was never calculated, so its value is not in the file; open the file in your spreadsheet program and save it",
            )),
            Some(Mark::UnclearList) => match column {
                Column::Teams | Column::RemoveTeams | Column::Roles | Column::RemoveRoles => {
                    Some((
                        ProblemKind::UnclearList,
                        "is a list in which a name has ; or | in it, which stand between names; use the id of that team",
                    ))
                }
                _ => None,
            },
            None if is_error(cell) => Some(ERROR),
            None if is_identifying(column) && is_exponential(cell) => Some(DIGITS),
            None if is_name(column) && is_date(cell) => Some((
                ProblemKind::Date,
                "is a date; perhaps a spreadsheet program took a name for one. Write it as text",
            )),
            None => None,
        }
    }
}

const ERROR: Flaw = (
    ProblemKind::FormulaError,
    "is the error of a formula, not a value; mend the formula, or write the value itself",
);

const DIGITS: Flaw = (
    ProblemKind::CutNumber,
    "is a number that the spreadsheet program has shortened, its other digits are lost; give the column the format Text \
     and fill it in again",
);

/// What is wrong with a name in a list that is the error of a formula.
pub(super) fn formula_error(name: &str) -> Option<Flaw> {
    is_error(name).then_some(ERROR)
}

fn is_error(text: &str) -> bool {
    text.starts_with('#') && ERRORS.contains(&text)
}

fn is_identifying(column: Column) -> bool {
    matches!(column, Column::Id | Column::ExternalId)
}

fn is_name(column: Column) -> bool {
    matches!(
        column,
        Column::FirstName | Column::LastName | Column::DisplayName
    )
}

/// Whether this is a number as spreadsheet programs show large ones, such as `1.23457E+11`.
fn is_exponential(cell: &str) -> bool {
    let Some((digits, exponent)) = cell.split_once("E+").or_else(|| cell.split_once("e+")) else {
        return false;
    };
    let mut parts = digits.trim_start_matches('-').split(['.', ',']);
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let whole = parts.next().is_some_and(is_number);
    whole && parts.all(is_number) && is_number(exponent)
}

/// Whether this is a date in numbers, such as `2026-03-01`, `01.03.2026` or `3/1/26`.
fn is_date(cell: &str) -> bool {
    let day = cell.split([' ', 'T']).next().unwrap_or_default();
    ['-', '.', '/'].iter().any(|between| {
        let parts: Vec<&str> = day.split(*between).collect();
        let is_number = |part: &&str| {
            matches!(part.len(), 1 | 2 | 4) && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        parts.len() == 3 && parts.iter().all(is_number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(column: Column, cell: &str, mark: Option<Mark>) -> Option<Flaw> {
        let marks: Vec<(usize, Mark)> = mark.map(|mark| (0, mark)).into_iter().collect();
        SpreadsheetDamage { marks: &marks }.what(column, 0, &Cells::from(vec![cell]))
    }

    #[test]
    fn what_programs_make_of_cells_is_seen_where_it_matters() {
        for (column, cell, is_wrong) in [
            (Column::ExternalId, "1.23457E+11", true),
            (Column::ExternalId, "1,23457E+11", true),
            (Column::Id, "4E+05", true),
            (Column::ExternalId, "4E05", false),
            (Column::ExternalId, "E+5", false),
            (Column::ExternalId, "00123", false),
            (Column::Teams, "1.2E+3", false),
            (Column::FirstName, "2026-03-01", true),
            (Column::LastName, "01.03.2026", true),
            (Column::LastName, "3/1/26", true),
            (Column::FirstName, "2026-03-01 00:00:00", true),
            (Column::ExternalId, "2026-03-01", false),
            (Column::LastName, "Smith-Jones-Lee", false),
            (Column::LastName, "J.R.R.", false),
            (Column::Email, "#N/A", true),
            (Column::Teams, "#REF!", true),
            (Column::Teams, "#sales", false),
        ] {
            assert_eq!(
                what(column, cell, None).is_some(),
                is_wrong,
                "{column:?} {cell}"
            );
        }
    }

    #[test]
    fn what_a_workbook_says_of_a_cell_counts_in_every_column_that_is_used() {
        for mark in [Mark::Error, Mark::Date, Mark::Rounded, Mark::NotCalculated] {
            assert!(what(Column::Teams, "x", Some(mark)).is_some(), "{mark:?}");
        }
        assert!(what(Column::Teams, "a;b", Some(Mark::UnclearList)).is_some());
        assert!(what(Column::DisplayName, "a;b", Some(Mark::UnclearList)).is_none());
    }
}
