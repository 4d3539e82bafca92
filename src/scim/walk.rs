//! A list read from cursor to cursor (RFC 9865): when it goes on, when it is at its end, and when it has gone astray.
//!
//! A cursor says what comes next, so nobody is skipped when somebody is removed meanwhile. What can go wrong is
//! another matter: a node may send a reader in a circle, or on and on, or say totals that fit nothing. Asking is for
//! [`Listing`](super::listing::Listing).

use std::collections::HashSet;

use super::page_start::Cursor;

/// How many pages in a row may be empty. A node that looks through its accounts for those who match may well send
/// many.
const MOST_EMPTY: usize = 1000;

/// How far a walk has come.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// What to ask for next.
    at: Cursor,
    /// The cursors of the last pages, if these were empty.
    empty: HashSet<Cursor>,
    totals: Totals,
}

/// A page, as far as the way on hangs on it.
#[derive(Debug)]
pub(super) struct Seen {
    /// How many there are in all, by this page.
    pub(super) total: Option<u64>,
    /// How many came.
    pub(super) came: u64,
    /// How many of them had not come before.
    pub(super) new: u64,
    /// Where the next page begins.
    pub(super) next: Option<Cursor>,
}

/// What follows from a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// There is more.
    On,
    /// That was the last page.
    End,
    /// The way leads in a circle, whether everybody has come or not.
    Astray,
    /// Empty pages, without an end.
    Endless,
}

/// What the pages say of how many there are in all.
#[derive(Debug, Default)]
struct Totals {
    pages: u64,
    /// The last that was said. Not every page has to (RFC 9865, section 2).
    said: Option<u64>,
    /// How many of the pages said how many they hold themselves.
    own: u64,
    differ: bool,
}

impl Totals {
    fn add(&mut self, seen: &Seen) {
        self.pages += 1;
        self.own += u64::from(seen.total == Some(seen.came));
        self.differ |=
            seen.total.is_some() && self.said.is_some_and(|said| seen.total != Some(said));
        self.said = seen.total.or(self.said);
    }

    /// Whether each of them is about its page only, as some nodes have it.
    fn are_of_pages(&self) -> bool {
        self.own == self.pages
    }
}

impl Walk {
    /// What to ask for.
    pub(super) fn at(&self) -> &Cursor {
        &self.at
    }

    /// Whether a page was asked for by a cursor that came from the node.
    pub(super) fn is_under_way(&self) -> bool {
        self.at != Cursor::FIRST
    }

    /// How many there are in all, as far as the pages can be believed.
    pub(super) fn total(&self) -> Option<u64> {
        let useless = self.totals.pages > 1 && self.totals.are_of_pages();
        self.totals.said.filter(|_| !useless)
    }

    /// Whether the list changed under way, by its totals.
    pub(super) fn is_disturbed(&self) -> bool {
        self.totals.differ && !self.totals.are_of_pages()
    }

    /// Takes note of a page.
    pub(super) fn take(&mut self, seen: Seen) -> Step {
        self.totals.add(&seen);
        let Some(next) = seen.next else {
            return Step::End;
        };
        let asked = std::mem::replace(&mut self.at, next);
        if seen.new > 0 {
            // The same cursor may come again as long as it leads on.
            self.empty.clear();
            return Step::On;
        }
        if seen.came > 0 {
            return Step::Astray;
        }
        self.empty.insert(asked);
        if self.empty.contains(&self.at) {
            Step::Astray
        } else if self.empty.len() > MOST_EMPTY {
            Step::Endless
        } else {
            Step::On
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page: its total, how many came, how many of them were new, the next cursor.
    type Told = (Option<u64>, u64, u64, &'static str);

    fn walked(pages: &[Told]) -> (Walk, Vec<Step>) {
        let mut walk = Walk::default();
        let steps = pages
            .iter()
            .map(|&(total, came, new, next)| {
                walk.take(Seen {
                    total,
                    came,
                    new,
                    next: (!next.is_empty()).then(|| Cursor::new(next.to_owned())),
                })
            })
            .collect();
        (walk, steps)
    }

    #[test]
    fn a_walk_goes_on_until_there_is_no_cursor() {
        let (walk, steps) = walked(&[
            (Some(5), 2, 2, "a"),
            (Some(5), 0, 0, "b"),
            (Some(5), 2, 2, "b"),
            (Some(5), 1, 1, ""),
        ]);
        assert_eq!(steps, [Step::On, Step::On, Step::On, Step::End]);
        assert_eq!((walk.total(), walk.is_disturbed()), (Some(5), false));
    }

    #[test]
    fn a_page_without_anybody_new_leads_in_a_circle() {
        let (_, steps) = walked(&[(None, 2, 2, "a"), (None, 2, 0, "b")]);
        assert_eq!(steps, [Step::On, Step::Astray]);
        let (_, steps) = walked(&[(None, 2, 2, "a"), (None, 0, 0, "a")]);
        assert_eq!(steps, [Step::On, Step::Astray]);
        let circle = [
            (None, 2, 2, "a"),
            (None, 0, 0, "b"),
            (None, 0, 0, "c"),
            (None, 0, 0, "b"),
        ];
        let (_, steps) = walked(&circle);
        assert_eq!(steps, [Step::On, Step::On, Step::On, Step::Astray]);
    }

    #[test]
    fn empty_pages_come_to_an_end() {
        let mut walk = Walk::default();
        let empty = |at: usize| Seen {
            total: None,
            came: 0,
            new: 0,
            next: Some(Cursor::new(at.to_string())),
        };
        let last = (0..=MOST_EMPTY).map(|at| walk.take(empty(at))).last();
        assert_eq!(last, Some(Step::Endless));
    }

    #[test]
    fn totals_are_believed_unless_they_are_those_of_each_page() {
        let (walk, _) = walked(&[
            (Some(2), 2, 2, "a"),
            (Some(2), 2, 2, "b"),
            (Some(1), 1, 1, ""),
        ]);
        assert_eq!((walk.total(), walk.is_disturbed()), (None, false));
        let (walk, _) = walked(&[(Some(2), 2, 2, "a"), (Some(2), 0, 0, "")]);
        assert_eq!((walk.total(), walk.is_disturbed()), (Some(2), false));
        let (walk, _) = walked(&[(Some(4), 2, 2, "a"), (Some(3), 1, 1, "")]);
        assert!(walk.is_disturbed(), "one is gone");
        let (walk, _) = walked(&[(None, 2, 2, "a"), (None, 2, 2, "")]);
        assert_eq!((walk.total(), walk.is_disturbed()), (None, false));
        let (walk, _) = walked(&[(Some(4), 2, 2, "a"), (None, 2, 2, "")]);
        assert_eq!((walk.total(), walk.is_disturbed()), (Some(4), false));
    }
}
