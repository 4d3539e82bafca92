//! Users, groups and their links where they lie in the store, as filters and answers both look at them.

use super::attribute::{Attr, Kind, Sub, Top};
use super::filter::Filter;
use super::matching::{Resource, Scalar};
use super::resources::{Group, User};
use super::store::{Store, group_id, user_id};

/// A user in its place.
#[derive(Clone, Copy)]
pub(super) struct HeldUser<'a> {
    pub(super) store: &'a Store,
    pub(super) place: u32,
}

/// A group in its place.
#[derive(Clone, Copy)]
pub(super) struct HeldGroup<'a> {
    pub(super) store: &'a Store,
    pub(super) place: u32,
    pub(super) group: &'a Group,
}

/// An element of `members` or `groups`.
#[derive(Clone, Copy)]
pub(super) struct Link<'a> {
    pub(super) list: Top,
    pub(super) store: &'a Store,
    pub(super) kind: Kind,
    pub(super) id: u64,
    pub(super) display: &'a str,
}

/// The `meta` of a resource.
pub(super) struct Meta<'a> {
    pub(super) store: &'a Store,
    pub(super) kind: Kind,
    pub(super) place: u32,
    /// Milliseconds since 1970.
    pub(super) created: i64,
    /// Milliseconds since 1970.
    pub(super) modified: i64,
}

/// Whether the resource at `place` matches.
pub(super) fn matches(store: &Store, kind: Kind, place: u32, filter: &Filter) -> bool {
    match kind {
        Kind::User => filter.matches(&HeldUser { store, place }),
        Kind::Group => HeldGroup::at(store, place).is_some_and(|group| filter.matches(&group)),
    }
}

/// Where a resource is.
pub(super) fn location(store: &Store, kind: Kind, place: u32) -> String {
    let id = match kind {
        Kind::User => user_id(place),
        Kind::Group => group_id(place),
    };
    format!("{}/{}/{id}", store.base, kind.endpoint())
}

/// A user as an element of a group's `members`.
pub(super) fn user_link(store: &Store, place: u32) -> Link<'_> {
    let user = store.user(place);
    Link {
        list: Top::Members,
        store,
        kind: Kind::User,
        id: user_id(place),
        display: user.display_name.as_deref().unwrap_or(&user.user_name),
    }
}

/// A group as an element of a user's `groups`.
pub(super) fn group_link(store: &Store, place: u32) -> Link<'_> {
    Link {
        list: Top::Groups,
        store,
        kind: Kind::Group,
        id: group_id(place),
        display: store.group(place).map_or("", |group| &group.display_name),
    }
}

impl<'a> HeldUser<'a> {
    pub(super) fn user(&self) -> &'a User {
        self.store.user(self.place)
    }

    pub(super) fn meta(&self) -> Meta<'a> {
        Meta {
            store: self.store,
            kind: Kind::User,
            place: self.place,
            created: self.user().created,
            modified: self.user().modified,
        }
    }

    pub(super) fn links(&self) -> impl Iterator<Item = Link<'a>> + Clone {
        let (store, places) = (self.store, self.user().groups.iter());
        places.map(|place| group_link(store, *place))
    }
}

impl<'a> HeldGroup<'a> {
    /// The group at `place`, if there is one.
    pub(super) fn at(store: &'a Store, place: u32) -> Option<Self> {
        let group = store.group(place)?;
        Some(Self {
            store,
            place,
            group,
        })
    }

    pub(super) fn meta(&self) -> Meta<'a> {
        Meta {
            store: self.store,
            kind: Kind::Group,
            place: self.place,
            created: self.group.created,
            modified: self.group.modified,
        }
    }

    pub(super) fn links(&self) -> impl Iterator<Item = Link<'a>> + Clone {
        let (store, places) = (self.store, self.group.members.iter());
        places.map(|place| user_link(store, *place))
    }
}

impl Link<'_> {
    fn reference(&self) -> String {
        format!("{}/{}/{}", self.store.base, self.kind.endpoint(), self.id)
    }

    pub(super) fn label(&self) -> &'static str {
        match self.list {
            Top::Members => "User",
            _ => "direct",
        }
    }
}

impl Resource for Link<'_> {
    fn any(&self, attr: Attr, visit: &mut dyn FnMut(Scalar<'_>) -> bool) -> bool {
        match attr.sub {
            Some(Sub::Value) => visit(Scalar::Text(&self.id.to_string())),
            Some(Sub::Display) => visit(Scalar::Text(self.display)),
            Some(Sub::Ref) => visit(Scalar::Text(&self.reference())),
            Some(Sub::Type) => visit(Scalar::Text(self.label())),
            _ => false,
        }
    }
}

impl Resource for HeldUser<'_> {
    fn any(&self, attr: Attr, visit: &mut dyn FnMut(Scalar<'_>) -> bool) -> bool {
        let user = self.user();
        let text = match (attr.top, attr.sub) {
            (Top::Active, _) => return visit(Scalar::Bool(user.active)),
            (Top::Id, _) => return visit(Scalar::Text(&user_id(self.place).to_string())),
            (Top::Schemas, _) => Some(Kind::User.schema()),
            (Top::UserName, _) => Some(&*user.user_name),
            (Top::DisplayName, _) => user.display_name.as_deref(),
            (Top::ExternalId, _) => user.external_id.as_deref(),
            (Top::Name, Some(Sub::GivenName)) => user.given_name.as_deref(),
            (Top::Name, Some(Sub::FamilyName)) => user.family_name.as_deref(),
            (Top::Name, Some(Sub::Formatted)) => user.formatted.as_deref(),
            (Top::Emails, _) => return user.emails.iter().any(|email| email.any(attr, visit)),
            (Top::Groups, _) => return self.links().any(|link| link.any(attr, visit)),
            (Top::Meta, _) => return self.meta().any(attr, visit),
            _ => None,
        };
        text.is_some_and(|text| visit(Scalar::Text(text)))
    }

    fn any_element(&self, list: Top, visit: &mut dyn FnMut(&dyn Resource) -> bool) -> bool {
        match list {
            Top::Emails => self.user().emails.iter().any(|email| visit(email)),
            Top::Groups => self.links().any(|link| visit(&link)),
            _ => false,
        }
    }

    fn holds(&self, attr: Attr, text: &str) -> Option<bool> {
        if attr != Attr::part(Top::Groups, Sub::Value) {
            return None;
        }
        let place = self.store.group_place(text);
        Some(place.is_some_and(|place| self.user().groups.binary_search(&place).is_ok()))
    }
}

impl Resource for HeldGroup<'_> {
    fn any(&self, attr: Attr, visit: &mut dyn FnMut(Scalar<'_>) -> bool) -> bool {
        let text = match attr.top {
            Top::Id => return visit(Scalar::Text(&group_id(self.place).to_string())),
            Top::Schemas => Some(Kind::Group.schema()),
            Top::DisplayName => Some(&*self.group.display_name),
            Top::ExternalId => self.group.external_id.as_deref(),
            Top::Members => return self.links().any(|link| link.any(attr, visit)),
            Top::Meta => return self.meta().any(attr, visit),
            _ => None,
        };
        text.is_some_and(|text| visit(Scalar::Text(text)))
    }

    fn any_element(&self, list: Top, visit: &mut dyn FnMut(&dyn Resource) -> bool) -> bool {
        list == Top::Members && self.links().any(|link| visit(&link))
    }

    fn holds(&self, attr: Attr, text: &str) -> Option<bool> {
        if attr != Attr::part(Top::Members, Sub::Value) {
            return None;
        }
        let place = self.store.user_place(text);
        Some(place.is_some_and(|place| self.group.members.contains(&place)))
    }
}

impl Resource for Meta<'_> {
    fn any(&self, attr: Attr, visit: &mut dyn FnMut(Scalar<'_>) -> bool) -> bool {
        match attr.sub {
            Some(Sub::Created) => visit(Scalar::Time(self.created)),
            Some(Sub::LastModified) => visit(Scalar::Time(self.modified)),
            Some(Sub::ResourceType) => visit(Scalar::Text(self.kind.name())),
            Some(Sub::Location) => {
                visit(Scalar::Text(&location(self.store, self.kind, self.place)))
            }
            _ => false,
        }
    }
}
