//! The rows of a run that are on their way, from when they were read until they are told.

use std::collections::BTreeMap;
use std::time::Instant;

use super::emitter::{Emitter, Message};
use super::event::RowRecord;
use super::keyed_queue::QueueGuard;
use super::outcome::{Outcome, Verdict};
use crate::roster::Action;
use crate::sheet::{Cells, RowNumber};

/// The place of a row in the order of the file, from 0.
pub(super) type Sequence = u64;

/// A row on its way.
#[derive(Debug)]
struct RowState {
    number: RowNumber,
    cells: Cells,
    action: Option<Action>,
    /// Its place at the head of the queues of its person.
    ticket: Option<QueueGuard>,
    /// When it was begun, or taken up again after it had waited for others.
    begun: Option<Instant>,
    outcome: Option<Outcome>,
}

/// Every row that was read and not told. A row is settled once; what is dropped without an outcome is unknown, so that
/// whatever fails, as many rows come out as went in.
#[derive(Debug)]
pub(super) struct Rows {
    open: BTreeMap<Sequence, RowState>,
    next: Sequence,
    emitter: Emitter,
}

impl Rows {
    pub(super) fn new(emitter: Emitter) -> Self {
        Rows {
            open: BTreeMap::new(),
            next: 0,
            emitter,
        }
    }

    /// How many rows were read.
    pub(super) fn read(&self) -> u64 {
        self.next
    }

    /// Takes the next row in.
    pub(super) fn enter(
        &mut self,
        number: RowNumber,
        cells: Cells,
        action: Option<Action>,
    ) -> Sequence {
        let sequence = self.next;
        self.next += 1;
        self.open.insert(
            sequence,
            RowState {
                number,
                cells,
                action,
                ticket: None,
                begun: None,
                outcome: None,
            },
        );
        sequence
    }

    /// A row is at the head of its queues, and is begun.
    pub(super) fn begin(&mut self, sequence: Sequence, ticket: QueueGuard) {
        if let Some(row) = self.open.get_mut(&sequence) {
            row.ticket = Some(ticket);
            row.begun = Some(Instant::now());
        }
    }

    /// A row that waited for others is sent now: the time that it waited does not count.
    pub(super) fn begin_again(&mut self, sequence: Sequence) {
        if let Some(row) = self.open.get_mut(&sequence) {
            row.begun = Some(Instant::now());
        }
    }

    /// Gives a row its outcome, the first one only, and tells all that are next in the order of the file. Gives the row's
    /// place in the queues of its person back.
    pub(super) fn settle(&mut self, sequence: Sequence, outcome: Outcome) -> Option<QueueGuard> {
        let took = self.open.get(&sequence)?.begun.map(|begun| begun.elapsed());
        self.put(sequence, Outcome { took, ..outcome }, true)
    }

    /// Gives a row the outcome that it had before this run.
    pub(super) fn settle_again(&mut self, sequence: Sequence, outcome: Outcome) {
        self.put(sequence, outcome, false);
    }

    fn put(&mut self, sequence: Sequence, outcome: Outcome, is_new: bool) -> Option<QueueGuard> {
        let row = self.open.get_mut(&sequence)?;
        if row.outcome.is_some() {
            return None;
        }
        self.emitter.say(Message::Settled {
            number: row.number,
            action: row.action,
            outcome: Box::new(outcome.clone()),
            is_new,
        });
        row.outcome = Some(outcome);
        let ticket = row.ticket.take();
        while let Some(first) = self.open.first_entry()
            && first.get().outcome.is_some()
        {
            let RowState {
                number,
                cells,
                action,
                outcome: Some(outcome),
                ..
            } = first.remove()
            else {
                break;
            };
            self.emitter.say(Message::Row(Box::new(RowRecord {
                number,
                cells,
                action,
                outcome,
            })));
        }
        ticket
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        let open: Vec<Sequence> = self.open.keys().copied().collect();
        for sequence in open {
            self.settle(sequence, failed_within());
        }
    }
}

/// The outcome of a row whose task has failed.
pub(super) fn failed_within() -> Outcome {
    Outcome::new(Verdict::Unknown).because("the program failed while it carried out this row")
}
