//! What a node says of itself: `ServiceProviderConfig`, `ResourceTypes`, `Schemas` (RFC 7643,
//! sections 5 to 7). Read as leniently as everything else: what is missing is not said.

use serde::Deserialize;
use serde::de::MapAccess;
use serde::de::value::MapAccessDeserializer;
use serde_json::Value;

use super::loose::Object;
use super::resource::{Resource, Shown};

/// What the node can do (RFC 7643, section 5).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceProviderConfig {
    /// Whether PATCH is taken.
    pub patch: Option<bool>,
    /// Many operations in one call.
    pub bulk: Option<Bulk>,
    /// Lists of those that match.
    pub filter: Option<Filtering>,
    /// Whether passwords can be changed.
    pub change_password: Option<bool>,
    /// Whether lists can be sorted.
    pub sort: Option<bool>,
    /// Whether resources have versions.
    pub etag: Option<bool>,
    /// By which ways lists are given page by page.
    pub pagination: Option<Pagination>,
    /// How callers may prove who they are, by type or name.
    pub authentication: Vec<String>,
}

/// `bulk` of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bulk {
    /// Whether `POST /Bulk` is taken.
    pub supported: bool,
    /// How many operations in one call.
    pub max_operations: Option<u64>,
    /// How many bytes in one call.
    pub max_payload: Option<u64>,
}

/// `pagination` of the configuration (RFC 9865, section 4).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pagination {
    /// Whether a page may be asked for by the cursor that the page before it gave.
    pub cursor: bool,
    /// Whether a page may be asked for by the number of its first resource.
    pub index: bool,
    /// How many resources a page holds at the most.
    pub max_page_size: Option<u64>,
    /// For how many seconds a cursor can be used.
    pub cursor_timeout: Option<u64>,
}

impl Pagination {
    /// Whether there is no other way than by cursor.
    #[must_use]
    pub fn is_by_cursor_only(&self) -> bool {
        self.cursor && !self.index
    }
}

/// `filter` of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filtering {
    /// Whether filters are honoured.
    pub supported: bool,
    /// How many resources an answer holds at the most.
    pub max_results: Option<u64>,
}

impl ServiceProviderConfig {
    /// Reads the answer to `GET /ServiceProviderConfig`; `None` when it is something else.
    #[must_use]
    pub fn read(body: &[u8]) -> Option<Self> {
        let mut object = Object::parse(body).filter(|object| !object.is_error())?;
        // Some servers wrap the one there is in a list.
        if let Some(listed) = object.list("Resources") {
            object = Object::from(listed.into_iter().next()?)?;
        }
        let bulk = object.object("bulk").map(|mut bulk| Bulk {
            supported: bulk.flag("supported").unwrap_or(false),
            max_operations: bulk.number("maxOperations"),
            max_payload: bulk.number("maxPayloadSize"),
        });
        let filter = object.object("filter").map(|mut filter| Filtering {
            supported: filter.flag("supported").unwrap_or(false),
            max_results: filter.number("maxResults"),
        });
        let pagination = object
            .object("pagination")
            .map(|mut pagination| Pagination {
                cursor: pagination.flag("cursor").unwrap_or(false),
                // Every node pages by index that does not say otherwise.
                index: pagination.flag("index").unwrap_or(true),
                max_page_size: pagination.number("maxPageSize"),
                cursor_timeout: pagination.number("cursorTimeout"),
            });
        let mut supported = |name: &str| object.object(name)?.flag("supported");
        let config = ServiceProviderConfig {
            patch: supported("patch"),
            bulk,
            filter,
            change_password: supported("changePassword"),
            sort: supported("sort"),
            etag: supported("etag"),
            pagination,
            authentication: authentication(&mut object),
        };
        (config != Self::default()).then_some(config)
    }
}

fn authentication(object: &mut Object) -> Vec<String> {
    let schemes = object.list("authenticationSchemes").unwrap_or_default();
    schemes
        .into_iter()
        .filter_map(|scheme| {
            let mut scheme = Object::from(scheme)?;
            scheme.text("type").or_else(|| scheme.text("name"))
        })
        .collect()
}

/// A kind of resource that the node holds (RFC 7643, section 6).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResourceType {
    /// `User` or `Group`.
    pub name: String,
    /// Where it is found, below the node's address.
    pub endpoint: Option<String>,
    /// The URN of its schema.
    pub schema: Option<String>,
}

impl ResourceType {
    /// Reads the answer to `GET /ResourceTypes/{name}`; `None` when it is something else.
    #[must_use]
    pub fn read(body: &[u8]) -> Option<Self> {
        let mut object = Object::parse(body).filter(|object| !object.is_error())?;
        Some(ResourceType {
            name: object.text("name").or_else(|| object.text("id"))?,
            endpoint: object.text("endpoint"),
            schema: object.text("schema"),
        })
    }
}

/// The attributes of a kind of resource (RFC 7643, section 7).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schema {
    /// The URN.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// The attributes at the top.
    pub attributes: Vec<Attribute>,
}

/// One attribute of a schema.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// `readOnly`, `readWrite`, `immutable` or `writeOnly`.
    pub mutability: Option<String>,
    /// `always`, `default`, `request` or `never`: when it is shown.
    pub returned: Option<String>,
    /// Those inside it.
    pub parts: Vec<Attribute>,
}

impl Schema {
    fn of(value: Value) -> Option<Self> {
        let mut object = Object::from(value)?;
        Some(Schema {
            id: object.text("id")?,
            name: object.text("name"),
            attributes: attributes(object.list("attributes")),
        })
    }

    /// The attribute at a path such as `name.givenName`.
    #[must_use]
    pub fn attribute(&self, path: &str) -> Option<&Attribute> {
        let mut among = &self.attributes;
        let mut found = None;
        for name in path.split('.') {
            let attribute = among
                .iter()
                .find(|attribute| attribute.name.eq_ignore_ascii_case(name))?;
            among = &attribute.parts;
            found = Some(attribute);
        }
        found
    }
}

impl Resource for Schema {
    const ENDPOINT: &'static str = "Schemas";

    fn read<'de, A: MapAccess<'de>>(members: A) -> Result<Shown<Self>, A::Error> {
        let value = Value::deserialize(MapAccessDeserializer::new(members))?;
        let is_error = Object::from(value.clone()).is_some_and(|object| object.is_error());
        Ok(Shown {
            resource: Schema::of(value).filter(|_| !is_error),
            is_error,
        })
    }

    fn id(&self) -> &str {
        &self.id
    }
}

impl Attribute {
    /// Whether it is shown without being asked for.
    #[must_use]
    pub fn is_returned(&self) -> bool {
        let said = self.returned.as_deref().unwrap_or_default();
        ["always", "default"]
            .iter()
            .any(|word| said.eq_ignore_ascii_case(word))
    }

    /// Whether it can be read but not changed.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.mutability
            .as_deref()
            .is_some_and(|word| word.eq_ignore_ascii_case("readOnly"))
    }
}

fn attributes(list: Option<Vec<Value>>) -> Vec<Attribute> {
    let read = |value| {
        let mut object = Object::from(value)?;
        Some(Attribute {
            name: object.text("name")?,
            mutability: object.text("mutability"),
            returned: object.text("returned"),
            parts: attributes(object.list("subAttributes")),
        })
    };
    list.unwrap_or_default()
        .into_iter()
        .filter_map(read)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::resource::resource;
    use super::*;

    #[test]
    fn a_configuration_is_read_whatever_its_dress() {
        let plain = json!({
            "patch": {"supported": true},
            "bulk": {"supported": true, "maxOperations": 100, "maxPayloadSize": 1_048_576},
            "filter": {"supported": true, "maxResults": 200},
            "etag": {"supported": false},
            "pagination": {"cursor": true, "index": false, "maxPageSize": 200, "cursorTimeout": 600},
            "authenticationSchemes": [{"type": "oauthbearertoken", "name": "Token"}]
        });
        let odd = json!({"totalResults": 1, "resources": [{
            "Patch": {"Supported": "true"},
            "bulk": {"supported": "True", "maxOperations": "100", "maxPayloadSize": "1048576"},
            "filter": {"supported": true, "maxresults": 200},
            "ETag": {"supported": "false"},
            "pagination": {"Cursor": "true", "index": "false", "maxpagesize": "200", "cursorTimeout": "600"},
            "authenticationSchemes": {"name": "oauthbearertoken"}
        }]});
        let read = |value: &Value| ServiceProviderConfig::read(value.to_string().as_bytes());
        let config = read(&plain).unwrap();
        assert_eq!(read(&odd).as_ref(), Some(&config));
        assert_eq!(config.bulk.unwrap().max_operations, Some(100));
        assert!(config.pagination.unwrap().is_by_cursor_only());
        let both = json!({"pagination": {"cursor": true}});
        assert!(!read(&both).unwrap().pagination.unwrap().is_by_cursor_only());
        assert_eq!(config.sort, None, "what is not said is not made up");
        for strange in [json!({}), json!([]), json!({"message": "hello"})] {
            assert_eq!(read(&strange), None, "{strange}");
        }
    }

    #[test]
    fn attributes_are_found_by_path() {
        let schema: Schema = resource(&json!({
            "id": "urn:x", "attributes": [
                {"name": "userName"},
                {"name": "name", "subAttributes": [{"name": "givenName", "mutability": "readonly"}]}
            ]
        }))
        .unwrap();
        assert!(schema.attribute("username").is_some());
        assert!(schema.attribute("name.givenName").unwrap().is_read_only());
        assert!(schema.attribute("name.familyName").is_none());
        assert!(schema.attribute("givenName").is_none());
    }
}
