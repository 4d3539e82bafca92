//! Columns that mean something.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use strum::{EnumCount, IntoStaticStr, VariantArray};

use crate::attribute::Attribute;
use crate::sheet::trim;

/// A column that means something.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumCount,
    IntoStaticStr,
    VariantArray,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Column {
    /// What the row asks for.
    Action,
    /// The email, which is the `userName`.
    Email,
    /// The node's id.
    Id,
    /// First name.
    FirstName,
    /// Last name.
    LastName,
    /// The name shown to others.
    DisplayName,
    /// The id that the company knows the person by.
    ExternalId,
    /// Whether the account may be used.
    Active,
    /// Teams to be in.
    Teams,
    /// Teams not to be in.
    RemoveTeams,
    /// Roles to be in.
    Roles,
    /// Roles not to be in.
    RemoveRoles,
    /// The email that the person is to get.
    NewEmail,
    /// The node that the row is for: a profile's name, or the node's id.
    Node,
}

/// A name that is none of a column's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a column; there are {names}", names = Column::names().join(", "))]
pub struct ColumnError(String);

impl Column {
    /// All of them.
    pub const ALL: [Column; Column::COUNT] = *Self::VARIANTS.first_chunk().unwrap();

    fn names() -> [&'static str; Column::COUNT] {
        Column::ALL.map(Column::name)
    }

    /// Its name in the reference.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl From<Attribute> for Column {
    fn from(attribute: Attribute) -> Self {
        let mut all = Column::ALL.into_iter();
        all.find(|column| column.name() == attribute.column())
            .expect("each attribute has a column")
    }
}

impl FromStr for Column {
    type Err = ColumnError;

    fn from_str(name: &str) -> Result<Self, ColumnError> {
        let wanted = plain(name);
        Column::ALL
            .into_iter()
            .find(|column| plain(column.name()) == wanted)
            .ok_or_else(|| ColumnError(name.to_owned()))
    }
}

/// The columns that the results of a run add behind those of the input.
pub const RESULT_COLUMNS: [&str; 9] = [
    "result_row",
    "result_action",
    "result_outcome",
    "result_status",
    "result_user_id",
    "result_attempts",
    "result_error",
    "result_finished_at",
    "result_run",
];

/// A name without what people write differently: case, blanks, `_`, `-` and `.`.
pub(super) fn plain(name: &str) -> String {
    trim(name)
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '_' | '-' | '.'))
        .flat_map(char::to_lowercase)
        .collect()
}
