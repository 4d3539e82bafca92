//! Kinds of problems: what programs tell them apart by, and what puts like ones together.

use std::fmt;

use strum::{EnumCount, VariantArray};

/// Of what kind a problem is. Its code is part of what `headcount check --format json` promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, EnumCount, VariantArray)]
pub enum Code {
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

impl Code {
    /// All of them, in the order of the reference.
    pub const ALL: [Code; Code::COUNT] = *Self::VARIANTS.first_chunk().unwrap();

    /// What programs know it by; never changed.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Code::NobodyNamed => "no-email-column",
            Code::AmbiguousHeading => "ambiguous-heading",
            Code::NoSuchHeading => "no-such-heading",
            Code::MappingsDisagree => "mappings-disagree",
            Code::Unreadable => "unreadable",
            Code::Encoding => "encoding",
            Code::TooManyCells => "too-many-cells",
            Code::TooFewCells => "too-few-cells",
            Code::NobodyInRow => "nobody",
            Code::Email => "email",
            Code::EmailCorrectable => "email-correctable",
            Code::Id => "id",
            Code::Action => "action",
            Code::OtherAction => "other-action",
            Code::Active => "active",
            Code::ControlCharacter => "control-character",
            Code::Misread => "misread",
            Code::TooLong => "too-long",
            Code::FormulaError => "formula-error",
            Code::CutNumber => "cut-number",
            Code::Date => "date",
            Code::NotCalculated => "not-calculated",
            Code::UnclearList => "unclear-list",
            Code::Clear => "clear",
            Code::NoTeam => "no-team",
            Code::JoinedAndLeft => "joined-and-left",
            Code::NotForAction => "not-for-action",
            Code::Protected => "protected",
            Code::Node => "node",
            Code::Contradiction => "contradiction",
            Code::EmailTwice => "email-twice",
            Code::Team => "team",
        }
    }

    /// Whether each value is to be seen once, however often it stands in the file: there are few, and each
    /// is corrected in its own way.
    #[must_use]
    pub fn is_about_words(self) -> bool {
        matches!(
            self,
            Code::Action | Code::OtherAction | Code::Active | Code::Node | Code::Team
        )
    }
}

impl fmt::Display for Code {
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
        let mut codes = Code::ALL.map(Code::as_str).to_vec();
        for code in &codes {
            assert!(reference.contains(&format!("`{code}`")), "{code}");
        }
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Code::ALL.len());
    }
}
