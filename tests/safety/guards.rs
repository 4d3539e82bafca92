//! Who would lose access is counted by what a run would do, not by what the file calls it, and again
//! while rows are carried out.

use crate::support::scripted::{Scripted, list, reply, user};
use crate::support::{Node, column};
use headcount::sandbox::{Bulk, Options};
use serde_json::json;

/// A spreadsheet of new accounts that are locked.
fn inactive(emails: &[String]) -> String {
    let rows = emails.iter().map(|email| format!("{email},Ann,Lee,no\n"));
    format!(
        "email,first name,last name,active\n{}",
        rows.collect::<String>()
    )
}

fn with_action(emails: &[String], action: &str) -> String {
    let rows = emails.iter().map(|email| format!("{email},{action}\n"));
    format!("email,action\n{}", rows.collect::<String>())
}

/// Those who are active on the node, and those who are locked.
fn emails(node: &Node) -> (Vec<String>, Vec<String>) {
    let users = node.sandbox().snapshot().users.into_iter();
    let (active, locked): (Vec<_>, Vec<_>) = users.partition(|user| user.active);
    let names = |users: Vec<headcount::sandbox::UserSnapshot>| {
        users.into_iter().map(|user| user.user_name).collect()
    };
    (names(active), names(locked))
}

/// How many calls may have changed something.
fn changes(node: &Node) -> u64 {
    let calls = node.sandbox().calls();
    let kinds = ["POST /Users", "PATCH /Users", "PUT /Users", "DELETE /Users"];
    kinds.into_iter().map(|kind| calls.of(kind)).sum()
}

#[test]
fn creates_that_would_lock_everybody_are_stopped_and_asked_about() {
    let node = Node::with_users(100);
    let desk = node.desk();
    let (active, _) = emails(&node);
    let count = active.len().to_string();
    desk.file("people.csv", inactive(&active));
    let import = ["import", "people.csv", "--on-conflict", "update"];
    for more in [&["--yes"][..], &["--dry-run"], &[]] {
        desk.headcount(&[&import, more].concat())
            .with(5)
            .says(&format!("lock {count}"))
            .says(&format!("--allow-locks {count}"))
            .says("nothing was sent");
    }
    let allowed = [&import[..], &["--allow-locks", &count]].concat();
    desk.headcount(&allowed)
        .with(2)
        .says(&format!("lock {count}"))
        .says("--yes");
    assert_eq!(node.active().len(), active.len());
    assert_eq!(changes(&node), 0);

    desk.headcount(&[&allowed[..], &["--yes"]].concat()).with(0);
    assert_eq!(node.active().len(), 0);
}

#[test]
fn new_people_who_are_locked_from_the_start_are_no_question() {
    let node = Node::with_users(10);
    let desk = node.desk();
    let new: Vec<String> = (0..90).map(|at| format!("new{at}@example.com")).collect();
    desk.file("people.csv", inactive(&new));
    desk.headcount(&["import", "people.csv", "--on-conflict", "update"])
        .with(0)
        .says("90 created");
    let upserts = new.iter().map(|email| format!("x{email},upsert,no\n"));
    let upserts: String = upserts.collect();
    desk.file("upserts.csv", format!("email,action,active\n{upserts}"));
    desk.headcount(&["import", "upserts.csv"])
        .with(0)
        .says("90 created");
}

#[test]
fn who_is_locked_already_does_not_count() {
    let node = Node::with_users(60);
    let desk = node.desk();
    let (active, _) = emails(&node);
    for (name, part) in [("one.csv", &active[..10]), ("two.csv", &active[10..20])] {
        desk.file(name, with_action(part, "lock"));
        desk.headcount(&["import", name, "--yes"]).with(0);
    }
    desk.file("all.csv", with_action(&active[..25], "lock"));
    desk.headcount(&["lock", "all.csv", "--yes"])
        .with(0)
        .says("20 unchanged, 5 locked");

    desk.file("more.csv", with_action(&active[..40], "lock"));
    desk.headcount(&["lock", "more.csv", "--yes"])
        .with(5)
        .says("lock 15,")
        .says("--allow-locks 15");
    assert_eq!(node.active().len(), active.len() - 25);
}

#[test]
fn deleting_who_is_locked_takes_no_access_but_is_asked_about() {
    let node = Node::with_users(60);
    let desk = node.desk();
    let (active, _) = emails(&node);
    desk.file("active.csv", with_action(&active[20..40], "delete"));
    desk.headcount(&["import", "active.csv", "--yes"])
        .with(5)
        .says("delete 20")
        .says("--allow-locks 20");
    assert_eq!(changes(&node), 0);

    desk.file("leavers.csv", with_action(&active[..20], "lock"));
    desk.headcount(&["lock", "leavers.csv", "--yes", "--allow-locks", "20"])
        .with(0);
    desk.file("gone.csv", with_action(&active[..20], "delete"));
    desk.headcount(&["import", "gone.csv"])
        .with(2)
        .says("delete 20")
        .says("--yes");
    desk.headcount(&["import", "gone.csv", "--yes"])
        .with(0)
        .says("20 deleted");
}

#[test]
fn a_node_whose_list_hides_who_is_active_is_stopped_on_the_way() {
    let emails: Vec<String> = (0..30).map(|at| format!("p{at}@example.com")).collect();
    let people = emails.clone();
    let server = Scripted::start(move |call, _| {
        let shown = |active| {
            let people = people.iter().enumerate();
            people.map(move |(id, email)| user(&id.to_string(), email, active))
        };
        match (call.method.as_str(), call.query("filter")) {
            ("GET", Some(filter)) => {
                let email = filter.split('"').nth(1).unwrap_or_default();
                let found = shown(true).filter(|user| user["userName"] == email);
                reply(200, list(&found.collect::<Vec<_>>()))
            }
            ("GET", None) if call.path == "/Users" => {
                reply(200, list(&shown(false).collect::<Vec<_>>()))
            }
            ("POST", _) => reply(409, json!({"scimType": "uniqueness"})),
            ("PATCH", _) => {
                let id: usize = call.path.rsplit('/').next().unwrap().parse().unwrap();
                reply(200, shown(false).nth(id).unwrap())
            }
            _ => reply(404, ""),
        }
    });
    let desk = server.desk();
    let content = inactive(&emails).replace(",Ann,Lee,", ",,,");
    desk.file("people.csv", content);
    let import = ["import", "people.csv", "--on-conflict", "update", "--yes"];
    desk.headcount(&import)
        .with(5)
        .says("more people would be locked or deleted than the 10 allowed")
        .says("--allow-locks");
    let outcomes = column(&desk.rows("people.results.csv"), "result_outcome");
    let done = outcomes.iter().filter(|outcome| *outcome == "updated");
    assert_eq!(done.count(), server.count("PATCH"));
    assert!(server.count("PATCH") <= 10);
    assert!(outcomes.contains(&"not_attempted".to_owned()));
}

#[test]
fn rows_that_go_in_bulk_requests_are_counted_on_the_way() {
    let node = Node::start(Options {
        users: 400,
        bulk: Bulk::Yes,
        ..Options::default()
    });
    let desk = node.desk();
    let (active, locked) = emails(&node);
    let locked = &locked[..15];
    let rows = [with_action(locked, "unlock"), with_action(locked, "lock")].concat();
    let rows = rows.replacen("email,action\n", "", 2);
    desk.file("people.csv", format!("email,action\n{rows}"));
    let import = ["import", "people.csv", "--yes", "--bulk", "on"];
    desk.headcount(&[&import[..], &["--allow-locks", "5"]].concat())
        .with(5)
        .says("more people would be locked or deleted than the 5 allowed");
    let outcomes = column(&desk.rows("people.results.csv"), "result_outcome");
    let again = outcomes.iter().filter(|outcome| *outcome == "locked");
    assert!(again.count() <= 5);
    assert!(node.active().len() >= active.len() + 10);
    assert!(node.sandbox().calls().of("POST /Bulk") > 0);
}
