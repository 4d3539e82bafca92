//! Waiting for something that another process does. No test waits for a time by itself: it says here what it waits for.

use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long anything may take on a machine that is busy with other things.
pub(crate) const LONGEST: Duration = Duration::from_mins(5);

/// How often is looked.
const EVERY: Duration = Duration::from_millis(1);

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
        sleep(EVERY);
    }
}

/// The program, while it is at work.
pub struct Running(Child);

impl Running {
    #[track_caller]
    pub fn start(command: &mut Command) -> Self {
        Running(command.spawn().unwrap())
    }

    /// Returns as soon as it has happened, while the program goes on.
    ///
    /// # Panics
    ///
    /// If the program ends before.
    #[track_caller]
    pub fn until(&mut self, what: &str, mut happened: impl FnMut() -> bool) {
        until(what, || {
            // Asked first, so that what happens just before the end counts.
            let ended = self.0.try_wait().unwrap();
            let happened = happened();
            assert!(happened || ended.is_none(), "it ended before: {what}");
            happened
        });
    }

    /// Sends a signal, as `kill` calls it: `-INT`.
    #[track_caller]
    pub fn signal(&self, name: &str) {
        let id = self.0.id().to_string();
        let sent = Command::new("kill").args([name, &id]).status().unwrap();
        assert!(sent.success());
    }

    /// Kills it, and returns when it is gone.
    #[track_caller]
    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Its exit code, if it was not ended by a signal.
    #[track_caller]
    pub fn code(mut self) -> Option<i32> {
        self.0.wait().unwrap().code()
    }
}

impl Drop for Running {
    /// A test that fails leaves nothing behind.
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
