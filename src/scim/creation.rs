//! Users and groups that are to be made, as the provider's page shows them (RFC 7644, section 3.3).

use serde::Serialize;

use super::resource::{Reference, User};

/// A user to be created: POST /Users of the provider's page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewUser {
    /// The email address.
    pub user_name: String,
    /// First name.
    pub given_name: Option<String>,
    /// Last name.
    pub family_name: Option<String>,
    /// The name shown to others.
    pub display_name: Option<String>,
    /// The id that the company knows the user by.
    pub external_id: Option<String>,
    /// Left out unless asked for: a node makes users active.
    pub active: Option<bool>,
    /// Ids of the groups to be in from the start.
    pub groups: Vec<String>,
}

impl NewUser {
    /// The account that this makes where a node does all that is asked for.
    #[must_use]
    pub fn account(&self, id: String) -> User {
        User {
            id,
            user_name: Some(self.user_name.clone()),
            given_name: self.given_name.clone(),
            family_name: self.family_name.clone(),
            display_name: self.display_name.clone(),
            external_id: self.external_id.clone(),
            active: self.active,
            groups: Some(self.groups.iter().cloned().map(Reference::to).collect()),
            created: None,
        }
    }
}

const USER_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

impl Serialize for NewUser {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Body<'a> {
            schemas: [&'static str; 1],
            user_name: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            display_name: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            external_id: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            name: Option<Name<'a>>,
            emails: [Email<'a>; 1],
            #[serde(skip_serializing_if = "Option::is_none")]
            active: Option<bool>,
            #[serde(skip_serializing_if = "Vec::is_empty")]
            groups: Vec<Id<'a>>,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Name<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            given_name: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            family_name: Option<&'a str>,
        }
        #[derive(Serialize)]
        struct Email<'a> {
            value: &'a str,
            primary: bool,
        }
        #[derive(Serialize)]
        struct Id<'a> {
            value: &'a str,
        }
        let (given_name, family_name) = (self.given_name.as_deref(), self.family_name.as_deref());
        let named = given_name.is_some() || family_name.is_some();
        Body {
            schemas: [USER_SCHEMA],
            user_name: &self.user_name,
            display_name: self.display_name.as_deref(),
            external_id: self.external_id.as_deref(),
            name: named.then_some(Name {
                given_name,
                family_name,
            }),
            emails: [Email {
                value: &self.user_name,
                primary: true,
            }],
            active: self.active,
            groups: self.groups.iter().map(|value| Id { value }).collect(),
        }
        .serialize(serializer)
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
    use serde_json::json;

    use super::*;

    #[test]
    fn last_name_is_the_family_name_and_nothing_empty_is_sent() {
        let user = NewUser {
            user_name: "ann@example.com".into(),
            given_name: Some("Ann".into()),
            family_name: Some("Lee".into()),
            groups: vec!["t1".into()],
            ..NewUser::default()
        };
        assert_eq!(
            serde_json::to_value(&user).unwrap(),
            json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                "userName": "ann@example.com",
                "name": {"givenName": "Ann", "familyName": "Lee"},
                "emails": [{"value": "ann@example.com", "primary": true}],
                "groups": [{"value": "t1"}]
            })
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
