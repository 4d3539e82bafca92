//! Writes notes into a book, on a thread of its own.

use std::mem;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::error;

use super::book::Book;
use crate::run::{Journal, NotWritten, Note};

/// How many notes are made durable at once at the most.
const GROUP: usize = 512;

/// How many notes may wait.
const WAITING: usize = 1024;

/// A book that is being written.
#[derive(Debug)]
pub struct Keeper(JoinHandle<(Book, Result<(), NotWritten>)>);

impl Keeper {
    /// Begins to write what a run tells the journal into `book`.
    #[must_use]
    pub fn start(book: Book) -> (Journal, Keeper) {
        let (sender, notes) = mpsc::channel(WAITING);
        let thread = tokio::task::spawn_blocking(move || keep(book, notes));
        (Journal::to(sender), Keeper(thread))
    }

    /// Waits for the last note, which comes when all journals are gone.
    ///
    /// # Errors
    /// When not all notes could be written.
    ///
    /// # Panics
    /// When the thread has panicked.
    pub async fn finish(self) -> (Book, Result<(), NotWritten>) {
        self.0
            .await
            .expect("the thread that writes the ledger has failed")
    }
}

/// While one group is written, the next one gathers: the slower the disk, the larger the groups.
fn keep(mut book: Book, mut notes: mpsc::Receiver<Note>) -> (Book, Result<(), NotWritten>) {
    let mut all = Ok(());
    let mut group = Vec::new();
    while notes.blocking_recv_many(&mut group, GROUP) > 0 {
        if all.is_ok() {
            all = book.write(&group).map_err(|error| {
                error!(%error, "the ledger cannot be written");
                NotWritten(error.to_string())
            });
        }
        for note in mem::take(&mut group) {
            if let Note::MayBeSent { written, .. } = note {
                // A row that was halted waits no more.
                let _ = written.send(all.clone());
            }
        }
    }
    (book, all)
}
