//! Users and groups that are to be made, as the provider's page shows them (RFC 7644, section 3.3).

use serde::Serialize;
use serde::ser::SerializeMap;
use serde_json::{Map, Value, json};

use super::resource::{Reference, User};
use crate::attribute::{Attribute, Texts};

/// A user to be created: POST /Users of the provider's page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewUser {
    /// The email, names and external id.
    pub texts: Texts,
    /// Left out unless asked for: a node makes users active.
    pub active: Option<bool>,
    /// Ids of the groups to be in from the start.
    pub groups: Vec<String>,
}

impl NewUser {
    /// The email address.
    #[must_use]
    pub fn user_name(&self) -> &str {
        self.texts.get(Attribute::UserName).unwrap_or_default()
    }

    /// The account that this makes where a node does all that is asked for.
    #[must_use]
    pub fn account(&self, id: String) -> User {
        User {
            id,
            texts: self.texts.clone(),
            active: self.active,
            groups: Some(self.groups.iter().cloned().map(Reference::to).collect()),
            created: None,
        }
    }

    /// Those of the texts that there are.
    fn members(
        &self,
        of: impl Iterator<Item = (&'static str, Attribute)>,
    ) -> impl Iterator<Item = (&'static str, &str)> {
        of.filter_map(|(name, attribute)| Some((name, self.texts.get(attribute)?)))
    }
}

const USER_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

impl Serialize for NewUser {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut body = serializer.serialize_map(None)?;
        body.serialize_entry("schemas", &[USER_SCHEMA])?;
        for (name, text) in self.members(Attribute::simple()) {
            body.serialize_entry(name, text)?;
        }
        let name = self.members(Attribute::of_name());
        let name: Map<String, Value> = name
            .map(|(name, text)| (name.to_owned(), text.into()))
            .collect();
        if !name.is_empty() {
            body.serialize_entry("name", &name)?;
        }
        let email = json!({ "value": self.user_name(), "primary": true });
        body.serialize_entry("emails", &[email])?;
        if let Some(active) = self.active {
            body.serialize_entry("active", &active)?;
        }
        if !self.groups.is_empty() {
            let groups = self.groups.iter().map(|id| json!({ "value": id }));
            body.serialize_entry("groups", &groups.collect::<Value>())?;
        }
        body.end()
    }
}

/// A group to be created: POST /Groups of the provider's page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewGroup {
    schemas: &'static [&'static str],
    display_name: String,
    external_id: String,
}

/// The core schema (RFC 7643, section 8.7.1), and the one that the provider's page sends beside it.
const GROUP_SCHEMAS: [&str; 2] = [
    "urn:ietf:params:scim:schemas:core:2.0:Group",
    "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/Group",
];

impl NewGroup {
    /// A group of this name, without members.
    ///
    /// Its `externalId` is a random UUID, as on the provider's page. Sending the same value again
    /// keeps the UUID: a node that holds `externalId` to be unique refuses the second one.
    #[must_use]
    pub fn named(display_name: &str) -> Self {
        NewGroup {
            schemas: &GROUP_SCHEMAS,
            display_name: display_name.to_owned(),
            external_id: random_uuid(),
        }
    }

    /// The same group by the core schema alone, for nodes that refuse schemas that they do not know.
    #[must_use]
    pub fn by_core_schema(&self) -> Self {
        NewGroup {
            schemas: &GROUP_SCHEMAS[..1],
            ..self.clone()
        }
    }
}

/// A random UUID (RFC 9562, section 5.4).
fn random_uuid() -> String {
    let version = 4_u128 << 76;
    let variant = 2_u128 << 62;
    let random = fastrand::u128(..) & !(0xF_u128 << 76) & !(3_u128 << 62);
    let hex = format!("{:032x}", random | version | variant);
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_name_is_the_family_name_and_nothing_empty_is_sent() {
        let user = NewUser {
            texts: Texts::from([
                (Attribute::UserName, Some("ann@example.com".into())),
                (Attribute::GivenName, Some("Ann".into())),
                (Attribute::FamilyName, Some("Lee".into())),
                (Attribute::ExternalId, Some("7".into())),
            ]),
            groups: vec!["t1".into()],
            active: None,
        };
        assert_eq!(
            serde_json::to_string(&user).unwrap(),
            concat!(
                r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ann@example.com","#,
                r#""externalId":"7","name":{"givenName":"Ann","familyName":"Lee"},"#,
                r#""emails":[{"value":"ann@example.com","primary":true}],"groups":[{"value":"t1"}]}"#,
            )
        );
    }

    #[test]
    fn a_group_is_sent_as_the_providers_page_shows() {
        let group = serde_json::to_value(NewGroup::named("Sales")).unwrap();
        let id = group["externalId"].as_str().unwrap();
        assert_eq!(
            group,
            json!({
                "schemas": [
                    "urn:ietf:params:scim:schemas:core:2.0:Group",
                    "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/Group"
                ],
                "displayName": "Sales",
                "externalId": id
            })
        );
        let parts: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12], "{id}");
        assert_eq!(&id[14..15], "4", "{id}");
        assert!(matches!(&id[19..20], "8" | "9" | "a" | "b"), "{id}");
    }
}
