//! What a run has changed counts more than any list: some nodes ignore filters and list people as they
//! were a while ago.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::scripted::{Call, Reply, Scripted, list, reply, user};
use harness::{Node, column};
use headcount::sandbox::Options;
use serde_json::{Value, json};

/// A node that ignores filters, and whose lists never show a change. Single accounts are shown as they are. A page has
/// two accounts at the most, so that a list takes more calls than a few questions.
struct Stale {
    server: Scripted,
    /// Whether it refuses to change accounts.
    refuses: Arc<AtomicBool>,
}

impl Stale {
    /// With fourteen accounts: `person7` is locked, the others are active.
    fn start() -> Self {
        let accounts = (0..14).map(|at| {
            let (id, email) = (format!("u{at:02}"), format!("person{at}@example.com"));
            (id.clone(), user(&id, &email, at != 7))
        });
        let accounts: BTreeMap<String, Value> = accounts.collect();
        let listed: Vec<Value> = accounts.values().cloned().collect();
        let accounts = Mutex::new(accounts);
        let refuses = Arc::new(AtomicBool::new(false));
        let shared = Arc::clone(&refuses);
        let server = Scripted::start(move |call, _| {
            let mut accounts = accounts.lock().unwrap();
            answer(call, &listed, &mut accounts, shared.load(Ordering::Relaxed))
        });
        Stale { server, refuses }
    }

    /// The values that `active` was set to, in order.
    fn switched(&self) -> Vec<bool> {
        let calls = self.server.calls().into_iter();
        let patches = calls.filter(|call| call.method == "PATCH");
        patches
            .filter_map(|call| call.json()["Operations"][0]["value"].as_bool())
            .collect()
    }
}

fn answer(
    call: &Call,
    listed: &[Value],
    accounts: &mut BTreeMap<String, Value>,
    refuses: bool,
) -> Reply {
    let id = call.path.strip_prefix("/Users/").unwrap_or_default();
    let id = &*id.to_lowercase();
    match (call.method.as_str(), &*call.path) {
        ("GET", "/Users") => {
            let number = |name| call.query(name).and_then(|text| text.parse::<usize>().ok());
            let from = listed.iter().skip(number("startIndex").unwrap_or(1) - 1);
            let page: Vec<Value> = from
                .take(number("count").unwrap_or(2).min(2))
                .cloned()
                .collect();
            let mut page = list(&page);
            page["totalResults"] = listed.len().into();
            reply(200, page)
        }
        ("GET", _) => match accounts.get(id) {
            Some(account) => reply(200, account),
            None => reply(404, ""),
        },
        ("DELETE", _) if accounts.remove(id).is_some() => reply(204, ""),
        ("PATCH", _) if refuses => reply(409, json!({"detail": "not now"})),
        ("POST", "/Users") => {
            let email = call.json()["userName"].clone();
            if accounts.values().any(|other| other["userName"] == email) {
                return reply(409, json!({"scimType": "uniqueness"}));
            }
            let id = format!("u{}", accounts.len());
            let account = user(&id, email.as_str().unwrap(), true);
            accounts.insert(id, account.clone());
            reply(201, account)
        }
        ("PATCH", _) => {
            let Some(account) = accounts.get_mut(id) else {
                return reply(404, "");
            };
            for operation in call.json()["Operations"].as_array().unwrap() {
                let path = operation["path"].as_str().unwrap();
                let (name, part) = path.split_once('.').unwrap_or((path, ""));
                if part.is_empty() {
                    account[name] = operation["value"].clone();
                } else {
                    account[name][part] = operation["value"].clone();
                }
            }
            reply(200, account)
        }
        _ => reply(405, ""),
    }
}

#[test]
fn who_was_unlocked_a_row_ago_is_locked_although_a_later_list_shows_them_locked() {
    let node = Stale::start();
    let desk = node.server.desk();
    desk.file(
        "people.csv",
        "email,action,first name\nperson7@example.com,unlock,\nperson7@example.com,create,Seven\n\
         person7@example.com,lock,\n",
    );
    desk.headcount(&["import", "people.csv", "--yes", "--on-conflict", "skip"])
        .with(0);
    assert_eq!(
        desk.outcomes("people.results.csv"),
        ["unlocked", "exists", "locked"]
    );
    assert_eq!(node.switched(), [true, false]);
}

#[test]
fn who_was_created_a_row_ago_is_updated_although_no_list_shows_them() {
    let node = Stale::start();
    let desk = node.server.desk();
    desk.file(
        "people.csv",
        "email,action,first name\nnew@example.com,create,New\nnew@example.com,update,Newer\n\
         new@example.com,lock,\n",
    );
    desk.headcount(&["import", "people.csv", "--yes"]).with(0);
    assert_eq!(
        desk.outcomes("people.results.csv"),
        ["created", "updated", "locked"]
    );
    assert_eq!(node.server.count("PATCH"), 2);
}

#[test]
fn who_was_renamed_a_row_ago_is_found_by_the_new_email_only() {
    let node = Stale::start();
    let desk = node.server.desk();
    desk.file(
        "people.csv",
        "email,action,new email\nperson1@example.com,update,lee@example.com\nlee@example.com,lock,\n\
         person1@example.com,lock,\n",
    );
    desk.headcount(&["import", "people.csv", "--yes"]).with(4);
    let rows = desk.rows("people.results.csv");
    assert_eq!(
        column(&rows, "result_outcome"),
        ["updated", "locked", "failed"]
    );
    assert_eq!(rows[2]["result_status"], "404");
    assert_eq!(node.switched(), [false]);
}

#[test]
fn who_was_created_in_an_earlier_part_of_a_run_is_updated_in_the_next() {
    let node = Stale::start();
    let desk = node.server.desk();
    desk.file(
        "people.csv",
        "email,action,first name\nnew@example.com,create,New\nnew@example.com,update,Newer\n",
    );
    node.refuses.store(true, Ordering::Relaxed);
    desk.headcount(&["import", "people.csv"]).with(4);
    assert_eq!(desk.outcomes("people.results.csv"), ["created", "failed"]);

    node.refuses.store(false, Ordering::Relaxed);
    desk.headcount(&["runs", "retry"]).with(0);
    assert_eq!(node.server.count("POST"), 1);
    let calls = node.server.calls();
    let last = calls.last().unwrap();
    assert_eq!((last.method.as_str(), &*last.path), ("PATCH", "/Users/u14"));
}

/// A node that takes its time, so that a row that does not wait for another overtakes it.
fn slow(page_max: usize) -> Node {
    Node::start(Options {
        users: 30,
        page_max,
        latency: Duration::from_millis(40),
        ..Options::default()
    })
}

/// Imports rows of an id, an email, an action, a last name and a new email, and says what became of them.
fn outcomes(node: &Node, rows: &[[&str; 5]]) -> Vec<String> {
    let desk = node.desk();
    let rows: String = rows.iter().map(|row| row.join(",") + "\n").collect();
    desk.file(
        "people.csv",
        format!("id,email,action,last name,new email\n{rows}"),
    );
    let import = ["import", "people.csv", "--yes", "--allow-locks", "9"];
    let ended = desk.headcount(&import);
    assert!(matches!(ended.code, 0 | 4), "{}", ended.stderr);
    desk.outcomes("people.results.csv")
}

#[test]
fn rows_by_id_and_by_a_new_email_are_carried_out_in_order() {
    let node = slow(200);
    let users = node.sandbox().snapshot().users;
    let person = users.iter().find(|user| !user.active).unwrap();
    let (id, email) = (&*person.id, &*person.user_name);
    let rows = [
        ["", email, "update", "", "new@example.com"],
        [id, "", "unlock", "", ""],
        ["", "New@example.com", "lock", "", ""],
    ];
    assert_eq!(outcomes(&node, &rows), ["updated", "unlocked", "locked"]);
    let users = node.sandbox().snapshot().users;
    let person = users.iter().find(|user| user.id == id).unwrap();
    assert!(!person.active);
}

#[test]
fn who_was_renamed_and_deleted_by_id_does_not_come_back_by_the_new_email() {
    let node = slow(200);
    let users = node.sandbox().snapshot().users;
    let (id, email) = (&*users[3].id, &*users[3].user_name);
    let rows = [
        ["", email, "update", "", "new@example.com"],
        [id, "", "update", "Newer", ""],
        [id, "", "delete", "", ""],
        ["", "new@example.com", "unlock", "", ""],
        [id, "", "lock", "", ""],
    ];
    assert_eq!(
        outcomes(&node, &rows),
        ["updated", "updated", "deleted", "failed", "failed"]
    );
}

#[test]
fn a_new_person_gets_the_email_that_a_row_by_id_has_freed() {
    // With a list, and where a list would take more calls than there are rows.
    for page_max in [200, 1] {
        let node = slow(page_max);
        let users = node.sandbox().snapshot().users;
        let rows = [
            [&*users[4].id, "", "update", "", "new@example.com"],
            ["", &*users[4].user_name, "create", "Lee", ""],
        ];
        let outcomes = outcomes(&node, &rows);
        assert_eq!(outcomes, ["updated", "created"], "{page_max} on a page");
    }
    let node = Stale::start();
    let desk = node.server.desk();
    desk.file(
        "people.csv",
        "id,email,action,last name\nu03,,delete,\n,person3@example.com,create,Lee\n",
    );
    desk.headcount(&["import", "people.csv", "--yes"])
        .with(0)
        .says("1 created, 1 deleted");
}

#[test]
fn an_id_in_another_case_is_the_same_person() {
    let node = Stale::start();
    let desk = node.server.desk();
    desk.file("people.csv", "id,action\nU07,unlock\nu07,lock\n");
    desk.headcount(&["import", "people.csv", "--yes"]).with(0);
    assert_eq!(desk.outcomes("people.results.csv"), ["unlocked", "locked"]);
    assert_eq!(node.switched(), [true, false]);
}
