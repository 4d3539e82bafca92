//! People: found one by one, or from a list of the whole node, whichever costs fewer calls.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use tokio::sync::Mutex;
use tracing::{debug, info};

use super::filter::{FilterTrust, is_called, nothing};
use super::holder::Holder;
use super::index::Index;
use super::taken::Taken;
use crate::roster::{Email, Person, UserId};
use crate::scim::{Client, Error, Listing, Overlap, Query, Reply, User};

/// The people of a node.
#[derive(Debug)]
pub struct People {
    pub(super) client: Arc<Client>,
    pub(super) filter: FilterTrust,
    index: RwLock<Option<Index>>,
    /// When the list that the index comes from was begun. The lock lets one list it at a time.
    listed: Mutex<Option<Instant>>,
    pub(super) probe: Mutex<()>,
    /// Whether anybody will be asked for again after a change.
    keeps_up: AtomicBool,
    pub(super) taken: Mutex<Taken>,
}

impl People {
    /// Nothing is asked yet.
    #[must_use]
    pub fn new(client: Arc<Client>) -> Self {
        People {
            client,
            filter: FilterTrust::default(),
            index: RwLock::new(None),
            listed: Mutex::new(None),
            probe: Mutex::new(()),
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
                self.replace_index(index);
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
            self.replace_index(index);
            *listed = Some(begun);
        }
        Ok(())
    }

    /// Reads everyone, unless `worth_it` says after the first page that as many more pages are not.
    pub(super) async fn list(
        &self,
        worth_it: impl Fn(u64) -> bool,
    ) -> Result<Option<Index>, Error> {
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
        self.read_index(|_| ()).is_some()
    }

    /// How many people the node holds and how many of them are active, if everyone is in memory.
    #[must_use]
    pub fn counts(&self) -> Option<(u64, u64)> {
        self.read_index(Index::counts)
    }

    /// How many users are active. Where not everyone is in memory, the node is asked how many are
    /// locked; if it does not honour that filter, everyone is listed: this number guards against
    /// harm and is not guessed.
    ///
    /// # Errors
    /// What can go wrong with a call.
    pub async fn count_active(&self) -> Result<u64, Error> {
        if let Some((_, active)) = self.counts() {
            return Ok(active);
        }
        if let (Some(total), Some(locked)) = (
            self.total(None).await?,
            self.total(Some("active eq false")).await?,
        ) {
            return Ok(total.saturating_sub(locked));
        }
        self.list_everyone().await?;
        Ok(self.counts().map_or(0, |(_, active)| active))
    }

    /// How many users there are, or how many are locked; none if the node does not say.
    async fn total(&self, locked: Option<&str>) -> Result<Option<u64>, Error> {
        let query = Query {
            filter: locked.map(str::to_owned),
            ..Query::default()
        };
        let page = match self.client.first::<User>(&query, 1).await {
            Ok(reply) => reply.value,
            Err(error) if error.may_be_about_filter() => return Ok(None),
            Err(error) => return Err(error),
        };
        let ignored =
            locked.is_some() && page.resources.iter().any(|user| user.active != Some(false));
        Ok(page.total_of_all().filter(|_| !ignored))
    }

    /// Email (folded) and id of a person, as far as both are known without asking the node.
    #[must_use]
    pub fn known_names(&self, person: &Person) -> Option<(String, String)> {
        let user = self.read_index(|index| match person {
            Person::Email(email) => match Holder::among(index.by_email(&email.folded()), email) {
                Holder::Account(user) => Some(*user),
                _ => None,
            },
            Person::Id(id) | Person::Both { id, .. } => index.by_id(id.as_str()),
        })??;
        Some((user.user_name.unwrap_or_default().to_lowercase(), user.id))
    }

    /// Finds the account of a person.
    ///
    /// # Errors
    /// What can go wrong with a call.
    pub async fn find(&self, person: &Person) -> Result<Holder, Error> {
        match person {
            Person::Email(email) => self.by_email(email).await,
            Person::Id(id) => Ok(self.by_id(id).await?.into()),
            Person::Both { email, id } => Ok(match self.by_id(id).await? {
                Some(user) if !is_called(&user, email) => Holder::SomeoneElse {
                    email: user.user_name.unwrap_or_default(),
                },
                user => user.into(),
            }),
        }
    }

    async fn by_id(&self, id: &UserId) -> Result<Option<User>, Error> {
        match self.read_index(|index| index.by_id(id.as_str())).flatten() {
            Some(known) => Ok(Some(known)),
            // Some lists leave out who is locked.
            None => Ok(self.client.user(id.as_str()).await?.value),
        }
    }

    async fn by_email(&self, email: &Email) -> Result<Holder, Error> {
        match self.read_index(|index| Holder::among(index.by_email(&email.folded()), email)) {
            Some(known) => Ok(known),
            None => Ok(self.ask(email).await?.value),
        }
    }

    /// Finds an account as the node has it now, whatever was read before. The reply's date is the
    /// node's clock.
    ///
    /// # Errors
    /// What can go wrong with a call.
    pub async fn find_now(&self, email: &Email) -> Result<Reply<Holder>, Error> {
        self.ask(email).await
    }

    /// Nobody is asked for twice: what becomes of people need not be remembered, which would cost
    /// the memory of another record each.
    pub fn forget_changes(&self) {
        self.keeps_up.store(false, Ordering::Relaxed);
    }

    /// The state of an account after a change that the node confirmed.
    pub fn remember(&self, user: &User) {
        if self.keeps_up.load(Ordering::Relaxed) {
            self.write_index(|index| index.insert(user));
        }
    }

    /// An account that is gone.
    pub fn forget(&self, id: &str) {
        self.write_index(|index| index.remove(id));
    }

    async fn ask(&self, email: &Email) -> Result<Reply<Holder>, Error> {
        match self.by_filter(email).await? {
            Some(reply) => Ok(reply),
            None => self.listed_now(email).await,
        }
    }

    /// Lists the node unless somebody began to list it after this was asked.
    async fn listed_now(&self, email: &Email) -> Result<Reply<Holder>, Error> {
        let asked = Instant::now();
        let mut listed = self.listed.lock().await;
        if listed.is_none_or(|begun| begun < asked) {
            let begun = Instant::now();
            if let Some(index) = self.list(|_| true).await? {
                self.replace_index(index);
            }
            *listed = Some(begun);
        }
        let holder = self.read_index(|index| Holder::among(index.by_email(&email.folded()), email));
        Ok(nothing(200).map(|()| holder.unwrap_or(Holder::Nobody)))
    }

    fn replace_index(&self, index: Index) {
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = Some(index);
    }

    pub(super) fn read_index<T>(&self, read: impl FnOnce(&Index) -> T) -> Option<T> {
        self.index
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
            .map(read)
    }

    fn write_index(&self, write: impl FnOnce(&mut Index)) {
        if let Some(index) = self
            .index
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .as_mut()
        {
            write(index);
        }
    }
}
