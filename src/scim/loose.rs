//! Reading resources straight from the bytes of an answer, without a tree of values in between: lists are long, and
//! every created user comes back.
//!
//! What servers really send is understood as in [`lenient`](super::lenient): names of attributes in any case,
//! numbers as strings and strings as numbers, one thing where a list is meant, `null` for "none". What cannot be
//! understood is left out, it does not spoil the rest.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};

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
