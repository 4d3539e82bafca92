//! Reading a list to its end, whatever page size the node grants, and never short in silence.
//!
//! SCIM pages by index, not by cursor (RFC 7644, section 3.4.2.4): when somebody is removed while
//! the list is read, everyone behind moves up by one, and the next page skips a person. Three
//! things give that away: `totalResults` differs between pages, somebody comes twice, or a page
//! does not begin with the person that the page before ended with (for that, pages may overlap by
//! one). Then the list is read again, until one reading from end to end was undisturbed.
//!
//! Whoever asks for a second page wants them all: from then on several are on their way at once ([`Ahead`]).

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use tracing::{debug, warn};

use super::ahead::{Ahead, Course};
use super::client::{Client, Query};
use super::error::Error;
use super::resource::Resource;
use crate::pace::FaultKind;

/// How many are asked for at once: the most that nodes are known to grant.
pub const PAGE: u64 = 1000;

/// What is asked for, one after the other, when a node refuses [`PAGE`] outright.
const SMALL_PAGES: [u64; 3] = [100, 50, 10];

/// Lengths of pages that servers are known to grant at the most.
const USUAL_PAGES: [usize; 9] = [10, 20, 25, 50, 100, 200, 250, 500, 1000];

/// No node has more resources than this: a list that is longer has no end.
const MOST: u64 = 20_000_000;

/// How often a list that changes is read before giving up.
const MAX_READINGS: u8 = 6;

/// Whether each page begins with the last one of the page before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlap {
    /// A change of the list is noticed even when the total stays the same. Costs one in a page.
    One,
    /// Fewest calls: a change is noticed by totals and repeats only.
    None,
}

/// A list being read. Each resource is given out once, however often the list is read.
#[derive(Debug)]
pub struct Listing<R> {
    ahead: Ahead<R>,
    query: Query,
    overlap: Overlap,
    count: u64,
    hasher: RandomState,
    /// Those that came in earlier readings only.
    earlier: Keys,
    reading: Reading,
    readings: u8,
    done: bool,
    total: Option<u64>,
    first_total: Option<u64>,
}

/// One pass over the list.
#[derive(Debug, Default)]
struct Reading {
    /// How far it has come: the index of the last resource read.
    position: u64,
    /// Those that came.
    seen: Keys,
    last: Option<u64>,
    /// How many came with the last page.
    came: u64,
    disturbed: bool,
}

/// Which resources came: of each a key, made of its id with a secret of this process, so that no node can choose ids
/// that meet in one place.
#[derive(Debug, Default)]
struct Keys(HashTable<u64>);

impl Keys {
    /// Whether it is new.
    fn insert(&mut self, key: u64) -> bool {
        // A key is its own hash.
        match self.0.entry(key, |known| *known == key, |known| *known) {
            Entry::Occupied(_) => false,
            Entry::Vacant(place) => {
                place.insert(key);
                true
            }
        }
    }

    /// Whether it was there, and now is there no more.
    fn remove(&mut self, key: u64) -> bool {
        let found = self.0.find_entry(key, |known| *known == key);
        found.is_ok_and(|place| {
            place.remove();
            true
        })
    }

    fn append(&mut self, other: Keys) {
        for key in other.0 {
            self.insert(key);
        }
    }

    fn len(&self) -> u64 {
        self.0.len() as u64
    }
}

impl<R: Resource> Listing<R> {
    /// Begins at the first page; nothing is sent yet.
    #[must_use]
    pub fn new(client: &Arc<Client>, query: Query, overlap: Overlap) -> Self {
        Listing {
            ahead: Ahead::new(Arc::clone(client)),
            query,
            overlap,
            count: PAGE,
            hasher: RandomState::new(),
            earlier: Keys::default(),
            reading: Reading::default(),
            readings: 1,
            done: false,
            total: None,
            first_total: None,
        }
    }

    /// How many the node says there are, once the first page was read.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// Those of the next page that were not given out before; `None` at the end.
    ///
    /// # Errors
    /// [`Error::Unsettled`] when no reading was undisturbed, and what can go wrong with a call.
    pub async fn next(&mut self) -> Result<Option<Vec<R>>, Error> {
        while !self.done {
            let fresh = self.page().await?;
            if !fresh.is_empty() {
                return Ok(Some(fresh));
            }
        }
        Ok(None)
    }

    /// Everything to the end.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn all(mut self) -> Result<Vec<R>, Error> {
        let mut all = Vec::new();
        while let Some(mut page) = self.next().await? {
            all.append(&mut page);
        }
        Ok(all)
    }

    async fn page(&mut self) -> Result<Vec<R>, Error> {
        let overlapping = self.overlap == Overlap::One && self.reading.last.is_some();
        let start = self.reading.position + u64::from(!overlapping);
        let course = self.course();
        let asked = self.ahead.page(&self.query, start, self.count, course);
        // A doubtful end is believed when nothing comes behind it; the total of an empty page there may well be 0, and
        // some nodes refuse to look.
        let behind = self
            .total
            .is_some_and(|total| self.reading.position >= total);
        let page = match asked.await {
            Err(Error::Refused(refusal)) if behind && matches!(refusal.status, 400 | 404 | 416) => {
                self.end_of_reading()?;
                return Ok(Vec::new());
            }
            Err(error) if is_about_length(&error) => {
                let less = SMALL_PAGES.into_iter().find(|less| *less < self.count);
                let less = less.ok_or(error)?;
                debug!(
                    "the node does not send pages of {}, asking for {less}",
                    self.count
                );
                return Ok(self.ask_for(less));
            }
            page => page?.value,
        };
        if page.resources.is_empty() && behind {
            self.end_of_reading()?;
            return Ok(Vec::new());
        }
        if self.total.is_some() && page.total != self.total {
            self.reading.disturbed |= self.reading.position > 0;
        }
        self.total = page.total;
        self.first_total = self.first_total.or(self.total);
        self.check_end()?;
        let came = page.resources.len();
        self.reading.came = came as u64;
        let known = self.reading.seen.len();
        let fresh = self.sort_out(page.resources, overlapping);
        let nobody_new = self.reading.seen.len() == known;
        // Some nodes give the length of the page for the number of all: a total that is just a usual
        // length of a page is believed when nothing comes behind it, where a call more matters less
        // than a person missed.
        let first = start == 1 && self.overlap == Overlap::One;
        let doubtful = first && USUAL_PAGES.contains(&came) && (came as u64) < self.count;
        let end = match self.total {
            Some(total) => self.reading.position >= total && !doubtful,
            None => false,
        };
        if came == 1 {
            // Pages of one cannot overlap: they would never get on.
            self.overlap = Overlap::None;
        }
        // An empty page is an end; so is a page on which nobody is new, whatever was asked for.
        if end || nobody_new {
            self.end_of_reading()?;
        }
        Ok(fresh)
    }

    /// From now on, pages are small. Nobody has come yet.
    fn ask_for(&mut self, count: u64) -> Vec<R> {
        self.ahead.forget();
        self.count = count;
        self.reading.came = 0;
        Vec::new()
    }

    /// Where further pages are, if they are as long as the last one.
    fn course(&self) -> Option<Course> {
        let repeated = u64::from(self.overlap == Overlap::One);
        let step = self.reading.came.saturating_sub(repeated);
        let total = self.total.filter(|_| step > 0)?;
        // The last one of a list may well end a page, and begins none then.
        let last = total.saturating_sub(repeated);
        Some(Course { step, last })
    }

    /// Refuses a list that goes on and on.
    fn check_end(&self) -> Result<(), Error> {
        let read = self.reading.position;
        // Many may come while it is read, but not as many again as there were.
        let most = self.first_total.map_or(MOST, |first| {
            first.saturating_mul(2).saturating_add(10_000).min(MOST)
        });
        if read > most || self.total.is_some_and(|total| total > MOST) {
            return Err(Error::Endless {
                endpoint: R::ENDPOINT,
                read,
                said: self.first_total,
            });
        }
        Ok(())
    }

    /// Gives those not given out yet.
    fn sort_out(&mut self, mut resources: Vec<R>, overlapping: bool) -> Vec<R> {
        let mut may_be_known = overlapping;
        resources.retain(|resource| {
            let key = self.hasher.hash_one(resource.id());
            if std::mem::take(&mut may_be_known) {
                if self.reading.last == Some(key) {
                    return false;
                }
                self.reading.disturbed = true;
            } else {
                self.reading.position += 1;
            }
            self.reading.last = Some(key);
            let is_first = self.reading.seen.insert(key);
            self.reading.disturbed |= !is_first;
            is_first && !self.earlier.remove(key)
        });
        resources
    }

    fn end_of_reading(&mut self) -> Result<(), Error> {
        self.ahead.forget();
        let reading = std::mem::take(&mut self.reading);
        let distinct = reading.seen.len();
        let total = self.total.unwrap_or(distinct);
        if distinct == total && !reading.disturbed {
            self.done = true;
            return Ok(());
        }
        warn!(
            endpoint = R::ENDPOINT,
            read = distinct,
            total,
            "the list changed or was cut short while it was read; reading it again"
        );
        self.earlier.append(reading.seen);
        if self.readings == MAX_READINGS {
            // A node without a fixed order disturbs every reading. Nobody is missing if as many
            // came, over all readings, as the node says it has.
            if distinct == total || self.earlier.len() == total {
                self.done = true;
                return Ok(());
            }
            return Err(Error::Unsettled {
                endpoint: R::ENDPOINT,
                read: distinct,
                total,
            });
        }
        self.readings += 1;
        Ok(())
    }
}

/// Whether a node may have sent no page since it would be too long.
fn is_about_length(error: &Error) -> bool {
    match error {
        Error::Refused(refusal) => refusal.status == 400,
        Error::Fault(fault) => fault.kind == FaultKind::TooLarge,
        _ => false,
    }
}
