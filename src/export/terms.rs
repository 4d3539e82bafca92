//! What filters are made of: attributes, operators, and how they are put together.

use crate::wording::nearest;

/// What a filter is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// Users.
    Users,
    /// Teams and roles.
    Groups,
}

/// A part of a filter.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Term {
    And(Vec<Term>),
    Or(Vec<Term>),
    Not(Box<Term>),
    Present(Attribute),
    Active(Sameness, Option<bool>),
    /// Whether there is nothing (eq) or something (ne).
    Null(Attribute, Sameness),
    Compare(Attribute, Operator, String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sameness {
    Equal,
    Different,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attribute {
    Id,
    UserName,
    ExternalId,
    DisplayName,
    GivenName,
    FamilyName,
    Active,
    GroupId,
    GroupName,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Same(Sameness),
    Contains,
    StartsWith,
    EndsWith,
    Greater,
    GreaterOrSame,
    Less,
    LessOrSame,
}

impl Attribute {
    /// Their names; those of the protocol first, then those of columns.
    const OF_USERS: [(&'static str, Attribute); 17] = [
        ("id", Attribute::Id),
        ("userName", Attribute::UserName),
        ("externalId", Attribute::ExternalId),
        ("displayName", Attribute::DisplayName),
        ("name.givenName", Attribute::GivenName),
        ("name.familyName", Attribute::FamilyName),
        ("active", Attribute::Active),
        ("groups.value", Attribute::GroupId),
        ("groups.display", Attribute::GroupName),
        ("groups", Attribute::GroupId),
        // A Keeper account has one address: the one that it signs in with.
        ("emails", Attribute::UserName),
        ("emails.value", Attribute::UserName),
        ("email", Attribute::UserName),
        ("first_name", Attribute::GivenName),
        ("last_name", Attribute::FamilyName),
        ("display_name", Attribute::DisplayName),
        ("external_id", Attribute::ExternalId),
    ];

    const OF_GROUPS: [(&'static str, Attribute); 3] = [
        ("id", Attribute::Id),
        ("displayName", Attribute::DisplayName),
        ("name", Attribute::DisplayName),
    ];

    pub(super) fn named(name: &str, about: About) -> Result<Self, String> {
        let all: &[(&str, Attribute)] = match about {
            About::Users => &Attribute::OF_USERS,
            About::Groups => &Attribute::OF_GROUPS,
        };
        // urn:ietf:params:scim:schemas:core:2.0:User:userName
        let short = name.rsplit_once(':').map_or(name, |(_, short)| short);
        let found = all
            .iter()
            .find(|(each, _)| each.eq_ignore_ascii_case(short));
        found.map(|(_, attribute)| *attribute).ok_or_else(|| {
            let names = all.iter().map(|(each, _)| *each);
            match nearest(short, names.clone()) {
                Some(near) => format!("there is no attribute {name:?}; did you mean {near}?"),
                None => format!(
                    "there is no attribute {name:?}; there are {}",
                    names.collect::<Vec<_>>().join(", ")
                ),
            }
        })
    }

    /// Whether upper and lower case are different (RFC 7643, section 3.1).
    pub(super) fn is_exact(self) -> bool {
        matches!(
            self,
            Attribute::Id | Attribute::ExternalId | Attribute::GroupId
        )
    }
}

impl Operator {
    pub(super) const ALL: [(&'static str, Operator); 9] = [
        ("eq", Operator::Same(Sameness::Equal)),
        ("ne", Operator::Same(Sameness::Different)),
        ("co", Operator::Contains),
        ("sw", Operator::StartsWith),
        ("ew", Operator::EndsWith),
        ("gt", Operator::Greater),
        ("ge", Operator::GreaterOrSame),
        ("lt", Operator::Less),
        ("le", Operator::LessOrSame),
    ];
}
