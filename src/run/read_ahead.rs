//! Rows are read on a thread of their own, a little ahead of the workers.

use tokio::sync::mpsc;
use tracing::info;

/// How many rows are read at a time: to wake the reader for each one costs more than reading it.
const BATCH: usize = 32;

/// What was read ahead.
pub(super) struct ReadAhead<T> {
    batches: mpsc::Receiver<Vec<T>>,
    batch: std::vec::IntoIter<T>,
}

impl<T: Send + 'static> ReadAhead<T> {
    pub(super) fn new(mut rows: impl Iterator<Item = T> + Send + 'static) -> Self {
        let (sender, batches) = mpsc::channel(1);
        tokio::task::spawn_blocking(move || {
            loop {
                let batch: Vec<T> = rows.by_ref().take(BATCH).collect();
                if batch.is_empty() {
                    return;
                }
                if sender.blocking_send(batch).is_err() {
                    info!("the run ended before the input did");
                    return;
                }
            }
        });
        ReadAhead {
            batches,
            batch: Vec::new().into_iter(),
        }
    }

    /// The next one. Can be dropped while it waits: nothing is lost.
    pub(super) async fn next(&mut self) -> Option<T> {
        loop {
            if let Some(next) = self.batch.next() {
                return Some(next);
            }
            self.batch = self.batches.recv().await?.into_iter();
        }
    }
}
