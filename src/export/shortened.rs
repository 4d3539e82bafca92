//! A list that the node is asked to shorten by a filter, as far as it does that.

use std::sync::Arc;

use tracing::info;

use crate::scim::{Client, Error, Listing, Overlap, Query, Resource};

/// A list, page by page. Where the node refuses the filter, or answers with nobody, everything is
/// read: that nobody matches is only believed when everyone was looked at.
#[derive(Debug)]
pub(super) struct Shortened<'c, R> {
    client: &'c Arc<Client>,
    listing: Listing<R>,
    /// What to ask for without the filter; nothing once that is what is asked for.
    whole: Option<Query>,
    came: bool,
}

impl<'c, R: Resource + 'c> Shortened<'c, R> {
    pub(super) fn new(client: &'c Arc<Client>, query: Query) -> Self {
        let whole = query.filter.is_some().then(|| Query {
            filter: None,
            ..query.clone()
        });
        Shortened {
            client,
            listing: Listing::new(client, query, Overlap::One),
            whole,
            came: false,
        }
    }

    /// How many there are, as far as the node says.
    pub(super) fn total(&self) -> Option<u64> {
        self.listing.total()
    }

    /// The next ones; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<R>>, Error> {
        let page = self.listing.next().await;
        let useless = match &page {
            Ok(page) => page.is_none(),
            Err(error) => error.may_be_about_filter(),
        };
        self.came |= matches!(page, Ok(Some(_)));
        match self.whole.take() {
            Some(query) if useless && !self.came => {
                info!("the node does not help with the filter; reading everything");
                self.listing = Listing::new(self.client, query, Overlap::One);
                let page = self.listing.next().await;
                self.came |= matches!(page, Ok(Some(_)));
                page
            }
            whole => {
                self.whole = whole;
                page
            }
        }
    }
}
