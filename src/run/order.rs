//! Brings outcomes back into the order of the input.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use super::event::{Event, Record};
use super::journal::Journal;
use super::outcome::{Outcome, Verdict};
use super::stop::{StopReason, StopSwitch};
use crate::roster::Action;
use crate::sheet::{Cells, RowNumber};

/// A row that has its outcome.
#[derive(Debug)]
struct Told {
    sequence: u64,
    record: Box<Record>,
    /// Whether it had its outcome before this run, so that nobody need write it down.
    again: bool,
}

/// Gives out places in the order of the file.
#[derive(Debug, Clone)]
pub(super) struct Order(mpsc::UnboundedSender<Told>);

/// The place of one row. It is settled exactly once: if it is dropped without, the row is unknown.
#[derive(Debug)]
pub(super) struct Place {
    order: Order,
    sequence: u64,
    row: Option<(RowNumber, Cells, Option<Action>)>,
    begun: Option<Instant>,
}

impl Order {
    /// Begins to tell `events` of rows in order; each row told gives its place in `window` back.
    pub(super) fn start(
        window: Arc<Semaphore>,
        events: mpsc::Sender<Event>,
        stop: Arc<StopSwitch>,
        journal: Journal,
    ) -> (Self, JoinHandle<()>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let keeper = Keeper {
            window,
            events,
            stop,
            journal,
        };
        (Order(sender), tokio::spawn(keeper.keep(receiver)))
    }

    pub(super) fn place(
        &self,
        sequence: u64,
        number: RowNumber,
        cells: Cells,
        action: Option<Action>,
    ) -> Place {
        Place {
            order: self.clone(),
            sequence,
            row: Some((number, cells, action)),
            begun: None,
        }
    }
}

impl Place {
    /// The row is carried out from now on.
    pub(super) fn begin(&mut self) {
        self.begun = Some(Instant::now());
    }

    pub(super) fn settle(mut self, outcome: Outcome) {
        let took = self.begun.map(|begun| begun.elapsed());
        self.tell(Outcome { took, ..outcome }, false);
    }

    /// With the outcome of an earlier time.
    pub(super) fn settle_again(mut self, outcome: Outcome) {
        self.tell(outcome, true);
    }

    fn tell(&mut self, outcome: Outcome, again: bool) {
        if let Some((number, cells, action)) = self.row.take() {
            let record = Box::new(Record {
                number,
                cells,
                action,
                outcome,
            });
            // The keeper lives until the last place is gone.
            let _ = self.order.0.send(Told {
                sequence: self.sequence,
                record,
                again,
            });
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.tell(
            Outcome::new(Verdict::Unknown)
                .because("the program failed while it carried out this row"),
            false,
        );
    }
}

struct Keeper {
    window: Arc<Semaphore>,
    events: mpsc::Sender<Event>,
    stop: Arc<StopSwitch>,
    journal: Journal,
}

impl Keeper {
    async fn keep(self, mut settled: mpsc::UnboundedReceiver<Told>) {
        let mut early = BTreeMap::new();
        let mut next = 0;
        while let Some(told) = settled.recv().await {
            let Told {
                sequence,
                record,
                again,
            } = told;
            if !again {
                self.write_down(&record).await;
            }
            self.tell(Event::Settled(record.outcome.verdict)).await;
            early.insert(sequence, record);
            while let Some(record) = early.remove(&next) {
                self.tell(Event::Row(record)).await;
                self.window.add_permits(1);
                next += 1;
            }
        }
    }

    async fn write_down(&self, record: &Record) {
        let Record {
            number,
            action,
            outcome,
            ..
        } = record;
        if let Err(error) = self.journal.settled(*number, *action, outcome).await {
            self.stop.drain(StopReason::Broken(error.to_string()));
        }
    }

    async fn tell(&self, event: Event) {
        if self.events.send(event).await.is_err() {
            // The reporter says itself what went wrong; the rows go on being counted.
            self.stop.drain(StopReason::Broken(
                "the results cannot be written any more".to_owned(),
            ));
        }
    }
}
