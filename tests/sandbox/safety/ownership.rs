//! Whose an account is that has the email of a new person: created by this job, there before, or nobody can tell.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use crate::support::odd::{Odd, Quirks};
use crate::support::scripted::{Call, Reply, Scripted, list, reply};
use harness::{Desk, Node, Row, column, until_it};
use headcount::sandbox::Options;
use serde_json::{Value, json};

const ANN: &str = "email,first_name,last_name\nann@example.com,Ann,Beech\n";
const ANN_AND_BOB: &str =
    "email,first_name,last_name\nann@example.com,Ann,Beech\nbob@example.com,Bob,Birch\n";

/// What a node is like. The default shows no `meta.created`, and does all else as it should.
#[derive(Debug, Clone, Copy, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a habit of its own, which a test picks by name"
)]
struct Nature {
    /// How many seconds its clock is ahead of this machine's.
    ahead: i64,
    /// How many seconds `meta.created` lags behind its `Date`; none: it does not show it.
    lag: Option<i64>,
    ignores_filters: bool,
    /// 403 to every look at a user.
    hides_users: bool,
    /// Users are listed by id and email only.
    lists_in_short: bool,
    /// 403 to a look at a single user.
    hides_each: bool,
    /// It carries this POST out, counted from 0, and answers it with this status.
    carried_out: Option<(usize, u16)>,
    /// It does nothing with this POST, counted from 0, and answers it with this status.
    lost: Option<(usize, u16)>,
    /// It answers the create of somebody who is there with this status and that account.
    says_yes: Option<u16>,
    /// It answers creates with 201 and nothing, and shows nobody.
    forgets: bool,
}

/// A node of this nature, and who is on it.
struct Place {
    server: Scripted,
    people: Arc<Mutex<Vec<Value>>>,
    /// Whoever holds this keeps all creates from being answered.
    gate: Arc<Mutex<()>>,
}

impl Place {
    fn new(nature: Nature) -> Self {
        let people = Arc::new(Mutex::new(Vec::<Value>::new()));
        let gate = Arc::new(Mutex::new(()));
        let (state, door) = (Arc::clone(&people), Arc::clone(&gate));
        let posts = Mutex::new(0);
        let server = Scripted::start(move |call, _| {
            let answer = answer(nature, call, &state, &posts);
            if call.method == "POST" {
                drop(door.lock());
            }
            let now = SystemTime::now();
            let apart = Duration::from_secs(nature.ahead.unsigned_abs());
            let date = if nature.ahead < 0 {
                now - apart
            } else {
                now + apart
            };
            answer.header("date", httpdate::fmt_http_date(date))
        });
        Place {
            server,
            people,
            gate,
        }
    }

    /// Somebody who is there already, made long ago if the node says when.
    fn with(self, email: &str, first: &str, last: &str) -> Self {
        self.with_new(email, first, last, 1_500_000_000)
    }

    /// Somebody who is there already, made then.
    fn with_new(self, email: &str, first: &str, last: &str, made: i64) -> Self {
        let id = format!("old-{email}");
        let mut person = person(&id, email, first, last);
        person["made"] = json!(made);
        self.people.lock().unwrap().push(person);
        self
    }

    /// Imports a file, and is killed when the first account is made and not answered.
    #[track_caller]
    fn kill_while_it_creates(&self, desk: &Desk, file: &str) {
        desk.file("people.csv", file);
        let before = self.people.lock().unwrap().len();
        let gate = self.gate.lock().unwrap();
        let mut child = desk
            .command(&["import", "people.csv", "-q", "--concurrency", "1"])
            .spawn()
            .unwrap();
        until_it(&mut child, "somebody is created", || {
            self.people.lock().unwrap().len() > before
        });
        child.kill().unwrap();
        child.wait().unwrap();
        drop(gate);
    }

    fn desk(&self) -> Desk {
        self.server.desk()
    }

    /// The emails of those who are locked.
    fn locked(&self) -> Vec<String> {
        let people = self.people.lock().unwrap();
        let locked = people.iter().filter(|person| person["active"] == false);
        locked
            .map(|person| person["userName"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Imports a file; the exit code, and the results.
    #[track_caller]
    fn import(&self, file: &str, args: &[&str]) -> (i32, Vec<Row>) {
        let desk = self.desk();
        desk.file("people.csv", file);
        let import = ["import", "people.csv", "-q", "--concurrency", "1"];
        let ended = desk.headcount(&[&import[..], args].concat());
        (ended.code, desk.rows("people.results.csv"))
    }
}

fn person(id: &str, email: &str, first: &str, last: &str) -> Value {
    json!({
        "id": id, "userName": email, "active": true, "groups": [],
        "name": {"givenName": first, "familyName": last}, "displayName": format!("{first} {last}"),
    })
}

fn answer(nature: Nature, call: &Call, people: &Mutex<Vec<Value>>, posts: &Mutex<usize>) -> Reply {
    let mut people = people.lock().unwrap();
    let shown = |person: &Value| {
        let mut shown = person.clone();
        if let (Some(lag), Some(made)) = (nature.lag, person["made"].as_i64()) {
            let made = jiff::Timestamp::from_second(made - lag).unwrap();
            shown["meta"] = json!({"created": made.to_string()});
        }
        shown
    };
    let path: Vec<&str> = call.path.trim_matches('/').split('/').collect();
    match (call.method.as_str(), path.as_slice()) {
        ("POST", ["Users"]) => {
            let body = call.json();
            let nth = {
                let mut posts = posts.lock().unwrap();
                *posts += 1;
                *posts - 1
            };
            if let Some((at, status)) = nature.lost
                && at == nth
            {
                return reply(status, "").header("retry-after", 0);
            }
            if nature.forgets {
                return reply(201, "");
            }
            let is_called = |person: &&Value| person["userName"] == body["userName"];
            if let Some(person) = people.iter().find(is_called) {
                return match nature.says_yes {
                    Some(status) => reply(status, shown(person)),
                    None => reply(409, json!({"scimType": "uniqueness"})),
                };
            }
            let mut made = body.clone();
            made["id"] = json!(format!("u-{}", people.len()));
            made["active"] = json!(body["active"] != false);
            made["groups"] = json!([]);
            made["made"] = json!(jiff::Timestamp::now().as_second() + nature.ahead);
            let answer = reply(201, shown(&made));
            people.push(made);
            match nature.carried_out {
                Some((at, status)) if at == nth => reply(status, "").header("retry-after", 0),
                _ => answer,
            }
        }
        ("GET", ["Users", ..]) if nature.hides_users => reply(403, json!({"detail": "no reading"})),
        ("GET", ["Users", _]) if nature.hides_each => reply(403, json!({"detail": "no reading"})),
        ("GET", ["Users"]) => {
            let wanted = call
                .query("filter")
                .filter(|_| !nature.ignores_filters)
                .map(|filter| filter.split('"').nth(1).unwrap().to_lowercase());
            let mut found: Vec<Value> = people
                .iter()
                .filter(|person| {
                    wanted
                        .as_deref()
                        .is_none_or(|wanted| person["userName"] == wanted)
                })
                .map(shown)
                .collect();
            if nature.lists_in_short {
                for each in &mut found {
                    *each = json!({"id": each["id"], "userName": each["userName"]});
                }
            }
            reply(200, list(&found))
        }
        (method, ["Users", id]) => {
            let found = people.iter_mut().find(|person| person["id"] == *id);
            match (method, found) {
                ("GET", Some(person)) => reply(200, shown(person)),
                ("PATCH", Some(person)) => {
                    person["active"] = call.json()["Operations"][0]["value"].clone();
                    reply(200, shown(person))
                }
                _ => reply(404, ""),
            }
        }
        ("GET", ["Groups"]) => reply(200, list(&[])),
        _ => reply(404, ""),
    }
}

#[track_caller]
fn is(row: &Row, outcome: &str, status: &str) {
    assert_eq!(
        (&*row["result_outcome"], &*row["result_status"]),
        (outcome, status),
        "{row:?}"
    );
}

/// A node with so many users, and what a team there is called.
fn with_teams(users: usize) -> (Node, String) {
    let node = Node::start(Options {
        users,
        teams: 3,
        ..Options::default()
    });
    let team = node.sandbox().snapshot().groups.remove(0).display_name;
    (node, team)
}

#[test]
fn the_same_file_twice_succeeds() {
    let (node, team) = with_teams(3);
    let desk = node.desk();
    desk.file(
        "people.csv",
        format!("email,first_name,teams\nann@example.com,Ann,{team}\nbob@example.com,Bob,\n"),
    );
    desk.headcount(&["import", "people.csv"])
        .with(0)
        .says("2 created");
    let dry = desk.headcount(&["import", "people.csv", "--dry-run"]);
    assert!(dry.with(0).stdout.contains("exists already"));
    desk.headcount(&["import", "people.csv"])
        .with(0)
        .says("2 existed already");
    let rows = desk.rows("people.results.csv");
    assert_eq!(column(&rows, "result_outcome"), ["exists", "exists"]);
    assert_eq!(column(&rows, "result_status"), ["409", "409"]);
    assert!(rows.iter().all(|row| !row["result_user_id"].is_empty()));
    // What the second run has not made, it does not lock.
    desk.headcount(&["runs", "undo", "--yes"])
        .with(0)
        .says("nothing to take back");
}

#[test]
fn an_account_that_differs_is_named_with_what_differs() {
    let (node, team) = with_teams(0);
    let desk = node.desk();
    desk.file(
        "people.csv",
        "email,first_name,last_name\nann@example.com,Ann,Birch\n",
    );
    desk.headcount(&["import", "people.csv"]).with(0);
    desk.file(
        "people.csv",
        format!("email,first_name,last_name,teams\nann@example.com,Ann,Beech,{team}\n"),
    );
    let words = format!(
        "an account with this email exists and differs: last_name is \"Birch\", the row asks for \"Beech\"; team {team} \
         is missing; see --on-conflict skip or update"
    );
    let dry = desk.headcount(&["import", "people.csv", "--dry-run"]);
    assert!(dry.with(4).stdout.contains(&words));
    desk.headcount(&["import", "people.csv"]).with(4);
    let row = &desk.rows("people.results.csv")[0];
    is(row, "failed", "409");
    assert!(row["result_error"].ends_with(&words), "{row:?}");
}

#[test]
fn a_display_name_that_the_row_does_not_name_is_no_difference() {
    let server = Odd::start(Quirks {
        makes_names: true,
        ..Quirks::default()
    });
    let desk = server.server.desk();
    desk.file("people.csv", ANN);
    desk.headcount(&["import", "people.csv"]).with(0);
    desk.headcount(&["import", "people.csv"])
        .with(0)
        .says("1 existed already");
}

#[test]
fn what_a_list_leaves_out_is_no_difference() {
    let place = Place::new(Nature {
        lists_in_short: true,
        ..Nature::default()
    })
    .with("ann@example.com", "Ann", "Beech");
    let (code, rows) = place.import(ANN, &[]);
    is(&rows[0], "exists", "409");
    assert_eq!(code, 0);
}

#[test]
fn an_answer_that_was_lost_is_created_whatever_the_node_shows_of_times() {
    for ahead in [0, -7_200, 7_200] {
        for lag in [None, Some(0), Some(20)] {
            for nth in [0, 1] {
                let place = Place::new(Nature {
                    ahead,
                    lag,
                    carried_out: Some((nth, 500)),
                    ..Nature::default()
                });
                let (code, rows) = place.import(ANN_AND_BOB, &[]);
                let outcomes = column(&rows, "result_outcome");
                let what = format!("{ahead} s ahead, lag {lag:?}, POST {nth}");
                assert_eq!(outcomes, ["created", "created"], "{what}");
                assert_eq!(code, 0, "{what}");
                assert_eq!(place.people.lock().unwrap().len(), 2, "{what}");
            }
        }
    }
}

#[test]
fn a_create_that_was_put_off_and_carried_out_is_created() {
    for status in [429, 503] {
        for lag in [None, Some(0), Some(20)] {
            let place = Place::new(Nature {
                lag,
                carried_out: Some((0, status)),
                ..Nature::default()
            });
            let (code, rows) = place.import(ANN, &[]);
            assert_eq!(rows[0]["result_outcome"], "created", "{status}, {lag:?}");
            assert_eq!(code, 0);
        }
    }
}

#[test]
fn somebody_who_was_there_is_not_created_by_an_answer_that_was_lost() {
    for (last, outcome) in [("Beech", "exists"), ("Birch", "failed")] {
        for ahead in [0, -7_200, 7_200] {
            let place = Place::new(Nature {
                ahead,
                lag: Some(0),
                carried_out: Some((0, 500)),
                ..Nature::default()
            })
            .with("bob@example.com", "Bob", last);
            // Bob's create is refused: that he may be new is not thought of.
            let file = ANN_AND_BOB.replace("Bob,Birch", "Bob,Beech");
            let (_, rows) = place.import(&file, &[]);
            assert_eq!(rows[0]["result_outcome"], "created");
            is(&rows[1], outcome, "409");
        }
    }
}

#[test]
fn an_account_that_cannot_be_seen_is_unknown() {
    let place = Place::new(Nature {
        hides_users: true,
        ..Nature::default()
    })
    .with("ann@example.com", "Ann", "Beech");
    let (code, rows) = place.import(ANN, &[]);
    is(&rows[0], "unknown", "409");
    assert!(rows[0]["result_error"].contains("no reading"), "{rows:?}");
    assert_eq!(code, 4);
}

#[test]
fn a_row_that_was_refused_is_not_created_when_it_is_sent_again() {
    // Nothing can be seen at first.
    let place = Place::new(Nature::default()).with("ann@example.com", "Ann", "Beech");
    let hidden = Arc::new(Mutex::new(true));
    let hides = Arc::clone(&hidden);
    let people = Arc::clone(&place.people);
    let posts = Mutex::new(0);
    let server = Scripted::start(move |call, _| {
        let nature = Nature {
            hides_users: *hides.lock().unwrap(),
            ..Nature::default()
        };
        answer(nature, call, &people, &posts)
    });
    let desk = server.desk();
    desk.file("people.csv", ANN);
    desk.headcount(&["import", "people.csv"]).with(4);
    *hidden.lock().unwrap() = false;
    desk.headcount(&["runs", "retry"]).with(0);
    is(&desk.rows("people.results.csv")[0], "exists", "409");
}

#[test]
fn a_plain_refusal_where_nobody_has_the_email_is_that_of_another_node() {
    for ignores_filters in [false, true] {
        let server = Scripted::start(move |call, _| match call.method.as_str() {
            "POST" => reply(409, json!({"scimType": "uniqueness"})),
            _ => {
                let nature = Nature {
                    ignores_filters,
                    ..Nature::default()
                };
                let people = Mutex::new(vec![person("1", "cat@example.com", "Cat", "Cedar")]);
                answer(nature, call, &people, &Mutex::new(0))
            }
        });
        let desk = server.desk();
        desk.file("people.csv", ANN_AND_BOB);
        desk.headcount(&["import", "people.csv"]).with(4);
        let rows = desk.rows("people.results.csv");
        assert_eq!(rows.len(), 2);
        for row in &rows {
            is(row, "failed", "409");
            let words = "belongs to another node or tenant";
            assert!(row["result_error"].contains(words), "{row:?}");
        }
        assert!(server.count("GET") <= 8, "{}", server.count("GET"));
    }
}

#[test]
fn an_undo_locks_only_those_whom_the_run_is_proven_to_have_created() {
    let node = Node::with_users(5);
    let desk = node.desk();
    let before = node.active().len();
    desk.file("people.csv", ANN_AND_BOB);
    desk.headcount(&["import", "people.csv"]).with(0);
    desk.headcount(&["runs", "undo", "--yes"])
        .with(0)
        .says("2 locked");
    assert_eq!(node.active().len(), before);

    // The second answer is lost, and the node does not say when accounts were made.
    let place = Place::new(Nature {
        carried_out: Some((1, 500)),
        ..Nature::default()
    });
    let desk = place.desk();
    desk.file("people.csv", ANN_AND_BOB);
    let import = ["import", "people.csv", "--concurrency", "1"];
    desk.headcount(&import).with(0).says("2 created");
    desk.headcount(&["runs", "undo", "--yes"])
        .with(0)
        .says("row 3 stays: bob@example.com was reported as created, but whether this run made it is not proven")
        .says("1 locked");
    assert_eq!(place.locked(), ["ann@example.com"]);

    // It does say when: that proves it, where the node has said its own time before.
    let place = Place::new(Nature {
        lag: Some(0),
        carried_out: Some((1, 500)),
        ..Nature::default()
    });
    let desk = place.desk();
    desk.file(
        "people.csv",
        format!("{ANN_AND_BOB}cat@example.com,Cat,Cedar\n"),
    );
    desk.headcount(&import).with(0).says("3 created");
    desk.headcount(&["runs", "undo", "--yes"])
        .with(0)
        .says("3 locked");
}

#[test]
fn after_a_kill_those_who_were_there_are_neither_created_nor_locked() {
    let mut place = Place::new(Nature {
        ignores_filters: true,
        ..Nature::default()
    });
    let mut file = "email,first_name,last_name\n".to_owned();
    for at in 0..40 {
        file += &format!("new{at}@example.com,New,No{at}\n");
    }
    for at in 0..100 {
        let (email, last) = (format!("old{at}@example.com"), format!("No{at}"));
        place = place.with(&email, "Old", &last);
        file += &format!("{email},Old,{last}\n");
    }
    let desk = place.desk();
    // The first is made, and its answer does not come: few rows are noted before it has.
    place.kill_while_it_creates(&desk, &file);

    desk.headcount(&["runs", "resume", "-q"]).with(0);
    let rows = desk.rows("people.results.csv");
    let outcomes = column(&rows, "result_outcome");
    assert_eq!(outcomes[..40], ["created"; 40]);
    assert_eq!(outcomes[40..], ["exists"; 100]);
    assert_eq!(place.people.lock().unwrap().len(), 140);

    desk.headcount(&["runs", "undo", "--yes", "--allow-locks", "140"])
        .with(0)
        .says("row 2 stays: new0@example.com was reported as created")
        .says("39 locked");
    let locked = place.locked();
    assert_eq!(locked.len(), 39);
    assert!(locked.iter().all(|email| email.starts_with("new")));
}

const ANN_ACTIVE: &str = "email,first_name,last_name,active\nann@example.com,Ann,Beech,yes\n";

/// Ann's create, after two look-ups that tell the node's time.
const ANN_AFTER_OTHERS: &str = "email,first_name,last_name,active,action\n\
    old0@example.com,Old,Oak,,update\n\
    old1@example.com,Old,Oak,,update\n\
    ann@example.com,Ann,Beech,no,create\n";

#[test]
fn after_a_kill_an_account_that_contradicts_the_row_is_nobodys_to_lock() {
    for lag in [None, Some(0), Some(20)] {
        let place = Place::new(Nature {
            lag,
            ..Nature::default()
        })
        .with("old0@example.com", "Old", "Oak")
        .with("old1@example.com", "Old", "Oak");
        let desk = place.desk();
        place.kill_while_it_creates(&desk, ANN_AFTER_OTHERS);
        // The create was lost after all, and somebody made another account since.
        let lost = place.people.lock().unwrap().pop().unwrap();
        let made = lost["made"].as_i64().unwrap();
        let place = place.with_new("ann@example.com", "Helga", "Huber", made);
        desk.headcount(&["runs", "resume", "-q"]).with(4);
        let row = &desk.rows("people.results.csv")[2];
        is(row, "failed", "409");
        let words = r#"first_name is "Helga", the row asks for "Ann""#;
        assert!(row["result_error"].contains(words), "{lag:?}, {row:?}");
        desk.headcount(&["runs", "undo", "--yes"]).with(0);
        assert_eq!(place.locked(), [""; 0], "{lag:?}");
    }
}

#[test]
fn after_a_kill_an_account_that_only_looks_alike_is_not_locked_by_an_undo() {
    let place = Place::new(Nature {
        lag: Some(0),
        ..Nature::default()
    })
    .with("old0@example.com", "Old", "Oak")
    .with("old1@example.com", "Old", "Oak");
    let desk = place.desk();
    place.kill_while_it_creates(&desk, &ANN_AFTER_OTHERS.replace(",no,", ",,"));
    desk.headcount(&["runs", "resume", "-q"]).with(0);
    is(&desk.rows("people.results.csv")[2], "created", "200");
    desk.headcount(&["runs", "undo", "--yes"])
        .with(0)
        .says("row 4 stays: ann@example.com was reported as created");
    assert_eq!(place.locked(), [""; 0]);
}

#[test]
fn an_account_of_which_nothing_is_shown_is_not_claimed() {
    let place = Place::new(Nature {
        lists_in_short: true,
        hides_each: true,
        carried_out: Some((0, 500)),
        ..Nature::default()
    });
    let (code, rows) = place.import(ANN_ACTIVE, &[]);
    is(&rows[0], "unknown", "");
    assert!(rows[0]["result_error"].contains("no reading"), "{rows:?}");
    assert_eq!(code, 4);
}

#[test]
fn a_list_that_leaves_out_when_an_account_was_made_does_not_make_it_ours() {
    for status in [500, 502] {
        let place = Place::new(Nature {
            lag: Some(0),
            lists_in_short: true,
            lost: Some((1, status)),
            ..Nature::default()
        })
        .with("bob@example.com", "Bob", "Birch");
        let (_, rows) = place.import(ANN_AND_BOB, &[]);
        assert_eq!(rows[0]["result_outcome"], "created");
        is(&rows[1], "exists", "409");
    }
}

#[test]
fn a_yes_with_an_account_that_existed_is_not_a_create() {
    let now = jiff::Timestamp::now().as_second();
    // The status of the yes, how old the account is if the node shows that, the name of who is there: what becomes of
    // the row.
    for (status, age, last, outcome) in [
        (201, Some(7_201), "Birch", "failed"),
        (200, Some(7_201), "Birch", "failed"),
        (200, None, "Birch", "failed"),
        (200, Some(5_000), "Beech", "exists"),
        // It is off by a time zone, as far as anything tells; no time at all is shown.
        (201, Some(7_201), "Beech", "created"),
        (200, Some(7_201), "Beech", "created"),
        (201, None, "Birch", "created"),
    ] {
        let lag = age.map(|_| 0);
        let place = Place::new(Nature {
            lag,
            says_yes: Some(status),
            ..Nature::default()
        })
        .with_new(
            "ann@example.com",
            "Ann",
            last,
            now - age.unwrap_or_default(),
        );
        let desk = place.desk();
        desk.file("people.csv", ANN);
        desk.headcount(&["import", "people.csv"]);
        let row = &desk.rows("people.results.csv")[0];
        let what = format!("{status}, {age:?}, {last}: {row:?}");
        assert_eq!(row["result_outcome"], outcome, "{what}");
        desk.headcount(&["runs", "undo", "--yes"]).with(0);
        assert_eq!(place.locked(), [""; 0], "{what}");
    }
}

#[test]
fn a_yes_with_an_account_that_the_list_showed_before_is_not_a_create() {
    let mut place = Place::new(Nature {
        ignores_filters: true,
        says_yes: Some(201),
        ..Nature::default()
    })
    .with("ann@example.com", "Ann", "Beech")
    .with("bob@example.com", "Bob", "Other");
    let mut file = "email,first_name,last_name,action\n".to_owned();
    for at in 0..3 {
        let email = format!("old{at}@example.com");
        place = place.with(&email, "Old", "Oak");
        file += &format!("{email},Old,Oak,update\n");
    }
    file += "ann@example.com,Ann,Beech,create\nbob@example.com,Bob,Birch,create\n";
    let (_, rows) = place.import(&file, &[]);
    is(&rows[3], "exists", "201");
    is(&rows[4], "failed", "201");
}

#[test]
fn who_is_not_proven_to_be_new_counts_as_somebody_who_is_locked() {
    let place = Place::new(Nature {
        says_yes: Some(200),
        ..Nature::default()
    })
    .with("ann@example.com", "Ann", "Beech")
    .with("bob@example.com", "Bob", "Birch");
    let file = ANN_AND_BOB
        .replace("last_name", "last_name,active")
        .replace("Beech", "Beech,no")
        .replace("Birch", "Birch,no");
    let (code, rows) = place.import(&file, &["--allow-locks", "1"]);
    assert!(place.locked().len() < 2, "{rows:?}");
    let errors = column(&rows, "result_error");
    let is_guard = |error: &String| error.contains("than the 1 allowed");
    assert_eq!(errors.into_iter().filter(is_guard).count(), 1, "{rows:?}");
    assert_ne!(code, 0);
}

#[test]
fn an_account_of_another_name_is_not_locked_on_the_word_of_a_yes() {
    let place = Place::new(Nature {
        says_yes: Some(201),
        ..Nature::default()
    })
    .with("ann@example.com", "Ann", "Other");
    let file = ANN
        .replace("last_name", "last_name,active")
        .replace("Beech", "Beech,no");
    let (code, rows) = place.import(&file, &["--yes", "--allow-locks", "9"]);
    assert_eq!((code, place.locked().len()), (4, 0), "{rows:?}");
    assert_eq!(rows[0]["result_outcome"], "unknown");
    assert!(
        rows[0]["result_error"].contains("may be another person's"),
        "{rows:?}"
    );
}

#[test]
fn who_may_be_new_and_does_not_show_is_unknown_to_later_rows() {
    let place = Place::new(Nature {
        forgets: true,
        ..Nature::default()
    });
    let file = "email,first_name,last_name,action\n\
                ann@example.com,Ann,Beech,create\n\
                ann@example.com,Ann,Birch,update\n\
                ann@example.com,,,lock\n\
                bob@example.com,,,lock\n";
    let (_, rows) = place.import(file, &["--yes", "--allow-locks", "9"]);
    let outcomes = column(&rows, "result_outcome");
    assert_eq!(outcomes, ["unknown", "unknown", "unknown", "failed"]);
    let words = "an earlier row may have created this account, and it does not show yet";
    assert!(rows[2]["result_error"].contains(words), "{rows:?}");
    assert_eq!(rows[3]["result_status"], "404");
}

/// A file of so many new people, and their emails.
fn many(people: usize) -> (String, Vec<String>) {
    let emails: Vec<String> = (0..people)
        .map(|at| format!("new{at}@example.com"))
        .collect();
    let mut file = "email,first_name,last_name\n".to_owned();
    for email in &emails {
        file += &format!("{email},New,Beech\n");
    }
    (file, emails)
}

#[test]
fn who_was_announced_and_not_sent_is_not_created_by_somebody_else() {
    let place = Place::new(Nature {
        lag: Some(0),
        lost: Some((0, 400)),
        ..Nature::default()
    });
    let (file, emails) = many(60);
    let desk = place.desk();
    desk.file("people.csv", file);
    desk.headcount(&["import", "people.csv", "--max-errors", "0"]);
    let rows = desk.rows("people.results.csv");
    let not_sent = |row: &&Row| row["result_outcome"] == "not_attempted";
    let not_sent: Vec<String> = rows
        .iter()
        .filter(not_sent)
        .map(|row| row["email"].clone())
        .collect();
    assert!(!not_sent.is_empty() && not_sent.len() < emails.len());
    let now = jiff::Timestamp::now().as_second();
    let place = not_sent.iter().fold(place, |place, email| {
        place.with_new(email, "New", "Beech", now)
    });
    desk.headcount(&["runs", "resume", "-q", "--max-errors", "9"]);
    let rows = desk.rows("people.results.csv");
    for row in rows.iter().filter(|row| not_sent.contains(&row["email"])) {
        is(row, "exists", "409");
    }
    drop(place);
}

#[test]
fn a_row_that_was_refused_and_that_a_retry_has_not_come_to_is_not_unknown() {
    let server = Scripted::start(|call, _| match call.method.as_str() {
        "POST" => reply(400, json!({"detail": "no such thing"})),
        _ => reply(200, list(&[])),
    });
    let desk = server.desk();
    desk.file("people.csv", many(60).0);
    desk.headcount(&["import", "people.csv", "-q"]).with(4);
    // The second retry takes over what the first one has noted.
    for _ in 0..2 {
        desk.headcount(&["runs", "retry", "-q", "--max-errors", "0"]);
        let rows = desk.rows("people.results.csv");
        assert_eq!(rows.len(), 60);
        let outcomes = column(&rows, "result_outcome");
        assert!(
            outcomes.iter().any(|word| word == "not_attempted"),
            "{outcomes:?}"
        );
        assert!(
            outcomes.iter().all(|word| word != "unknown"),
            "{outcomes:?}"
        );
    }
}
