//! What a row asks for: its action, whom it is about, and what the action makes of the other cells.

use super::Options;
use super::action::Action;
use super::change::{AccountUpdate, Ask, Change, GroupKind, GroupName, NewAccount};
use super::column::Column;
use super::email::Email;
use super::names::full_name;
use super::person::{Person, UserId};
use super::problem::Problem;
use super::problem_kind::ProblemKind;
use super::reading::{Reading, is_clear};
use super::rules::Rules;
use super::spreadsheet_damage::SpreadsheetDamage;
use crate::attribute::{Attribute, Attributes, Texts};
use crate::sheet::Row;

/// What a row asks for.
pub(super) fn change(rules: &Rules, row: &Row) -> Result<Change, Vec<Problem>> {
    let mut reading = Reading {
        rules,
        number: row.number,
        cells: &row.cells,
        damage: SpreadsheetDamage { marks: &row.marks },
        problems: Vec::new(),
    };
    reading.node();
    let change = reading.change();
    if let Some(change) = &change {
        reading.spare(change);
    }
    match change {
        Some(change) if reading.problems.is_empty() => Ok(change),
        _ => Err(reading.problems),
    }
}

impl Reading<'_> {
    /// What the row asks for. `None` only where a problem was noted.
    pub(super) fn change(&mut self) -> Option<Change> {
        let Some(action) = self.action() else {
            // Whoever it is about, it should be somebody.
            self.person();
            return None;
        };
        let (person, ask) = match action {
            Action::Create => {
                let new_account = self.new_account()?;
                (Some(new_account.person()), Ask::Create(new_account))
            }
            Action::Upsert => {
                let (new_account, update) = (self.new_account(), self.update());
                self.not_new_email("upsert");
                let new_account = new_account?;
                let person = new_account.person();
                (Some(person), Ask::CreateOrRevise(new_account, update))
            }
            Action::Delete => (self.person(), Ask::Delete),
            action => (self.person(), Ask::Revise(self.revision(action))),
        };
        Some(Change {
            action,
            person: person?,
            ask,
        })
    }

    /// What an action changes of an account that exists.
    fn revision(&mut self, action: Action) -> AccountUpdate {
        let mut update = AccountUpdate::default();
        match action {
            Action::Lock => update.active = Some(false),
            Action::Unlock => update.active = Some(true),
            Action::AddTeams => update.join = self.some_group(Column::Teams, Self::join),
            Action::RemoveTeams => {
                update.leave = self.some_group(Column::RemoveTeams, |row| {
                    let groups = row.leave();
                    if groups.is_empty() {
                        row.join()
                    } else {
                        groups
                    }
                });
            }
            _ => update = self.update(),
        }
        update
    }

    /// Nobody who is protected is locked or deleted.
    pub(super) fn spare(&mut self, change: &Change) {
        let person = &change.person;
        let (id, email) = (person.id(), person.email());
        let is_protected = self
            .rules
            .protected
            .has(id.map(UserId::as_str), email.map(Email::as_str));
        if !change.takes_access() || !is_protected {
            return;
        }
        let column = match email {
            Some(_) => Column::Email,
            None => Column::Id,
        };
        let value = self.cell(column);
        self.problem(
            ProblemKind::Protected,
            column,
            value,
            "is protected, and is neither locked nor deleted; remove the row, or the person from those who are protected",
        );
    }

    fn action(&mut self) -> Option<Action> {
        let Options {
            default_action,
            forced_action,
            ..
        } = self.rules.options;
        let Some(cell) = self.cell(Column::Action) else {
            return Some(default_action);
        };
        match cell.parse() {
            Ok(action) if forced_action && action != default_action => {
                let what = format!(
                    "is asked for, but this command only does {default_action}; use headcount import for mixed rows"
                );
                self.problem(ProblemKind::OtherAction, Column::Action, Some(cell), what);
                None
            }
            Ok(action) => Some(action),
            Err(error) => {
                self.problem(
                    ProblemKind::Action,
                    Column::Action,
                    Some(cell),
                    error.words(),
                );
                None
            }
        }
    }

    fn person(&mut self) -> Option<Person> {
        let before = self.problems.len();
        let email = self.email(Column::Email);
        let id = self.sound(Column::Id).and_then(|cell| {
            let id = UserId::new(cell);
            if id.is_none() {
                self.problem(
                    ProblemKind::Id,
                    Column::Id,
                    Some(cell),
                    "is not an id: it has characters that no id has, or too many",
                );
            }
            id
        });
        match (email, id) {
            _ if self.problems.len() > before => None,
            (Some(email), Some(id)) => Some(Person::Both { email, id }),
            (Some(email), None) => Some(Person::Email(email)),
            (None, Some(id)) => Some(Person::Id(id)),
            (None, None) => {
                let column = if self.rules.columns().at(Column::Email).is_some() {
                    Column::Email
                } else {
                    Column::Id
                };
                self.problem(
                    ProblemKind::NobodyInRow,
                    column,
                    None,
                    "the cell is empty, so nobody is named; fill it in or remove the row",
                );
                None
            }
        }
    }

    fn new_account(&mut self) -> Option<NewAccount> {
        let email = self.email(Column::Email);
        if email.is_none() && self.cell(Column::Email).is_none() {
            self.problem(
                ProblemKind::NobodyInRow,
                Column::Email,
                None,
                "a new account needs an email; fill it in or remove the row",
            );
        }
        let mut texts = Texts::from(
            Attribute::FREE_TEXTS.map(|attribute| (attribute, self.plain(attribute.into()))),
        );
        let display_name_is_derived = texts[Attribute::DisplayName].is_none();
        if display_name_is_derived {
            let [given, family] = [Attribute::GivenName, Attribute::FamilyName];
            texts[Attribute::DisplayName] = full_name(texts.get(given), texts.get(family));
        }
        let active = self.active();
        let join = self.join();
        if self.action() == Some(Action::Create) {
            self.not_new_email("create");
            for column in [Column::RemoveTeams, Column::RemoveRoles] {
                if let Some(cell) = self.cell(column) {
                    self.problem(
                        ProblemKind::NotForAction,
                        column,
                        Some(cell),
                        "cannot be left by a new account; empty the cell or use action update",
                    );
                }
            }
        }
        Some(NewAccount {
            email: email?,
            texts,
            display_name_is_derived,
            active,
            join,
        })
    }

    fn update(&mut self) -> AccountUpdate {
        let attributes = Attributes::from(
            Attribute::FREE_TEXTS.map(|attribute| (attribute, self.edit(attribute.into()))),
        );
        let (join, leave) = (self.join(), self.leave());
        for both in join.iter().filter(|group| leave.contains(group)) {
            let column = match both.kind {
                GroupKind::Team => Column::RemoveTeams,
                GroupKind::Role => Column::RemoveRoles,
            };
            let what = format!(
                "is to be joined and left in the same row; remove the {} from one of the two cells",
                both.kind_word()
            );
            self.problem(ProblemKind::JoinedAndLeft, column, Some(&both.name), what);
        }
        let new_email = self.email(Column::NewEmail).filter(|new| {
            self.cell(Column::Email)
                .and_then(|cell| Email::try_from(cell).ok())
                .as_ref()
                != Some(new)
        });
        AccountUpdate {
            attributes,
            active: self.active(),
            new_email,
            join,
            leave,
        }
    }

    fn not_new_email(&mut self, action: &str) {
        if let Some(cell) = self.cell(Column::NewEmail) {
            let what = format!("makes no sense for {action}; only action update changes an email");
            self.problem(
                ProblemKind::NotForAction,
                Column::NewEmail,
                Some(cell),
                what,
            );
        }
    }

    fn plain(&mut self, column: Column) -> Option<String> {
        // On an upsert, what is to be cleared is simply not given to a new account.
        self.text(column)
            .filter(|cell| !is_clear(cell) || self.refuse_clear(column, cell))
            .map(str::to_owned)
    }

    /// `<clear>` means nothing where there is nothing yet. Always false, for use in a filter.
    fn refuse_clear(&mut self, column: Column, cell: &str) -> bool {
        if self.action() == Some(Action::Create) {
            self.problem(
                ProblemKind::Clear,
                column,
                Some(cell),
                "clears an attribute, which a new account does not have; empty the cell",
            );
        }
        false
    }

    /// What `read` finds, which must not be nothing.
    fn some_group(
        &mut self,
        column: Column,
        read: impl FnOnce(&mut Self) -> Vec<GroupName>,
    ) -> Vec<GroupName> {
        let before = self.problems.len();
        let groups = read(self);
        if groups.is_empty() && self.problems.len() == before {
            self.problem(
                ProblemKind::NoTeam,
                column,
                None,
                format!("the row names no team or role; fill in {}", column.name()),
            );
        }
        groups
    }
}
