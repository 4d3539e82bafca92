//! The node's operations over HTTP: paths, methods, parameters, bodies.
//!
//! Whether a call may come in at all (token, pace, faults) is decided before, in `serve`.

use std::io::Write;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use serde_json::Value;

use super::attribute::{Kind, Top};
use super::error::{ScimError, answer};
use super::filter::Filter;
use super::node::{Node, Shared};
use super::paging::{self, Start};
use super::params::{DEFAULT_COUNT, Document, Params};
use super::patch::Patch;
use super::projection::Projection;
use super::store::Store;
use super::{bulk, discovery, held, listing, operation, view};

const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

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
        let (mut places, total) = listing::page(
            &store,
            kind,
            filter.as_ref(),
            start,
            count.saturating_add(1),
        );
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
