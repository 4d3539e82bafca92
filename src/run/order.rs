//! Brings outcomes back into the order of the input.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use super::event::{Event, Record};
use super::outcome::{Outcome, Verdict};
use super::stop::{StopReason, StopSwitch};
use crate::roster::{Action, Entry};
use crate::sheet::{Cells, RowNumber};

/// Gives out places in the order of the file.
#[derive(Debug, Clone)]
pub(super) struct Order(mpsc::UnboundedSender<(u64, Box<Record>)>);

/// The place of one row. It is settled exactly once: if it is dropped without, the row is unknown.
#[derive(Debug)]
pub(super) struct Place {
    order: Order,
    sequence: u64,
    row: Option<(RowNumber, Cells, Option<Action>)>,
}

impl Order {
    /// Begins to tell `events` of rows in order; each row told gives its place in `window` back.
    pub(super) fn start(
        window: Arc<Semaphore>,
        events: mpsc::Sender<Event>,
        stop: Arc<StopSwitch>,
    ) -> (Self, JoinHandle<()>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let keeper = Keeper {
            window,
            events,
            stop,
        };
        (Order(sender), tokio::spawn(keeper.keep(receiver)))
    }

    pub(super) fn place(&self, sequence: u64, entry: &Entry) -> Place {
        let action = entry
            .change
            .as_ref()
            .ok()
            .map(crate::roster::Change::action);
        Place {
            order: self.clone(),
            sequence,
            row: Some((entry.number, entry.cells.clone(), action)),
        }
    }
}

impl Place {
    pub(super) fn settle(mut self, outcome: Outcome) {
        self.tell(outcome);
    }

    fn tell(&mut self, outcome: Outcome) {
        if let Some((number, cells, action)) = self.row.take() {
            let record = Box::new(Record {
                number,
                cells,
                action,
                outcome,
            });
            // The keeper lives until the last place is gone.
            let _ = self.order.0.send((self.sequence, record));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.tell(
            Outcome::new(Verdict::Unknown)
                .because("the program failed while it carried out this row"),
        );
    }
}

struct Keeper {
    window: Arc<Semaphore>,
    events: mpsc::Sender<Event>,
    stop: Arc<StopSwitch>,
}

impl Keeper {
    async fn keep(self, mut settled: mpsc::UnboundedReceiver<(u64, Box<Record>)>) {
        let mut early = BTreeMap::new();
        let mut next = 0;
        while let Some((sequence, record)) = settled.recv().await {
            self.tell(Event::Settled(record.outcome.verdict)).await;
            early.insert(sequence, record);
            while let Some(record) = early.remove(&next) {
                self.tell(Event::Row(record)).await;
                self.window.add_permits(1);
                next += 1;
            }
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
