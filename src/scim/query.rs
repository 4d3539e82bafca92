//! Lists, page by page: what to ask for, and the call.

use reqwest::Method;

use super::client::{Client, LONGEST_PAGE, accept};
use super::error::Error;
use super::message::Page;
use super::place::Place;
use super::reply::Reply;
use super::resource::Resource;
use crate::pace::Repeat;

/// What to list (RFC 7644, section 3.4.2).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// Only those that match.
    pub filter: Option<String>,
    /// Attributes that need not come.
    pub excluded: Option<&'static str>,
}

impl Client {
    /// `GET /Users` or `GET /Groups`: the first page, by whichever way the node takes, with `count` at the most.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn first<R: Resource>(
        &self,
        query: &Query,
        count: u64,
    ) -> Result<Reply<Page<R>>, Error> {
        match self.page(query, &self.ways.first(), Some(count)).await {
            Err(Error::Refused(refusal)) if refusal.may_be_about_index() => {
                let refused = Error::Refused(refusal);
                match self.ways.other() {
                    Some(place) => {
                        let page = self.page(query, &place, Some(count)).await;
                        page.map_err(|_| refused)
                    }
                    None => Err(refused),
                }
            }
            page => page,
        }
    }

    /// `GET /Users` or `GET /Groups`: one page, from `place`, with `count` at the most, or as many as the node likes.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn page<R: Resource>(
        &self,
        query: &Query,
        place: &Place,
        count: Option<u64>,
    ) -> Result<Reply<Page<R>>, Error> {
        let mut call = self.call(Method::GET, &[R::ENDPOINT], Repeat::Safe)?;
        call.longest_answer = LONGEST_PAGE;
        call.gzip = true;
        {
            let mut pairs = call.url.query_pairs_mut();
            if let Some(filter) = &query.filter {
                pairs.append_pair("filter", filter);
            }
            let (name, value) = place.parameter();
            pairs.append_pair(name, &value);
            if let Some(count) = count {
                pairs.append_pair("count", &count.to_string());
            }
            if let Some(excluded) = query.excluded {
                pairs.append_pair("excludedAttributes", excluded);
            }
        }
        let page = accept(self.line.send(&call, Page::parse).await?)?;
        self.ways.came(place);
        Ok(page)
    }
}
