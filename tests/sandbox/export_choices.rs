//! Exports of a part: columns, filters, order; whatever the node makes of a filter.

use crate::support::scripted::{Scripted, reply, user};
use harness::{Desk, Ended, Node, column, rows};
use headcount::sandbox::Options;

fn exported(desk: &Desk, args: &[&str]) -> Vec<harness::Row> {
    let all = [&["export"], args].concat();
    rows(desk.headcount(&all).with(0).stdout.as_bytes())
}

#[test]
fn columns_come_in_the_order_that_was_asked_for() {
    let node = Node::with_users(3);
    let desk = node.desk();
    let first_line = |args: &[&str]| {
        let ended = desk.headcount(args).with(0);
        ended.stdout.lines().next().unwrap().to_owned()
    };
    assert_eq!(
        first_line(&["export", "users", "--columns", "email, Last Name,id"]),
        "email,last_name,id"
    );
    assert_eq!(
        first_line(&["export", "teams", "--columns", "name"]),
        "name"
    );
    assert_eq!(
        first_line(&["export", "members", "--columns", "email,team"]),
        "email,team"
    );
    let ended = desk
        .headcount(&["export", "users", "--columns", "email,actve"])
        .with(2);
    insta::assert_snapshot!(ended.stderr, @r#"error: there is no column "actve"; did you mean active?"#);
    let ended = desk
        .headcount(&["export", "teams", "--sort", "last_name"])
        .with(2);
    insta::assert_snapshot!(ended.stderr, @r#"error: there is no column "last_name"; there are id, name, kind"#);
}

#[test]
fn nobody_is_asked_for_memberships_that_are_not_shown() {
    // Users who do not say what they are in: that costs a list of the groups.
    let server = Scripted::start(|call, _| {
        if call.is("GET", "/Groups") {
            return reply(200, serde_json::json!({"totalResults": 0}));
        }
        let mut user = user("1", "a@example.com", true);
        user.as_object_mut().unwrap().remove("groups");
        reply(
            200,
            serde_json::json!({"totalResults": 1, "Resources": [user]}),
        )
    });
    let desk = server.desk();
    let asked = || {
        server
            .calls()
            .iter()
            .filter(|call| call.path == "/Groups")
            .count()
    };
    desk.headcount(&["export", "users", "--columns", "email"])
        .with(0);
    assert_eq!(asked(), 0);
    desk.headcount(&["export", "users", "--columns", "teams"])
        .with(0);
    assert_eq!(asked(), 1);
    desk.headcount(&[
        "export",
        "users",
        "--columns",
        "id",
        "--filter",
        "groups pr",
    ])
    .with(0);
    assert_eq!(asked(), 2);
}

#[test]
fn a_filter_shows_those_that_match() {
    let node = Node::with_users(500);
    let desk = node.desk();
    let snapshot = node.sandbox().snapshot();
    let expected = |fits: &dyn Fn(&headcount::sandbox::UserSnapshot) -> bool| {
        let users = snapshot.users.iter().filter(|user| fits(user));
        let mut names: Vec<String> = users.map(|user| user.user_name.clone()).collect();
        names.sort();
        assert!(!names.is_empty() && names.len() < 500);
        names
    };
    let shown = |args: &[&str]| {
        let all = [&["users", "--columns", "email"], args].concat();
        let mut names = column(&exported(&desk, &all), "email");
        names.sort();
        names
    };
    assert_eq!(shown(&["--locked"]), expected(&|user| !user.active));
    assert_eq!(shown(&["--active"]), expected(&|user| user.active));
    assert_eq!(
        shown(&["--filter", "active eq false"]),
        expected(&|user| !user.active)
    );
    let in_sales = |user: &headcount::sandbox::UserSnapshot| {
        snapshot.groups_of(&user.user_name).contains(&"Sales")
    };
    assert_eq!(
        shown(&["--active", "--filter", "groups.display eq \"SALES\""]),
        expected(&|user| user.active && in_sales(user))
    );
    assert_eq!(
        shown(&[
            "--filter",
            "userName sw \"A\" and not (groups.display eq \"Sales\")"
        ]),
        expected(&|user| user.user_name.to_lowercase().starts_with('a') && !in_sales(user))
    );

    let members = exported(&desk, &["members", "--locked", "--filter", "groups pr"]);
    assert!(!members.is_empty());
    for row in &members {
        let user = snapshot.users.iter().find(|user| user.id == row["user_id"]);
        assert!(!user.unwrap().active, "{row:?}");
    }
    let teams = exported(&desk, &["teams", "--filter", "displayName sw \"s\""]);
    let names = column(&teams, "name");
    assert!(!names.is_empty() && names.iter().all(|name| name.starts_with('S')));
}

/// A server of 30 users, every third locked, that does with a filter what `habit` says.
fn server(habit: fn(&str) -> Option<crate::support::scripted::Reply>) -> Scripted {
    Scripted::start(move |call, _| {
        if let Some(answer) = call.query("filter").and_then(habit) {
            return answer;
        }
        let users: Vec<_> = (1..=30)
            .map(|n| user(&n.to_string(), &format!("p{n}@example.com"), n % 3 > 0))
            .collect();
        reply(
            200,
            serde_json::json!({"totalResults": 30, "Resources": users}),
        )
    })
}

#[test]
fn a_node_may_ignore_refuse_or_misunderstand_a_filter() {
    fn nobody() -> crate::support::scripted::Reply {
        reply(200, serde_json::json!({"totalResults": 0, "Resources": []}))
    }
    for (what, server) in [
        ("ignores", server(|_| None)),
        (
            "refuses",
            server(|_| Some(reply(400, "{\"detail\":\"no\"}"))),
        ),
        ("does not know", server(|_| Some(reply(501, "")))),
        ("finds nobody", server(|_| Some(nobody()))),
    ] {
        let users = exported(&server.desk(), &["users", "--locked"]);
        assert_eq!(users.len(), 10, "{what}");
        assert!(
            column(&users, "active")
                .iter()
                .all(|active| active == "false")
        );
        let asked = &server.calls()[0];
        assert_eq!(asked.query("filter"), Some("active eq false"), "{what}");
    }
    // Where it helps, nothing else is read.
    let helpful = server(|filter| {
        assert_eq!(filter, "active eq false");
        let users: Vec<_> = (1..=10)
            .map(|n| user(&(n * 3).to_string(), &format!("p{n}@example.com"), false))
            .collect();
        Some(reply(
            200,
            serde_json::json!({"totalResults": 10, "Resources": users}),
        ))
    });
    let args = [
        "users",
        "--columns",
        "id",
        "--locked",
        "--filter",
        "email co \"1\"",
    ];
    assert_eq!(exported(&helpful.desk(), &args).len(), 2);
    let calls = helpful.calls();
    assert!(!calls.is_empty() && calls.iter().all(|call| call.query("filter").is_some()));
}

#[test]
fn a_filter_that_makes_no_sense_is_refused_before_anything_is_sent() {
    let node = Node::with_users(3);
    let desk = node.desk();
    let refused = |args: &[&str]| -> Ended { desk.headcount(args).with(2) };
    let ended = refused(&[
        "export",
        "users",
        "--filter",
        "active eq false and userNam pr",
    ]);
    insta::assert_snapshot!(ended.stderr, @r#"
    error: the filter cannot be understood, at character 21: there is no attribute "userNam"; did you mean userName?
      active eq false and userNam pr
                          ^
    "#);
    refused(&["export", "users", "--active", "--locked"]).says("exclude each other");
    refused(&["export", "teams", "--locked"]).says("about users");
    assert_eq!(node.sandbox().calls().total(), 0);
}

#[test]
fn rows_are_sorted_by_a_column_shown_or_not() {
    let node = Node::with_users(300);
    let desk = node.desk();
    let sorted = exported(&desk, &["users", "--sort", "last_name"]);
    let names: Vec<String> = column(&sorted, "last_name")
        .iter()
        .map(|name| name.to_lowercase())
        .collect();
    assert!(names.is_sorted(), "{names:?}");
    assert_eq!(names.len(), 300);
    let by_other = exported(&desk, &["users", "--columns", "id", "--sort", "last_name"]);
    assert_eq!(column(&by_other, "id"), column(&sorted, "id"));
}

#[test]
fn several_nodes_are_filtered_and_sorted_together() {
    let nodes = [
        Node::with_users(40),
        Node::start(Options {
            users: 60,
            ..Options::default()
        }),
    ];
    let desk = nodes[0].desk();
    desk.file(
        "headcount.toml",
        format!(
            "[profiles.one]\nurl = \"{}\"\ntoken_env = \"HEADCOUNT_TOKEN\"\n[profiles.two]\nurl = \"{}\"\ntoken_env = \"HEADCOUNT_TOKEN\"\n",
            nodes[0].url(),
            nodes[1].url()
        ),
    );
    let mut command = desk.command(&[
        "export",
        "users",
        "--config",
        "headcount.toml",
        "--profile",
        "one",
        "--profile",
        "two",
        "--locked",
        "--columns",
        "node,email",
        "--sort",
        "email",
        "-o",
        "locked.xlsx",
    ]);
    harness::ended(command.env_remove("HEADCOUNT_URL")).with(0);
    let rows = desk.workbook("locked.xlsx");
    let locked = |node: &Node| {
        let users = node.sandbox().snapshot().users;
        users.iter().filter(|user| !user.active).count()
    };
    assert_eq!(rows.len(), locked(&nodes[0]) + locked(&nodes[1]));
    let emails = column(&rows, "email");
    assert!(emails.is_sorted_by_key(|email| email.to_lowercase()));
    assert!(column(&rows, "node").iter().any(|node| node == "two"));
}
