//! Several runs over the same file, told as one.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};

use super::event::{Event, PaceReport, RowRecord};

/// How many rows of one run may wait for those of the others.
const AHEAD: usize = 8192;

/// One of the runs.
#[derive(Debug)]
struct Source {
    /// Rows that were told and wait for their turn.
    rows: VecDeque<Box<RowRecord>>,
    /// How many more of them may come.
    room: Arc<Semaphore>,
    pace: Option<PaceReport>,
    is_over: bool,
}

/// Passes the events of several runs on as those of one: rows in the order of the file, paces added
/// up. Returns when all are over, or when nobody listens any more.
pub async fn interleave(runs: Vec<mpsc::Receiver<Event>>, events: mpsc::Sender<Event>) {
    let (inbox, mut arrived) = mpsc::channel(256);
    let mut sources: Vec<Source> = Vec::new();
    for (at, run) in runs.into_iter().enumerate() {
        let room = Arc::new(Semaphore::new(AHEAD));
        tokio::spawn(pass_on(run, at, Arc::clone(&room), inbox.clone()));
        sources.push(Source {
            rows: VecDeque::new(),
            room,
            pace: None,
            is_over: false,
        });
    }
    drop(inbox);
    while let Some((at, event)) = arrived.recv().await {
        let passed = match event {
            None => {
                sources[at].is_over = true;
                Ok(())
            }
            Some(Event::Row(row)) => {
                sources[at].rows.push_back(row);
                Ok(())
            }
            Some(Event::Pace(pace)) => {
                sources[at].pace = Some(pace);
                events.send(Event::Pace(added_up(&sources))).await
            }
            Some(other) => events.send(other).await,
        };
        if passed.is_err() {
            return;
        }
        while let Some(row) = next(&mut sources) {
            if events.send(Event::Row(row)).await.is_err() {
                return;
            }
        }
    }
}

/// Passes the events of one run on; at its end, `None`.
async fn pass_on(
    mut run: mpsc::Receiver<Event>,
    at: usize,
    room: Arc<Semaphore>,
    inbox: mpsc::Sender<(usize, Option<Event>)>,
) {
    while let Some(event) = run.recv().await {
        if matches!(event, Event::Row(_)) {
            // Given back when the row is told.
            room.acquire().await.expect("never closed").forget();
        }
        if inbox.send((at, Some(event))).await.is_err() {
            return;
        }
    }
    // Nobody listens any more.
    let _ = inbox.send((at, None)).await;
}

/// The next row in the order of the file, unless a run may still have one before it.
fn next(sources: &mut [Source]) -> Option<Box<RowRecord>> {
    let waits = |source: &Source| source.rows.is_empty() && !source.is_over;
    if sources.iter().any(waits) {
        return None;
    }
    let first = |source: &&mut Source| source.rows.front().map(|row| row.number);
    let with_rows = sources.iter_mut().filter(|source| !source.rows.is_empty());
    let source = with_rows.min_by_key(first)?;
    source.room.add_permits(1);
    source.rows.pop_front()
}

fn added_up(sources: &[Source]) -> PaceReport {
    let paces = || sources.iter().filter_map(|source| source.pace);
    PaceReport {
        calls: paces().map(|pace| pace.calls).sum(),
        refused: paces().map(|pace| pace.refused).sum(),
        unavailable: paces().map(|pace| pace.unavailable).sum(),
        waiting: paces().map(|pace| pace.waiting).sum(),
        resting: paces().map(|pace| pace.resting).sum(),
        held_for: paces().filter_map(|pace| pace.held_for).max(),
        resting_for: paces().filter_map(|pace| pace.resting_for).max(),
        down_for: paces().filter_map(|pace| pace.down_for).max(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Outcome, Verdict};
    use crate::sheet::{Cells, RowNumber};

    fn row(number: u64) -> Event {
        Event::Row(Box::new(RowRecord {
            number: RowNumber(number),
            cells: Cells::default(),
            action: None,
            outcome: Outcome::new(Verdict::Created),
        }))
    }

    #[tokio::test]
    async fn rows_are_told_in_the_order_of_the_file_however_they_come() {
        let (one, ones) = mpsc::channel(1);
        let (other, others) = mpsc::channel(1);
        let (to, mut told) = mpsc::channel(1);
        tokio::spawn(async move {
            for number in (2..30_000).step_by(3) {
                one.send(row(number)).await.unwrap();
            }
        });
        tokio::spawn(async move {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            for number in (2..40_000).filter(|number| number % 3 != 2) {
                other.send(row(number)).await.unwrap();
            }
        });
        tokio::spawn(interleave(vec![ones, others], to));
        let mut before = 0;
        let mut rows = 0;
        while let Some(event) = told.recv().await {
            if let Event::Row(record) = event {
                assert!(record.number.0 > before);
                before = record.number.0;
                rows += 1;
            }
        }
        assert_eq!(rows, 10_000 + 26_666 - 1);
    }
}
