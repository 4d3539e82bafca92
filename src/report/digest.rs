//! Problems for a person to read: those of the same kind together, each kind seen.

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::style::Style;
use crate::roster::{Problem, ProblemKind};
use crate::sheet::RowNumber;
use crate::wording::counted;

/// How many problems of a kind are shown whole, if there are many.
const SHOWN: usize = 3;

/// How many are few: all of them are shown.
const FEW: usize = 5;

/// How many characters of a value are kept: more than are shown.
const KEPT: usize = 256;

/// How many kinds are shown.
const KINDS: usize = 40;

/// How many values of one column have a kind of their own, where each is corrected in its own way.
const WORDS: usize = 10;

/// How many stretches of rows are named.
const STRETCHES: usize = 8;

/// All problems of a file, told so that somebody can read it: thousands of the same kind are three and a
/// number. Memory does not grow with their number.
#[derive(Debug, Default)]
pub struct Digest {
    kinds: Vec<ProblemGroup>,
    places: HashMap<Key, usize>,
    /// How many values of a column have a kind of their own.
    words: HashMap<Key, usize>,
    left_out: u64,
    left_out_kinds: HashSet<Key>,
}

/// Problems of the same kind in the same column.
#[derive(Debug)]
pub struct ProblemGroup {
    first: Vec<Problem>,
    problems: u64,
    /// The rows of those that are not among the first.
    rest: Stretches,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    code: ProblemKind,
    column: Option<String>,
    value: Option<String>,
}

impl Digest {
    /// Takes one more.
    pub fn add(&mut self, mut problem: Problem) {
        // A cell may be as large as a file.
        if let Some(value) = &mut problem.value
            && let Some((end, _)) = value.char_indices().nth(KEPT)
        {
            value.truncate(end);
        }
        let key = self.key(&problem);
        if let Some(at) = self.places.get(&key) {
            self.kinds[*at].add(problem);
            return;
        }
        if self.kinds.len() == KINDS {
            self.left_out += 1;
            self.left_out_kinds.insert(Key { value: None, ..key });
            return;
        }
        self.places.insert(key, self.kinds.len());
        self.kinds.push(ProblemGroup {
            first: vec![problem],
            problems: 1,
            rest: Stretches::default(),
        });
    }

    fn key(&mut self, problem: &Problem) -> Key {
        let mut key = Key {
            code: problem.code,
            column: problem.column.clone(),
            value: None,
        };
        let Some(value) = problem
            .value
            .as_ref()
            .filter(|_| problem.code.is_about_words())
        else {
            return key;
        };
        let own = Key {
            value: Some(value.to_lowercase()),
            ..key.clone()
        };
        if self.places.contains_key(&own) {
            return own;
        }
        // Where no word is like another, it is as if they were no words.
        let words = self.words.entry(key.clone()).or_default();
        if *words < WORDS && self.kinds.len() < KINDS {
            *words += 1;
            key = own;
        }
        key
    }

    /// How many there are.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.left_out + self.kinds.iter().map(|kind| kind.problems).sum::<u64>()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// The kinds that are shown, in the order in which they were met.
    #[must_use]
    pub fn kinds(&self) -> &[ProblemGroup] {
        &self.kinds
    }

    /// How many problems are of kinds that are not shown.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}

impl ProblemGroup {
    fn add(&mut self, problem: Problem) {
        self.problems += 1;
        if self.problems <= FEW as u64 {
            self.first.push(problem);
            return;
        }
        // Empty but for the first time that there are more than a few.
        for problem in self.first.drain(SHOWN..) {
            self.rest.add(problem.row);
        }
        self.rest.add(problem.row);
    }

    /// The first of them: one at least.
    #[must_use]
    pub fn first(&self) -> &[Problem] {
        &self.first
    }

    /// How many there are.
    #[must_use]
    pub fn problems(&self) -> u64 {
        self.problems
    }

    /// How many there are beside the first.
    #[must_use]
    pub fn more(&self) -> u64 {
        self.problems - self.first.len() as u64
    }
}

impl fmt::Display for Digest {
    /// For a person, with the places in colour.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, kind) in self.kinds.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            kind.fmt(f)?;
        }
        if self.left_out > 0 {
            let kinds = self.left_out_kinds.len();
            write!(
                f,
                "\n… and {} of {}, not shown here; headcount check FILE --format json has them all",
                counted(self.left_out, "problem"),
                counted(kinds as u64, "other kind"),
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for ProblemGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.first.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            let words = problem.to_string();
            let (place, message) = words.split_at(words.len() - problem.message().len());
            write!(f, "{}{message}", Style::Bad.on(place))?;
        }
        if self.more() > 0 {
            let what = if self.rest.rows == self.more() {
                counted(self.more(), "more row")
            } else {
                counted(self.more(), "more cell")
            };
            write!(f, "\n… and {what} with this problem ({})", self.rest)?;
        }
        Ok(())
    }
}

/// Rows, the first few stretches of them.
#[derive(Debug, Default)]
struct Stretches {
    first: Vec<(RowNumber, RowNumber)>,
    /// How many rows there are in all.
    rows: u64,
    last: Option<RowNumber>,
    /// Whether there are more than the first stretches.
    more: bool,
}

impl Stretches {
    fn add(&mut self, row: Option<RowNumber>) {
        let Some(row) = row.filter(|row| self.last != Some(*row)) else {
            return;
        };
        self.rows += 1;
        self.last = Some(row);
        let is_full = self.first.len() == STRETCHES;
        match self.first.last_mut() {
            Some((_, end)) if !self.more && end.0 + 1 == row.0 => *end = row,
            _ if is_full => self.more = true,
            _ => self.first.push((row, row)),
        }
    }
}

impl fmt::Display for Stretches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stretch = |(from, to): &(RowNumber, RowNumber)| {
            if from == to {
                from.to_string()
            } else {
                format!("{from}-{to}")
            }
        };
        let stretches: Vec<String> = self.first.iter().map(stretch).collect();
        let word = if self.rows == 1 { "row" } else { "rows" };
        let more = if self.more { " …" } else { "" };
        write!(f, "{word} {}{more}", stretches.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::style::plain;
    use super::*;

    fn problem(code: ProblemKind, row: u64, column: usize, value: &str) -> Problem {
        Problem {
            file: "people.csv".to_owned(),
            row: Some(RowNumber(row)),
            cell: None,
            column: Some(format!("c{column}")),
            value: Some(value.to_owned()),
            code,
            what: "is wrong".to_owned(),
        }
    }

    #[test]
    fn thousands_of_a_kind_are_three_and_a_number() {
        let mut digest = Digest::default();
        for row in [2, 3, 5, 9, 10, 11, 12, 13, 14, 20]
            .into_iter()
            .chain(30..4_023)
        {
            digest.add(problem(ProblemKind::Email, row, 1, &format!("v{row}")));
        }
        digest.add(problem(ProblemKind::Email, 7, 2, "other"));
        insta::assert_snapshot!(plain(&digest.to_string()), @r#"
        people.csv, row 2, column "c1": "v2" is wrong
        people.csv, row 3, column "c1": "v3" is wrong
        people.csv, row 5, column "c1": "v5" is wrong
        … and 4,000 more rows with this problem (rows 9-14, 20, 30-4022)
        people.csv, row 7, column "c2": "other" is wrong
        "#);
        assert_eq!(digest.total(), 4_004);
    }

    #[test]
    fn each_wrong_word_is_seen_until_there_are_too_many() {
        let mut digest = Digest::default();
        for row in 0..1_000 {
            digest.add(problem(ProblemKind::Action, row + 2, 1, "promote"));
        }
        digest.add(problem(ProblemKind::Action, 1_002, 1, "Promote"));
        digest.add(problem(ProblemKind::Action, 1_003, 1, "demote"));
        insta::assert_snapshot!(plain(&digest.to_string()), @r#"
        people.csv, row 2, column "c1": "promote" is wrong
        people.csv, row 3, column "c1": "promote" is wrong
        people.csv, row 4, column "c1": "promote" is wrong
        … and 998 more rows with this problem (rows 5-1002)
        people.csv, row 1003, column "c1": "demote" is wrong
        "#);
        for row in 0..1_000 {
            digest.add(problem(
                ProblemKind::Action,
                row + 2_000,
                1,
                &format!("word {row}"),
            ));
        }
        assert_eq!(digest.kinds().len(), WORDS + 1);
    }

    #[test]
    fn kinds_beyond_the_last_shown_are_counted() {
        let mut digest = Digest::default();
        for column in 0..KINDS + 2 {
            for row in 2..4 {
                digest.add(problem(ProblemKind::Encoding, row, column, "x"));
            }
        }
        let said = plain(&digest.to_string());
        insta::assert_snapshot!(said.lines().last().unwrap_or_default(), @"… and 4 problems of 2 other kinds, not shown here; headcount check FILE --format json has them all");
    }

    proptest! {
        #[test]
        fn no_problem_is_lost(
            met in prop::collection::vec((0..ProblemKind::ALL.len(), 2..60_u64, 0..60_usize, 0..30_u8), 0..400)
        ) {
            let mut digest = Digest::default();
            for (code, row, column, value) in &met {
                digest.add(problem(ProblemKind::ALL[*code], *row, *column, &value.to_string()));
            }
            prop_assert_eq!(digest.total(), met.len() as u64);
            let shown: u64 = digest.kinds().iter().map(|kind| kind.first().len() as u64 + kind.more()).sum();
            prop_assert_eq!(shown + digest.left_out(), met.len() as u64);
            // What is said of rows adds up, too.
            let said = plain(&digest.to_string());
            let whole = said.lines().filter(|line| line.starts_with("people.csv")).count() as u64;
            let more: u64 = said
                .lines()
                .filter_map(|line| line.strip_prefix("… and ")?.split_once(' ')?.0.parse::<u64>().ok())
                .sum();
            prop_assert_eq!(whole + more, met.len() as u64);
        }
    }
}
