//! Kinds of problems: what programs tell them apart by, and what puts like ones together.

use std::fmt;

use strum::{EnumCount, VariantArray};

/// Of what kind a problem is. Its code is part of what `headcount check --format json` promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, EnumCount, VariantArray)]
pub enum ProblemKind {
    /// No heading says who the rows are about.
    NobodyNamed,
    /// A heading, or several, may mean different things.
    AmbiguousHeading,
    /// `--map` names a heading that is not there.
    NoSuchHeading,
    /// Profiles say different things of a heading.
    MappingsDisagree,
    /// The file cannot be read any further.
    Unreadable,
    /// A cell is not in the encoding of the file.
    Encoding,
    /// A row has more cells than there are headings.
    TooManyCells,
    /// A row has fewer cells than there are headings.
    TooFewCells,
    /// Nobody is named, or a new account has no email.
    NobodyInRow,
    /// Not an email address.
    Email,
    /// An email address and something that does not belong there.
    EmailCorrectable,
    /// Not an id.
    Id,
    /// Not an action.
    Action,
    /// An action that the command does not do.
    OtherAction,
    /// Neither yes nor no.
    Active,
    /// A line break or another character that cannot be seen.
    ControlCharacter,
    /// Letters that a program has taken for others.
    Misread,
    /// Longer than anything of its kind.
    TooLong,
    /// An error that a spreadsheet program shows instead of what a formula comes to.
    FormulaError,
    /// A number that a spreadsheet program has cut down to its first digits.
    CutNumber,
    /// A date where something else should be.
    Date,
    /// A formula whose value is not in the file.
    NotCalculated,
    /// A list of teams whose names cannot be told apart.
    UnclearList,
    /// `<clear>` where nothing can be cleared.
    Clear,
    /// No team or role is named.
    NoTeam,
    /// A team is to be joined and left.
    JoinedAndLeft,
    /// Something that the action of the row does not do.
    NotForAction,
    /// Somebody protected would be locked or deleted.
    Protected,
    /// A node that is none of the run, or no node.
    Node,
    /// Rows about the same person that do not agree.
    Contradiction,
    /// Several people are to get the same email.
    EmailTwice,
    /// A team or role that the node does not have, or that cannot be told from another.
    Team,
}

impl ProblemKind {
    /// All of them, in the order of the reference.
    pub const ALL: [ProblemKind; ProblemKind::COUNT] = *Self::VARIANTS.first_chunk().unwrap();

    /// What programs know it by; never changed.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ProblemKind::NobodyNamed => "no-email-column",
            ProblemKind::AmbiguousHeading => "ambiguous-heading",
            ProblemKind::NoSuchHeading => "no-such-heading",
            ProblemKind::MappingsDisagree => "mappings-disagree",
            ProblemKind::Unreadable => "unreadable",
            ProblemKind::Encoding => "encoding",
            ProblemKind::TooManyCells => "too-many-cells",
            ProblemKind::TooFewCells => "too-few-cells",
            ProblemKind::NobodyInRow => "nobody",
            ProblemKind::Email => "email",
            ProblemKind::EmailCorrectable => "email-correctable",
            ProblemKind::Id => "id",
            ProblemKind::Action => "action",
            ProblemKind::OtherAction => "other-action",
            ProblemKind::Active => "active",
            ProblemKind::ControlCharacter => "control-character",
            ProblemKind::Misread => "misread",
            ProblemKind::TooLong => "too-long",
            ProblemKind::FormulaError => "formula-error",
            ProblemKind::CutNumber => "cut-number",
            ProblemKind::Date => "date",
            ProblemKind::NotCalculated => "not-calculated",
            ProblemKind::UnclearList => "unclear-list",
            ProblemKind::Clear => "clear",
            ProblemKind::NoTeam => "no-team",
            ProblemKind::JoinedAndLeft => "joined-and-left",
            ProblemKind::NotForAction => "not-for-action",
            ProblemKind::Protected => "protected",
            ProblemKind::Node => "node",
            ProblemKind::Contradiction => "contradiction",
            ProblemKind::EmailTwice => "email-twice",
            ProblemKind::Team => "team",
        }
    }

    /// Whether each value is to be seen once, however often it stands in the file: there are few, and each
    /// is corrected in its own way.
    #[must_use]
    pub fn is_about_words(self) -> bool {
        matches!(
            self,
            ProblemKind::Action
                | ProblemKind::OtherAction
                | ProblemKind::Active
                | ProblemKind::Node
                | ProblemKind::Team
        )
    }
}

impl fmt::Display for ProblemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_is_in_the_reference_and_none_is_there_twice() {
        let reference = include_str!("../../docs/reference.md");
        let mut codes = ProblemKind::ALL.map(ProblemKind::as_str).to_vec();
        for code in &codes {
            assert!(reference.contains(&format!("`{code}`")), "{code}");
        }
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), ProblemKind::ALL.len());
    }
}
