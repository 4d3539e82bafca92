//! The node's operations over HTTP: paths, methods, parameters, bodies.
//!
//! Whether a call may come in at all (token, pace, faults) is decided before, in `serve`.

use std::io::Write;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

use super::attribute::{Kind, Top};
use super::bulk::{self, Offer};
use super::discovery;
use super::error::{ScimError, answer};
use super::filter::Filter;
use super::held;
use super::json;
use super::operation;
use super::paging::{self, Paging, Start};
use super::patch::Patch;
use super::projection::Projection;
use super::store::Store;
use super::view;

const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// Resources a page holds when the client does not say.
pub(super) const DEFAULT_COUNT: usize = 100;

/// What the operations share.
#[derive(Debug)]
pub(super) struct Node {
    store: RwLock<Store>,
    pub(super) page_max: usize,
    pub(super) paging: Paging,
    pub(super) bulk: Offer,
}

pub(super) type Shared = Arc<Node>;

/// All paths of a node below `prefix`.
pub(super) fn router(node: Shared, prefix: &str) -> Router {
    let mut scim = discovery::routes()
        .merge(bulk::routes(node.bulk))
        .route("/.search", search());
    for kind in [Kind::User, Kind::Group] {
        let endpoint = kind.endpoint();
        scim = scim
            .route(&format!("/{endpoint}"), collection(kind))
            .route(&format!("/{endpoint}/.search"), search())
            .route(&format!("/{endpoint}/{{id}}"), item(kind));
    }
    Router::new()
        .nest(prefix, scim)
        .fallback(async |uri: Uri| ScimError::no_such_place(uri.path()))
        .method_not_allowed_fallback(async |method: Method, uri: Uri| {
            ScimError::no_such_method(method.as_str(), uri.path())
        })
        .with_state(node)
}

fn collection(kind: Kind) -> MethodRouter<Shared> {
    get(async move |State(node): State<Shared>, params: Params| node.list(kind, &params)).post(
        async move |State(node): State<Shared>, params: Params, Document(body): Document| {
            node.create(kind, &params, &body)
        },
    )
}

/// Searches by POST (RFC 7644, section 3.4.3) are not on the provider's page; a client is told so rather than that it
/// lost its way.
fn search() -> MethodRouter<Shared> {
    post(async || {
        let detail = "searches by POST are not supported: GET takes the same parameters";
        ScimError::new(StatusCode::NOT_IMPLEMENTED, detail)
    })
}

fn item(kind: Kind) -> MethodRouter<Shared> {
    get(
        async move |State(node): State<Shared>, Path(id): Path<String>, params: Params| {
            node.get(kind, &id, &params)
        },
    )
    .put(
        async move |State(node): State<Shared>,
                    Path(id): Path<String>,
                    params: Params,
                    Document(body): Document| { node.replace(kind, &id, &params, &body) },
    )
    .patch(
        async move |State(node): State<Shared>,
                    Path(id): Path<String>,
                    params: Params,
                    Document(body): Document| { node.patch(kind, &id, &params, body) },
    )
    .delete(async move |State(node): State<Shared>, Path(id): Path<String>| node.delete(kind, &id))
}

impl Node {
    pub(super) fn new(store: Store, page_max: usize, paging: Paging, bulk: Offer) -> Self {
        Self {
            store: RwLock::new(store),
            page_max,
            paging,
            bulk,
        }
    }

    // No operation panics half-way through a change, so a poisoned lock still guards a sound store.

    pub(super) fn read(&self) -> RwLockReadGuard<'_, Store> {
        self.store.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, Store> {
        self.store.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn list(&self, kind: Kind, params: &Params) -> Result<Response, ScimError> {
        let show = params.projection(kind)?;
        let filter = params
            .filter
            .as_deref()
            .map(|text| Filter::read(kind, text))
            .transpose()
            .map_err(|error| ScimError::bad("invalidFilter", error.to_string()))?;
        let start = self.paging.start(kind, params)?;
        let count = Params::number("count", params.count.as_deref())?;
        let count = count.unwrap_or(DEFAULT_COUNT).min(self.page_max);

        let store = self.read();
        let (mut places, total) = store.page(kind, filter.as_ref(), start, count.saturating_add(1));
        let is_last = places.len() <= count;
        places.truncate(count);
        let place = match (places.last(), start) {
            (_, Start::Skip(skip)) if !self.paging.is_by_cursor() => {
                format!(r#","startIndex":{}"#, skip + 1)
            }
            (Some(last), _) if !is_last => {
                let cursor = paging::cursor(*last, kind, params);
                format!(r#","nextCursor":"{cursor}""#)
            }
            _ => String::new(),
        };
        let mut body = Vec::with_capacity(256 + 640 * places.len());
        let head = write!(
            body,
            r#"{{"schemas":["{LIST}"],"totalResults":{total},"itemsPerPage":{}{place},"Resources":["#,
            places.len()
        );
        head.map_err(|error| broken(&error))?;
        for (n, place) in places.into_iter().enumerate() {
            if n > 0 {
                body.push(b',');
            }
            view::write(&mut body, &store, kind, place, &show).map_err(|error| broken(&error))?;
        }
        drop(store);
        body.extend_from_slice(b"]}");
        Ok(answer(StatusCode::OK, body))
    }

    fn get(&self, kind: Kind, id: &str, params: &Params) -> Result<Response, ScimError> {
        let show = params.projection(kind)?;
        let store = self.read();
        let place = store.place(kind, id)?;
        resource(&store, kind, place, &show)
    }

    fn create(&self, kind: Kind, params: &Params, body: &Value) -> Result<Response, ScimError> {
        let show = params.projection(kind)?;
        let mut store = self.write();
        let place = operation::create(&mut store, kind, body)?;
        let mut response = resource(&store, kind, place, &show)?;
        let location = HeaderValue::try_from(held::location(&store, kind, place));
        drop(store);
        *response.status_mut() = StatusCode::CREATED;
        if let Ok(location) = location {
            response.headers_mut().insert(header::LOCATION, location);
        }
        Ok(response)
    }

    fn replace(
        &self,
        kind: Kind,
        id: &str,
        params: &Params,
        body: &Value,
    ) -> Result<Response, ScimError> {
        let show = params.projection(kind)?;
        let mut store = self.write();
        let place = operation::replace(&mut store, kind, id, body)?;
        resource(&store, kind, place, &show)
    }

    fn patch(
        &self,
        kind: Kind,
        id: &str,
        params: &Params,
        body: Value,
    ) -> Result<Response, ScimError> {
        let show = params.projection(kind)?;
        let patch = Patch::read(kind, body)?;
        let mut store = self.write();
        let place = operation::patch(&mut store, kind, id, &patch)?;
        // A group too big for a page is not sent back for every member added: RFC 7644, section 3.5.2, allows 204
        // where the client did not ask for attributes.
        let big = kind == Kind::Group && store.size(place) > self.page_max;
        if big && show.shows(Top::Members) && params.attributes.is_none() {
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
        resource(&store, kind, place, &show)
    }

    fn delete(&self, kind: Kind, id: &str) -> Result<Response, ScimError> {
        operation::delete(&mut self.write(), kind, id)?;
        Ok(StatusCode::NO_CONTENT.into_response())
    }
}

fn resource(
    store: &Store,
    kind: Kind,
    place: u32,
    show: &Projection,
) -> Result<Response, ScimError> {
    let mut body = Vec::with_capacity(1024);
    view::write(&mut body, store, kind, place, show).map_err(|error| broken(&error))?;
    Ok(answer(StatusCode::OK, body))
}

fn broken(error: &dyn std::error::Error) -> ScimError {
    ScimError::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

/// The query parameters of RFC 7644, sections 3.4.2 and 3.9, that the node knows. Others are ignored.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Params {
    pub(super) filter: Option<String>,
    pub(super) start_index: Option<String>,
    pub(super) cursor: Option<String>,
    count: Option<String>,
    attributes: Option<String>,
    excluded_attributes: Option<String>,
}

impl Params {
    fn projection(&self, kind: Kind) -> Result<Projection, ScimError> {
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
struct Document(Value);

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
