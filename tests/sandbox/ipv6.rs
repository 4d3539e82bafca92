//! Nodes whose address is an IPv6 one: taken, shown and remembered like any other.

use crate::support::every_file;
use crate::support::tls::trusting;
use harness::{Node, ended};
use headcount::sandbox::{Options, Tls};

/// A node at `::1`, or nothing on a machine that has no such address.
fn node(tls: Option<Tls>) -> Option<Node> {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        eprintln!("this machine has no IPv6 address of its own (::1): nothing is tested");
        return None;
    }
    Some(Node::start(Options {
        listen: "[::1]:0".parse().unwrap(),
        tls,
        users: 3,
        ..Options::default()
    }))
}

#[test]
fn an_ipv6_address_is_taken_shown_and_remembered() {
    let Some(node) = node(None) else { return };
    assert!(node.url().starts_with("http://[::1]:"), "{}", node.url());
    let place = node.url().split('/').nth(2).unwrap().to_owned();
    let desk = node.desk();
    desk.file("people.csv", "email,teams\nann@example.com,Sales\n");
    desk.headcount(&["import", "people.csv"]).with(0);
    let runs = desk.headcount(&["runs", "show"]).with(0);
    assert!(runs.stdout.contains(&place), "{}", runs.stdout);
    desk.headcount(&["runs", "undo", "--yes"]).with(0);
    let report = desk.headcount(&["doctor"]).with(0).stdout;
    assert!(
        report.contains(&format!("node 1234567890 at {place}")),
        "{report}"
    );
    assert!(
        report.contains("not needed: [::1] is an address itself"),
        "{report}"
    );
    let curl = desk
        .headcount(&["request", "GET", "/Users", "--curl"])
        .with(0);
    assert!(curl.stdout.contains(&node.url()), "{}", curl.stdout);

    // Names that every file system takes.
    let files = every_file(&desk);
    assert!(files.len() > 2, "with the record of a run and its results");
    for (path, _) in files {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(!name.contains([':', '[', ']']), "{name}");
    }
}

#[test]
fn a_certificate_may_be_for_an_ipv6_address() {
    let Some(node) = node(Some(Tls::Made { names: Vec::new() })) else {
        return;
    };
    let authority = node.sandbox().authority().unwrap();
    let desk = node.desk();
    ended(&mut trusting(&desk, authority, &["export", "users"])).with(0);
    assert!(node.sandbox().calls().over_http_2 > 0);
}

#[test]
fn nobody_at_an_ipv6_address_is_said_like_anywhere_else() {
    let Some(node) = node(None) else { return };
    let (url, desk) = (node.url(), node.desk());
    drop(node);
    let place = url.split('/').nth(2).unwrap();
    desk.headcount(&["export", "users"]).with(3).says(&format!(
        "nobody listens at {place}; start the node on this machine, or correct the port in --url"
    ));
}
