//! People: found one by one, or from a list of the whole node, whichever costs fewer calls.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use tokio::sync::Mutex;
use tracing::{debug, info};

use super::holder::Holder;
use super::index::Index;
use super::taken::Taken;
use crate::roster::{Email, Person, UserId};
use crate::scim::{Client, Error, Listing, Overlap, Page, Query, Reply, User, equals};

/// The people of a node.
#[derive(Debug)]
pub struct People {
    client: Arc<Client>,
    filter: FilterTrust,
    index: RwLock<Option<Index>>,
    /// When the list that the index comes from was begun. The lock lets one list it at a time.
    listed: Mutex<Option<Instant>>,
    probe: Mutex<()>,
    /// Whether anybody will be asked for again after a change.
    keeps_up: AtomicBool,
    pub(super) taken: Mutex<Taken>,
}

/// How far the node's answers to `filter=userName eq "…"` can be believed.
#[derive(Debug, Default)]
struct FilterTrust(AtomicU8);

impl FilterTrust {
    /// Nothing is known yet.
    const UNKNOWN: u8 = 0;
    /// A hit and a miss both mean what they say.
    const FULL: u8 = 1;
    /// Filters are ignored, refused, or miss people: only a list tells.
    const NONE: u8 = 2;

    fn get(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, trust: u8) {
        self.0.store(trust, Ordering::Relaxed);
    }
}

/// What the answer to a filter shows.
enum Filtered {
    Found(Holder),
    /// An empty list.
    Missed,
    /// The node refused the filter or answered with others than asked for.
    Ignored,
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
            Err(Error::Unsettled { .. }) => {
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
        let page = match self.client.page::<User>(&query, 1, 1).await {
            Ok(reply) => reply.value,
            Err(Error::Refused(refusal)) if matches!(refusal.status, 400 | 501) => return Ok(None),
            Err(error) => return Err(error),
        };
        let ignored =
            locked.is_some() && page.resources.iter().any(|user| user.active != Some(false));
        Ok(page.total.filter(|_| !ignored))
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
        match self.read_index(|index| index.by_id(id.as_str())) {
            Some(known) => Ok(known),
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

    /// Asks with a filter; nothing where filters are not to be believed.
    pub(super) async fn by_filter(&self, email: &Email) -> Result<Option<Reply<Holder>>, Error> {
        if self.has_filter() {
            let (reply, filtered) = self.filtered(email.as_str(), email).await?;
            match filtered {
                Filtered::Found(holder) => return Ok(Some(with(&reply, holder))),
                Filtered::Missed if self.misses_are_true().await? => {
                    return Ok(Some(with(&reply, Holder::Nobody)));
                }
                Filtered::Missed | Filtered::Ignored => self.distrust(),
            }
        }
        Ok(None)
    }

    /// Whether filters may be believed, as far as is known.
    pub(super) fn has_filter(&self) -> bool {
        self.filter.get() != FilterTrust::NONE
    }

    fn distrust(&self) {
        if self.has_filter() {
            info!("the node does not find people by userName; listing everyone instead");
            self.filter.set(FilterTrust::NONE);
        }
    }

    /// Asks with a filter. A server that ignores it answers with everyone: what comes back is
    /// checked before it is believed.
    async fn filtered(&self, asked: &str, wanted: &Email) -> Result<(Reply<()>, Filtered), Error> {
        let query = Query {
            filter: Some(equals("userName", asked)),
            ..Query::default()
        };
        // Two are enough to see whether the node sends anyone else.
        let reply = match self.client.page::<User>(&query, 1, 2).await {
            Ok(reply) => reply,
            Err(Error::Refused(refusal)) if matches!(refusal.status, 400 | 404 | 405 | 501) => {
                return Ok((nothing(refusal.status), Filtered::Ignored));
            }
            Err(error) => return Err(error),
        };
        let (reply, Page { total, resources }) = split(reply);
        let nobody = resources.is_empty();
        let matching: Vec<User> = resources
            .into_iter()
            .filter(|user| is_called(user, wanted))
            .collect();
        let filtered = match Holder::among(matching, wanted) {
            Holder::Nobody if nobody && total.unwrap_or(0) == 0 => Filtered::Missed,
            Holder::Nobody => Filtered::Ignored,
            holder => Filtered::Found(holder),
        };
        Ok((reply, filtered))
    }

    /// An empty answer can mean that the node compares upper and lower case, or does not know the
    /// attribute. Once a run, somebody who is there is asked for in the other case.
    async fn misses_are_true(&self) -> Result<bool, Error> {
        let _one_at_a_time = self.probe.lock().await;
        if self.filter.get() == FilterTrust::UNKNOWN {
            let trust = if self.probe_filter().await? {
                FilterTrust::FULL
            } else {
                FilterTrust::NONE
            };
            self.filter.set(trust);
        }
        Ok(self.filter.get() == FilterTrust::FULL)
    }

    async fn probe_filter(&self) -> Result<bool, Error> {
        let page = self
            .client
            .page::<User>(&Query::default(), 1, 1)
            .await?
            .value;
        let Some(known) = page.resources.into_iter().find_map(|user| user.user_name) else {
            // An empty node: every miss is true.
            return Ok(page.total.unwrap_or(0) == 0);
        };
        let Ok(email) = Email::try_from(known.as_str()) else {
            return Ok(false);
        };
        let (_, filtered) = self.filtered(&other_case(&known), &email).await?;
        Ok(matches!(filtered, Filtered::Found(_)))
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
        Ok(with(&nothing(200), holder.unwrap_or(Holder::Nobody)))
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

fn is_called(user: &User, email: &Email) -> bool {
    user.user_name
        .as_deref()
        .is_some_and(|name| name.to_lowercase() == email.folded())
}

/// The same address in the other case, so that only a node that folds case finds it.
pub(crate) fn other_case(email: &str) -> String {
    let upper = email.to_uppercase();
    if upper == email {
        email.to_lowercase()
    } else {
        upper
    }
}

fn split<T>(reply: Reply<T>) -> (Reply<()>, T) {
    let Reply {
        status,
        attempts,
        doubtful,
        date,
        value,
    } = reply;
    (
        Reply {
            status,
            attempts,
            doubtful,
            date,
            value: (),
        },
        value,
    )
}

fn with<T>(reply: &Reply<()>, value: T) -> Reply<T> {
    let Reply {
        status,
        attempts,
        doubtful,
        date,
        value: (),
    } = *reply;
    Reply {
        status,
        attempts,
        doubtful,
        date,
        value,
    }
}

fn nothing(status: u16) -> Reply<()> {
    Reply {
        status,
        attempts: 1,
        doubtful: false,
        date: None,
        value: (),
    }
}
