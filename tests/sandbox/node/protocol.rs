//! Tokens, paths, methods, bodies, pace, and the node's own address and counters.

use std::net::Ipv4Addr;
use std::time::Duration;

use headcount::sandbox::{Options, Sandbox};

use super::client::{SCIM, answer, empty_node, node};

#[tokio::test]
async fn a_missing_or_wrong_token_is_refused_before_anything_else() {
    let node = empty_node().await;
    let base = node.sandbox.base_url();
    let token = node.sandbox.token();
    assert!(token.len() >= 32);
    let (longer, shorter) = (
        format!("Bearer {token}x"),
        format!("Bearer {}", &token[1..]),
    );
    for header in [
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "Basic eDp5",
        token,
        &longer,
        &shorter,
    ] {
        for path in ["/Users", "/nowhere"] {
            let request = node
                .client
                .get(format!("{base}{path}"))
                .header("Authorization", header);
            let answer = answer(request).await.unwrap();
            answer.refused(401, "");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
    }
    let without = answer(node.client.get(format!("{base}/Users")))
        .await
        .unwrap();
    without.refused(401, "");
    let lower = node
        .client
        .get(format!("{base}/Users"))
        .header("Authorization", format!("bearer {token}"));
    assert_eq!(answer(lower).await.unwrap().status, 200);
}

#[tokio::test]
async fn unknown_paths_and_other_nodes_are_not_found() {
    let node = empty_node().await;
    for path in [
        "",
        "/",
        "/users",
        "/Users/",
        "/Users/1/2",
        "/Bulk",
        "/Me",
        "x/Users",
        "/../0987654321/Users",
    ] {
        node.get(path).await.refused(404, "");
    }
    let root = node
        .sandbox
        .base_url()
        .replace("/api/rest/scim/v2/1234567890", "/Users");
    let request = node.client.get(root).bearer_auth(node.sandbox.token());
    answer(request).await.unwrap().refused(404, "");
}

#[tokio::test]
async fn methods_that_make_no_sense_are_refused_with_those_that_do() {
    let node = empty_node().await;
    for (method, path, allowed) in [
        ("DELETE", "/Users", "GET,HEAD,POST"),
        ("PATCH", "/Groups", "GET,HEAD,POST"),
        ("POST", "/Users/7", "GET,HEAD,PUT,PATCH,DELETE"),
        ("GET", "/Users/.search", "POST"),
        ("POST", "/Schemas", "GET,HEAD"),
    ] {
        let answer = node.send(method, path, "{}").await;
        answer.refused(405, "");
        assert_eq!(answer.header("allow"), allowed, "{method} {path}");
    }
}

#[tokio::test]
async fn searches_by_post_are_not_implemented() {
    let node = empty_node().await;
    for path in ["/.search", "/Users/.search", "/Groups/.search"] {
        let answer = node.send("POST", path, "{}").await;
        assert!(answer.refused(501, "").contains("GET"), "{path}");
    }
}

#[tokio::test]
async fn bodies_must_be_json_of_the_right_type_and_size() {
    let node = empty_node().await;
    let post = |kind: Option<&str>, body: &str| {
        let mut request = node.request("POST", "/Users").body(body.to_owned());
        if let Some(kind) = kind {
            request = request.header("Content-Type", kind);
        }
        answer(request)
    };
    let body = |n: u8| format!("{{\"userName\": \"user{n}@example.com\"}}");
    for (n, kind) in [
        (1, SCIM),
        (2, "application/json"),
        (3, "Application/SCIM+JSON; charset=utf-8"),
    ] {
        assert_eq!(
            post(Some(kind), &body(n)).await.unwrap().status,
            201,
            "{kind}"
        );
    }
    for kind in [
        None,
        Some("text/plain"),
        Some("application/xml"),
        Some("application/jsonx"),
    ] {
        post(kind, &body(4)).await.unwrap().refused(415, "");
    }
    let commented = "{\"userName\": \"x@example.com\", \"roles\": [] // not used in Keeper\n}";
    for broken in ["", "{", "{\"userName\": }", commented, "{} {}"] {
        let answer = post(Some(SCIM), broken).await.unwrap();
        answer.refused(400, "invalidSyntax");
    }
    let huge = format!("{{\"userName\": \"{}\"}}", "x".repeat(17 * 1024 * 1024));
    post(Some(SCIM), &huge).await.unwrap().refused(413, "");
    assert_eq!(node.sandbox.snapshot().users.len(), 3);
}

#[tokio::test]
async fn calls_beyond_the_rate_are_told_how_long_to_wait() {
    let node = node(|options| options.rate = Some(1)).await;
    let wrong = node
        .client
        .get(format!("{}/Users", node.sandbox.base_url()));
    answer(wrong).await.unwrap().refused(401, "");
    assert_eq!(node.get("/Users").await.status, 200);
    let refused = node.get("/nowhere").await;
    refused.refused(429, "");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(node.sandbox.calls().answered(429), 1);
}

#[tokio::test]
async fn latency_holds_each_call_but_not_the_others() {
    let node = node(|options| options.latency = Duration::from_hours(1)).await;
    let calls: Vec<_> = (0..20)
        .map(|_| tokio::spawn(answer(node.request("GET", "/Users"))))
        .collect();
    while node.sandbox.calls().total() < 20 {
        tokio::task::yield_now().await;
    }
    assert_eq!(node.sandbox.calls().answered(200), 0);
    // From here on, time passes as soon as everybody waits for it.
    tokio::time::pause();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().status, 200);
    }
}

#[tokio::test]
async fn calls_are_counted_by_kind_and_status() {
    let node = empty_node().await;
    let id = node.user("ada@example.com").await;
    node.get(&format!("/Users/{id}")).await;
    node.get("/Users?count=1").await;
    node.get("/Users/42").await;
    let calls = node.sandbox.calls();
    assert_eq!(calls.of("POST /Users"), 1);
    assert_eq!(calls.of("GET /Users/{id}"), 2);
    assert_eq!(calls.of("GET /Users"), 1);
    assert_eq!(
        (
            calls.answered(200),
            calls.answered(201),
            calls.answered(404)
        ),
        (2, 1, 1)
    );
    assert_eq!((calls.total(), calls.unanswered), (4, 0));
}

#[tokio::test]
async fn a_stopped_node_is_gone_and_a_dropped_one_too() {
    let first = empty_node().await;
    let address = format!("{}/Users", first.sandbox.base_url());
    assert_eq!(first.get("/Users").await.status, 200);
    first.sandbox.stop().await;
    assert!(
        first
            .client
            .get(address)
            .send()
            .await
            .unwrap_err()
            .is_connect()
    );
}

#[tokio::test]
async fn options_that_make_no_sense_are_refused_with_the_reason() {
    let refused = async |change: fn(&mut Options)| {
        let mut options = Options::default();
        change(&mut options);
        let error = Sandbox::start(options).await.expect_err("refused");
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
        error.to_string()
    };
    let open = refused(|options| options.listen = (Ipv4Addr::UNSPECIFIED, 0).into()).await;
    assert!(open.contains("loopback only, not on 0.0.0.0"), "{open}");
    refused(|options| options.node = "a/b".into()).await;
    refused(|options| options.token = Some(String::new())).await;
    refused(|options| options.page_max = 0).await;
    refused(|options| options.rate = Some(0)).await;
    refused(|options| options.bulk_max_operations = 0).await;
    refused(|options| options.bulk_max_payload = 0).await;
    let large = refused(|options| options.bulk_max_payload = usize::MAX).await;
    assert!(large.contains("between 1 and 16777216 bytes"), "{large}");
}

#[tokio::test]
async fn nothing_printed_for_debugging_shows_the_token() {
    let options = Options {
        token: Some("s3cret-token".into()),
        ..Options::default()
    };
    assert!(!format!("{options:?}").contains("s3cret"));
    let sandbox = Sandbox::start(options).await.unwrap();
    assert_eq!(sandbox.token(), "s3cret-token");
    assert!(!format!("{sandbox:?}").contains("s3cret"));
}
