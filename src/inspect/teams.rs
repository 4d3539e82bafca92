//! Teams and roles that rows name and that cannot be used: what to say of them, and where they are.

use std::collections::BTreeMap;

use super::problems::Finding;
use crate::directory::GroupRemark;
use crate::report::Style;
use crate::roster::{CheckedRow, Column, GroupKind, GroupName, ProblemKind, Roster};
use crate::sheet::{SheetError, trim};

/// Whether the teams and roles of a file were looked up on a node; the later, the less was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TeamChecks {
    /// No row names any.
    NoneNamed,
    /// They were.
    Checked,
    /// No node was named that could be asked.
    NoNode,
    /// The node did not answer.
    NotAnswered,
}

impl TeamChecks {
    /// What programs know it by.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            TeamChecks::NoneNamed => "none named",
            TeamChecks::Checked => "checked",
            TeamChecks::NoNode => "no node named",
            TeamChecks::NotAnswered => "node not reached",
        }
    }

    /// What somebody should know who takes them for checked.
    pub(super) fn remark(self) -> Option<&'static str> {
        match self {
            TeamChecks::NoneNamed | TeamChecks::Checked => None,
            TeamChecks::NoNode => Some(
                "Teams and roles were not checked: for that, name a node, such as --profile NAME.",
            ),
            TeamChecks::NotAnswered => Some("Teams and roles were not checked."),
        }
    }
}

/// What is to be said of a team, and where it is named, in the colour of what that means.
#[must_use]
pub fn remark_line(roster: &Roster, remark: &GroupRemark, tint: Style) -> String {
    let GroupRemark {
        name,
        mentions,
        words,
    } = remark;
    let headings: Vec<String> = columns_of(name.kind)
        .into_iter()
        .filter_map(|column| roster.columns().at(column))
        .map(|at| format!("{:?}", roster.header()[at]))
        .collect();
    let place = format!(
        "{}, {mentions}, column {}:",
        roster.file_name(),
        headings.join(" or ")
    );
    format!("{} {:?}: {words}", tint.on(place), name.name)
}

fn columns_of(kind: GroupKind) -> [Column; 2] {
    match kind {
        GroupKind::Team => [Column::Teams, Column::RemoveTeams],
        GroupKind::Role => [Column::Roles, Column::RemoveRoles],
    }
}

/// Reads the rows once more and tells each that names one of the `wrong` teams, which come with what is
/// wrong with them.
///
/// # Errors
/// When the file cannot be read to its end.
pub(super) fn rows_of_teams(
    roster: &Roster,
    wrong: &BTreeMap<&GroupName, &str>,
    on_finding: &mut dyn FnMut(&Finding),
) -> Result<(), SheetError> {
    for entry in roster.entries()? {
        let entry = entry?;
        let Ok(change) = &entry.change else { continue };
        for group in change.joins().iter().chain(change.leaves()) {
            if let Some(words) = wrong.get(group) {
                on_finding(&Finding {
                    row: Some(entry.number.0),
                    cell: None,
                    column: heading_of(roster, &entry, group),
                    value: Some(&group.name),
                    code: ProblemKind::Team.as_str(),
                    message: format!("{:?}: {words}", group.name),
                });
            }
        }
    }
    Ok(())
}

/// The heading of the cell that names a group.
fn heading_of<'r>(roster: &'r Roster, entry: &CheckedRow, group: &GroupName) -> Option<&'r str> {
    let columns = columns_of(group.kind);
    let names = |at: &usize| {
        let cell = entry.cells.get(*at).unwrap_or_default();
        cell.split([';', '|']).any(|name| trim(name) == group.name)
    };
    let mut places = columns
        .into_iter()
        .filter_map(|column| roster.columns().at(column));
    let at = places.find(names)?;
    roster.header().get(at).map(String::as_str)
}
