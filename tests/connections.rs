//! Connections are used again and again: to make one costs more than a call, and a node may allow only so many.

mod support;

use headcount::sandbox::Options;
use support::Node;
use support::proxy::Proxy;

const ROWS: usize = 2_000;

fn people() -> String {
    let rows = (0..ROWS).map(|i| format!("p{i}@example.com,First{i},Last{i},Sales\n"));
    "email,first_name,last_name,teams\n".to_owned() + &rows.collect::<String>()
}

fn assert_opens_no_more_connections_than(calls_in_flight: usize) {
    let node = Node::start(Options {
        users: 0,
        ..Options::default()
    });
    let proxy = Proxy::before(&node);
    let desk = proxy.desk();
    desk.file("people.csv", people());
    let concurrency = calls_in_flight.to_string();
    desk.headcount(&["import", "people.csv", "--concurrency", &concurrency])
        .with(0)
        .says("2,000 created");
    assert_eq!(node.sandbox().calls().of("POST /Users"), ROWS as u64);
    let connections = proxy.connections();
    assert!(
        (1..=calls_in_flight).contains(&connections),
        "{connections} connections for {calls_in_flight} calls in flight"
    );
}

#[test]
fn an_import_opens_no_more_connections_than_calls_in_flight() {
    assert_opens_no_more_connections_than(16);
}

#[test]
fn an_import_of_one_call_at_a_time_keeps_to_one_connection() {
    assert_opens_no_more_connections_than(1);
}
