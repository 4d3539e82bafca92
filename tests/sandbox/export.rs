//! Everything a node holds, to the last page, each once.

use std::collections::BTreeSet;
use std::sync::Mutex;

use crate::support::scripted::{Scripted, reply, user};
use harness::{Node, column, rows};
use headcount::sandbox::Options;

#[test]
fn every_user_is_exported_once_whatever_the_page_size() {
    for total in [0, 1, 99, 100, 101, 499, 500, 501, 999, 1000, 1001] {
        for page_max in [100, 500, 1000] {
            let node = Node::start(Options {
                users: total,
                page_max,
                ..Options::default()
            });
            let ended = node.desk().headcount(&["export", "users"]).with(0);
            let exported = column(&rows(ended.stdout.as_bytes()), "id");
            let held: BTreeSet<_> = node
                .sandbox()
                .snapshot()
                .users
                .into_iter()
                .map(|user| user.id)
                .collect();
            assert_eq!(
                exported.len(),
                total,
                "{total} users in pages of {page_max}"
            );
            assert_eq!(exported.into_iter().collect::<BTreeSet<_>>(), held);
        }
    }
}

#[test]
fn a_hundred_thousand_users_are_exported() {
    for page_max in [500, 1000] {
        let node = Node::start(Options {
            users: 100_000,
            page_max,
            ..Options::default()
        });
        let desk = node.desk();
        desk.headcount(&["export", "users", "-o", "users.csv"])
            .with(0)
            .says("100,000 rows");
        let ids: BTreeSet<_> = column(&desk.rows("users.csv"), "email")
            .into_iter()
            .collect();
        assert_eq!(ids.len(), 100_000);
    }
}

#[test]
fn an_export_of_users_is_an_input_of_import() {
    let node = Node::with_users(40);
    let desk = node.desk();
    desk.headcount(&[
        "export",
        "users",
        "-o",
        "users.csv",
        "--role-prefix",
        "ROLE_",
    ])
    .with(0);
    let exported = desk.rows("users.csv");
    assert!(
        exported.iter().any(|row| !row["teams"].is_empty()),
        "{exported:?}"
    );
    desk.headcount(&[
        "import",
        "users.csv",
        "--action",
        "update",
        "--role-prefix",
        "ROLE_",
        "--yes",
    ])
    .with(0)
    .says("40 unchanged");
}

#[test]
fn json_lines_have_an_object_a_row() {
    let node = Node::with_users(3);
    let ended = node
        .desk()
        .headcount(&["export", "users", "--format", "jsonl"])
        .with(0);
    let users: Vec<serde_json::Value> = ended
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(users.len(), 3);
    assert!(
        users[0]["email"].is_string()
            && users[0]["active"].is_boolean()
            && users[0]["teams"].is_array()
    );
}

#[test]
fn teams_and_memberships_are_exported() {
    let node = Node::with_users(50);
    let desk = node.desk();
    desk.headcount(&[
        "export",
        "teams",
        "-o",
        "teams.csv",
        "--role-prefix",
        "ROLE_",
    ])
    .with(0);
    let teams = desk.rows("teams.csv");
    assert!(
        teams
            .iter()
            .any(|row| row["name"] == "Sales" && row["kind"] == "team")
    );
    assert!(
        teams
            .iter()
            .any(|row| row["name"] == "Auditor" && row["kind"] == "role")
    );

    desk.headcount(&["export", "members", "-o", "members.csv"])
        .with(0);
    let exported: BTreeSet<_> = desk
        .rows("members.csv")
        .iter()
        .map(|row| (row["team"].clone(), row["email"].clone()))
        .collect();
    let snapshot = node.sandbox().snapshot();
    let held: BTreeSet<_> = snapshot
        .users
        .iter()
        .flat_map(|user| {
            snapshot
                .groups_of(&user.user_name)
                .into_iter()
                .map(|team| (team.to_owned(), user.user_name.clone()))
        })
        .collect();
    assert!(!held.is_empty());
    assert_eq!(exported, held);
}

#[test]
#[cfg(unix)]
fn only_the_owner_may_read_an_export() {
    use std::os::unix::fs::PermissionsExt;

    let node = Node::with_users(1);
    let desk = node.desk();
    desk.headcount(&["export", "users", "-o", "users.tsv"])
        .with(0);
    let mode = std::fs::metadata(desk.path("users.tsv"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(
        std::fs::read_to_string(desk.path("users.tsv"))
            .unwrap()
            .starts_with("id\temail\t")
    );
}

#[test]
fn a_dash_is_standard_output() {
    let node = Node::with_users(3);
    let desk = node.desk();
    let ended = desk
        .headcount(&["export", "users", "-o", "-", "--format", "tsv"])
        .with(0);
    assert!(ended.stdout.starts_with("id\temail\t"), "{}", ended.stdout);
    assert_eq!(ended.stdout.lines().count(), 4);
    assert!(!desk.path("-").exists());
}

#[test]
#[cfg(unix)]
fn a_link_stays_a_link() {
    let node = Node::with_users(3);
    let desk = node.desk();
    std::fs::create_dir(desk.path("archive")).unwrap();
    for name in ["users.csv", "done.csv", "report.html"] {
        let to = std::path::Path::new("archive").join(name);
        std::os::unix::fs::symlink(to, desk.path(name)).unwrap();
    }
    for _ in 0..2 {
        desk.headcount(&["export", "users", "-o", "users.csv"])
            .with(0);
    }
    desk.file("people.csv", "email\nann@example.com\n");
    let results = ["--results", "done.csv", "--report", "report.html"];
    desk.headcount(&[&["import", "people.csv"], &results[..]].concat())
        .with(0);
    for name in ["users.csv", "done.csv", "report.html"] {
        assert!(desk.path(name).is_symlink(), "{name}");
        assert!(desk.path("archive").join(name).is_file(), "{name}");
    }
    assert_eq!(desk.path("archive").read_dir().unwrap().count(), 3);

    // The results are known by the name that was given.
    desk.headcount(&["runs", "retry", "done.csv"]).with(0);
    std::fs::remove_dir_all(desk.path("archive")).unwrap();
    desk.headcount(&["export", "users", "-o", "users.csv"])
        .with(2)
        .says("users.csv cannot be written: it is a link to")
        .says("there is no such folder");
}

#[test]
#[cfg(unix)]
fn a_pipe_is_written_into_and_not_replaced() {
    use std::os::unix::fs::FileTypeExt;

    let node = Node::with_users(3);
    let desk = node.desk();
    let pipe = desk.path("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::read_to_string(pipe).unwrap()
    });
    desk.headcount(&["export", "users", "-o", "pipe"]).with(0);
    assert_eq!(reader.join().unwrap().lines().count(), 4);
    let kind = std::fs::metadata(&pipe).unwrap().file_type();
    assert!(kind.is_fifo());

    let file = desk.file("people.csv", "email\nann@example.com\n");
    let file = file.to_str().unwrap();
    desk.headcount(&["import", file, "--results", "pipe"])
        .with(2)
        .says("it is a device or a pipe, and would be replaced by a file");
}

/// A server of paged users; `users` gives those that it holds at each call.
fn paged(page: usize, users: impl Fn(usize) -> Vec<u32> + Send + Sync + 'static) -> Scripted {
    Scripted::start(move |call, before| {
        let users = users(before);
        let number = |name| {
            call.query(name)
                .and_then(|value| value.parse::<usize>().ok())
        };
        let start = number("startIndex").unwrap_or(1);
        let count = number("count").unwrap_or(page).min(page);
        let resources: Vec<_> = users
            .iter()
            .skip(start - 1)
            .take(count)
            .map(|id| user(&id.to_string(), &format!("p{id}@example.com"), true))
            .collect();
        reply(
            200,
            serde_json::json!({"totalResults": users.len(), "Resources": resources}),
        )
    })
}

/// The ids in an export of all users.
fn exported(server: &Scripted) -> BTreeSet<u32> {
    let ended = server.desk().headcount(&["export", "users"]).with(0);
    let ids = column(&rows(ended.stdout.as_bytes()), "id");
    ids.iter().map(|id| id.parse().unwrap()).collect()
}

#[test]
fn somebody_who_is_skipped_because_another_left_is_read_after_all() {
    // After the second page the first person leaves, and everyone moves up by one.
    let server = paged(10, |before| {
        if before < 2 {
            (1..=35).collect()
        } else {
            (2..=35).collect()
        }
    });
    let ids = exported(&server);
    assert_eq!(ids, (1..=35).collect(), "nobody who is there is missing");
}

#[test]
fn one_who_leaves_while_another_comes_is_noticed_although_the_total_stays() {
    let server = paged(10, |before| {
        if before < 2 {
            (1..=35).collect()
        } else {
            (2..=36).collect()
        }
    });
    let ids = exported(&server);
    assert!((2..=36).all(|id| ids.contains(&id)), "{ids:?}");
}

#[test]
fn a_list_that_never_holds_still_or_is_short_is_an_error() {
    // The total says 30, but the third page is always empty.
    let short = Scripted::start(|call, _| {
        let start: u32 = call.query("startIndex").unwrap().parse().unwrap();
        let page: Vec<_> = (start..=20)
            .take(10)
            .map(|id| user(&id.to_string(), &format!("p{id}@x.com"), true))
            .collect();
        reply(
            200,
            serde_json::json!({"totalResults": 30, "Resources": page}),
        )
    });
    let desk = short.desk();
    let ended = desk
        .headcount(&["export", "users", "-o", "users.csv"])
        .with(4);
    assert!(
        ended.stderr.contains("20") && ended.stderr.contains("30"),
        "{}",
        ended.stderr
    );
    assert!(
        !desk.path("users.csv").exists(),
        "a short export must not look like a whole one"
    );

    // The server does not know `startIndex`: it sends the first page again and again.
    let stuck = Scripted::start(|_, _| {
        let page: Vec<_> = (1..=10)
            .map(|id| user(&id.to_string(), &format!("p{id}@x.com"), true))
            .collect();
        reply(
            200,
            serde_json::json!({"totalResults": 30, "Resources": page}),
        )
    });
    stuck.desk().headcount(&["export", "users"]).with(4);
}

#[test]
fn odd_lists_are_read() {
    // The total as a string; `Resources` missing when there are none; no total at all.
    let odd = |call: &crate::support::scripted::Call| {
        let start: u32 = call.query("startIndex").unwrap().parse().unwrap();
        (start..=25)
            .take(10)
            .map(|id| user(&id.to_string(), &format!("p{id}@x.com"), true))
            .collect::<Vec<_>>()
    };
    let text = Scripted::start(move |call, _| {
        reply(
            200,
            serde_json::json!({"totalResults": "25", "resources": odd(call)}),
        )
    });
    assert_eq!(
        rows(
            text.desk()
                .headcount(&["export", "users"])
                .with(0)
                .stdout
                .as_bytes()
        )
        .len(),
        25
    );
    let untold =
        Scripted::start(move |call, _| reply(200, serde_json::json!({"Resources": odd(call)})));
    assert_eq!(
        rows(
            untold
                .desk()
                .headcount(&["export", "users"])
                .with(0)
                .stdout
                .as_bytes()
        )
        .len(),
        25
    );
    let none = Scripted::start(|_, _| reply(200, serde_json::json!({"totalResults": 0})));
    assert_eq!(
        rows(
            none.desk()
                .headcount(&["export", "users"])
                .with(0)
                .stdout
                .as_bytes()
        )
        .len(),
        0
    );
    let single = paged(1, |_| (1..=5).collect());
    assert_eq!(
        rows(
            single
                .desk()
                .headcount(&["export", "users"])
                .with(0)
                .stdout
                .as_bytes()
        )
        .len(),
        5
    );
}

#[test]
fn a_server_that_refuses_large_pages_is_asked_for_smaller_ones() {
    let refused = Mutex::new(0);
    let server = Scripted::start(move |call, _| {
        if call.query("count").unwrap().parse::<u32>().unwrap() > 200 {
            *refused.lock().unwrap() += 1;
            return reply(400, r#"{"detail":"count is too large"}"#);
        }
        reply(
            200,
            serde_json::json!({"totalResults": 1, "Resources": [user("1", "a@x.com", true)]}),
        )
    });
    assert_eq!(
        rows(
            server
                .desk()
                .headcount(&["export", "users"])
                .with(0)
                .stdout
                .as_bytes()
        )
        .len(),
        1
    );
}
