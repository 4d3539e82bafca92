//! Reading a list to its end, whatever page size the node grants, and never short in silence.
//!
//! SCIM pages by index (RFC 7644, section 3.4.2.4): when somebody is removed while
//! the list is read, everyone behind moves up by one, and the next page skips a person. Three
//! things give that away: `totalResults` differs between pages, somebody comes twice, or a page
//! does not begin with the person that the page before ended with (for that, pages may overlap by
//! one). Then the list is read again, until one reading from end to end was undisturbed.
//!
//! A node may page by cursor instead (RFC 9865). That shows by the cursor that comes with the first page, or by its
//! refusal of an index; what can go wrong then is in [`Walk`].
//!
//! Whoever asks for a second page wants them all: from then on several are on their way at once ([`Ahead`]).

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use tracing::{debug, warn};

use super::ahead::{Ahead, PageLayout};
use super::client::Client;
use super::error::{Error, Refusal};
use super::keys::Keys;
use super::message::Page;
use super::page_start::{Cursor, PageStart};
use super::query::Query;
use super::resource::Resource;
use super::walk::{Seen, Step, Walk};
use crate::transport::FaultKind;

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
    /// How many are asked for at once; as many as the node likes, where it refuses every number.
    count: Option<u64>,
    /// Where a reading begins.
    first: PageStart,
    /// The node's no to the other way, since which this way is tried.
    refused: Option<Refusal>,
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
    /// The way from cursor to cursor, where it goes by cursor.
    walk: Option<Walk>,
}

/// How a reading ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// There was nothing more.
    Whole,
    /// The node did not lead on.
    Cut,
}

impl Reading {
    fn from(first: &PageStart) -> Self {
        Reading {
            walk: matches!(first, PageStart::Cursor(_)).then(Walk::default),
            ..Reading::default()
        }
    }
}

impl<R: Resource> Listing<R> {
    /// Begins at the first page; nothing is sent yet.
    #[must_use]
    pub fn new(client: &Arc<Client>, query: Query, overlap: Overlap) -> Self {
        let ahead = Ahead::new(Arc::clone(client));
        let first = ahead.first();
        Listing {
            ahead,
            query,
            overlap,
            count: Some(PAGE),
            reading: Reading::from(&first),
            first,
            refused: None,
            hasher: RandomState::new(),
            earlier: Keys::default(),
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
        match &self.reading.walk {
            Some(walk) => {
                let cursor = walk.at().clone();
                self.page_by_cursor(&cursor).await
            }
            None => self.page_by_index().await,
        }
    }

    async fn page_by_cursor(&mut self, cursor: &Cursor) -> Result<Vec<R>, Error> {
        let asked = self.ahead.page_at(&self.query, cursor, self.count);
        let refusal = match asked.await {
            Ok(page) => return self.walk_on(page.value),
            Err(Error::Refused(refusal)) if refusal.status == 400 => refusal,
            Err(error) => return self.ask_otherwise(error),
        };
        if *cursor == Cursor::FIRST || refusal.is_about_count() {
            return self.ask_otherwise(Error::Refused(refusal));
        }
        // It has expired, or the node knows no more what it meant (RFC 9865, section 2).
        warn!(endpoint = R::ENDPOINT, %refusal, "the node does not take its own cursor any more");
        self.end_of_reading(Ending::Cut)?;
        Ok(Vec::new())
    }

    /// Takes a page that came with the cursor of the next one, or was asked for by cursor.
    fn walk_on(&mut self, page: Page<R>) -> Result<Vec<R>, Error> {
        self.total = page.total.or(self.total);
        if self.reading.position == 0 {
            self.first_total = self.first_total.or(page.total_of_all());
        }
        self.check_end()?;
        self.refused = None;
        let (known, came) = (self.reading.seen.len(), page.resources.len() as u64);
        let fresh = self.sort_out(page.resources, false);
        let walk = self.reading.walk.get_or_insert_default();
        let wants_all = walk.is_under_way();
        let step = walk.take(Seen {
            total: page.total,
            came,
            new: self.reading.seen.len() - known,
            next: page.next,
        });
        match step {
            // Whoever has asked for a second page wants them all.
            Step::On if wants_all => self.ahead.expect(&self.query, walk.at(), self.count),
            Step::On => {}
            Step::End => self.end_of_reading(Ending::Whole)?,
            Step::Astray => self.end_of_reading(Ending::Cut)?,
            Step::Endless => return Err(self.endless()),
        }
        Ok(fresh)
    }

    async fn page_by_index(&mut self) -> Result<Vec<R>, Error> {
        let overlapping = self.overlap == Overlap::One && self.reading.last.is_some();
        let start = self.reading.position + u64::from(!overlapping);
        let layout = self.layout();
        let asked = self.ahead.page(&self.query, start, self.count, layout);
        // A doubtful end is believed when nothing comes behind it; the total of an empty page there may well be 0, and
        // some nodes refuse to look.
        let behind = self
            .total
            .is_some_and(|total| self.reading.position >= total);
        let page = match asked.await {
            Ok(page) => page.value,
            Err(Error::Refused(refusal)) if behind && matches!(refusal.status, 400 | 404 | 416) => {
                self.end_of_reading(Ending::Whole)?;
                return Ok(Vec::new());
            }
            Err(error) => return self.ask_otherwise(error),
        };
        if start == 1 && page.next.is_some() {
            return self.walk_on(page);
        }
        self.refused = None;
        if page.resources.is_empty() && behind {
            self.end_of_reading(Ending::Whole)?;
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
        let is_short = self.count.is_some_and(|count| (came as u64) < count);
        let doubtful = first && USUAL_PAGES.contains(&came) && is_short;
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
            self.end_of_reading(Ending::Whole)?;
        }
        Ok(fresh)
    }

    /// Asks in another way from now on, where the node may like that better.
    fn ask_otherwise(&mut self, error: Error) -> Result<Vec<R>, Error> {
        let count = self.count.unwrap_or_default();
        let less = SMALL_PAGES.into_iter().find(|less| *less < count);
        let by_cursor = self.reading.walk.is_some();
        match error {
            Error::Fault(fault) if fault.kind == FaultKind::TooLarge && less.is_some() => {
                debug!(?less, "a page is too large, asking for less");
                self.count = less;
            }
            Error::Refused(refusal) if refusal.status == 400 => {
                if !by_cursor && refusal.speaks_of_index() {
                    self.go_the_other_way(refusal)?;
                // By cursor, there is a word for it.
                } else if less.is_some() && (!by_cursor || refusal.is_about_count()) {
                    debug!(?less, "the node refuses so long a page, asking for less");
                    self.count = less;
                } else if refusal.is_about_count() && self.count.is_some() {
                    debug!("the node refuses every number, asking for as many as it likes");
                    self.count = None;
                } else {
                    self.go_the_other_way(refusal)?;
                }
            }
            error => return Err(error),
        }
        self.ahead.forget();
        self.reading.came = 0;
        Ok(Vec::new())
    }

    /// Lists by cursor where the index is refused, or the other way round.
    fn go_the_other_way(&mut self, refusal: Refusal) -> Result<(), Error> {
        if let Some(first) = self.refused.take() {
            return Err(Error::Refused(first));
        }
        let other = self.ahead.other().filter(|_| refusal.may_be_about_index());
        let Some(other) = other else {
            return Err(Error::Refused(refusal));
        };
        debug!("the node refuses the list, trying it in another way");
        self.first = other;
        self.count = Some(PAGE);
        self.refused = Some(refusal);
        self.reading = Reading::from(&self.first);
        Ok(())
    }

    /// Where further pages are, if they are as long as the last one.
    fn layout(&self) -> Option<PageLayout> {
        let repeated = u64::from(self.overlap == Overlap::One);
        let step = self.reading.came.saturating_sub(repeated);
        let total = self.total.filter(|_| step > 0)?;
        // The last one of a list may well end a page, and begins none then.
        let last = total.saturating_sub(repeated);
        Some(PageLayout { step, last })
    }

    /// Refuses a list that goes on and on.
    fn check_end(&self) -> Result<(), Error> {
        let read = self.reading.position;
        // Many may come while it is read, but not as many again as there were.
        let most = self.first_total.map_or(MOST, |first| {
            first.saturating_mul(2).saturating_add(10_000).min(MOST)
        });
        if read > most || self.total.is_some_and(|total| total > MOST) {
            return Err(self.endless());
        }
        Ok(())
    }

    fn endless(&self) -> Error {
        Error::Endless {
            endpoint: R::ENDPOINT,
            read: self.reading.position,
            said: self.first_total,
        }
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

    fn end_of_reading(&mut self, ending: Ending) -> Result<(), Error> {
        self.ahead.forget();
        let reading = std::mem::replace(&mut self.reading, Reading::from(&self.first));
        let distinct = reading.seen.len();
        let (total, disturbed) = match &reading.walk {
            Some(walk) => (walk.total(), reading.disturbed || walk.is_disturbed()),
            None => (self.total, reading.disturbed),
        };
        let is_all = total.map_or(ending == Ending::Whole, |total| distinct == total);
        if is_all && !disturbed {
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
            // A node without a fixed order disturbs every reading. Nobody is missing if as many came, over all readings,
            // as the node says it has; or, where it does not say, as there were in the last one.
            let over_all = self.earlier.len();
            if (is_all && (total.is_some() || over_all == distinct)) || Some(over_all) == total {
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
