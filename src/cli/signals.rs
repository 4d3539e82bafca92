//! Ctrl-C and its kin: the first stops gently, the second at once.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::task::AbortHandle;

use crate::report::say;
use crate::run::{StopReason, StopSwitch};

/// The job that hears of signals: the latest, since a command may continue another run instead of its own.
static LISTENING: Mutex<Option<AbortHandle>> = Mutex::new(None);

/// Listens for signals for as long as the program runs, or until it is called again.
pub(super) fn listen(stops: Vec<Arc<StopSwitch>>) {
    let mut signals = Signals::new();
    let listening = tokio::spawn(async move {
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
    let mut latest = LISTENING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(former) = latest.replace(listening.abort_handle()) {
        former.abort();
    }
}

/// Returns at the first signal.
pub(super) async fn once() {
    Signals::new().next().await;
}

/// Ready when a signal of one kind came; it is asked again for the next one.
type Heard = Box<dyn FnMut(&mut Context<'_>) -> Poll<Option<()>> + Send>;

/// Everything that asks the program to stop.
struct Signals(Vec<Heard>);

impl Signals {
    fn new() -> Self {
        Signals(kinds())
    }

    async fn next(&mut self) {
        std::future::poll_fn(|context| {
            // All of them are asked, so that each wakes this task.
            let came = |any, heard: &mut Heard| any | (heard(context) == Poll::Ready(Some(())));
            if self.0.iter_mut().fold(false, came) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}

/// Ctrl-C, SIGTERM, and SIGHUP when the terminal is closed. One that cannot be heard on this system never comes.
#[cfg(unix)]
fn kinds() -> Vec<Heard> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut kinds = vec![SignalKind::interrupt(), SignalKind::terminate()];
    if !ignores_hangup() {
        kinds.push(SignalKind::hangup());
    }
    let heard = kinds.into_iter().flat_map(signal).map(|mut signal| {
        let heard: Heard = Box::new(move |context| signal.poll_recv(context));
        heard
    });
    heard.collect()
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

/// Ctrl-C, Ctrl-Break, and what comes when the window is closed or the machine shuts down. After either of the latter
/// Windows ends the program within seconds, done or not: what it left open is looked up when the run is gone on with.
#[cfg(windows)]
fn kinds() -> Vec<Heard> {
    use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};

    let mut kinds: Vec<Heard> = Vec::new();
    if let Ok(mut signal) = ctrl_c() {
        kinds.push(Box::new(move |context| signal.poll_recv(context)));
    }
    if let Ok(mut signal) = ctrl_break() {
        kinds.push(Box::new(move |context| signal.poll_recv(context)));
    }
    if let Ok(mut signal) = ctrl_close() {
        kinds.push(Box::new(move |context| signal.poll_recv(context)));
    }
    if let Ok(mut signal) = ctrl_shutdown() {
        kinds.push(Box::new(move |context| signal.poll_recv(context)));
    }
    kinds
}
