//! Connections and what comes before an operation: the token, the pace, the latency, the faults.
//!
//! The accept loop is the node's own rather than a framework's because a fault may have to reset a connection, which
//! takes the socket itself.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use hyper::Request;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::calls::Counters;
use super::connection::{Connection, Dropped};
use super::corrupt::corrupt;
use super::error::{ScimError, wait};
use super::faults::{FaultKind, FaultPicker, Moment};
use super::gzip::{Gzip, pack};
use super::throttle::{Inside, Throttle};
use super::tls::speaks_http_2;

/// The longest body that is read: room for a group with well over a hundred thousand members.
pub(super) const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// How long to hold off when no connection can be accepted, as when the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long a client may take to agree on the encryption.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How many calls a client may have on their way over one HTTP/2 connection. The least that RFC 9113, section 6.5.2,
/// recommends is 100; many servers take 128.
const STREAMS: u32 = 128;

/// What stands in front of the operations.
pub(super) struct Front {
    pub(super) operations: TowerToHyperService<Router>,
    pub(super) token: String,
    /// The path of the node.
    pub(super) prefix: String,
    pub(super) throttle: Throttle,
    /// Whether answers say what is left.
    pub(super) tells_limits: bool,
    pub(super) latency: Duration,
    pub(super) gzip: Gzip,
    pub(super) fault_picker: FaultPicker,
    pub(super) counters: Counters,
}

/// Takes connections until `stop` says so or is dropped; then all of them are closed.
pub(super) async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    front: Arc<Front>,
    mut stop: oneshot::Receiver<Infallible>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stop => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, tls.clone(), Arc::clone(&front)));
                }
                Err(error) => {
                    tracing::debug!(%error, "a connection could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    connections.shutdown().await;
}

async fn connection(stream: TcpStream, tls: Option<TlsAcceptor>, front: Arc<Front>) {
    // An answer must not wait for the client's acknowledgement of the one before.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let connection = Arc::new(Connection::of(&stream));
    let service = service_fn(move |request| {
        let (front, connection) = (Arc::clone(&front), Arc::clone(&connection));
        async move { front.counted(&connection, request).await }
    });
    let served = match tls {
        None => {
            let io = TokioIo::new(stream);
            http1::Builder::new().serve_connection(io, service).await
        }
        Some(tls) => match timeout(HANDSHAKE, tls.accept(stream)).await {
            Ok(Ok(stream)) => {
                let is_2 = speaks_http_2(stream.get_ref().1.alpn_protocol());
                let io = TokioIo::new(stream);
                if is_2 {
                    http2::Builder::new(TokioExecutor::new())
                        .timer(TokioTimer::new())
                        .max_concurrent_streams(STREAMS)
                        .serve_connection(io, service)
                        .await
                } else {
                    http1::Builder::new().serve_connection(io, service).await
                }
            }
            Ok(Err(error)) => return tracing::debug!(%error, "a client broke off the handshake"),
            Err(_) => return tracing::debug!("a client has not come to the end of the handshake"),
        },
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended early");
    }
}

impl Front {
    async fn counted(
        &self,
        connection: &Connection,
        request: Request<Incoming>,
    ) -> Result<Response, Dropped> {
        let path = request.uri().path().strip_prefix(self.prefix.as_str());
        self.counters
            .asked(request.method(), path, request.version());
        let answer = self.answer(connection, request).await;
        match &answer {
            Ok(response) => self.counters.answered(response.status()),
            Err(Dropped) => self.counters.unanswered(),
        }
        answer
    }

    async fn answer(
        &self,
        connection: &Connection,
        request: Request<Incoming>,
    ) -> Result<Response, Dropped> {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path();
        let path = path.strip_prefix(self.prefix.as_str()).unwrap_or(path);
        let (refusal, _inside) = match self.refusal(&parts.headers, &parts.method, path) {
            Ok(inside) => (None, Some(inside)),
            Err(refusal) => (Some(*refusal), None),
        };
        let told = if self.tells_limits {
            self.throttle.fields(&parts.method, path)
        } else {
            None
        };
        let fault = if refusal.is_none() {
            self.fault_picker.throw()
        } else {
            None
        };
        // Read to the end even when refused, so that the connection can take the next call.
        let body = read(body).await?;
        if let Some(refusal) = refusal {
            return Ok(telling(refusal, told));
        }
        if !self.latency.is_zero() {
            sleep(self.latency).await;
        }
        match fault {
            Some(fault) if fault.moment == Moment::Before => match fault.kind {
                FaultKind::Delay(time) => sleep(time).await,
                kind => return corrupt(kind, connection, not_carried_out()).await,
            },
            _ => {}
        }
        let gzip = self.gzip.is_due(&parts.headers);
        let response = match body {
            Some(body) => self.operate(Request::from_parts(parts, body.into())).await,
            None => too_long(),
        };
        let response = if gzip { pack(response).await } else { response };
        let response = telling(response, told);
        match fault {
            Some(fault) if fault.moment == Moment::After => {
                corrupt(fault.kind, connection, response).await
            }
            _ => Ok(response),
        }
    }

    async fn operate(&self, request: Request<Body>) -> Response {
        match self.operations.call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    /// Lets a call in, or refuses it: by its token, or because it is one too many.
    fn refusal(
        &self,
        headers: &HeaderMap,
        method: &Method,
        path: &str,
    ) -> Result<Inside<'_>, Box<Response>> {
        if !self.knows(headers) {
            let detail = "the bearer token is missing or wrong";
            let refusal = ScimError::new(StatusCode::UNAUTHORIZED, detail);
            return Err(Box::new(refusal.into_response()));
        }
        self.throttle.take(method, path).map_err(|time| {
            // Whole seconds, rounded up, so that a client that waits as told gets through.
            let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
            Box::new(wait(ScimError::too_many(seconds.max(1))))
        })
    }

    /// Whether the call carries the node's token.
    fn knows(&self, headers: &HeaderMap) -> bool {
        let given = headers
            .get(header::AUTHORIZATION)
            .map(HeaderValue::as_bytes);
        let Some((scheme, token)) = given.and_then(|given| given.split_at_checked("Bearer ".len()))
        else {
            return false;
        };
        scheme.eq_ignore_ascii_case(b"Bearer ") && same(token.trim_ascii(), self.token.as_bytes())
    }
}

/// The answer with what is left of the limits.
fn telling(mut response: Response, told: Option<[String; 2]>) -> Response {
    for (name, value) in ["ratelimit", "ratelimit-policy"]
        .into_iter()
        .zip(told.into_iter().flatten())
    {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Compares in a time that does not depend on where the two differ.
fn same(left: &[u8], right: &[u8]) -> bool {
    let pairs = left.iter().zip(right);
    let difference = pairs.fold(0, |sum, (left, right)| sum | (left ^ right));
    left.len() == right.len() && std::hint::black_box(difference) == 0
}

/// The whole body, or `None` if it is too long.
async fn read(mut body: Incoming) -> Result<Option<Bytes>, Dropped> {
    let mut whole = BytesMut::new();
    let mut length = 0;
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let Ok(frame) = frame else {
            return Err(Dropped);
        };
        if let Ok(data) = frame.into_data() {
            length += data.len();
            if length <= BODY_LIMIT {
                whole.extend_from_slice(&data);
            }
        }
    }
    Ok((length <= BODY_LIMIT).then(|| whole.freeze()))
}

fn too_long() -> Response {
    let detail = format!("the body is longer than {BODY_LIMIT} bytes");
    ScimError::new(StatusCode::PAYLOAD_TOO_LARGE, detail).into_response()
}

/// The answer to a call that a fault kept from being carried out.
fn not_carried_out() -> Response {
    let detail = "injected fault: the call was not carried out";
    ScimError::new(StatusCode::INTERNAL_SERVER_ERROR, detail).into_response()
}
