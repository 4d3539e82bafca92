//! What the node says of itself: `ServiceProviderConfig`, `ResourceTypes`, `Schemas` (RFC 7643, sections 5 to 7).

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};

use super::attribute::Kind;
use super::error::{ScimError, answer};
use super::node::{Node, Shared};
use super::params::Params;

const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0";

/// The paths of discovery, below the node's address.
pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route(
            "/ServiceProviderConfig",
            get(async |State(node): State<Shared>| {
                let base = node.read().base.clone();
                shown(&service_provider_config(&base, &node))
            }),
        )
        .route(
            "/ResourceTypes",
            get(async |State(node): State<Shared>, params: Params| {
                let base = node.read().base.clone();
                list(
                    &params,
                    &[Kind::User, Kind::Group].map(|kind| resource_type(&base, kind)),
                )
            }),
        )
        .route(
            "/ResourceTypes/{name}",
            get(
                async |State(node): State<Shared>, Path(name): Path<String>| {
                    let base = node.read().base.clone();
                    match name.as_str() {
                        "User" => Ok(shown(&resource_type(&base, Kind::User))),
                        "Group" => Ok(shown(&resource_type(&base, Kind::Group))),
                        _ => Err(missing("resource type", &name)),
                    }
                },
            ),
        )
        .route(
            "/Schemas",
            get(async |State(node): State<Shared>, params: Params| {
                let base = node.read().base.clone();
                list(
                    &params,
                    &[Kind::User, Kind::Group].map(|kind| schema(&base, kind)),
                )
            }),
        )
        .route(
            "/Schemas/{urn}",
            get(
                async |State(node): State<Shared>, Path(urn): Path<String>| {
                    let base = node.read().base.clone();
                    let mut kinds = [Kind::User, Kind::Group].into_iter();
                    match kinds.find(|kind| urn.eq_ignore_ascii_case(kind.schema())) {
                        Some(kind) => Ok(shown(&schema(&base, kind))),
                        None => Err(missing("schema", &urn)),
                    }
                },
            ),
        )
}

fn shown(body: &Value) -> Response {
    answer(StatusCode::OK, body.to_string())
}

fn missing(what: &str, name: &str) -> ScimError {
    ScimError::new(
        StatusCode::NOT_FOUND,
        format!("there is no {what} {name:?}"),
    )
}

/// All of them on one page; a filter is refused as RFC 7644, section 4, demands.
fn list(params: &Params, resources: &[Value; 2]) -> Result<Response, ScimError> {
    if params.filter.is_some() {
        let detail = "discovery takes no filter";
        return Err(ScimError::new(StatusCode::FORBIDDEN, detail));
    }
    Ok(shown(&json!({
        "schemas": [LIST],
        "totalResults": resources.len(),
        "itemsPerPage": resources.len(),
        "startIndex": 1,
        "Resources": resources,
    })))
}

fn service_provider_config(base: &str, node: &Node) -> Value {
    let mut config = json!({
        "schemas": [format!("{CORE}:ServiceProviderConfig")],
        "patch": { "supported": true },
        "bulk": node.bulk.described(),
        "filter": { "supported": true, "maxResults": node.page_max },
        "changePassword": { "supported": false },
        "sort": { "supported": false },
        "etag": { "supported": false },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "OAuth Bearer Token",
            "description": "The token of the node's SCIM provisioning method, in the Authorization header",
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
            "primary": true,
        }],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": format!("{base}/ServiceProviderConfig"),
        },
    });
    if let Some(pagination) = node.paging.described(node.page_max) {
        config["pagination"] = pagination;
    }
    config
}

fn resource_type(base: &str, kind: Kind) -> Value {
    json!({
        "schemas": [format!("{CORE}:ResourceType")],
        "id": kind.name(),
        "name": kind.name(),
        "endpoint": format!("/{}", kind.endpoint()),
        "description": match kind {
            Kind::User => "User account",
            Kind::Group => "Team, or role if the name starts with the node's role prefix",
        },
        "schema": kind.schema(),
        "meta": {
            "resourceType": "ResourceType",
            "location": format!("{base}/ResourceTypes/{}", kind.name()),
        },
    })
}

fn schema(base: &str, kind: Kind) -> Value {
    json!({
        "schemas": [format!("{CORE}:Schema")],
        "id": kind.schema(),
        "name": kind.name(),
        "description": match kind {
            Kind::User => "User account",
            Kind::Group => "Team or role",
        },
        "attributes": match kind {
            Kind::User => user_attributes(),
            Kind::Group => group_attributes(),
        },
        "meta": {
            "resourceType": "Schema",
            "location": format!("{base}/Schemas/{}", kind.schema()),
        },
    })
}

fn user_attributes() -> Vec<Value> {
    vec![
        with(
            text("userName", "The email address the user signs in with."),
            &[("required", true.into()), ("uniqueness", "global".into())],
        ),
        text("displayName", "The name of the user as shown to others."),
        complex(
            "name",
            "The parts of the user's name.",
            &[
                text("formatted", "The full name."),
                text("familyName", "The last name."),
                text("givenName", "The first name."),
            ],
        ),
        many(complex(
            "emails",
            "Email addresses of the user.",
            &[
                text("value", "The address."),
                text("display", "The address as shown to others."),
                text("type", "What the address is for, such as work or home."),
                boolean("primary", "Whether this is the preferred address."),
            ],
        )),
        boolean("active", "Whether the account is unlocked."),
        many(complex(
            "groups",
            "The teams and roles of the user. Unlike in RFC 7643, they can be changed here.",
            &link_attributes("Group"),
        )),
    ]
}

fn group_attributes() -> Vec<Value> {
    vec![
        with(
            text("displayName", "The name of the team or role."),
            &[("required", true.into())],
        ),
        many(complex(
            "members",
            "The users in the team or with the role.",
            &link_attributes("User"),
        )),
    ]
}

/// The parts of a link. A client says who is meant (RFC 7643, section 8.7.1: these parts are immutable), the node
/// says the rest.
fn link_attributes(target: &str) -> [Value; 4] {
    let fixed = ("mutability", Value::from("immutable"));
    let told = [("mutability", Value::from("readOnly"))];
    [
        with(
            text("value", "The id."),
            &[("caseExact", true.into()), fixed.clone()],
        ),
        with(text("display", "The name as shown."), &told),
        with(text("type", "The kind of the link."), &told),
        with(
            text("$ref", "The address."),
            &[
                ("type", "reference".into()),
                ("referenceTypes", json!([target])),
                ("caseExact", true.into()),
                fixed,
            ],
        ),
    ]
}

fn text(name: &str, description: &str) -> Value {
    with(
        plain(name, description, "string"),
        &[("caseExact", false.into()), ("uniqueness", "none".into())],
    )
}

fn boolean(name: &str, description: &str) -> Value {
    plain(name, description, "boolean")
}

fn complex(name: &str, description: &str, parts: &[Value]) -> Value {
    with(
        plain(name, description, "complex"),
        &[("subAttributes", parts.into())],
    )
}

fn many(attribute: Value) -> Value {
    with(attribute, &[("multiValued", true.into())])
}

fn plain(name: &str, description: &str, data_type: &str) -> Value {
    json!({
        "name": name,
        "type": data_type,
        "multiValued": false,
        "description": description,
        "required": false,
        "mutability": "readWrite",
        "returned": "default",
    })
}

fn with(mut attribute: Value, changes: &[(&str, Value)]) -> Value {
    for (key, value) in changes {
        attribute[*key] = value.clone();
    }
    attribute
}
