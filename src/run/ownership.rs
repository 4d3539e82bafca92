//! Whose an account is that has the email of a new person: the one rule, for creates that were refused (409), answers
//! that were lost, rows of a run that was cut short, and rehearsals.
//!
//! Nothing here asks the node or looks at this machine's clock. Times are the node's own: its `Date` just before the
//! create could leave, and `meta.created` of the account. All are in seconds since 1970.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

use crate::plan::Difference;

/// How far `meta.created` may lag behind `Date` on a node of which no lag was measured yet.
const LAG: i64 = 60;

/// How far the two may be apart by rounding and on the way.
const TOLERANCE: i64 = 2;

/// How long the very first call to a node may take, and how far off a time zone may be.
const DAY: i64 = 86_400;

/// How many seconds an account may seem older than it is where a create is answered with it.
const ROUNDING: i64 = 5;

/// Whether this job may have sent the create before the account was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// It has not: the account was there before.
    Never,
    /// It may have, and the node may have carried it out.
    Perhaps,
    /// Nothing says so, but the record of the run may have lost its end.
    Unrecorded,
}

/// When an account was made, as far as the node's own times tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Made {
    /// After the create was about to be sent.
    Since,
    /// As far as the lag that was measured on this node tells, after that as well.
    WithinLag,
    /// Nothing reliable is known.
    Unclear,
    /// Before the create was sent.
    Before,
}

impl Made {
    /// `created` is `meta.created`; `sent` and `now` are the node's `Date` before the create was sent and at the latest
    /// answer; `lag` is how far the former was seen to be behind the latter.
    pub(super) fn of(
        created: Option<Timestamp>,
        sent: Option<i64>,
        now: Option<i64>,
        lag: Option<i64>,
    ) -> Self {
        let Some(created) = created.map(Timestamp::as_second) else {
            return Made::Unclear;
        };
        let Some(sent) = sent else {
            // The node had not said its time before.
            let is_old = now.is_some_and(|now| created.saturating_add(DAY) < now);
            return if is_old { Made::Before } else { Made::Unclear };
        };
        let is_ahead = now.is_some_and(|now| created > now.saturating_add(LAG));
        match lag {
            None if is_ahead => Made::Unclear,
            None if created >= sent => Made::Since,
            None if created + LAG >= sent - TOLERANCE => Made::Unclear,
            // A node whose `meta.created` is ahead of `Date` has a negative lag.
            Some(lag) if created + lag.min(0) >= sent => Made::Since,
            Some(lag) if created + lag >= sent - TOLERANCE => Made::WithinLag,
            _ => Made::Before,
        }
    }
}

/// What this job can claim of an account, whatever the account holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    /// This job made it, unless it contradicts what the row asks for.
    Ours {
        /// Whether its time is certain.
        is_since: bool,
    },
    /// This job made it if it is exactly what the row asks for.
    IfAlike,
    /// It was there before.
    None,
}

/// What this job can claim of an account.
pub(super) fn claim(sent: Sent, made: Made) -> Claim {
    match (sent, made) {
        (Sent::Perhaps, Made::Since) => Claim::Ours { is_since: true },
        (Sent::Perhaps, Made::WithinLag) => Claim::Ours { is_since: false },
        (Sent::Perhaps, Made::Unclear) | (Sent::Unrecorded, Made::Since) => Claim::IfAlike,
        (Sent::Perhaps, Made::Before)
        | (Sent::Unrecorded, Made::WithinLag | Made::Unclear | Made::Before)
        | (Sent::Never, _) => Claim::None,
    }
}

/// How an account compares with what a row asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Likeness {
    /// It is exactly that.
    Alike,
    /// It differs.
    Differs(Vec<Difference>),
    /// The node does not show it, for this reason; what it shows is as asked.
    Unseen(String),
}

impl Likeness {
    /// Whether the account shows a text other than the one that the row asks for. What it only lacks contradicts
    /// nothing: the create may have made it so.
    pub(super) fn contradicts(&self) -> bool {
        match self {
            Likeness::Differs(differences) => differences.iter().any(Difference::is_other_text),
            Likeness::Alike | Likeness::Unseen(_) => false,
        }
    }
}

/// Whose an account is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// This job made it: `created`.
    Ours {
        /// Whether everything that the node shows says so: the time, and all that the row asks for.
        is_certain: bool,
    },
    /// It is as asked, and was there before: `exists`.
    Exists,
    /// It was there before and differs: `failed`.
    Differs,
    /// Nothing can be established: `unknown`.
    Unclear,
}

/// Whose an account is.
pub(super) fn owner(claim: Claim, likeness: &Likeness) -> Owner {
    match (claim, likeness) {
        (Claim::Ours { is_since }, likeness) if !likeness.contradicts() => Owner::Ours {
            is_certain: is_since && *likeness == Likeness::Alike,
        },
        (Claim::IfAlike, Likeness::Alike) => Owner::Ours { is_certain: false },
        (_, Likeness::Alike) => Owner::Exists,
        (_, Likeness::Differs(_)) => Owner::Differs,
        (_, Likeness::Unseen(_)) => Owner::Unclear,
    }
}

/// A yes to a create, and the account in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Acceptance {
    pub(super) status: u16,
    pub(super) created: Option<Timestamp>,
    /// The node's `Date` before the create was sent.
    pub(super) sent: Option<i64>,
    /// The `Date` of the yes.
    pub(super) now: Option<i64>,
    /// Whether the account in it shows a name or an external id other than those that were asked for.
    pub(super) contradicts: bool,
}

impl Acceptance {
    /// How old the account was, and how old it may be if the create has made it.
    fn ages(self) -> Option<(i64, i64)> {
        let created = self.created?.as_second();
        let now = self.now.or(self.sent)?;
        let sent = self.sent.unwrap_or(now);
        let recent = now.saturating_sub(sent).max(0) + ROUNDING;
        Some((now.saturating_sub(created), recent))
    }

    /// Whether the account was there before, whatever is wrong with clocks and time zones. Some nodes answer the create
    /// of somebody who is there with a yes and that account.
    pub(super) fn is_to_another(self) -> bool {
        // Who makes an account says 201.
        let is_odd = self.status == 200;
        let Some((age, recent)) = self.ages() else {
            return is_odd && self.contradicts;
        };
        age > recent + DAY
            || (self.contradicts && age > recent + LAG)
            || (is_odd && age > recent && !by_quarters(age, recent))
    }

    /// Whether it proves that the create has made the account.
    pub(super) fn is_proof(self, lag: Option<i64>) -> bool {
        let is_new = match self.ages() {
            _ if self.status != 201 => {
                Made::of(self.created, self.sent, self.now, lag) == Made::Since
            }
            None => true,
            Some((age, recent)) => age <= recent + LAG,
        };
        is_new && !self.contradicts
    }
}

/// Whether an account may seem old only since the node is wrong about its time zone: these are apart by whole quarters
/// of an hour.
fn by_quarters(age: i64, recent: i64) -> bool {
    const QUARTER: i64 = 900;
    age % QUARTER <= recent
}

/// How far `meta.created` lags behind `Date` on a node, as new accounts show it.
#[derive(Debug)]
pub(super) struct Lag(AtomicI64);

/// Nothing was measured.
const UNMEASURED: i64 = i64::MIN;

impl Default for Lag {
    fn default() -> Self {
        Lag(AtomicI64::new(UNMEASURED))
    }
}

impl Lag {
    /// The largest that was seen.
    pub(super) fn get(&self) -> Option<i64> {
        let lag = self.0.load(Ordering::Relaxed);
        (lag != UNMEASURED).then_some(lag)
    }

    /// Learns from an account that was made just now. What looks much older tells nothing of the clock.
    pub(super) fn learn(&self, yes: Acceptance) {
        if let (201, Some(created), Some(now)) = (yes.status, yes.created, yes.now) {
            let lag = now.saturating_sub(created.as_second());
            if lag <= LAG {
                self.0.fetch_max(lag, Ordering::Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An account that shows this last name, or none, where the row asks for another.
    fn shows(last_name: &str) -> Likeness {
        Likeness::Differs(vec![Difference {
            what: "last_name".to_owned(),
            before: last_name.to_owned(),
            after: "Beech".to_owned(),
        }])
    }

    fn unseen() -> Likeness {
        Likeness::Unseen("the account could not be read".to_owned())
    }

    #[test]
    fn the_rule() {
        let ours = |is_certain| Owner::Ours { is_certain };
        let (alike, lacks, differs, unseen) =
            (Likeness::Alike, shows(""), shows("Birch"), unseen());
        // What may have been sent, when the account was made: whose it is if it is alike, lacks something, shows
        // something else, is not seen.
        #[rustfmt::skip]
        let table = [
            (Sent::Never,       Made::Since,     Owner::Exists, Owner::Differs, Owner::Differs, Owner::Unclear),
            (Sent::Never,       Made::Unclear,   Owner::Exists, Owner::Differs, Owner::Differs, Owner::Unclear),
            (Sent::Never,       Made::Before,    Owner::Exists, Owner::Differs, Owner::Differs, Owner::Unclear),
            (Sent::Perhaps,     Made::Since,     ours(true),    ours(false),    Owner::Differs, ours(false)),
            (Sent::Perhaps,     Made::WithinLag, ours(false),   ours(false),    Owner::Differs, ours(false)),
            (Sent::Perhaps,     Made::Unclear,   ours(false),   Owner::Differs, Owner::Differs, Owner::Unclear),
            (Sent::Perhaps,     Made::Before,    Owner::Exists, Owner::Differs, Owner::Differs, Owner::Unclear),
            (Sent::Unrecorded,  Made::Since,     ours(false),   Owner::Differs, Owner::Differs, Owner::Unclear),
            (Sent::Unrecorded,  Made::WithinLag, Owner::Exists, Owner::Differs, Owner::Differs, Owner::Unclear),
            (Sent::Unrecorded,  Made::Unclear,   Owner::Exists, Owner::Differs, Owner::Differs, Owner::Unclear),
            (Sent::Unrecorded,  Made::Before,    Owner::Exists, Owner::Differs, Owner::Differs, Owner::Unclear),
        ];
        for (sent, made, if_alike, if_it_lacks, if_it_differs, if_unseen) in table {
            let claim = claim(sent, made);
            let of = |likeness| owner(claim, likeness);
            assert_eq!(
                [of(&alike), of(&lacks), of(&differs), of(&unseen)],
                [if_alike, if_it_lacks, if_it_differs, if_unseen],
                "{sent:?}, {made:?}"
            );
        }
    }

    /// Noon by the node's clock, whatever it is here.
    const NOON: i64 = 1_800_000_000;

    fn at(seconds: i64) -> Option<Timestamp> {
        Timestamp::from_second(NOON + seconds).ok()
    }

    #[test]
    fn when_an_account_was_made_is_told_by_the_nodes_own_times() {
        // Made and found so many seconds after the create was sent, and the lag that was measured before.
        for (created, now, lag, made) in [
            (0, 1, None, Made::Since),
            (3, 5, None, Made::Since),
            // Found hours later: after this machine has slept, or in a run that went on.
            (3, 40_000, None, Made::Since),
            (-20, 1, None, Made::Unclear),
            (-62, 1, None, Made::Unclear),
            (-63, 1, None, Made::Before),
            (-3_600, 1, None, Made::Before),
            // The node says that it is made in an hour: it is wrong about its time zone.
            (3_600, 1, None, Made::Unclear),
            (-20, 1, Some(20), Made::WithinLag),
            (-22, 1, Some(20), Made::WithinLag),
            (-23, 1, Some(20), Made::Before),
            (-3, 1, Some(0), Made::Before),
            (-1, 1, Some(0), Made::WithinLag),
            (0, 1, Some(30), Made::Since),
            // A node that is always two hours ahead with it.
            (7_200, 1, Some(-7_200), Made::Since),
            (7_100, 1, Some(-7_200), Made::Before),
        ] {
            assert_eq!(
                Made::of(at(created), Some(NOON), Some(NOON + now), lag),
                made,
                "{created} s, {lag:?}"
            );
        }
        for (created, sent) in [(None, Some(NOON)), (at(0), None), (None, None)] {
            assert_eq!(Made::of(created, sent, None, Some(0)), Made::Unclear);
        }
        // The node said its time only after the very first call.
        let first = |created| Made::of(at(created), None, Some(NOON), None);
        assert_eq!([first(0), first(-86_401)], [Made::Unclear, Made::Before]);
    }

    fn yes(status: u16, created: i64) -> Acceptance {
        Acceptance {
            status,
            created: at(created),
            sent: Some(NOON),
            now: Some(NOON + 1),
            contradicts: false,
        }
    }

    #[test]
    fn a_yes_may_be_to_somebody_who_was_there() {
        // Whose account it is and whether that is proven, if it is as asked; whether it is another's if it is not.
        for (status, created, is_to_another, is_proof, if_it_contradicts) in [
            (201, 0, false, true, false),
            (201, -30, false, true, false),
            // It is off by a time zone, or was there.
            (201, -3_600, false, false, true),
            (201, -1_234, false, false, true),
            (201, 3_600, false, true, false),
            (201, -90_000, true, false, true),
            (200, 0, false, true, false),
            (200, -30, true, false, true),
            (200, -3_600, false, false, true),
            (200, -90_000, true, false, true),
        ] {
            let yes = yes(status, created);
            let contradicts = Acceptance {
                contradicts: true,
                ..yes
            };
            assert_eq!(
                (yes.is_to_another(), yes.is_proof(None)),
                (is_to_another, is_proof),
                "{status}, {created} s"
            );
            assert_eq!(
                (contradicts.is_to_another(), contradicts.is_proof(None)),
                (if_it_contradicts, false),
                "{status}, {created} s"
            );
        }
        // Without the node's time, its word has to do.
        let silent = |status, contradicts| Acceptance {
            created: None,
            contradicts,
            ..yes(status, 0)
        };
        assert!(silent(201, false).is_proof(None) && !silent(200, false).is_proof(None));
        assert!(!silent(201, true).is_proof(None) && !silent(201, true).is_to_another());
        assert!(silent(200, true).is_to_another() && !silent(200, false).is_to_another());
    }

    #[test]
    fn the_largest_lag_counts_and_an_account_that_was_there_teaches_nothing() {
        let lag = Lag::default();
        assert_eq!(lag.get(), None);
        for created in [-10, -20, -5, -5_000] {
            lag.learn(yes(201, created));
        }
        assert_eq!(lag.get(), Some(21));
        let ahead = Lag::default();
        ahead.learn(yes(201, 7_201));
        assert_eq!(ahead.get(), Some(-7_200));
    }
}
