//! Users and groups as JSON, and as filters see them.
//!
//! Both are read straight from the store, without a tree of JSON values between: a page of a thousand users is one
//! pass over a thousand users.

use std::fmt::Display;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::attribute::{Attr, Kind, Sub, Top};
use super::email::Email;
use super::filter::Filter;
use super::groups::Group;
use super::matching::{Resource, Scalar};
use super::projection::Projection;
use super::store::{Store, group_id, user_id};
use super::users::User;

/// Appends the resource at `place` to `out` as JSON.
pub(super) fn write(
    out: &mut Vec<u8>,
    store: &Store,
    kind: Kind,
    place: u32,
    show: &Projection,
) -> serde_json::Result<()> {
    match kind {
        Kind::User => serde_json::to_writer(out, &UserView { store, place, show }),
        Kind::Group => match store.group(place) {
            Some(group) => {
                let view = GroupView {
                    store,
                    place,
                    group,
                    show,
                };
                serde_json::to_writer(out, &view)
            }
            None => Ok(()),
        },
    }
}

/// Whether the resource at `place` matches.
pub(super) fn matches(store: &Store, kind: Kind, place: u32, filter: &Filter) -> bool {
    let show = &Projection::All;
    match kind {
        Kind::User => filter.matches(&UserView { store, place, show }),
        Kind::Group => store.group(place).is_some_and(|group| {
            filter.matches(&GroupView {
                store,
                place,
                group,
                show,
            })
        }),
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

/// An element of `members` or `groups`.
#[derive(Clone, Copy)]
pub(super) struct Link<'a> {
    list: Top,
    store: &'a Store,
    kind: Kind,
    id: u64,
    display: &'a str,
}

impl Link<'_> {
    fn reference(&self) -> String {
        format!("{}/{}/{}", self.store.base, self.kind.endpoint(), self.id)
    }

    fn label(&self) -> &'static str {
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

struct UserView<'a> {
    store: &'a Store,
    place: u32,
    show: &'a Projection,
}

struct GroupView<'a> {
    store: &'a Store,
    place: u32,
    group: &'a Group,
    show: &'a Projection,
}

impl UserView<'_> {
    fn user(&self) -> &User {
        self.store.user(self.place)
    }

    fn meta(&self) -> Meta<'_> {
        Meta {
            store: self.store,
            kind: Kind::User,
            place: self.place,
            created: self.user().created,
            modified: self.user().modified,
            show: self.show,
        }
    }

    fn links(&self) -> impl Iterator<Item = Link<'_>> + Clone {
        let places = self.user().groups.iter();
        places.map(|place| group_link(self.store, *place))
    }
}

impl GroupView<'_> {
    fn meta(&self) -> Meta<'_> {
        Meta {
            store: self.store,
            kind: Kind::Group,
            place: self.place,
            created: self.group.created,
            modified: self.group.modified,
            show: self.show,
        }
    }

    fn links(&self) -> impl Iterator<Item = Link<'_>> + Clone {
        let places = self.group.members.iter();
        places.map(|place| user_link(self.store, *place))
    }
}

impl Resource for UserView<'_> {
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

impl Resource for GroupView<'_> {
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

impl Serialize for UserView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let user = self.user();
        let show = self.show;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("schemas", &[Kind::User.schema()])?;
        map.serialize_entry("id", &Shown(user_id(self.place)))?;
        let texts = [
            ("externalId", Top::ExternalId, user.external_id.as_deref()),
            ("userName", Top::UserName, Some(&*user.user_name)),
            (
                "displayName",
                Top::DisplayName,
                user.display_name.as_deref(),
            ),
        ];
        for (key, top, text) in texts {
            put(&mut map, key, text.filter(|_| show.shows(top)))?;
        }
        let name = Name { user, show };
        put(&mut map, "name", name.shown().then_some(name))?;
        if show.shows(Top::Emails) && !user.emails.is_empty() {
            let emails = user.emails.iter().map(|email| EmailView { email, show });
            map.serialize_entry("emails", &List(emails))?;
        }
        put(
            &mut map,
            "active",
            show.shows(Top::Active).then_some(user.active),
        )?;
        if show.shows(Top::Groups) {
            let links = self.links().map(|link| LinkView { link, show });
            map.serialize_entry("groups", &List(links))?;
        }
        put(
            &mut map,
            "meta",
            show.shows(Top::Meta).then_some(self.meta()),
        )?;
        map.end()
    }
}

impl Serialize for GroupView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let show = self.show;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("schemas", &[Kind::Group.schema()])?;
        map.serialize_entry("id", &Shown(group_id(self.place)))?;
        let external_id = self.group.external_id.as_deref();
        put(
            &mut map,
            "externalId",
            external_id.filter(|_| show.shows(Top::ExternalId)),
        )?;
        let name = &self.group.display_name;
        put(
            &mut map,
            "displayName",
            show.shows(Top::DisplayName).then_some(name),
        )?;
        if show.shows(Top::Members) {
            let links = self.links().map(|link| LinkView { link, show });
            map.serialize_entry("members", &List(links))?;
        }
        put(
            &mut map,
            "meta",
            show.shows(Top::Meta).then_some(self.meta()),
        )?;
        map.end()
    }
}

struct Name<'a> {
    user: &'a User,
    show: &'a Projection,
}

impl Name<'_> {
    fn parts(&self) -> impl Iterator<Item = (Sub, &str)> {
        let parts = [
            (Sub::Formatted, self.user.formatted.as_deref()),
            (Sub::FamilyName, self.user.family_name.as_deref()),
            (Sub::GivenName, self.user.given_name.as_deref()),
        ];
        let held = parts
            .into_iter()
            .filter_map(|(sub, text)| Some((sub, text?)));
        held.filter(|(sub, _)| self.show.shows_part(Top::Name, *sub))
    }

    fn shown(&self) -> bool {
        self.show.shows(Top::Name) && self.parts().next().is_some()
    }
}

impl Serialize for Name<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.parts().map(|(sub, text)| (sub.name(), text)))
    }
}

struct EmailView<'a> {
    email: &'a Email,
    show: &'a Projection,
}

impl Serialize for EmailView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let part = |sub| self.show.shows_part(Top::Emails, sub);
        let mut map = serializer.serialize_map(None)?;
        put(
            &mut map,
            "value",
            part(Sub::Value).then_some(&self.email.value),
        )?;
        let display = self.email.display.as_ref();
        put(&mut map, "display", display.filter(|_| part(Sub::Display)))?;
        let label = self.email.label.as_ref();
        put(&mut map, "type", label.filter(|_| part(Sub::Type)))?;
        put(
            &mut map,
            "primary",
            self.email.primary.filter(|_| part(Sub::Primary)),
        )?;
        map.end()
    }
}

struct LinkView<'a> {
    link: Link<'a>,
    show: &'a Projection,
}

impl Serialize for LinkView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let link = &self.link;
        let part = |sub| self.show.shows_part(link.list, sub);
        let mut map = serializer.serialize_map(None)?;
        put(
            &mut map,
            "value",
            part(Sub::Value).then_some(Shown(link.id)),
        )?;
        put(
            &mut map,
            "display",
            part(Sub::Display).then_some(link.display),
        )?;
        put(&mut map, "type", part(Sub::Type).then(|| link.label()))?;
        let address = format_args!("{}/{}/{}", link.store.base, link.kind.endpoint(), link.id);
        put(&mut map, "$ref", part(Sub::Ref).then_some(Shown(address)))?;
        map.end()
    }
}

struct Meta<'a> {
    store: &'a Store,
    kind: Kind,
    place: u32,
    created: i64,
    modified: i64,
    show: &'a Projection,
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

impl Serialize for Meta<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let part = |sub| self.show.shows_part(Top::Meta, sub);
        let mut map = serializer.serialize_map(None)?;
        let kind = part(Sub::ResourceType).then(|| self.kind.name());
        put(&mut map, "resourceType", kind)?;
        put(
            &mut map,
            "created",
            part(Sub::Created).then(|| time(self.created)),
        )?;
        let modified = part(Sub::LastModified).then(|| time(self.modified));
        put(&mut map, "lastModified", modified)?;
        let location = part(Sub::Location).then(|| location(self.store, self.kind, self.place));
        put(&mut map, "location", location)?;
        map.end()
    }
}

/// A time as RFC 7643, section 2.3.5, wants it.
fn time(milliseconds: i64) -> Shown<jiff::Timestamp> {
    Shown(jiff::Timestamp::from_millisecond(milliseconds).unwrap_or_default())
}

/// Something shown as a JSON string.
struct Shown<T>(T);

impl<T: Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A JSON array of what an iterator gives.
struct List<I>(I);

impl<I: Iterator<Item: Serialize> + Clone> Serialize for List<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.clone())
    }
}

fn put<M: SerializeMap>(
    map: &mut M,
    key: &'static str,
    value: Option<impl Serialize>,
) -> Result<(), M::Error> {
    match value {
        Some(value) => map.serialize_entry(key, &value),
        None => Ok(()),
    }
}
