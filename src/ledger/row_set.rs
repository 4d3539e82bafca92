//! Sets of rows.

use crate::sheet::RowNumber;

/// Numbers of rows, at a bit each.
#[derive(Debug, Default)]
pub struct RowSet(Vec<u64>);

impl RowSet {
    /// Puts a row in; `false` if it was there already.
    pub fn insert(&mut self, row: RowNumber) -> bool {
        let (word, bit) = Self::place(row);
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        let is_new = self.0[word] >> bit & 1 == 0;
        self.0[word] |= 1 << bit;
        is_new
    }

    pub(super) fn contains(&self, row: RowNumber) -> bool {
        let (word, bit) = Self::place(row);
        self.0.get(word).is_some_and(|word| word >> bit & 1 == 1)
    }

    fn place(row: RowNumber) -> (usize, u64) {
        (
            usize::try_from(row.0 / 64).unwrap_or(usize::MAX),
            row.0 % 64,
        )
    }
}
