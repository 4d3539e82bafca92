//! Lists, page by page: what to ask for, and the call.

use reqwest::Method;

use super::client::{Client, LONGEST_PAGE, accept};
use super::error::Error;
use super::message::Page;
use super::page_start::PageStart;
use super::reply::Reply;
use super::resource::Resource;
use crate::transport::Idempotency;

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
        match self.page(query, &self.paging.first(), Some(count)).await {
            Err(Error::Refused(refusal)) if refusal.may_be_about_index() => {
                let refused = Error::Refused(refusal);
                match self.paging.other() {
                    Some(page_start) => {
                        let page = self.page(query, &page_start, Some(count)).await;
                        page.map_err(|_| refused)
                    }
                    None => Err(refused),
                }
            }
            page => page,
        }
    }

    /// `GET /Users` or `GET /Groups`: one page, from `page_start`, with `count` at the most, or as many as the node likes.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn page<R: Resource>(
        &self,
        query: &Query,
        page_start: &PageStart,
        count: Option<u64>,
    ) -> Result<Reply<Page<R>>, Error> {
        let mut call = self.call(Method::GET, &[R::ENDPOINT], Idempotency::Safe)?;
        call.longest_answer = LONGEST_PAGE;
        call.gzip = true;
        {
            let mut pairs = call.url.query_pairs_mut();
            if let Some(filter) = &query.filter {
                pairs.append_pair("filter", filter);
            }
            let (name, value) = page_start.parameter();
            pairs.append_pair(name, &value);
            if let Some(count) = count {
                pairs.append_pair("count", &count.to_string());
            }
            if let Some(excluded) = query.excluded {
                pairs.append_pair("excludedAttributes", excluded);
            }
        }
        let page = accept(self.transport.send(&call, Page::parse).await?)?;
        self.paging.came(page_start);
        Ok(page)
    }
}
