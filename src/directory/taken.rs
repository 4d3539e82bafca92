//! Who has the emails that new people were refused for (409): asked for one by one, and found in a
//! list once they are many.
//!
//! The answer decides what becomes of the row, so there is always one, unless the node shows nothing that can be
//! relied on. It costs no more calls than is reasonable: as many as there are refused rows, and no more than some two
//! lists of the node.

use std::time::Instant;

use super::account_lookup::AccountLookup;
use super::index::Index;
use crate::roster::Email;
use crate::scim::Error;

/// So many are asked for one by one before a list is thought of.
const FEW: u64 = 20;

/// How often everyone is listed where the node does not find people by email: once, and once again for somebody who may
/// be newer than the list.
const LISTS: u32 = 2;

/// What was done so far to find out whose taken emails are.
#[derive(Debug)]
pub(super) struct Taken {
    /// For how many the node was asked.
    asked: u64,
    /// How many that have to be before listing everyone is thought of again.
    until: u64,
    /// Everyone, listed for this. Nobody else uses it: it knows nothing of what the run changes.
    list: Option<Index>,
    /// When that list was begun.
    begun: Option<Instant>,
    /// How often everyone was listed whatever the cost.
    lists: u32,
}

impl Default for Taken {
    fn default() -> Self {
        Taken {
            asked: 0,
            until: FEW,
            list: None,
            begun: None,
            lists: 0,
        }
    }
}

/// What to do next to find out who has an email.
#[derive(Debug)]
pub(super) enum Step {
    /// Nothing: this is who. Nothing is known where the node shows nothing that can be relied on.
    Settled(Option<AccountLookup>),
    /// Everyone is to be listed, if that takes no more than so many calls after the first.
    List(Option<u64>),
    /// They are to be asked for.
    Ask,
}

impl Taken {
    /// What to do next about an email that was asked for at `asked`. `by_filter` says whether the node may find people by
    /// email, `is_listed` whether everyone was listed in this run.
    pub(super) fn step(
        &mut self,
        email: &Email,
        asked: Instant,
        by_filter: bool,
        is_listed: bool,
    ) -> Step {
        let among = |index: &Index| AccountLookup::among(index.by_email(&email.folded()), email);
        let found = self.list.as_ref().map(among);
        if !by_filter {
            // A list that was begun before they were asked for may be older than they are.
            let is_older = self.begun.is_none_or(|begun| begun < asked);
            let is_there = !matches!(found, None | Some(AccountLookup::NotFound));
            let is_settled = is_there || !is_older || self.lists >= LISTS;
            return if is_settled {
                Step::Settled(found)
            } else {
                Step::List(None)
            };
        }
        if is_listed && self.asked >= FEW {
            return Step::Settled(Some(AccountLookup::NotFound));
        }
        if !is_listed && found.is_none() && self.asked >= self.until {
            let calls = self.asked.max(FEW);
            self.until = 2 * calls;
            return Step::List(Some(calls));
        }
        if found.is_some() {
            return Step::Settled(found);
        }
        self.asked += 1;
        Step::Ask
    }

    /// Everyone was listed, if it was worth it. `begun` says when, if that was whatever the cost.
    pub(super) fn listed(
        &mut self,
        list: Result<Option<Index>, Error>,
        begun: Option<Instant>,
    ) -> Result<(), Error> {
        match list {
            // A list that cannot be read whole proves nothing.
            Err(Error::Unsettled { .. } | Error::Endless { .. }) => {}
            list => self.list = list?,
        }
        if begun.is_some() {
            self.begun = begun;
            self.lists += 1;
        }
        Ok(())
    }
}
