//! Nodes that give lists by cursor (RFC 9865): everybody comes, each once, or it is said that not.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::scripted::{Call, Reply, Scripted, list, reply, user};
use harness::{Ended, Node, column, rows};
use headcount::sandbox::{Options, Paging};
use serde_json::{Value, json};

/// A node of 1,050 people that gives them by hundreds.
fn node(paging: Paging) -> Node {
    Node::start(Options {
        users: 1_050,
        page_max: 100,
        paging,
        ..Options::default()
    })
}

fn held(node: &Node) -> Vec<String> {
    let users = node.sandbox().snapshot().users;
    users.into_iter().map(|user| user.user_name).collect()
}

fn emails(ended: &Ended) -> Vec<String> {
    column(&rows(ended.stdout.as_bytes()), "email")
}

/// How many lists of users were asked for, and how many of all calls were refused with 400.
fn calls(node: &Node) -> (u64, u64) {
    let calls = node.sandbox().calls();
    (calls.of("GET /Users"), calls.answered(400))
}

#[test]
fn everybody_is_exported_from_a_node_that_knows_cursors_only() {
    for (paging, expected) in [(Paging::Cursor, (11, 0)), (Paging::CursorOnly, (12, 1))] {
        let node = node(paging);
        let ended = node.desk().headcount(&["export", "users"]).with(0);
        assert_eq!(emails(&ended), held(&node), "{paging:?}");
        assert_eq!(calls(&node), expected, "{paging:?}");
    }
}

#[test]
fn a_filter_goes_with_every_page() {
    for paging in [Paging::Cursor, Paging::CursorOnly] {
        let node = node(paging);
        // The sandbox refuses a cursor that came with another filter.
        let args = [
            "export",
            "users",
            "--filter",
            "email sw \"a\" or email sw \"m\"",
        ];
        let ended = node.desk().headcount(&args).with(0);
        let matching: Vec<String> = held(&node)
            .into_iter()
            .filter(|email| email.starts_with(['a', 'm']))
            .collect();
        assert!(matching.len() > 100, "more than a page");
        assert_eq!(emails(&ended), matching, "{paging:?}");
    }
}

#[test]
fn a_run_finds_teams_and_people_by_cursor() {
    for paging in [Paging::Cursor, Paging::CursorOnly] {
        let node = node(paging);
        let desk = node.desk();
        let people = held(&node);
        let few = format!("email\n{}\n{}\n", people[3], people[1_040]);
        desk.file("few.csv", &few);
        desk.headcount(&["lock", "few.csv", "--yes"])
            .with(0)
            .says("2 locked");
        desk.file("many.csv", harness::emails(&node.active()[..50]));
        desk.headcount(&["lock", "many.csv", "--yes", "--allow-locks", "100"])
            .with(0)
            .says("50 locked");
        let team = node.sandbox().snapshot().groups.remove(7).display_name;
        desk.file("new.csv", format!("email,teams\nnew@example.com,{team}\n"));
        desk.headcount(&["import", "new.csv"])
            .with(0)
            .says("1 created");
    }
}

#[test]
fn who_has_heard_of_cursors_is_refused_nothing() {
    let node = node(Paging::CursorOnly);
    let desk = node.desk();
    let lines: String = held(&node)[..40]
        .iter()
        .map(|email| format!("{email},X\n"))
        .collect();
    desk.file("people.csv", format!("email,first_name\n{lines}"));
    desk.headcount(&["import", "people.csv", "--action", "update"])
        .with(0)
        .says("40 updated");
    assert_eq!(calls(&node).1, 0, "the question about bulk has told it");
}

#[test]
fn doctor_says_that_pages_come_by_cursor() {
    for paging in [Paging::Cursor, Paging::CursorOnly] {
        let node = node(paging);
        let said = node.desk().headcount(&["doctor"]).with(0).stdout;
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("pages: by cursor"), "{said}");
        assert!(
            said.contains("Pages come one after the other, by cursor"),
            "{said}"
        );
    }
}

/// How a server lists three hundred people by cursor.
struct Habits {
    /// What is said to be the number of all, on a page of so many, where so many were given before.
    total: fn(usize, usize) -> Option<usize>,
    /// The cursor behind so many.
    cursor: fn(usize) -> String,
}

impl Default for Habits {
    fn default() -> Self {
        Habits {
            total: |_, _| Some(PEOPLE),
            cursor,
        }
    }
}

const PEOPLE: usize = 300;

/// A cursor with all that means something in an address.
fn cursor(behind: usize) -> String {
    format!("+/=&count=1#%41 ü?{behind}")
}

fn behind(cursor: &str) -> usize {
    cursor.rsplit('?').next().unwrap().parse().unwrap()
}

fn people() -> Vec<String> {
    (1..=PEOPLE)
        .map(|at| format!("p{at}@example.com"))
        .collect()
}

fn person(at: usize) -> Value {
    user(&at.to_string(), &format!("p{at}@example.com"), true)
}

impl Habits {
    /// The page behind so many, of a hundred.
    fn page(&self, before: usize) -> Value {
        let users: Vec<Value> = (before + 1..=PEOPLE.min(before + 100))
            .map(person)
            .collect();
        let behind = before + users.len();
        let mut page = json!({"Resources": users});
        if let Some(total) = (self.total)(users_in(&page), before) {
            page["totalResults"] = total.into();
        }
        if behind < PEOPLE {
            page["nextCursor"] = (self.cursor)(behind).into();
        }
        page
    }

    /// Answers as asked.
    fn answer(&self, call: &Call) -> Reply {
        match call.query("cursor") {
            Some(cursor) if !cursor.is_empty() => reply(200, self.page(behind(cursor))),
            _ => reply(200, self.page(0)),
        }
    }
}

fn users_in(page: &Value) -> usize {
    page["Resources"].as_array().unwrap().len()
}

/// A server that answers questions for users like this, and has nothing else.
fn server(answer: impl Fn(&Call, usize) -> Reply + Send + Sync + 'static) -> Scripted {
    let before = AtomicUsize::new(0);
    Scripted::start(move |call, _| match call.path.as_str() {
        "/Users" => answer(call, before.fetch_add(1, Ordering::Relaxed)),
        _ => reply(200, list(&[])),
    })
}

#[track_caller]
fn all_come(server: &Scripted) {
    let ended = server.desk().headcount(&["export", "users"]).with(0);
    assert_eq!(emails(&ended), people());
}

#[track_caller]
fn refused(server: &Scripted, words: &str) {
    let ended = server
        .desk()
        .headcount(&["export", "users", "-o", "all.csv"]);
    ended.with(4).says(words);
}

/// `startIndex`, `cursor` and `count` of each question for users.
fn asked(server: &Scripted) -> Vec<[Option<String>; 3]> {
    let calls = server.calls();
    let lists = calls.iter().filter(|call| call.path == "/Users");
    lists
        .map(|call| {
            ["startIndex", "cursor", "count"].map(|name| call.query(name).map(str::to_owned))
        })
        .collect()
}

#[test]
fn cursors_go_back_as_they_came_and_without_an_index() {
    let quirks = Habits::default();
    let server = server(move |call, _| quirks.answer(call));
    all_come(&server);
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        asked(&server),
        [
            [some("1"), None, some("1000")],
            [None, Some(cursor(100)), some("1000")],
            [None, Some(cursor(200)), some("1000")],
        ]
    );
}

#[test]
fn groups_are_asked_for_without_their_members_on_every_page() {
    let group = |at: usize| json!({"id": at.to_string(), "displayName": format!("Team {at}")});
    let server = Scripted::start(move |call, _| {
        if call.path != "/Groups" {
            return reply(200, list(&[]));
        }
        match call.query("cursor") {
            None => reply(
                200,
                json!({"totalResults": 2, "Resources": [group(1)], "nextCursor": "2"}),
            ),
            Some(_) => reply(200, json!({"totalResults": 2, "Resources": [group(2)]})),
        }
    });
    server.desk().headcount(&["teams", "list"]).with(0);
    let desk = server.desk();
    desk.file("people.csv", "email,teams\nann@example.com,Team 2\n");
    desk.headcount(&["plan", "people.csv"]).with(0);
    let calls = server.calls();
    let lean: Vec<_> = calls
        .iter()
        .filter(|call| call.query("excludedAttributes") == Some("members"))
        .map(|call| call.query("cursor"))
        .collect();
    assert_eq!(lean, [None, Some("2")]);
}

#[test]
fn a_list_may_begin_by_cursor_only() {
    // A node that names what it dislikes is not asked for shorter pages first.
    for (words, refusals) in [("startIndex?", 1), ("Use a cursor.", 1), ("no", 4)] {
        let quirks = Habits::default();
        let server = server(move |call, _| match call.query("startIndex") {
            Some(_) => reply(400, json!({"detail": words})),
            None => quirks.answer(call),
        });
        all_come(&server);
        let begun = asked(&server).into_iter();
        let begun: Vec<_> = begun.map(|[start, cursor, _]| (start, cursor)).collect();
        let index = (Some("1".to_owned()), None);
        let by_cursor = |cursor: String| (None, Some(cursor));
        let mut expected = vec![index; refusals];
        expected.extend([String::new(), cursor(100), cursor(200)].map(by_cursor));
        assert_eq!(begun, expected, "{words}");
    }
}

#[test]
fn a_length_that_is_too_much_is_no_word_against_the_index() {
    let quirks = Habits::default();
    let server = server(move |call, _| match call.query("count") {
        Some("1000") => reply(400, json!({"detail": "count + startIndex: at most 500"})),
        _ => quirks.answer(call),
    });
    all_come(&server);
    assert_eq!(asked(&server)[1][0].as_deref(), Some("1"));
}

#[test]
fn a_list_that_is_refused_either_way_is_refused_in_the_nodes_first_words() {
    let server = server(|call, _| match call.query("cursor") {
        None => reply(400, json!({"detail": "not today"})),
        Some(_) => reply(400, json!({"detail": "what is a cursor?"})),
    });
    let ended = server.desk().headcount(&["export", "users"]);
    ended.says("not today");
    assert_eq!(asked(&server).len(), 5);
}

#[test]
fn totals_may_be_missing_or_those_of_each_page() {
    let totals: [fn(usize, usize) -> Option<usize>; 3] = [
        |_, _| None,
        |on_page, _| Some(on_page),
        |_, before| (before == 0).then_some(PEOPLE),
    ];
    for total in totals {
        let quirks = Habits {
            total,
            ..Habits::default()
        };
        let server = server(move |call, _| quirks.answer(call));
        all_come(&server);
        assert_eq!(asked(&server).len(), 3, "read once");
    }
}

#[test]
fn a_total_that_nobody_comes_up_to_is_no_list() {
    let quirks = Habits {
        total: |_, _| Some(PEOPLE + 1),
        ..Habits::default()
    };
    let server = server(move |call, _| quirks.answer(call));
    refused(&server, "300 were read where it says there are 301");
    assert_eq!(asked(&server).len(), 6 * 3);
}

#[test]
fn a_total_that_changes_makes_it_read_again() {
    let quirks = Habits::default();
    let server = server(move |call, before| {
        let mut page = quirks.page(call.query("cursor").map_or(0, behind));
        if before == 1 {
            page["totalResults"] = (PEOPLE + 1).into();
        }
        reply(200, page)
    });
    all_come(&server);
    assert_eq!(asked(&server).len(), 2 * 3);
}

#[test]
fn somebody_who_comes_twice_makes_it_read_again_and_is_exported_once() {
    let quirks = Habits {
        total: |_, _| None,
        ..Habits::default()
    };
    let server = server(move |call, before| {
        let mut page = quirks.page(call.query("cursor").map_or(0, behind));
        if before == 1 {
            page["Resources"][0] = person(1);
        }
        reply(200, page)
    });
    let ended = server.desk().headcount(&["export", "users"]).with(0);
    let (mut came, mut all) = (emails(&ended), people());
    came.sort();
    all.sort();
    assert_eq!(came, all);
    assert_eq!(asked(&server).len(), 2 * 3);
}

#[test]
fn empty_pages_are_no_end() {
    let quirks = Habits::default();
    let server = server(move |call, before| {
        let behind = call.query("cursor").map_or(0, behind);
        if before == 1 {
            return reply(
                200,
                json!({"totalResults": PEOPLE, "Resources": [], "nextCursor": format!("again?{behind}")}),
            );
        }
        reply(200, quirks.page(behind))
    });
    all_come(&server);
    assert_eq!(asked(&server).len(), 4);
}

#[test]
fn a_cursor_that_does_not_lead_on_is_no_end() {
    // With everybody who is said to be there, there is nothing to miss.
    for (total, all) in [(None, false), (Some(PEOPLE), false), (Some(200), true)] {
        let server = server(move |call, _| {
            let before = call.query("cursor").map_or(0, behind).min(100);
            let users: Vec<_> = (before + 1..=before + 100).map(person).collect();
            reply(
                200,
                json!({"totalResults": total, "Resources": users, "nextCursor": cursor(100)}),
            )
        });
        if all {
            // Somebody comes twice in each reading.
            server.desk().headcount(&["export", "users"]).with(0);
        } else {
            refused(&server, "200 were read");
        }
        assert_eq!(asked(&server).len(), 6 * 3, "{total:?}");
    }
}

#[test]
fn a_walk_without_an_end_is_broken_off() {
    let server = server(|call, _| {
        let before = call.query("cursor").map_or(0, behind);
        let users: Vec<_> = (before + 1..=before + 100).map(person).collect();
        reply(
            200,
            json!({"totalResults": 500, "Resources": users, "nextCursor": cursor(before + 100)}),
        )
    });
    refused(&server, "does not come to an end");
}

#[test]
fn a_cursor_that_has_expired_makes_it_read_again() {
    for word in ["expiredCursor", "invalidCursor"] {
        let quirks = Habits {
            total: |_, _| None,
            ..Habits::default()
        };
        let server = server(move |call, before| {
            if before == 2 {
                return reply(400, json!({"scimType": word, "detail": "too old"}));
            }
            quirks.answer(call)
        });
        all_come(&server);
        assert_eq!(asked(&server).len(), 3 + 3, "{word}");
    }
}

#[test]
fn cursors_that_always_expire_are_said() {
    let quirks = Habits {
        total: |_, _| None,
        ..Habits::default()
    };
    let server = server(move |call, _| match call.query("cursor") {
        Some(cursor) if behind(cursor) == 200 => reply(
            400,
            json!({"scimType": "expiredCursor", "detail": "too old"}),
        ),
        _ => quirks.answer(call),
    });
    refused(
        &server,
        "200 were read and it does not say how many there are",
    );
    assert_eq!(asked(&server).len(), 6 * 3);
}

#[test]
fn fewer_are_asked_for_where_the_node_does_not_like_the_number() {
    for (most, counts) in [
        (100, vec!["1000", "100"]),
        (50, vec!["1000", "100", "50"]),
        (5, vec!["1000", "100", "50", "10", ""]),
    ] {
        let quirks = Habits::default();
        let server = server(move |call, _| match call.query("count") {
            Some(count) if count.parse::<usize>().unwrap() > most => {
                reply(400, json!({"scimType": "invalidCount"}))
            }
            _ => quirks.answer(call),
        });
        all_come(&server);
        let mut asked: Vec<String> = asked(&server)
            .into_iter()
            .map(|[_, _, count]| count.unwrap_or_default())
            .collect();
        asked.dedup();
        assert_eq!(asked, counts);
    }
}

#[test]
fn an_empty_page_with_a_cursor_does_not_say_that_somebody_is_not_there() {
    let quirks = Habits::default();
    let server = server(move |call, _| match call.query("filter") {
        // It looks through its first hundred accounts, and then gives a cursor.
        Some(filter) => {
            let first = people().into_iter().take(100).zip(1..);
            let found: Vec<Value> = first
                .filter(|(email, _)| filter.to_lowercase().contains(&format!("\"{email}\"")))
                .map(|(_, at)| person(at))
                .collect();
            reply(
                200,
                json!({"totalResults": found.len(), "Resources": found, "nextCursor": "more"}),
            )
        }
        None => quirks.answer(call),
    });
    let desk = server.desk();
    desk.file("people.csv", "email\np250@example.com\n");
    desk.headcount(&["lock", "people.csv", "--dry-run", "--yes"])
        .with(0)
        .says("1 locked");
}

#[test]
fn totals_of_pages_do_not_make_a_long_list_endless() {
    const MANY: usize = 12_345;
    let server = server(|call, _| {
        let before = call.query("cursor").map_or(0, behind);
        let users: Vec<_> = (before + 1..=MANY.min(before + 1000)).map(person).collect();
        let (came, behind) = (users.len(), before + users.len());
        let mut page = json!({"totalResults": came, "Resources": users});
        if behind < MANY {
            page["nextCursor"] = cursor(behind).into();
        }
        reply(200, page)
    });
    let ended = server.desk().headcount(&["export", "users"]).with(0);
    assert_eq!(emails(&ended).len(), MANY);
    assert_eq!(asked(&server).len(), 13, "read once");
}
