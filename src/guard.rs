//! Limits that stop a run before it does harm: how many people it may lock, how many rows may fail.

use std::collections::HashSet;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::roster::{Action, InputSummary};
use crate::wording::grouped;

/// How many people a run would lock or delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Harm {
    locks: u64,
    deletes: u64,
    /// How many of them lose access: who is locked already has none to lose.
    losses: u64,
    /// Whether it may be fewer: nobody was looked up.
    is_upper_bound: bool,
}

/// As many as this are never too many.
const ALWAYS_ALLOWED: u64 = 10;

/// The largest share of a node's active users that may be locked without saying so, in percent.
const LARGEST_SHARE: u64 = 20;

/// More people would be locked or deleted than anybody said they should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "this would {harm}, {why}; nothing was sent. If that is what you want, say so with --allow-locks {}.",
    harm.losses
)]
pub struct TooMuchHarm {
    harm: Harm,
    why: String,
}

impl Harm {
    /// The most that the rows of a file can do, whatever the node holds. With `updates_existing`, a
    /// create changes an account that exists (`--on-conflict update`).
    #[must_use]
    pub fn at_most(summary: &InputSummary, updates_existing: bool) -> Self {
        let creates = if updates_existing {
            summary.inactive_creates
        } else {
            0
        };
        let locks = summary.locks + creates;
        let deletes = summary.by_action(Action::Delete);
        Harm {
            locks,
            deletes,
            losses: locks + deletes,
            is_upper_bound: true,
        }
    }

    /// Counts an active account that is locked.
    pub fn add_lock(&mut self) {
        self.locks += 1;
        self.losses += 1;
    }

    /// Counts an account that is deleted.
    pub fn add_delete(&mut self, is_active: bool) {
        self.deletes += 1;
        self.losses += u64::from(is_active);
    }

    /// Whether nobody is locked or deleted.
    #[must_use]
    pub fn is_nothing(self) -> bool {
        self.locks + self.deletes == 0
    }

    /// Whether each of them is known to lose access.
    #[must_use]
    pub fn are_all_losses(self) -> bool {
        !self.is_upper_bound && self.losses == self.locks + self.deletes
    }

    /// How many people lose their access.
    #[must_use]
    pub fn losses(self) -> u64 {
        self.losses
    }

    /// Whether the number of active users decides.
    #[must_use]
    pub fn needs_count(self, said: Option<u64>) -> bool {
        said.is_none() && self.losses > ALWAYS_ALLOWED
    }

    /// Refuses what is out of proportion, unless it was allowed.
    ///
    /// # Errors
    /// When more people would lose access than [`allowed`] is.
    pub fn check(self, active: Option<u64>, said: Option<u64>) -> Result<(), TooMuchHarm> {
        if self.losses <= allowed(active, said) {
            return Ok(());
        }
        let why = match said {
            Some(said) => format!("but --allow-locks allows only {}", grouped(said)),
            None => format!(
                "which is more than {LARGEST_SHARE} % of the node's {} active users",
                grouped(active.unwrap_or(0))
            ),
        };
        Err(TooMuchHarm { harm: self, why })
    }
}

/// How many people may lose access: as many as was `said` with `--allow-locks`, or else a fifth of
/// the node's `active` users and in any case ten.
#[must_use]
pub fn allowed(active: Option<u64>, said: Option<u64>) -> u64 {
    let share = active.unwrap_or(0).saturating_mul(LARGEST_SHARE) / 100;
    said.unwrap_or(share.max(ALWAYS_ALLOWED))
}

/// Accounts, each counted once, by hashes of their ids: there may be very many.
#[derive(Debug, Default)]
pub struct Distinct {
    seen: HashSet<u64>,
    hasher: RandomState,
}

impl Distinct {
    /// Counts an account, and says whether it is a new one.
    pub fn add(&mut self, id: &str) -> bool {
        self.seen.insert(self.key(id))
    }

    fn key(&self, id: &str) -> u64 {
        // Some nodes write an id now in upper and now in lower case.
        self.hasher.hash_one(id.to_ascii_lowercase())
    }
}

/// How many people a run may take access from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LockLimit {
    /// So many.
    AtMost(u64),
    /// Nobody: the rows seemed to lock and delete nobody, so nobody was asked.
    NoneAgreed,
}

impl LockLimit {
    fn most(self) -> u64 {
        match self {
            LockLimit::AtMost(most) => most,
            LockLimit::NoneAgreed => 0,
        }
    }
}

/// How many people a run may lock or delete, and whom it did, in all its parts: what was planned may not
/// be what a row meets.
#[derive(Debug)]
pub struct LockAllowance {
    limit: LockLimit,
    people: Mutex<Touched>,
}

/// The accounts whose access a run has changed, by keys of [`Distinct`].
#[derive(Debug, Default)]
struct Touched {
    /// Those that it locked or deleted.
    lost: Distinct,
    /// Those that were locked when it came, and that it unlocked: they have nothing to lose.
    unlocked: HashSet<u64>,
}

impl LockAllowance {
    /// For as many people as `limit` says.
    #[must_use]
    pub fn new(limit: LockLimit) -> Self {
        LockAllowance {
            limit,
            people: Mutex::default(),
        }
    }

    /// For how many people it is.
    #[must_use]
    pub fn limit(&self) -> LockLimit {
        self.limit
    }

    /// Counts an account that is about to lose access; says no if that is one too many.
    pub fn admit(&self, id: &str) -> bool {
        self.take(id, self.limit.most())
    }

    /// Counts an account that an earlier part of the run took access from.
    pub fn has_taken(&self, id: &str) {
        let _ = self.take(id, u64::MAX);
    }

    /// An account that was locked is about to be unlocked. To lock it again takes nothing from anybody.
    pub fn give(&self, id: &str) {
        let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        let key = people.lost.key(id);
        if !people.lost.seen.contains(&key) {
            people.unlocked.insert(key);
        }
    }

    fn take(&self, id: &str, most: u64) -> bool {
        let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        let key = people.lost.key(id);
        if people.unlocked.contains(&key) || people.lost.seen.contains(&key) {
            return true;
        }
        if people.lost.seen.len() as u64 >= most {
            return false;
        }
        people.lost.seen.insert(key);
        true
    }
}

impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let many = |number: u64| match (number, self.is_upper_bound) {
            (0 | 1, _) | (_, false) => grouped(number),
            (number, true) => format!("up to {}", grouped(number)),
        };
        match (self.locks, self.deletes) {
            (locks, 0) => write!(f, "lock {}", many(locks)),
            (0, deletes) => write!(f, "delete {}", many(deletes)),
            (locks, deletes) => write!(f, "lock {} and delete {}", many(locks), many(deletes)),
        }
    }
}

/// How many rows may fail before a run stops.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
        Harm {
            locks,
            losses: locks,
            ..Harm::default()
        }
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
    fn a_run_may_lock_as_many_people_as_agreed_each_as_often_as_it_likes() {
        let allowance = LockAllowance::new(LockLimit::AtMost(2));
        for (id, admitted) in [
            ("a", true),
            ("b", true),
            ("A", true),
            ("c", false),
            ("b", true),
        ] {
            assert_eq!(allowance.admit(id), admitted, "{id}");
        }
        assert!(!LockAllowance::new(LockLimit::AtMost(0)).admit("a"));
        assert!(!LockAllowance::new(LockLimit::NoneAgreed).admit("a"));
    }

    #[test]
    fn who_was_unlocked_by_the_run_loses_nothing_by_being_locked_again() {
        let allowance = LockAllowance::new(LockLimit::AtMost(1));
        allowance.give("A");
        assert!(allowance.admit("a") && allowance.admit("b"));
        assert!(!allowance.admit("c"));
        // Who was active at first has lost access, however often that changes.
        allowance.give("b");
        assert!(allowance.admit("b") && !allowance.admit("c"));
    }

    #[test]
    fn what_earlier_parts_of_a_run_took_counts() {
        let allowance = LockAllowance::new(LockLimit::AtMost(2));
        for id in ["a", "b", "c"] {
            allowance.has_taken(id);
        }
        assert!(allowance.admit("c") && !allowance.admit("d"));
    }

    #[test]
    fn who_is_locked_already_loses_nothing_by_being_deleted() {
        let mut harm = Harm::default();
        harm.add_delete(false);
        assert!(!harm.is_nothing() && harm.check(Some(0), Some(0)).is_ok());
        harm.add_delete(true);
        assert!(harm.check(Some(0), Some(0)).is_err());
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
