//! Runs that are killed at random moments, again and again, and gone on with until they are done.
//!
//! `HEADCOUNT_KILLS` says how many kills there are at least; 100 unless given.
#![cfg(unix)]

use std::time::{Duration, Instant};

use harness::mixed::{self, State};
use harness::{Desk, Node, Row, column, until};
use headcount::sandbox::{Bulk, Options};

fn options(seed: u64) -> Options {
    Options {
        users: 90,
        teams: 4,
        latency: Duration::from_millis(4),
        seed,
        bulk: if seed.is_multiple_of(3) {
            Bulk::Yes
        } else {
            Bulk::No
        },
        bulk_max_operations: 25,
        ..Options::default()
    }
}

const RUN: [&str; 5] = ["--yes", "-q", "--allow-locks", "1000", "--batch=7"];

fn with<'a>(first: &[&'a str], rest: &[&'a str]) -> Vec<&'a str> {
    [first, rest].concat()
}

fn outcomes(rows: &[Row]) -> Vec<(String, String)> {
    let emails = column(rows, "email");
    emails
        .into_iter()
        .zip(column(rows, "result_outcome"))
        .collect()
}

fn not_done(rows: &[Row]) -> Vec<String> {
    let failed = |row: &&Row| !row["result_error"].is_empty();
    let words = |row: &Row| {
        let said = [
            "result_row",
            "action",
            "email",
            "result_outcome",
            "result_error",
        ];
        said.map(|name| row[name].clone()).join(" ")
    };
    rows.iter().filter(failed).map(words).collect()
}

/// What the run comes to when nobody disturbs it.
fn undisturbed(seed: u64) -> (State, Vec<(String, String)>) {
    let node = Node::start(options(seed));
    let desk = node.desk();
    desk.file("people.csv", mixed::file(node.sandbox(), 120).0);
    desk.headcount(&with(&["import", "people.csv"], &RUN))
        .with(0);
    (
        State::of(node.sandbox()),
        outcomes(&desk.rows("people.results.csv")),
    )
}

/// Starts the program; kills it after `patience`, unless it has ended. Its exit code if it has.
///
/// This is the one test that wants a time and no event: it is about any moment, also one when nothing happens.
fn start_and_kill(desk: &Desk, args: &[&str], patience: Duration) -> Option<i32> {
    let mut child = desk.command(args).spawn().unwrap();
    let (begun, mut ended) = (Instant::now(), None);
    until("it ends, or the time is over", || {
        ended = child.try_wait().unwrap();
        ended.is_some() || begun.elapsed() >= patience
    });
    if let Some(ended) = ended {
        return ended.code();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    None
}

#[test]
fn a_run_that_is_killed_anywhere_ends_as_if_nobody_had() {
    let wanted: u32 = std::env::var("HEADCOUNT_KILLS")
        .ok()
        .and_then(|kills| kills.parse().ok())
        .unwrap_or(100);
    let mut kills = 0;
    let mut seed = 1;
    while kills < wanted {
        let (expected, expected_outcomes) = undisturbed(seed);
        let node = Node::start(options(seed));
        let desk = node.desk();
        let (text, creates) = mixed::file(node.sandbox(), 120);
        desk.file("people.csv", text);
        let mut random = fastrand::Rng::with_seed(seed);
        let mut begun = false;
        let code = loop {
            // The longer it takes, the longer it is let be: it has to end some time.
            let most = 60 + 20 * u64::from(kills % 16);
            let patience = Duration::from_millis(random.u64(15..most));
            // One that was killed after its end is not gone on with by an import: that begins anew.
            let ended = desk
                .headcount(&["runs", "list"])
                .stdout
                .contains("finished");
            let args: &[&str] = if ended {
                &["runs", "resume", "people.results.csv"]
            } else if begun && random.bool() {
                &["runs", "resume", "--yes", "-q"]
            } else {
                &with(&["import", "people.csv"], &RUN)
            };
            match start_and_kill(&desk, args, patience) {
                None => kills += 1,
                // It was killed before there was a record of it.
                Some(2) if args[0] == "runs" => begun = false,
                Some(code) => break code,
            }
            begun |= desk.path("state/runs").is_dir();
        };
        let not_done = not_done(&desk.rows("people.results.csv"));
        assert_eq!((code, not_done), (0, Vec::new()), "seed {seed}");
        assert_eq!(State::of(node.sandbox()), expected, "seed {seed}");
        let calls = node.sandbox().calls();
        if options(seed).bulk == Bulk::No {
            assert_eq!(
                calls.answered(201),
                creates as u64,
                "seed {seed}: {calls:?}"
            );
        }
        let rows = desk.rows("people.results.csv");
        assert_eq!(outcomes(&rows), expected_outcomes, "seed {seed}");
        assert!(
            rows.iter().all(|row| row["result_status"] != "409"),
            "seed {seed}"
        );
        seed += 1;
    }
    eprintln!("{kills} kills in {} runs", seed - 1);
}
