//! Who has the emails that new people were refused for (409): asked for one by one, and found in a
//! list once they are many.
//!
//! Nothing but words depends on the answers, so they cost no more calls than is reasonable: as many
//! as there are refused rows, and no more than some two lists of the node.

use super::holder::Holder;
use super::index::Index;
use super::known::Lookup;
use super::people::People;
use crate::roster::Email;
use crate::scim::Error;

/// So many are asked for one by one before a list is thought of.
const FEW: u64 = 20;

/// What was done so far to find out whose taken emails are.
#[derive(Debug)]
pub(super) struct Taken {
    /// For how many the node was asked.
    asked: u64,
    /// How many that have to be before listing everyone is thought of again.
    until: u64,
    /// Everyone, listed for this. Nobody else uses it: it knows nothing of what the run changes.
    list: Option<Index>,
}

impl Default for Taken {
    fn default() -> Self {
        Taken {
            asked: 0,
            until: FEW,
            list: None,
        }
    }
}

impl People {
    /// Finds out who has an email that a new person was refused for. Nothing where that would take
    /// too many calls.
    ///
    /// A list that was read in this run is believed, except that the first few who are not in it are
    /// asked for. Without a list, one is read once the questions have cost as much as a list would.
    ///
    /// # Errors
    /// What can go wrong with a call.
    pub async fn taken_by(&self, email: &Email) -> Result<Option<Holder>, Error> {
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
                if is_listed && (taken.asked >= FEW || !by_filter) {
                    return Ok(Some(Holder::Nobody));
                }
                if !is_listed && taken.list.is_none() && taken.is_list_due(by_filter) {
                    taken.list = self.list_within(taken.budget()).await?;
                }
                if let Some(list) = &taken.list {
                    return Ok(Some(among(list)));
                }
                taken.asked += 1;
            }
            if !by_filter {
                return Ok(None);
            }
            // If the filter turns out to be useless, a list may help.
            if let Some(reply) = self.by_filter(email).await? {
                return Ok(Some(reply.value));
            }
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
    fn is_list_due(&self, by_filter: bool) -> bool {
        self.asked >= self.until || (!by_filter && self.until == FEW)
    }

    /// How many calls a list may cost, now that it is thought of.
    fn budget(&mut self) -> u64 {
        let calls = self.asked.max(FEW);
        self.until = 2 * calls;
        calls
    }
}
