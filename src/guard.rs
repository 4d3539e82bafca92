//! Limits that stop a run before it does harm: how many people it may lock, how many rows may fail.

use std::fmt;
use std::str::FromStr;

use crate::report::grouped;
use crate::roster::{Action, Census};

/// How many people a run would lock or delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Harm {
    locks: u64,
    deletes: u64,
}

/// As many as this are never too many.
const ALWAYS_ALLOWED: u64 = 10;

/// The largest share of a node's active users that may be locked without saying so, in percent.
const LARGEST_SHARE: u64 = 20;

/// More people would be locked or deleted than anybody said they should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "this would {harm}, {why}; nothing was sent. If that is what you want, say so with --allow-locks {}.",
    harm.total()
)]
pub struct TooMuchHarm {
    harm: Harm,
    why: String,
}

impl Harm {
    /// What the rows of a file would do; nothing if they lock and delete nobody.
    #[must_use]
    pub fn of(census: &Census) -> Option<Self> {
        let harm = Harm {
            locks: census.locks,
            deletes: census.by_action(Action::Delete),
        };
        (harm.total() > 0).then_some(harm)
    }

    /// How many people lose their access.
    #[must_use]
    pub fn total(self) -> u64 {
        self.locks + self.deletes
    }

    /// Whether the number of active users decides.
    #[must_use]
    pub fn needs_count(self, allowed: Option<u64>) -> bool {
        allowed.is_none() && self.total() > ALWAYS_ALLOWED
    }

    /// Refuses what is out of proportion, unless it was allowed.
    ///
    /// # Errors
    /// When more would be locked or deleted than `allowed`, or than a fifth of the active users.
    pub fn check(self, active: Option<u64>, allowed: Option<u64>) -> Result<(), TooMuchHarm> {
        let total = self.total();
        let why = match (allowed, active) {
            (Some(allowed), _) if total > allowed => {
                format!("but --allow-locks allows only {}", grouped(allowed))
            }
            (None, Some(active))
                if total > ALWAYS_ALLOWED && total * 100 > active * LARGEST_SHARE =>
            {
                format!(
                    "which is more than {LARGEST_SHARE} % of the node's {} active users",
                    grouped(active)
                )
            }
            _ => return Ok(()),
        };
        Err(TooMuchHarm { harm: self, why })
    }
}

impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.locks, self.deletes) {
            (locks, 0) => write!(f, "lock {}", grouped(locks)),
            (0, deletes) => write!(f, "delete {}", grouped(deletes)),
            (locks, deletes) => {
                write!(f, "lock {} and delete {}", grouped(locks), grouped(deletes))
            }
        }
    }
}

/// How many rows may fail before a run stops.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MaxErrors {
    /// So many rows.
    Rows(u64),
    /// So many percent of all rows.
    Percent(f64),
}

impl MaxErrors {
    /// As a number of rows of `all`.
    #[must_use]
    pub fn of(self, all: u64) -> u64 {
        match self {
            MaxErrors::Rows(rows) => rows,
            #[expect(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a share between 0 and 1 of a number of rows is a smaller number of rows"
            )]
            MaxErrors::Percent(percent) => (all as f64 * percent / 100.0) as u64,
        }
    }
}

impl fmt::Display for MaxErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MaxErrors::Rows(rows) => rows.fmt(f),
            MaxErrors::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl FromStr for MaxErrors {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("{text:?} is neither a number of rows (25) nor a share of them (5%)");
        match text.trim().strip_suffix('%') {
            None => text
                .trim()
                .parse()
                .map(MaxErrors::Rows)
                .map_err(|_| wrong()),
            Some(percent) => match percent.trim().parse() {
                Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(MaxErrors::Percent(percent)),
                _ => Err(wrong()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn harm(locks: u64) -> Harm {
        Harm { locks, deletes: 0 }
    }

    #[test]
    fn a_fifth_of_the_node_may_be_locked_and_ten_always() {
        for (locks, active, allowed, goes) in [
            (10, Some(10), None, true),
            (11, Some(54), None, false),
            (11, Some(55), None, true),
            (200, Some(1_000), None, true),
            (201, Some(1_000), None, false),
            (201, None, Some(201), true),
            (5, None, Some(4), false),
        ] {
            assert_eq!(
                harm(locks).check(active, allowed).is_ok(),
                goes,
                "{locks} of {active:?}, {allowed:?} allowed"
            );
        }
        let refused = harm(37).check(Some(100), None).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "this would lock 37, which is more than 20 % of the node's 100 active users; nothing was sent. \
             If that is what you want, say so with --allow-locks 37."
        );
    }

    #[test]
    fn the_most_errors_are_a_number_or_a_share() {
        assert_eq!("25".parse::<MaxErrors>().unwrap().of(1_000), 25);
        assert_eq!("5%".parse::<MaxErrors>().unwrap().of(1_000), 50);
        assert_eq!("0".parse::<MaxErrors>().unwrap().of(1_000), 0);
        for text in ["", "-1", "many", "101%", "%"] {
            assert!(text.parse::<MaxErrors>().is_err(), "{text:?}");
        }
    }
}
