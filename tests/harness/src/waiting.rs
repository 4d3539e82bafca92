//! Waiting for something that another process does. No test waits for a time: each says here what it waits for.

use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// How long anything may take on a machine that is busy with other things.
pub(crate) const LONGEST: Duration = Duration::from_mins(5);

/// Returns as soon as it has happened.
///
/// # Panics
///
/// If it never happens.
#[track_caller]
pub fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !happened() {
        assert!(begun.elapsed() < LONGEST, "it never happened: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Returns as soon as it has happened, while this process goes on.
///
/// # Panics
///
/// If the process ends before.
#[track_caller]
pub fn until_it(child: &mut Child, what: &str, mut happened: impl FnMut() -> bool) {
    until(what, || {
        let happened = happened();
        if !happened {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended before: {what}");
        }
        happened
    });
}

/// Sends a signal, by its name for `kill`: `-INT`.
#[track_caller]
pub fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    let sent = Command::new("kill").args([name, &id]).status().unwrap();
    assert!(sent.success());
}
