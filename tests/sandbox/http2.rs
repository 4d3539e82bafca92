//! What an HTTP/2 server may do to calls on their way: take few at once, refuse some, say farewell in the middle of a
//! run, go away without a word. Nobody is lost and nobody is made twice, and only what may have been carried out is
//! looked for.

use crate::support::tls::trusting;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::http2::{Fate, Http2, acceptor};
use crate::support::scripted::{self, Reply, list, reply};
use crate::support::tls::Authority;
use harness::{Desk, TOKEN, column, ended};
use headcount::transport::Idempotency;
use headcount::transport::{
    self, CaCerts, Call, Class, FaultKind, HttpOptions, Pace, RateSetting, Transport,
};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// Accounts by email, and how often each was made.
#[derive(Clone, Default)]
struct Accounts(Arc<Mutex<BTreeMap<String, (Value, usize)>>>);

impl Accounts {
    /// Does what a call asks for.
    fn carry_out(&self, call: &scripted::Call) -> Reply {
        let mut accounts = self.0.lock().unwrap();
        if call.is("POST", "/Users") {
            let mut user = call.json();
            let email = user["userName"].as_str().unwrap().to_owned();
            let id = format!("u{}", accounts.len());
            user["id"] = json!(id);
            user["meta"] = json!({"created": jiff::Timestamp::now().to_string()});
            let account = accounts.entry(email).or_insert_with(|| (user.clone(), 0));
            account.1 += 1;
            reply(201, user)
        } else if call.is("GET", "/Users") {
            let filter = call.query("filter").unwrap_or_default();
            let found = accounts.iter().filter(|(email, _)| {
                filter.is_empty() || filter.to_lowercase().contains(email.as_str())
            });
            reply(
                200,
                list(&found.map(|(_, (user, _))| user.clone()).collect::<Vec<_>>()),
            )
        } else {
            reply(200, list(&[]))
        }
    }

    fn made(&self) -> Vec<usize> {
        self.0
            .lock()
            .unwrap()
            .values()
            .map(|(_, made)| *made)
            .collect()
    }
}

const ROWS: usize = 120;

/// Creates everybody of a file on the server, and gives the results.
fn import(server: &Http2) -> Vec<harness::Row> {
    let desk = Desk::at(&server.url());
    let emails = (0..ROWS).map(|i| format!("person{i:03}@example.com\n"));
    desk.file(
        "people.csv",
        format!("email\n{}", emails.collect::<String>()),
    );
    let args = [
        "import",
        "people.csv",
        "--concurrency",
        "16",
        "--bulk",
        "off",
    ];
    ended(&mut trusting(&desk, server.authority(), &args)).with(0);
    desk.rows("people.results.csv")
}

/// Everybody was made, once, by one row each.
#[track_caller]
fn all_were_made(accounts: &Accounts, results: &[harness::Row]) {
    assert_eq!(accounts.made(), [1; ROWS]);
    assert_eq!(column(results, "result_outcome"), ["created"; ROWS]);
}

fn looks(server: &Http2) -> usize {
    let calls = server.calls();
    calls
        .iter()
        .filter(|call| call.query("filter").is_some())
        .count()
}

#[test]
fn a_server_that_takes_few_calls_at_once_is_given_no_more() {
    let accounts = Accounts::default();
    let node = accounts.clone();
    let server = Http2::start(3, move |call, _| Fate::Answer(node.carry_out(call)));
    let results = import(&server);
    all_were_made(&accounts, &results);
    assert!(server.most_at_once() <= 3, "{}", server.most_at_once());
    // A run begins with half of its 16 calls at once, and which version the node speaks is known when the first of them is
    // connected.
    assert!(server.connections() <= 8, "{}", server.connections());
}

#[test]
fn a_stream_that_is_refused_is_sent_again_without_looking() {
    let accounts = Accounts::default();
    let node = accounts.clone();
    let server = Http2::start(100, move |call, before| {
        if call.method == "POST" && before % 7 == 3 {
            Fate::Refuse
        } else {
            Fate::Answer(node.carry_out(call))
        }
    });
    let results = import(&server);
    all_were_made(&accounts, &results);
    assert_eq!(looks(&server), 0);
    let again = column(&results, "result_attempts")
        .iter()
        .filter(|n| *n != "1")
        .count();
    assert!(again > 0);
}

#[test]
fn a_server_that_ends_its_connections_in_good_order_is_met_again() {
    let accounts = Accounts::default();
    let node = accounts.clone();
    let server = Http2::start(100, move |call, before| {
        let reply = node.carry_out(call);
        if before % 10 == 9 {
            Fate::AnswerAndLeave(reply)
        } else {
            Fate::Answer(reply)
        }
    });
    let results = import(&server);
    all_were_made(&accounts, &results);
    assert_eq!(looks(&server), 0);
    assert!(server.connections() > 3, "{}", server.connections());
}

#[test]
fn what_may_have_been_carried_out_when_the_server_left_is_looked_for() {
    let accounts = Accounts::default();
    let node = accounts.clone();
    let server = Http2::start(100, move |call, before| {
        let leaves = call.method == "POST" && before % 40 == 20;
        // Every other time it has done what it was asked for.
        if leaves && before % 80 == 20 {
            return Fate::Leave;
        }
        let reply = node.carry_out(call);
        if leaves {
            Fate::Leave
        } else {
            Fate::Answer(reply)
        }
    });
    let results = import(&server);
    all_were_made(&accounts, &results);
    assert!(looks(&server) > 0);
}

/// Frames of HTTP/2 (RFC 9113, section 4.1), as far as they are needed here.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;

fn frame(kind: u8, flags: u8, stream: u32, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), content].concat()
}

/// A server on a connection of its own for each frame of `farewells`, with which it answers the first call there; then
/// one that says 201.
async fn rude(farewells: Vec<Vec<u8>>) -> (String, Authority) {
    let authority = Authority::new("rude");
    let acceptor = acceptor(&authority);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut farewells = farewells.into_iter();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let stream = acceptor.accept(stream).await.unwrap();
            let farewell = farewells.next();
            tokio::spawn(meet(stream, farewell));
        }
    });
    (format!("https://127.0.0.1:{port}/v2"), authority)
}

async fn meet(mut stream: TlsStream<TcpStream>, farewell: Option<Vec<u8>>) -> std::io::Result<()> {
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await?;
    let mut preface = [0; 24];
    stream.read_exact(&mut preface).await?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        stream.read_exact(&mut vec![0; length as usize]).await?;
        let is_last = head[4] & 1 == 1;
        match (head[3], &farewell) {
            // The flag says that ours were read.
            (SETTINGS, _) if !is_last => {
                stream.write_all(&frame(SETTINGS, 1, 0, &[])).await?;
            }
            (HEADERS | DATA, Some(farewell)) if is_last => {
                stream.write_all(farewell).await?;
                stream.shutdown().await?;
            }
            (HEADERS | DATA, None) if is_last => {
                let id = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
                // `:status: 201` (RFC 7541, section 6.2.2 and appendix A).
                let created = [0x08, 3, b'2', b'0', b'1'];
                stream.write_all(&frame(HEADERS, 4, id, &created)).await?;
                stream.write_all(&frame(DATA, 1, id, b"{}")).await?;
            }
            _ => {}
        }
    }
}

fn line(url: &str, authority: &Authority) -> Transport {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, authority.pem()).unwrap();
    let options = HttpOptions {
        timeout: Duration::from_secs(20),
        ca_certs: CaCerts::read(&file).unwrap(),
        ..HttpOptions::to(url.parse().unwrap())
    };
    let http = transport::client(options).unwrap();
    Transport::new(
        http,
        &SecretString::from(TOKEN),
        Arc::new(Pace::new(1, RateSetting::Auto)),
    )
    .unwrap()
}

fn create(url: &str) -> Call {
    Call {
        class: Class::UserWrite,
        method: reqwest::Method::POST,
        url: format!("{url}/Users").parse().unwrap(),
        body: Some("{}".into()),
        if_match: None,
        idempotency: Idempotency::LookFirst,
        longest_answer: 1 << 20,
        gzip: false,
        parts: 1,
        withdrawn: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_that_was_certainly_not_looked_at_is_simply_sent_again() {
    let none = 0_u32.to_be_bytes();
    let no_error = 0_u32.to_be_bytes();
    let enhance_your_calm = 11_u32.to_be_bytes();
    let refused = 7_u32.to_be_bytes();
    let farewells = vec![
        frame(GOAWAY, 0, 0, &[none, no_error].concat()),
        frame(RST_STREAM, 0, 1, &refused),
        frame(GOAWAY, 0, 0, &[none, enhance_your_calm].concat()),
    ];
    let (url, authority) = rude(farewells).await;
    let answer = line(&url, &authority)
        .send(&create(&url), |_| Some(()))
        .await
        .unwrap();
    assert_eq!((answer.attempts, answer.doubtful), (4, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_that_may_have_been_looked_at_is_not() {
    let this_one = 1_u32.to_be_bytes();
    let no_error = 0_u32.to_be_bytes();
    let internal_error = 2_u32.to_be_bytes();
    for farewell in [
        frame(GOAWAY, 0, 0, &[this_one, no_error].concat()),
        frame(GOAWAY, 0, 0, &[this_one, internal_error].concat()),
        frame(RST_STREAM, 0, 1, &internal_error),
        Vec::new(),
    ] {
        let shown = format!("{farewell:?}");
        let (url, authority) = rude(vec![farewell]).await;
        let sent = line(&url, &authority)
            .send(&create(&url), |_| Some(()))
            .await;
        let fault = sent.unwrap_err();
        assert_eq!(fault.kind, FaultKind::AnswerLost, "{shown}");
        assert!(fault.may_have_worked, "{shown}: {fault}");
        assert_eq!(fault.attempts, 1, "{shown}");
    }
}
