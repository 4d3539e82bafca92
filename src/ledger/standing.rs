//! Reading the record of a run: how far it has come, and what became of each row.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::LedgerError;
use super::integer::{signed, time, unsigned};
use super::run_record::RunRecord;
use crate::run::{Before, Outcome, Verdict};
use crate::sheet::RowNumber;

/// How far a run has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunState {
    /// It was cut short, or is still going.
    Open,
    /// It stopped before its end.
    Stopped {
        /// When.
        at: Timestamp,
        /// Why.
        why: String,
    },
    /// It was given up before its end: it is not offered to be continued any more.
    Discarded {
        /// When.
        at: Timestamp,
    },
    /// It has come to its end.
    Finished {
        /// When.
        at: Timestamp,
    },
}

impl RunState {
    /// Whether the run is worth being continued.
    #[must_use]
    pub fn is_unfinished(&self) -> bool {
        matches!(self, RunState::Open | RunState::Stopped { .. })
    }
}

/// Rows by what became of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows that have an outcome.
    pub verdicts: Vec<(Verdict, u64)>,
    /// Rows that may have been sent and have none.
    pub in_doubt: u64,
    /// Rows that may have been sent.
    pub sent: u64,
}

impl Counts {
    /// How many rows ended like this.
    #[must_use]
    pub fn of(&self, verdict: Verdict) -> u64 {
        let mut verdicts = self.verdicts.iter();
        let found = verdicts.find(|(each, _)| *each == verdict);
        found.map_or(0, |(_, count)| *count)
    }

    /// How many rows are as asked.
    #[must_use]
    pub fn done(&self) -> u64 {
        let done = self
            .verdicts
            .iter()
            .filter(|(verdict, _)| verdict.is_done());
        done.map(|(_, count)| count).sum()
    }

    /// How many rows have an outcome that is not to their liking, or none.
    #[must_use]
    pub fn not_done(&self, rows: u64) -> u64 {
        rows.saturating_sub(self.done())
    }
}

/// A run from when it began, or went on, to when it stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunPart {
    /// When that was.
    pub begun: Timestamp,
    /// What is known of its calls, if it came to an orderly end.
    pub calls: Option<String>,
}

/// What a row did to somebody's access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The account was locked or deleted.
    Taken,
    /// The account was locked, and was unlocked.
    Given,
}

impl Before {
    /// The account whose access the row was to change, if it was.
    fn access_change(&self) -> Option<(&str, Access)> {
        match self {
            Before::Nobody { .. }
            | Before::Deleted {
                active: Some(false),
                ..
            } => None,
            Before::Deleted { id, .. } => Some((id, Access::Taken)),
            Before::Account(prior) => {
                let mut changes = prior.changes.iter();
                let change = changes.find(|change| change.what == "active")?;
                let access = match (&*change.before, &*change.after) {
                    ("no", "no") => return None,
                    (_, "no") => Access::Taken,
                    ("no", _) => Access::Given,
                    _ => return None,
                };
                Some((&prior.id, access))
            }
        }
    }
}

/// A row as it stands in the record.
#[derive(Debug, Clone)]
pub(super) struct RecordedRow {
    pub(super) number: RowNumber,
    pub(super) sent_at: Option<Timestamp>,
    /// When that was by the node's own clock, in seconds since 1970.
    pub(super) node_time: Option<i64>,
    pub(super) before: Option<Before>,
    pub(super) outcome: Option<Outcome>,
}

/// Whether it is certain that nothing came of a row, since the node has refused it. Of a row in doubt, only that the
/// email was taken tells that much.
pub(super) fn is_refused(verdict: Verdict, status: Option<u16>) -> bool {
    match status {
        Some(409) => matches!(verdict, Verdict::Failed | Verdict::Unknown),
        Some(408 | 429) => false,
        Some(400..500) => verdict == Verdict::Failed,
        _ => false,
    }
}

impl RunRecord {
    /// How far it has come.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn state(&self) -> Result<RunState, LedgerError> {
        let ended = self.connection.query_row(
            "SELECT at, stopped, discarded FROM ended ORDER BY rowid DESC LIMIT 1",
            [],
            |row| {
                let discarded: Option<bool> = row.get(2)?;
                Ok((time(row.get(0)?), row.get(1)?, discarded == Some(true)))
            },
        );
        let ended = ended.optional().map_err(|error| self.failed(error))?;
        Ok(match ended {
            None => RunState::Open,
            Some((at, _, true)) => RunState::Discarded { at },
            Some((at, Some(why), _)) => RunState::Stopped { at, why },
            Some((at, None, _)) => RunState::Finished { at },
        })
    }

    /// Reads what [`state`](Self::state), [`parts`](Self::parts) and [`counts`](Self::counts) need.
    pub(super) fn look_over(&self) -> Result<(), LedgerError> {
        self.state()?;
        self.parts()?;
        self.counts().map(|_| ())
    }

    /// Its parts: one, and one more for each time that it went on. None is known of an old or damaged one.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn parts(&self) -> Result<Vec<RunPart>, LedgerError> {
        let parts = || {
            let sql = "SELECT begun, calls FROM part ORDER BY rowid";
            let mut parts = self.connection.prepare(sql)?;
            let part = |row: &rusqlite::Row<'_>| {
                Ok(RunPart {
                    begun: time(row.get(0)?),
                    calls: row.get(1)?,
                })
            };
            parts.query_map([], part)?.collect::<Result<_, _>>()
        };
        parts().map_err(|error| self.failed(error))
    }

    /// When it last did something, by this machine's clock.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn last_active(&self) -> Result<Timestamp, LedgerError> {
        let last = self.connection.query_row(
            "SELECT max(at) FROM (
                SELECT max(begun) AS at FROM part UNION ALL SELECT max(at) FROM ended
                UNION ALL SELECT max(sent_at) FROM row UNION ALL SELECT max(finished_at) FROM row
             )",
            [],
            |row| row.get::<_, Option<i64>>(0),
        );
        let last = last.map_err(|error| self.failed(error))?;
        Ok(last.map_or(self.about().begun, time))
    }

    /// What became of its rows.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn counts(&self) -> Result<Counts, LedgerError> {
        self.count().map_err(|error| self.failed(error))
    }

    fn count(&self) -> rusqlite::Result<Counts> {
        let mut rows = self
            .connection
            .prepare("SELECT verdict, sent_at IS NOT NULL, count(*) FROM row GROUP BY 1, 2")?;
        let mut rows = rows.query([])?;
        let mut counts = Counts::default();
        let mut by_verdict = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let word: Option<String> = row.get(0)?;
            let (is_sent, count): (bool, u64) = (row.get(1)?, unsigned(row.get(2)?));
            if is_sent {
                counts.sent += count;
            }
            match word.as_deref().map(Verdict::of_word) {
                Some(Some(verdict)) => *by_verdict.entry(verdict).or_default() += count,
                None if is_sent => counts.in_doubt += count,
                Some(None) | None => {}
            }
        }
        counts.verdicts = by_verdict.into_iter().collect();
        Ok(counts)
    }

    /// Whose access the rows for a node have changed, or may have, in the order of the file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn access_changes(
        &self,
        node: u16,
        mut on_change: impl FnMut(&str, Access),
    ) -> Result<(), LedgerError> {
        let mut read = || {
            let mut rows = self.connection.prepare(
                "SELECT before FROM row
                 WHERE coalesce(node, 0) = ?1 AND (instr(before, '\"active\"') OR instr(before, '\"deleted\"'))
                    AND coalesce(verdict, '') NOT IN ('not_attempted', 'invalid')
                 ORDER BY number",
            )?;
            let mut rows = rows.query([node])?;
            while let Some(row) = rows.next()? {
                let before: String = row.get(0)?;
                let Ok(before) = serde_json::from_str::<Before>(&before) else {
                    continue;
                };
                if let Some((id, access)) = before.access_change() {
                    on_change(id, access);
                }
            }
            Ok(())
        };
        read().map_err(|error| self.failed(error))
    }

    /// At most `most` rows from number `from` on.
    pub(super) fn rows(&self, from: RowNumber, most: usize) -> rusqlite::Result<Vec<RecordedRow>> {
        let mut rows = self.connection.prepare_cached(
            "SELECT number, sent_at, node_time, before, verdict, status, user_id, attempts, error, finished_at, took,
                coalesce(proven, verdict = 'created' AND status = 201) AS proven
             FROM row WHERE number >= ?1 ORDER BY number LIMIT ?2",
        )?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        rows.query_map(params![signed(from), most], written)?
            .collect()
    }

    /// The numbers of all rows with their verdicts.
    pub(super) fn verdicts(
        &self,
        mut on_row: impl FnMut(RowNumber, Verdict),
    ) -> rusqlite::Result<()> {
        let mut rows = self
            .connection
            .prepare("SELECT number, verdict FROM row WHERE verdict IS NOT NULL ORDER BY number")?;
        let mut rows = rows.query([])?;
        while let Some(row) = rows.next()? {
            let word: String = row.get(1)?;
            if let Some(verdict) = Verdict::of_word(&word) {
                on_row(RowNumber(unsigned(row.get(0)?)), verdict);
            }
        }
        Ok(())
    }
}

fn written(row: &rusqlite::Row<'_>) -> rusqlite::Result<RecordedRow> {
    let before: Option<String> = row.get("before")?;
    let word: Option<String> = row.get("verdict")?;
    let verdict = word.as_deref().and_then(Verdict::of_word);
    let outcome = match verdict {
        None => None,
        Some(verdict) => Some(Outcome {
            verdict,
            status: row.get("status")?,
            user_id: row.get("user_id")?,
            proven: row.get::<_, Option<bool>>("proven")?.unwrap_or_default(),
            attempts: row.get::<_, Option<u32>>("attempts")?.unwrap_or_default(),
            error: row.get("error")?,
            differences: Vec::new(),
            finished_at: time(row.get("finished_at")?),
            took: row
                .get::<_, Option<i64>>("took")?
                .map(|took| Duration::from_millis(unsigned(took))),
        }),
    };
    Ok(RecordedRow {
        number: RowNumber(unsigned(row.get("number")?)),
        sent_at: row.get::<_, Option<i64>>("sent_at")?.map(time),
        node_time: row.get("node_time")?,
        before: before.and_then(|json| serde_json::from_str(&json).ok()),
        outcome,
    })
}
