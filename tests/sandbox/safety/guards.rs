//! Who would lose access is counted by what a run would do, not by what the file calls it, and again
//! while rows are carried out.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::support::scripted::{Scripted, list, reply, user};
use harness::Node;
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

/// A node that lists everybody as locked although all are active.
fn hiding(emails: &[String]) -> Scripted {
    let people = emails.to_vec();
    Scripted::start(move |call, _| {
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
    })
}

fn thirty() -> Vec<String> {
    (0..30).map(|at| format!("p{at}@example.com")).collect()
}

/// The accounts that were changed.
fn patched(server: &Scripted) -> BTreeSet<String> {
    let calls = server.calls().into_iter();
    let patches = calls.filter(|call| call.method == "PATCH");
    patches.map(|call| call.path).collect()
}

#[test]
fn a_node_whose_list_hides_who_is_active_is_stopped_on_the_way_however_often_it_is_continued() {
    let server = hiding(&thirty());
    let desk = server.desk();
    desk.file(
        "people.csv",
        inactive(&thirty()).replace(",Ann,Lee,", ",,,"),
    );
    let import = ["import", "people.csv", "--on-conflict", "update", "--yes"];
    desk.headcount(&import)
        .with(5)
        .says("more people would be locked or deleted than the 10 allowed")
        .says("--allow-locks");
    let outcomes = desk.outcomes("people.results.csv");
    let done = harness::count(&outcomes, "updated");
    assert_eq!(done, server.count("PATCH"));
    assert!(outcomes.contains(&"not_attempted".to_owned()));
    for _ in 0..3 {
        desk.headcount(&["runs", "resume", "--yes"])
            .with(5)
            .says("than the 10 allowed");
    }
    assert!(patched(&server).len() <= 10);
    desk.headcount(&["runs", "resume", "--allow-locks", "29"])
        .with(5)
        .says("than the 29 allowed");
    desk.headcount(&["runs", "resume", "--allow-locks", "30"])
        .with(0);
    assert_eq!(patched(&server).len(), 30);
}

/// A node with nobody, until others make all of these people at the very moment when the first row is sent.
fn arriving(emails: &[String]) -> Scripted {
    let people = emails.to_vec();
    let are_there = AtomicBool::new(false);
    Scripted::start(move |call, _| {
        let there = are_there.load(Ordering::Relaxed);
        let person = |at: usize| user(&at.to_string(), &people[at], true);
        match (call.method.as_str(), call.query("filter")) {
            ("GET", filter) if call.path == "/Users" => {
                let email = filter.and_then(|filter| filter.split('"').nth(1));
                let found = (0..people.len())
                    .map(person)
                    .filter(|user| there && email.is_none_or(|email| user["userName"] == email));
                reply(200, list(&found.collect::<Vec<_>>()))
            }
            ("GET", _) => match call.path.rsplit('/').next().unwrap().parse() {
                Ok(id) if there => reply(200, person(id)),
                _ => reply(404, ""),
            },
            ("POST", _) => {
                are_there.store(true, Ordering::Relaxed);
                reply(409, json!({"scimType": "uniqueness"}))
            }
            ("PATCH", _) => {
                let id: usize = call.path.rsplit('/').next().unwrap().parse().unwrap();
                reply(200, user(&id.to_string(), &people[id], false))
            }
            _ => reply(404, ""),
        }
    })
}

#[test]
fn nobody_is_locked_without_a_question_where_the_plan_locks_nobody() {
    let server = arriving(&thirty());
    let desk = server.desk();
    desk.file("people.csv", inactive(&thirty()));
    let import = ["import", "people.csv", "--on-conflict", "update"];
    for command in [&import[..], &["runs", "resume"], &import] {
        desk.headcount(command)
            .with(5)
            .says("was not agreed to")
            .says("--yes or --allow-locks N");
        assert_eq!(server.count("PATCH"), 0);
    }
    desk.headcount(&["runs", "resume", "--yes"])
        .with(5)
        .says("than the 10 allowed");
    assert!(patched(&server).len() <= 10);
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
    // Those who are locked when it is planned have given their emails to others when it comes to locking them.
    let pairs = || locked.iter().zip(&active).take(15);
    let away = pairs().map(|(locked, _)| format!("{locked},update,gone.{locked}\n"));
    let over = pairs().map(|(locked, active)| format!("{active},update,{locked}\n"));
    let then = pairs().map(|(locked, _)| format!("{locked},lock,\n"));
    let rows: String = away.chain(over).chain(then).collect();
    desk.file("people.csv", format!("email,action,new email\n{rows}"));
    let import = ["import", "people.csv", "--yes", "--bulk", "on"];
    desk.headcount(&[&import[..], &["--allow-locks", "5"]].concat())
        .with(5)
        .says("more people would be locked or deleted than the 5 allowed");
    let outcomes = desk.outcomes("people.results.csv");
    let now_locked = harness::count(&outcomes, "locked");
    assert!(now_locked <= 5);
    assert!(node.active().len() >= active.len() - 5);
    assert!(node.sandbox().calls().of("POST /Bulk") > 0);
}

#[test]
fn who_is_unlocked_by_a_run_may_be_locked_again_by_it() {
    let node = Node::with_users(400);
    let desk = node.desk();
    let (active, locked) = emails(&node);
    let locked = &locked[..15];
    let rows = ["unlock", "lock"].map(|action| with_action(locked, action));
    let rows = rows.concat().replace("email,action\n", "");
    desk.file("people.csv", format!("email,action\n{rows}"));
    let import = ["import", "people.csv", "--yes", "--allow-locks", "0"];
    desk.headcount(&import)
        .with(0)
        .says("15 locked, 15 unlocked");
    assert_eq!(node.active().len(), active.len());
}

#[test]
fn who_was_unlocked_in_an_earlier_part_of_a_run_may_be_locked_in_the_next() {
    let switched = Arc::new(Mutex::new(Vec::new()));
    let states = Arc::clone(&switched);
    let server = Scripted::start(move |call, _| {
        let mut switched = states.lock().unwrap();
        let active = switched.last().copied().unwrap_or(false);
        match call.method.as_str() {
            "GET" if call.path == "/Users" => {
                reply(200, list(&[user("1", "ann@example.com", active)]))
            }
            "GET" if call.path == "/Users/1" => reply(200, user("1", "ann@example.com", active)),
            "PATCH" => {
                let value = call.json()["Operations"][0]["value"].as_bool();
                let Some(to) = value else {
                    return reply(400, "no other name for her");
                };
                switched.push(to);
                reply(200, user("1", "ann@example.com", to))
            }
            _ => reply(404, ""),
        }
    });
    let desk = server.desk();
    desk.file(
        "people.csv",
        "email,action,last name\nann@example.com,unlock,\nann@example.com,update,Lee\nann@example.com,lock,\n",
    );
    desk.headcount(&["import", "people.csv", "--max-errors", "0"])
        .with(5);
    assert_eq!(*switched.lock().unwrap(), [true]);
    desk.headcount(&["runs", "resume", "--max-errors", "9"])
        .with(4)
        .says("1 locked");
    assert_eq!(*switched.lock().unwrap(), [true, false]);
}

/// Who is found by `active eq true` or `false`: those who are active or not, or nobody.
type Answers = fn(bool) -> Option<bool>;

/// A node of sixty people, of whom the last `active` are active, that lists only two at a time.
fn paged(active: usize, answers: Answers) -> Scripted {
    let person = move |at: usize| {
        user(
            &at.to_string(),
            &format!("p{at}@example.com"),
            at >= 60 - active,
        )
    };
    Scripted::start(move |call, _| {
        let number = |name| call.query(name).and_then(|text| text.parse::<usize>().ok());
        let all = (0..60).map(person);
        let found: Vec<_> = match call.query("filter") {
            None => all.collect(),
            Some(filter) if filter.starts_with("active") => match answers(filter.ends_with("true"))
            {
                Some(active) => all.filter(|user| user["active"] == active).collect(),
                None => Vec::new(),
            },
            Some(filter) => {
                let email = filter.split('"').nth(1).unwrap_or_default();
                all.filter(|user| user["userName"] == email).collect()
            }
        };
        let from = number("startIndex").unwrap_or(1) - 1;
        let most = number("count").unwrap_or(2).min(2);
        match call.method.as_str() {
            "GET" if call.path == "/Users" => {
                let page: Vec<_> = found.iter().skip(from).take(most).cloned().collect();
                let mut page = list(&page);
                page["totalResults"] = found.len().into();
                reply(200, page)
            }
            "PATCH" => {
                let id: usize = call.path.rsplit('/').next().unwrap().parse().unwrap();
                reply(
                    200,
                    user(&id.to_string(), &format!("p{id}@example.com"), false),
                )
            }
            _ => reply(404, ""),
        }
    })
}

#[test]
fn how_many_are_active_is_believed_only_where_active_and_locked_add_up_to_all() {
    let rows: Vec<String> = (48..60).map(|at| format!("p{at}@example.com")).collect();
    let nodes: [(usize, Answers, bool); 4] = [
        // It honours the filter, and twelve of sixty are no more than a fifth.
        (60, |asked| Some(asked), true),
        (20, |asked| Some(asked), false),
        // It answers with nobody, which would be: all are active.
        (20, |asked| asked.then_some(true), false),
        (20, |_| None, false),
    ];
    for (active, answers, goes) in nodes {
        let server = paged(active, answers);
        let desk = server.desk();
        desk.file("people.csv", with_action(&rows, "lock"));
        let ended = desk.headcount(&["lock", "people.csv", "--yes"]);
        if goes {
            ended.with(0).says("12 locked");
        } else {
            ended.with(5).says(&format!("node's {active} active users"));
            assert_eq!(server.count("PATCH"), 0);
        }
        let counts = server.calls().into_iter().filter(|call| {
            call.query("filter")
                .is_some_and(|filter| filter.starts_with("active"))
        });
        assert!((1..=2).contains(&counts.count()));
    }
}

#[test]
fn a_question_has_the_number_of_those_who_would_really_lose_access() {
    let node = Node::with_users(60);
    let desk = node.desk();
    let (active, locked) = emails(&node);
    let people = [&active[..5], &locked[..3]].concat();
    desk.file("people.csv", with_action(&people, "lock"));
    desk.headcount(&["lock", "people.csv"])
        .with(2)
        .says("this would lock 5 on");
    desk.file("locked.csv", with_action(&locked[..3], "lock"));
    desk.headcount(&["lock", "locked.csv"])
        .with(0)
        .says("3 unchanged");

    // Where it would cost a call for each, nobody is looked up for a question.
    let server = paged(60, Some);
    let desk = server.desk();
    let few: Vec<String> = (57..60).map(|at| format!("p{at}@example.com")).collect();
    desk.file("people.csv", with_action(&few, "lock"));
    desk.headcount(&["lock", "people.csv"])
        .with(2)
        .says("this would lock up to 3 on");
}

/// A file that gives people new emails, and locks them by those.
fn renamed_and_locked(emails: &[String]) -> String {
    let renamed = |email: &String| format!("new.{email}");
    let first = emails
        .iter()
        .map(|email| format!("{email},update,{}\n", renamed(email)));
    let second = emails
        .iter()
        .map(|email| format!("{},lock,\n", renamed(email)));
    let rows: String = first.chain(second).collect();
    format!("email,action,new email\n{rows}")
}

#[test]
fn people_who_are_renamed_and_locked_by_their_new_emails_are_counted() {
    let node = Node::with_users(60);
    let desk = node.desk();
    let (active, _) = emails(&node);
    desk.file("people.csv", renamed_and_locked(&active[..20]));
    desk.headcount(&["import", "people.csv", "--yes"])
        .with(5)
        .says("lock 20,")
        .says("nothing was sent");
    desk.file("few.csv", renamed_and_locked(&active[..7]));
    desk.headcount(&["import", "few.csv"])
        .with(2)
        .says("lock 7 on")
        .says("--yes");
    assert_eq!(changes(&node), 0);
}
