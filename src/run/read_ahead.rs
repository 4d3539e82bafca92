//! Rows are read on a thread of their own, a little ahead of the workers.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;
use tracing::{info, warn};

use crate::threads;

/// How many rows are read at a time: to wake the reader for each one costs more than reading it.
const BATCH: usize = 32;

/// What was read ahead.
pub(super) struct ReadAhead<T> {
    batches: mpsc::Receiver<Vec<T>>,
    batch: std::vec::IntoIter<T>,
    /// The rows themselves, where the system has no thread for them: every row is read all the same.
    here: Option<Rows<T>>,
}

type Rows<T> = Box<dyn Iterator<Item = T> + Send>;

impl<T: Send + 'static> ReadAhead<T> {
    pub(super) fn new(rows: impl Iterator<Item = T> + Send + 'static) -> Self {
        let (sender, batches) = mpsc::channel(1);
        let kept = Arc::new(Mutex::new(Some(Box::new(rows) as Rows<T>)));
        let take = |kept: &Mutex<Option<Rows<T>>>| {
            kept.lock().unwrap_or_else(PoisonError::into_inner).take()
        };
        let taken = Arc::clone(&kept);
        let started = threads::start("rows", move || {
            let Some(mut rows) = take(&taken) else { return };
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
        let refused = started.err();
        if let Some(error) = &refused {
            warn!(%error, "rows are not read ahead: the system refuses a thread");
        }
        ReadAhead {
            batches,
            batch: Vec::new().into_iter(),
            here: refused.and_then(|_| take(&kept)),
        }
    }

    /// The next one. Can be dropped while it waits: nothing is lost.
    pub(super) async fn next(&mut self) -> Option<T> {
        if let Some(rows) = &mut self.here {
            return rows.next();
        }
        loop {
            if let Some(next) = self.batch.next() {
                return Some(next);
            }
            self.batch = self.batches.recv().await?.into_iter();
        }
    }
}
