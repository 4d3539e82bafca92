//! `headcount doctor`: what is wrong with a node, in words, without touching it.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use crate::support::scripted::{Call, Reply, Scripted, list, reply, user};
use harness::{Desk, Ended, Node, TOKEN, ended, nobody};
use headcount::sandbox::Options;
use serde_json::{Value, json};

/// State and words of each check.
type Checks = BTreeMap<String, (String, String)>;

/// The first list of a report, read back from its columns.
fn checks(ended: &Ended) -> Checks {
    let mut checks = Checks::new();
    let mut last = String::new();
    let lines = ended.stdout.lines().skip(2);
    for line in lines.take_while(|line| !line.is_empty()) {
        let part = |from: usize, to: usize| line.get(from..to).unwrap_or_default().trim();
        let text = line[34..].to_owned();
        if part(11, 32).is_empty() {
            let (_, words) = checks.get_mut(&last).unwrap();
            *words += &format!(" {text}");
        } else {
            part(11, 32).clone_into(&mut last);
            checks.insert(last.clone(), (part(2, 9).to_owned(), text));
        }
    }
    checks
}

/// The rest of a report, as one line.
fn advice(ended: &Ended) -> String {
    let rest = ended
        .stdout
        .split_once("What headcount will use")
        .unwrap()
        .1;
    rest.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn shows(checks: &Checks, check: &str, state: &str, words: &str) {
    let (found_state, found) = checks.get(check).unwrap_or_else(|| panic!("no {check}"));
    assert!(
        found_state == state && found.contains(words),
        "{check}: {found_state}, {found}"
    );
}

/// A server with these users and groups, and nothing else.
fn plain(users: Vec<Value>, groups: Vec<Value>) -> impl Fn(&Call) -> Reply {
    move |call| match call.path.as_str() {
        "/Users" => reply(200, list(&users)),
        "/Groups" => reply(200, list(&groups)),
        path => match path.strip_prefix("/Groups/") {
            Some(id) => match groups.iter().find(|group| group["id"] == *id) {
                Some(group) => reply(200, group),
                None => reply(404, "{}"),
            },
            None => reply(404, "{}"),
        },
    }
}

fn ann_and_bob() -> Vec<Value> {
    vec![
        user("1", "ann@example.com", true),
        user("2", "bob@example.com", false),
    ]
}

fn teams() -> Vec<Value> {
    vec![
        json!({"id": "s", "displayName": "Sales", "members": [{"value": "1"}]}),
        json!({"id": "r", "displayName": "ROLE_Auditor", "members": []}),
    ]
}

#[test]
fn a_node_without_faults_gets_nothing_to_mend() {
    let node = Node::with_users(40);
    let ended = node
        .desk()
        .headcount(&["doctor", "--role-prefix", "ROLE_", "--rate", "6000/min"])
        .with(0);
    let checks = checks(&ended);
    assert_eq!(checks.len(), 19, "{}", ended.stdout);
    for (check, (state, found)) in &checks {
        assert_eq!(state, "ok", "{check}: {found}");
    }
    shows(&checks, "users", "ok", "40; 4 are locked");
    shows(&checks, "groups", "ok", "8 teams and 2 roles");
    shows(
        &checks,
        "ServiceProviderConfig",
        "ok",
        "patch: yes; bulk: no",
    );
    let advice = advice(&ended);
    assert!(advice.contains("one by one with a filter"), "{advice}");
    assert!(advice.contains("never more than 6000/min"), "{advice}");
    assert!(advice.ends_with("What to mend nothing"), "{advice}");
}

#[test]
fn the_sandbox_can_be_examined_and_nothing_is_said_to_be_wrong() {
    let desk = Desk::at("");
    let ended = ended(&mut desk.without_node(&["doctor", "--sandbox"])).with(0);
    assert!(ended.stdout.starts_with("Checks of the sandbox\n"));
}

#[test]
fn only_reads_are_made_and_few_of_them() {
    let answer = plain(ann_and_bob(), teams());
    let server = Scripted::start(move |call, _| answer(call));
    server.desk().headcount(&["doctor"]).with(0);
    let calls = server.calls();
    assert_eq!(server.count("GET"), calls.len());
    assert!(calls.len() <= 20, "{} calls", calls.len());
    assert!(!calls.is_empty() && calls.iter().all(|call| call.body.is_empty()));
}

#[test]
fn the_largest_page_is_found_in_three_pages_at_the_most() {
    for (users, page_max, words) in [
        (1200, 1000, "1,000 at once, as many as headcount asks for"),
        (1200, 500, "500 at once, although 1,000 were asked for"),
        (1200, 100, "100 at once"),
        (1200, 30, "30 at once"),
        (70, 100, "all 70 users came at once"),
        (0, 100, "there is nobody to make a page of"),
    ] {
        let node = Node::start(Options {
            users,
            page_max,
            ..Options::default()
        });
        let ended = node.desk().headcount(&["doctor"]).with(0);
        shows(&checks(&ended), "page size", "ok", words);
    }
    let node = Node::start(Options {
        users: 1200,
        page_max: 100,
        ..Options::default()
    });
    let advice = advice(&node.desk().headcount(&["doctor"]).with(0));
    assert!(advice.contains("listing everyone (12 calls)"), "{advice}");
}

/// A server of 900 users that decides by itself how long a page is, or refuses.
fn paging(length: impl Fn(u64) -> Option<u64> + Send + Sync + 'static) -> Scripted {
    Scripted::start(move |call, _| {
        if call.path != "/Users" {
            return reply(404, "{}");
        }
        let Some(length) = length(call.query("count").unwrap().parse().unwrap()) else {
            return reply(400, json!({"detail": "count is too large"}));
        };
        let users: Vec<_> = (1..=length)
            .map(|id| user(&id.to_string(), &format!("p{id}@example.com"), true))
            .collect();
        reply(200, json!({"totalResults": 900, "Resources": users}))
    })
}

#[test]
fn nodes_that_refuse_large_pages_or_answer_them_with_small_ones_are_seen() {
    let server = paging(|count| (count <= 200).then_some(count));
    let ended = server.desk().headcount(&["doctor"]).with(0);
    let words = "pages of 1,000 are refused, 100 are granted";
    shows(&checks(&ended), "page size", "note", words);

    let server = paging(|count| Some(if count > 500 { 10 } else { count }));
    let ended = server.desk().headcount(&["doctor"]).with(0);
    let words = "10 where 1,000 were asked for, but 500 where 500";
    shows(&checks(&ended), "page size", "note", words);
    let large = |call: &&Call| {
        call.path == "/Users" && call.query("filter").is_none() && call.query("count") != Some("1")
    };
    assert!(server.calls().iter().filter(large).count() <= 3);
}

#[test]
fn a_node_that_tells_nothing_of_itself_and_ignores_filters_can_be_used() {
    let answer = plain(ann_and_bob(), teams());
    let server = Scripted::start(move |call, _| answer(call));
    let ended = server
        .desk()
        .headcount(&["doctor", "--role-prefix", "ROLE_"])
        .with(0);
    let checks = checks(&ended);
    for check in [
        "ServiceProviderConfig",
        "ResourceTypes/User",
        "ResourceTypes/Group",
        "Schemas",
        "schema of users",
    ] {
        shows(
            &checks,
            check,
            "note",
            "the node does not have it (HTTP 404)",
        );
    }
    for check in ["filter userName eq", "filter id eq", "filter active eq"] {
        shows(&checks, check, "note", "ignored");
    }
    shows(&checks, "excludedAttributes", "note", "ignored");
    shows(&checks, "groups", "ok", "1 team and 1 role (");
    let advice = advice(&ended);
    assert!(
        advice.contains("by listing everyone (one call): the filter"),
        "{advice}"
    );
    assert!(advice.contains("with members"), "{advice}");
}

#[test]
fn a_filter_that_tells_upper_from_lower_case_is_not_relied_on() {
    let answer = plain(ann_and_bob(), Vec::new());
    let server = Scripted::start(move |call, _| match call.query("filter") {
        Some(r#"userName eq "ann@example.com""#) => reply(200, list(&ann_and_bob()[..1])),
        Some(filter) if filter.starts_with("userName") => reply(200, list(&[])),
        Some(filter) if filter.starts_with("id") => reply(501, "{}"),
        Some(_) => reply(200, list(&ann_and_bob()[1..])),
        None => answer(call),
    });
    let ended = server.desk().headcount(&["doctor"]).with(0);
    let checks = checks(&ended);
    shows(
        &checks,
        "filter userName eq",
        "note",
        "only when upper and lower",
    );
    shows(
        &checks,
        "filter id eq",
        "note",
        "does not have it (HTTP 501)",
    );
    shows(&checks, "filter active eq", "ok", "1 are locked");
    shows(&checks, "groups", "ok", "no teams yet");
}

#[test]
fn members_that_can_be_left_out_are() {
    let answer = plain(ann_and_bob(), teams());
    let server = Scripted::start(move |call, _| {
        if call.query("excludedAttributes") == Some("members") {
            let lean = json!([
                {"id": "s", "displayName": "Sales"}, {"id": "t", "displayName": "Sales"}
            ]);
            return reply(200, list(lean.as_array().unwrap()));
        }
        answer(call)
    });
    let ended = server.desk().headcount(&["doctor"]).with(0);
    let checks = checks(&ended);
    shows(&checks, "excludedAttributes", "ok", "honoured");
    shows(
        &checks,
        "groups",
        "note",
        r#"More than one is called "Sales""#,
    );
    assert!(
        advice(&ended).contains("1. Rename teams"),
        "{}",
        ended.stdout
    );
}

/// A node that says a lot of itself.
fn talkative(patch: bool) -> Scripted {
    let answer = plain(ann_and_bob(), teams());
    Scripted::start(move |call, _| match call.path.as_str() {
        "/ServiceProviderConfig" => reply(
            200,
            json!({
                "patch": {"supported": patch}, "etag": {"supported": "true"},
                "bulk": {"supported": true, "maxOperations": 1000, "maxPayloadSize": 1_048_576},
                "filter": {"supported": true, "maxResults": 200}
            }),
        ),
        "/ResourceTypes/User" => reply(200, json!({"name": "User", "endpoint": "/People"})),
        "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User" => reply(
            200,
            json!({"id": "urn:x", "attributes": [
                {"name": "userName"}, {"name": "displayName"}, {"name": "active"},
                {"name": "groups", "mutability": "readOnly", "subAttributes": [{"name": "value"}]}
            ]}),
        ),
        _ => answer(call),
    })
}

#[test]
fn what_a_node_says_of_itself_is_said_in_words() {
    let server = talkative(false);
    let ended = server.desk().headcount(&["doctor"]).with(0);
    let checks = checks(&ended);
    let config = "patch: no; bulk: yes, 1,000 operations, 1,048,576 bytes; filter: yes, at most 200 results; \
                  sort: not said; etag: yes";
    shows(&checks, "ServiceProviderConfig", "note", config);
    shows(
        &checks,
        "ResourceTypes/User",
        "note",
        "headcount uses /Users",
    );
    shows(
        &checks,
        "schema of users",
        "note",
        "name.givenName, name.familyName, emails.value, which the node may ignore; only to be read: groups",
    );
    let advice = advice(&ended);
    for words in [
        "changes by PUT: whole accounts and teams are read and put back, since the node says that it takes no PATCH",
        "memberships with the group, whose members are read and put back",
    ] {
        assert!(advice.contains(words), "{advice}");
    }
    assert!(
        advice.contains(
            "up to 1,000 changes in one call, in 1,048,576 bytes at the most (--bulk auto)"
        ),
        "{advice}"
    );
}

#[test]
fn memberships_may_have_to_go_with_the_group_as_the_schema_says() {
    let server = talkative(true);
    let ended = server.desk().headcount(&["doctor"]).with(0);
    let advice = advice(&ended);
    for words in [
        "changes by PATCH of what differs",
        "with the group, which its schema suggests",
    ] {
        assert!(advice.contains(words), "{advice}");
    }
}

#[test]
fn what_will_be_used_of_bulk_requests_follows_from_what_the_node_says() {
    for (bulk, words) in [
        (
            json!({"supported": false, "maxOperations": 1000, "maxPayloadSize": 1_048_576}),
            "one call for each change: the node does not offer bulk requests",
        ),
        (
            json!({"supported": true, "maxOperations": 500}),
            "does not say how large they may be; with --bulk on, up to 100 changes in one call",
        ),
        (
            json!({"supported": true, "maxOperations": 1, "maxPayloadSize": 1_048_576}),
            "the node takes one operation in a bulk request",
        ),
    ] {
        let answer = plain(ann_and_bob(), teams());
        let server = Scripted::start(move |call, _| match call.path.as_str() {
            "/ServiceProviderConfig" => reply(200, json!({"bulk": bulk})),
            _ => answer(call),
        });
        let advice = advice(&server.desk().headcount(&["doctor"]));
        assert!(advice.contains(words), "{words}: {advice}");
    }
}

#[test]
fn a_wrong_token_is_said_in_words_and_the_rest_is_not_asked() {
    let node = Node::with_users(3);
    let desk = node.desk();
    let mut command = desk.command(&["doctor"]);
    command.env("HEADCOUNT_TOKEN", "another");
    let ended = ended(&mut command).with(3);
    let checks = checks(&ended);
    shows(&checks, "connection", "ok", "answered");
    shows(
        &checks,
        "token",
        "problem",
        "the token is not valid for this node (HTTP 401",
    );
    shows(&checks, "clock", "ok", "agree");
    for check in ["users", "groups", "Schemas", "page size"] {
        shows(&checks, check, "-", "not checked: the token is refused");
    }
    shows(&checks, "filter id eq", "-", "not checked");
    let advice = advice(&ended);
    assert!(
        advice.contains("1. Put the token of this very node in HEADCOUNT_TOKEN"),
        "{advice}"
    );
    assert!(!ended.stdout.contains("another"));
}

#[test]
fn what_a_node_tells_everybody_is_shown_although_the_token_is_refused() {
    let server = Scripted::start(|call, _| match call.path.as_str() {
        "/ServiceProviderConfig" => reply(200, json!({"patch": {"supported": true}})),
        // A careless server repeats what it was sent.
        _ => reply(403, json!({"detail": format!("{TOKEN} is not allowed")})),
    });
    let ended = server.desk().headcount(&["doctor"]).with(3);
    let checks = checks(&ended);
    shows(&checks, "token", "problem", "[the token] is not allowed");
    shows(&checks, "ServiceProviderConfig", "ok", "patch: yes");
}

#[test]
fn where_nobody_listens_that_is_all_there_is_to_say() {
    let nobody = nobody();
    let desk = Desk::at(&format!("http://{nobody}/v2"));
    let ended = desk.headcount(&["doctor"]).with(3);
    let checks = checks(&ended);
    let said = format!("nobody listens at {nobody}");
    shows(&checks, "connection", "problem", &said);
    let rest = checks.iter().filter(|(_, (state, _))| state == "-");
    assert_eq!(rest.clone().count(), 16, "{}", ended.stdout);
    for (check, (_, found)) in rest {
        assert!(found.starts_with("not checked: no "), "{check}: {found}");
    }
    assert!(advice(&ended).contains("correct the port in --url"));
}

#[test]
fn a_host_that_has_no_address_is_named() {
    // No resolver is asked for a name with a part as long as this.
    let host = format!("{}.example.com", "k".repeat(70));
    let desk = Desk::at(&format!("https://{host}/api/rest/scim/v2/7"));
    let ended = desk.headcount(&["doctor"]).with(3);
    let checks = checks(&ended);
    shows(
        &checks,
        "address",
        "note",
        "is not what the provider's addresses look like",
    );
    shows(
        &checks,
        "DNS",
        "problem",
        "has no address that this machine can find",
    );
    shows(
        &checks,
        "connection",
        "-",
        "not checked: the host has no address",
    );
    assert!(advice(&ended).contains("typing error"));
}

#[test]
fn encryption_that_does_not_come_about_is_told_from_a_host_that_is_not_there() {
    let server = Scripted::start(|_, _| reply(200, "{}"));
    let url = server.desk().url().replace("http:", "https:");
    let ended = Desk::at(&url).headcount(&["doctor"]).with(3);
    let checks = checks(&ended);
    shows(
        &checks,
        "connection",
        "problem",
        "a bare connection can be made",
    );
    shows(&checks, "connection", "problem", "does not speak TLS");
    assert!(advice(&ended).contains("Check the port in --url"));
}

#[test]
fn without_an_address_or_a_token_it_is_a_matter_of_usage() {
    let desk = Desk::at("");
    let mut command = desk.command(&["doctor"]);
    ended(command.env_remove("HEADCOUNT_URL"))
        .with(2)
        .says("which node?");
    let desk = Desk::at("http://127.0.0.1:1/v2");
    let mut command = desk.command(&["doctor"]);
    ended(command.env_remove("HEADCOUNT_TOKEN"))
        .with(2)
        .says("no token");
}

#[test]
fn clocks_that_differ_are_noticed() {
    for (shift, state, words) in [
        (3600, "note", "the node's clock is"),
        (40, "ok", "ahead"),
        (-130, "note", "behind"),
    ] {
        let answer = plain(ann_and_bob(), teams());
        let server = Scripted::start(move |call, _| {
            let now = SystemTime::now();
            let length = Duration::from_secs(i64::unsigned_abs(shift));
            // Half a second more, so that the way of the call does not make it less than it is.
            let there = if shift > 0 {
                now + length + Duration::from_millis(500)
            } else {
                now - length
            };
            answer(call).header("date", httpdate::fmt_http_date(there))
        });
        let ended = server.desk().headcount(&["doctor"]).with(0);
        let checks = checks(&ended);
        shows(&checks, "clock", state, words);
        if state == "note" {
            shows(&checks, "clock", state, "do not show the same times");
            assert!(advice(&ended).contains("time server"));
        }
    }
}

#[test]
fn what_is_no_scim_node_is_no_node() {
    let server = Scripted::start(|_, _| {
        reply(200, "<html>Sign in</html>").header("content-type", "text/html; charset=utf-8")
    });
    let ended = server.desk().headcount(&["doctor"]).with(3);
    let checks = checks(&ended);
    shows(&checks, "connection", "ok", "answered");
    shows(&checks, "token", "-", "no list");
    shows(&checks, "users", "problem", "text/html");
    assert!(advice(&ended).contains("Compare the address"));

    let elsewhere = Scripted::start(|_, _| reply(302, "").header("location", "https://x.invalid/"));
    let ended = elsewhere.desk().headcount(&["doctor"]).with(3);
    let words = "the node sends callers to another address";
    shows(&self::checks(&ended), "connection", "problem", words);

    let missing = Scripted::start(|_, _| reply(404, json!({"detail": "no such node"})));
    let ended = missing.desk().headcount(&["doctor"]).with(3);
    shows(&self::checks(&ended), "users", "problem", "no such node");
}

#[test]
fn a_call_that_fails_by_chance_is_sent_again_and_a_long_wait_is_not_waited_out() {
    let answer = plain(ann_and_bob(), teams());
    let server = Scripted::start(move |call, before| match before {
        0 => reply(500, "{}"),
        2 => reply(200, "<html>"),
        _ => answer(call),
    });
    let ended = server.desk().headcount(&["doctor"]).with(0);
    shows(&checks(&ended), "answers", "note", "GET /Users: HTTP 500");

    let busy = Scripted::start(|_, _| {
        reply(
            403,
            json!({"error": "throttled", "message": "try again in 10 minutes"}),
        )
    });
    let ended = busy.desk().headcount(&["doctor"]).with(3);
    let checks = checks(&ended);
    shows(&checks, "token", "-", "the node takes no calls just now");
    shows(&checks, "users", "problem", "it asks to wait for 10 min");
    shows(&checks, "groups", "-", "the node takes no calls just now");
    assert!(advice(&ended).contains("Wait and try again"));
    assert_eq!(busy.calls().len(), 1, "who is told to wait does not go on");
}
