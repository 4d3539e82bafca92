//! Reading what servers really send: names of attributes in any case (RFC 7643, section 2.1), numbers as strings and
//! strings as numbers, booleans as words, one thing where a list is meant, `null` for "none". What cannot be understood
//! is left out, it does not spoil the rest.
//!
//! Resources are read straight from the bytes of an answer, without a tree of values in between: lists are long, and
//! every created user comes back. What is rare and small is taken out of an [`Object`].

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::{Map, Value};

/// Something that can be made of any JSON value. Of one that does not fit, it is the default: nothing.
pub(super) trait Loose: Default {
    fn of_text(_: Cow<'_, str>) -> Self {
        Self::default()
    }

    /// A number, as it is written.
    fn of_number(_: impl fmt::Display) -> Self {
        Self::default()
    }

    fn of_flag(_: bool) -> Self {
        Self::default()
    }

    fn of_members<'de, A: MapAccess<'de>>(mut members: A) -> Result<Self, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }

    fn of_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }
}

/// Reads a whole body; nothing if it is no JSON. A byte order mark is not JSON, and some servers send one.
pub(super) fn read<T: Loose>(body: &[u8]) -> Option<T> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    // Looking at all of it once is faster than at every string.
    let Loosely(read) = serde_json::from_str(std::str::from_utf8(body).ok()?).ok()?;
    Some(read)
}

/// Makes of a value what can be made of it.
pub(super) fn of<'de, T: Loose, D: Deserializer<'de>>(value: D) -> Option<T> {
    Loosely::deserialize(value).ok().map(|Loosely(made)| made)
}

struct Loosely<T>(T);

impl<'de, T: Loose> Deserialize<'de> for Loosely<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any(PhantomData)).map(Loosely)
    }
}

struct Any<T>(PhantomData<T>);

impl<'de, T: Loose> Visitor<'de> for Any<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<T, E> {
        Ok(T::of_flag(flag))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        Ok(T::of_number(number))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        Ok(T::of_number(number))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<T, E> {
        Ok(T::of_number(number))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        Ok(T::of_text(Cow::Borrowed(text)))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<T, E> {
        Ok(T::of_text(Cow::Owned(text)))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
        T::of_members(members)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
        T::of_list(list)
    }
}

/// A string that says something; numbers are written out, since ids sometimes come as numbers.
pub(super) type Text = Option<String>;

impl Loose for Text {
    fn of_text(text: Cow<'_, str>) -> Self {
        (!text.is_empty()).then(|| text.into_owned())
    }

    fn of_number(number: impl fmt::Display) -> Self {
        Some(number.to_string())
    }
}

/// Yes or no; some servers write it as a word or as a number.
pub(super) type Flag = Option<bool>;

impl Loose for Flag {
    fn of_text(text: Cow<'_, str>) -> Self {
        match &*text {
            text if text.eq_ignore_ascii_case("true") => Some(true),
            text if text.eq_ignore_ascii_case("false") => Some(false),
            "1" => Some(true),
            "0" => Some(false),
            _ => None,
        }
    }

    fn of_number(number: impl fmt::Display) -> Self {
        Self::of_text(number.to_string().into())
    }

    fn of_flag(flag: bool) -> Self {
        Some(flag)
    }
}

/// A whole number that counts something; some servers write it as a string.
pub(super) type Count = Option<u64>;

impl Loose for Count {
    fn of_text(text: Cow<'_, str>) -> Self {
        text.trim().parse().ok()
    }

    fn of_number(number: impl fmt::Display) -> Self {
        number.to_string().parse().ok()
    }
}

/// A list; one thing where a list is meant is a list of one.
pub(super) type Many<T> = Option<Vec<T>>;

impl<T: Loose> Loose for Many<T> {
    fn of_members<'de, A: MapAccess<'de>>(members: A) -> Result<Self, A::Error> {
        Ok(Some(vec![T::of_members(members)?]))
    }

    fn of_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = next(&mut list)? {
            all.push(one);
        }
        Ok(Some(all))
    }
}

/// The next of a list.
pub(super) fn next<'de, T: Loose, A: SeqAccess<'de>>(list: &mut A) -> Result<Option<T>, A::Error> {
    let next = list.next_element()?;
    Ok(next.map(|Loosely(one)| one))
}

/// A member of an object, by its name as the standard writes it.
pub(super) struct Member<'a, A> {
    pub(super) name: &'static str,
    members: &'a mut A,
}

impl<'de, A: MapAccess<'de>> Member<'_, A> {
    /// Its value.
    pub(super) fn value<T: Loose>(self) -> Result<T, A::Error> {
        self.members.next_value().map(|Loosely(value)| value)
    }
}

/// Hands every member that is called one of `names` to `take`, which reads its value. A name in the case of the
/// standard goes before one in another (RFC 7643, section 2.1), and the first before a later one.
pub(super) fn each<'de, A: MapAccess<'de>>(
    mut members: A,
    names: &'static [&'static str],
    mut take: impl FnMut(Member<'_, A>) -> Result<(), A::Error>,
) -> Result<(), A::Error> {
    let mut seen = 0_u32;
    while let Some(known) = members.next_key_seed(Known(names))? {
        let Some((at, is_exact)) = known else {
            members.next_value::<IgnoredAny>()?;
            continue;
        };
        let bit = 1 << at;
        if is_exact || seen & bit == 0 {
            seen |= bit;
            let members = &mut members;
            let name = names[at];
            take(Member { name, members })?;
        } else {
            members.next_value::<IgnoredAny>()?;
        }
    }
    Ok(())
}

/// Which of these names a member has, and whether it is written the same way.
struct Known(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for Known {
    type Value = Option<(usize, bool)>;

    fn deserialize<D: Deserializer<'de>>(self, key: D) -> Result<Self::Value, D::Error> {
        key.deserialize_str(self)
    }
}

impl Visitor<'_> for Known {
    type Value = Option<(usize, bool)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<Self::Value, E> {
        // No two of the names differ in case only.
        let mut names = self.0.iter();
        let alike = names.position(|name| name.eq_ignore_ascii_case(key));
        Ok(alike.map(|at| (at, self.0[at] == key)))
    }
}

/// A JSON object whose members are taken out by name.
pub(super) struct Object(Map<String, Value>);

impl Loose for Option<Object> {
    fn of_members<'de, A: MapAccess<'de>>(members: A) -> Result<Self, A::Error> {
        let members = Map::deserialize(MapAccessDeserializer::new(members))?;
        Ok(Some(Object(members)))
    }
}

impl Object {
    pub(super) fn from(value: Value) -> Option<Self> {
        of(value)?
    }

    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        read(body)?
    }

    /// All that is left in it.
    pub(super) fn into_members(self) -> Map<String, Value> {
        self.0
    }

    /// Whether this is the protocol's error message (RFC 7644, section 3.12), whatever the status.
    pub(super) fn is_error(&self) -> bool {
        let schemas = self.0.get("schemas").and_then(Value::as_array);
        schemas.is_some_and(|schemas| {
            schemas
                .iter()
                .any(|schema| schema == "urn:ietf:params:scim:api:messages:2.0:Error")
        })
    }

    /// The member called `name`, unless it is missing or `null`.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        let value = match self.0.remove(name) {
            Some(value) => value,
            None => {
                let key = self
                    .0
                    .keys()
                    .find(|key| key.eq_ignore_ascii_case(name))?
                    .clone();
                self.0.remove(&key)?
            }
        };
        (!value.is_null()).then_some(value)
    }

    fn read<T: Loose>(&mut self, name: &str) -> T {
        self.take(name).and_then(of).unwrap_or_default()
    }

    pub(super) fn text(&mut self, name: &str) -> Text {
        self.read(name)
    }

    pub(super) fn flag(&mut self, name: &str) -> Flag {
        self.read(name)
    }

    pub(super) fn number(&mut self, name: &str) -> Count {
        self.read(name)
    }

    pub(super) fn object(&mut self, name: &str) -> Option<Object> {
        self.read(name)
    }

    /// A list; one thing where a list is meant is a list of one.
    pub(super) fn list(&mut self, name: &str) -> Option<Vec<Value>> {
        match self.take(name)? {
            Value::Array(values) => Some(values),
            value @ Value::Object(_) => Some(vec![value]),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_found_in_any_case_and_shape() {
        let mut object = Object::from(json!({
            "ID": 17, "totalresults": "501", "Active": "False", "one": {"value": "x"}, "none": null, "empty": ""
        }))
        .unwrap();
        assert_eq!(object.text("id").as_deref(), Some("17"));
        assert_eq!(object.number("totalResults"), Some(501));
        assert_eq!(object.flag("active"), Some(false));
        assert_eq!(object.list("one").map(|list| list.len()), Some(1));
        assert!(object.take("none").is_none());
        assert!(object.text("empty").is_none());
    }

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        assert!(Object::parse(b"\xEF\xBB\xBF{}").is_some());
        assert!(Object::parse(b"<html>").is_none());
        assert!(Object::parse(b"[]").is_none());
    }
}
