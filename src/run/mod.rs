//! The engine: rows in, outcomes out, each exactly once, in the order of the file.
//!
//! ```text
//!  entries ─▶ engine ─▶ queues ─▶ tasks ─▶ engine ─▶ rows ─▶ emitter ─▶ Event::Row
//!             (stop?)  (one row   │  ▲   (settle) (as in the file)
//!                      a person)  ▼  │
//!                                writer ───▶ calls of their own
//!                                 │  ▲
//!                                 ▼  │
//!                                 post ────▶ bulk requests
//! ```
//!
//! Here belong workers, the order of one person's rows, what goes together, stopping, and finding out
//! what became of a row. What has to be sent is for [`plan`](crate::plan), when it may leave for
//! [`transport`](crate::transport); how a run is shown is for [`report`](crate::report), which sees
//! [`Event`]s only.

mod amend;
mod batch;
mod bulk_batch;
mod bulk_queue;
mod change_method;
mod concurrent_removals;
mod confirm;
mod conflict;
mod create;
mod emitter;
mod engine;
mod event;
mod forecast;
mod group_provisioner;
mod interleave;
mod journal;
mod keyed_queue;
mod likeness;
mod members;
mod memberships;
mod new_account;
mod observed_capabilities;
mod outcome;
mod ownership;
mod pool;
mod prior_state;
mod queued_operation;
mod queues;
mod read_ahead;
mod rehearse;
mod resolve;
mod row_progress;
mod rows;
mod stop;
mod worker;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};

pub use conflict::OnConflict;
pub use event::{Event, PaceReport, RowRecord};
pub use forecast::Forecast;
pub use interleave::interleave;
pub use journal::{Before, Journal, NotWritten, Note, PriorAccount};
pub use outcome::{Outcome, Verdict};
pub use prior_state::{Assignment, Assignments, InDoubt, PriorState, Proof};
pub use stop::{StopReason, StopSwitch};

use crate::directory::Directory;
use crate::guard::LockAllowance;
use crate::roster::{InputSummary, Protected};
use crate::scim::{BulkLimits, Capabilities, Client};
use crate::transport::Pace;
use bulk_queue::BulkQueue;
use emitter::Emitter;
use engine::{Engine, Parcels};
use forecast::Rehearsal;
use group_provisioner::GroupProvisioner;
use worker::Worker;
use writer::Writer;

/// What a run is told beside its rows.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// How many calls may be in flight.
    pub concurrency: usize,
    /// What to do with an email that is taken.
    pub on_conflict: OnConflict,
    /// How many people are named in one PATCH of a group at the most; one: each row goes alone.
    pub batch: usize,
    /// Attributes are changed by PUT of the whole account instead of PATCH.
    pub replace: bool,
    /// How large bulk requests may be, where changes go by them.
    pub bulk: Option<BulkLimits>,
    /// Everything is looked up and planned, and nothing is changed.
    pub rehearse: bool,
    /// How changes are put to the node, as far as that was set beforehand.
    pub capabilities: Capabilities,
    /// More failed rows than this stop the run.
    pub max_errors: Option<u64>,
}

/// How a run ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunEnd {
    /// Why it stopped before its end, if it did.
    pub stopped: Option<StopReason>,
    /// Whether creates were given up because the licensed seats are used up.
    pub seats_used_up: bool,
    /// What would have been sent, had this not been a rehearsal.
    pub forecast: Option<Forecast>,
}

impl RunEnd {
    /// How several runs ended, told as one.
    #[must_use]
    pub fn together(runs: impl IntoIterator<Item = RunEnd>) -> Self {
        let mut together = RunEnd {
            stopped: None,
            seats_used_up: false,
            forecast: None,
        };
        for run in runs {
            together.stopped = match (together.stopped, run.stopped) {
                (Some(one), Some(other)) => Some(one.and(&other)),
                (one, other) => one.or(other),
            };
            together.seats_used_up |= run.seats_used_up;
            together.forecast = together.forecast.or(run.forecast);
        }
        together
    }
}

/// How many rows may be between the first that is not settled and the last that was begun.
const WINDOW: usize = 8192;

/// Rows that wait out a back-off, or for the ledger, should not keep others from being sent.
const ROWS_PER_CALL: usize = 8;

/// How often the pace is told.
const PACE_EVERY: Duration = Duration::from_millis(200);

/// A run over one input.
#[derive(Debug)]
pub struct Run {
    worker: Arc<Worker>,
    pace: Arc<Pace>,
    summary: Arc<InputSummary>,
    /// Rows are carried out one at a time: who is who cannot be told before each was looked up.
    one_by_one: bool,
    items: Option<Parcels>,
}

impl Run {
    /// A run of rows that were counted and checked as `summary` says.
    #[must_use]
    pub fn new(
        client: Arc<Client>,
        directory: Arc<Directory>,
        settings: Settings,
        summary: Arc<InputSummary>,
        stop: Arc<StopSwitch>,
    ) -> Self {
        let mixed = summary.mixes_names();
        let one_by_one = mixed && !directory.people.is_listed();
        if !summary.recurring && !mixed {
            directory.people.forget_changes();
        }
        let pace = Arc::clone(client.transport().pace());
        let provisioner = Arc::new(GroupProvisioner::new(Arc::clone(&directory)));
        let (sender, receiver) = mpsc::unbounded_channel();
        let settings = Settings {
            bulk: settings.bulk.filter(|_| !one_by_one),
            ..settings
        };
        let bulk = settings.bulk.filter(|_| !settings.rehearse);
        let items = bulk.map(|limits| Parcels {
            receiver,
            bulk_queue: BulkQueue::new(Arc::clone(&provisioner), limits),
        });
        let to_bulk_queue = items.is_some().then_some(sender);
        let writer = Writer::new(Arc::clone(&client), provisioner, to_bulk_queue);
        Run {
            worker: Arc::new(Worker::new(client, directory, settings, stop, writer)),
            pace,
            summary,
            one_by_one,
            items,
        }
    }

    /// The same run, with what may have been sent and what became of it written down.
    ///
    /// # Panics
    /// Never: nobody works for a run before it is carried out.
    #[must_use]
    pub fn noted_in(mut self, journal: Journal) -> Self {
        let worker = Arc::get_mut(&mut self.worker);
        worker.expect("a run that was not begun").journal = journal;
        self
    }

    /// The same run, with people who are neither locked nor deleted, by whatever name a row knows them.
    ///
    /// # Panics
    /// Never: nobody works for a run before it is carried out.
    #[must_use]
    pub fn sparing(mut self, protected: Protected) -> Self {
        let worker = Arc::get_mut(&mut self.worker);
        worker.expect("a run that was not begun").protected = protected;
        self
    }

    /// The same run, which stops before it takes access from more people than this allows.
    ///
    /// # Panics
    /// Never: nobody works for a run before it is carried out.
    #[must_use]
    pub fn allowing(mut self, losses: Option<LockAllowance>) -> Self {
        let worker = Arc::get_mut(&mut self.worker);
        worker.expect("a run that was not begun").losses = losses;
        self
    }

    /// Carries out `rows`, and tells `events` what happens. Ends when every row has an outcome.
    pub async fn carry_out(self, rows: Assignments, events: mpsc::Sender<Event>) -> RunEnd {
        let ticker = tokio::spawn(tell_pace(Arc::clone(&self.pace), events.clone()));
        let window = Arc::new(Semaphore::new(WINDOW));
        let (emitter, emitting) = Emitter::start(
            Arc::clone(&window),
            events.clone(),
            Arc::clone(&self.worker.stop),
            self.worker.journal.clone(),
        );
        Engine::new(
            Arc::clone(&self.worker),
            self.summary,
            window,
            emitter,
            self.one_by_one,
            self.items,
        )
        .carry_out(rows)
        .await;
        // The engine is gone, and its emitter with it: this returns when the last row is told.
        let _ = emitting.await;
        ticker.abort();
        // The last word on the number of calls. A reporter that is gone has said so itself.
        let _ = events.send(Event::Pace(PaceReport::of(&self.pace))).await;
        let traffic = Box::new(self.pace.traffic());
        let _ = events.send(Event::Calls(traffic)).await;
        RunEnd {
            stopped: self.worker.stop.reason().cloned(),
            seats_used_up: self.worker.seats_used_up(),
            forecast: self.worker.rehearsal.as_ref().map(Rehearsal::forecast),
        }
    }
}

fn not_attempted(reason: &StopReason) -> Outcome {
    Outcome::new(Verdict::NotAttempted)
        .because(format!("the run had stopped before this row: {reason}"))
}

async fn tell_pace(pace: Arc<Pace>, events: mpsc::Sender<Event>) {
    let mut ticks = tokio::time::interval(PACE_EVERY);
    loop {
        ticks.tick().await;
        // A reporter that is behind needs no more of these.
        let _ = events.try_send(Event::Pace(PaceReport::of(&pace)));
    }
}
