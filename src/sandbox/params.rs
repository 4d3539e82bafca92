//! What comes with a call: parameters and bodies.

use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

use super::attribute::Kind;
use super::error::ScimError;
use super::json;
use super::projection::Projection;

/// Resources a page holds when the client does not say.
pub(super) const DEFAULT_COUNT: usize = 100;

/// The query parameters of RFC 7644, sections 3.4.2 and 3.9, that the node knows. Others are ignored.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Params {
    pub(super) filter: Option<String>,
    pub(super) start_index: Option<String>,
    pub(super) cursor: Option<String>,
    pub(super) count: Option<String>,
    pub(super) attributes: Option<String>,
    excluded_attributes: Option<String>,
}

impl Params {
    pub(super) fn projection(&self, kind: Kind) -> Result<Projection, ScimError> {
        Projection::read(
            kind,
            self.attributes.as_deref(),
            self.excluded_attributes.as_deref(),
        )
    }

    /// Reads a number; one below zero counts as zero (RFC 7644, section 3.4.2.4).
    pub(super) fn number(name: &str, text: Option<&str>) -> Result<Option<usize>, ScimError> {
        let Some(text) = text else {
            return Ok(None);
        };
        let wrong = |_| ScimError::value(format!("{name} must be a number, not {text:?}"));
        let number: i64 = text.trim().parse().map_err(wrong)?;
        Ok(Some(usize::try_from(number.max(0)).unwrap_or(usize::MAX)))
    }
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = ScimError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ScimError> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(params)) => Ok(params),
            Err(error) => Err(ScimError::value(error.to_string())),
        }
    }
}

/// A JSON body in one of the two media types that RFC 7644, section 3.1, knows.
pub(super) struct Document(pub(super) Value);

impl<S: Sync> FromRequest<S> for Document {
    type Rejection = ScimError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ScimError> {
        let Payload(body) = Payload::from_request(request, state).await?;
        json::parse(&body).map(Self)
    }
}

/// A body in one of these media types that has not been looked into.
pub(super) struct Payload(pub(super) Bytes);

impl<S: Sync> FromRequest<S> for Payload {
    type Rejection = ScimError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ScimError> {
        check_media_type(request.headers())?;
        // `serve` has read the body and refused one that is too long.
        let body = to_bytes(request.into_body(), usize::MAX).await;
        body.map(Self)
            .map_err(|error| ScimError::syntax(error.to_string()))
    }
}

fn check_media_type(headers: &HeaderMap) -> Result<(), ScimError> {
    let written = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("nothing");
    let media_type = written.split(';').next().unwrap_or_default().trim();
    let known = ["application/scim+json", "application/json"];
    if known
        .iter()
        .any(|known| media_type.eq_ignore_ascii_case(known))
    {
        return Ok(());
    }
    Err(ScimError::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        format!("the body must be application/scim+json, not {written}"),
    ))
}
