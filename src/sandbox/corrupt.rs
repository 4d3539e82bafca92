//! What each fault does to an answer.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, to_bytes};
use axum::http::response::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::body::Frame;
use serde_json::json;
use tokio::time::sleep;

use super::connection::{Connection, Dropped};
use super::error::{ScimError, wait};
use super::faults::FaultKind;

const HTML_PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Error</title></head>\
    <body><h1>Something went wrong</h1><p>Please try again later.</p></body></html>\n";

/// Makes of the right answer the one that the fault wants.
pub(super) async fn corrupt(
    kind: FaultKind,
    connection: &Connection,
    right: Response,
) -> Result<Response, Dropped> {
    let injected = |status| ScimError::new(status, "injected fault");
    Ok(match kind {
        FaultKind::InternalError => injected(StatusCode::INTERNAL_SERVER_ERROR).into_response(),
        FaultKind::Unavailable => wait((injected(StatusCode::SERVICE_UNAVAILABLE), 1)),
        FaultKind::TooManyRequests => wait(ScimError::too_many(1)),
        FaultKind::Throttled => throttled(),
        FaultKind::Reset => {
            connection.reset_on_close();
            return Err(Dropped);
        }
        FaultKind::Delay(time) => {
            sleep(time).await;
            right
        }
        FaultKind::Html => {
            let mut response = Response::new(HTML_PAGE.into());
            set_type(&mut response, "text/html; charset=utf-8");
            response
        }
        FaultKind::Cut => {
            let (parts, body) = taken_apart(right).await;
            return cut(parts, &body);
        }
        FaultKind::Empty => Response::from_parts(taken_apart(right).await.0, Body::empty()),
        FaultKind::Malformed => {
            let (parts, body) = taken_apart(right).await;
            Response::from_parts(parts, body.slice(..body.len() / 2).into())
        }
        FaultKind::ContentType => {
            let mut response = right;
            if response.headers().contains_key(header::CONTENT_TYPE) {
                set_type(&mut response, "text/plain");
            }
            response
        }
    })
}

/// The way the provider's other endpoints throttle: not 429, and the wait only in words.
fn throttled() -> Response {
    let body = json!({
        "error": "throttled",
        "message": "Due to repeated attempts, your request has been throttled. Please try again in 1 seconds.",
    });
    let mut response = Response::new(body.to_string().into());
    *response.status_mut() = StatusCode::FORBIDDEN;
    set_type(&mut response, "application/json");
    response
}

/// An answer that promises its whole body and breaks off after half of it.
fn cut(mut parts: Parts, body: &Bytes) -> Result<Response, Dropped> {
    if body.is_empty() {
        return Err(Dropped);
    }
    parts
        .headers
        .insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    let half = CutBody::SendHalf(body.slice(..body.len() / 2));
    Ok(Response::from_parts(parts, Body::new(half)))
}

/// The head and the whole body; the head no longer states a length.
pub(super) async fn taken_apart(response: Response) -> (Parts, Bytes) {
    let (mut parts, body) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    // The node's own answers are complete in memory, so that reading one cannot fail.
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    (parts, body)
}

fn set_type(response: &mut Response, media_type: &'static str) {
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
}

/// A body that gives its half, lets the server send that, and then fails.
enum CutBody {
    SendHalf(Bytes),
    LetItLeave,
    Fail,
}

impl hyper::body::Body for CutBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match std::mem::replace(&mut *self, CutBody::Fail) {
            CutBody::SendHalf(half) => {
                *self = CutBody::LetItLeave;
                Poll::Ready(Some(Ok(Frame::data(half))))
            }
            CutBody::LetItLeave => {
                // Being pending once makes the server write out what it has before it asks again.
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            CutBody::Fail => Poll::Ready(Some(Err(io::Error::other("injected fault: cut")))),
        }
    }
}
