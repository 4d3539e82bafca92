//! How many creates a second go over HTTP/1.1 with connections that are used again, and over one, two or four HTTP/2
//! connections: what decides the version that the program uses by itself.
//!
//! `cargo bench --bench http_versions` prints the table of docs/performance.md, in some four minutes. The node is the
//! sandbox over TLS, in a process of its own.

mod support;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use headcount::scim::{Client, RequestTarget};
use headcount::transport::{self, CaCerts, HttpOptions, HttpVersion, Pace, RateSetting, Transport};
use reqwest::Method;
use secrecy::SecretString;
use support::{CONCURRENCY, Node, TOKEN, per_second};
use tokio::runtime::Runtime;

/// How long each way is measured, and how often; the median counts.
const LENGTH: Duration = Duration::from_secs(2);
const ROUNDS: usize = 3;

const WAYS: [(&str, HttpVersion, usize); 4] = [
    ("HTTP/1.1", HttpVersion::One, 1),
    ("HTTP/2", HttpVersion::Auto, 1),
    ("2 × HTTP/2", HttpVersion::Auto, 2),
    ("4 × HTTP/2", HttpVersion::Auto, 4),
];

fn main() {
    let folder = tempfile::tempdir().expect("a folder for the certificate");
    let authority = folder.path().join("ca.pem");
    let runtime = Runtime::new().expect("a runtime");
    let names: Vec<&str> = WAYS.iter().map(|(name, ..)| *name).collect();
    println!("| latency | calls at once | {} |", names.join(" | "));
    println!("|---|---|{}", "---|".repeat(WAYS.len()));
    for latency in ["0", "20", "50"] {
        for concurrency in [16, CONCURRENCY, 64] {
            let mut speeds = [const { Vec::new() }; WAYS.len()];
            for _ in 0..ROUNDS {
                for (speeds, (_, version, connections)) in speeds.iter_mut().zip(WAYS) {
                    let ca = authority.display().to_string();
                    let flags = [
                        "--tls",
                        "--ca-out",
                        &ca,
                        "--latency",
                        latency,
                        "--users",
                        "0",
                    ];
                    let node = Node::start(&flags);
                    let clients =
                        (0..connections).map(|_| client(&node, &authority, version, concurrency));
                    let clients = clients.collect();
                    speeds.push(runtime.block_on(measure(clients, concurrency)));
                }
            }
            let medians = speeds.map(|mut speeds| {
                speeds.sort_by(f64::total_cmp);
                format!("{:.0}", speeds[ROUNDS / 2])
            });
            println!("| {latency} ms | {concurrency} | {} |", medians.join(" | "));
        }
    }
}

/// A client with connections of its own.
fn client(node: &Node, authority: &Path, version: HttpVersion, concurrency: usize) -> Arc<Client> {
    let url: url::Url = node.url().parse().expect("an address");
    let options = HttpOptions {
        connections: concurrency,
        ca_certs: CaCerts::read(authority).expect("the sandbox's certificate"),
        version,
        ..HttpOptions::to(url.clone())
    };
    let pace = Arc::new(Pace::new(concurrency, RateSetting::Auto));
    let http = transport::client(options).expect("a client");
    let transport = Transport::new(http, &SecretString::from(TOKEN), pace).expect("a token");
    Arc::new(Client::new(transport, url))
}

/// Creates a second, so many on their way at once.
async fn measure(clients: Vec<Arc<Client>>, concurrency: usize) -> f64 {
    let next = Arc::new(AtomicUsize::new(0));
    // Connections are made, and the pace has found that there is no limit.
    send(&clients, concurrency, &next, LENGTH / 4).await;
    let begun = Instant::now();
    let sent = send(&clients, concurrency, &next, LENGTH).await;
    per_second(sent, begun.elapsed())
}

async fn send(
    clients: &[Arc<Client>],
    concurrency: usize,
    next: &Arc<AtomicUsize>,
    length: Duration,
) -> usize {
    let until = Instant::now() + length;
    let mut tasks = tokio::task::JoinSet::new();
    for at in 0..concurrency {
        let client = Arc::clone(&clients[at % clients.len()]);
        let next = Arc::clone(next);
        tasks.spawn(async move {
            let users = RequestTarget::new(&["Users"]);
            let mut sent = 0;
            while Instant::now() < until {
                let i = next.fetch_add(1, Ordering::Relaxed);
                let body = somebody(i).into();
                let answer = client.ask(Method::POST, &users, Some(body)).await;
                let status = answer.map(|raw| raw.status.as_u16());
                assert_eq!(status, Ok(201), "somebody is created");
                sent += 1;
            }
            sent
        });
    }
    tasks.join_all().await.into_iter().sum()
}

fn somebody(i: usize) -> String {
    let email = format!("first{i}.last{i}@bench.example");
    serde_json::json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": email, "displayName": format!("First{i} Last{i}"), "externalId": format!("N{i}"),
        "name": {"givenName": format!("First{i}"), "familyName": format!("Last{i}")},
        "emails": [{"value": email, "primary": true}], "groups": [{"value": "611107205120001"}]
    })
    .to_string()
}
