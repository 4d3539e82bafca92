//! Threads that work for as long as a run lasts. One that the system refuses is an error here; `spawn_blocking` of the
//! runtime would panic, or wait for ever behind others that do not end before the run does.

use std::io;
use std::thread;

use tokio::sync::oneshot;

/// A thread at work.
#[derive(Debug)]
pub(crate) struct Working<T>(oneshot::Receiver<T>);

/// Starts a thread.
///
/// # Errors
/// When the system refuses it.
pub(crate) fn start<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<Working<T>> {
    let (sender, receiver) = oneshot::channel();
    let work = move || {
        // Whoever waited for it may be gone.
        let _ = sender.send(work());
    };
    thread::Builder::new().name(name.to_owned()).spawn(work)?;
    Ok(Working(receiver))
}

impl<T> Working<T> {
    /// Waits for its end.
    ///
    /// # Errors
    /// When it has panicked.
    pub(crate) async fn end(self) -> io::Result<T> {
        let ended = self.0.await;
        ended.map_err(|_| io::Error::other("a thread has failed"))
    }
}
