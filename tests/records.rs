//! Records of runs, and what a run needs of the machine: what is taken away from it, what it must not take.
#![cfg(unix)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use headcount::sandbox::Options;
use support::{Desk, Ended, Node, column};

fn slow() -> Node {
    Node::start(Options {
        users: 0,
        latency: Duration::from_millis(10),
        ..Options::default()
    })
}

/// A file of so many people.
fn people(desk: &Desk, people: usize) {
    let rows: String = (0..people)
        .map(|at| format!("p{at}@example.com,Pat,No {at}\n"))
        .collect();
    desk.file("people.csv", format!("email,first name,last name\n{rows}"));
}

/// Starts a command, and returns when it has created some people.
fn started(node: &Node, command: &mut Command) -> Child {
    let before = node.sandbox().snapshot().users.len();
    let mut child = command.spawn().unwrap();
    while node.sandbox().snapshot().users.len() < before + 20 {
        assert!(child.try_wait().unwrap().is_none(), "it ended too early");
        std::thread::sleep(Duration::from_millis(2));
    }
    child
}

/// The record of the only run.
fn record(desk: &Desk) -> PathBuf {
    let mut files = fs::read_dir(desk.path("state/runs")).unwrap();
    let record = files.find_map(|file| {
        let path = file.unwrap().path();
        (path.extension()? == "db").then_some(path)
    });
    record.unwrap()
}

/// Waits for a command that was started with its output in a pipe.
fn waited(child: Child) -> Ended {
    let output = child.wait_with_output().unwrap();
    Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn a_run_whose_record_is_deleted_or_replaced_stops() {
    const ROWS: usize = 2_000;
    let delete = |path: &Path| fs::remove_file(path).unwrap();
    let harms: [(&str, &dyn Fn(&Desk)); 4] = [
        ("the state folder is deleted", &|desk| {
            fs::remove_dir_all(desk.path("state")).unwrap();
        }),
        ("the record is deleted", &|desk| delete(&record(desk))),
        ("its log is deleted", &|desk| {
            delete(&record(desk).with_extension("db-wal"));
        }),
        ("the record is replaced", &|desk| {
            let copy = desk.path("copy.db");
            fs::copy(record(desk), &copy).unwrap();
            fs::rename(copy, record(desk)).unwrap();
        }),
    ];
    for (what, harm) in harms {
        let node = slow();
        let desk = node.desk();
        people(&desk, ROWS);
        let mut import = desk.command(&["import", "people.csv", "-q", "--concurrency", "4"]);
        import.stderr(Stdio::piped());
        let child = started(&node, &mut import);
        harm(&desk);
        let ended = waited(child)
            .with(1)
            .says("the record of this run was deleted or replaced: ")
            .says("people.results.csv");
        assert!(!ended.stderr.contains("panicked"), "{what}");
        assert!(!ended.stderr.contains("runs resume"), "{what}");

        // Every row is in the results, and what they say is so.
        let outcomes = column(&desk.rows("people.results.csv"), "result_outcome");
        let count = |word: &str| outcomes.iter().filter(|each| *each == word).count();
        assert_eq!(count("created") + count("not_attempted"), ROWS, "{what}");
        assert_eq!(count("created"), node.sandbox().snapshot().users.len());
        assert!(count("not_attempted") > 0, "{what}: everybody was sent");
    }
}

#[test]
fn a_run_is_resumed_while_others_look_at_it() {
    let node = slow();
    let desk = node.desk();
    people(&desk, 300);
    let mut import = started(&node, &mut desk.command(&["import", "people.csv", "-q"]));
    import.kill().unwrap();
    import.wait().unwrap();

    let (over, looked) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for args in [&["runs", "list"][..], &["runs", "list"], &["runs", "show"]] {
            let (desk, over, looked) = (&desk, &over, &looked);
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    let mut look = desk.command(args);
                    look.stdout(Stdio::null()).stderr(Stdio::null());
                    assert!(look.status().unwrap().success());
                    looked.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let mut killed = Vec::new();
        for _ in 0..3 {
            let mut resume = desk.command(&["runs", "resume", "-q"]);
            let mut child = started(&node, resume.stderr(Stdio::piped()));
            child.kill().unwrap();
            killed.push(waited(child));
        }
        let ended = desk.headcount(&["runs", "resume", "-q"]);
        over.store(true, Ordering::Relaxed);
        for each in killed {
            assert!(!each.stderr.contains("damaged"), "{}", each.stderr);
        }
        let ended = ended.with(0);
        assert!(!ended.stderr.contains("damaged"), "{}", ended.stderr);
    });
    assert!(looked.into_inner() > 0);
    assert_eq!(node.sandbox().calls().answered(201), 300);
    assert_eq!(node.sandbox().snapshot().users.len(), 300);
}
