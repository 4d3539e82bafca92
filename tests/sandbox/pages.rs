//! Lists of many pages: several are on their way at once, and come in the order of the list.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use crate::support::scripted::{Call, Reply, Scripted, list, reply, user};
use harness::{column, rows};
use serde_json::json;

/// How long a page is held back for the one behind it, which a client that asks one by one never asks for.
const PATIENCE: Duration = Duration::from_mins(1);

fn emails(people: usize) -> Vec<String> {
    (1..=people)
        .map(|at| format!("p{at}@example.com"))
        .collect()
}

/// The page that is asked for, with `length` people at the most.
fn page(call: &Call, people: usize, length: usize) -> Reply {
    let number = |name| call.query(name).unwrap().parse::<usize>().unwrap();
    let (start, count) = (number("startIndex"), number("count").min(length));
    let end = (start + count - 1).min(people);
    let users: Vec<_> = (start..=end)
        .map(|at| user(&at.to_string(), &format!("p{at}@example.com"), true))
        .collect();
    reply(200, json!({"totalResults": people, "Resources": users}))
}

fn start_of(call: &Call) -> usize {
    call.query("startIndex").unwrap().parse().unwrap()
}

fn exported(server: &Scripted) -> Vec<String> {
    let ended = server.desk().headcount(&["export", "users"]).with(0);
    column(&rows(ended.stdout.as_bytes()), "email")
}

/// Where pages began, of the calls that the server saw.
fn starts(server: &Scripted) -> Vec<usize> {
    let calls = server.calls();
    let pages = calls.iter().filter(|call| call.path == "/Users");
    let mut starts: Vec<usize> = pages.map(start_of).collect();
    starts.sort_unstable();
    starts
}

#[test]
fn several_pages_are_on_their_way_at_once() {
    let furthest = Arc::new((Mutex::new(0), Condvar::new()));
    let server = Scripted::start(move |call, _| {
        if call.path != "/Users" {
            return reply(200, list(&[]));
        }
        let (most, moved) = &*furthest;
        let mut furthest = most.lock().unwrap();
        *furthest = start_of(call).max(*furthest);
        moved.notify_all();
        // The second page waits for the fourth to be asked for, and keeps nobody from answering that.
        if start_of(call) == 100 {
            let waited = tokio::task::block_in_place(|| {
                let waits = |furthest: &mut usize| *furthest < 298;
                let waited = moved.wait_timeout_while(furthest, PATIENCE, waits);
                waited.unwrap().1.timed_out()
            });
            assert!(!waited, "pages are asked for one by one");
        }
        page(call, 1_000, 100)
    });
    assert_eq!(exported(&server), emails(1_000));
    let each_once: Vec<usize> = [1]
        .into_iter()
        .chain((1..=10).map(|page| page * 99 + 1))
        .collect();
    assert_eq!(starts(&server), each_once);
}

#[test]
fn the_last_page_is_asked_for_whatever_the_total() {
    for people in [1, 99, 100, 101, 198, 199, 200, 298, 299, 1_090, 1_091] {
        let server = Scripted::start(move |call, _| page(call, people, 100));
        assert_eq!(exported(&server), emails(people), "{people}");
    }
}

/// Where pages end elsewhere than was thought, nobody is missed and nobody comes twice.
#[test]
fn pages_may_become_shorter() {
    let server = Scripted::start(|call, _| {
        let length = if start_of(call) < 300 { 100 } else { 60 };
        page(call, 1_000, length)
    });
    assert_eq!(exported(&server), emails(1_000));
}
