//! Columns that mean something, and what HR systems call them.

use std::str::FromStr;

use crate::sheet::trim;

/// A column that means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
    /// All of them, with their names and what HR systems call them, as [`plain`] writes it.
    const ALL: [(Column, &'static str, &'static [&'static str]); 14] = [
        (Column::Action, "action", &["operation", "changetype"]),
        (
            Column::Email,
            "email",
            &[
                "mail",
                "emailaddress",
                "mailaddress",
                "workemail",
                "businessemail",
                "companyemail",
                "primaryemail",
                "workemailaddress",
                "primaryworkemail",
                "primaryemailaddress",
                "username",
                "userprincipalname",
                "upn",
                "login",
                "loginname",
                "emailwork",
                "emailprimarywork",
            ],
        ),
        (Column::Id, "id", &["scimid", "keeperid", "keeperuserid"]),
        (
            Column::FirstName,
            "first_name",
            &[
                "givenname",
                "forename",
                "legalfirstname",
                "firstnames",
                "namegivenname",
            ],
        ),
        (
            Column::LastName,
            "last_name",
            &[
                "surname",
                "familyname",
                "legallastname",
                "lastnames",
                "namefamilyname",
            ],
        ),
        (
            Column::DisplayName,
            "display_name",
            &["fullname", "preferredname", "name", "employeename"],
        ),
        (
            Column::ExternalId,
            "external_id",
            &[
                "employeeid",
                "employeenumber",
                "employeeno",
                "personnelnumber",
                "personnelno",
                "staffid",
                "staffnumber",
                "workerid",
                "personid",
                "personnumber",
            ],
        ),
        (
            Column::Active,
            "active",
            &["isactive", "enabled", "accountenabled"],
        ),
        (
            Column::Teams,
            "teams",
            &["team", "groups", "group", "addteams"],
        ),
        (
            Column::RemoveTeams,
            "remove_teams",
            &["removeteam", "removegroups"],
        ),
        (Column::Roles, "roles", &["role", "addroles"]),
        (Column::RemoveRoles, "remove_roles", &["removerole"]),
        (
            Column::NewEmail,
            "new_email",
            &["newmail", "newemailaddress", "newusername"],
        ),
        (
            Column::Node,
            "node",
            &["nodeid", "keepernode", "keepernodeid", "headcountprofile"],
        ),
    ];

    fn names() -> Vec<&'static str> {
        Column::ALL.iter().map(|(_, name, _)| *name).collect()
    }

    /// Its name in the reference.
    #[must_use]
    pub fn name(self) -> &'static str {
        Column::ALL
            .iter()
            .find(|(column, ..)| *column == self)
            .map_or("", |(_, name, _)| name)
    }
}

impl FromStr for Column {
    type Err = ColumnError;

    fn from_str(name: &str) -> Result<Self, ColumnError> {
        let wanted = plain(name);
        let found = Column::ALL
            .iter()
            .find(|(_, name, _)| plain(name) == wanted);
        found
            .map(|(column, ..)| *column)
            .ok_or_else(|| ColumnError(name.to_owned()))
    }
}

/// A name without what people write differently: case, blanks, `_`, `-` and `.`.
pub(super) fn plain(name: &str) -> String {
    trim(name)
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '_' | '-' | '.'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// How sure it is that a heading stands for a column; the smaller, the surer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Claim {
    /// The user says so.
    Mapped,
    /// It has the column's name.
    Named,
    /// HR systems call it so.
    Alias,
}

/// The column that a heading stands for, as [`plain`] writes the heading.
pub(super) fn meaning(name: &str) -> Option<(Column, Claim)> {
    let named = Column::ALL
        .iter()
        .find(|(_, each, _)| plain(each) == name)
        .map(|(column, ..)| (*column, Claim::Named));
    named.or_else(|| {
        let alias = Column::ALL
            .iter()
            .find(|(_, _, aliases)| aliases.contains(&name));
        alias.map(|(column, ..)| (*column, Claim::Alias))
    })
}
