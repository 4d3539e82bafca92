//! Each sample file does what the documentation says, in the node that the program brings along.

use std::path::Path;

use harness::{Desk, column, ended, rows};

fn sandboxed(desk: &Desk, args: &[&str]) -> harness::Ended {
    let mut command = desk.without_node(args);
    ended(command.arg("--sandbox"))
}

fn copy(desk: &Desk, name: &str) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("samples")
        .join(name);
    std::fs::copy(from, desk.path(name)).unwrap();
}

#[test]
fn onboarding_creates_everyone() {
    let desk = Desk::at("");
    copy(&desk, "onboarding.csv");
    sandboxed(&desk, &["import", "onboarding.csv"]).with(0);
    let results = desk.rows("onboarding.results.csv");
    assert!(results.len() >= 38, "{}", results.len());
    assert!(
        column(&results, "result_status")
            .iter()
            .all(|status| status == "201")
    );
    assert!(
        column(&results, "result_outcome")
            .iter()
            .all(|outcome| outcome == "created")
    );
}

#[test]
fn offboarding_locks_everyone_on_the_list() {
    let desk = Desk::at("");
    copy(&desk, "offboarding.csv");
    sandboxed(&desk, &["lock", "offboarding.csv"]).with(0);
    let results = desk.rows("offboarding.results.csv");
    assert!(!results.is_empty());
    assert!(
        column(&results, "result_outcome")
            .iter()
            .all(|outcome| outcome == "locked" || outcome == "unchanged")
    );
}

#[test]
fn updates_are_carried_out() {
    let desk = Desk::at("");
    copy(&desk, "updates.csv");
    sandboxed(&desk, &["import", "updates.csv"]).with(0);
    let outcomes = desk.outcomes("updates.results.csv");
    for word in ["updated", "locked", "unlocked"] {
        assert!(
            outcomes.iter().any(|outcome| outcome == word),
            "nobody is {word}: {outcomes:?}"
        );
    }
}

#[test]
fn the_sandbox_can_be_exported() {
    let desk = Desk::at("");
    let users = rows(
        sandboxed(&desk, &["export", "users"])
            .with(0)
            .stdout
            .as_bytes(),
    );
    assert_eq!(users.len(), 120);
}
