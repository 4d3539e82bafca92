//! A Keeper-like node on loopback over real HTTP: for trying out, for tests, for benchmarks.
//!
//! ```text
//!  connection ──serve──▶ token, pace, latency, faults ──http──▶ operation ──store──▶ users, groups
//!                                   │                               │
//!                                 spoil ◀───────── answer ──────────┘
//! ```
//!
//! It does every operation on the provider's page, and what RFC 7643 and RFC 7644 say where the page is silent. It
//! is honest: an unknown path, a filter it cannot read or a member that does not exist is an error, never a quiet
//! success. Where the provider's behaviour is not published, the node takes this side:
//!
//! - DELETE of a user locks the account and keeps it, in listings too; DELETE of a group removes it.
//! - The email must be free in this node alone; one that is taken is 409, also by a locked account.
//! - PUT without `active` or `groups` leaves the lock and the memberships as they are.
//! - PATCH of a group with more members than a page holds is answered 204 unless the members are not asked for.
//! - A search by POST is answered 501: GET takes the same parameters.
//! - A page holds 100 resources when the client does not say. A cursor, where there are any, never expires.
//! - A bulk request, where the node takes them, is one call to the pace, the latency and the faults; seats and emails
//!   are checked operation by operation.
//!
//! It is a crate of its own and shares nothing with the program: if the program misread the protocol, a node built from the same
//! parts would misread it the same way, and no test would notice.
//!
//! What does not belong here: anything about spreadsheets, rows or runs, and any way to be reached from another
//! machine.

mod attribute;
mod bulk;
mod bulk_id;
mod bulk_request;
mod calls;
mod connection;
#[cfg(test)]
mod consistency;
mod corrupt;
mod discovery;
mod email;
mod error;
mod faults;
mod filter;
mod groups;
mod gzip;
mod held;
mod http;
mod json;
mod lexer;
mod listing;
mod matching;
mod node;
mod operation;
mod options;
mod paging;
mod params;
mod patch;
mod path;
mod projection;
mod resources;
mod seed;
mod serve;
mod snapshot;
mod store;
mod throttle;
mod tls;
mod users;
mod view;

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::sync::Arc;

use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub use calls::Calls;
pub use faults::{Faults, FaultsError};
pub use gzip::Gzip;
pub use options::{Bulk, Options};
pub use paging::Paging;
pub use snapshot::{GroupSnapshot, Snapshot, UserSnapshot};
pub use throttle::{Limits, LimitsError};
pub use tls::{Tls, Versions};

use calls::Counters;
use faults::FaultPicker;
use node::{Node, Shared};
use options::Offer;
use serve::Front;
use store::Store;
use throttle::Throttle;

/// A running node. Dropping it closes the node; [`Sandbox::stop`] also waits until it is closed.
pub struct Sandbox {
    base_url: String,
    authority: Option<String>,
    node: Shared,
    front: Arc<Front>,
    /// Dropped to stop.
    stop: oneshot::Sender<Infallible>,
    task: JoinHandle<()>,
}

impl Sandbox {
    /// Starts a node on the current runtime.
    ///
    /// # Errors
    /// The options make no sense (`InvalidInput`, with the reason: above all an address that is not loopback), or
    /// the address cannot be listened on.
    pub async fn start(options: Options) -> io::Result<Self> {
        options.check()?;
        let tls = options.tls.as_ref().map(|tls| tls.ready(options.versions));
        let (tls, authority, scheme) = match tls.transpose()? {
            Some(ready) => (Some(ready.acceptor), ready.authority, "https"),
            None => (None, None, "http"),
        };
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let prefix = format!("/api/rest/scim/v2/{}", options.node);
        let base_url = format!("{scheme}://{address}{prefix}");
        let node = node(&options, &base_url).await?;
        let front = Arc::new(Front {
            operations: TowerToHyperService::new(http::router(Arc::clone(&node), &prefix)),
            token: options.token.unwrap_or_else(random_token),
            prefix,
            throttle: Throttle::new(options.limits.and_rate(options.rate)),
            tells_limits: options.tell_limits,
            latency: options.latency,
            gzip: options.gzip,
            fault_picker: FaultPicker::new(options.faults, options.seed),
            counters: Counters::new(),
        });
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(serve::accept(listener, tls, Arc::clone(&front), stopped));
        tracing::debug!(%address, "the sandbox listens");
        Ok(Self {
            base_url,
            authority,
            node,
            front,
            stop,
            task,
        })
    }

    /// The node's address, without a slash at the end: `http://127.0.0.1:PORT/api/rest/scim/v2/NODE`, or with
    /// `https` if it is reached over TLS.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.base_url.clone()
    }

    /// The certificate (PEM) of the authority that was made for the node ([`Tls::Made`]): whoever trusts it trusts the
    /// node.
    #[must_use]
    pub fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    /// The bearer token that calls must carry.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.front.token
    }

    /// What the node holds now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(&self.node.read())
    }

    /// What the node has been asked so far.
    #[must_use]
    pub fn calls(&self) -> Calls {
        self.front.counters.read()
    }

    /// From here on these calls go wrong, instead of those that went wrong before.
    pub fn set_faults(&self, faults: Faults) {
        self.front.fault_picker.exchange(faults);
    }

    /// Stops listening and closes all connections, calls under way included.
    pub async fn stop(self) {
        drop(self.stop);
        // The task ends by itself now; it can only have failed by a panic, which has been reported already.
        let _ = self.task.await;
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox")
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

/// Makes the node with its people. A million of them take a second or two, so it is done off the runtime's threads.
async fn node(options: &Options, base_url: &str) -> io::Result<Shared> {
    let mut store = Store::new(base_url, &options.role_prefix, options.seats);
    let (users, teams) = (options.users, options.teams);
    let (role_prefix, page_max) = (options.role_prefix.clone(), options.page_max);
    let (paging, bulk) = (options.paging, Offer::of(options));
    let made = tokio::task::spawn_blocking(move || {
        seed::fill(&mut store, users, teams, &role_prefix);
        Arc::new(Node::new(store, page_max, paging, bulk))
    });
    made.await.map_err(io::Error::other)
}

/// A token nobody else on this machine can guess in the lifetime of a sandbox.
fn random_token() -> String {
    std::iter::repeat_with(fastrand::alphanumeric)
        .take(32)
        .collect()
}
