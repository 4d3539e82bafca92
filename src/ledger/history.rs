//! What is known of the rows of an earlier run.

use std::collections::VecDeque;

use super::LedgerError;
use super::chain::{Chain, ChainRow};
use super::row_set::RowSet;
use super::run_record::RunRecord;
use super::standing::{RecordedRow, RunState, is_refused};
use crate::roster::CheckedRow;
use crate::run::{Before, InDoubt, Outcome, PriorState, Proof, Verdict};
use crate::sheet::RowNumber;

/// How many rows are read at once.
const PAGE: usize = 512;

/// Which rows of a run are done with.
#[derive(Debug, Default)]
pub struct History {
    done: RowSet,
    /// Whether the run did not end properly: then rows may have been sent of which the record has lost that.
    unclean: bool,
    /// When the run began by the node's own clock, in seconds since 1970.
    begun: Option<i64>,
}

impl History {
    /// For going on with a run: every outcome stays, except of rows that were not attempted or of
    /// which nobody knows.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub fn of_resumed(record: &RunRecord) -> Result<Self, LedgerError> {
        // How it ended does not tell what it has not come to since an end that was none.
        let unclean = match record.state()? {
            RunState::Finished { .. } => false,
            RunState::Open => true,
            RunState::Stopped { .. } | RunState::Discarded { .. } => {
                record.is_recovered()? || record.parts()?.iter().any(|part| part.calls.is_none())
            }
        };
        let stays = |verdict| !matches!(verdict, Verdict::NotAttempted | Verdict::Unknown);
        Self::of(record, stays, unclean)
    }

    /// For retrying rows of which `done` are done with, as the records of a run and of its retries say.
    ///
    /// # Errors
    /// When a record cannot be read.
    pub fn of_chain(chain: &Chain, done: RowSet) -> Result<Self, LedgerError> {
        let latest = chain.latest();
        Ok(History {
            done,
            unclean: latest.state()? == RunState::Open,
            begun: latest.about().node_time(),
        })
    }

    /// What is known of row `number` of these, which is the one at this place; a row that was added since is at none.
    ///
    /// # Errors
    /// When a record cannot be read.
    pub fn prior_state_in(
        &self,
        chain: &Chain,
        number: RowNumber,
        place: Option<ChainRow>,
    ) -> Result<PriorState, LedgerError> {
        let written = place.map(|place| chain.written(place)).transpose()?;
        Ok(self.prior_state(number, written.flatten()))
    }

    fn of(
        record: &RunRecord,
        stays: impl Fn(Verdict) -> bool,
        unclean: bool,
    ) -> Result<Self, LedgerError> {
        let mut done = RowSet::default();
        let insert = |row, verdict| {
            if stays(verdict) {
                done.insert(row);
            }
        };
        record
            .verdicts(insert)
            .map_err(|error| record.failed(error))?;
        Ok(History {
            done,
            unclean,
            begun: record.about().node_time(),
        })
    }

    /// Whether it has to be looked for people of whom the record knows nothing.
    #[must_use]
    pub fn is_unclean(&self) -> bool {
        self.unclean
    }

    /// Whether a row is done with.
    #[must_use]
    pub fn is_done(&self, row: RowNumber) -> bool {
        self.done.contains(row)
    }

    pub(super) fn prior_state(&self, row: RowNumber, written: Option<RecordedRow>) -> PriorState {
        // A row that a retry has taken over, and has not sent yet, says nothing.
        let said = |written: &RecordedRow| written.outcome.is_some() || written.sent_at.is_some();
        let Some(written) = written.filter(said) else {
            return if self.unclean {
                PriorState::InDoubt(InDoubt {
                    proof: Proof::Missing,
                    sent: self.begun,
                    before: Before::nobody(),
                })
            } else {
                PriorState::Fresh
            };
        };
        let RecordedRow {
            sent_at,
            node_time,
            before,
            outcome,
            ..
        } = written;
        let proof = match &outcome {
            // It was about to be sent, and was not.
            Some(outcome) if outcome.verdict == Verdict::NotAttempted => Proof::Missing,
            _ if sent_at.is_none() => Proof::Missing,
            _ => Proof::Noted,
        };
        match outcome {
            Some(outcome) if self.is_done(row) => PriorState::Settled(Box::new(outcome)),
            // The node has refused it: that nothing came of the row is certain.
            Some(outcome) if is_refused(outcome.verdict, outcome.status) => PriorState::Fresh,
            // It was announced, and not sent: who stops in good order knows.
            Some(Outcome {
                verdict: Verdict::NotAttempted,
                ..
            }) if !self.unclean => PriorState::Fresh,
            Some(Outcome {
                verdict: Verdict::Failed | Verdict::Invalid,
                ..
            }) if sent_at.is_none() && !self.unclean => PriorState::Fresh,
            _ => PriorState::InDoubt(InDoubt {
                proof,
                sent: match proof {
                    Proof::Noted => node_time.or(self.begun),
                    Proof::Missing => self.begun,
                },
                before: before.unwrap_or_else(Before::nobody),
            }),
        }
    }
}

/// The record of a run, read row by row in the order of the file.
#[derive(Debug)]
pub struct RecordedRows {
    record: RunRecord,
    read: VecDeque<RecordedRow>,
    /// The first row that was not read yet; none after the last.
    next: Option<RowNumber>,
}

impl RecordedRows {
    /// From the first row.
    #[must_use]
    pub fn of(record: RunRecord) -> Self {
        RecordedRows {
            record,
            read: VecDeque::new(),
            next: Some(RowNumber(0)),
        }
    }

    /// What the record says of a row; rows are asked for in ascending order.
    fn turn_to(&mut self, row: RowNumber) -> Result<Option<RecordedRow>, LedgerError> {
        loop {
            while let Some(first) = self.read.front() {
                if first.number >= row {
                    break;
                }
                self.read.pop_front();
            }
            match (self.read.front(), self.next) {
                (None, Some(next)) => {
                    let page = self.record.rows(next.max(row), PAGE);
                    self.read = page.map_err(|error| self.record.failed(error))?.into();
                    let last = self.read.back();
                    self.next = last.map(|last| RowNumber(last.number.0 + 1));
                }
                (Some(first), _) if first.number == row => return Ok(self.read.pop_front()),
                _ => return Ok(None),
            }
        }
    }

    /// What is known of a row.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub fn prior_state(
        &mut self,
        history: &History,
        entry: &CheckedRow,
    ) -> Result<PriorState, LedgerError> {
        let written = self.turn_to(entry.number)?;
        Ok(history.prior_state(entry.number, written))
    }

    /// What became of a row, for a results file.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub fn outcome(&mut self, row: RowNumber) -> Result<Outcome, LedgerError> {
        let written = self.turn_to(row)?;
        Ok(match written {
            Some(RecordedRow {
                outcome: Some(outcome),
                ..
            }) => outcome,
            Some(RecordedRow {
                sent_at: Some(_), ..
            }) => Outcome::new(Verdict::Unknown)
                .because("it may have been sent; what became of it is not known yet"),
            _ => {
                Outcome::new(Verdict::NotAttempted).because("the run has not come to this row yet")
            }
        })
    }
}
