//! A whole resource as the node gave it, to be put back with changes (RFC 7644, section 3.5.1).
//!
//! A PUT clears what it does not name, so everything that came is carried over, known or not.

use reqwest::header::{HeaderMap, HeaderValue};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::loose::Object;
use super::resource::{User, same_id};
use super::version::{version, version_said};
use crate::attribute::Attribute;

/// A user or a group as JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Document {
    attributes: Map<String, Value>,
    /// The version that it was read in.
    #[serde(skip)]
    version: Option<HeaderValue>,
}

impl Document {
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let attributes = Object::parse(body)?.into_members();
        let has_id = attributes.keys().any(|key| key.eq_ignore_ascii_case("id"));
        has_id.then_some(Document {
            attributes,
            version: None,
        })
    }

    /// With its version, as it says itself or as the answer said in which it came.
    pub(super) fn versioned(self, tags: &HeaderMap) -> Self {
        let said = Object::from(Value::Object(self.attributes.clone()));
        let said = said.and_then(|mut object| version_said(&mut object));
        let version = version(tags, said.as_deref());
        Document { version, ..self }
    }

    /// The version that it was read in, where the node has versions.
    #[must_use]
    pub fn version(&self) -> Option<&HeaderValue> {
        self.version.as_ref()
    }

    /// To be put back whatever its version is by then.
    #[must_use]
    pub fn whatever_version(self) -> Self {
        Document {
            version: None,
            ..self
        }
    }

    /// With these members gone and those there; nothing if it does not show its members, and is not
    /// known to have none.
    #[must_use]
    pub fn with_members(
        mut self,
        join: &[&str],
        leave: &[&str],
        may_be_empty: bool,
    ) -> Option<Self> {
        remove(&mut self.attributes, "meta");
        let shows = self
            .attributes
            .keys()
            .any(|key| key.eq_ignore_ascii_case("members"));
        if !shows && !may_be_empty {
            return None;
        }
        let members = entry(&mut self.attributes, "members");
        let mut there = match members.take() {
            Value::Array(there) => there,
            Value::Null => Vec::new(),
            one => vec![one],
        };
        let is = |member: &Value, id: &&str| {
            member["value"]
                .as_str()
                .is_some_and(|value| same_id(value, id))
        };
        there.retain(|member| !leave.iter().any(|id| is(member, id)));
        for id in join {
            if !there.iter().any(|member| is(member, id)) {
                there.push(json!({ "value": id }));
            }
        }
        *members = Value::Array(there);
        Some(self)
    }

    /// Changes what differs between the two. What is cleared is sent as the empty string, as the
    /// provider's page shows it for `externalId`.
    #[must_use]
    pub fn changed(mut self, before: &User, after: &User) -> Self {
        // The node's own: what it was when it was read says nothing of what it will be.
        remove(&mut self.attributes, "meta");
        if let (Some(old), Some(new)) = (before.user_name(), after.user_name())
            && old != new
        {
            self.rename(old, new);
        }
        let differs = |attribute| before.texts[attribute] != after.texts[attribute];
        let change = |map: &mut Map<String, Value>, name, attribute| {
            if differs(attribute) {
                *entry(map, name) = after.texts.get(attribute).unwrap_or_default().into();
            }
        };
        let root = &mut self.attributes;
        for (name, attribute) in Attribute::simple() {
            change(root, name, attribute);
        }
        if Attribute::of_name().any(|(_, attribute)| differs(attribute)) {
            let name = entry(root, "name");
            if !name.is_object() {
                *name = json!({});
            }
            if let Value::Object(name) = name {
                // Made from the others, by the node.
                remove(name, "formatted");
                for (part, attribute) in Attribute::of_name() {
                    change(name, part, attribute);
                }
            }
        }
        if before.active != after.active
            && let Some(active) = after.active
        {
            *entry(root, "active") = active.into();
        }
        self.regroup(after);
        self
    }

    /// The addresses that were the user name follow it.
    fn rename(&mut self, old: &str, new: &str) {
        let key = self
            .attributes
            .keys()
            .find(|key| key.eq_ignore_ascii_case("emails"))
            .cloned();
        let emails = key.and_then(|key| self.attributes.get_mut(&key)?.as_array_mut());
        for email in emails.into_iter().flatten() {
            if let Value::Object(email) = email {
                let value = entry(email, "value");
                if value
                    .as_str()
                    .is_some_and(|value| value.eq_ignore_ascii_case(old))
                {
                    *value = new.into();
                }
            }
        }
    }

    /// Memberships as they are to be; where the node shows none, they are left alone.
    fn regroup(&mut self, after: &User) {
        let Some(wanted) = &after.groups else { return };
        if !self
            .attributes
            .keys()
            .any(|key| key.eq_ignore_ascii_case("groups"))
        {
            return;
        }
        let groups = entry(&mut self.attributes, "groups");
        *groups = wanted
            .iter()
            .map(|group| json!({ "value": group.value }))
            .collect();
    }
}

/// The member of this name in any case, made if there is none.
fn entry<'m>(map: &'m mut Map<String, Value>, name: &str) -> &'m mut Value {
    let key = map.keys().find(|key| key.eq_ignore_ascii_case(name));
    let key = key.cloned().unwrap_or_else(|| name.to_owned());
    map.entry(key).or_insert(Value::Null)
}

fn remove(map: &mut Map<String, Value>, name: &str) {
    map.retain(|key, _| !key.eq_ignore_ascii_case(name));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::Reference;
    use crate::scim::resource::resource;

    #[test]
    fn what_is_not_changed_is_carried_over() {
        let came = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "id": "7", "UserName": "ann@example.com", "title": "Captain",
            "name": {"formatted": "Ann Lee", "givenName": "Ann", "familyName": "Lee", "middleName": "B"},
            "emails": [{"value": "Ann@example.com", "primary": true}, {"value": "ann@home.example"}],
            "groups": [{"value": "t1", "display": "Sales"}],
            "active": true, "externalId": "N1", "meta": {"version": "W/1"}
        });
        let before = resource::<User>(&came).unwrap();
        let mut after = User {
            groups: Some(vec![Reference::to("t2".into())]),
            ..before.clone()
        };
        after.texts[Attribute::UserName] = Some("ann.chen@example.com".into());
        after.texts[Attribute::FamilyName] = Some("Chen".into());
        after.texts[Attribute::ExternalId] = None;
        let document = Document::parse(came.to_string().as_bytes()).unwrap();
        let sent = serde_json::to_value(document.changed(&before, &after)).unwrap();
        assert_eq!(
            sent,
            json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                "id": "7", "UserName": "ann.chen@example.com", "title": "Captain",
                "name": {"givenName": "Ann", "familyName": "Chen", "middleName": "B"},
                "emails": [{"value": "ann.chen@example.com", "primary": true}, {"value": "ann@home.example"}],
                "groups": [{"value": "t2"}],
                "active": true, "externalId": ""
            })
        );
    }

    #[test]
    fn what_is_no_user_is_not_put_back() {
        assert!(Document::parse(b"{}").is_none());
        assert!(Document::parse(b"[]").is_none());
    }
}
