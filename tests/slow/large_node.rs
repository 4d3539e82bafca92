//! What a sandbox with a million users costs.
//!
//! `cargo test --release --test slow -- --ignored --nocapture million` prints it.

use std::time::Instant;

use headcount::sandbox::{Options, Sandbox};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures; meant for a release build"]
async fn a_million_users_cost_this_much() {
    let begun = Instant::now();
    let options = Options {
        users: 1_000_000,
        teams: 8,
        ..Options::default()
    };
    let sandbox = Sandbox::start(options).await.unwrap();
    println!("start: {:?}", begun.elapsed());
    // The client wants a TLS provider even where no call uses TLS; a second test finds it installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().no_proxy().build().unwrap();
    let call = |method: Method, path: &str| -> RequestBuilder {
        let url = format!("{}{path}", sandbox.base_url());
        client.request(method, url).bearer_auth(sandbox.token())
    };
    for path in [
        "/Users?startIndex=1&count=1000",
        "/Users?startIndex=999001&count=1000",
        "/Users?filter=userName%20eq%20%22ada.adams200@example.com%22",
        "/Users?filter=externalId%20eq%20%22E999999%22",
        "/Groups?excludedAttributes=members",
    ] {
        let begun = Instant::now();
        let answer = call(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.bytes().await.unwrap();
        println!("{path}: {:?}", begun.elapsed());
    }
    let begun = Instant::now();
    for n in 0..10_000 {
        let body = json!({ "userName": format!("new{n}@example.net") }).to_string();
        let create = call(Method::POST, "/Users").header("Content-Type", "application/scim+json");
        let answer = create.body(body).send().await.unwrap();
        assert_eq!(answer.status(), 201);
    }
    println!("10,000 creates, one after the other: {:?}", begun.elapsed());
}
