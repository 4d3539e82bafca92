//! Messages around the resources: lists, patches, errors (RFC 7644, sections 3.4.2, 3.5.2, 3.12).

use std::borrow::Cow;

use serde::Serialize;
use serde::de::{MapAccess, SeqAccess};
use serde_json::Value;

use super::capabilities::ActiveAs;
use super::filter::equals;
use super::loose::{self, Count, Loose, Object, Text, each};
use super::page_start::Cursor;
use super::resource::{Resource, Shown};

/// One page of a list (RFC 7644, section 3.4.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<R> {
    /// How many there are in all, if the node says.
    pub total: Option<u64>,
    /// Those of this page, in the node's order.
    pub resources: Vec<R>,
    /// Where the next page begins, on a node that pages by cursor and has more (`nextCursor`; RFC 9865, section 2).
    pub next: Option<Cursor>,
}

impl<R: Resource> Page<R> {
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let Listed {
            total,
            resources,
            next,
        } = loose::read::<Option<Listed<R>>>(body)??;
        let resources = match resources {
            Found::All(resources) => resources,
            Found::Nothing if total.is_some() || next.is_some() => Vec::new(),
            Found::Nothing | Found::Unreadable => return None,
        };
        Some(Page {
            total,
            resources,
            next: next.map(Cursor::new),
        })
    }

    /// How many there are in all, if the node says and does not mean this page only.
    #[must_use]
    pub fn total_of_all(&self) -> Option<u64> {
        let is_of_page = |total: u64| self.next.is_some() && total == self.resources.len() as u64;
        self.total.filter(|&total| !is_of_page(total))
    }
}

/// A page as it came.
struct Listed<R> {
    total: Count,
    resources: Found<R>,
    next: Text,
}

/// The resources of a page.
#[derive(Default)]
enum Found<R> {
    /// There is no list.
    #[default]
    Nothing,
    /// One has no id. It would be lost in silence: the whole page is taken as unreadable.
    Unreadable,
    All(Vec<R>),
}

impl<R: Resource> Loose for Found<R> {
    fn of_members<'de, A: MapAccess<'de>>(members: A) -> Result<Self, A::Error> {
        let one = R::read(members)?.resource;
        Ok(one.map_or(Found::Unreadable, |one| Found::All(vec![one])))
    }

    fn of_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        let mut all = Vec::new();
        let mut is_readable = true;
        while let Some(shown) = loose::next::<Option<Shown<R>>, _>(&mut list)? {
            match shown.and_then(|shown| shown.resource) {
                Some(resource) => all.push(resource),
                None => is_readable = false,
            }
        }
        Ok(if is_readable {
            Found::All(all)
        } else {
            Found::Unreadable
        })
    }
}

impl<R: Resource> Loose for Option<Listed<R>> {
    fn of_members<'de, A: MapAccess<'de>>(members: A) -> Result<Self, A::Error> {
        const NAMES: &[&str] = &["totalResults", "Resources", "nextCursor"];
        let (mut total, mut resources, mut next) = (None, Found::default(), None);
        each(members, NAMES, |member| {
            match member.name {
                "totalResults" => total = member.value()?,
                "Resources" => resources = member.value()?,
                _ => next = member.value()?,
            }
            Ok(())
        })?;
        Ok(Some(Listed {
            total,
            resources,
            next,
        }))
    }
}

/// A PATCH body (RFC 7644, section 3.5.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Patch {
    schemas: [&'static str; 1],
    /// What to do, in order.
    #[serde(rename = "Operations")]
    pub operations: Vec<Operation>,
}

impl Patch {
    /// A patch of these operations.
    #[must_use]
    pub fn new(operations: Vec<Operation>) -> Self {
        Patch {
            schemas: ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            operations,
        }
    }

    /// The same, with the names of its operations written with a capital letter if that is wanted.
    #[must_use]
    pub(super) fn written(&self, capital: bool) -> Cow<'_, Self> {
        if !capital {
            return Cow::Borrowed(self);
        }
        let written = |operation: &Operation| Operation {
            op: operation.op.capital(),
            ..operation.clone()
        };
        Cow::Owned(Patch::new(self.operations.iter().map(written).collect()))
    }
}

/// One operation of a PATCH.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Operation {
    op: Op,
    #[serde(skip_serializing_if = "str::is_empty")]
    path: Cow<'static, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
struct Op(&'static str);

impl Op {
    const ADD: Op = Op("add");
    const REMOVE: Op = Op("remove");
    const REPLACE: Op = Op("replace");

    fn capital(self) -> Self {
        match self {
            Op::ADD => Op("Add"),
            Op::REMOVE => Op("Remove"),
            _ => Op("Replace"),
        }
    }
}

/// The attribute that is false for a locked account.
const ACTIVE: &str = "active";

impl Operation {
    /// Gives the attribute at `path` this value.
    #[must_use]
    pub fn replace(path: &'static str, value: impl Into<Value>) -> Self {
        Operation {
            op: Op::REPLACE,
            path: path.into(),
            value: Some(value.into()),
        }
    }

    /// The same, with `active` sent in this way; everything else as it is.
    #[must_use]
    pub fn with_active(&self, form: ActiveAs) -> Self {
        let Some(active) = self.value.as_ref().and_then(Value::as_bool) else {
            return self.clone();
        };
        let (path, value) = match form {
            _ if self.path != ACTIVE => return self.clone(),
            ActiveAs::Boolean => (ACTIVE, active.into()),
            ActiveAs::String => (ACTIVE, active.to_string().into()),
            ActiveAs::Object => ("", serde_json::json!({ ACTIVE: active })),
        };
        Operation {
            op: self.op,
            path: path.into(),
            value: Some(value),
        }
    }

    /// Whether it locks or unlocks.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.path == ACTIVE
    }

    /// Adds the resources with these ids to the list at `path`.
    #[must_use]
    pub fn add<'a>(path: &'static str, ids: impl IntoIterator<Item = &'a str>) -> Self {
        Operation {
            op: Op::ADD,
            path: path.into(),
            value: Some(references(ids)),
        }
    }

    /// Takes one member out of a group, named in the path (RFC 7644, section 3.5.2.2).
    #[must_use]
    pub fn remove_member(id: &str) -> Self {
        let path = format!("members[{}]", equals("value", id));
        Operation {
            op: Op::REMOVE,
            path: path.into(),
            value: None,
        }
    }

    /// Takes the resources with these ids out of the list at `path`.
    #[must_use]
    pub fn remove<'a>(path: &'static str, ids: impl IntoIterator<Item = &'a str>) -> Self {
        Operation {
            op: Op::REMOVE,
            path: path.into(),
            value: Some(references(ids)),
        }
    }
}

fn references<'a>(ids: impl IntoIterator<Item = &'a str>) -> Value {
    ids.into_iter()
        .map(|id| serde_json::json!({ "value": id }))
        .collect()
}

/// What a node says of an error, in one line.
///
/// Takes `detail` (RFC 7644, section 3.12), else the `message` and `error` of the provider's other
/// endpoints, else the first words of a text; never a page of HTML.
pub(super) fn detail(body: &[u8]) -> Option<String> {
    const LONGEST: usize = 300;
    let text = match Object::parse(body) {
        Some(mut object) => ["detail", "message", "error_description", "error", "title"]
            .into_iter()
            .find_map(|name| object.text(name))?,
        None => {
            let text = std::str::from_utf8(body).ok()?.trim();
            if text.starts_with(['<', '{', '[']) {
                return None;
            }
            text.to_owned()
        }
    };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut short: String = line
        .chars()
        .filter(|c| !c.is_control())
        .take(LONGEST)
        .collect();
    if short.len() < line.len() {
        short.push('…');
    }
    (!short.is_empty()).then_some(short)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::resource::User;
    use super::*;

    #[test]
    fn lists_are_read_as_servers_send_them() {
        let users = |value: Value| Page::<User>::parse(value.to_string().as_bytes());
        assert_eq!(
            users(json!({"totalResults": 0})).unwrap(),
            Page {
                total: Some(0),
                resources: vec![],
                next: None
            }
        );
        assert_eq!(
            users(json!({"totalResults": "2", "Resources": null}))
                .unwrap()
                .total,
            Some(2)
        );
        assert_eq!(
            users(json!({"resources": [{"id": 1}]}))
                .unwrap()
                .resources
                .len(),
            1
        );
        for last in [json!({"nextCursor": null}), json!({"nextCursor": ""})] {
            assert_eq!(users(last.clone()), None, "{last} says nothing of a list");
        }
        let more = users(json!({"NextCursor": "x", "Resources": [{"id": 1}], "totalResults": 1}));
        let more = more.unwrap();
        assert_eq!(more.next, Some(Cursor::new("x".to_owned())));
        assert_eq!(more.total_of_all(), None, "there is at least one more");
        assert_eq!(users(json!({"error": "no such thing"})), None);
        assert_eq!(
            users(json!({"totalResults": 1, "Resources": [{"userName": "x"}]})),
            None
        );
    }

    #[test]
    fn patches_are_written_as_the_providers_page_shows() {
        let patch = Patch::new(vec![
            Operation::replace("active", false),
            Operation::add("groups", ["t1", "t2"]),
            Operation::remove("groups", ["t3"]),
            Operation::remove_member("7"),
        ]);
        assert_eq!(
            serde_json::to_value(&patch).unwrap(),
            json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [
                    {"op": "replace", "path": "active", "value": false},
                    {"op": "add", "path": "groups", "value": [{"value": "t1"}, {"value": "t2"}]},
                    {"op": "remove", "path": "groups", "value": [{"value": "t3"}]},
                    {"op": "remove", "path": "members[value eq \"7\"]"}
                ]
            })
        );
    }

    #[test]
    fn active_is_sent_in_the_way_that_is_asked_for() {
        let lock = Operation::replace("active", false);
        let sent = |form| serde_json::to_value(lock.with_active(form)).unwrap();
        assert_eq!(
            ActiveAs::ALL.map(sent),
            [
                json!({"op": "replace", "path": "active", "value": false}),
                json!({"op": "replace", "path": "active", "value": "false"}),
                json!({"op": "replace", "value": {"active": false}}),
            ]
        );
        let name = Operation::replace("displayName", "true");
        assert_eq!(name.with_active(ActiveAs::Object), name);
    }

    #[test]
    fn the_nodes_own_words_are_found() {
        for (body, words) in [
            (
                r#"{"detail":"Email already taken","status":"409"}"#,
                Some("Email already taken"),
            ),
            (
                r#"{"error":"throttled","message":"wait\n 10 seconds"}"#,
                Some("wait 10 seconds"),
            ),
            ("No such tenant", Some("No such tenant")),
            ("<html><body>Bad gateway</body></html>", None),
            ("{}", None),
            ("", None),
        ] {
            assert_eq!(detail(body.as_bytes()).as_deref(), words, "{body}");
        }
    }
}
