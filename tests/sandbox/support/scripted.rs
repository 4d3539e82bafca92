//! A server that answers as a test tells it to, for habits that the sandbox does not have.
#![allow(
    clippy::needless_pass_by_value,
    reason = "answers are written where they are given"
)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::IntoResponse;
use tokio::runtime::Runtime;

use harness::Desk;

/// A call as it came in.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: Method,
    /// The path below the base address.
    pub path: String,
    /// The query, decoded.
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: String,
}

impl Call {
    pub fn is(&self, method: &str, path: &str) -> bool {
        self.method == *method && self.path == path
    }

    pub fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| &**value)
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// What to answer.
#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    body: String,
    /// What is sent instead of `body`.
    bytes: Option<Vec<u8>>,
}

pub fn reply(status: u16, body: impl ToString) -> Reply {
    let json = ("content-type", "application/scim+json".to_owned());
    Reply {
        status,
        headers: vec![json],
        body: body.to_string(),
        bytes: None,
    }
}

impl Reply {
    pub fn status(&self) -> u16 {
        self.status
    }

    pub fn body(&self) -> &str {
        &self.body
    }

    /// The same with this for a body, which need be no text.
    pub fn bytes(mut self, bytes: Vec<u8>) -> Self {
        self.bytes = Some(bytes);
        self
    }

    pub fn header(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.retain(|(each, _)| *each != name);
        self.headers.push((name, value.to_string()));
        self
    }
}

/// A running server, and what it was asked.
pub struct Scripted {
    _runtime: Runtime,
    port: u16,
    calls: Arc<Mutex<Vec<Call>>>,
    has_failed: Arc<AtomicBool>,
}

/// Tells when what decides on an answer panics. The program would see no more of that than a lost answer.
struct Watch(Arc<AtomicBool>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.fetch_or(std::thread::panicking(), Ordering::Relaxed);
    }
}

impl Drop for Scripted {
    /// What a test asserts of a call counts, too.
    fn drop(&mut self) {
        let has_failed = self.has_failed.load(Ordering::Relaxed);
        assert!(
            !has_failed || std::thread::panicking(),
            "the server has panicked over a call"
        );
    }
}

impl Scripted {
    /// Starts a server; `answer` gets each call and how many came before it.
    pub fn start(answer: impl Fn(&Call, usize) -> Reply + Send + Sync + 'static) -> Self {
        let runtime = Runtime::new().unwrap();
        let calls = Arc::new(Mutex::new(Vec::<Call>::new()));
        let seen = Arc::clone(&calls);
        let answer = Arc::new(answer);
        let has_failed = Arc::new(AtomicBool::new(false));
        let failed = Arc::clone(&has_failed);
        let handler = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
            let watch = Watch(Arc::clone(&failed));
            async move {
                let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
                let call = Call {
                    method,
                    path: uri
                        .path()
                        .strip_prefix("/v2")
                        .unwrap_or(uri.path())
                        .to_owned(),
                    query: query.into_owned().collect(),
                    headers,
                    body: String::from_utf8(body.to_vec()).unwrap(),
                };
                let before = {
                    let mut seen = seen.lock().unwrap();
                    seen.push(call.clone());
                    seen.len() - 1
                };
                let reply = answer(&call, before);
                drop(watch);
                let body = reply.bytes.unwrap_or_else(|| reply.body.into_bytes());
                let mut response =
                    (StatusCode::from_u16(reply.status).unwrap(), body).into_response();
                for (name, value) in reply.headers {
                    response.headers_mut().insert(name, value.parse().unwrap());
                }
                response
            }
        };
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let port = listener.local_addr().unwrap().port();
        runtime.spawn(async move { serve(listener, Router::new().fallback(handler)).await });
        Scripted {
            _runtime: runtime,
            port,
            calls,
            has_failed,
        }
    }

    pub fn desk(&self) -> Desk {
        Desk::at(&format!("http://127.0.0.1:{}/v2", self.port))
    }

    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// How many calls of this method came.
    pub fn count(&self, method: &str) -> usize {
        self.calls()
            .iter()
            .filter(|call| call.method == *method)
            .count()
    }
}

async fn serve(listener: tokio::net::TcpListener, router: Router) {
    while let Ok((stream, _)) = listener.accept().await {
        let service = hyper_util::service::TowerToHyperService::new(router.clone());
        tokio::spawn(async move {
            let io = hyper_util::rt::TokioIo::new(stream);
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(io, service)
                .await;
        });
    }
}

/// A list of one page.
pub fn list(resources: &[serde_json::Value]) -> serde_json::Value {
    serde_json::json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": resources.len(),
        "Resources": resources
    })
}

/// A user as a server shows it.
pub fn user(id: &str, email: &str, active: bool) -> serde_json::Value {
    serde_json::json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": id, "userName": email, "active": active
    })
}

#[test]
#[should_panic(expected = "the server has panicked over a call")]
fn what_fails_in_the_server_fails_the_test() {
    let server = Scripted::start(|call, _| panic!("{} is not expected", call.path));
    server.desk().headcount(&["request", "GET", "Users"]);
}
