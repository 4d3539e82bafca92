//! The way of one row, from its turn to its outcome, or to the others that it may go together with.

use tokio::sync::mpsc;

use super::course::Course;
use super::dispatch::Step;
use super::joint::{Joint, halted};
use super::lanes::Ticket;
use super::order::Place;
use super::past::Asked;
use super::pool::Flush;
use super::rehearse::count_and_settle;
use super::worker::Worker;

/// A row that is being carried out, or waits for its turn.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) sequence: u64,
    pub(super) asked: Asked,
    pub(super) place: Place,
    /// The groups that it names, the one that the fewest rows of the file name first, and how many these are.
    pub(super) groups: Vec<(u64, String)>,
}

impl Row {
    /// `pooling`: what goes together with others is set aside, and the loop is told.
    pub(super) async fn carry_out(self, worker: &Worker, turn: Turn, pooling: bool) {
        if let Some(reason) = worker.stop.reason() {
            return self.place.settle(self.asked.not_reached(reason));
        }
        let course = tokio::select! {
            course = worker.carry_out(&self.asked) => course,
            () = worker.stop.halted() => halted().into(),
        };
        match course {
            Course::Settled(outcome) => {
                worker.count(&outcome, &self.asked.change.emails());
                worker.may_be_made(&self.asked.change, &outcome);
                self.place.settle(outcome);
                drop(turn);
            }
            Course::Memberships(memberships) => {
                let joint = Joint {
                    sequence: self.sequence,
                    memberships,
                    place: self.place,
                    turn,
                };
                if pooling {
                    let steps = joint.turn.steps.clone();
                    // The loop outlives its tasks.
                    let _ = steps.send(Step::Joint(Box::new(joint)));
                } else if let Some(rehearsal) = &worker.rehearsal {
                    count_and_settle(rehearsal, worker, Flush::alone(joint));
                } else {
                    joint.carry_out(worker).await;
                }
            }
        }
    }
}

/// A row's turn: when it is dropped, the next row of the person may go.
#[derive(Debug)]
pub(super) struct Turn {
    ticket: Option<Ticket>,
    steps: mpsc::UnboundedSender<Step>,
}

impl Turn {
    /// `steps`: who hears that the row is done.
    pub(super) fn new(ticket: Ticket, steps: mpsc::UnboundedSender<Step>) -> Self {
        Turn {
            ticket: Some(ticket),
            steps,
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            // A loop that is gone waits for nobody.
            let _ = self.steps.send(Step::Left(ticket));
        }
    }
}
