//! The engine: rows in, outcomes out, each exactly once, in the order of the file.
//!
//! ```text
//!  entries ─▶ dispatch ─▶ lanes ─▶ workers ─▶ order ─▶ Event::Row
//!             (stop?)    (one row a person)   (as in the file)
//! ```
//!
//! Here belong workers, the order of one person's rows, stopping, and finding out what became of a
//! row. What has to be sent is for [`plan`](crate::plan), when it may leave for
//! [`pace`](crate::pace); how a run is shown is for [`report`](crate::report), which sees
//! [`Event`]s only.

mod amend;
mod confirm;
mod create;
mod event;
mod habits;
mod lanes;
mod order;
mod outcome;
mod stop;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tracing::{error, info};

pub use event::{Event, PaceReport, Record};
pub use outcome::{Outcome, Verdict};
pub use stop::{StopReason, StopSwitch};

use crate::directory::Directory;
use crate::pace::Pace;
use crate::roster::{Census, Change, Entry, Problem};
use crate::scim::Client;
use crate::sheet::SheetError;
use lanes::Lanes;
use order::{Order, Place};
use worker::Worker;

/// What to do with a create whose email is taken (409).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum OnConflict {
    /// The row has failed.
    #[default]
    Fail,
    /// The row is done: the account exists.
    Skip,
    /// The account that exists is made as the row asks.
    Update,
}

/// What a run is told beside its rows.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How many calls may be in flight.
    pub concurrency: usize,
    /// What to do with an email that is taken.
    pub on_conflict: OnConflict,
    /// More failed rows than this stop the run.
    pub max_errors: Option<u64>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Why it stopped before its end, if it did.
    pub stopped: Option<StopReason>,
    /// Whether creates were given up because the licensed seats are used up.
    pub seats_used_up: bool,
}

/// How many rows may be between the first that is not settled and the last that was begun.
const WINDOW: usize = 2048;

/// Rows that wait out a back-off should not keep others from being sent.
const ROWS_PER_CALL: usize = 4;

/// How often the pace is told.
const PACE_EVERY: Duration = Duration::from_millis(200);

/// A run over one input.
#[derive(Debug)]
pub struct Run {
    worker: Arc<Worker>,
    pace: Arc<Pace>,
    census: Arc<Census>,
    /// Rows are carried out one at a time: who is who cannot be told before each was looked up.
    one_by_one: bool,
}

impl Run {
    /// A run of rows that were counted and checked as `census` says.
    #[must_use]
    pub fn new(
        client: Arc<Client>,
        directory: Arc<Directory>,
        settings: Settings,
        census: Arc<Census>,
        stop: Arc<StopSwitch>,
    ) -> Self {
        let mixed = census.people_by_id > 0 && census.people_by_email > 0;
        let one_by_one = mixed && !directory.people.is_listed();
        let pace = Arc::clone(client.line().pace());
        Run {
            worker: Arc::new(Worker::new(client, directory, settings, stop)),
            pace,
            census,
            one_by_one,
        }
    }

    /// Carries out `entries`, and tells `events` what happens. Ends when every row has an outcome.
    pub async fn carry_out<E>(self, entries: E, events: mpsc::Sender<Event>) -> Ended
    where
        E: Iterator<Item = Result<Entry, SheetError>> + Send + 'static,
    {
        let ticker = tokio::spawn(tell_pace(Arc::clone(&self.pace), events.clone()));
        let window = Arc::new(Semaphore::new(WINDOW));
        let (order, ordering) = Order::start(
            Arc::clone(&window),
            events.clone(),
            Arc::clone(&self.worker.stop),
        );
        self.dispatch(entries, &window, order).await;
        // Whoever holds a clone of `order` is a row on its way: this returns when the last is told.
        let _ = ordering.await;
        ticker.abort();
        // The last word on the number of calls. A reporter that is gone has said so itself.
        let _ = events.send(Event::Pace(pace_report(&self.pace))).await;
        Ended {
            stopped: self.worker.stop.reason().cloned(),
            seats_used_up: self.worker.seats_used_up(),
        }
    }

    async fn dispatch<E>(&self, entries: E, window: &Semaphore, order: Order)
    where
        E: Iterator<Item = Result<Entry, SheetError>> + Send + 'static,
    {
        let mut entries = read_ahead(entries);
        let rows = if self.one_by_one {
            1
        } else {
            self.worker.settings.concurrency.max(1) * ROWS_PER_CALL
        };
        let slots = Arc::new(Semaphore::new(rows));
        let lanes = Lanes::default();
        let mut sequence = 0;
        while let Some(entry) = entries.recv().await {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    error!(%error, "the input cannot be read any further");
                    self.worker
                        .stop
                        .drain(StopReason::Broken(error.to_string()));
                    break;
                }
            };
            // Given back by `order` when the row was told.
            window.acquire().await.expect("never closed").forget();
            let slot = Arc::clone(&slots)
                .acquire_owned()
                .await
                .expect("never closed");
            let place = order.place(sequence, &entry);
            sequence += 1;
            let change = match self.admit(&entry) {
                Ok(change) => change.clone(),
                Err(outcome) => {
                    place.settle(outcome);
                    continue;
                }
            };
            let mut turn = lanes.enter(sequence, self.keys(&change));
            let repeats = self.census.repeats.contains_key(&entry.number);
            let worker = Arc::clone(&self.worker);
            tokio::spawn(async move {
                turn.come().await;
                settle(&worker, &change, repeats, place).await;
                drop((turn, slot));
            });
        }
    }

    /// The change that a row asks for, or why nothing is sent for it.
    fn admit<'e>(&self, entry: &'e Entry) -> Result<&'e Change, Outcome> {
        let change = entry.change.as_ref().map_err(|problems| {
            let words: Vec<String> = problems.iter().map(Problem::in_row).collect();
            Outcome::new(Verdict::Invalid).because(words.join(" "))
        })?;
        if self.census.rejected.contains(&entry.number) {
            return Err(Outcome::new(Verdict::Invalid)
                .because("another row of the file asks for something else"));
        }
        match self.worker.stop.reason() {
            Some(reason) => Err(not_attempted(reason)),
            None => Ok(change),
        }
    }

    /// What a row's person is known by: rows that share a key are carried out one after the other.
    fn keys(&self, change: &Change) -> Vec<String> {
        let person = change.person();
        let mut keys = Vec::with_capacity(2);
        keys.extend(
            person
                .email()
                .map(|email| format!("email {}", email.folded())),
        );
        keys.extend(person.id().map(|id| format!("id {}", id.as_str())));
        keys.extend(
            change
                .new_email()
                .map(|email| format!("email {}", email.folded())),
        );
        if self.census.people_by_id > 0
            && let Some((email, id)) = self.worker.directory.people.known_names(&person)
        {
            keys.extend([format!("email {email}"), format!("id {id}")]);
        }
        keys
    }
}

/// Carries a row out, unless the run is halted first.
async fn settle(worker: &Worker, change: &Change, repeats: bool, place: Place) {
    if let Some(reason) = worker.stop.reason() {
        return place.settle(not_attempted(reason));
    }
    let outcome = tokio::select! {
        outcome = worker.carry_out(change, repeats) => outcome,
        () = worker.stop.halted() => Outcome::new(Verdict::Unknown)
            .because("the run was halted while this row was being carried out"),
    };
    worker.count(outcome.verdict);
    place.settle(outcome);
}

fn not_attempted(reason: &StopReason) -> Outcome {
    Outcome::new(Verdict::NotAttempted)
        .because(format!("the run had stopped before this row: {reason}"))
}

/// Reads rows on a thread of its own, a little ahead of the workers.
fn read_ahead<T: Send + 'static>(
    rows: impl Iterator<Item = T> + Send + 'static,
) -> mpsc::Receiver<T> {
    let (sender, receiver) = mpsc::channel(64);
    tokio::task::spawn_blocking(move || {
        for row in rows {
            if sender.blocking_send(row).is_err() {
                info!("the run ended before the input did");
                return;
            }
        }
    });
    receiver
}

async fn tell_pace(pace: Arc<Pace>, events: mpsc::Sender<Event>) {
    let mut ticks = tokio::time::interval(PACE_EVERY);
    loop {
        ticks.tick().await;
        // A reporter that is behind needs no more of these.
        let _ = events.try_send(Event::Pace(pace_report(&pace)));
    }
}

fn pace_report(pace: &Pace) -> PaceReport {
    PaceReport {
        calls: pace.admitted(),
        waiting: pace.waiting(),
        resting: pace.resting(),
        held_for: pace.held_for(),
    }
}
