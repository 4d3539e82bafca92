//! What stands between the program and a node: it can garble answers, be away for a while, and count connections.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use super::{Desk, Node};

/// What becomes of an answer's `Content-Length`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// It is half of what follows.
    TooShort,
    /// More is promised than comes; then the connection ends.
    TooLong,
}

/// A share of answers, and what becomes of them.
#[derive(Debug, Clone, Copy)]
pub struct Garble {
    pub length: Length,
    pub share: f64,
}

/// A proxy on loopback in front of a node.
pub struct Proxy {
    runtime: Runtime,
    upstream: String,
    url: String,
    port: u16,
    garble: Arc<Mutex<Option<Garble>>>,
    connections: Arc<AtomicUsize>,
    listening: Mutex<Option<JoinHandle<()>>>,
}

impl Proxy {
    pub fn before(node: &Node) -> Self {
        let url = node.url();
        let rest = url.strip_prefix("http://").unwrap();
        let (upstream, path) = rest.split_once('/').unwrap();
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        let proxy = Proxy {
            runtime,
            upstream: upstream.to_owned(),
            url: format!("http://127.0.0.1:{port}/{path}"),
            port,
            garble: Arc::default(),
            connections: Arc::default(),
            listening: Mutex::default(),
        };
        proxy.listen(listener);
        proxy
    }

    pub fn desk(&self) -> Desk {
        Desk::at(&self.url)
    }

    pub fn garble(&self, garble: Option<Garble>) {
        *self.garble.lock().unwrap() = garble;
    }

    /// How many connections were made so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Nobody answers here any more, and all connections are closed.
    pub fn go_away(&self) {
        if let Some(task) = self.listening.lock().unwrap().take() {
            task.abort();
            let _ = self.runtime.block_on(task);
        }
    }

    /// Answers again, at the same place.
    pub fn come_back(&self) {
        let bound = TcpListener::bind(("127.0.0.1", self.port));
        self.listen(self.runtime.block_on(bound).unwrap());
    }

    fn listen(&self, listener: TcpListener) {
        let (upstream, garble) = (self.upstream.clone(), Arc::clone(&self.garble));
        let made = Arc::clone(&self.connections);
        let task = self.runtime.spawn(async move {
            // They end with this task.
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                made.fetch_add(1, Ordering::Relaxed);
                let (upstream, garble) = (upstream.clone(), Arc::clone(&garble));
                connections.spawn(async move {
                    let server = TcpStream::connect(&upstream).await.unwrap();
                    pass_on(client, server, &garble).await;
                });
            }
        });
        *self.listening.lock().unwrap() = Some(task);
    }
}

/// Passes on what both say until one of them has ended.
async fn pass_on(client: TcpStream, server: TcpStream, garble: &Mutex<Option<Garble>>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    tokio::select! {
        _ = tokio::io::copy(&mut from_client, &mut to_server) => {}
        () = async {
            let mut unread = Vec::new();
            while let Some((head, body)) = answer(&mut from_server, &mut unread).await {
                let garble = garble.lock().unwrap().filter(|garble| fastrand::f64() < garble.share);
                let length = match garble.map(|garble| garble.length) {
                    Some(Length::TooShort) => body.len() / 2,
                    Some(Length::TooLong) => body.len() + 7,
                    None => body.len(),
                };
                let head = head.replace(
                    &format!("content-length: {}", body.len()),
                    &format!("content-length: {length}"),
                );
                let whole = [head.as_bytes(), &body].concat();
                if to_client.write_all(&whole).await.is_err() || length > body.len() {
                    break;
                }
            }
        } => {}
    }
}

/// One answer: its head, and its body as long as the head says.
async fn answer(
    from: &mut (impl AsyncReadExt + Unpin),
    unread: &mut Vec<u8>,
) -> Option<(String, Vec<u8>)> {
    let end = loop {
        if let Some(at) = unread.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        more(from, unread).await?;
    };
    let body = unread.split_off(end);
    let head = String::from_utf8(std::mem::replace(unread, body)).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    while unread.len() < length {
        more(from, unread).await?;
    }
    let rest = unread.split_off(length);
    Some((head, std::mem::replace(unread, rest)))
}

async fn more(from: &mut (impl AsyncReadExt + Unpin), into: &mut Vec<u8>) -> Option<()> {
    (from.read_buf(into).await.ok()? > 0).then_some(())
}
