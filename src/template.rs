//! Example spreadsheets to fill in: a header, two rows that are obviously examples, and in a
//! workbook a second sheet that explains each column and lists to pick from.
//!
//! What the columns mean is for [`roster`](crate::roster) to say; that it understands each template
//! is for a test to show.

use std::io::{self, Write};

use crate::roster::{Action, Column};
use crate::sheet::{Cell, Format, Writer};

/// What the spreadsheet is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum TemplateKind {
    /// New people
    Onboarding,
    /// People who leave
    Offboarding,
    /// Names, addresses and teams that change
    Update,
    /// Who joins or leaves which team
    Teams,
}

/// The title of the sheet with the explanations.
const TITLE: &str = "How to fill it in";

/// What may be written in `active`. A spreadsheet program takes true and false for something else than
/// text, in the language of whoever picks them.
const YES_NO: [&str; 2] = ["yes", "no"];

impl TemplateKind {
    /// The columns, in their order.
    fn columns(self) -> &'static [Column] {
        match self {
            TemplateKind::Onboarding => &[
                Column::Action,
                Column::Email,
                Column::FirstName,
                Column::LastName,
                Column::DisplayName,
                Column::ExternalId,
                Column::Teams,
            ],
            TemplateKind::Offboarding => &[Column::Action, Column::Email, Column::Id],
            TemplateKind::Update => &[
                Column::Action,
                Column::Email,
                Column::NewEmail,
                Column::FirstName,
                Column::LastName,
                Column::DisplayName,
                Column::ExternalId,
                Column::Active,
                Column::Teams,
                Column::RemoveTeams,
            ],
            TemplateKind::Teams => &[
                Column::Action,
                Column::Email,
                Column::Teams,
                Column::RemoveTeams,
            ],
        }
    }

    /// What rows may ask for.
    fn actions(self) -> &'static [Action] {
        match self {
            TemplateKind::Onboarding => &[Action::Create, Action::Upsert],
            TemplateKind::Offboarding => &[Action::Lock, Action::Delete],
            TemplateKind::Update => &[Action::Update, Action::Lock, Action::Unlock],
            TemplateKind::Teams => &[Action::AddTeams, Action::RemoveTeams],
        }
    }

    /// Rows of nobody, one cell for each column.
    fn examples(self) -> [&'static [&'static str]; 2] {
        const ANN: &str = "ann.example@example.com";
        const BEN: &str = "ben.example@example.com";
        match self {
            TemplateKind::Onboarding => [
                &["create", ANN, "Ann", "Example", "", "00123", "Sales"],
                &[
                    "create",
                    BEN,
                    "Ben",
                    "Example",
                    "Ben E.",
                    "00124",
                    "Sales;Marketing",
                ],
            ],
            TemplateKind::Offboarding => [&["lock", ANN, ""], &["lock", BEN, ""]],
            TemplateKind::Update => [
                &[
                    "update",
                    ANN,
                    "ann.sample@example.com",
                    "",
                    "Sample",
                    "Ann Sample",
                    "",
                    "",
                    "Marketing",
                    "Sales",
                ],
                &["update", BEN, "", "", "", "<clear>", "", "yes", "", ""],
            ],
            TemplateKind::Teams => [
                &["add-teams", ANN, "Sales;Marketing", ""],
                &["remove-teams", BEN, "", "Sales"],
            ],
        }
    }

    /// What a column is for, in words.
    fn explanation(self, column: Column) -> String {
        match column {
            Column::Action => self.explain_actions(),
            Column::Email => match self {
                TemplateKind::Onboarding => "Needed. The address that the person signs in with.",
                TemplateKind::Offboarding => {
                    "The address that the person signs in with. Needed, unless id is there."
                }
                TemplateKind::Update | TemplateKind::Teams => {
                    "Needed. The address that the person signs in with now."
                }
            }
            .to_owned(),
            Column::Id => {
                "The node's id of the account, as an export shows it. Leave it empty if email is there."
                    .to_owned()
            }
            Column::NewEmail => "The address that the person is to sign in with from now on.".to_owned(),
            Column::FirstName => "First name.".to_owned(),
            Column::LastName => "Last name.".to_owned(),
            Column::DisplayName => match self {
                TemplateKind::Update => "The name shown to others. <clear> empties it.",
                _ => "The name shown to others. Empty: first and last name.",
            }
            .to_owned(),
            Column::ExternalId => {
                "Your own id for the person, such as a personnel number. 00123 stays 00123.".to_owned()
            }
            Column::Active => {
                "yes: the person can sign in. no: the account is locked. Empty: as it is.".to_owned()
            }
            Column::Teams => match self {
                TemplateKind::Teams => "For add-teams: teams to join. Put ; between several.",
                _ => "Teams to join, which have to be there already. Put ; between several.",
            }
            .to_owned(),
            Column::RemoveTeams => match self {
                TemplateKind::Teams => "For remove-teams: teams to leave. Put ; between several.",
                _ => "Teams to leave. Put ; between several.",
            }
            .to_owned(),
            Column::Roles | Column::RemoveRoles | Column::Node => String::new(),
        }
    }

    fn explain_actions(self) -> String {
        let what = |action: &Action| match action {
            Action::Create => "create: make the account.",
            Action::Update => "update: change what is filled in, leave what is empty.",
            Action::Upsert => "upsert: make the account, or change it if it is there.",
            Action::Lock => "lock: the person cannot sign in any more; the account stays.",
            Action::Unlock => "unlock: the person can sign in again.",
            Action::Delete => "delete: remove the account from the node.",
            Action::AddTeams => "add-teams: the person joins the teams in teams.",
            Action::RemoveTeams => "remove-teams: the person leaves the teams in remove_teams.",
        };
        let all: Vec<&str> = self.actions().iter().map(what).collect();
        all.join("\n")
    }

    /// Writes the spreadsheet.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write<W: Write + Send>(self, to: W, format: Format) -> io::Result<W> {
        let columns = self.columns();
        let header: Vec<String> = columns
            .iter()
            .map(|column| column.name().to_owned())
            .collect();
        let mut writer = Writer::new(to, format, &header)?;
        for (at, column) in (0..).zip(columns) {
            match column {
                Column::Action => {
                    let actions = self.actions().iter().map(|action| action.as_str());
                    writer.offer(at, &actions.collect::<Vec<_>>())?;
                }
                Column::Active => writer.offer(at, &YES_NO)?,
                _ => {}
            }
        }
        for example in self.examples() {
            let cells: Vec<Cell<'_>> = example.iter().map(|cell| Cell::Text(cell)).collect();
            writer.row(&cells)?;
        }
        let explanations: Vec<String> = columns
            .iter()
            .map(|column| self.explanation(*column))
            .collect();
        let mut notes: Vec<Vec<&str>> = header
            .iter()
            .zip(&explanations)
            .map(|(name, explanation)| vec![name.as_str(), explanation.as_str()])
            .collect();
        notes.push(vec![
            "",
            "The two rows with example.com are examples: write over them. Columns that you do not need can go, others \
             can be added: they come back with the results.",
        ]);
        writer.explain(TITLE, &["column", "what to write"], &notes)?;
        writer.finish()
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn each_column_has_an_example_or_not_and_an_explanation() {
        for kind in TemplateKind::value_variants() {
            for example in kind.examples() {
                assert_eq!(example.len(), kind.columns().len(), "{kind:?}");
            }
            for column in kind.columns() {
                assert!(
                    !kind.explanation(*column).is_empty(),
                    "{kind:?}, {column:?}"
                );
            }
        }
    }

    #[test]
    fn a_template_is_a_small_spreadsheet() {
        let written = TemplateKind::Onboarding
            .write(Vec::new(), Format::Csv)
            .unwrap();
        insta::assert_snapshot!(String::from_utf8(written).unwrap(), @r"
        action,email,first_name,last_name,display_name,external_id,teams
        create,ann.example@example.com,Ann,Example,,00123,Sales
        create,ben.example@example.com,Ben,Example,Ben E.,00124,Sales;Marketing
        ");
    }
}
