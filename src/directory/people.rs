//! People: found one by one, or from a list of the whole node, whichever costs fewer calls.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use tokio::sync::Mutex;
use tracing::{debug, info};

use super::account_lookup::{AccountLookup, is_called};
use super::filter::{FilterCapability, nothing};
use super::index::Index;
use super::known::{CachedLookup, Known};
use super::taken::{Step, Taken};
use crate::roster::{Email, Person};
use crate::scim::{Client, Error, Listing, Overlap, Query, Reply, User};

/// The people of a node.
#[derive(Debug)]
pub struct People {
    client: Arc<Client>,
    filter: FilterCapability,
    known: RwLock<Known>,
    /// When the list that is known was begun. The lock lets one list it at a time.
    listed: Mutex<Option<Instant>>,
    /// When the run last changed something that it has not seen the effect of.
    unseen: RwLock<Option<Instant>>,
    /// Whether anybody will be asked for again after a change.
    keeps_up: AtomicBool,
    taken: Mutex<Taken>,
}

impl People {
    /// Nothing is asked yet.
    #[must_use]
    pub fn new(client: Arc<Client>) -> Self {
        People {
            client,
            filter: FilterCapability::default(),
            known: RwLock::default(),
            listed: Mutex::new(None),
            unseen: RwLock::new(None),
            keeps_up: AtomicBool::new(true),
            taken: Mutex::default(),
        }
    }

    /// Who is asked.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Decides how `lookups` people are found: the first page of a list tells how many more pages
    /// there are, and so whether listing everyone or asking one by one is fewer calls.
    ///
    /// # Errors
    /// What can go wrong with a call.
    pub async fn prepare(&self, lookups: u64) -> Result<(), Error> {
        if lookups <= 1 {
            return Ok(());
        }
        let mut listed = self.listed.lock().await;
        let begun = Instant::now();
        match self.list(|more| more <= lookups).await {
            Ok(Some(index)) => {
                self.learn(|known| known.list(index));
                *listed = Some(begun);
            }
            Ok(None) => {}
            // A list that cannot be read whole proves nothing; people can still be asked for.
            Err(Error::Unsettled { .. } | Error::Endless { .. }) => {
                info!("the list of users cannot be relied on; asking for people one by one");
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Reads everyone, whatever it costs: what [`remember`](Self::remember) is told is then found.
    ///
    /// # Errors
    /// What can go wrong with a call.
    pub async fn list_everyone(&self) -> Result<(), Error> {
        let mut listed = self.listed.lock().await;
        let begun = Instant::now();
        if let Some(index) = self.list(|_| true).await? {
            self.learn(|known| known.list(index));
            *listed = Some(begun);
        }
        Ok(())
    }

    /// Reads everyone, unless `worth_it` says after the first page that as many more pages are not.
    async fn list(&self, worth_it: impl Fn(u64) -> bool) -> Result<Option<Index>, Error> {
        let mut listing = Listing::<User>::new(&self.client, Query::default(), Overlap::None);
        let mut index = Index::default();
        let mut first = true;
        while let Some(page) = listing.next().await? {
            let read = page.len() as u64;
            let more = listing.total().unwrap_or(0).saturating_sub(read);
            if first && !worth_it(more.div_ceil(read.max(1))) {
                debug!("asking for people one by one is fewer calls than listing everyone");
                return Ok(None);
            }
            first = false;
            for user in &page {
                index.insert(user);
            }
        }
        Ok(Some(index))
    }

    /// Whether everyone is in memory.
    #[must_use]
    pub fn is_listed(&self) -> bool {
        self.known(Known::is_listed)
    }

    /// How many people the node holds and how many of them are active, if everyone is in memory.
    #[must_use]
    pub fn counts(&self) -> Option<(u64, u64)> {
        self.known(Known::counts)
    }

    /// How many users are active. Where not everyone is in memory, the node is asked how many there are, how many are
    /// locked and how many are not. Some nodes ignore such a filter, or answer it with nobody: unless the two add up to
    /// all, everyone is listed. This number guards against harm and is not guessed.
    ///
    /// # Errors
    /// What can go wrong with a call.
    pub async fn count_active(&self) -> Result<u64, Error> {
        if let Some((_, active)) = self.counts() {
            return Ok(active);
        }
        if let Some(all) = self.total(None).await?
            && let Some(locked) = self.total(Some(false)).await?
            && let Some(active) = self.total(Some(true)).await?
            && locked + active == all
        {
            return Ok(active);
        }
        self.list_everyone().await?;
        Ok(self.counts().map_or(0, |(_, active)| active))
    }

    /// How many users there are, or how many are active or not; none if the node does not say.
    async fn total(&self, active: Option<bool>) -> Result<Option<u64>, Error> {
        let query = Query {
            filter: active.map(|active| format!("active eq {active}")),
            ..Query::default()
        };
        let page = match self.client.first::<User>(&query, 1).await {
            Ok(reply) => reply.value,
            Err(error) if error.may_be_about_filter() => return Ok(None),
            Err(error) => return Err(error),
        };
        let ignored = active.is_some() && page.resources.iter().any(|user| user.active != active);
        Ok(page.total_of_all().filter(|_| !ignored))
    }

    /// The id of the account that has an email, as far as it is known without asking the node.
    #[must_use]
    pub fn known_id(&self, email: &Email) -> Option<String> {
        match self.known(|known| known.by_email(email)) {
            CachedLookup::Known(AccountLookup::Account(user)) => Some(user.id),
            _ => None,
        }
    }

    /// Emails (folded) and ids that a person has or may have had, as far as they are known without asking the node.
    #[must_use]
    pub fn possible_names(&self, person: &Person) -> Vec<(String, String)> {
        self.known(|known| match person {
            Person::Email(email) => known.names_by_email(email),
            Person::Id(id) | Person::Both { id, .. } => known.names_by_id(id.as_str()),
        })
    }

    /// Finds the account of a person.
    ///
    /// # Errors
    /// What can go wrong with a call.
    pub async fn find(&self, person: &Person) -> Result<AccountLookup, Error> {
        match person {
            Person::Email(email) => {
                let lookup = self.by_email(email).await?;
                if matches!(lookup, AccountLookup::Account(_)) && self.is_expected(email) {
                    self.keep_up(|known| known.shows(email));
                }
                Ok(lookup)
            }
            Person::Id(id) => self.by_id(id.as_str()).await,
            Person::Both { email, id } => Ok(match self.by_id(id.as_str()).await? {
                AccountLookup::Account(user) if !is_called(&user, email) => {
                    AccountLookup::IdMismatch {
                        email: user.user_name().unwrap_or_default().to_owned(),
                    }
                }
                lookup => lookup,
            }),
        }
    }

    async fn by_id(&self, id: &str) -> Result<AccountLookup, Error> {
        match self.known(|known| known.by_id(id)) {
            Some(known) => Ok(known),
            None => {
                let lookup = self.client.user(id).await?.value.into();
                self.keep(&lookup);
                Ok(lookup)
            }
        }
    }

    async fn by_email(&self, email: &Email) -> Result<AccountLookup, Error> {
        match self.known(|known| known.by_email(email)) {
            CachedLookup::Known(lookup) => return Ok(lookup),
            CachedLookup::Expected(id) => match self.by_id(&id).await? {
                AccountLookup::Account(user) if is_called(&user, email) => {
                    return Ok(AccountLookup::Account(user));
                }
                _ => {}
            },
            CachedLookup::Unknown => {}
        }
        let unseen = *self.unseen.read().unwrap_or_else(PoisonError::into_inner);
        let lookup = match self.by_filter(email).await? {
            Some(reply) => reply.value,
            None => self.listed_since(unseen, email).await?,
        };
        Ok(match lookup {
            AccountLookup::Account(user) => self.known(|known| known.reconcile(*user, email)),
            lookup => lookup,
        })
    }

    /// Finds an account as the node has it now, whatever was read before. The reply's date is the
    /// node's clock.
    ///
    /// # Errors
    /// What can go wrong with a call.
    pub async fn find_now(&self, email: &Email) -> Result<Reply<AccountLookup>, Error> {
        let asked = Instant::now();
        match self.by_filter(email).await? {
            Some(reply) => Ok(reply),
            None => {
                let lookup = self.listed_since(Some(asked), email).await?;
                Ok(nothing(200).map(|()| lookup))
            }
        }
    }

    /// Asks with a filter; nothing where filters are not to be believed.
    async fn by_filter(&self, email: &Email) -> Result<Option<Reply<AccountLookup>>, Error> {
        let reply = self.filter.ask(&self.client, email).await?;
        if let Some(reply) = &reply {
            self.keep(&reply.value);
        }
        Ok(reply)
    }

    /// Finds out who has an email that a new person was refused for. Nothing where the node shows nothing that can be
    /// relied on.
    ///
    /// A list that was read in this run is believed, except that the first few who are not in it are
    /// asked for. Without a list, one is read once the questions have cost as much as a list would, or at once where
    /// the node does not find people by email.
    ///
    /// # Errors
    /// What can go wrong with a call.
    pub async fn taken_by(&self, email: &Email) -> Result<Option<AccountLookup>, Error> {
        let asked = Instant::now();
        loop {
            let is_listed = self.is_listed();
            match self.known(|known| known.by_email(email)) {
                CachedLookup::Known(lookup) if lookup != AccountLookup::NotFound => {
                    return Ok(Some(lookup));
                }
                _ => {}
            }
            let by_filter = self.filter.may_be_believed();
            {
                // Whoever lists holds this: the others wait for the list.
                let mut taken = self.taken.lock().await;
                loop {
                    match taken.step(email, asked, by_filter, is_listed) {
                        Step::Settled(lookup) => return Ok(lookup),
                        Step::List(most) => {
                            let begun = Instant::now();
                            let worth_it = |more| most.is_none_or(|most| more <= most);
                            let list = self.list(worth_it).await;
                            taken.listed(list, most.is_none().then_some(begun))?;
                        }
                        Step::Ask => break,
                    }
                }
            }
            // If the filter turns out to be useless, a list may help.
            if let Some(reply) = self.by_filter(email).await? {
                return Ok(Some(reply.value));
            }
        }
    }

    /// Nobody is asked for twice: what becomes of people need not be remembered, which would cost
    /// the memory of another record each.
    pub fn forget_changes(&self) {
        self.keeps_up.store(false, Ordering::Relaxed);
    }

    /// Whether somebody may be asked for again.
    #[must_use]
    pub fn keeps_up(&self) -> bool {
        self.keeps_up.load(Ordering::Relaxed)
    }

    /// The state of an account after a change that the node confirmed. No list overrides it.
    pub fn remember(&self, user: &User) {
        self.keep_up(|known| known.changed(user));
    }

    /// An account that is gone. No list brings it back.
    pub fn forget(&self, id: &str) {
        self.keep_up(|known| known.deleted(id));
    }

    /// An account may have been changed, and may have any of these emails now, but its state was not
    /// seen: whoever needs it next asks the node.
    pub fn doubt<'e>(&self, id: Option<&str>, emails: impl IntoIterator<Item = &'e Email>) {
        self.note_unseen(|known| {
            if let Some(id) = id {
                known.doubt(id);
            }
            for email in emails {
                known.expect(email, id);
            }
        });
    }

    /// An account with this email exists now, whether or not its state was seen.
    pub fn expect(&self, id: Option<&str>, email: &Email) {
        self.note_unseen(|known| known.expect(email, id));
    }

    /// An account with this email may have been made: that the node has nobody of it proves nothing until it was seen.
    pub fn await_account(&self, email: &Email) {
        self.keep_up(|known| known.await_account(email));
    }

    /// Whether an account with this email may have been made that was not seen yet.
    #[must_use]
    pub fn is_expected(&self, email: &Email) -> bool {
        self.known(|known| known.awaits(email))
    }

    fn note_unseen(&self, learn: impl FnOnce(&mut Known)) {
        self.keep_up(learn);
        let mut unseen = self.unseen.write().unwrap_or_else(PoisonError::into_inner);
        *unseen = Some(Instant::now());
    }

    /// Lists the node, unless it was listed after `since`.
    async fn listed_since(
        &self,
        since: Option<Instant>,
        email: &Email,
    ) -> Result<AccountLookup, Error> {
        let mut listed = self.listed.lock().await;
        if listed.is_none_or(|begun| Some(begun) < since) {
            let begun = Instant::now();
            if let Some(index) = self.list(|_| true).await? {
                self.learn(|known| known.list(index));
            }
            *listed = Some(begun);
        }
        Ok(match self.known(|known| known.by_email(email)) {
            CachedLookup::Known(lookup) => lookup,
            CachedLookup::Expected(_) | CachedLookup::Unknown => AccountLookup::NotFound,
        })
    }

    fn known<T>(&self, read: impl FnOnce(&Known) -> T) -> T {
        read(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn learn(&self, learn: impl FnOnce(&mut Known)) {
        learn(&mut self.known.write().unwrap_or_else(PoisonError::into_inner));
    }

    fn keep_up(&self, learn: impl FnOnce(&mut Known)) {
        if self.keeps_up() {
            self.learn(learn);
        }
    }

    /// Keeps what was read of a single account: that is newer than any list.
    fn keep(&self, lookup: &AccountLookup) {
        if let AccountLookup::Account(user) = lookup {
            self.keep_up(|known| known.read(user));
        }
    }
}
