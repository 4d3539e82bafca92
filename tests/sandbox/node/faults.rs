//! Faults: what the client sees, and whether the call took effect.

use headcount::sandbox::Faults;
use serde_json::{Value, json};

use super::client::{Node, answer, node};

async fn faulty(spec: &str) -> Node {
    let faults: Faults = spec.parse().expect(spec);
    node(|options| options.faults = faults).await
}

async fn create(node: &Node) -> reqwest::Result<super::client::Answer> {
    let body = json!({"userName": "ada@example.com"}).to_string();
    node.try_send("POST", "/Users", Some(&body)).await
}

fn took_effect(node: &Node) -> bool {
    node.sandbox.snapshot().user("ada@example.com").is_some()
}

#[tokio::test]
async fn status_faults_come_before_or_after_the_effect() {
    for (spec, status, retry_after, effect) in [
        ("500=100%", 500, "", false),
        ("500@after=100%", 500, "", true),
        ("503=1", 503, "1", false),
        ("503@after=1.0", 503, "1", true),
        ("429=100%", 429, "1", false),
    ] {
        let node = faulty(spec).await;
        let answer = create(&node).await.unwrap();
        answer.refused(status, "");
        assert_eq!(answer.header("retry-after"), retry_after, "{spec}");
        assert_eq!(took_effect(&node), effect, "{spec}");
        assert_eq!(node.sandbox.calls().answered(status), 1);
    }
}

#[tokio::test]
async fn throttled_is_403_with_the_wait_in_words() {
    let node = faulty("throttled=100%").await;
    let answer = create(&node).await.unwrap();
    assert_eq!(answer.status, 403);
    assert_eq!(answer.body["error"], "throttled");
    let message = answer.body["message"].as_str().unwrap();
    assert!(message.contains("try again in 1 seconds"), "{message}");
    assert!(!took_effect(&node));
}

#[tokio::test]
async fn reset_and_cut_are_errors_at_the_client() {
    for (spec, effect) in [
        ("reset=100%", false),
        ("reset@after=100%", true),
        ("cut=100%", true),
        ("cut@before=100%", false),
    ] {
        let node = faulty(spec).await;
        // A body cannot be sent twice by the client's own doing: it is asked once.
        let error = create(&node).await.expect_err(spec);
        assert!(
            !error.is_connect() && !error.is_builder(),
            "{spec}: {error:?}"
        );
        assert_eq!(took_effect(&node), effect, "{spec}");
        assert_eq!(node.sandbox.calls().of("POST /Users"), 1, "{spec}");
    }
}

#[tokio::test]
async fn a_reset_is_a_reset_and_a_cut_shows_half_of_the_answer() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    for (spec, reset) in [("reset@after=100%", true), ("cut=100%", false)] {
        let node = faulty(spec).await;
        let base = node.sandbox.base_url();
        let (address, _) = base
            .strip_prefix("http://")
            .unwrap()
            .split_once('/')
            .unwrap();
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET /api/rest/scim/v2/1234567890/Users HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\r\n",
            node.sandbox.token()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut read = Vec::new();
        let end = stream.read_to_end(&mut read).await;
        if reset {
            assert_eq!(end.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
            assert!(read.is_empty());
            continue;
        }
        let text = String::from_utf8(read).unwrap().to_ascii_lowercase();
        let (head, body) = text.split_once("\r\n\r\n").expect("a whole head");
        assert!(head.starts_with("http/1.1 200 ok"), "{head}");
        let length = head.split_once("content-length: ").unwrap().1;
        let length: usize = length.lines().next().unwrap().parse().unwrap();
        assert_eq!(body.len(), length / 2);
    }
}

#[tokio::test]
async fn spoilt_answers_keep_their_status() {
    for (spec, status, kind, effect) in [
        ("empty=100%", 201, "application/scim+json", true),
        ("malformed=100%", 201, "application/scim+json", true),
        ("content-type=100%", 201, "text/plain", true),
        ("html=100%", 200, "text/html; charset=utf-8", false),
        ("html@after=100%", 200, "text/html; charset=utf-8", true),
        ("empty@before=100%", 500, "application/scim+json", false),
    ] {
        let node = faulty(spec).await;
        let request = node
            .request("POST", "/Users")
            .header("Content-Type", "application/json");
        let request = request.body(r#"{"userName": "ada@example.com"}"#);
        let response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{spec}");
        assert_eq!(response.headers()["content-type"], kind, "{spec}");
        let text = response.text().await.unwrap();
        assert_eq!(text.is_empty(), spec.starts_with("empty"), "{spec}: {text}");
        let json = serde_json::from_str::<Value>(&text);
        assert_eq!(
            json.is_ok(),
            spec.starts_with("content-type"),
            "{spec}: {text}"
        );
        assert_eq!(took_effect(&node), effect, "{spec}");
    }
}

#[tokio::test]
async fn a_delayed_answer_comes_late_but_right() {
    let node = faulty("delay:3600000=100%").await;
    let request = node
        .request("POST", "/Users")
        .header("Content-Type", "application/json");
    let request = request.body(r#"{"userName": "ada@example.com"}"#);
    let call = tokio::spawn(answer(request));
    while !took_effect(&node) {
        tokio::task::yield_now().await;
    }
    assert_eq!(node.sandbox.calls().answered(201), 0);
    // From here on, time passes as soon as everybody waits for it.
    tokio::time::pause();
    call.await.unwrap().unwrap().created();
}

#[tokio::test]
async fn a_client_that_gives_up_waiting_finds_the_effect_there() {
    let node = faulty("delay:60000=100%").await;
    let request = node
        .request("POST", "/Users")
        .header("Content-Type", "application/json");
    let request = request.body(r#"{"userName": "ada@example.com"}"#);
    let call = tokio::spawn(answer(request));
    while !took_effect(&node) {
        tokio::task::yield_now().await;
    }
    call.abort();
    assert!(took_effect(&node));
}

#[tokio::test]
async fn a_run_can_be_repeated_with_its_seed() {
    let statuses = async |seed| {
        let node = node(|options| {
            options.faults = "500=20%,503@after=20%,throttled=10%".parse().unwrap();
            options.seed = seed;
        })
        .await;
        let mut statuses = Vec::new();
        for _ in 0..50 {
            statuses.push(node.get("/Users").await.status);
        }
        statuses
    };
    let first = statuses(1).await;
    assert_eq!(first, statuses(1).await);
    assert_ne!(first, statuses(2).await);
    for status in [200, 500, 503, 403] {
        assert!(first.contains(&status), "{first:?}");
    }
}
