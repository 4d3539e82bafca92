//! Writing into the record of a run.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::LedgerError;
use super::integer::{milliseconds, signed};
use super::run_record::{RunRecord, put_part};
use crate::run::Note;

impl RunRecord {
    /// Writes several notes down at once; they are durable when this returns.
    pub(super) fn write(&mut self, notes: &[Note]) -> rusqlite::Result<()> {
        let all = self.connection.transaction()?;
        put_all(&all, notes)?;
        all.commit()
    }

    /// Says that it has ended, and why if that is before its end.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn end(&self, stopped: Option<&str>) -> Result<(), LedgerError> {
        let now = Timestamp::now().as_millisecond();
        self.connection
            .execute(
                "INSERT INTO ended (at, stopped) VALUES (?1, ?2)",
                params![now, stopped],
            )
            .map_err(|error| self.failed(error))?;
        self.checkpoint();
        Ok(())
    }

    /// Says that it is not to be continued.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn discard(&self) -> Result<(), LedgerError> {
        let now = Timestamp::now().as_millisecond();
        self.connection
            .execute("INSERT INTO ended (at, discarded) VALUES (?1, 1)", [now])
            .map(|_| ())
            .map_err(|error| self.failed(error))
    }

    /// It goes on.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn begin_again(&self) -> Result<(), LedgerError> {
        self.connection
            .execute("DELETE FROM ended", [])
            .and_then(|_| put_part(&self.connection, Timestamp::now()))
            .map_err(|error| self.failed(error))
    }

    /// Keeps what is known of the calls since it began, or since it went on, in the words of who asks for them again.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn keep_calls(&self, calls: &str) -> Result<(), LedgerError> {
        self.connection
            .execute(
                "UPDATE part SET calls = ?1 WHERE rowid = (SELECT max(rowid) FROM part)",
                [calls],
            )
            .map(|_| ())
            .map_err(|error| self.failed(error))
    }
}

/// What was there before the first time is what was there before. Only that somebody was made can turn out
/// later, and that it was somebody else who is changed. What became of the row an earlier time does not count any more.
const MAY_BE_SENT: &str = "
    INSERT INTO row (number, node, sent_at, node_time, before) VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT (number) DO UPDATE SET
        node = excluded.node,
        sent_at = coalesce(sent_at, excluded.sent_at),
        node_time = CASE WHEN sent_at IS NULL OR verdict = 'not_attempted' THEN excluded.node_time ELSE node_time END,
        verdict = NULL,
        before = CASE WHEN before IS NULL OR before ->> 'was' = 'nobody' THEN excluded.before ELSE before END";

const SETTLED: &str = "
    INSERT INTO row (number, action, verdict, status, user_id, attempts, error, finished_at, took, proven)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
    ON CONFLICT (number) DO UPDATE SET
        action = excluded.action, verdict = excluded.verdict, status = excluded.status,
        user_id = excluded.user_id, attempts = excluded.attempts, error = excluded.error,
        finished_at = excluded.finished_at, took = excluded.took, proven = excluded.proven";

fn put_all(all: &Connection, notes: &[Note]) -> rusqlite::Result<()> {
    let mut may_be_sent = all.prepare_cached(MAY_BE_SENT)?;
    let mut settled = all.prepare_cached(SETTLED)?;
    for note in notes {
        match note {
            Note::MayBeSent {
                row,
                node,
                at,
                node_time,
                before,
                ..
            } => {
                let before = serde_json::to_string(before).expect("strings and booleans only");
                may_be_sent.execute(params![
                    signed(*row),
                    node,
                    at.as_millisecond(),
                    node_time,
                    before
                ])?;
            }
            Note::Settled {
                row,
                action,
                outcome,
            } => {
                settled.execute(params![
                    signed(*row),
                    action.map(crate::roster::Action::as_str),
                    outcome.verdict.as_str(),
                    outcome.status,
                    outcome.user_id,
                    outcome.attempts,
                    outcome.error,
                    outcome.finished_at.as_millisecond(),
                    outcome.took.map(milliseconds),
                    outcome.proven,
                ])?;
            }
        }
    }
    Ok(())
}
