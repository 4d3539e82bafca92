//! Ctrl-C and its kin: the first stops gently, the second at once.

use std::sync::Arc;

use crate::report::say;
use crate::run::{StopReason, StopSwitch};

/// Listens for signals for as long as the program runs.
pub(super) fn listen(stops: Vec<Arc<StopSwitch>>) {
    tokio::spawn(async move {
        interrupted().await;
        say("Stopping: no new calls; waiting for those in flight. Ctrl-C again stops at once.");
        for stop in &stops {
            stop.drain(StopReason::Interrupted);
        }
        interrupted().await;
        say("Stopping at once.");
        for stop in &stops {
            stop.halt();
        }
        // A third one ends the program, whatever it waits for.
        interrupted().await;
        std::process::exit(i32::from(super::Exit::Interrupted as u8));
    });
}

/// Returns at the first signal.
pub(super) async fn once() {
    interrupted().await;
}

#[cfg(unix)]
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};

    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            () = ctrl_c() => {}
            _ = terminate.recv() => {}
        },
        Err(_) => ctrl_c().await,
    }
}

#[cfg(not(unix))]
async fn interrupted() {
    ctrl_c().await;
}

async fn ctrl_c() {
    if tokio::signal::ctrl_c().await.is_err() {
        // No signal can be heard on this system: none ever comes.
        std::future::pending::<()>().await;
    }
}
