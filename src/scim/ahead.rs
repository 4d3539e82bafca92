//! Pages of a list that are asked for before their turn, so that several are on their way at once.
//!
//! They come out in the order of the list, whichever comes back first. Where the next ones begin is known
//! as long as pages are as long as the one before; a list that turns out otherwise is read page by page.

use std::future::Future;
use std::pin::Pin;

use futures_util::stream::{FuturesOrdered, StreamExt};

use super::client::{Client, Query, Reply};
use super::error::Error;
use super::message::Page;
use super::resource::Resource;

/// How many pages are on their way at the most, which is also what memory holds. How many calls there may be at
/// once is for the pace to say.
const MOST: usize = 8;

type Asked<'c, R> = Pin<Box<dyn Future<Output = Result<Reply<Page<R>>, Error>> + Send + 'c>>;

/// Where further pages are, as far as that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Course {
    /// From the beginning of a page to that of the next.
    pub(super) step: u64,
    /// Where the last page may begin.
    pub(super) last: u64,
}

/// Pages on their way.
#[derive(Debug)]
pub(super) struct Ahead<'c, R> {
    client: &'c Client,
    asked: FuturesOrdered<Asked<'c, R>>,
    /// Where the first of them begins, and where one behind the last would.
    from: u64,
    to: u64,
    /// It has turned out that pages begin elsewhere than was thought.
    given_up: bool,
}

impl<'c, R: Resource + 'c> Ahead<'c, R> {
    pub(super) fn new(client: &'c Client) -> Self {
        Ahead {
            client,
            asked: FuturesOrdered::new(),
            from: 0,
            to: 0,
            given_up: false,
        }
    }

    /// Nobody waits for those on their way any more.
    pub(super) fn forget(&mut self) {
        self.asked = FuturesOrdered::new();
    }

    /// The page that begins at `start`. Those behind it are asked for as well, if it is known where they are.
    pub(super) async fn page(
        &mut self,
        query: &Query,
        start: u64,
        count: u64,
        course: Option<Course>,
    ) -> Result<Reply<Page<R>>, Error> {
        if !self.asked.is_empty() && self.from != start {
            self.forget();
            self.given_up = true;
        }
        if self.asked.is_empty() {
            (self.from, self.to) = (start, start);
            self.ask(query, count, 0);
        }
        let step = course.map_or(0, |course| course.step);
        if let Some(Course { step, last }) = course.filter(|_| !self.given_up) {
            if self.to == start {
                self.to += step;
            }
            while self.asked.len() < MOST && self.to <= last {
                self.ask(query, count, step);
            }
        }
        self.from = start + step;
        match self.asked.next().await {
            Some(page) => page,
            // There is the one at `start` at least.
            None => self.client.page(query, start, count).await,
        }
    }

    fn ask(&mut self, query: &Query, count: u64, step: u64) {
        let (client, query, start) = (self.client, query.clone(), self.to);
        let asked = async move { client.page(&query, start, count).await };
        self.asked.push_back(Box::pin(asked));
        self.to += step;
    }
}
