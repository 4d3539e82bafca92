//! Connections are used again and again: to make one costs more than a call, and a node may allow only so many.

mod support;

use headcount::sandbox::Options;
use support::Node;
use support::proxy::Proxy;

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
