//! Nodes and networks in trouble: every row is carried out once, or honestly not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use crate::support::scripted::{Call, Reply, Scripted, list, reply, user};
use harness::{Desk, Node, at_once, column, nobody};
use headcount::sandbox::Options;

/// Status, body and `Retry-After` of a refusal, given what tells the time.
type Told = fn() -> (u16, &'static str, String);

fn people(count: usize) -> String {
    let mut file = "email,first_name,last_name,external_id\n".to_owned();
    for i in 0..count {
        file += &format!("p{i}@example.com,First{i},Last{i},E{i}\n");
    }
    file
}

#[test]
fn whatever_happens_to_answers_each_person_is_created_once() {
    let faults = [
        "500@before=20%",
        "500@after=20%",
        "503@before=10%,503@after=10%",
        "reset@before=15%,reset@after=15%",
        "cut=30%",
        "html=20%",
        "empty=20%,malformed=20%,content-type=20%",
        "429=10%,throttled=5%",
    ];
    at_once(faults, |faults| {
        let node = Node::start(Options {
            users: 3,
            faults: faults.parse().unwrap(),
            seed: 7,
            ..Options::default()
        });
        let desk = node.desk();
        desk.file("people.csv", people(60));
        // Each answer that says to wait says one second: that is the time this test takes.
        desk.headcount(&["import", "people.csv", "--concurrency", "16"])
            .with(0);
        let rows = desk.rows("people.results.csv");
        let outcomes = column(&rows, "result_outcome");
        assert!(
            outcomes.iter().all(|outcome| outcome == "created"),
            "{faults}: {outcomes:?}"
        );
        let held: BTreeMap<_, _> = node
            .sandbox()
            .snapshot()
            .users
            .into_iter()
            .map(|user| (user.user_name, user.id))
            .collect();
        assert_eq!(held.len(), 63, "{faults}");
        assert_eq!(rows.len(), 60, "{faults}");
        let named = rows.iter().filter(|row| !row["result_user_id"].is_empty());
        // Of some, no answer that came through named the id.
        assert!(named.clone().count() > 30, "{faults}");
        for row in named {
            let (email, id) = (&row["email"], &row["result_user_id"]);
            assert_eq!(held[email], *id, "{faults}: {row:?}");
        }
    });
}

#[test]
fn locks_and_updates_come_through_as_well() {
    let faults = "500@before=10%,500@after=10%,reset@after=10%,cut=5%,empty=5%"
        .parse()
        .unwrap();
    let node = Node::start(Options {
        users: 200,
        faults,
        seed: 3,
        ..Options::default()
    });
    let desk = node.desk();
    let mut file = "action,email,last_name\n".to_owned();
    for (i, user) in node.sandbox().snapshot().users.iter().enumerate() {
        file += &match i % 3 {
            0 if i < 60 => format!("lock,{},\n", user.user_name),
            1 => format!("unlock,{},\n", user.user_name),
            _ => format!("update,{},Changed\n", user.user_name),
        };
    }
    desk.file("changes.csv", file);
    desk.headcount(&["import", "changes.csv", "--yes"]).with(0);
    let now = node.sandbox().snapshot();
    let rows = desk.rows("changes.results.csv");
    assert_eq!(rows.len(), 200);
    for (i, row) in rows.iter().enumerate() {
        let user = now.user(&row["email"]).unwrap();
        match row["action"].as_str() {
            "lock" => assert!(!user.active, "row {i}"),
            "unlock" => assert!(user.active, "row {i}"),
            _ => assert_eq!(user.family_name.as_deref(), Some("Changed"), "row {i}"),
        }
    }
}

#[test]
fn a_wait_is_obeyed_in_seconds_and_as_a_date() {
    let told: [Told; 3] = [
        || (429, r#"{"detail":"slow down"}"#, "2".to_owned()),
        || {
            let then = SystemTime::now() + Duration::from_secs(3);
            (429, "", httpdate::fmt_http_date(then))
        },
        || {
            (
                403,
                r#"{"error":"throttled","message":"try again in 2 seconds"}"#,
                String::new(),
            )
        },
    ];
    at_once(told, |tell| {
        let refused = AtomicBool::new(false);
        let server = Scripted::start(move |call, before| {
            if call.method == "GET" {
                return reply(404, "");
            }
            if before >= 2 && !refused.swap(true, Ordering::Relaxed) {
                let (status, body, wait) = tell();
                let answer = reply(status, body);
                return if wait.is_empty() {
                    answer
                } else {
                    answer.header("retry-after", wait)
                };
            }
            let email = asked_for(call);
            reply(201, user(&email, &email, true))
        });
        let desk = server.desk();
        desk.file("people.csv", people(5));
        desk.headcount(&["import", "people.csv", "--concurrency", "1"])
            .with(0)
            .says("5 created");
        let calls = server.calls();
        let creates = calls.iter().filter(|call| call.method == "POST");
        let mut creates: Vec<String> = creates.map(asked_for).collect();
        assert_eq!(creates.len(), 6);
        // Whoever was refused comes again when all others are done, which takes no time; nobody else comes twice.
        let last = creates.pop().unwrap();
        let first = creates.iter().position(|email| *email == last);
        assert!(first.is_some_and(|at| at < 4), "{creates:?}, then {last}");
        assert_eq!(BTreeSet::from_iter(creates).len(), 5);
    });
}

/// The person whom a create is about.
fn asked_for(call: &Call) -> String {
    call.json()["userName"].as_str().unwrap().to_owned()
}

/// Makes everybody, but refuses the first `times` creates of p0 like this.
fn refuses_p0(times: usize, refusal: impl Fn() -> Reply + Send + Sync + 'static) -> Scripted {
    let refused = AtomicUsize::new(0);
    let made = Mutex::new(Vec::new());
    Scripted::start(move |call, _| {
        if let Some(id) = call.path.strip_prefix("/Users/") {
            return reply(200, user(id, id, true));
        }
        if call.method == "GET" {
            let filter = call.query("filter");
            let is_meant = |email: &&String| filter.is_none_or(|filter| filter.contains(*email));
            let made = made.lock().unwrap();
            let found = made.iter().filter(is_meant);
            let found: Vec<_> = found.map(|email| user(email, email, true)).collect();
            return reply(200, list(&found));
        }
        let email = asked_for(call);
        if email == "p0@example.com" && refused.fetch_add(1, Ordering::Relaxed) < times {
            return refusal();
        }
        made.lock().unwrap().push(email.clone());
        reply(201, user(&email, &email, true))
    })
}

#[test]
fn a_row_that_is_refused_twenty_times_while_others_pass_is_not_lost() {
    for (status, body) in [
        (503, ""),
        (500, r#"{"detail":"Too many requests, try again later"}"#),
        (429, ""),
    ] {
        let server = refuses_p0(20, move || reply(status, body).header("retry-after", 0.05));
        let desk = server.desk();
        desk.file("people.csv", people(40));
        desk.headcount(&["import", "people.csv"])
            .with(0)
            .says("40 created");
        assert_eq!(server.count("POST"), 60, "{status}");
    }
}

#[test]
fn a_call_that_is_told_to_wait_waits_alone() {
    for status in [429, 503] {
        let told = Duration::from_secs(2);
        let server = refuses_p0(1, move || {
            reply(status, "").header("retry-after", told.as_secs())
        });
        let desk = server.desk();
        desk.file("people.csv", people(60));
        desk.headcount(&["import", "people.csv"])
            .with(0)
            .says("60 created");
        // All others are done when it comes again.
        let calls = server.calls();
        let creates: Vec<_> = calls.iter().filter(|call| call.method == "POST").collect();
        let last = creates.last().map(|call| asked_for(call));
        assert_eq!(last.as_deref(), Some("p0@example.com"), "{status}");
        assert_eq!(creates.len(), 61);
    }
}

#[test]
fn a_create_that_is_answered_with_503_is_looked_for_and_then_sent() {
    let server = refuses_p0(1, || reply(503, "").header("retry-after", 0.05));
    let desk = server.desk();
    desk.file("people.csv", people(1));
    desk.headcount(&["import", "people.csv", "--bulk", "off"])
        .with(0)
        .says("1 created");
    let calls = server.calls();
    let users = calls.iter().filter(|call| call.path == "/Users");
    let methods: Vec<_> = users.map(|call| call.method.as_str()).collect();
    let create = methods.iter().position(|method| *method == "POST").unwrap();
    let ["POST", looks @ .., "POST"] = &methods[create..] else {
        panic!("{methods:?}");
    };
    assert!(!looks.is_empty() && looks.iter().all(|method| *method == "GET"));
}

/// A node that answers the first POST for everybody with 503, and makes the account of those that `has_effect`.
fn unavailable_once(has_effect: impl Fn(&str) -> bool + Send + Sync + 'static) -> Scripted {
    let seen = Mutex::new(Vec::<String>::new());
    let made = Mutex::new(Vec::<String>::new());
    Scripted::start(move |call, _| {
        let mut made = made.lock().unwrap();
        if call.method == "GET" {
            let asked = call.path.strip_prefix("/Users/").or(call.query("filter"));
            let found = made
                .iter()
                .filter(|email| asked.is_none_or(|asked| asked.contains(email.as_str())))
                .map(|email| person(email));
            let found: Vec<_> = found.collect();
            return match (call.path.strip_prefix("/Users/"), found.first()) {
                (Some(_), Some(account)) => reply(200, account.clone()),
                _ => reply(200, list(&found)),
            };
        }
        let email = asked_for(call);
        let is_first = !seen.lock().unwrap().contains(&email);
        seen.lock().unwrap().push(email.clone());
        if made.contains(&email) {
            return reply(409, r#"{"detail":"taken","scimType":"uniqueness"}"#);
        }
        if !is_first || has_effect(&email) {
            made.push(email.clone());
        }
        if is_first {
            return reply(503, "").header("retry-after", 0.05);
        }
        reply(201, person(&email))
    })
}

/// As `people` has them.
fn person(email: &str) -> serde_json::Value {
    let number = email.trim_start_matches('p');
    let number = number.split('@').next().unwrap();
    let mut person = user(email, email, true);
    person["name"] = serde_json::json!({
        "givenName": format!("First{number}"), "familyName": format!("Last{number}"),
    });
    person["displayName"] = format!("First{number} Last{number}").into();
    person["externalId"] = format!("E{number}").into();
    person
}

fn lookups(server: &Scripted) -> usize {
    let calls = server.calls();
    let lookups = calls.iter().filter(|call| call.query("filter").is_some());
    lookups.count()
}

#[test]
fn refusals_without_effect_are_not_looked_into_for_ever() {
    const ROWS: usize = 60;
    let [calm, refusing] = [true, false].map(|calm| {
        let server = if calm {
            refuses_p0(0, || reply(503, ""))
        } else {
            unavailable_once(|_| false)
        };
        let desk = server.desk();
        desk.file("people.csv", people(ROWS));
        desk.headcount(&["import", "people.csv", "--bulk", "off"])
            .with(0)
            .says(&format!("{ROWS} created"));
        let posts = if calm { ROWS } else { 2 * ROWS };
        assert_eq!(server.count("POST"), posts);
        lookups(&server)
    });
    let looked = refusing - calm;
    assert!((5..=5 + ROWS / 10).contains(&looked), "{looked} look-ups");
}

#[test]
fn an_account_that_a_refused_create_made_is_found_and_not_made_twice() {
    // From the first row on, and once a few refusals had no effect.
    for from in [0, 20] {
        let server = unavailable_once(move |email| {
            let number = email.trim_start_matches('p').split('@').next().unwrap();
            number.parse::<usize>().unwrap() >= from
        });
        let desk = server.desk();
        desk.file("people.csv", people(40));
        desk.headcount(&["import", "people.csv", "--bulk", "off"])
            .with(0)
            .says("40 created");
        if from == 0 {
            assert_eq!(server.count("POST"), 40);
        }
        assert!(server.count("POST") <= 80);
    }
}

#[test]
fn a_token_that_is_refused_stops_the_run() {
    for (status, body) in [(401, ""), (403, r#"{"error":"access_denied"}"#)] {
        let server = Scripted::start(move |_, _| reply(status, body));
        let desk = server.desk();
        desk.file("people.csv", people(200));
        desk.headcount(&["import", "people.csv", "--concurrency", "2"])
            .with(3)
            .says("token");
        let rows = desk.rows("people.results.csv");
        assert_eq!(rows.len(), 200);
        let outcomes = column(&rows, "result_outcome");
        let failed = harness::count(&outcomes, "failed");
        let not_attempted = harness::count(&outcomes, "not_attempted");
        assert!(
            (1..=8).contains(&failed),
            "{failed} rows were sent with a refused token"
        );
        assert_eq!(failed + not_attempted, 200);
        assert_eq!(server.count("POST"), failed);
    }
}

#[test]
fn a_node_that_is_not_there_is_exit_code_3() {
    let desk = Desk::at(&format!("http://{}/v2", nobody()));
    desk.file("people.csv", people(20));
    desk.headcount(&["import", "people.csv"])
        .with(3)
        .says("cannot be reached");
    let outcomes = desk.outcomes("people.results.csv");
    assert!(
        outcomes.len() == 20 && outcomes.iter().all(|outcome| outcome == "not_attempted"),
        "{outcomes:?}"
    );
    desk.headcount(&["export", "users"]).with(3);
    desk.headcount(&["lock", "people.csv", "--yes"]).with(3);
}

#[test]
fn an_account_that_was_there_before_is_not_called_created() {
    // Every first POST is answered with 500, and the account has been there for years.
    let server = Scripted::start(|call, _| match call.method.as_str() {
        "POST" => reply(500, ""),
        _ => {
            let mut ann = person("p0@example.com");
            ann["meta"] = serde_json::json!({"created": "2020-01-01T00:00:00Z"});
            reply(200, list(&[ann]))
        }
    });
    let desk = server.desk();
    desk.file("people.csv", people(1));
    desk.headcount(&["import", "people.csv"]).with(0);
    assert_eq!(
        desk.rows("people.results.csv")[0]["result_outcome"],
        "exists"
    );
    assert_eq!(server.count("POST"), 1);
}

#[test]
fn a_409_after_a_lost_answer_is_the_first_post_having_worked() {
    // The first POST works, late: the look in between does not show it yet.
    let server = Scripted::start(|call, before| match (call.method.as_str(), before) {
        ("POST", 0) => reply(500, ""),
        ("POST", _) => reply(
            409,
            r#"{"detail":"Email already taken","scimType":"uniqueness"}"#,
        ),
        (_, 1) => reply(200, list(&[])),
        (_, 2 | 3) => reply(200, list(&[user("9", "other@example.com", true)])),
        _ => {
            let mut made = person("p0@example.com");
            made["id"] = "1".into();
            reply(200, list(&[made]))
        }
    });
    let desk = server.desk();
    desk.file("people.csv", people(1));
    desk.headcount(&["import", "people.csv"]).with(0);
    let row = &desk.rows("people.results.csv")[0];
    assert_eq!(
        (
            row["result_outcome"].as_str(),
            row["result_user_id"].as_str()
        ),
        ("created", "1"),
        "{row:?}"
    );
}

/// The first POST is answered with 429, the second with 409; whoever is looked for was made at this time.
fn refused_after_waiting(made: Option<String>) -> Scripted {
    Scripted::start(move |call, before| match (call.method.as_str(), before) {
        ("POST", 0) => reply(429, "").header("retry-after", 0),
        ("POST", _) => reply(409, r#"{"scimType":"uniqueness"}"#),
        _ => {
            let mut ann = person("p0@example.com");
            ann["id"] = "1".into();
            if let Some(made) = &made {
                ann["meta"] = serde_json::json!({"created": made});
            }
            reply(200, list(&[ann]))
        }
    })
}

#[test]
fn a_create_that_was_put_off_and_carried_out_is_created() {
    let now = jiff::Timestamp::now().to_string();
    let long_ago = "2020-01-01T00:00:00Z".to_owned();
    let cases = [
        (Some(now), "created"),
        (Some(long_ago), "exists"),
        // Nothing shows that the account was there before.
        (None, "created"),
    ];
    at_once(cases, |(made, outcome)| {
        let server = refused_after_waiting(made);
        let desk = server.desk();
        desk.file("people.csv", people(1));
        desk.headcount(&["import", "people.csv"]).with(0);
        let row = &desk.rows("people.results.csv")[0];
        assert_eq!(row["result_outcome"], outcome, "{row:?}");
        assert_eq!(row["result_user_id"], "1");
    });
}

#[test]
fn redirects_are_not_followed() {
    let elsewhere = Scripted::start(|_, _| reply(200, list(&[])));
    let url = elsewhere.desk().url().to_owned();
    let server = Scripted::start(move |call, _| {
        reply(302, "").header("location", format!("{url}{}", call.path))
    });
    let desk = server.desk();
    desk.headcount(&["export", "users"])
        .with(3)
        .says("another address");
    assert_eq!(server.calls().len(), 1);
    assert!(elsewhere.calls().is_empty());
}

#[test]
fn too_many_errors_stop_the_run() {
    let server = Scripted::start(|_, _| reply(400, r#"{"detail":"the domain is not reserved"}"#));
    let desk = server.desk();
    desk.file("people.csv", people(300));
    desk.headcount(&[
        "import",
        "people.csv",
        "--max-errors",
        "10",
        "--concurrency",
        "1",
    ])
    .with(5)
    .says("--max-errors");
    let rows = desk.rows("people.results.csv");
    assert_eq!(rows.len(), 300);
    assert!(server.count("POST") <= 16, "{}", server.count("POST"));
    assert!(rows[0]["result_error"].contains("the domain is not reserved"));
}

#[test]
fn a_name_with_anything_in_it_reaches_only_its_own_address() {
    let server = Scripted::start(|call, _| match call.path.as_str() {
        "/Users" => reply(
            200,
            serde_json::json!({"totalResults": 9_000, "Resources": [user("1", "a@x.com", true)]}),
        ),
        _ => reply(404, ""),
    });
    let desk = server.desk();
    desk.file(
        "ids.csv",
        "id\n../Groups/1\n%2e%2e/x\n..\na?b=c#d\n\"a\"\"b\"\n",
    );
    desk.headcount(&["lock", "ids.csv", "--yes"]).with(4);
    let mut calls = server.calls();
    calls.retain(|call| call.path != "/ServiceProviderConfig");
    assert!(calls.len() >= 4, "{calls:?}");
    for call in calls {
        let rest = call
            .path
            .strip_prefix("/Users")
            .unwrap_or_else(|| panic!("{}", call.path));
        assert!(
            rest.is_empty() || (rest.starts_with('/') && !rest[1..].contains('/') && rest != "/.."),
            "{}",
            call.path
        );
        assert_eq!(call.method, "GET");
    }
}
