//! Users and groups (RFC 7643, sections 4.1 and 4.2).

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde::de::{IgnoredAny, MapAccess, SeqAccess};
use serde_json::Value;

use super::loose::{self, Flag, Loose, Many, Text, each};
use crate::attribute::{Attribute, Texts};

/// Something with an id that a node lists.
pub trait Resource: Sized + Send + 'static {
    /// Its endpoint below the base address.
    const ENDPOINT: &'static str;

    /// Reads one from the members of a JSON object.
    ///
    /// # Errors
    /// When the object ends before its end.
    fn read<'de, A: MapAccess<'de>>(members: A) -> Result<Shown<Self>, A::Error>;

    /// The node's id for it.
    fn id(&self) -> &str;
}

/// What a JSON object shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown<R> {
    /// The resource; none when it has no id.
    pub resource: Option<R>,
    /// Whether it is the protocol's error message (RFC 7644, section 3.12), or no resource and tells of an error.
    pub is_error: bool,
}

impl<R: Resource> Loose for Option<Shown<R>> {
    fn of_members<'de, A: MapAccess<'de>>(members: A) -> Result<Self, A::Error> {
        R::read(members).map(Some)
    }
}

/// The resource that a JSON value shows.
pub(super) fn resource<R: Resource>(value: &Value) -> Option<R> {
    loose::of::<Option<Shown<R>>, _>(value)??.resource
}

/// Whether there is an error, where a member is called so: some servers say it with a status of success.
#[derive(Default)]
struct TellsError(bool);

impl Loose for TellsError {
    fn of_text(text: Cow<'_, str>) -> Self {
        TellsError(!text.is_empty())
    }

    fn of_flag(flag: bool) -> Self {
        TellsError(flag)
    }

    fn of_members<'de, A: MapAccess<'de>>(members: A) -> Result<Self, A::Error> {
        each(members, &[], |_| Ok(()))?;
        Ok(TellsError(true))
    }

    fn of_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        let mut any = false;
        while list.next_element::<IgnoredAny>()?.is_some() {
            any = true;
        }
        Ok(TellsError(any))
    }
}

/// Whether one of the `schemas` is that of an error message.
#[derive(Default)]
struct SaysError(bool);

impl Loose for SaysError {
    fn of_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        let mut any = false;
        while let Some(IsError(is_error)) = loose::next(&mut list)? {
            any |= is_error;
        }
        Ok(SaysError(any))
    }
}

/// Whether a schema is that of an error message.
#[derive(Default)]
struct IsError(bool);

impl Loose for IsError {
    fn of_text(schema: Cow<'_, str>) -> Self {
        IsError(schema == "urn:ietf:params:scim:api:messages:2.0:Error")
    }
}

/// A user as a node shows it. An empty string counts as absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    /// The id, opaque.
    pub id: String,
    /// The email, names and external id.
    pub texts: Texts,
    /// False when locked; absent when the node does not say.
    pub active: Option<bool>,
    /// The groups the user is in; absent when the node does not say.
    pub groups: Option<Vec<Reference>>,
    /// When the node made the user (`meta.created`).
    pub created: Option<Timestamp>,
}

impl User {
    /// The email address that the user signs in with.
    #[must_use]
    pub fn user_name(&self) -> Option<&str> {
        self.texts.get(Attribute::UserName)
    }
}

/// A group as a node shows it: a team, or a role when its name has the role prefix.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// The id: the Team UID.
    pub id: String,
    /// The name.
    pub display_name: Option<String>,
    /// Its members; absent when the node does not say.
    pub members: Option<Vec<Reference>>,
}

/// A pointer to another resource, as in `groups` and `members`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reference {
    /// The id of what it points to.
    pub value: String,
    /// Its name, where given.
    pub display: Option<String>,
}

impl Resource for User {
    const ENDPOINT: &'static str = "Users";

    fn read<'de, A: MapAccess<'de>>(members: A) -> Result<Shown<Self>, A::Error> {
        static NAMES: LazyLock<Vec<&str>> = LazyLock::new(|| {
            let others = [
                "id", "name", "active", "groups", "meta", "error", "errors", "schemas",
            ];
            let simple = Attribute::simple().map(|(name, _)| name);
            others.into_iter().chain(simple).collect()
        });
        let (mut user, mut id) = (User::default(), None);
        let (mut schemas, mut error) = (SaysError::default(), TellsError::default());
        each(members, &NAMES, |member| {
            match member.name {
                "id" => id = member.value()?,
                "name" => {
                    let Name(mut name) = member.value()?;
                    for (_, attribute) in Attribute::of_name() {
                        user.texts[attribute] = name[attribute].take();
                    }
                }
                "active" => user.active = member.value::<Flag>()?,
                "groups" => user.groups = references(member.value()?),
                "meta" => {
                    let Meta { created } = member.value()?;
                    user.created = created.0;
                }
                "error" | "errors" => error.0 |= member.value::<TellsError>()?.0,
                "schemas" => schemas = member.value()?,
                name => take_text(&mut user.texts, Attribute::simple(), name, member.value()?),
            }
            Ok(())
        })?;
        Ok(Shown {
            is_error: schemas.0 || (error.0 && id.is_none()),
            resource: id.map(|id| User { id, ..user }),
        })
    }

    fn id(&self) -> &str {
        &self.id
    }
}

/// `name` of a user.
#[derive(Default)]
struct Name(Texts);

impl Loose for Name {
    fn of_members<'de, A: MapAccess<'de>>(members: A) -> Result<Self, A::Error> {
        static NAMES: LazyLock<Vec<&str>> =
            LazyLock::new(|| Attribute::of_name().map(|(name, _)| name).collect());
        let mut texts = Texts::default();
        each(members, &NAMES, |member| {
            let name = member.name;
            take_text(&mut texts, Attribute::of_name(), name, member.value()?);
            Ok(())
        })?;
        Ok(Name(texts))
    }
}

/// Puts a text where the attribute of this name has its own.
fn take_text(
    texts: &mut Texts,
    mut among: impl Iterator<Item = (&'static str, Attribute)>,
    name: &str,
    text: Text,
) {
    if let Some((_, attribute)) = among.find(|(each, _)| *each == name) {
        texts[attribute] = text;
    }
}

/// `meta` of a resource, as far as anybody asks.
#[derive(Default)]
struct Meta {
    created: Moment,
}

impl Loose for Meta {
    fn of_members<'de, A: MapAccess<'de>>(members: A) -> Result<Self, A::Error> {
        let mut meta = Meta::default();
        each(members, &["created"], |member| {
            meta.created = member.value()?;
            Ok(())
        })?;
        Ok(meta)
    }
}

/// A moment, as the standard writes it.
#[derive(Default)]
struct Moment(Option<Timestamp>);

impl Loose for Moment {
    fn of_text(text: Cow<'_, str>) -> Self {
        Moment(text.parse().ok())
    }
}

impl Resource for Group {
    const ENDPOINT: &'static str = "Groups";

    fn read<'de, A: MapAccess<'de>>(members: A) -> Result<Shown<Self>, A::Error> {
        const NAMES: [&str; 6] = ["id", "displayName", "members", "error", "errors", "schemas"];
        let (mut group, mut id) = (Group::default(), None);
        let (mut schemas, mut error) = (SaysError::default(), TellsError::default());
        each(members, &NAMES, |member| {
            match member.name {
                "id" => id = member.value()?,
                "displayName" => group.display_name = member.value()?,
                "members" => group.members = references(member.value()?),
                "error" | "errors" => error.0 |= member.value::<TellsError>()?.0,
                _ => schemas = member.value()?,
            }
            Ok(())
        })?;
        Ok(Shown {
            is_error: schemas.0 || (error.0 && id.is_none()),
            resource: id.map(|id| Group { id, ..group }),
        })
    }

    fn id(&self) -> &str {
        &self.id
    }
}

impl Loose for Option<Reference> {
    fn of_text(text: Cow<'_, str>) -> Self {
        Text::of_text(text).map(Reference::to)
    }

    fn of_number(number: impl fmt::Display) -> Self {
        Text::of_number(number).map(Reference::to)
    }

    fn of_members<'de, A: MapAccess<'de>>(members: A) -> Result<Self, A::Error> {
        let (mut to, mut at, mut display): (Text, Text, Text) = (None, None, None);
        each(members, &["value", "$ref", "display"], |member| {
            match member.name {
                "value" => to = member.value()?,
                "$ref" => at = member.value()?,
                _ => display = member.value()?,
            }
            Ok(())
        })?;
        let to = to.or_else(|| id_in(&at?));
        Ok(to.map(|value| Reference { value, display }))
    }
}

impl Reference {
    /// A pointer by id alone.
    #[must_use]
    pub fn to(id: String) -> Self {
        Reference {
            value: id,
            display: None,
        }
    }
}

/// The id at the end of an address (RFC 7643, section 2.4: the value of `$ref`).
fn id_in(address: &str) -> Option<String> {
    let path = address.split(['?', '#']).next()?.trim_end_matches('/');
    let (_, id) = path.rsplit_once('/')?;
    let id = percent_decode_str(id).decode_utf8().ok()?;
    (!id.is_empty()).then(|| id.into_owned())
}

/// A list of pointers. If one of them points nowhere, the list says nothing: without it, somebody would seem not to
/// be where they are.
fn references(list: Many<Option<Reference>>) -> Option<Vec<Reference>> {
    list?.into_iter().collect()
}

/// Whether two ids are the same. Ids are opaque, but some nodes write one now in upper and now in
/// lower case; that two of them differ in nothing else does not happen by chance.
#[must_use]
pub fn same_id(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// The members of a group, found by id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Members {
    /// The ids as they came, by the same in lower case.
    ids: HashMap<String, String>,
}

impl Members {
    /// Whether the user is one of them.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.ids.contains_key(&id.to_ascii_lowercase())
    }

    /// Their ids, as the node writes them.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.ids.values().map(String::as_str)
    }
}

impl FromIterator<String> for Members {
    fn from_iter<T: IntoIterator<Item = String>>(ids: T) -> Self {
        let ids = ids.into_iter().map(|id| (id.to_ascii_lowercase(), id));
        Members { ids: ids.collect() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_user_is_read_whatever_its_dress() {
        let plain = resource::<User>(&json!({
            "id": "7", "userName": "ann@example.com", "name": {"givenName": "Ann", "familyName": "Lee"},
            "active": false, "groups": [{"value": "t1", "display": "Sales"}],
            "meta": {"created": "2026-01-02T03:04:05Z"}
        }))
        .unwrap();
        let odd = resource::<User>(&json!({
            "ID": 7, "username": "ann@example.com", "Name": {"givenname": "Ann", "FamilyName": "Lee"},
            "active": "False", "groups": {"value": "t1", "display": "Sales"},
            "meta": {"created": "2026-01-02T03:04:05.000+00:00"}, "externalId": "", "displayName": null
        }))
        .unwrap();
        assert_eq!(plain, odd);
        assert_eq!(plain.active, Some(false));
        assert_eq!(plain.groups.unwrap()[0].value, "t1");
        assert!(resource::<User>(&json!({"userName": "nobody@example.com"})).is_none());
    }

    #[test]
    fn a_pointer_may_be_an_address_and_one_that_points_nowhere_spoils_the_list() {
        let groups = |groups: Value| {
            let user: User = resource(&json!({"id": "7", "groups": groups})).unwrap();
            let groups = user.groups?.into_iter().map(|group| group.value);
            Some(groups.collect::<Vec<String>>())
        };
        let pointers = json!([
            {"$ref": "https://example.com/v2/Groups/a%2Fb", "display": "Sales"},
            {"$ref": "../Groups/t2/"}, {"value": "t3", "$ref": "../Groups/other"}, "t4"
        ]);
        let ids = ["a/b", "t2", "t3", "t4"].map(str::to_owned);
        assert_eq!(groups(pointers), Some(ids.to_vec()));
        assert_eq!(groups(json!([])), Some(vec![]));
        assert_eq!(groups(json!([{"value": "t1"}, {"display": "Sales"}])), None);
    }

    #[test]
    fn yes_and_no_may_be_words_or_numbers() {
        for (active, yes) in [
            (json!("TRUE"), Some(true)),
            (json!(1), Some(true)),
            (json!("1"), Some(true)),
            (json!(0), Some(false)),
            (json!("0"), Some(false)),
            (json!(2), None),
            (json!("maybe"), None),
        ] {
            let user: User = resource(&json!({"id": "7", "active": active})).unwrap();
            assert_eq!(user.active, yes, "{active}");
        }
    }

    #[test]
    fn the_name_of_the_standard_goes_before_one_in_another_case() {
        for body in [
            r#"{"ID": "no", "id": "7", "Id": "no", "x": [{"id": "no"}]}"#,
            r#"{"id": "7", "ID": "no"}"#,
            r#"{"ID": "7", "iD": "no"}"#,
        ] {
            let user: User = resource(&serde_json::from_str(body).unwrap()).unwrap();
            let read: Option<Shown<User>> = loose::read(body.as_bytes()).unwrap();
            assert_eq!(
                (user.id.as_str(), read.unwrap().resource),
                ("7", Some(user.clone()))
            );
        }
    }

    #[test]
    fn what_is_no_resource_is_none() {
        for (body, shown) in [
            ("<html>", None),
            ("[]", Some(None)),
            ("7", Some(None)),
            (r#"{"userName": "x"}"#, Some(Some((false, false)))),
            (r#"{"id": "7", "groups": 3}"#, Some(Some((true, false)))),
            (
                r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "id": 7}"#,
                Some(Some((true, true))),
            ),
            (
                r#"{"error": "internal_error", "ok": false}"#,
                Some(Some((false, true))),
            ),
            (r#"{"Errors": {"code": 5}}"#, Some(Some((false, true)))),
            (r#"{"id": "7", "error": "x"}"#, Some(Some((true, false)))),
            (
                r#"{"errors": [], "error": null, "ok": true}"#,
                Some(Some((false, false))),
            ),
            (r#"{"id": "7"} {"#, None),
        ] {
            let read: Option<Option<Shown<User>>> = loose::read(body.as_bytes());
            let read = read.map(|any| any.map(|any| (any.resource.is_some(), any.is_error)));
            assert_eq!(read, shown, "{body}");
        }
    }
}
