//! One method an endpoint.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use reqwest::{Method, StatusCode};
use serde::Serialize;
use url::Url;

use super::bulk::BulkRequest;
use super::bulk_response::BulkResponse;
use super::creation::{NewGroup, NewUser};
use super::discovery::{Pagination, Schema, ServiceProviderConfig};
use super::document::Document;
use super::error::{Error, Refusal};
use super::loose::{self, Object};
use super::message::detail;
use super::page_start::PagingCapability;
use super::patching::Patching;
use super::reply::Reply;
use super::resource::{Group, Resource, Shown, User};
use super::version::Versions;
use crate::transport::retry::{CallStatus, back_off, call_status};
use crate::transport::{Answer, Call, Class, Idempotency, Transport, date_in_seconds, retry_after};

/// One resource is small.
const LONGEST_RESOURCE: usize = 4 << 20;

/// A page holds at most some thousand resources; a group with many members is the longest.
pub(super) const LONGEST_PAGE: usize = 256 << 20;

/// A node, spoken to in SCIM.
#[derive(Debug)]
pub struct Client {
    pub(super) transport: Transport,
    pub(super) base: Url,
    /// Whether the node takes groups by the core schema only.
    core_groups: AtomicBool,
    pub(super) versions: Versions,
    /// By which way it gives lists.
    pub(super) paging: PagingCapability,
    creates_ended: Arc<AtomicBool>,
    /// How a PATCH is put to it.
    pub(super) patching: Patching,
}

impl Client {
    /// A client for the node whose SCIM endpoint is `base`.
    #[must_use]
    pub fn new(transport: Transport, base: Url) -> Self {
        Client {
            transport,
            base,
            core_groups: AtomicBool::new(false),
            versions: Versions::default(),
            paging: PagingCapability::default(),
            creates_ended: Arc::default(),
            patching: Patching::default(),
        }
    }

    /// The line that the calls go over.
    #[must_use]
    pub fn transport(&self) -> &Transport {
        &self.transport
    }

    /// The node's own time (`Date`) as of its latest answer, in seconds since 1970; none if it does not say it.
    #[must_use]
    pub fn node_time(&self) -> Option<i64> {
        self.transport.node_time()
    }

    /// The node's address, without a slash at the end.
    #[must_use]
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// `POST /Users`. Never sent twice in doubt: a lost answer is the caller's to look into.
    ///
    /// The reply holds no user when the node answered 2xx without one.
    ///
    /// # Errors
    /// 409 when the email is taken, 428 when the seats are used up; see [`Error`].
    pub async fn create_user(&self, user: &NewUser) -> Result<Reply<Option<User>>, Error> {
        let mut call = self.call(Method::POST, &[User::ENDPOINT], Idempotency::LookFirst)?;
        call.withdrawn = Some(Arc::clone(&self.creates_ended));
        self.changed(with_body(call, user)).await
    }

    /// Sends no more creates: those that wait to be sent end with
    /// [`FaultKind::Withdrawn`](crate::transport::FaultKind::Withdrawn).
    /// Whether they were not ended before.
    pub fn end_creates(&self) -> bool {
        !self.creates_ended.swap(true, Ordering::Relaxed)
    }

    /// Whether no more creates are sent.
    #[must_use]
    pub fn has_ended_creates(&self) -> bool {
        self.creates_ended.load(Ordering::Relaxed)
    }

    /// `GET /Users/{id}`; nothing when there is no such user.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn user(&self, id: &str) -> Result<Reply<Option<User>>, Error> {
        self.one(id).await
    }

    async fn one<R: Resource>(&self, id: &str) -> Result<Reply<Option<R>>, Error> {
        let mut call = self.call(Method::GET, &[R::ENDPOINT, id], Idempotency::Safe)?;
        call.longest_answer = LONGEST_PAGE;
        let answer = self
            .transport
            .send(&call, |body| parse(body).map(Some))
            .await?;
        match answer.status.as_u16() {
            404 => Ok(reply(&answer, None)),
            _ => accept(answer),
        }
    }

    /// `GET /Users/{id}` or `GET /Groups/{id}`, whole: nothing when there is no such resource.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn document<R: Resource>(&self, id: &str) -> Result<Reply<Option<Document>>, Error> {
        let mut call = self.call(Method::GET, &[R::ENDPOINT, id], Idempotency::Safe)?;
        call.longest_answer = LONGEST_PAGE;
        let answer = self.transport.send(&call, Document::parse).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(reply(&answer, None));
        }
        // An answer's own version is not always that of the resource in it.
        let tags = self.versions.are_needed().then(|| answer.headers.clone());
        let reply = accept(answer)?;
        Ok(reply.map(|document| Some(document.versioned(&tags.unwrap_or_default()))))
    }

    /// `PUT /Users/{id}` or `PUT /Groups/{id}` (RFC 7644, section 3.5.1). What the document does not
    /// name is cleared. Where the document has a version, the resource must still be of it.
    ///
    /// # Errors
    /// 412 when somebody else has changed the resource since; see [`Error`].
    pub async fn put<R: Resource>(
        &self,
        id: &str,
        document: &Document,
    ) -> Result<Reply<Option<R>>, Error> {
        let mut call = self.call(Method::PUT, &[R::ENDPOINT, id], Idempotency::Safe)?;
        call.longest_answer = LONGEST_PAGE;
        call.if_match = document.version().cloned();
        self.changed(with_body(call, document)).await
    }

    /// `GET /Groups/{id}`; nothing when there is no such group.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn group(&self, id: &str) -> Result<Reply<Option<Group>>, Error> {
        self.one(id).await
    }

    /// `POST /Bulk` (RFC 7644, section 3.7). Never sent twice in doubt if it creates anything.
    ///
    /// The reply is about the request as a whole; [`Reply::results`] tells what became of each operation.
    ///
    /// # Errors
    /// 413 when the request is too large, 404 or 501 when the node takes none after all; see [`Error`].
    pub async fn bulk(&self, request: &BulkRequest) -> Result<Reply<BulkResponse>, Error> {
        let mut call = self.call(Method::POST, &["Bulk"], request.idempotency())?;
        call.longest_answer = LONGEST_PAGE;
        call.parts = request.len();
        accept(
            self.transport
                .send(&with_body(call, request), BulkResponse::parse)
                .await?,
        )
    }

    /// `GET /ServiceProviderConfig` (RFC 7644, section 4). What a node says of itself is a help, and
    /// nothing is lost when it says nothing: it is asked again only when it is busy, and then not often.
    pub async fn config(&self) -> Option<ServiceProviderConfig> {
        const ATTEMPTS: u32 = 3;
        const LONGEST_WAIT: Duration = Duration::from_secs(2);
        let path = ["ServiceProviderConfig"];
        let call = self.call(Method::GET, &path, Idempotency::Safe).ok()?;
        for attempt in 1..=ATTEMPTS {
            let response = self.transport.ask(&call).await.ok()?;
            if response.status.is_success() {
                let config = ServiceProviderConfig::read(&response.body)?;
                if config
                    .pagination
                    .as_ref()
                    .is_some_and(Pagination::is_by_cursor_only)
                {
                    self.paging.are_said_to_be_by_cursor();
                }
                return Some(config);
            }
            let what = call_status(response.status, &response.body);
            let is_busy = matches!(what, CallStatus::Throttled | CallStatus::Unavailable);
            if !is_busy || attempt == ATTEMPTS {
                return None;
            }
            let wait =
                retry_after(&response.headers, &response.body).unwrap_or_else(|| back_off(attempt));
            self.transport
                .pace()
                .rest(wait.min(LONGEST_WAIT))
                .await
                .ok()?;
        }
        None
    }

    /// `GET /Schemas/{id}` (RFC 7644, section 4); nothing when the node does not tell.
    pub async fn schema(&self, id: &str) -> Option<Schema> {
        let call = self
            .call(Method::GET, &[Schema::ENDPOINT, id], Idempotency::Safe)
            .ok()?;
        let answer = self.transport.send(&call, parse::<Schema>).await.ok()?;
        answer.content.ok()
    }

    /// `POST /Groups`, as under "Creating a Team" on the provider's page (RFC 7644, section 3.3). Never
    /// sent twice in doubt: a node may well make a second group of the same name.
    ///
    /// The schema that the page names beside the core one is left out where the node refuses it.
    ///
    /// The reply holds no group when the node answered 2xx without one.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn create_group(&self, group: &NewGroup) -> Result<Reply<Option<Group>>, Error> {
        let plain = group.by_core_schema();
        if self.core_groups.load(Ordering::Relaxed) {
            return self.post_group(&plain).await;
        }
        match self.post_group(group).await {
            Err(Error::Refused(refusal)) if refusal.status == 400 && !refusal.is_conflict() => {
                let created = self.post_group(&plain).await;
                self.core_groups
                    .fetch_or(created.is_ok(), Ordering::Relaxed);
                created
            }
            created => created,
        }
    }

    async fn post_group(&self, group: &NewGroup) -> Result<Reply<Option<Group>>, Error> {
        let call = self.call(Method::POST, &[Group::ENDPOINT], Idempotency::LookFirst)?;
        self.changed(with_body(call, group)).await
    }

    /// Sends a call that changes one resource, and reads it from the answer where it holds one.
    pub(super) async fn changed<R: Resource>(&self, call: Call) -> Result<Reply<Option<R>>, Error> {
        let read = |body: &[u8]| match body.trim_ascii() {
            body if says_no_more_than_yes(body) => Some(None),
            body => loose::read::<Option<Shown<R>>>(body)
                .flatten()
                .filter(|shown| !shown.is_error)
                .map(|shown| shown.resource),
        };
        accept(self.transport.send(&call, read).await?)
    }

    pub(super) fn call(
        &self,
        method: Method,
        path: &[&str],
        idempotency: Idempotency,
    ) -> Result<Call, Error> {
        let mut url = self.base.clone();
        // Dots would climb up in the address, however they are written.
        if let Some(dots) = path.iter().find(|part| matches!(**part, "" | "." | "..")) {
            return Err(Error::ImpossibleId((*dots).to_owned()));
        }
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        Ok(Call {
            class: class(&method, path.first().copied()),
            method,
            url,
            body: None,
            if_match: None,
            idempotency,
            longest_answer: LONGEST_RESOURCE,
            gzip: false,
            parts: 1,
            withdrawn: None,
        })
    }
}

/// What a node may count a call as, by its method and the endpoint.
pub(super) fn class(method: &Method, endpoint: Option<&str>) -> Class {
    match endpoint {
        _ if *method == Method::GET => Class::Read,
        Some("Bulk") => Class::Bulk,
        Some(Group::ENDPOINT) => Class::GroupWrite,
        _ => Class::UserWrite,
    }
}

/// Whether the answer to a change says nothing on top of its status: nothing at all, a word such as `OK`, `true` or
/// `null`. Pages of something in between are longer or begin with a tag.
fn says_no_more_than_yes(body: &[u8]) -> bool {
    const LONGEST_WORD: usize = 100;
    let is_word = || match std::str::from_utf8(body) {
        Ok(text) => text.len() <= LONGEST_WORD && !text.contains(['<', '{', '[']),
        Err(_) => false,
    };
    body.is_empty() || is_word()
}

pub(super) fn with_body(mut call: Call, body: &impl Serialize) -> Call {
    let json = serde_json::to_vec(body)
        .expect("names and values of a SCIM message are all strings, numbers and booleans");
    call.body = Some(Bytes::from(json));
    call
}

pub(super) fn parse<R: Resource>(body: &[u8]) -> Option<R> {
    loose::read::<Option<Shown<R>>>(body)??.resource
}

fn reply<T, U>(answer: &Answer<U>, value: T) -> Reply<T> {
    Reply {
        status: answer.status.as_u16(),
        attempts: answer.attempts,
        doubtful: answer.doubtful,
        put_off: answer.put_off,
        date: date_in_seconds(&answer.headers),
        value,
    }
}

pub(super) fn accept<T>(mut answer: Answer<T>) -> Result<Reply<T>, Error> {
    match std::mem::replace(&mut answer.content, Err(Bytes::new())) {
        Ok(value) => Ok(reply(&answer, value)),
        Err(body) => Err(Error::Refused(Refusal {
            status: answer.status.as_u16(),
            detail: detail(&body),
            scim_type: Object::parse(&body).and_then(|mut body| body.text("scimType")),
            attempts: answer.attempts,
            doubtful: answer.doubtful,
            put_off: answer.put_off,
        })),
    }
}
