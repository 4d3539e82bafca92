//! `headcount request`: one call, as it stands.

#[cfg(unix)]
use std::process::Command;

use crate::support::scripted::{Scripted, list, reply, user};
use harness::{Desk, Node, TOKEN, ended};
use serde_json::json;

#[test]
fn the_answer_is_laid_out_on_standard_output_and_the_rest_on_standard_error() {
    let server = Scripted::start(|_, _| {
        reply(201, r#"{"id":12345678901234567890123,"l":[]}"#)
            .header("location", "http://x/Users/1")
            .header("etag", "W/\"7\"")
            .header("x-ratelimit-remaining", "3")
            .header("set-cookie", "a=b")
    });
    let ended = server
        .desk()
        .headcount(&["request", "post", "Users", "--data", r#"{ "a": "é" }"#])
        .with(0)
        .says("HTTP 201 Created\n")
        .says("Content-Type: application/scim+json\n")
        .says("Location: http://x/Users/1\n")
        .says("ETag: W/\"7\"\n")
        .says("x-ratelimit-remaining: 3\n")
        .says("Date: ");
    assert!(!ended.stderr.contains("cookie"), "{}", ended.stderr);
    assert_eq!(
        ended.stdout,
        "{\n  \"id\": 12345678901234567890123,\n  \"l\": []\n}\n"
    );
    let calls = server.calls();
    assert_eq!(calls.len(), 1);
    assert!(calls[0].is("POST", "/Users"));
    assert_eq!(calls[0].body, r#"{ "a": "é" }"#, "sent as it was written");
    assert_eq!(calls[0].headers["content-type"], "application/scim+json");
    assert_eq!(calls[0].headers["authorization"], format!("Bearer {TOKEN}"));
}

#[test]
fn paths_and_queries_are_sent_as_they_are_meant() {
    let server = Scripted::start(|_, _| reply(200, list(&[user("1", "a+b@x.com", true)])));
    let desk = server.desk();
    desk.headcount(&[
        "request",
        "GET",
        "/Users?startIndex=2",
        "--query",
        "count=5",
    ])
    .with(0);
    let filter = r#"filter=userName eq "a+b@x.com""#;
    desk.headcount(&[
        "request", "GET", "Users", "--query", filter, "--query", "count=1",
    ])
    .with(0);
    let calls = server.calls();
    assert_eq!(calls[0].query("startIndex"), Some("2"));
    assert_eq!(calls[0].query("count"), Some("5"));
    assert_eq!(calls[1].query("filter"), Some(r#"userName eq "a+b@x.com""#));
    assert_eq!(calls[1].query("count"), Some("1"));
}

#[test]
fn nothing_leads_away_from_the_node() {
    let server = Scripted::start(|_, _| reply(200, "{}"));
    let desk = server.desk();
    for path in [
        "https://example.com/Users",
        "//example.com/Users",
        "/../Users",
        "Users/%2e%2e/%2e%2e/x",
        "",
    ] {
        desk.headcount(&["request", "GET", path]).with(2);
    }
    assert!(server.calls().is_empty());
}

#[test]
fn exit_codes_tell_a_yes_from_a_no_and_from_silence() {
    for (status, code) in [
        (200, 0),
        (204, 0),
        (302, 4),
        (401, 3),
        (403, 3),
        (404, 4),
        (409, 4),
        (428, 4),
        (503, 4),
    ] {
        let server = Scripted::start(move |_, _| reply(status, "").header("retry-after", "0"));
        let ended = server
            .desk()
            .headcount(&["request", "DELETE", "Users/1"])
            .with(code);
        assert!(
            ended.stderr.starts_with(&format!("HTTP {status} ")),
            "{}",
            ended.stderr
        );
        assert_eq!(server.calls().len(), 1, "{status} is never asked again");
    }
    let throttled = Scripted::start(|_, _| reply(403, json!({"error": "throttled"})));
    throttled
        .desk()
        .headcount(&["request", "GET", "Users"])
        .with(4);
    Desk::at("http://127.0.0.1:1/v2")
        .headcount(&["request", "DELETE", "Users/1"])
        .with(3)
        .says("the node cannot be reached");
}

#[test]
fn a_lost_answer_may_have_been_a_yes() {
    let node = Node::start(headcount::sandbox::Options {
        users: 1,
        faults: "reset@after=100%".parse().unwrap(),
        ..headcount::sandbox::Options::default()
    });
    let desk = node.desk();
    desk.headcount(&[
        "request",
        "POST",
        "Users",
        "--data",
        r#"{"userName":"new@example.com"}"#,
    ])
    .with(3)
    .says("may have been carried out");
    assert_eq!(node.sandbox().snapshot().users.len(), 2, "sent once");
}

#[test]
fn what_is_not_json_comes_as_it_came() {
    let server = Scripted::start(|_, _| reply(500, "<p>\r\n Oops"));
    let ended = server
        .desk()
        .headcount(&["request", "GET", "Users"])
        .with(4);
    assert_eq!(ended.stdout, "<p>\r\n Oops");
}

#[test]
fn a_body_that_is_not_json_is_not_sent() {
    let server = Scripted::start(|_, _| reply(200, "{}"));
    let desk = server.desk();
    desk.file("body.json", "{\n  \"active\": nope }");
    let patch = ["request", "PATCH", "Users/1", "--data"];
    desk.headcount(&[&patch[..], &["@body.json"]].concat())
        .with(2)
        .says("body.json is not JSON: expected ident at line 2 column 14; nothing was sent");
    desk.headcount(&[&patch[..], &["{"]].concat())
        .with(2)
        .says("--data is not JSON: EOF while parsing an object at line 1 column 1");
    desk.headcount(&[&patch[..], &["@nowhere.json"]].concat())
        .with(2);
    desk.headcount(&["request", "GET", "Users", "--data", "{}"])
        .with(2)
        .says("GET sends no body");
    desk.headcount(&["request", "GET", "Users", "--query", "count"])
        .with(2);
    desk.headcount(&["request", "HEAD", "Users"]).with(2);
    assert!(server.calls().is_empty());
}

#[test]
fn a_body_comes_from_a_file_or_from_standard_input() {
    let server = Scripted::start(|_, _| reply(204, ""));
    let desk = server.desk();
    let path = desk.file("body.json", "\u{FEFF}{\"a\": 1}\n");
    desk.headcount(&["request", "PUT", "Users/1", "--data", "@body.json"])
        .with(0);
    let mut command = desk.command(&["request", "PUT", "Users/1", "--data", "@-"]);
    ended(command.stdin(std::fs::File::open(path).unwrap())).with(0);
    let calls = server.calls();
    assert_eq!(calls.len(), 2);
    for call in calls {
        assert_eq!(call.body, "{\"a\": 1}\n");
    }
    desk.headcount(&[
        "request",
        "PUT",
        "Users/1",
        "--data",
        "@-",
        "--token-file",
        "-",
    ])
    .with(2)
    .says("cannot both come over standard input");
    assert_eq!(server.calls().len(), 2);
}

#[test]
fn a_token_that_a_node_sends_back_is_not_shown() {
    let server = Scripted::start(|call, _| {
        let sent = call.headers["authorization"].to_str().unwrap();
        reply(200, json!({"you sent": sent})).header("location", sent)
    });
    let ended = server
        .desk()
        .headcount(&["request", "GET", "Users"])
        .with(0);
    assert!(
        ended.stdout.contains("Bearer [the token]"),
        "{}",
        ended.stdout
    );
}

#[test]
fn the_sandbox_can_be_asked() {
    let desk = Desk::at("");
    let mut command = desk.command(&["request", "get", "/ServiceProviderConfig", "--sandbox"]);
    command.env_remove("HEADCOUNT_URL");
    let ended = ended(&mut command).with(0);
    let config: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(config["patch"]["supported"], true);
}

/// What `curl` would be called with, one word a line.
#[cfg(unix)]
fn words_of(desk: &Desk, script: &str) -> Vec<String> {
    let script = format!("curl() {{ for word; do printf '%s\\n' \"$word\"; done; }}\n{script}");
    let output = Command::new("sh")
        .args(["-c", &script])
        .current_dir(desk.path(""))
        .env("HEADCOUNT_TOKEN", "from-the-shell")
        .output()
        .unwrap();
    assert!(output.status.success(), "{script}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
#[cfg(unix)]
fn the_same_call_is_written_for_a_shell_and_nothing_is_sent() {
    let server = Scripted::start(|_, _| reply(200, "{}"));
    let desk = server.desk();
    desk.file("o'brien.json", "{}");
    let body = r#"{"displayName": "O'Brien & $HOME `x` \\ \"é\""}"#;
    let args = ["request", "PATCH", "Users/1", "--curl", "--data"];
    let mut command = desk.command(&[&args[..], &[body]].concat());
    // No token is needed to write it down.
    let ended = ended(command.env_remove("HEADCOUNT_TOKEN")).with(0);
    assert!(
        ended
            .stdout
            .contains("\"Authorization: Bearer $HEADCOUNT_TOKEN\"")
    );
    let words = words_of(&desk, &ended.stdout);
    let url = format!("{}/Users/1", desk.url());
    assert_eq!(
        words,
        [
            "--request",
            "PATCH",
            "--header",
            "Authorization: Bearer from-the-shell",
            "--header",
            "Accept: application/scim+json",
            "--header",
            "Content-Type: application/scim+json",
            "--data-binary",
            body,
            &url
        ]
    );
    let ended = desk
        .headcount(&[&args[..], &["@o'brien.json"]].concat())
        .with(0);
    let words = words_of(&desk, &ended.stdout);
    assert!(words.contains(&"@o'brien.json".to_owned()), "{words:?}");
    assert!(server.calls().is_empty());

    let mut command = desk.command(&["request", "GET", "Users", "--curl", "--sandbox"]);
    harness::ended(command.env_remove("HEADCOUNT_URL"))
        .with(2)
        .says("headcount sandbox");
}
