//! A whole user as the node gave it, to be put back with changes (RFC 7644, section 3.5.1).
//!
//! A PUT clears what it does not name, so everything that came is carried over, known or not.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::resource::User;

/// A user as JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Document(Map<String, Value>);

impl Document {
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
        match serde_json::from_slice(body).ok()? {
            Value::Object(map) if map.keys().any(|key| key.eq_ignore_ascii_case("id")) => {
                Some(Document(map))
            }
            _ => None,
        }
    }

    /// Changes what differs between the two. What is cleared is sent as the empty string, as the
    /// provider's page shows it for `externalId`.
    #[must_use]
    pub fn changed(mut self, before: &User, after: &User) -> Self {
        // The node's own: what it was when it was read says nothing of what it will be.
        remove(&mut self.0, "meta");
        if let (Some(old), Some(new)) = (&before.user_name, &after.user_name)
            && old != new
        {
            self.rename(old, new);
        }
        let attribute = |map: &mut Map<String, Value>, name, of: fn(&User) -> Option<&str>| {
            text(map, name, of(before), of(after));
        };
        let root = &mut self.0;
        attribute(root, "userName", |user| user.user_name.as_deref());
        attribute(root, "displayName", |user| user.display_name.as_deref());
        attribute(root, "externalId", |user| user.external_id.as_deref());
        if (&before.given_name, &before.family_name) != (&after.given_name, &after.family_name) {
            let name = entry(root, "name");
            if !name.is_object() {
                *name = json!({});
            }
            if let Value::Object(name) = name {
                // Made from the others, by the node.
                remove(name, "formatted");
                attribute(name, "givenName", |user| user.given_name.as_deref());
                attribute(name, "familyName", |user| user.family_name.as_deref());
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
            .0
            .keys()
            .find(|key| key.eq_ignore_ascii_case("emails"))
            .cloned();
        let emails = key.and_then(|key| self.0.get_mut(&key)?.as_array_mut());
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
        if !self.0.keys().any(|key| key.eq_ignore_ascii_case("groups")) {
            return;
        }
        let groups = entry(&mut self.0, "groups");
        *groups = wanted
            .iter()
            .map(|group| json!({ "value": group.value }))
            .collect();
    }
}

fn text(map: &mut Map<String, Value>, name: &str, before: Option<&str>, after: Option<&str>) {
    if before != after {
        *entry(map, name) = after.unwrap_or_default().into();
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
    use crate::scim::{Reference, Resource};

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
        let before = User::read(came.clone()).unwrap();
        let after = User {
            user_name: Some("ann.chen@example.com".into()),
            family_name: Some("Chen".into()),
            external_id: None,
            groups: Some(vec![Reference {
                value: "t2".into(),
                display: None,
            }]),
            ..before.clone()
        };
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
