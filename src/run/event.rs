//! What a run tells while it goes on. This is the only door between running and reporting.

use std::time::Duration;

use crate::roster::Action;
use crate::run::{Outcome, Verdict};
use crate::sheet::{Cells, RowNumber};
use crate::transport::{Pace, Traffic};

/// Something happened.
#[derive(Debug)]
pub enum Event {
    /// A row is settled; told at once, in whatever order rows finish.
    Settled(Verdict),
    /// A row with its outcome; told in the order of the input.
    Row(Box<RowRecord>),
    /// How the pace stands, told several times a second.
    Pace(PaceReport),
    /// All calls of the run to one node; told once, at its end.
    Calls(Box<Traffic>),
}

/// A row of the input and what became of it.
#[derive(Debug)]
pub struct RowRecord {
    /// Where it stands in the spreadsheet.
    pub number: RowNumber,
    /// Its cells as they came.
    pub cells: Cells,
    /// What it asked for, if that could be read.
    pub action: Option<Action>,
    /// What became of it.
    pub outcome: Outcome,
}

/// How the pace stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PaceReport {
    /// Calls that have left.
    pub calls: u64,
    /// Calls that were refused since there were too many (429).
    pub refused: u64,
    /// Calls that the node could not do just then (503, 408).
    pub unavailable: u64,
    /// Calls that wait for their turn.
    pub waiting: usize,
    /// Calls that came to nothing and will be tried again.
    pub resting: usize,
    /// How long no call of some class leaves, since the node accepts none.
    pub held_for: Option<Duration>,
    /// How long it is until the last of those that rest is tried again.
    pub resting_for: Option<Duration>,
    /// How long the node has not answered, where one call at a time is tried until it does.
    pub down_for: Option<Duration>,
}

impl PaceReport {
    /// How `pace` stands now.
    #[must_use]
    pub fn of(pace: &Pace) -> Self {
        let (refused, unavailable) = pace.refusals();
        PaceReport {
            calls: pace.admitted(),
            refused,
            unavailable,
            waiting: pace.waiting(),
            resting: pace.resting(),
            held_for: pace.held_for(),
            resting_for: pace.resting_for(),
            down_for: pace.down_for(),
        }
    }
}
