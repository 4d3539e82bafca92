//! Writes notes into a book, on a thread of its own.

use std::io;
use std::thread;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tracing::debug;

use super::files::Files;
use super::run_record::RunRecord;
use crate::run::{Journal, NotWritten, Note};
use crate::threads::{self, Working};

/// How many notes are made durable at once at the most.
const GROUP: usize = 2048;

/// How long notes gather before they are written: a moment that no row notices, since rows are announced ahead of
/// their calls, and that saves most of the flushes where rows come thick and fast.
const GATHER: Duration = Duration::from_millis(2);

/// How many notes may wait.
const WAITING: usize = 4096;

/// Rows that wait to hear that they may be sent.
type Waiting = Vec<oneshot::Sender<Result<(), NotWritten>>>;

/// A book that is being written.
#[derive(Debug)]
pub struct JournalWriter(Working<(RunRecord, Result<(), NotWritten>)>);

impl JournalWriter {
    /// Begins to write what a run tells the journal into `record`.
    ///
    /// # Errors
    /// When the system has no thread for that.
    pub fn start(record: RunRecord) -> io::Result<(Journal, JournalWriter)> {
        let (sender, notes) = mpsc::channel(WAITING);
        let (answers, mut written) = mpsc::unbounded_channel::<(Waiting, Result<(), NotWritten>)>();
        // A thread that is none of the runtime's would have to wake one of those for each row.
        tokio::spawn(async move {
            while let Some((rows, result)) = written.recv().await {
                for row in rows {
                    // One that was halted waits no more.
                    let _ = row.send(result.clone());
                }
            }
        });
        let thread = threads::start("ledger", move || keep(record, notes, &answers))?;
        Ok((Journal::to(sender), JournalWriter(thread)))
    }

    /// Waits for the last note, which comes when all journals are gone.
    ///
    /// # Errors
    /// When not all notes could be written.
    ///
    /// # Panics
    /// When the thread has panicked.
    pub async fn finish(self) -> (RunRecord, Result<(), NotWritten>) {
        self.0
            .end()
            .await
            .expect("the thread that writes the ledger has failed")
    }
}

/// While one group is written, the next one gathers: the slower the disk, the larger the groups.
fn keep(
    mut record: RunRecord,
    mut notes: mpsc::Receiver<Note>,
    answers: &mpsc::UnboundedSender<(Waiting, Result<(), NotWritten>)>,
) -> (RunRecord, Result<(), NotWritten>) {
    let mut files = Files::of(record.path());
    let mut all = Ok(());
    let mut group = Vec::new();
    while notes.blocking_recv_many(&mut group, GROUP) > 0 {
        thread::sleep(GATHER);
        while group.len() < GROUP
            && let Ok(note) = notes.try_recv()
        {
            group.push(note);
        }
        if all.is_ok() {
            let written = record.write(&group);
            all = written
                .map_err(|error| NotWritten::Failed(error.to_string()))
                // Only then is it known that what was written can be found again.
                .and_then(|()| files.check().map_err(NotWritten::Gone))
                .inspect_err(|error| debug!(%error, "no further notes are written"));
        }
        let waiting = group.drain(..).filter_map(|note| match note {
            Note::MayBeSent { written, .. } => Some(written),
            Note::Settled { .. } => None,
        });
        // It is heard for as long as the runtime lasts, and so for as long as anybody waits.
        let _ = answers.send((waiting.collect(), all.clone()));
    }
    let all = all.and_then(|()| files.check().map_err(NotWritten::Gone));
    (record, all)
}
