//! One sending of a call: what goes out, and what comes back.

use bytes::Bytes;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, IF_MATCH,
};
use reqwest::{StatusCode, Version};
use secrecy::{ExposeSecret, SecretString};
use tracing::debug;

use super::body::{GZIP, NoBody, receive};
use super::token_redactor::TokenRedactor;
use super::trouble::{Sent, Trouble};
use super::{Call, Cause, Http};

/// The media type of every body (RFC 7644, section 3.1).
const SCIM_JSON: HeaderValue = HeaderValue::from_static("application/scim+json");

/// What is accepted: some servers know only plain JSON.
const ACCEPTED: HeaderValue =
    HeaderValue::from_static("application/scim+json, application/json;q=0.9");

/// Sends calls, each with the token.
pub(super) struct Sender {
    http: Http,
    authorization: HeaderValue,
    redactor: TokenRedactor,
}

/// The token has characters that no HTTP header may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the token has characters that cannot be sent (line breaks, accents or spaces inside it?)")]
pub struct BadToken;

/// How one sending of a call ended.
pub(super) enum Sending {
    Answer(Response),
    /// No answer, and what is known of the call.
    None {
        sent: Sent,
        status: Option<StatusCode>,
        cause: Cause,
    },
    TooLarge(StatusCode),
}

/// What came back of it, without the token.
pub(super) struct Response {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) version: Version,
}

impl Sender {
    pub(super) fn new(http: Http, token: &SecretString) -> Result<Self, BadToken> {
        let mut authorization = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))
            .map_err(|_| BadToken)?;
        authorization.set_sensitive(true);
        Ok(Sender {
            http,
            authorization,
            redactor: TokenRedactor::of(token.expose_secret()),
        })
    }

    /// Sends the call, once.
    pub(super) async fn once(&self, call: &Call) -> Sending {
        let mut request = self
            .http
            .client
            .request(call.method.clone(), call.url.clone())
            .timeout(self.http.patience(call.parts))
            .header(AUTHORIZATION, self.authorization.clone())
            .header(ACCEPT, ACCEPTED);
        if call.gzip {
            request = request.header(ACCEPT_ENCODING, GZIP);
        }
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, SCIM_JSON).body(body.clone());
        }
        if let Some(version) = &call.if_match {
            request = request.header(IF_MATCH, version.clone());
        }
        let mut response = match request.send().await {
            Ok(response) => response,
            Err(error) => return self.without_answer(None, &error),
        };
        let status = response.status();
        let (body, packed) = match receive(&mut response, call.longest_answer).await {
            Ok(received) => received,
            Err(NoBody::TooLarge) => return Sending::TooLarge(status),
            Err(NoBody::Broken(error)) => return self.without_answer(Some(status), &error),
            Err(NoBody::Damaged(error)) => {
                return Sending::None {
                    sent: Sent::Perhaps,
                    status: Some(status),
                    cause: format!("its gzip cannot be unpacked: {error}").into(),
                };
            }
        };
        let version = response.version();
        // The connection is given back by a task of its own. The next call waits for that, and makes no new one.
        tokio::task::yield_now().await;
        let mut headers = std::mem::take(response.headers_mut());
        self.redactor.over_fields(&mut headers);
        debug!(call = %call, status = status.as_u16(), bytes = body.len(), packed, ?version, "answered");
        Sending::Answer(Response {
            status,
            headers,
            body: self.redactor.over(body),
            version,
        })
    }

    fn without_answer(&self, status: Option<StatusCode>, error: &reqwest::Error) -> Sending {
        let Trouble { sent, cause } = self.http.peer.trouble(error);
        Sending::None {
            sent,
            status,
            cause,
        }
    }
}
