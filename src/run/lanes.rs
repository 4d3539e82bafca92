//! Rows of one person are carried out in the order of the file, one after the other.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

/// A lane for each person who has a row on the way.
#[derive(Debug, Default, Clone)]
pub(super) struct Lanes(Arc<Mutex<HashMap<String, Tail>>>);

/// The last row that entered a lane; the channel closes when that row is done.
#[derive(Debug)]
struct Tail {
    row: u64,
    done: watch::Receiver<()>,
}

/// A row's place in its lanes. Dropping it lets the next row of the person go.
#[derive(Debug)]
pub(super) struct Turn {
    lanes: Lanes,
    row: u64,
    keys: Vec<String>,
    before: Vec<watch::Receiver<()>>,
    _done: watch::Sender<()>,
}

impl Lanes {
    /// Enters the lanes of `keys`, behind those that entered before. Rows must enter in the order
    /// of the file, and each must be waited for: then no two can wait for each other.
    pub(super) fn enter(&self, row: u64, keys: Vec<String>) -> Turn {
        let (sender, done) = watch::channel(());
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = keys
            .iter()
            .filter_map(|key| {
                lanes.insert(
                    key.clone(),
                    Tail {
                        row,
                        done: done.clone(),
                    },
                )
            })
            .filter(|tail| tail.row != row)
            .map(|tail| tail.done)
            .collect();
        Turn {
            lanes: self.clone(),
            row,
            keys,
            before,
            _done: sender,
        }
    }
}

impl Turn {
    /// Returns when every earlier row of the person is done.
    pub(super) async fn come(&mut self) {
        for before in &mut self.before {
            // An error says that the sender is gone: that is the row being done.
            while before.changed().await.is_ok() {}
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut lanes = self.lanes.0.lock().unwrap_or_else(PoisonError::into_inner);
        for key in &self.keys {
            if lanes.get(key).is_some_and(|tail| tail.row == self.row) {
                lanes.remove(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    async fn comes(turn: &mut Turn) -> bool {
        timeout(Duration::from_millis(1), turn.come()).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_person_is_never_in_two_rows_at_once() {
        let lanes = Lanes::default();
        let mut first = lanes.enter(1, vec!["ann".into()]);
        let mut renamed = lanes.enter(2, vec!["ann".into(), "lee".into()]);
        let mut third = lanes.enter(3, vec!["lee".into()]);
        let mut other = lanes.enter(4, vec!["bob".into()]);
        assert!(comes(&mut first).await);
        assert!(comes(&mut other).await);
        assert!(!comes(&mut renamed).await);
        assert!(!comes(&mut third).await);
        drop(first);
        assert!(comes(&mut renamed).await);
        assert!(!comes(&mut third).await);
        drop(renamed);
        assert!(comes(&mut third).await);
    }

    #[tokio::test(start_paused = true)]
    async fn lanes_are_left_empty_and_a_key_given_twice_does_not_wait_for_itself() {
        let lanes = Lanes::default();
        let mut turn = lanes.enter(1, vec!["ann".into(), "ann".into()]);
        assert!(comes(&mut turn).await);
        drop(turn);
        assert!(lanes.0.lock().unwrap().is_empty());
    }
}
