//! A node that speaks HTTP/2 and does with each call what a test tells it to: refuses streams, says farewell, goes away
//! without an answer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::http::{Request, Response};
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::scripted::{Call, Reply};
use super::tls::Authority;
use headcount::sandbox::Tls;

/// What becomes of a call.
pub enum Fate {
    Answer(Reply),
    /// Its stream is refused (RFC 9113, section 8.7): nobody has looked at it.
    Refuse,
    /// It is answered, and the connection takes no more calls (section 6.8).
    AnswerAndLeave(Reply),
    /// The connection ends at once. The call and all before it may have been carried out: the last one that the farewell
    /// names is this one, or a later one.
    Leave,
}

/// A running server.
pub struct Http2 {
    _runtime: Runtime,
    port: u16,
    authority: Authority,
    calls: Arc<Mutex<Vec<Call>>>,
    connections: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

type Decide = dyn Fn(&Call, usize) -> Fate + Send + Sync;

struct Script {
    fate: Box<Decide>,
    calls: Arc<Mutex<Vec<Call>>>,
    now: AtomicUsize,
    most: Arc<AtomicUsize>,
    streams: u32,
}

enum Farewell {
    Graceful,
    Abrupt,
}

/// What takes TLS connections for HTTP/2, with a certificate of this authority.
pub fn acceptor(authority: &Authority) -> TlsAcceptor {
    let Tls::Given { chain, key } = authority.sign(&["127.0.0.1"]) else {
        unreachable!("it was signed here");
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap();
    let chain = CertificateDer::pem_slice_iter(&chain)
        .map(Result::unwrap)
        .collect();
    let key = PrivateKeyDer::from_pem_slice(&key).unwrap();
    let mut config = config
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

impl Http2 {
    /// Starts a server that takes so many calls at once on a connection; `fate` gets each call and how many came before
    /// it.
    pub fn start(
        streams: u32,
        fate: impl Fn(&Call, usize) -> Fate + Send + Sync + 'static,
    ) -> Self {
        let runtime = Runtime::new().unwrap();
        let authority = Authority::new("scripted");
        let acceptor = acceptor(&authority);
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        let calls = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(AtomicUsize::new(0));
        let most = Arc::new(AtomicUsize::new(0));
        let script = Arc::new(Script {
            fate: Box::new(fate),
            calls: Arc::clone(&calls),
            now: AtomicUsize::new(0),
            most: Arc::clone(&most),
            streams,
        });
        let count = Arc::clone(&connections);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, script) = (acceptor.clone(), Arc::clone(&script));
                let count = Arc::clone(&count);
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        count.fetch_add(1, Ordering::Relaxed);
                        let _ = serve(stream, script).await;
                    }
                });
            }
        });
        Http2 {
            _runtime: runtime,
            port,
            authority,
            calls,
            connections,
            most,
        }
    }

    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}/v2", self.port)
    }

    pub fn authority(&self) -> &str {
        self.authority.pem()
    }

    /// Every call so far, also those that were refused.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// How many calls were on their way at once at the most.
    pub fn most_at_once(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }
}

async fn serve(stream: TlsStream<TcpStream>, script: Arc<Script>) -> Result<(), h2::Error> {
    let mut builder = h2::server::Builder::new();
    builder.max_concurrent_streams(script.streams);
    let mut connection = builder.handshake::<_, Bytes>(stream).await?;
    let (leave, mut leaves) = mpsc::channel(1);
    loop {
        tokio::select! {
            Some(farewell) = leaves.recv() => match farewell {
                Farewell::Graceful => connection.graceful_shutdown(),
                Farewell::Abrupt => connection.abrupt_shutdown(Reason::NO_ERROR),
            },
            accepted = connection.accept() => {
                let Some(accepted) = accepted else { return Ok(()) };
                let (request, respond) = accepted?;
                tokio::spawn(one(request, respond, Arc::clone(&script), leave.clone()));
            }
        }
    }
}

async fn one(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    script: Arc<Script>,
    leave: mpsc::Sender<Farewell>,
) {
    let now = script.now.fetch_add(1, Ordering::Relaxed) + 1;
    script.most.fetch_max(now, Ordering::Relaxed);
    // Others come in meanwhile.
    tokio::task::yield_now().await;
    let (parts, mut body) = request.into_parts();
    let mut bytes = Vec::new();
    while let Some(chunk) = body.data().await {
        let Ok(chunk) = chunk else {
            // Its connection is gone: nobody has seen the whole of it.
            script.now.fetch_sub(1, Ordering::Relaxed);
            return;
        };
        let _ = body.flow_control().release_capacity(chunk.len());
        bytes.extend_from_slice(&chunk);
    }
    let query = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
    let call = Call {
        method: parts.method,
        path: parts
            .uri
            .path()
            .strip_prefix("/v2")
            .unwrap_or_default()
            .to_owned(),
        query: query.into_owned().collect(),
        headers: parts.headers,
        body: String::from_utf8(bytes).unwrap(),
    };
    let before = {
        let mut calls = script.calls.lock().unwrap();
        calls.push(call.clone());
        calls.len() - 1
    };
    let fate = (script.fate)(&call, before);
    script.now.fetch_sub(1, Ordering::Relaxed);
    match fate {
        Fate::Answer(reply) => answer(&mut respond, &reply),
        Fate::AnswerAndLeave(reply) => {
            let _ = leave.send(Farewell::Graceful).await;
            answer(&mut respond, &reply);
        }
        Fate::Refuse => respond.send_reset(Reason::REFUSED_STREAM),
        Fate::Leave => {
            let _ = leave.send(Farewell::Abrupt).await;
            // Until the connection is gone: dropped earlier, the stream would be reset by itself.
            let _ = std::future::poll_fn(|cx| respond.poll_reset(cx)).await;
        }
    }
}

fn answer(respond: &mut SendResponse<Bytes>, reply: &Reply) {
    let mut response = Response::builder().status(reply.status());
    for (name, value) in &reply.headers {
        response = response.header(*name, value);
    }
    let body = Bytes::from(reply.body().to_owned());
    if let Ok(mut stream) = respond.send_response(response.body(()).unwrap(), false) {
        let _ = stream.send_data(body, true);
    }
}
