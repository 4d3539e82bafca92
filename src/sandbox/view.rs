//! Users and groups as JSON.
//!
//! They are written straight from the store, without a tree of JSON values between: a page of a thousand users is one
//! pass over a thousand users.

use std::fmt::Display;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::attribute::{Kind, Sub, Top};
use super::email::Email;
use super::held::{self, HeldGroup, HeldUser, Link, Meta};
use super::projection::Projection;
use super::resources::User;
use super::store::{Store, group_id, user_id};

/// Appends the resource at `place` to `out` as JSON.
pub(super) fn write(
    out: &mut Vec<u8>,
    store: &Store,
    kind: Kind,
    place: u32,
    show: &Projection,
) -> serde_json::Result<()> {
    match kind {
        Kind::User => {
            let held = HeldUser { store, place };
            serde_json::to_writer(out, &UserView { held, show })
        }
        Kind::Group => match HeldGroup::at(store, place) {
            Some(held) => serde_json::to_writer(out, &GroupView { held, show }),
            None => Ok(()),
        },
    }
}

struct UserView<'a> {
    held: HeldUser<'a>,
    show: &'a Projection,
}

struct GroupView<'a> {
    held: HeldGroup<'a>,
    show: &'a Projection,
}

impl Serialize for UserView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let user = self.held.user();
        let show = self.show;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("schemas", &[Kind::User.schema()])?;
        map.serialize_entry("id", &Shown(user_id(self.held.place)))?;
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
            let links = self.held.links().map(|link| LinkView { link, show });
            map.serialize_entry("groups", &List(links))?;
        }
        let meta = show.shows(Top::Meta).then(|| self.held.meta());
        put(&mut map, "meta", meta.map(|meta| MetaView { meta, show }))?;
        map.end()
    }
}

impl Serialize for GroupView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let show = self.show;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("schemas", &[Kind::Group.schema()])?;
        map.serialize_entry("id", &Shown(group_id(self.held.place)))?;
        let external_id = self.held.group.external_id.as_deref();
        put(
            &mut map,
            "externalId",
            external_id.filter(|_| show.shows(Top::ExternalId)),
        )?;
        let name = &self.held.group.display_name;
        put(
            &mut map,
            "displayName",
            show.shows(Top::DisplayName).then_some(name),
        )?;
        if show.shows(Top::Members) {
            let links = self.held.links().map(|link| LinkView { link, show });
            map.serialize_entry("members", &List(links))?;
        }
        let meta = show.shows(Top::Meta).then(|| self.held.meta());
        put(&mut map, "meta", meta.map(|meta| MetaView { meta, show }))?;
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

struct MetaView<'a> {
    meta: Meta<'a>,
    show: &'a Projection,
}

impl Serialize for MetaView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let part = |sub| self.show.shows_part(Top::Meta, sub);
        let meta = &self.meta;
        let mut map = serializer.serialize_map(None)?;
        let kind = part(Sub::ResourceType).then(|| meta.kind.name());
        put(&mut map, "resourceType", kind)?;
        let created = part(Sub::Created).then(|| time(meta.created));
        put(&mut map, "created", created)?;
        let modified = part(Sub::LastModified).then(|| time(meta.modified));
        put(&mut map, "lastModified", modified)?;
        let location =
            part(Sub::Location).then(|| held::location(meta.store, meta.kind, meta.place));
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
