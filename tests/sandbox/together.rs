//! Changes that go together in bulk requests: few calls, and each row keeps its own end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use crate::support::scripted::{Call, Reply, Scripted, list, reply, user};
use harness::{Node, at_once, column};
use headcount::sandbox::{Bulk, Options};
use serde_json::{Value, json};

fn node(change: impl FnOnce(&mut Options)) -> Node {
    let mut options = Options {
        users: 0,
        bulk: Bulk::Yes,
        ..Options::default()
    };
    change(&mut options);
    Node::start(options)
}

/// So many new people, with the same in a second column.
fn people(count: usize, heading: &str, cell: &str) -> String {
    let rows: String = (0..count)
        .map(|i| format!("p{i}@example.com,{cell}\n"))
        .collect();
    format!("email,{heading}\n{rows}")
}

/// The emails of a team's members.
fn members(node: &Node, team: &str) -> BTreeSet<String> {
    let snapshot = node.sandbox().snapshot();
    let users: BTreeMap<&str, &str> = snapshot
        .users
        .iter()
        .map(|user| (&*user.id, &*user.user_name))
        .collect();
    let group = snapshot.group(team).unwrap();
    let email = |id: &String| users[&**id].to_owned();
    group.members.iter().map(email).collect()
}

#[test]
fn many_rows_are_few_calls() {
    let node = node(|_| {});
    let desk = node.desk();
    desk.file("people.csv", people(2_500, "teams", "Sales;Legal"));
    desk.headcount(&["import", "people.csv", "--dry-run"])
        .with(0)
        .says("3 bulk requests (POST /Bulk) with: 2,500 to create users");
    desk.headcount(&["import", "people.csv"])
        .with(0)
        .says("2,500 created");
    let calls = node.sandbox().calls();
    assert_eq!(calls.of("POST /Bulk"), 3);
    assert_eq!(calls.of("POST /Users"), 0);
    assert_eq!(members(&node, "Sales").len(), 2_500);
    let rows = desk.rows("people.results.csv");
    assert!(rows.iter().all(|row| row["result_status"] == "201"
        && row["result_attempts"] == "1"
        && !row["result_user_id"].is_empty()));

    desk.file("names.csv", people(2_500, "last_name", "Lee"));
    desk.headcount(&["import", "names.csv", "--action", "update"])
        .with(0)
        .says("2,500 updated");
    desk.file("names.csv", people(2_500, "first_name", "Jo"));
    desk.headcount(&["import", "names.csv", "--action", "update", "--replace"])
        .with(0)
        .says("2,500 updated");
    desk.headcount(&["import", "names.csv", "--action", "update"])
        .with(0)
        .says("2,500 unchanged");
    desk.headcount(&["lock", "names.csv", "--yes", "--allow-locks", "2500"])
        .with(0)
        .says("2,500 locked");
    desk.file("leave.csv", people(2_500, "remove_teams", "Sales"));
    desk.headcount(&["import", "leave.csv", "--action", "update"])
        .with(0)
        .says("2,500 updated");
    assert!(members(&node, "Sales").is_empty());
    desk.file("gone.csv", people(2_500, "action", "delete"));
    desk.headcount(&["import", "gone.csv", "--yes", "--allow-locks", "2500"])
        .with(0)
        .says("2,500 deleted");
    let calls = node.sandbox().calls();
    assert!(calls.of("POST /Bulk") <= 3 + 5 * 3, "{calls:?}");
    for single in [
        "POST /Users",
        "PATCH /Users/{id}",
        "DELETE /Users/{id}",
        "PUT /Users/{id}",
    ] {
        assert_eq!(calls.of(single), 0, "{single}");
    }
}

#[test]
fn each_row_keeps_its_own_status() {
    let node = node(|options| {
        options.users = 4;
        options.seats = Some(6);
    });
    let there = node.sandbox().snapshot().users;
    let desk = node.desk();
    let file = format!(
        "action,email,last_name\n\
         create,{},x\n\
         create,new1@example.com,x\n\
         update,{},Renamed\n\
         update,nobody@example.com,x\n\
         create,new2@example.com,x\n\
         create,new3@example.com,x\n\
         create,new4@example.com,x\n",
        there[0].user_name, there[1].user_name
    );
    desk.file("mixed.csv", file);
    desk.headcount(&["import", "mixed.csv"]).with(5);
    let rows = desk.rows("mixed.results.csv");
    let statuses = column(&rows, "result_status");
    assert_eq!(
        [&*statuses[0], &statuses[2], &statuses[3]],
        ["409", "200", "404"]
    );
    let mut new = [1, 4, 5, 6].map(|at| &*statuses[at]);
    new.sort_unstable();
    assert_eq!(new, ["201", "201", "428", "428"]);
    assert!(rows[0]["result_error"].contains("already taken"));
    assert!(rows[0]["result_error"].contains("an account with this email exists and differs"));
    assert_eq!(rows[0]["result_user_id"], there[0].id);
    let full = rows.iter().find(|row| row["result_status"] == "428");
    assert!(full.unwrap()["result_error"].contains("seats"));
    let calls = node.sandbox().calls();
    assert_eq!(calls.of("POST /Bulk"), 1);
    assert_eq!(
        calls.of("POST /Users"),
        0,
        "a refusal is not asked for twice"
    );
}

#[test]
fn new_teams_are_made_in_the_request_of_their_members() {
    let node = node(|options| {
        options.users = 30;
        options.teams = 0;
    });
    let there = node.sandbox().snapshot().users;
    let desk = node.desk();
    let mut file = "action,email,teams\n".to_owned();
    for i in 0..40 {
        file += &format!("create,p{i}@example.com,North;South{}\n", i % 2);
    }
    for user in &there {
        file += &format!("add-teams,{},North\n", user.user_name);
    }
    desk.file("people.csv", file);
    desk.headcount(&["import", "people.csv", "--create-teams"])
        .with(0)
        .says("40 created, 30 updated")
        .says("3 teams and roles were created");
    let calls = node.sandbox().calls();
    assert_eq!(calls.of("POST /Groups"), 0, "{calls:?}");
    assert_eq!(node.sandbox().snapshot().groups.len(), 3);
    assert_eq!(members(&node, "North").len(), 70);
    assert_eq!(members(&node, "South1").len(), 20);
}

#[test]
fn the_limits_of_the_node_are_kept() {
    for (operations, payload) in [(7, 1 << 20), (1000, 2_000), (1, 1 << 20), (1000, 120)] {
        let node = node(|options| {
            options.bulk_max_operations = operations;
            options.bulk_max_payload = payload;
        });
        let desk = node.desk();
        desk.file("people.csv", people(60, "teams", "Sales;New"));
        desk.headcount(&["import", "people.csv", "--create-teams"])
            .with(0)
            .says("60 created");
        let calls = node.sandbox().calls();
        assert_eq!(calls.answered(413), 0, "{operations} {payload}");
        assert_eq!(members(&node, "New").len(), 60);
        let usable = operations > 1 && payload > 200;
        assert_eq!(calls.of("POST /Bulk") > 0, usable, "{operations} {payload}");
    }
}

#[test]
fn a_node_that_only_claims_to_take_them_loses_no_row() {
    let node = node(|options| {
        options.users = 150;
        options.bulk = Bulk::Claimed;
    });
    let there = node.sandbox().snapshot().users;
    let desk = node.desk();
    let mut file = "action,email,teams\n".to_owned();
    for i in 0..150 {
        file += &format!("create,p{i}@example.com,Sales;New\n");
    }
    for user in &there {
        file += &format!("add-teams,{},New\n", user.user_name);
    }
    desk.file("people.csv", file);
    desk.headcount(&["import", "people.csv", "--create-teams", "--batch", "20"])
        .with(0)
        .says("150 created, 150 updated");
    let calls = node.sandbox().calls();
    assert_eq!(calls.of("POST /Bulk"), 1, "it is asked once");
    assert_eq!(calls.of("POST /Groups"), 1);
    assert_eq!(members(&node, "New").len(), 300);
}

#[test]
fn it_is_the_users_choice() {
    let node = node(|_| {});
    let desk = node.desk();
    desk.file("people.csv", people(10, "last_name", "x"));
    desk.headcount(&["import", "people.csv", "--bulk", "off"])
        .with(0);
    let calls = node.sandbox().calls();
    assert_eq!(calls.of("POST /Bulk"), 0);
    assert_eq!(calls.of("GET /ServiceProviderConfig"), 0);

    // A node that says that it takes none is asked all the same.
    let silent = Node::with_users(0);
    let desk = silent.desk();
    desk.file("people.csv", people(10, "last_name", "x"));
    desk.headcount(&["import", "people.csv", "--bulk", "on"])
        .with(0)
        .says("10 created");
    assert_eq!(silent.sandbox().calls().answered(404), 1);
}

#[test]
fn a_plan_goes_the_same_way() {
    let node = node(|_| {});
    let desk = node.desk();
    desk.file("people.csv", people(1_500, "teams", "New"));
    desk.headcount(&["plan", "people.csv", "-o", "p.plan", "--create-teams"])
        .with(0)
        .says("2 bulk requests (POST /Bulk) with: 1 to create teams and roles");
    assert_eq!(node.sandbox().calls().of("POST /Bulk"), 0);
    desk.headcount(&["apply", "p.plan"])
        .with(0)
        .says("1,500 created");
    assert_eq!(node.sandbox().calls().of("POST /Bulk"), 2);
    assert_eq!(members(&node, "New").len(), 1_500);
}

#[test]
fn rows_of_one_person_keep_their_order() {
    let node = node(|_| {});
    let desk = node.desk();
    let mut file = "action,email,last_name,teams,remove_teams\n".to_owned();
    for i in 0..50 {
        let email = format!("p{i}@example.com");
        file += &format!("create,{email},A,Sales,\nupdate,{email},B,,Sales\nlock,{email},,,\n");
    }
    desk.file("people.csv", file);
    desk.headcount(&["import", "people.csv", "--yes", "--allow-locks", "50"])
        .with(0)
        .says("50 created, 50 updated, 50 locked");
    let users = node.sandbox().snapshot().users;
    assert_eq!(users.len(), 50);
    assert!(
        users
            .iter()
            .all(|user| !user.active && user.family_name.as_deref() == Some("B"))
    );
    assert!(members(&node, "Sales").is_empty());
    assert_eq!(node.sandbox().calls().of("POST /Bulk"), 3);
}

#[test]
fn faults_neither_lose_nor_double_anybody() {
    // Rates at which a call fails eight times in a row, and leaves its row unknown, once in 60,000.
    let faults = [
        "reset@after=15%,500=5%,503=5%",
        "cut=10%,empty=5%,malformed=5%",
        "429=5%,throttled=5%,html=5%",
        "500@after=15%,reset=10%",
    ];
    at_once(faults.into_iter().enumerate(), |(seed, faults)| {
        let node = node(|options| {
            options.teams = 3;
            options.bulk_max_operations = 20;
            options.faults = faults.parse().unwrap();
            options.seed = seed as u64;
        });
        let desk = node.desk();
        desk.file("people.csv", people(120, "teams", "Sales;New"));
        desk.headcount(&["import", "people.csv", "--create-teams", "--bulk", "on"])
            .with(0)
            .says("120 created");
        let rows = desk.rows("people.results.csv");
        assert!(rows.iter().all(|row| row["result_outcome"] == "created"));
        let snapshot = node.sandbox().snapshot();
        assert_eq!(snapshot.users.len(), 120, "{faults}");
        let new = snapshot
            .groups
            .iter()
            .filter(|group| group.display_name == "New");
        assert_eq!(new.count(), 1, "{faults}");
        assert_eq!(members(&node, "New").len(), 120, "{faults}");
    });
}

#[test]
fn errors_stop_a_run_before_much_is_sent() {
    let node = node(|options| options.users = 0);
    let desk = node.desk();
    desk.file("people.csv", people(500, "teams", ""));
    desk.headcount(&["import", "people.csv"]).with(0);
    let before = node.sandbox().calls().of("POST /Bulk");
    desk.file("other.csv", people(500, "external_id", "E1"));
    desk.headcount(&[
        "import",
        "other.csv",
        "--results",
        "again.csv",
        "--max-errors",
        "20",
        "--concurrency",
        "1",
    ])
    .with(5)
    .says("--max-errors");
    let rows = desk.rows("again.csv");
    let failed = column(&rows, "result_outcome");
    let failed = harness::count(&failed, "failed");
    assert!((21..=63).contains(&failed), "{failed}");
    assert!(node.sandbox().calls().of("POST /Bulk") - before <= 3);
}

/// A node whose bulk requests have odd habits.
struct Odd {
    users: BTreeMap<String, String>,
    /// More operations than this are too many, although it says otherwise.
    most: usize,
    /// What becomes of an operation of the first request, by the number in its email.
    ends: fn(usize) -> End,
    requests: usize,
}

enum End {
    Good,
    /// Not carried out, answered with this status.
    Refused(u16),
    /// Carried out, and nothing is said of it.
    Silent,
    /// Not carried out, and nothing is said of it.
    Skipped,
    /// Carried out, and answered with the whole account and without a location.
    Shown,
}

impl Odd {
    fn create(&mut self, data: &Value) -> (u16, Value) {
        let email = data["userName"].as_str().unwrap().to_owned();
        let id = format!("u{}", self.users.len() + 1);
        if self.users.contains_key(&email) {
            return (409, json!({"status": "409", "detail": "taken"}));
        }
        self.users.insert(email.clone(), id.clone());
        (201, user(&id, &email, true))
    }

    fn bulk(&mut self, body: &Value) -> Reply {
        self.requests += 1;
        let operations = body["Operations"].as_array().unwrap();
        if operations.len() > self.most {
            return reply(413, json!({"status": "413", "detail": "too many"}));
        }
        let mut results = Vec::new();
        for operation in operations {
            let name = operation["data"]["userName"].as_str().unwrap();
            let at = name.trim_matches(|c: char| !c.is_ascii_digit());
            let end = if self.requests == 1 {
                (self.ends)(at.parse().unwrap())
            } else {
                End::Good
            };
            let result = |status: u16, more: Value| {
                let mut result = json!({
                    "method": operation["method"], "bulkId": operation["bulkId"], "status": status.to_string()
                });
                result
                    .as_object_mut()
                    .unwrap()
                    .extend(more.as_object().unwrap().clone());
                result
            };
            match end {
                End::Refused(status) => {
                    let why =
                        json!({"response": {"status": status.to_string(), "detail": "not now"}});
                    results.push(result(status, why));
                }
                End::Skipped => {}
                carried_out => {
                    let (status, answer) = self.create(&operation["data"]);
                    match carried_out {
                        End::Silent => {}
                        End::Shown => results.push(result(status, json!({"response": answer}))),
                        _ => {
                            let id = answer["id"].as_str().unwrap_or_default();
                            results.push(result(
                                status,
                                json!({"location": format!("http://x/v2/Users/{id}")}),
                            ));
                        }
                    }
                }
            }
        }
        results.reverse();
        reply(200, json!({"schemas": [], "Operations": results}))
    }

    fn answer(&mut self, call: &Call) -> Reply {
        if call.is("GET", "/ServiceProviderConfig") {
            let bulk =
                json!({"supported": true, "maxOperations": 100, "maxPayloadSize": 1_000_000});
            return reply(200, json!({"bulk": bulk, "patch": {"supported": true}}));
        }
        if call.is("POST", "/Bulk") {
            return self.bulk(&call.json());
        }
        if call.is("POST", "/Users") {
            let (status, answer) = self.create(&call.json());
            return reply(status, answer);
        }
        let filter = call.query("filter").unwrap_or_default().to_lowercase();
        let found = self
            .users
            .iter()
            .filter(|(email, _)| filter.contains(&format!("\"{email}\"")));
        let found: Vec<Value> = found.map(|(email, id)| user(id, email, true)).collect();
        match call.path.as_str() {
            "/Users" => reply(200, list(&found)),
            _ => reply(404, ""),
        }
    }
}

fn odd(most: usize, ends: fn(usize) -> End) -> Scripted {
    let node = Mutex::new(Odd {
        most,
        ends,
        users: BTreeMap::new(),
        requests: 0,
    });
    Scripted::start(move |call, _| node.lock().unwrap().answer(call))
}

#[test]
fn what_fails_among_others_is_tried_alone() {
    let server = odd(100, |at| match at {
        0 => End::Refused(500),
        1 => End::Refused(429),
        2 => End::Refused(400),
        3 => End::Silent,
        4 => End::Skipped,
        5 => End::Shown,
        6 => End::Refused(501),
        7 => End::Refused(404),
        _ => End::Good,
    });
    let desk = server.desk();
    desk.file("people.csv", people(20, "teams", ""));
    desk.headcount(&["import", "people.csv"])
        .with(0)
        .says("20 created");
    let rows = desk.rows("people.results.csv");
    let alone = ["2", "2", "2", "1", "2", "1", "2", "2", "1"];
    assert_eq!(column(&rows, "result_attempts")[..9], alone);
    let single = server.calls();
    let single = single.iter().filter(|call| call.is("POST", "/Users"));
    let emails: BTreeSet<String> = single
        .map(|call| call.json()["userName"].as_str().unwrap().to_owned())
        .collect();
    let again = [0, 1, 2, 4, 6, 7].map(|i| format!("p{i}@example.com"));
    assert_eq!(emails, BTreeSet::from(again));
}

#[test]
fn a_node_that_takes_fewer_than_it_says_gets_fewer() {
    let server = odd(20, |_| End::Good);
    let desk = server.desk();
    desk.file("people.csv", people(200, "last_name", "x"));
    desk.headcount(&["import", "people.csv", "--concurrency", "1"])
        .with(0)
        .says("200 created");
    assert_eq!(
        server.count("POST"),
        server
            .calls()
            .iter()
            .filter(|call| call.is("POST", "/Bulk"))
            .count()
    );
    let rows = desk.rows("people.results.csv");
    assert!(rows.iter().all(|row| row["result_status"] == "201"));
}

/// Who is there, how, and in which teams.
fn state(node: &Node) -> BTreeMap<String, (Option<String>, bool, BTreeSet<String>)> {
    let snapshot = node.sandbox().snapshot();
    let users = snapshot.users.iter();
    users
        .map(|user| {
            let groups = snapshot.groups_of(&user.user_name);
            let groups = groups.into_iter().map(str::to_owned).collect();
            let state = (user.family_name.clone(), user.active, groups);
            (user.user_name.clone(), state)
        })
        .collect()
}

#[test]
fn a_node_is_left_as_single_calls_would_leave_it() {
    let actions = [
        "upsert",
        "update",
        "lock",
        "unlock",
        "add-teams",
        "remove-teams",
    ];
    let teams = ["Sales", "Legal;New1", "New2", "Finance;Sales", "New1;New2"];
    for (seed, (operations, concurrency, faults)) in [
        (3, "1", ""),
        (50, "8", ""),
        (1000, "8", ""),
        (10, "4", "500@after=5%,reset=5%,429=3%"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut random = fastrand::Rng::with_seed(seed as u64);
        let options = || Options {
            users: 60,
            bulk_max_operations: operations,
            ..Options::default()
        };
        let single = Node::start(options());
        let there: Vec<String> = state(&single).into_keys().collect();
        let mut file = "action,email,last_name,teams\n".to_owned();
        for _ in 0..400 {
            let action = actions[random.usize(..actions.len())];
            let email = match random.usize(..4) {
                0 => format!("new{}@example.com", random.usize(..60)),
                _ => there[random.usize(..there.len())].clone(),
            };
            // A node need not say of an account made in a bulk request that it is active: then it is
            // unlocked to be sure.
            let action = match action {
                "unlock" if email.starts_with("new") => "lock",
                action => action,
            };
            let groups = teams[(email.len() + action.len()) % teams.len()];
            let (name, groups) = match action {
                "lock" | "unlock" => ("", ""),
                "add-teams" | "remove-teams" => ("", groups),
                _ => ("Same", groups),
            };
            file += &format!("{action},{email},{name},{groups}\n");
        }
        let arguments = [
            "import",
            "people.csv",
            "--create-teams",
            "--yes",
            "--allow-locks",
            "400",
            "--batch",
            "7",
        ];
        let outcomes = |node: &Node, more: &[&str]| {
            let desk = node.desk();
            desk.file("people.csv", &file);
            let ended = desk.headcount(&[&arguments[..], more].concat());
            assert!([0, 4].contains(&ended.code), "{}", ended.stderr);
            desk.outcomes("people.results.csv")
        };
        let alone = outcomes(&single, &["--bulk", "off"]);
        let bulk = Node::start(Options {
            bulk: Bulk::Yes,
            faults: faults.parse().unwrap(),
            seed: seed as u64,
            ..options()
        });
        let together = outcomes(&bulk, &["--bulk", "on", "--concurrency", concurrency]);
        assert_eq!(alone.len(), file.lines().count() - 1);
        assert_eq!(together.len(), alone.len());
        for (at, (alone, together)) in alone.iter().zip(&together).enumerate() {
            let row = file.lines().nth(at + 1).unwrap();
            assert_eq!(
                alone,
                together,
                "{operations} operations, row {}: {row}",
                at + 2
            );
        }
        assert_eq!(state(&single), state(&bulk), "{operations}");
        assert!(bulk.sandbox().calls().of("POST /Bulk") > 0);
    }
}
