//! Offboarding from a list.

use crate::support::scripted::{Scripted, list, reply, user};
use harness::{Node, column};
use headcount::sandbox::Options;

/// Those who are not locked.
fn emails(node: &Node) -> Vec<String> {
    let active = node.active().into_iter();
    active.map(|user| user.user_name).collect()
}

#[test]
fn a_list_of_emails_and_ids_is_locked_and_unlocked() {
    let node = Node::with_users(60);
    let desk = node.desk();
    let active = node.active();
    desk.file(
        "leavers.csv",
        format!(
            "email,id,Last Day\n{},,2026-12-31\n,{},\n{},{},\n",
            active[0].user_name.to_uppercase(),
            active[1].id,
            active[2].user_name,
            active[2].id
        ),
    );
    desk.headcount(&["lock", "leavers.csv", "--yes"])
        .with(0)
        .says("3 locked");
    assert_eq!(
        column(&desk.rows("leavers.results.csv"), "result_action"),
        ["lock", "lock", "lock"]
    );
    let now = node.sandbox().snapshot();
    for gone in &active[..3] {
        assert!(
            !now.user(&gone.user_name).unwrap().active,
            "{}",
            gone.user_name
        );
    }
    assert!(now.user(&active[3].user_name).unwrap().active);

    desk.headcount(&["lock", "leavers.csv", "--yes"])
        .with(0)
        .says("3 unchanged");
    desk.headcount(&["unlock", "leavers.csv"])
        .with(0)
        .says("3 unlocked");
    assert!(
        node.sandbox()
            .snapshot()
            .user(&active[0].user_name)
            .unwrap()
            .active
    );
}

#[test]
fn who_is_not_there_is_said_and_the_others_are_locked() {
    let node = Node::with_users(60);
    let desk = node.desk();
    let users = node.sandbox().snapshot().users;
    let ann = users.iter().find(|user| user.active).unwrap();
    desk.file(
        "leavers.csv",
        format!(
            "email,id\nnobody@example.com,\n{},\n,no-such-id\n{},{}\n",
            ann.user_name, users[5].user_name, users[6].id
        ),
    );
    desk.headcount(&["lock", "leavers.csv", "--yes"]).with(4);
    let rows = desk.rows("leavers.results.csv");
    assert_eq!(
        column(&rows, "result_outcome"),
        ["failed", "locked", "failed", "failed"]
    );
    assert_eq!(column(&rows, "result_status")[..3], ["404", "200", "404"]);
    assert!(
        rows[3]["result_error"].contains(&users[6].user_name),
        "{}",
        rows[3]["result_error"]
    );
    let now = node.sandbox().snapshot();
    assert_eq!(
        now.users[5].active, users[5].active,
        "email and id of two people: neither is touched"
    );
    assert_eq!(now.users[6].active, users[6].active);
}

#[test]
fn without_a_terminal_and_without_yes_nobody_is_locked() {
    let node = Node::with_users(60);
    let desk = node.desk();
    let before = node.sandbox().snapshot();
    desk.file(
        "leavers.csv",
        format!("email\n{}\n", before.users[0].user_name),
    );
    desk.headcount(&["lock", "leavers.csv"])
        .with(2)
        .says("lock 1")
        .says("--yes");
    assert_eq!(
        node.sandbox().snapshot().users[0].active,
        before.users[0].active
    );
    assert!(!desk.path("leavers.results.csv").exists());
}

#[test]
fn a_large_part_of_a_node_is_not_locked_by_mistake() {
    let node = Node::with_users(100);
    let desk = node.desk();
    let emails = emails(&node);
    desk.file(
        "leavers.csv",
        format!("email\n{}\n", emails[..40].join("\n")),
    );
    desk.headcount(&["lock", "leavers.csv", "--yes"])
        .with(5)
        .says("--allow-locks 40")
        .says("nothing was sent");
    assert_eq!(node.active().len(), emails.len());
    desk.headcount(&["lock", "leavers.csv", "--yes", "--allow-locks", "40"])
        .with(0)
        .says("40 locked");
    assert_eq!(node.active().len(), emails.len() - 40);
}

#[test]
fn people_are_found_by_whichever_is_fewer_calls() {
    let node = Node::start(Options {
        users: 1_000,
        page_max: 100,
        ..Options::default()
    });
    let desk = node.desk();
    let emails = emails(&node);
    desk.file("three.csv", format!("email\n{}\n", emails[..3].join("\n")));
    desk.headcount(&["lock", "three.csv", "--yes"]).with(0);
    // What the node can do, the first page, then three questions and three locks.
    assert_eq!(node.sandbox().calls().total(), 8);
    desk.file(
        "many.csv",
        format!("email\n{}\n", emails[100..200].join("\n")),
    );
    desk.headcount(&["lock", "many.csv", "--yes"]).with(0);
    // What the node can do, ten pages and a hundred locks.
    assert_eq!(node.sandbox().calls().total(), 8 + 1 + 110);
}

/// A server of three users whose answer to a filter is up to the test.
fn server(
    filtered: impl Fn(&str) -> crate::support::scripted::Reply + Send + Sync + 'static,
) -> Scripted {
    Scripted::start(
        move |call, _| match (call.method.as_str(), call.query("filter")) {
            ("GET", Some(filter)) => filtered(filter),
            ("GET", None) if call.path != "/Users" => reply(404, ""),
            ("GET", None) => reply(
                200,
                list(&[
                    user("1", "ann@example.com", true),
                    user("2", "Bob@Example.com", true),
                    user("3", "c@example.com", true),
                ]),
            ),
            ("PATCH", _) => reply(204, ""),
            _ => reply(405, ""),
        },
    )
}

#[test]
fn a_server_that_ignores_filters_locks_nobody_else() {
    let server = server(|_| {
        reply(
            200,
            list(&[
                user("1", "ann@example.com", true),
                user("2", "Bob@Example.com", true),
            ]),
        )
    });
    let desk = server.desk();
    desk.file("leavers.csv", "email\nc@example.com\n");
    desk.headcount(&["lock", "leavers.csv", "--yes"]).with(0);
    let patches: Vec<_> = server
        .calls()
        .into_iter()
        .filter(|call| call.method == "PATCH")
        .collect();
    assert_eq!(patches.len(), 1);
    assert_eq!(patches[0].path, "/Users/3");
    let operation = &patches[0].json()["Operations"][0];
    assert_eq!(
        (operation["path"].as_str(), operation["value"].as_bool()),
        (Some("active"), Some(false))
    );
}

#[test]
fn a_server_that_refuses_filters_or_compares_case_is_listed() {
    for answer in [
        reply(400, r#"{"detail":"filters are not supported"}"#),
        reply(501, ""),
        reply(200, list(&[])),
    ] {
        let server = server(move |_| answer.clone());
        let desk = server.desk();
        desk.file("leavers.csv", "email\nBOB@example.com\n");
        desk.headcount(&["lock", "leavers.csv", "--yes"])
            .with(0)
            .says("1 locked");
        assert!(
            server
                .calls()
                .iter()
                .any(|call| call.is("PATCH", "/Users/2"))
        );
    }
}

#[test]
fn a_lock_that_the_server_does_not_carry_out_is_not_called_locked() {
    let server = Scripted::start(|call, _| match call.path.as_str() {
        "/Users" => reply(200, list(&[user("1", "ann@example.com", true)])),
        _ => reply(200, user("1", "ann@example.com", true)),
    });
    let desk = server.desk();
    desk.file("leavers.csv", "email\nann@example.com\n");
    desk.headcount(&["lock", "leavers.csv", "--yes"])
        .with(4)
        .says("1 failed");
    assert!(desk.rows("leavers.results.csv")[0]["result_error"].contains("has not changed active"));
}
