//! What filters are made of: attributes, operators, and how they are put together.

use std::iter;

use crate::attribute::Attribute;
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
    Present(Target),
    Active(Sameness, Option<bool>),
    /// Whether there is nothing (eq) or something (ne).
    Null(Target, Sameness),
    Compare(Target, Operator, String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sameness {
    Equal,
    Different,
}

/// What of a user or group is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Id,
    Text(Attribute),
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

impl Target {
    /// Their names; those of the protocol first, then those of columns.
    fn of_users() -> Vec<(&'static str, Target)> {
        let names = |name: fn(Attribute) -> &'static str| {
            Attribute::all().map(move |attribute| (name(attribute), Target::Text(attribute)))
        };
        let others = [
            ("active", Target::Active),
            ("groups.value", Target::GroupId),
            ("groups.display", Target::GroupName),
            ("groups", Target::GroupId),
            // A Keeper account has one address: the one that it signs in with.
            ("emails", Target::Text(Attribute::UserName)),
            ("emails.value", Target::Text(Attribute::UserName)),
        ];
        let of_protocol = iter::once(("id", Target::Id)).chain(names(Attribute::path));
        let all = of_protocol.chain(others).chain(names(Attribute::column));
        all.collect()
    }

    fn of_groups() -> Vec<(&'static str, Target)> {
        let name = Target::Text(Attribute::DisplayName);
        vec![("id", Target::Id), ("displayName", name), ("name", name)]
    }

    pub(super) fn named(name: &str, about: About) -> Result<Self, String> {
        let all = match about {
            About::Users => Self::of_users(),
            About::Groups => Self::of_groups(),
        };
        // urn:ietf:params:scim:schemas:core:2.0:User:userName
        let short = name.rsplit_once(':').map_or(name, |(_, short)| short);
        let found = all
            .iter()
            .find(|(each, _)| each.eq_ignore_ascii_case(short));
        found.map(|(_, target)| *target).ok_or_else(|| {
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
    pub(super) fn is_case_exact(self) -> bool {
        match self {
            Target::Id | Target::GroupId => true,
            Target::Text(attribute) => attribute.is_case_exact(),
            Target::Active | Target::GroupName => false,
        }
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
