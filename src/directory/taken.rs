//! Who has the emails that new people were refused for (409): asked for one by one, and found in a
//! list once they are many.
//!
//! The answer decides what becomes of the row, so there is always one, unless the node shows nothing that can be
//! relied on. It costs no more calls than is reasonable: as many as there are refused rows, and no more than some two
//! lists of the node.

use std::time::Instant;

use super::holder::Holder;
use super::index::Index;
use super::known::Lookup;
use super::people::People;
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

impl People {
    /// Finds out who has an email that a new person was refused for. Nothing where the node shows nothing that can be
    /// relied on.
    ///
    /// A list that was read in this run is believed, except that the first few who are not in it are
    /// asked for. Without a list, one is read once the questions have cost as much as a list would, or at once where
    /// the node does not find people by email.
    ///
    /// # Errors
    /// What can go wrong with a call.
    pub async fn taken_by(&self, email: &Email) -> Result<Option<Holder>, Error> {
        let asked = Instant::now();
        let among = |index: &Index| Holder::among(index.by_email(&email.folded()), email);
        loop {
            let is_listed = self.is_listed();
            match self.known(|known| known.by_email(email)) {
                Lookup::Known(holder) if holder != Holder::Nobody => return Ok(Some(holder)),
                _ => {}
            }
            let by_filter = self.has_filter();
            {
                // Whoever lists holds this: the others wait for the list.
                let mut taken = self.taken.lock().await;
                if !by_filter {
                    return self.among_all(&mut taken, email, asked).await;
                }
                if is_listed && taken.asked >= FEW {
                    return Ok(Some(Holder::Nobody));
                }
                if !is_listed && taken.list.is_none() && taken.asked >= taken.until {
                    taken.list = self.list_within(taken.budget()).await?;
                }
                if let Some(list) = &taken.list {
                    return Ok(Some(among(list)));
                }
                taken.asked += 1;
            }
            // If the filter turns out to be useless, a list may help.
            if let Some(reply) = self.by_filter(email).await? {
                return Ok(Some(reply.value));
            }
        }
    }

    /// Looks for somebody in a list of everyone. A list that was begun before `asked` may be older than they are.
    async fn among_all(
        &self,
        taken: &mut Taken,
        email: &Email,
        asked: Instant,
    ) -> Result<Option<Holder>, Error> {
        let among = |index: &Index| Holder::among(index.by_email(&email.folded()), email);
        loop {
            let found = taken.list.as_ref().map(among);
            let is_older = taken.begun.is_none_or(|begun| begun < asked);
            let is_there = found
                .as_ref()
                .is_some_and(|holder| *holder != Holder::Nobody);
            if is_there || !is_older || taken.lists >= LISTS {
                return Ok(found);
            }
            let begun = Instant::now();
            match self.list(|_| true).await {
                // A list that cannot be read whole proves nothing.
                Err(Error::Unsettled { .. } | Error::Endless { .. }) => {}
                Ok(list) => taken.list = list,
                Err(error) => return Err(error),
            }
            taken.begun = Some(begun);
            taken.lists += 1;
        }
    }

    /// Lists everyone if that takes no more than so many calls after the first.
    async fn list_within(&self, calls: u64) -> Result<Option<Index>, Error> {
        match self.list(|more| more <= calls).await {
            // A list that cannot be read whole proves nothing.
            Err(Error::Unsettled { .. } | Error::Endless { .. }) => Ok(None),
            listed => listed,
        }
    }
}

impl Taken {
    /// How many calls a list may cost, now that it is thought of.
    fn budget(&mut self) -> u64 {
        let calls = self.asked.max(FEW);
        self.until = 2 * calls;
        calls
    }
}
