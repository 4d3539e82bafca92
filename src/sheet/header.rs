//! Which row has the headings: titles, dates and merged cells may stand above it.

use super::remark::Decided;

/// What a caller, who knows what the cells are about, makes of a row as the header: the more, the
/// better; 0 if it can be none.
pub type Judge<'j> = &'j dyn Fn(&[String]) -> usize;

/// How many rows that are not empty are looked at.
const LOOKED_AT: usize = 20;

/// A search among the first rows.
#[derive(Debug, Default)]
pub(super) struct Search {
    seen: usize,
    first: Option<u64>,
    best: Option<Found>,
}

/// The row with the headings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    /// Its number.
    pub(super) row: u64,
    /// What the judge makes of it.
    pub(super) worth: usize,
    /// Whether it is the first row that is not empty.
    pub(super) is_first: bool,
}

impl Found {
    /// That it is not the first row, where that is so.
    pub(super) fn remark(self) -> Option<Decided> {
        (!self.is_first).then_some(Decided::HeaderRow(self.row))
    }
}

impl Search {
    /// Looks at a row that is not empty.
    pub(super) fn look_at(&mut self, row: u64, headings: &[String], judge: Judge<'_>) {
        self.seen += 1;
        let first = *self.first.get_or_insert(row);
        let worth = judge(headings);
        if worth > self.best.map_or(0, |best| best.worth) {
            self.best = Some(Found {
                row,
                worth,
                is_first: row == first,
            });
        }
    }

    /// Whether enough was looked at.
    pub(super) fn is_over(&self) -> bool {
        self.seen >= LOOKED_AT
    }

    /// The best row; where the judge knows none, the first that is not empty.
    pub(super) fn found(&self) -> Option<Found> {
        self.best.or(self.first.map(|row| Found {
            row,
            worth: 0,
            is_first: true,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_row_is_taken_the_upper_one_of_equals_and_else_the_first() {
        let worth = |headings: &[String]| headings[0].parse().unwrap_or(0);
        let find = |rows: &[(u64, &str)]| {
            let mut search = Search::default();
            for (row, heading) in rows {
                search.look_at(*row, &[(*heading).to_owned()], &worth);
            }
            search.found().map(|found| (found.row, found.is_first))
        };
        assert_eq!(
            find(&[(3, "Employees"), (5, "2"), (6, "2"), (7, "1")]),
            Some((5, false))
        );
        assert_eq!(find(&[(3, "2"), (5, "1")]), Some((3, true)));
        assert_eq!(find(&[(3, "Employees"), (5, "none")]), Some((3, true)));
        assert_eq!(find(&[]), None);
    }
}
