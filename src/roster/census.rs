//! The whole file looked at once before anything is sent: what it asks for, and whether its rows
//! agree with each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;

use super::action::Action;
use super::change::{Change, GroupName};
use super::column::Column;
use super::fingerprint::{CLAIMS_EMAIL, FIELDS, Fingerprint};
use super::problem::Problem;
use super::sorter::Sorter;
use super::{Entry, Roster};
use crate::sheet::{RowNumber, SheetError};

/// What a file asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    /// How many rows there are.
    pub rows: u64,
    /// How many of them cannot be carried out.
    pub invalid: u64,
    /// How many people lose the use of their accounts, deletions apart.
    pub locks: u64,
    /// How many rows name a person who has to be looked up by id only.
    pub people_by_id: u64,
    /// How many rows name a person who has to be looked up and whose email is given.
    pub people_by_email: u64,
    /// The teams and roles that are named, and where.
    pub groups: BTreeMap<GroupName, Mentions>,
    /// Rows that contradict another one.
    pub rejected: BTreeSet<RowNumber>,
    /// Rows that ask for a new account just as an earlier row does, and that row.
    pub repeats: BTreeMap<RowNumber, RowNumber>,
    by_action: BTreeMap<Action, u64>,
}

/// Where something is named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mentions {
    rows: u64,
    first: Vec<RowNumber>,
}

/// How many rows are named before it is "and so many more".
const NAMED: usize = 5;

impl Census {
    /// How many rows ask for this.
    #[must_use]
    pub fn by_action(&self, action: Action) -> u64 {
        self.by_action.get(&action).copied().unwrap_or(0)
    }

    fn count(&mut self, change: &Change, row: RowNumber) {
        *self.by_action.entry(change.action()).or_default() += 1;
        self.locks += u64::from(change.locks());
        if change.action() != Action::Create {
            match change.person().email() {
                Some(_) => self.people_by_email += 1,
                None => self.people_by_id += 1,
            }
        }
        for group in change.groups() {
            // Looked for first: a name is known already in all but a few rows.
            match self.groups.get_mut(group) {
                Some(mentions) => mentions.add(row),
                None => self.groups.entry(group.clone()).or_default().add(row),
            }
        }
    }
}

impl Mentions {
    fn add(&mut self, row: RowNumber) {
        self.rows += 1;
        if self.first.len() < NAMED {
            self.first.push(row);
        }
    }
}

impl fmt::Display for Mentions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first: Vec<String> = self.first.iter().map(ToString::to_string).collect();
        let more = self.rows - self.first.len() as u64;
        match (self.rows, more) {
            (1, _) => write!(f, "row {}", first.join("")),
            (_, 0) => write!(f, "rows {}", first.join(", ")),
            (_, more) => write!(f, "rows {} and {more} more", first.join(", ")),
        }
    }
}

/// Two rows that name the same person and do not agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Contradiction {
    row: u64,
    field: usize,
    other: u64,
    claim: bool,
}

/// Looks at all rows.
pub(super) fn take(
    roster: &Roster,
    on_problem: &mut dyn FnMut(Problem),
) -> Result<Census, SheetError> {
    let failed = |source: io::Error| SheetError::Io {
        file: roster.file_name().to_owned(),
        source,
    };
    let mut census = Census::default();
    let mut sorter = Sorter::new();
    for entry in roster.entries()? {
        let Entry { number, change, .. } = entry?;
        census.rows += 1;
        match change {
            Ok(change) => {
                census.count(&change, number);
                sorter
                    .push(Fingerprint::of(&change, number.0))
                    .map_err(failed)?;
                if let Some(claim) = Fingerprint::of_claim(&change, number.0) {
                    sorter.push(claim).map_err(failed)?;
                }
            }
            Err(problems) => {
                census.invalid += 1;
                problems.into_iter().for_each(&mut *on_problem);
            }
        }
    }
    let contradictions = compare(sorter, &mut census).map_err(failed)?;
    if !contradictions.is_empty() {
        census.rejected = contradictions
            .iter()
            .map(|each| RowNumber(each.row))
            .collect();
        census.invalid += census.rejected.len() as u64;
        report(roster, &contradictions, on_problem)?;
    }
    Ok(census)
}

/// Finds rows of the same person and action that do not agree, and those that are the same.
fn compare(sorter: Sorter, census: &mut Census) -> io::Result<Vec<Contradiction>> {
    let mut in_order = sorter.sorted()?;
    let mut contradictions = BTreeSet::new();
    let mut before: Option<(Fingerprint, [u64; FIELDS.len()])> = None;
    while let Some(next) = in_order.next()? {
        match &mut before {
            Some((first, said_in)) if (first.key, first.action) == (next.key, next.action) => {
                let count = contradictions.len();
                agree(first, said_in, &next, &mut contradictions);
                if next.is_create() && contradictions.len() == count {
                    census
                        .repeats
                        .insert(RowNumber(next.row), RowNumber(first.row));
                }
            }
            _ => before = Some((next, [next.row; FIELDS.len()])),
        }
    }
    Ok(contradictions.into_iter().collect())
}

/// Holds `next` against what the rows before it have said together.
fn agree(
    said: &mut Fingerprint,
    said_in: &mut [u64; FIELDS.len()],
    next: &Fingerprint,
    contradictions: &mut BTreeSet<Contradiction>,
) {
    let claim = next.action == CLAIMS_EMAIL;
    for (field, said_in) in said_in.iter_mut().enumerate() {
        let (one, other) = (said.fields[field], next.fields[field]);
        // A new account is whole at once: that one row says nothing is a difference, too.
        if one != other && (next.is_create() || (one != 0 && other != 0)) {
            contradictions.insert(Contradiction {
                row: next.row,
                field,
                other: *said_in,
                claim,
            });
            contradictions.insert(Contradiction {
                row: *said_in,
                field,
                other: next.row,
                claim,
            });
        } else if one == 0 && other != 0 {
            said.fields[field] = other;
            *said_in = next.row;
        }
    }
}

/// Tells of contradictions with what stands in the cells, for which the rows are read once more.
fn report(
    roster: &Roster,
    contradictions: &[Contradiction],
    on_problem: &mut dyn FnMut(Problem),
) -> Result<(), SheetError> {
    let mut left = contradictions.iter().peekable();
    let (columns, header) = (roster.columns(), roster.header());
    for entry in roster.entries()? {
        let Entry { number, cells, .. } = entry?;
        while let Some(each) = left.next_if(|each| each.row == number.0) {
            let column = match FIELDS[each.field] {
                Column::Teams if columns.at(Column::Teams).is_none() => Column::Roles,
                column => column,
            };
            let at = columns.at(column);
            let what = if each.claim {
                format!(
                    "is also the new email of another person in row {}; only one can have it",
                    each.other
                )
            } else {
                format!(
                    "is not what row {} says, which names the same person; keep one of the two rows, or make them agree",
                    each.other
                )
            };
            on_problem(Problem {
                file: roster.file_name().to_owned(),
                row: Some(number),
                column: at.and_then(|at| header.get(at).cloned()),
                value: at.and_then(|at| cells.get(at)).map(str::to_owned),
                what,
            });
        }
    }
    Ok(())
}
