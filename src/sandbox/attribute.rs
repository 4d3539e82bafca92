//! The attributes that the node holds, and how their names are read (RFC 7643, sections 3 and 4).
//!
//! Filters, PATCH paths, documents and `attributes=` all name attributes; all of them come here, so that a name means
//! the same everywhere: without regard to case, with or without the schema's URN in front, with a dot before the
//! sub-attribute.

use std::fmt;

/// The kind of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    User,
    Group,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::User => "User",
            Kind::Group => "Group",
        }
    }

    pub(super) fn endpoint(self) -> &'static str {
        match self {
            Kind::User => "Users",
            Kind::Group => "Groups",
        }
    }

    pub(super) fn schema(self) -> &'static str {
        match self {
            Kind::User => "urn:ietf:params:scim:schemas:core:2.0:User",
            Kind::Group => "urn:ietf:params:scim:schemas:core:2.0:Group",
        }
    }
}

/// An attribute of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Top {
    Schemas,
    Id,
    ExternalId,
    Meta,
    UserName,
    DisplayName,
    Name,
    Emails,
    Active,
    Groups,
    Roles,
    Members,
}

/// A sub-attribute of a complex attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sub {
    ResourceType,
    Created,
    LastModified,
    Location,
    Formatted,
    GivenName,
    FamilyName,
    Value,
    Display,
    Ref,
    Type,
    Primary,
}

/// What the values of an attribute are, as far as comparing goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    /// Text; `exact` is `caseExact` of RFC 7643, section 2.2.
    Text {
        exact: bool,
    },
    Bool,
    Time,
    /// Has no value of its own, only sub-attributes.
    Complex,
}

impl Top {
    fn of(kind: Kind) -> &'static [Top] {
        match kind {
            Kind::User => &[
                Top::Schemas,
                Top::Id,
                Top::ExternalId,
                Top::Meta,
                Top::UserName,
                Top::DisplayName,
                Top::Name,
                Top::Emails,
                Top::Active,
                Top::Groups,
                Top::Roles,
            ],
            Kind::Group => &[
                Top::Schemas,
                Top::Id,
                Top::ExternalId,
                Top::Meta,
                Top::DisplayName,
                Top::Members,
            ],
        }
    }

    fn name(self) -> &'static str {
        match self {
            Top::Schemas => "schemas",
            Top::Id => "id",
            Top::ExternalId => "externalId",
            Top::Meta => "meta",
            Top::UserName => "userName",
            Top::DisplayName => "displayName",
            Top::Name => "name",
            Top::Emails => "emails",
            Top::Active => "active",
            Top::Groups => "groups",
            Top::Roles => "roles",
            Top::Members => "members",
        }
    }

    pub(super) fn subs(self) -> &'static [Sub] {
        match self {
            Top::Meta => &[
                Sub::ResourceType,
                Sub::Created,
                Sub::LastModified,
                Sub::Location,
            ],
            Top::Name => &[Sub::Formatted, Sub::GivenName, Sub::FamilyName],
            Top::Emails | Top::Roles => &[Sub::Value, Sub::Display, Sub::Type, Sub::Primary],
            Top::Groups | Top::Members => &[Sub::Value, Sub::Display, Sub::Ref, Sub::Type],
            _ => &[],
        }
    }

    /// Whether the attribute is a list of complex values.
    pub(super) fn is_list(self) -> bool {
        matches!(self, Top::Emails | Top::Roles | Top::Groups | Top::Members)
    }

    /// Reads the name of a sub-attribute of this attribute.
    pub(super) fn sub(self, name: &str) -> Option<Sub> {
        let known = self.subs().iter().copied();
        known
            .into_iter()
            .find(|sub| sub.name().eq_ignore_ascii_case(name))
    }
}

impl Sub {
    pub(super) fn name(self) -> &'static str {
        match self {
            Sub::ResourceType => "resourceType",
            Sub::Created => "created",
            Sub::LastModified => "lastModified",
            Sub::Location => "location",
            Sub::Formatted => "formatted",
            Sub::GivenName => "givenName",
            Sub::FamilyName => "familyName",
            Sub::Value => "value",
            Sub::Display => "display",
            Sub::Ref => "$ref",
            Sub::Type => "type",
            Sub::Primary => "primary",
        }
    }
}

/// An attribute or one of its sub-attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attr {
    pub(super) top: Top,
    pub(super) sub: Option<Sub>,
}

impl Attr {
    pub(super) fn whole(top: Top) -> Self {
        Self { top, sub: None }
    }

    pub(super) fn part(top: Top, sub: Sub) -> Self {
        Self {
            top,
            sub: Some(sub),
        }
    }

    /// Reads the name of an attribute of `kind`; `None` if the node has no such attribute.
    pub(super) fn read(kind: Kind, name: &str) -> Option<Self> {
        let name = without_urn(kind, name);
        let (top, sub) = match name.split_once('.') {
            Some((top, sub)) => (top, Some(sub)),
            None => (name, None),
        };
        let top = Top::of(kind)
            .iter()
            .copied()
            .find(|known| known.name().eq_ignore_ascii_case(top))?;
        match sub {
            None => Some(Self::whole(top)),
            Some(sub) => Some(Self::part(top, top.sub(sub)?)),
        }
    }

    /// The attribute that a comparison without sub-attribute means: the `value` of a list (RFC 7644, section 3.4.2.2).
    pub(super) fn compared(self) -> Self {
        match self.sub {
            None if self.top.is_list() => Self::part(self.top, Sub::Value),
            _ => self,
        }
    }

    pub(super) fn data_type(self) -> Type {
        match (self.top, self.sub) {
            (Top::Active, _) | (_, Some(Sub::Primary)) => Type::Bool,
            (_, Some(Sub::Created | Sub::LastModified)) => Type::Time,
            (
                Top::Name | Top::Meta | Top::Emails | Top::Roles | Top::Groups | Top::Members,
                None,
            ) => Type::Complex,
            (Top::Schemas | Top::Id | Top::ExternalId | Top::Meta, _)
            | (_, Some(Sub::Ref))
            | (Top::Groups | Top::Members, Some(Sub::Value)) => Type::Text { exact: true },
            _ => Type::Text { exact: false },
        }
    }
}

impl fmt::Display for Attr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.top.name())?;
        match self.sub {
            Some(sub) => write!(f, ".{}", sub.name()),
            None => Ok(()),
        }
    }
}

fn without_urn(kind: Kind, name: &str) -> &str {
    let urn = kind.schema();
    match name.split_at_checked(urn.len()) {
        Some((front, rest)) if front.eq_ignore_ascii_case(urn) => {
            rest.strip_prefix(':').unwrap_or(name)
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_without_regard_to_case_and_with_or_without_urn() {
        for (name, shown) in [
            ("userName", "userName"),
            ("USERNAME", "userName"),
            ("name.givenname", "name.givenName"),
            (
                "urn:ietf:params:scim:schemas:core:2.0:User:active",
                "active",
            ),
            (
                "URN:ietf:params:scim:schemas:core:2.0:user:Name.FamilyName",
                "name.familyName",
            ),
            ("groups.$ref", "groups.$ref"),
        ] {
            let attr = Attr::read(Kind::User, name).expect(name);
            assert_eq!(attr.to_string(), shown);
        }
    }

    #[test]
    fn unknown_names_are_not_guessed() {
        for name in [
            "",
            "user",
            "name.",
            "name.nick",
            "members",
            "userName.value",
            "name.givenName.x",
            "urn:ietf:params:scim:schemas:core:2.0:User",
            "urn:ietf:params:scim:schemas:core:2.0:Group:displayName",
            "ürn:ietf:params:scim:schemas:core:2.0:User:active",
        ] {
            assert_eq!(Attr::read(Kind::User, name), None, "{name}");
        }
    }
}
