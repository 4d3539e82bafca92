//! One call sent once: for looking at a node. What is sent in a run goes by the table of [`retry`].

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::HeaderMap;
use reqwest::{StatusCode, Version};
use tokio::time::Instant;

use super::attempts::Attempts;
use super::fields::allowance;
use super::retry::{self, CallStatus};
use super::retry_loop::Transport;
use super::sending::{Response, Sending};
use super::trouble::Sent;
use super::{Call, Closed, Fault, FaultKind, retry_after};

/// What came back of a call that was sent once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawResponse {
    /// The status code.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// How long it took from when the call could leave.
    pub took: Duration,
    /// The version of HTTP.
    pub version: Version,
}

impl Transport {
    /// Sends `call` once, whatever comes of it: to look at a node, not to work with it.
    ///
    /// # Errors
    /// [`Fault`] when no whole answer came; it says whether the call may have taken effect.
    pub async fn ask(&self, call: &Call) -> Result<RawResponse, Fault> {
        let mut so_far = Attempts::default();
        let slot = self
            .pace
            .admit(call.class)
            .await
            .map_err(|Closed| so_far.fault(FaultKind::Stopped, None))?;
        so_far.sent = 1;
        let begun = Instant::now();
        match self.sender.once(call).await {
            Sending::Answer(Response {
                status,
                headers,
                body,
                version,
            }) => {
                self.heard(&headers);
                let what = retry::call_status(status, &body);
                let wait = retry_after(&headers, &body);
                let allowance = allowance(&headers);
                slot.with(status).back(what, wait, allowance);
                Ok(RawResponse {
                    status,
                    headers,
                    body,
                    took: begun.elapsed(),
                    version,
                })
            }
            Sending::None {
                sent,
                status,
                cause,
            } => {
                slot.back(sent.into(), None, None);
                let kind = match sent {
                    Sent::No | Sent::Never => FaultKind::Unreachable,
                    Sent::Untouched | Sent::Refused | Sent::Perhaps => FaultKind::AnswerLost,
                };
                so_far.status = status.map(|status| status.as_u16());
                so_far.doubtful = sent == Sent::Perhaps;
                Err(so_far.fault(kind, Some(cause)))
            }
            Sending::TooLarge(status) => {
                slot.with(status).back(CallStatus::Decided, None, None);
                Err(so_far.too_large(status))
            }
        }
    }
}
