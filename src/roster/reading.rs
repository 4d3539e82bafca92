//! The cells of one row, each by the rule of its column.

use super::change::{Edit, GroupKind, GroupName};
use super::column::Column;
use super::email::Email;
use super::problem::Problem;
use super::problem_kind::ProblemKind;
use super::rules::Rules;
use super::spreadsheet_damage::{SpreadsheetDamage, formula_error};
use super::words;
use crate::sheet::{Cells, RowNumber, before_misread, cell_at, trim};

/// What empties an attribute on update.
const CLEAR: &str = "<clear>";

/// The longest attribute, in characters.
const LONGEST: usize = 256;

/// One row being read. A rule that is broken is noted, and the reading goes on.
pub(super) struct Reading<'r> {
    pub(super) rules: &'r Rules,
    pub(super) number: RowNumber,
    pub(super) cells: &'r Cells,
    pub(super) damage: SpreadsheetDamage<'r>,
    pub(super) problems: Vec<Problem>,
}

impl<'r> Reading<'r> {
    /// The cell of a column, trimmed; nothing if it is empty.
    pub(super) fn cell(&self, column: Column) -> Option<&'r str> {
        cell_at(self.cells, self.rules.columns().at(column)?)
    }

    /// The same; nothing either, and a problem, if a spreadsheet program has made something else of it.
    pub(super) fn sound(&mut self, column: Column) -> Option<&'r str> {
        let cell = self.cell(column)?;
        let at = self.rules.columns().at(column)?;
        if let Some((code, what)) = self.damage.what(column, at, self.cells) {
            self.problem(code, column, Some(cell), what);
            return None;
        }
        Some(cell)
    }

    pub(super) fn problem(
        &mut self,
        code: ProblemKind,
        column: Column,
        value: Option<&str>,
        what: impl Into<String>,
    ) {
        let heading = self.rules.columns().at(column);
        let problem = Problem {
            file: self.rules.file().to_owned(),
            row: Some(self.number),
            cell: heading.and_then(|at| self.rules.addressing.cell(self.number, at)),
            column: heading.map(|at| self.rules.header()[at].clone()),
            value: value.map(str::to_owned),
            code,
            what: what.into(),
        };
        // A cell that is read for two purposes is wrong only once.
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// Notes a row that is for none of the nodes of the run.
    pub(super) fn node(&mut self) {
        let cell = self.cell(Column::Node);
        let share = self.rules.share.as_ref();
        if let Some(what) = share.and_then(|share| share.problem(cell.unwrap_or_default())) {
            self.problem(ProblemKind::Node, Column::Node, cell, what);
        }
    }

    pub(super) fn email(&mut self, column: Column) -> Option<Email> {
        let cell = self.sound(column)?;
        match Email::try_from(cell) {
            Ok(email) => Some(email),
            Err(error) => {
                let code = match error.suggestion() {
                    Some(_) => ProblemKind::EmailCorrectable,
                    None => ProblemKind::Email,
                };
                self.problem(code, column, Some(cell), error.to_string());
                None
            }
        }
    }

    /// An attribute as it is to be.
    pub(super) fn text(&mut self, column: Column) -> Option<&'r str> {
        let cell = self.sound(column)?;
        match flaw(cell) {
            None => Some(cell),
            Some((code, what)) => {
                self.problem(code, column, Some(cell), what);
                None
            }
        }
    }

    pub(super) fn edit(&mut self, column: Column) -> Edit<String> {
        match self.text(column) {
            None => Edit::Keep,
            Some(cell) if is_clear(cell) => Edit::Clear,
            Some(cell) => Edit::Set(cell.to_owned()),
        }
    }

    pub(super) fn active(&mut self) -> Option<bool> {
        let cell = self.sound(Column::Active)?;
        let answer = words::yes_or_no(cell);
        if answer.is_none() {
            let what = "is neither yes nor no; write yes (active) or no (locked)";
            self.problem(ProblemKind::Active, Column::Active, Some(cell), what);
        }
        answer
    }

    pub(super) fn join(&mut self) -> Vec<GroupName> {
        self.groups(Column::Teams, Column::Roles)
    }

    pub(super) fn leave(&mut self) -> Vec<GroupName> {
        self.groups(Column::RemoveTeams, Column::RemoveRoles)
    }

    fn groups(&mut self, teams: Column, roles: Column) -> Vec<GroupName> {
        let mut groups: Vec<GroupName> = Vec::new();
        for (column, kind) in [(teams, GroupKind::Team), (roles, GroupKind::Role)] {
            for name in self
                .sound(column)
                .unwrap_or_default()
                .split([';', '|'])
                .map(trim)
            {
                let group = GroupName {
                    kind,
                    name: name.to_owned(),
                };
                if is_clear(name) {
                    let what = "does not work for teams and roles; name those to leave in remove_teams or remove_roles";
                    self.problem(ProblemKind::Clear, column, Some(name), what);
                } else if let Some((code, what)) = flaw(name) {
                    self.problem(code, column, Some(name), what);
                } else if let Some((code, what)) = formula_error(name) {
                    self.problem(code, column, Some(name), what);
                } else if !name.is_empty() && !groups.contains(&group) {
                    groups.push(group);
                }
            }
        }
        groups
    }
}

/// What is wrong with a text of any kind.
fn flaw(text: &str) -> Option<(ProblemKind, String)> {
    if let Some(before) = before_misread(text) {
        let what = format!(
            "should be {before:?}: a program has read UTF-8 as something else; write it anew, or open the original as UTF-8 \
             and save it as a workbook (xlsx)"
        );
        return Some((ProblemKind::Misread, what));
    }
    if text.chars().any(char::is_control) {
        let what = "has a line break or another control character in it; remove it";
        return Some((ProblemKind::ControlCharacter, what.to_owned()));
    }
    if text.len() > LONGEST && text.chars().count() > LONGEST {
        let what = format!("is longer than {LONGEST} characters; are columns mixed up?");
        return Some((ProblemKind::TooLong, what));
    }
    None
}

/// Whether a cell says that something is to be emptied.
pub(super) fn is_clear(cell: &str) -> bool {
    cell.eq_ignore_ascii_case(CLEAR)
}
