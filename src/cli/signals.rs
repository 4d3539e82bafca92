//! Ctrl-C and its kin: the first stops gently, the second at once.

use std::sync::Arc;

use crate::report::say;
use crate::run::{StopReason, StopSwitch};

/// Listens for signals for as long as the program runs.
pub(super) fn listen(stops: Vec<Arc<StopSwitch>>) {
    let mut signals = Signals::new();
    tokio::spawn(async move {
        signals.next().await;
        say("Stopping: no new calls; waiting for those in flight. Ctrl-C again stops at once.");
        for stop in &stops {
            stop.drain(StopReason::Interrupted);
        }
        signals.next().await;
        say("Stopping at once.");
        for stop in &stops {
            stop.halt();
        }
        // A third one ends the program, whatever it waits for.
        signals.next().await;
        std::process::exit(i32::from(super::Exit::Interrupted as u8));
    });
}

/// Returns at the first signal.
pub(super) async fn once() {
    Signals::new().next().await;
}

/// What asks the program to stop: Ctrl-C; on Unix also SIGTERM, and SIGHUP when the terminal is closed.
#[cfg(unix)]
struct Signals(Vec<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl Signals {
    fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};

        let mut kinds = vec![SignalKind::interrupt(), SignalKind::terminate()];
        if !ignores_hangup() {
            kinds.push(SignalKind::hangup());
        }
        // One that cannot be heard on this system never comes.
        Signals(kinds.into_iter().flat_map(signal).collect())
    }

    async fn next(&mut self) {
        std::future::poll_fn(|context| {
            let came = |signal: &mut tokio::signal::unix::Signal| {
                matches!(signal.poll_recv(context), std::task::Poll::Ready(Some(())))
            };
            // All of them are asked, so that each wakes this task.
            if self
                .0
                .iter_mut()
                .map(came)
                .fold(false, |any, came| any | came)
            {
                std::task::Poll::Ready(())
            } else {
                std::task::Poll::Pending
            }
        })
        .await;
    }
}

/// Whether this process was started to outlive its terminal, as by `nohup`; then it does.
#[cfg(unix)]
fn ignores_hangup() -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        // There is no telling on this system, so it stays as it is: at worst the run ends here, and is gone on with later.
        return true;
    };
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // SIGHUP is signal 1, the lowest bit.
    ignored.is_some_and(|mask| mask & 1 == 1)
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> Self {
        Signals
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            // No signal can be heard on this system: none ever comes.
            std::future::pending::<()>().await;
        }
    }
}
