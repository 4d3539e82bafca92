//! The whole file looked at once before anything is sent: what it asks for, and whether its rows
//! agree with each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;

use super::action::Action;
use super::change::{Ask, Change, GroupName};
use super::external_sort::ExternalSort;
use super::fingerprint::{FIELDS, Fingerprint, column_of};
use super::problem::Problem;
use super::problem_kind::ProblemKind;
use super::{CheckedRow, Roster};
use crate::attribute::Attribute;
use crate::sheet::{Cells, RowNumber, SheetError, trim};

/// What a file asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InputSummary {
    /// How many rows there are.
    pub rows: u64,
    /// How many of them cannot be carried out.
    pub invalid: u64,
    /// How many of them are done with since an earlier run.
    pub settled: u64,
    /// How many people lose the use of their accounts, deletions apart.
    pub locks: u64,
    /// How many rows ask for a new account that is locked. Where the account exists already, they may
    /// lock it.
    pub inactive_creates: u64,
    /// How many rows would lock an account that may not exist yet, and is made then.
    pub inactive_upserts: u64,
    /// How many rows name a person who has to be looked up by id only.
    pub people_by_id: u64,
    /// How many rows name a person who has to be looked up and whose email is given.
    pub people_by_email: u64,
    /// How many rows give a person another email.
    pub renames: u64,
    /// How many rows take an email from a person whom they name by id only: they delete the account or rename it.
    pub emails_freed_by_id: u64,
    /// The teams and roles that are named, and where.
    pub groups: BTreeMap<GroupName, Mentions>,
    /// Rows that contradict another one.
    pub rejected: BTreeSet<RowNumber>,
    /// Rows that ask for a new account just as an earlier row does, and that row.
    pub repeats: BTreeMap<RowNumber, RowNumber>,
    /// The rows that ask for a new account without any name.
    pub nameless: Mentions,
    /// Whether a person is in more than one row, of which one at least is to be carried out.
    pub recurring: bool,
    by_action: BTreeMap<Action, u64>,
}

/// Where something is named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mentions {
    rows: u64,
    first: Vec<RowNumber>,
    joined: bool,
}

/// How many rows are named before it is "and so many more".
const NAMED: usize = 5;

impl InputSummary {
    /// How many rows can be carried out.
    #[must_use]
    pub fn valid(&self) -> u64 {
        self.rows.saturating_sub(self.invalid + self.settled)
    }

    /// How many rows that can be carried out ask for this.
    #[must_use]
    pub fn by_action(&self, action: Action) -> u64 {
        self.by_action.get(&action).copied().unwrap_or(0)
    }

    /// Whether one person may be named by id in one row and by email in another. For new people that matters only where a
    /// row may free an email.
    #[must_use]
    pub fn mixes_names(&self) -> bool {
        let by_email = self.people_by_email > 0 || self.needs_freed_emails();
        self.people_by_id > 0 && by_email
    }

    /// Whether a new person may get the email of somebody who is named by id only.
    #[must_use]
    pub fn needs_freed_emails(&self) -> bool {
        self.emails_freed_by_id > 0 && self.by_action(Action::Create) > 0
    }

    fn uncount(&mut self, action: Action) {
        if let Some(count) = self.by_action.get_mut(&action) {
            *count -= 1;
        }
    }

    fn count(&mut self, change: &Change, row: RowNumber) {
        if let Ask::Create(new_account) = &change.ask
            && new_account.texts[Attribute::DisplayName].is_none()
        {
            self.nameless.add(row, true);
        }
        *self.by_action.entry(change.action).or_default() += 1;
        self.locks += u64::from(change.locks());
        match &change.ask {
            Ask::Create(new_account) if new_account.active == Some(false) => {
                self.inactive_creates += 1;
            }
            Ask::CreateOrRevise(..) if change.locks() => self.inactive_upserts += 1,
            _ => {}
        }
        let is_rename = change.new_email().is_some();
        self.renames += u64::from(is_rename);
        if change.action != Action::Create {
            match change.person.email() {
                Some(_) => self.people_by_email += 1,
                None => {
                    self.people_by_id += 1;
                    let frees = is_rename || change.action == Action::Delete;
                    self.emails_freed_by_id += u64::from(frees);
                }
            }
        }
        let joined = change.joins().iter().map(|group| (group, true));
        let left = change.leaves().iter().map(|group| (group, false));
        for (group, joins) in joined.chain(left) {
            // Looked for first: a name is known already in all but a few rows.
            if let Some(mentions) = self.groups.get_mut(group) {
                mentions.add(row, joins);
            } else {
                let mentions = self.groups.entry(group.clone()).or_default();
                mentions.add(row, joins);
            }
        }
    }
}

impl Mentions {
    /// The first row that names it.
    #[must_use]
    pub fn first(&self) -> Option<RowNumber> {
        self.first.first().copied()
    }

    /// How many rows name it.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Whether a row asks to join it; else it is only left.
    #[must_use]
    pub fn is_joined(&self) -> bool {
        self.joined
    }

    fn add(&mut self, row: RowNumber, joins: bool) {
        self.rows += 1;
        self.joined |= joins;
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

/// What rows do not agree about: a person or new email, an action, and one of the [`FIELDS`].
type Matter = (u64, u8, usize);

/// Two rows that do not agree.
#[derive(Debug, Clone, Copy)]
struct Dispute {
    /// What the first one says.
    said: u32,
    /// The first one.
    row: u64,
    /// The first row that says otherwise.
    other: u64,
}

/// Looks at all rows.
pub(super) fn take(
    roster: &Roster,
    on_problem: &mut dyn FnMut(Problem),
) -> Result<InputSummary, SheetError> {
    let failed = SheetError::no_room(roster.file_name());
    let mut summary = InputSummary::default();
    let mut sort = ExternalSort::new();
    for entry in roster.entries()? {
        let entry = entry?;
        summary.rows += 1;
        let is_settled = roster.already_done.has(&entry);
        let CheckedRow { number, change, .. } = entry;
        match change {
            change if is_settled => {
                summary.settled += 1;
                for fingerprint in change
                    .iter()
                    .flat_map(|change| Fingerprint::all_of(change, number.0))
                {
                    sort.push(fingerprint.settled()).map_err(failed)?;
                }
            }
            Ok(change) => {
                summary.count(&change, number);
                for fingerprint in Fingerprint::all_of(&change, number.0) {
                    sort.push(fingerprint).map_err(failed)?;
                }
            }
            Err(problems) => {
                summary.invalid += 1;
                problems.into_iter().for_each(&mut *on_problem);
            }
        }
    }
    let disputes = compare(sort, &mut summary).map_err(failed)?;
    if !disputes.is_empty() {
        reject(roster, &disputes, &mut summary, on_problem)?;
    }
    Ok(summary)
}

/// Finds rows of the same person and action that do not agree, and those that are the same.
fn compare(
    sort: ExternalSort,
    summary: &mut InputSummary,
) -> io::Result<BTreeMap<Matter, Dispute>> {
    let mut in_order = sort.sorted()?;
    let mut disputes = BTreeMap::new();
    let mut before: Option<(Fingerprint, [u64; FIELDS])> = None;
    while let Some(next) = in_order.next()? {
        let same_person = |(first, _): &(Fingerprint, _)| {
            let both_settled = first.is_settled() && next.is_settled();
            first.key == next.key && first.row != next.row && !both_settled
        };
        summary.recurring |= before.as_ref().is_some_and(same_person);
        match &mut before {
            Some((first, said_in)) if (first.key, first.action) == (next.key, next.action) => {
                agree(first, said_in, &next, &mut disputes);
                if next.is_create() {
                    summary
                        .repeats
                        .insert(RowNumber(next.row), RowNumber(first.row));
                }
            }
            _ => before = Some((next, [next.row; FIELDS])),
        }
    }
    Ok(disputes)
}

/// Holds `next` against what the rows before it have said together.
fn agree(
    said: &mut Fingerprint,
    said_in: &mut [u64; FIELDS],
    next: &Fingerprint,
    disputes: &mut BTreeMap<Matter, Dispute>,
) {
    for (field, said_in) in said_in.iter_mut().enumerate() {
        let (one, other) = (said.fields[field], next.fields[field]);
        // A new account is whole at once: that one row says nothing is a difference, too.
        if one != other && (next.is_create() || (one != 0 && other != 0)) {
            disputes
                .entry((next.key, next.action, field))
                .or_insert(Dispute {
                    said: one,
                    row: *said_in,
                    other: next.row,
                });
        } else if one == 0 && other != 0 {
            said.fields[field] = other;
            *said_in = next.row;
        }
    }
}

/// Rejects every row that takes a side in a dispute, and tells of it with what stands in the cell,
/// for which the rows are read once more.
fn reject(
    roster: &Roster,
    disputes: &BTreeMap<Matter, Dispute>,
    summary: &mut InputSummary,
    on_problem: &mut dyn FnMut(Problem),
) -> Result<(), SheetError> {
    for entry in roster.entries()? {
        let entry = entry?;
        if roster.already_done.has(&entry) {
            continue;
        }
        let CheckedRow {
            number,
            cells,
            change,
        } = entry;
        let Ok(change) = change else { continue };
        let mut told = Vec::new();
        for fingerprint in Fingerprint::all_of(&change, number.0) {
            for (field, &says) in fingerprint.fields.iter().enumerate() {
                let matter = (fingerprint.key, fingerprint.action, field);
                let Some(dispute) = disputes.get(&matter) else {
                    continue;
                };
                let about = (field, fingerprint.is_claim());
                if told.contains(&about) || (says == 0 && !fingerprint.is_create()) {
                    continue;
                }
                told.push(about);
                let other = if says == dispute.said {
                    dispute.other
                } else {
                    dispute.row
                };
                on_problem(disagreement(roster, (number, &cells), about, other));
            }
        }
        if !told.is_empty() {
            summary.rejected.insert(number);
            summary.uncount(change.action);
            summary.repeats.remove(&number);
        }
    }
    summary.invalid += summary.rejected.len() as u64;
    Ok(())
}

fn disagreement(
    roster: &Roster,
    (number, cells): (RowNumber, &Cells),
    (field, is_claim): (usize, bool),
    other: u64,
) -> Problem {
    let at = roster.columns().at(column_of(field));
    let value = at
        .and_then(|at| cells.get(at))
        .filter(|cell| !trim(cell).is_empty());
    let (code, what) = if is_claim {
        let what = format!(
            "is also the new email of somebody else in row {other}; only one person can have it"
        );
        (ProblemKind::EmailTwice, what)
    } else {
        let differs = match value {
            Some(_) => format!("differs from row {other}, which is about the same person"),
            None => format!("is empty, but not in row {other}, which is about the same person"),
        };
        let what = format!("{differs}; remove one of the rows, or make them agree");
        (ProblemKind::Contradiction, what)
    };
    Problem {
        file: roster.file_name().to_owned(),
        row: Some(number),
        cell: at.and_then(|at| roster.rules.addressing.cell(number, at)),
        column: at.and_then(|at| roster.header().get(at).cloned()),
        value: value.map(str::to_owned),
        code,
        what,
    }
}
