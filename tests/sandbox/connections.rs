//! Connections are used again and again: to make one costs more than a call, and a node may allow only so many.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use crate::support::scripted::{Scripted, list, reply};
use harness::Node;
use harness::proxy::Proxy;
use headcount::sandbox::Options;
use serde_json::json;

const ROWS: usize = 2_000;

/// How many connections an import opens.
#[track_caller]
fn connections(calls_in_flight: usize) -> usize {
    let node = Node::start(Options {
        users: 0,
        ..Options::default()
    });
    let proxy = Proxy::before(&node);
    let desk = proxy.desk();
    let rows = (0..ROWS).map(|i| format!("p{i}@example.com,First{i},Last{i},Sales\n"));
    let people = "email,first_name,last_name,teams\n".to_owned() + &rows.collect::<String>();
    desk.file("people.csv", people);
    let concurrency = calls_in_flight.to_string();
    desk.headcount(&["import", "people.csv", "--concurrency", &concurrency])
        .with(0)
        .says("2,000 created");
    assert_eq!(node.sandbox().calls().of("POST /Users"), ROWS as u64);
    proxy.connections()
}

#[test]
fn an_import_of_one_call_at_a_time_keeps_to_one_connection() {
    assert_eq!(connections(1), 1);
}

#[test]
fn an_import_opens_no_more_connections_than_calls_in_flight() {
    let opened = connections(16);
    assert!((2..=16).contains(&opened), "{opened} connections");
}

/// A node that answers neither question before it has heard both.
#[test]
fn what_is_asked_before_the_first_row_is_asked_at_once() {
    let (asked, heard) = (Mutex::new(BTreeSet::new()), Condvar::new());
    let both_are_asked = move |path: &str| {
        let mut asked = asked.lock().unwrap();
        asked.insert(path.to_owned());
        heard.notify_all();
        let patience = Duration::from_mins(1);
        let (mut asked, timeout) = heard
            .wait_timeout_while(asked, patience, |asked| asked.len() < 2)
            .unwrap();
        if timeout.timed_out() {
            asked.remove(path);
        }
        !timeout.timed_out()
    };
    let server = Scripted::start(move |call, _| match &*call.path {
        "/Users" => reply(200, list(&[])),
        path if !tokio::task::block_in_place(|| both_are_asked(path)) => reply(400, "one by one"),
        "/Groups" => reply(200, list(&[json!({"id": "g1", "displayName": "Sales"})])),
        _ => reply(404, ""),
    });
    let desk = server.desk();
    let people = ["ann", "ben", "cleo"].map(|name| format!("{name}@example.com,Sales\n"));
    desk.file("people.csv", "email,teams\n".to_owned() + &people.concat());
    desk.headcount(&["import", "people.csv", "--dry-run"])
        .with(0)
        .says("3 rows");
}
