//! The results of an earlier run, read back from a results file.

use jiff::Timestamp;

use crate::roster::RESULT_COLUMNS;
use crate::run::{Before, InDoubt, Outcome, PriorState, Proof, Verdict};
use crate::sheet::{Cells, RowNumber, cell_at, trim};

/// Where in a file the results of an earlier run stand.
#[derive(Debug, Clone)]
pub struct PriorResults {
    outcome: usize,
    status: Option<usize>,
    user_id: Option<usize>,
    attempts: Option<usize>,
    error: Option<usize>,
    finished_at: Option<usize>,
    row: Option<usize>,
    run: Option<usize>,
}

impl PriorResults {
    /// Looks for the columns of results; nothing if this is no results file.
    #[must_use]
    pub fn of(header: &[String]) -> Option<Self> {
        let at = |name: &str| {
            debug_assert!(
                RESULT_COLUMNS.contains(&name),
                "{name} is no column of results"
            );
            let mut headings = header.iter();
            headings.position(|heading| trim(heading).eq_ignore_ascii_case(name))
        };
        Some(PriorResults {
            outcome: at("result_outcome")?,
            status: at("result_status"),
            user_id: at("result_user_id"),
            attempts: at("result_attempts"),
            error: at("result_error"),
            finished_at: at("result_finished_at"),
            row: at("result_row"),
            run: at("result_run"),
        })
    }

    /// The id of the run that has written a row.
    #[must_use]
    pub fn run<'c>(&self, cells: &'c Cells) -> Option<&'c str> {
        cell_at(cells, self.run?)
    }

    /// The number of a row in the run that has written it; nothing for a row that was added since.
    #[must_use]
    pub fn row(&self, cells: &Cells) -> Option<RowNumber> {
        cell_at(cells, self.row?)?.parse().ok().map(RowNumber)
    }

    /// What became of a row; nothing if that cannot be read.
    #[must_use]
    pub fn outcome(&self, cells: &Cells) -> Option<Outcome> {
        let cell = |at: Option<usize>| cell_at(cells, at?);
        let verdict = Verdict::of_word(&cell(Some(self.outcome))?.to_lowercase())?;
        let finished_at: Option<Timestamp> =
            cell(self.finished_at).and_then(|time| time.parse().ok());
        Some(Outcome {
            verdict,
            status: cell(self.status).and_then(|status| status.parse().ok()),
            user_id: cell(self.user_id).map(str::to_owned),
            proven: false,
            attempts: cell(self.attempts)
                .and_then(|attempts| attempts.parse().ok())
                .unwrap_or_default(),
            error: cell(self.error).map(str::to_owned),
            differences: Vec::new(),
            finished_at: finished_at.unwrap_or_else(Timestamp::now),
            took: None,
        })
    }

    /// Whether a row is done with.
    #[must_use]
    pub fn is_done(&self, cells: &Cells) -> bool {
        self.outcome(cells)
            .is_some_and(|outcome| outcome.verdict.is_done())
    }

    /// What is known of a row.
    #[must_use]
    pub fn prior_state(&self, cells: &Cells) -> PriorState {
        match self.outcome(cells) {
            Some(outcome) if outcome.verdict.is_done() => PriorState::Settled(Box::new(outcome)),
            // It may have worked, or was made and not finished.
            Some(outcome)
                if outcome.status != Some(409)
                    && (outcome.verdict == Verdict::Unknown || outcome.user_id.is_some()) =>
            {
                PriorState::InDoubt(InDoubt {
                    proof: Proof::Noted,
                    sent: None,
                    before: Before::nobody(),
                })
            }
            _ => PriorState::Fresh,
        }
    }
}
