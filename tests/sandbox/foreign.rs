//! Servers that keep to the RFC where the provider does not, or to neither.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use crate::support::scripted::{Call, Reply, Scripted, list, reply, user};
use harness::{Node, at_once, column, emails, rows};
use serde_json::{Value, json};

/// How a server treats what it does not want to change.
#[derive(Clone, Copy, PartialEq)]
enum Unwanted {
    Ignored,
    Refused,
}

/// Users and memberships of a server to which a user's `groups` are read-only (RFC 7643, section
/// 4.1.2), and which answers a PATCH with 204 and nothing else.
#[derive(Default)]
struct Held {
    /// Email and whether active, by id.
    users: BTreeMap<String, (String, bool)>,
    /// Members by group.
    members: BTreeMap<String, BTreeSet<String>>,
}

fn strict_server(groups: Unwanted, locks: Unwanted) -> (Scripted, Arc<Mutex<Held>>) {
    let held = Arc::new(Mutex::new(Held::default()));
    held.lock().unwrap().members = ["Sales", "Legal"]
        .map(|name| (name.to_owned(), BTreeSet::new()))
        .into();
    let state = Arc::clone(&held);
    let server =
        Scripted::start(move |call, _| answer(call, &mut state.lock().unwrap(), groups, locks));
    (server, held)
}

fn answer(call: &Call, held: &mut Held, groups: Unwanted, locks: Unwanted) -> Reply {
    let path: Vec<&str> = call.path.trim_matches('/').split('/').collect();
    match (call.method.as_str(), path.as_slice()) {
        ("POST", ["Users"]) => {
            let body = call.json();
            let email = body["userName"].as_str().unwrap().to_owned();
            let id = format!("u{}", held.users.len());
            held.users.insert(id.clone(), (email.clone(), true));
            reply(201, user(&id, &email, true))
        }
        ("GET", ["Users"]) => {
            let shown: Vec<Value> = held
                .users
                .iter()
                .map(|(id, (email, active))| user(id, email, *active))
                .collect();
            reply(200, list(&shown))
        }
        ("GET", ["Users", id]) => match held.users.get(*id) {
            Some((email, active)) => reply(200, user(id, email, *active)),
            None => reply(404, ""),
        },
        ("PATCH", ["Users", id]) => patch_user(&call.json(), held, id, groups, locks),
        ("GET", ["Groups"]) => {
            let shown: Vec<Value> = held.members.keys().map(|name| group(name, held)).collect();
            reply(200, list(&shown))
        }
        ("GET", ["Groups", name]) => reply(200, group(name, held)),
        ("PATCH", ["Groups", name]) => {
            patch_group(&call.json(), held.members.get_mut(*name).unwrap())
        }
        _ => reply(405, ""),
    }
}

fn group(name: &str, held: &Held) -> Value {
    let members: Vec<Value> = held.members[name]
        .iter()
        .map(|id| json!({ "value": id }))
        .collect();
    json!({"id": name, "displayName": name, "members": members})
}

fn patch_user(body: &Value, held: &mut Held, id: &str, groups: Unwanted, locks: Unwanted) -> Reply {
    for operation in body["Operations"].as_array().unwrap() {
        match operation["path"].as_str().unwrap_or_default() {
            "groups" if groups == Unwanted::Refused => {
                return reply(
                    400,
                    json!({"scimType": "mutability", "detail": "groups is readOnly"}),
                );
            }
            "active" if locks == Unwanted::Refused => {
                held.users.get_mut(id).unwrap().1 = operation["value"].as_bool().unwrap();
            }
            _ => {}
        }
    }
    reply(204, "")
}

/// Members are removed as RFC 7644, section 3.5.2.2, has it, and in no other way.
fn patch_group(body: &Value, members: &mut BTreeSet<String>) -> Reply {
    let operation = &body["Operations"][0];
    let path = operation["path"].as_str().unwrap();
    match operation["op"].as_str().unwrap() {
        "add" => members.extend(
            operation["value"]
                .as_array()
                .unwrap()
                .iter()
                .map(|m| m["value"].as_str().unwrap().to_owned()),
        ),
        _ if path == "members" => return reply(400, json!({"scimType": "invalidPath"})),
        _ => {
            let id = path
                .strip_prefix("members[value eq \"")
                .and_then(|rest| rest.strip_suffix("\"]"))
                .unwrap();
            members.remove(id);
        }
    }
    reply(204, "")
}

#[test]
fn people_get_into_their_teams_although_users_do_not_take_groups() {
    for unwanted in [Unwanted::Ignored, Unwanted::Refused] {
        let (server, held) = strict_server(unwanted, Unwanted::Refused);
        let desk = server.desk();
        desk.file(
            "people.csv",
            "email,teams\nann@x.com,Sales\nbob@x.com,Sales;Legal\ncy@x.com,\n",
        );
        desk.headcount(&["import", "people.csv", "--concurrency", "1"])
            .with(0)
            .says("3 created");
        let members = |name: &str| held.lock().unwrap().members[name].len();
        assert_eq!((members("Sales"), members("Legal")), (2, 1));

        desk.file(
            "changes.csv",
            "action,email,teams,remove_teams\nadd-teams,cy@x.com,Legal,\nremove-teams,ann@x.com,,Sales\n",
        );
        desk.headcount(&["import", "changes.csv"])
            .with(0)
            .says("2 updated");
        assert_eq!((members("Sales"), members("Legal")), (1, 2));

        let exported = rows(
            desk.headcount(&["export", "users"])
                .with(0)
                .stdout
                .as_bytes(),
        );
        let teams: BTreeMap<&str, &str> = exported
            .iter()
            .map(|row| (&*row["email"], &*row["teams"]))
            .collect();
        assert_eq!(
            teams,
            [
                ("ann@x.com", ""),
                ("bob@x.com", "Legal;Sales"),
                ("cy@x.com", "Legal")
            ]
            .into()
        );
    }
}

#[test]
fn what_the_server_says_but_does_not_do_is_not_reported_as_done() {
    let (server, held) = strict_server(Unwanted::Ignored, Unwanted::Ignored);
    let desk = server.desk();
    held.lock().unwrap().users = (0..3)
        .map(|i| (format!("u{i}"), (format!("p{i}@x.com"), true)))
        .collect();
    desk.file("leavers.csv", "email\np0@x.com\np1@x.com\n");
    desk.headcount(&["lock", "leavers.csv", "--yes"])
        .with(4)
        .says("2 failed");
    assert!(desk.rows("leavers.results.csv")[0]["result_error"].contains("has not changed active"));

    desk.file("names.csv", "action,email,last_name\nupdate,p0@x.com,Lee\n");
    desk.headcount(&["import", "names.csv"])
        .with(4)
        .says("1 failed");
}

#[test]
fn a_server_that_does_what_it_says_is_looked_at_once() {
    let (server, held) = strict_server(Unwanted::Ignored, Unwanted::Refused);
    let desk = server.desk();
    held.lock().unwrap().users = (0..8)
        .map(|i| (format!("u{i}"), (format!("p{i}@x.com"), true)))
        .collect();
    let emails: String = (0..8).map(|i| format!("p{i}@x.com\n")).collect();
    desk.file("leavers.csv", format!("email\n{emails}"));
    desk.headcount(&["lock", "leavers.csv", "--yes", "--concurrency", "1"])
        .with(0)
        .says("8 locked");
    {
        let users = &held.lock().unwrap().users;
        assert_eq!(users.len(), 8);
        assert!(users.values().all(|(_, active)| !active));
    }
    let looks = server
        .calls()
        .iter()
        .filter(|call| call.method == "GET" && call.path != "/Users")
        .count();
    assert!(looks <= 4, "{looks} looks at 8 locks");
}

#[test]
fn of_two_accounts_with_one_email_neither_is_touched() {
    let server = Scripted::start(|call, _| match call.method.as_str() {
        "GET" => reply(
            200,
            list(&[
                user("1", "Ann@x.com", true),
                user("2", "aNN@x.com", true),
                user("3", "b@x.com", true),
            ]),
        ),
        _ => reply(200, user("3", "b@x.com", false)),
    });
    let desk = server.desk();
    for file in [
        "email\nann@x.com\n",
        "email\nann@x.com\nb@x.com\nnobody@x.com\n",
    ] {
        desk.file("leavers.csv", file);
        desk.headcount(&["lock", "leavers.csv", "--yes"]).with(4);
        let row = &desk.rows("leavers.results.csv")[0];
        assert_eq!(row["result_outcome"], "failed");
        assert!(
            row["result_error"].contains("1, 2"),
            "{}",
            row["result_error"]
        );
    }
    let calls = server.calls();
    assert!(!calls.is_empty());
    assert!(
        calls
            .iter()
            .all(|call| !call.path.ends_with("/1") && !call.path.ends_with("/2"))
    );
}

#[test]
fn skipping_is_for_those_who_are_there() {
    let server = Scripted::start(|call, _| match call.method.as_str() {
        "POST" => reply(409, json!({"detail": "externalId already taken"})),
        _ => reply(200, list(&[user("1", "other@x.com", true)])),
    });
    let desk = server.desk();
    desk.file("people.csv", "email\nann@x.com\n");
    desk.headcount(&["import", "people.csv", "--on-conflict", "skip"])
        .with(4)
        .says("1 failed");
    assert!(
        desk.rows("people.results.csv")[0]["result_error"]
            .contains("no account on this node has this email")
    );
}

/// A node with one person, that refuses every new one; `filters` says whether it finds people.
fn with_ann_only(filters: bool) -> Scripted {
    Scripted::start(move |call, _| match call.query("filter") {
        _ if call.is("POST", "/Users") => reply(409, json!({"detail": "email in use"})),
        Some(_) if !filters => reply(400, json!({"detail": "no filters"})),
        Some(filter) if !filter.to_lowercase().contains("ann@x.com") => reply(200, list(&[])),
        _ if call.path == "/Users" => reply(200, list(&[user("1", "ann@x.com", true)])),
        _ => reply(404, ""),
    })
}

#[test]
fn an_email_of_another_node_is_said_in_words() {
    for filters in [true, false] {
        let server = with_ann_only(filters);
        let desk = server.desk();
        let others: String = (0..100).map(|i| format!("p{i}@x.com,\n")).collect();
        desk.file(
            "people.csv",
            format!("email,external_id\nann@x.com,\n{others}bob@x.com,E1\n"),
        );
        desk.headcount(&["import", "people.csv", "--concurrency", "1"])
            .with(4)
            .says("1 existed already, 101 failed");
        let rows = desk.rows("people.results.csv");
        assert!(
            rows.iter()
                .all(|row| row["result_status"] == "409" && row["result_attempts"] == "1")
        );
        let [ann, others @ .., bob] = rows.as_slice() else {
            panic!("{} rows", rows.len());
        };
        assert_eq!(ann["result_user_id"], "1");
        assert_eq!(ann["result_outcome"], "exists");
        assert_eq!(others.len(), 100);
        assert!(others.iter().all(|row| {
            row["result_user_id"].is_empty()
                && row["result_error"].contains("email in use")
                && row["result_error"].ends_with(
                    "no account on this node has this email, so it belongs to another node or tenant",
                )
        }));
        assert!(bob["result_error"].ends_with("or the external id is taken"));
        let asked = server.count("GET");
        assert!(asked <= 25, "{asked} questions");
    }
}

#[test]
fn a_refused_row_is_unknown_where_nobody_can_be_looked_up() {
    let server = Scripted::start(|call, _| match call.method.as_str() {
        "POST" => reply(409, json!({"detail": "email in use"})),
        _ => reply(403, json!({"detail": "no reading"})),
    });
    let desk = server.desk();
    desk.file("people.csv", "email\nann@x.com\nbob@x.com\n");
    desk.headcount(&["import", "people.csv"])
        .with(4)
        .says("2 of unknown state");
    let rows = desk.rows("people.results.csv");
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row["result_status"] == "409"
        && row["result_error"].contains("email in use")
        && row["result_error"].contains("no reading")));
}

#[test]
fn a_yes_without_an_account_is_not_called_created() {
    let error =
        json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "500"});
    let answers = [reply(200, ""), reply(201, ""), reply(200, error)];
    at_once(answers, |answer| {
        let server = Scripted::start(move |call, _| match call.method.as_str() {
            "POST" => answer.clone(),
            _ => reply(200, list(&[])),
        });
        let desk = server.desk();
        desk.file("people.csv", "email\nann@x.com\n");
        desk.headcount(&["import", "people.csv"]).with(4);
        assert_ne!(
            desk.rows("people.results.csv")[0]["result_outcome"],
            "created"
        );
    });
}

#[test]
fn an_address_without_users_stops_the_run() {
    let server = Scripted::start(|_, _| reply(404, "no such page"));
    let desk = server.desk();
    let people: String = (0..100).map(|i| format!("p{i}@x.com\n")).collect();
    desk.file("people.csv", format!("email\n{people}"));
    desk.headcount(&["import", "people.csv"])
        .with(3)
        .says("no users at this address");
    assert!(server.calls().len() <= 40, "{}", server.calls().len());
}

#[test]
fn a_total_that_is_only_the_length_of_the_page_is_not_believed() {
    let page = |call: &Call| {
        let start: usize = call.query("startIndex").unwrap().parse().unwrap();
        let page: Vec<Value> = (start..=50)
            .map(|id| user(&id.to_string(), &format!("p{id}@x.com"), true))
            .collect();
        page
    };
    // The truth: there are 50, and the page takes 50. One call more shows it.
    let honest = Scripted::start(move |call, _| match call.path.as_str() {
        "/Users" => reply(200, json!({"totalResults": 50, "Resources": page(call)})),
        _ => reply(200, list(&[])),
    });
    let exported = honest.desk().headcount(&["export", "users"]).with(0).stdout;
    assert_eq!(rows(exported.as_bytes()).len(), 50);
    // A server that sends 50 at the most, and calls that the total.
    let short = Scripted::start(|call, _| {
        if call.path != "/Users" {
            return reply(200, list(&[]));
        }
        let start: usize = call.query("startIndex").unwrap().parse().unwrap();
        let page: Vec<Value> = (start..=120)
            .take(50)
            .map(|id| user(&id.to_string(), &format!("p{id}@x.com"), true))
            .collect();
        reply(200, json!({"totalResults": page.len(), "Resources": page}))
    });
    let ended = short.desk().headcount(&["export", "users"]);
    let exported = rows(ended.stdout.as_bytes()).len();
    assert!(
        exported == 120 || ended.code == 4,
        "{exported} of 120, exit code {}",
        ended.code
    );
}

#[test]
fn the_sandbox_needs_no_second_look() {
    let node = Node::with_users(200);
    let desk = node.desk();
    desk.file("leavers.csv", emails(&node.active()[..10]));
    desk.headcount(&["lock", "leavers.csv", "--yes"]).with(0);
    // What the node can do, one page, ten locks.
    assert_eq!(node.sandbox().calls().total(), 12);
}

#[test]
fn a_server_that_refuses_schemas_it_does_not_know_gets_its_teams_by_the_core_schema() {
    let server = Scripted::start(|call, _| match (call.method.as_str(), call.path.as_str()) {
        ("POST", "/Groups") if call.json()["schemas"].as_array().unwrap().len() > 1 => {
            reply(400, json!({"detail": "Unknown extension schemas"}))
        }
        ("POST", "/Groups") => {
            let name = &call.json()["displayName"];
            reply(201, json!({"id": format!("g-{name}"), "displayName": name}))
        }
        _ => reply(200, list(&[])),
    });
    let desk = server.desk();
    desk.headcount(&["teams", "create", "Sales", "Legal", "Finance"])
        .with(0);
    assert_eq!(server.count("POST"), 4, "it is refused once");
}

#[test]
fn whoever_is_in_a_team_can_leave_it_however_users_show_their_groups() {
    for shown in [
        json!([{"$ref": "../Groups/g-1"}]),
        json!([{"display": "Sales"}]),
        json!([{"value": "Sales"}]),
        json!(["Sales"]),
        json!([]),
    ] {
        let groups = shown.clone();
        let server = Scripted::start(move |call, _| {
            let mut ann = user("1", "ann@x.com", true);
            ann["groups"] = groups.clone();
            let sales = json!({"id": "g-1", "displayName": "Sales", "members": [{"value": "1"}]});
            match (call.method.as_str(), call.path.as_str()) {
                ("PATCH", _) => reply(204, ""),
                ("GET", "/Users") => reply(200, list(&[ann])),
                ("GET", "/Groups") => reply(200, list(&[sales])),
                ("GET", "/Groups/g-1") => reply(200, sales),
                ("GET", "/Users/1") => reply(404, ""),
                _ => reply(405, ""),
            }
        });
        let desk = server.desk();
        desk.file("people.csv", "email,teams\nann@x.com,Sales\n");
        desk.headcount(&["import", "people.csv", "--action", "remove-teams"]);
        let outcome = &desk.rows("people.results.csv")[0]["result_outcome"];
        assert_ne!(outcome, "unchanged", "{shown}");
        assert!(server.count("PATCH") > 0, "{shown}");
    }
}

#[test]
fn a_filter_or_a_length_that_is_refused_leaves_the_list() {
    let server = Scripted::start(|call, _| {
        let count: u64 = call.query("count").unwrap_or("0").parse().unwrap();
        let people: Vec<Value> = (0..30)
            .map(|id| user(&id.to_string(), &format!("p{id}@x.com"), true))
            .collect();
        match call.method.as_str() {
            "PATCH" => reply(200, user("7", "p7@x.com", false)),
            _ if call.query("filter").is_some() => reply(403, json!({"detail": "no filters"})),
            _ if count > 50 => reply(400, json!({"detail": "count must not exceed 50"})),
            _ => reply(200, list(&people)),
        }
    });
    let desk = server.desk();
    desk.file("leavers.csv", "email\np7@x.com\n");
    let lock = ["lock", "leavers.csv", "--yes"];
    desk.headcount(&lock).with(0).says("1 locked");
}

#[test]
fn one_account_that_comes_twice_is_one_account() {
    let server = Scripted::start(|call, _| match call.method.as_str() {
        "PATCH" => reply(200, user("1", "ann@x.com", false)),
        _ => reply(
            200,
            list(&[user("1", "ann@x.com", true), user("1", "ann@x.com", true)]),
        ),
    });
    let desk = server.desk();
    desk.file("leavers.csv", "email\nann@x.com\n");
    let lock = ["lock", "leavers.csv", "--yes"];
    desk.headcount(&lock).with(0).says("1 locked");
}

/// Somebody who was made long before, and whom a create is answered with.
fn linked() -> Value {
    let mut shown = user("1", "ann@x.com", true);
    shown["meta"] = json!({"created": "2020-02-03T04:05:06Z"});
    shown
}

#[test]
fn a_yes_to_somebody_who_is_there_makes_no_new_account() {
    for status in [200, 201] {
        let server = Scripted::start(move |call, _| match call.method.as_str() {
            "POST" => reply(status, linked()),
            "PATCH" => reply(200, linked()),
            _ if call.path == "/Users/1" => reply(200, linked()),
            _ => reply(200, list(&[linked()])),
        });
        let desk = server.desk();
        desk.file("people.csv", "email,last_name\nann@x.com,Lee\n");
        desk.headcount(&["import", "people.csv"]).with(4);
        let row = &desk.rows("people.results.csv")[0];
        assert_eq!(
            [
                &*row["result_outcome"],
                &row["result_status"],
                &row["result_user_id"]
            ],
            ["failed", &status.to_string(), "1"]
        );
        assert!(row["result_error"].contains("made on 2020-02-03"));
        // What a run has not made, its way back does not lock.
        desk.headcount(&["runs", "undo", "--yes"]);
        assert_eq!(server.count("PATCH"), 0);

        let skip = ["import", "people.csv", "--on-conflict", "skip", "--anew"];
        desk.headcount(&skip).with(0).says("1 existed already");
    }
}

#[test]
fn a_yes_of_200_to_somebody_of_a_minute_ago_makes_no_new_account() {
    for (status, ago, outcome) in [
        (200, 60, "exists"),
        (201, 60, "created"),
        (200, 0, "created"),
        (200, 3600, "created"),
    ] {
        let server = Scripted::start(move |call, _| {
            let date = httpdate::fmt_http_date(std::time::SystemTime::now());
            let made = jiff::Timestamp::now().as_second() - ago;
            let mut shown = user("1", "ann@x.com", true);
            let made = jiff::Timestamp::from_second(made).unwrap().to_string();
            shown["meta"] = json!({ "created": made });
            let answer = match call.method.as_str() {
                "POST" => reply(status, shown),
                _ => reply(200, list(&[shown])),
            };
            answer.header("date", date)
        });
        let desk = server.desk();
        desk.file("people.csv", "email\nann@x.com\n");
        desk.headcount(&["import", "people.csv"]).with(0);
        let row = &desk.rows("people.results.csv")[0];
        assert_eq!(row["result_outcome"], outcome, "{status}, {ago} s");
    }
}

/// One person, and whether they are active, on a server that answers each change with `answer`.
fn one_person(answer: Reply) -> (Scripted, Arc<Mutex<bool>>) {
    let active = Arc::new(Mutex::new(true));
    let state = Arc::clone(&active);
    let server = Scripted::start(move |call, _| {
        let mut active = state.lock().unwrap();
        match call.method.as_str() {
            "PATCH" if answer.status() == 404 => answer.clone(),
            "PATCH" => {
                *active = call.json()["Operations"][0]["value"] == true;
                answer.clone()
            }
            "PUT" => {
                *active = call.json()["active"] == true;
                reply(200, user("1", "ann@x.com", *active))
            }
            _ if call.path == "/Users" => reply(200, list(&[user("1", "ann@x.com", *active)])),
            _ => reply(200, user("1", "ann@x.com", *active)),
        }
    });
    (server, active)
}

#[test]
fn a_change_that_is_answered_with_a_word_is_done() {
    for word in ["OK", "null", "true", "\"locked\"", " \r\n"] {
        let (server, active) = one_person(reply(200, word));
        let desk = server.desk();
        desk.file("leavers.csv", "email\nann@x.com\n");
        let lock = ["lock", "leavers.csv", "--yes"];
        desk.headcount(&lock).with(0).says("1 locked");
        assert!(!*active.lock().unwrap(), "{word:?}");
        assert_eq!(server.count("PATCH"), 1, "{word:?}");
    }
}

#[test]
fn a_server_that_finds_no_patch_gets_whole_resources() {
    let page = reply(404, "<pre>Cannot PATCH /Users/1</pre>").header("content-type", "text/html");
    let (server, active) = one_person(page);
    let desk = server.desk();
    desk.file("leavers.csv", "email\nann@x.com\n");
    let lock = ["lock", "leavers.csv", "--yes"];
    desk.headcount(&lock).with(0).says("1 locked");
    assert!(!*active.lock().unwrap());
}

#[test]
fn members_that_lists_leave_out_are_asked_for() {
    for listed in [json!(null), json!([])] {
        let server = Scripted::start(move |call, _| match call.path.as_str() {
            "/Users" => reply(200, list(&[user("1", "ann@x.com", true)])),
            "/Groups" => {
                let group = json!({"id": "g-1", "displayName": "Sales", "members": listed});
                reply(200, list(&[group]))
            }
            "/Groups/g-1" => {
                let members = json!([{"value": "1"}]);
                reply(
                    200,
                    json!({"id": "g-1", "displayName": "Sales", "members": members}),
                )
            }
            _ => reply(404, ""),
        });
        let desk = server.desk();
        let of = |what| rows(desk.headcount(&["export", what]).with(0).stdout.as_bytes());
        assert_eq!(of("users")[0]["teams"], "Sales");
        assert_eq!(of("members")[0]["email"], "ann@x.com");
    }
}

#[test]
fn a_change_that_shows_only_after_a_moment_is_done() {
    // The account as it was for the first two looks at each change.
    let looks = Mutex::new(0);
    let server = Scripted::start(move |call, _| {
        let mut looks = looks.lock().unwrap();
        let mut ann = user("1", "ann@x.com", true);
        ann["name"] = json!({"familyName": "Lee"});
        match (call.method.as_str(), call.path.as_str()) {
            ("PATCH", _) => {
                *looks = 0;
                reply(204, "")
            }
            ("GET", "/Users/1") => {
                *looks += 1;
                if *looks > 2 {
                    ann["name"]["familyName"] = "Chen".into();
                }
                reply(200, ann)
            }
            _ => reply(200, list(&[ann])),
        }
    });
    let desk = server.desk();
    desk.file(
        "people.csv",
        "action,email,last_name\nupdate,ann@x.com,Chen\n",
    );
    desk.headcount(&["import", "people.csv"])
        .with(0)
        .says("1 updated");
    assert_eq!(server.count("PATCH"), 1);
}

#[test]
fn a_yes_that_tells_of_an_error_is_none() {
    // The first two answers to a change say that it failed, with 200.
    let calls = Mutex::new(0);
    let (server, active) = {
        let active = Arc::new(Mutex::new(true));
        let state = Arc::clone(&active);
        let server = Scripted::start(move |call, _| {
            let mut active = state.lock().unwrap();
            if call.method == "PATCH" {
                let mut calls = calls.lock().unwrap();
                *calls += 1;
                if *calls <= 2 {
                    return reply(200, json!({"ok": false, "error": "internal_error"}));
                }
                *active = false;
            }
            reply(200, list(&[user("1", "ann@x.com", *active)]))
        });
        (server, active)
    };
    let desk = server.desk();
    desk.file("leavers.csv", "email\nann@x.com\n");
    let lock = ["lock", "leavers.csv", "--yes"];
    desk.headcount(&lock).with(0).says("1 locked");
    assert!(!*active.lock().unwrap());
    assert_eq!(server.count("PATCH"), 3);
}

#[test]
fn whoever_a_list_leaves_out_is_found_by_id() {
    // Accounts that are locked are not listed.
    let active = Mutex::new(false);
    let server = Scripted::start(move |call, _| {
        let mut active = active.lock().unwrap();
        if call.method == "PATCH" {
            *active = true;
        }
        match call.path.as_str() {
            "/Users/1" => reply(200, user("1", "ann@x.com", *active)),
            "/Users" => reply(200, list(&[user("2", "bob@x.com", true)])),
            _ => reply(404, ""),
        }
    });
    let desk = server.desk();
    desk.file("back.csv", "id\n1\n2\n3\n");
    desk.headcount(&["unlock", "back.csv"]).with(4);
    let rows = desk.rows("back.results.csv");
    let outcomes = column(&rows, "result_outcome");
    assert_eq!(outcomes, ["unlocked", "unchanged", "failed"]);
}

#[test]
fn one_refusal_of_many_is_about_its_own_row() {
    // An email that is taken, and somebody whom the server finds nothing for.
    let made = Mutex::new(0);
    let server = Scripted::start(move |call, _| {
        let text = |status, words| reply(status, json!({ "detail": words }));
        if call.method != "POST" {
            return reply(200, list(&[user("9", "bob@x.com", true)]));
        }
        let email = call.json()["userName"].as_str().unwrap().to_owned();
        match email.as_str() {
            "bob@x.com" => text(422, "User name has already been taken"),
            "cat@x.com" => text(404, "no tenant for cat"),
            _ => {
                let mut made = made.lock().unwrap();
                *made += 1;
                reply(201, user(&format!("n{made}"), &email, true))
            }
        }
    });
    let desk = server.desk();
    let emails = ["p1@x.com", "bob@x.com", "cat@x.com", "p2@x.com"];
    desk.file("people.csv", format!("email\n{}\n", emails.join("\n")));
    let args = [
        "import",
        "people.csv",
        "--concurrency",
        "1",
        "--on-conflict",
        "skip",
    ];
    desk.headcount(&args).with(4);
    let rows = desk.rows("people.results.csv");
    assert_eq!(
        column(&rows, "result_outcome"),
        ["created", "exists", "failed", "created"]
    );
}
