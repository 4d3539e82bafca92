//! What the node says when it refuses a call: the error message of RFC 7644, section 3.12.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::attribute::{Attr, Kind};

/// The media type of every SCIM answer (RFC 7644, section 3.1).
pub(super) const SCIM_JSON: HeaderValue = HeaderValue::from_static("application/scim+json");

const SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// One refusal: the status, the `scimType` where RFC 7644 has one for it, and a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ScimError {
    pub(super) status: StatusCode,
    pub(super) scim_type: Option<&'static str>,
    pub(super) detail: String,
}

impl ScimError {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            scim_type: None,
            detail: detail.into(),
        }
    }

    /// A 400 with its `scimType`.
    pub(super) fn bad(scim_type: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            scim_type: Some(scim_type),
            detail: detail.into(),
        }
    }

    pub(super) fn syntax(detail: impl Into<String>) -> Self {
        Self::bad("invalidSyntax", detail)
    }

    pub(super) fn value(detail: impl Into<String>) -> Self {
        Self::bad("invalidValue", detail)
    }

    pub(super) fn path(detail: impl Into<String>) -> Self {
        Self::bad("invalidPath", detail)
    }

    pub(super) fn no_target(detail: impl Into<String>) -> Self {
        Self::bad("noTarget", detail)
    }

    /// A part that cannot be changed without the whole.
    pub(super) fn cannot_change(attr: Attr) -> Self {
        let whole = Attr::whole(attr.top);
        Self::path(format!(
            "{attr} cannot be changed by itself: change {whole}"
        ))
    }

    /// The resource cannot be without `attr` (RFC 7644, section 3.5.2.2).
    pub(super) fn required(attr: Attr) -> Self {
        Self::bad("mutability", format!("{attr} cannot be removed"))
    }

    pub(super) fn taken(user_name: &str) -> Self {
        Self {
            status: StatusCode::CONFLICT,
            scim_type: Some("uniqueness"),
            detail: format!("Email already taken: {user_name}"),
        }
    }

    pub(super) fn seats(seats: usize) -> Self {
        Self::new(
            StatusCode::PRECONDITION_REQUIRED,
            format!("Number of licensed seats was exceeded. All {seats} are in use."),
        )
    }

    pub(super) fn unknown(kind: Kind, id: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            format!("{} {id:?} not found", kind.name()),
        )
    }

    pub(super) fn no_such_place(path: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("there is nothing at {path}"))
    }

    pub(super) fn no_such_method(method: &str, path: &str) -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            format!("{method} is not possible on {path}"),
        )
    }

    pub(super) fn too_many(seconds: u64) -> (Self, u64) {
        let detail = format!("Too many requests. Try again in {seconds} seconds.");
        (Self::new(StatusCode::TOO_MANY_REQUESTS, detail), seconds)
    }
}

impl ScimError {
    /// The message itself.
    pub(super) fn body(&self) -> Value {
        let mut body = json!({
            "schemas": [SCHEMA],
            "status": self.status.as_str(),
            "detail": self.detail,
        });
        if let Some(scim_type) = self.scim_type {
            body["scimType"] = scim_type.into();
        }
        body
    }
}

impl IntoResponse for ScimError {
    fn into_response(self) -> Response {
        let mut response = answer(self.status, self.body().to_string());
        if self.status == StatusCode::UNAUTHORIZED {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// An answer with a SCIM body.
pub(super) fn answer(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, SCIM_JSON);
    response
}

/// A refusal that asks the client to wait.
pub(super) fn wait((error, seconds): (ScimError, u64)) -> Response {
    let mut response = error.into_response();
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}
