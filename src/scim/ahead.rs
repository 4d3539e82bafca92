//! Pages of a list that are asked for before their turn, so that several are on their way at once.
//!
//! They come out in the order of the list, whichever comes back first. Where the next ones begin is known
//! as long as pages are as long as the one before; a list that turns out otherwise is read page by page.
//! By cursor only the next one is known, which may come while this one is worked on.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::stream::{FuturesOrdered, StreamExt};
use tokio::task::JoinHandle;

use super::client::Client;
use super::error::Error;
use super::message::Page;
use super::page_start::{Cursor, PageStart};
use super::query::Query;
use super::reply::Reply;
use super::resource::Resource;
use crate::transport::Fault;

/// How many pages are on their way at the most, which is also what memory holds. How many calls there may be at
/// once is for the pace to say.
const MOST: usize = 8;

/// A page on its way. It is a task of its own, so that where there are several threads, several pages are read side
/// by side; nobody waits for it any more when this is dropped, and then it ends.
#[derive(Debug)]
struct Asked<R>(JoinHandle<Result<Reply<Page<R>>, Error>>);

impl<R> Future for Asked<R> {
    type Output = Result<Reply<Page<R>>, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|ended| {
            ended.unwrap_or_else(|failed| match failed.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // Nobody but this ends it, and nobody then waits: the runtime is going down.
                Err(_) => Err(Error::Fault(Fault::stopped())),
            })
        })
    }
}

impl<R> Drop for Asked<R> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Where further pages are, as far as that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PageLayout {
    /// From the beginning of a page to that of the next.
    pub(super) step: u64,
    /// Where the last page may begin.
    pub(super) last: u64,
}

/// Pages on their way.
#[derive(Debug)]
pub(super) struct Ahead<R> {
    client: Arc<Client>,
    asked: FuturesOrdered<Asked<R>>,
    /// Where the first of them begins, and where one behind the last would.
    from: u64,
    to: u64,
    /// It has turned out that pages begin elsewhere than was thought.
    given_up: bool,
    /// The next page by cursor.
    coming: Option<Asked<R>>,
}

impl<R: Resource> Ahead<R> {
    pub(super) fn new(client: Arc<Client>) -> Self {
        Ahead {
            client,
            asked: FuturesOrdered::new(),
            from: 0,
            to: 0,
            given_up: false,
            coming: None,
        }
    }

    /// Nobody waits for those on their way any more.
    pub(super) fn forget(&mut self) {
        self.asked = FuturesOrdered::new();
        self.coming = None;
    }

    /// The page that begins at `start`. Those behind it are asked for as well, if it is known where they are.
    pub(super) async fn page(
        &mut self,
        query: &Query,
        start: u64,
        count: Option<u64>,
        layout: Option<PageLayout>,
    ) -> Result<Reply<Page<R>>, Error> {
        if !self.asked.is_empty() && self.from != start {
            self.forget();
            self.given_up = true;
        }
        if self.asked.is_empty() {
            (self.from, self.to) = (start, start);
            self.ask(query, count, 0);
        }
        let step = layout.map_or(0, |layout| layout.step);
        if let Some(PageLayout { step, last }) = layout.filter(|_| !self.given_up) {
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
            None => {
                self.client
                    .page(query, &PageStart::Index(start), count)
                    .await
            }
        }
    }

    fn ask(&mut self, query: &Query, count: Option<u64>, step: u64) {
        let asked = self.asked(query, PageStart::Index(self.to), count);
        self.asked.push_back(asked);
        self.to += step;
    }

    fn asked(&self, query: &Query, page_start: PageStart, count: Option<u64>) -> Asked<R> {
        let (client, query) = (Arc::clone(&self.client), query.clone());
        Asked(tokio::spawn(async move {
            client.page(&query, &page_start, count).await
        }))
    }

    /// The page that begins at `cursor`.
    pub(super) async fn page_at(
        &mut self,
        query: &Query,
        cursor: &Cursor,
        count: Option<u64>,
    ) -> Result<Reply<Page<R>>, Error> {
        match self.coming.take() {
            Some(coming) => coming.await,
            None => {
                let asked = self.asked(query, PageStart::Cursor(cursor.clone()), count);
                asked.await
            }
        }
    }

    /// Asks for the page at `cursor`, which will be the next.
    pub(super) fn expect(&mut self, query: &Query, cursor: &Cursor, count: Option<u64>) {
        self.coming = Some(self.asked(query, PageStart::Cursor(cursor.clone()), count));
    }

    /// By which way the node gives lists, as far as that is known.
    pub(super) fn first(&self) -> PageStart {
        self.client.paging.first()
    }

    /// Where a list begins by the other way, if a refusal may be about this one.
    pub(super) fn other(&self) -> Option<PageStart> {
        self.client.paging.other()
    }
}
