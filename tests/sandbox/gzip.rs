//! Answers that come packed by gzip (RFC 9110, section 8.4.1.3): read as if they had come plain, and no longer than
//! they may be.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::scripted::{Reply, Scripted, list, reply, user};
use flate2::Compression;
use flate2::write::GzEncoder;
use harness::mixed::{self, State};
use harness::{Node, TOKEN, column, rows};
use headcount::sandbox::{Gzip, Options};
use serde_json::json;

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An answer with these bytes for a body, said to be gzip.
fn gzip(status: u16, bytes: Vec<u8>) -> Reply {
    reply(status, "")
        .header("content-encoding", "gzip")
        .bytes(bytes)
}

fn node(gzip: Gzip, faults: &str) -> Node {
    Node::start(Options {
        users: 60,
        teams: 4,
        page_max: 20,
        gzip,
        faults: faults.parse().unwrap(),
        seed: 3,
        ..Options::default()
    })
}

/// How many bytes came of a list and what they came to, by the log.
fn of_lists(log: &str) -> Vec<(u64, Option<u64>)> {
    let lines = log
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let fields = lines.map(|line| line["fields"].clone());
    let lists = fields.filter(|fields| {
        fields["message"] == "answered"
            && fields["call"].as_str().unwrap().starts_with("GET")
            && fields["call"].as_str().unwrap().ends_with("/Users")
    });
    lists
        .map(|fields| (fields["bytes"].as_u64().unwrap(), fields["packed"].as_u64()))
        .collect()
}

#[test]
fn lists_come_packed_where_the_node_packs_what_is_asked_for() {
    for gzip in [Gzip::Never, Gzip::Asked, Gzip::Always] {
        let node = node(gzip, "");
        let desk = node.desk();
        let log = ["-vv", "--log-file", "log.json", "--log-format", "json"];
        let ended = desk
            .headcount(&[&["export", "users"][..], &log].concat())
            .with(0);
        let users = node.sandbox().snapshot().users;
        let held: Vec<String> = users.into_iter().map(|user| user.user_name).collect();
        assert_eq!(
            column(&rows(ended.stdout.as_bytes()), "email"),
            held,
            "{gzip:?}"
        );
        let log = std::fs::read_to_string(desk.path("log.json")).unwrap();
        let lists = of_lists(&log);
        assert!(lists.len() >= 4, "{log}");
        for (bytes, packed) in lists {
            match packed {
                None => assert_eq!(gzip, Gzip::Never),
                Some(packed) => assert!(
                    gzip != Gzip::Never && packed * 2 < bytes,
                    "{packed} of {bytes}"
                ),
            }
        }
    }
}

#[test]
fn only_lists_are_asked_for_packed() {
    let server = Scripted::start(|call, _| match (call.method.as_str(), call.path.as_str()) {
        ("GET", "/Users" | "/Groups") => reply(200, list(&[])),
        ("POST", _) => reply(201, user("1", "ann@example.com", true)),
        _ => reply(404, ""),
    });
    let desk = server.desk();
    desk.file(
        "people.csv",
        "email\nann@example.com\nbob@example.com\ncy@example.com\n",
    );
    desk.headcount(&["import", "people.csv"]);
    desk.headcount(&["export", "users"]).with(0);
    let calls = server.calls();
    let asking = |call: &&crate::support::scripted::Call| {
        call.headers
            .get("accept-encoding")
            .is_some_and(|value| value == "gzip")
    };
    let (packed, plain): (Vec<_>, Vec<_>) = calls.iter().partition(asking);
    assert!(packed.iter().any(|call| call.is("GET", "/Users")));
    assert!(
        packed
            .iter()
            .all(|call| call.method == "GET" && matches!(&*call.path, "/Users" | "/Groups"))
    );
    assert!(plain.iter().any(|call| call.is("POST", "/Users")));
    assert!(plain.iter().all(|call| !call.is("GET", "/Users")));
}

/// Everything that a run can do, through something that packs whatever is asked; with half of some answers missing.
#[test]
fn a_run_is_the_same_through_something_that_packs_every_answer() {
    let mut states = Vec::new();
    for (gzip, faults) in [
        (Gzip::Never, ""),
        (Gzip::Always, ""),
        (Gzip::Always, "malformed=20%,cut=5%,empty=5%"),
    ] {
        let node = node(gzip, faults);
        let desk = node.desk();
        desk.file("people.csv", mixed::file(node.sandbox(), 16).0);
        desk.headcount(&[
            "import",
            "people.csv",
            "--yes",
            "-q",
            "--allow-locks",
            "1000",
        ])
        .with(0);
        let rows = desk.rows("people.results.csv");
        assert!(
            rows.iter().all(|row| row["result_status"] != "409"),
            "{rows:?}"
        );
        states.push(State::of(node.sandbox()));
    }
    assert_eq!(states[0], states[1]);
    assert_eq!(states[0], states[2]);
}

/// A server that makes one account, and answers that with these bytes.
fn creator(answer: Vec<u8>) -> Scripted {
    let made = AtomicBool::new(false);
    Scripted::start(
        move |call, _| match (call.method.as_str(), call.path.as_str()) {
            ("POST", "/Users") => {
                made.store(true, Ordering::Relaxed);
                gzip(201, answer.clone())
            }
            ("GET", "/Users") if made.load(Ordering::Relaxed) => {
                let mut made = user("1", "ann@example.com", true);
                // Made by this run, by the clock of the node.
                made["meta"] = json!({"created": "2999-01-01T00:00:00Z"});
                let all = list(&[made]);
                gzip(200, packed(all.to_string().as_bytes()))
            }
            ("GET", _) => gzip(200, packed(list(&[]).to_string().as_bytes())),
            _ => reply(404, ""),
        },
    )
}

#[test]
fn a_create_whose_answer_cannot_be_unpacked_is_looked_up_and_not_sent_again() {
    let whole = packed(user("1", "ann@example.com", true).to_string().as_bytes());
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 0x55;
    let endless = packed(&vec![b' '; 16 << 20]);
    assert!(endless.len() < 1 << 18);
    for answer in [whole[..whole.len() / 2].to_vec(), changed, endless] {
        let server = creator(answer);
        let desk = server.desk();
        desk.file("people.csv", "email\nann@example.com\n");
        desk.headcount(&["import", "people.csv"])
            .with(0)
            .says("1 created");
        let rows = desk.rows("people.results.csv");
        assert_eq!(rows[0]["result_outcome"], "created");
        assert_eq!(rows[0]["result_user_id"], "1");
        let calls = server.calls();
        let sent = calls.iter().position(|call| call.method == "POST").unwrap();
        assert!(calls[sent..].iter().any(|call| call.is("GET", "/Users")));
        assert_eq!(server.count("POST"), 1);
    }
}

#[test]
fn a_list_that_is_never_to_be_unpacked_is_said() {
    let server = Scripted::start(|_, _| gzip(200, b"{\"Resources\": []}".to_vec()));
    server
        .desk()
        .headcount(&["export", "users"])
        .with(3)
        .says("its gzip cannot be unpacked");
    assert_eq!(server.calls().len(), 8);
}

#[test]
fn what_came_packed_is_shown_unpacked_and_without_the_token() {
    let somebody = json!({"id": "1", "userName": "ann@example.com", "displayName": TOKEN});
    let bytes = packed(somebody.to_string().as_bytes());
    let server = Scripted::start(move |_, _| gzip(200, bytes.clone()));
    let ended = server
        .desk()
        .headcount(&["request", "GET", "/Users/1"])
        .with(0);
    assert!(
        ended.stdout.contains("\"userName\": \"ann@example.com\""),
        "{}",
        ended.stdout
    );
    assert!(ended.stdout.contains("[the token]"), "{}", ended.stdout);
}

#[test]
fn a_refusal_that_came_packed_is_told_in_the_nodes_words() {
    let said = packed(
        json!({"detail": "nobody is let in today"})
            .to_string()
            .as_bytes(),
    );
    let server = Scripted::start(move |_, _| gzip(401, said.clone()));
    server
        .desk()
        .headcount(&["export", "users"])
        .with(3)
        .says("nobody is let in today");
}
