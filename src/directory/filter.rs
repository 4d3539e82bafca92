//! People asked for by `filter=userName eq "…"` (RFC 7644, section 3.4.2.2), as far as the node's
//! answers can be believed.

use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::Mutex;
use tracing::info;

use super::account_lookup::{AccountLookup, is_called};
use crate::roster::Email;
use crate::scim::{Client, Error, Page, Query, Reply, User, equals};

/// Nothing is known yet.
const UNKNOWN: u8 = 0;
/// A hit and a miss both mean what they say.
const FULL: u8 = 1;
/// Filters are ignored, refused, or miss people: only a list tells.
const NONE: u8 = 2;

/// How far the node's answers to `filter=userName eq "…"` can be believed.
#[derive(Debug, Default)]
pub(super) struct FilterCapability {
    capability: AtomicU8,
    /// One at a time finds out.
    probe: Mutex<()>,
}

/// What the answer to a filter shows.
enum Filtered {
    Found(AccountLookup),
    /// An empty list.
    Missed,
    /// The node refused the filter or answered with others than asked for.
    Ignored,
}

impl FilterCapability {
    /// Asks with a filter; nothing where filters are not to be believed.
    pub(super) async fn ask(
        &self,
        client: &Client,
        email: &Email,
    ) -> Result<Option<Reply<AccountLookup>>, Error> {
        if self.may_be_believed() {
            let (reply, filtered) = filtered(client, email.as_str(), email).await?;
            match filtered {
                Filtered::Found(lookup) => return Ok(Some(reply.map(|()| lookup))),
                Filtered::Missed if self.misses_are_true(client).await? => {
                    return Ok(Some(reply.map(|()| AccountLookup::NotFound)));
                }
                Filtered::Missed | Filtered::Ignored => self.distrust(),
            }
        }
        Ok(None)
    }

    /// Whether filters may be believed, as far as is known.
    pub(super) fn may_be_believed(&self) -> bool {
        self.get() != NONE
    }

    fn distrust(&self) {
        if self.may_be_believed() {
            info!("the node does not find people by userName; listing everyone instead");
            self.set(NONE);
        }
    }

    /// An empty answer can mean that the node compares upper and lower case, or does not know the
    /// attribute. Once a run, somebody who is there is asked for in the other case.
    async fn misses_are_true(&self, client: &Client) -> Result<bool, Error> {
        let _one_at_a_time = self.probe.lock().await;
        if self.get() == UNKNOWN {
            let works = probe(client).await?;
            self.set(if works { FULL } else { NONE });
        }
        Ok(self.get() == FULL)
    }

    fn get(&self) -> u8 {
        self.capability.load(Ordering::Relaxed)
    }

    fn set(&self, capability: u8) {
        self.capability.store(capability, Ordering::Relaxed);
    }
}

/// Asks with a filter. A server that ignores it answers with everyone: what comes back is
/// checked before it is believed.
async fn filtered(
    client: &Client,
    asked: &str,
    wanted: &Email,
) -> Result<(Reply<()>, Filtered), Error> {
    let query = Query {
        filter: Some(equals("userName", asked)),
        ..Query::default()
    };
    // Two are enough to see whether the node sends anyone else.
    let reply = match client.first::<User>(&query, 2).await {
        Ok(reply) => reply,
        Err(error) if error.may_be_about_filter() => {
            let status = error.status().unwrap_or_default();
            return Ok((nothing(status), Filtered::Ignored));
        }
        Err(error) => return Err(error),
    };
    let (reply, page) = reply.split();
    let Page {
        total,
        resources,
        next,
    } = page;
    // A node that pages by cursor may have looked through a part of its accounts only.
    let nobody = resources.is_empty() && next.is_none();
    let matching: Vec<User> = resources
        .into_iter()
        .filter(|user| is_called(user, wanted))
        .collect();
    let filtered = match AccountLookup::among(matching, wanted) {
        AccountLookup::NotFound if nobody && total.unwrap_or(0) == 0 => Filtered::Missed,
        AccountLookup::NotFound => Filtered::Ignored,
        lookup => Filtered::Found(lookup),
    };
    Ok((reply, filtered))
}

/// Whether the node finds somebody who is there by their address in the other case.
async fn probe(client: &Client) -> Result<bool, Error> {
    let page = client.first::<User>(&Query::default(), 1).await?.value;
    let Some(known) = page.resources.iter().find_map(User::user_name) else {
        // An empty node: every miss is true.
        return Ok(page.next.is_none() && page.total.unwrap_or(0) == 0);
    };
    let Ok(email) = Email::try_from(known) else {
        return Ok(false);
    };
    let (_, filtered) = filtered(client, &other_case(known), &email).await?;
    Ok(matches!(filtered, Filtered::Found(_)))
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

/// The reply of a question that was not one call.
pub(super) fn nothing(status: u16) -> Reply<()> {
    Reply {
        status,
        attempts: 1,
        doubtful: false,
        put_off: false,
        date: None,
        value: (),
    }
}
