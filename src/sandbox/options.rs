//! How a sandbox is set up.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde_json::{Value, json};

use super::faults::Faults;
use super::gzip::Gzip;
use super::paging::Paging;
use super::serve::BODY_LIMIT;
use super::throttle::Limits;
use super::tls::{Tls, Versions};

/// What kind of node to start. [`Options::default`] is a small, fast, faultless one.
#[derive(Clone)]
pub struct Options {
    /// Where to listen: a loopback address, port 0 for any free one.
    pub listen: SocketAddr,
    /// Its certificate, if it is reached over TLS; else plain HTTP/1.1.
    pub tls: Option<Tls>,
    /// The versions of HTTP that it offers over TLS.
    pub versions: Versions,
    /// The id of the node, as it stands in its address: letters, digits, `-` and `_`.
    pub node: String,
    /// The bearer token; `None` makes a random one.
    pub token: Option<String>,
    /// How many people the node holds at the start.
    pub users: usize,
    /// How many teams the node holds at the start; with any, there are two roles too.
    pub teams: usize,
    /// Licensed seats: how many user accounts the node can hold. `None` for no limit.
    pub seats: Option<usize>,
    /// The most resources a page of a listing holds.
    pub page_max: usize,
    /// By which way lists are given page by page.
    pub paging: Paging,
    /// Calls a second that are taken; more are answered with 429. `None` for no limit.
    pub rate: Option<u32>,
    /// What else is taken, by class of call.
    pub limits: Limits,
    /// Whether answers say what is left of these (`RateLimit`).
    pub tell_limits: bool,
    /// How long each call is held before it is carried out.
    pub latency: Duration,
    /// Which answers are packed.
    pub gzip: Gzip,
    /// Calls that go wrong.
    pub faults: Faults,
    /// Decides which calls meet a fault.
    pub seed: u64,
    /// A group whose name starts so is a role; empty for no roles.
    pub role_prefix: String,
    /// Whether bulk requests are taken (RFC 7644, section 3.7).
    pub bulk: Bulk,
    /// The most operations of a bulk request.
    pub bulk_max_operations: usize,
    /// The most bytes of a bulk request.
    pub bulk_max_payload: usize,
}

/// Whether a node takes bulk requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Bulk {
    /// It does, and says so
    Yes,
    /// It does not, and says so: there is nothing at `/Bulk` (404)
    #[default]
    No,
    /// It says so, but refuses each bulk request (501)
    Claimed,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            tls: None,
            versions: Versions::default(),
            node: "1234567890".into(),
            token: None,
            users: 120,
            teams: 8,
            seats: None,
            page_max: 1000,
            paging: Paging::default(),
            rate: None,
            limits: Limits::default(),
            tell_limits: false,
            latency: Duration::ZERO,
            gzip: Gzip::default(),
            faults: Faults::default(),
            seed: 0,
            role_prefix: "ROLE_".into(),
            bulk: Bulk::default(),
            bulk_max_operations: 1000,
            bulk_max_payload: 1 << 20,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("listen", &self.listen)
            .field("tls", &self.tls)
            .field("versions", &self.versions)
            .field("node", &self.node)
            .field("token", &self.token.as_ref().map(|_| "[hidden]"))
            .field("users", &self.users)
            .field("teams", &self.teams)
            .field("seats", &self.seats)
            .field("page_max", &self.page_max)
            .field("paging", &self.paging)
            .field("rate", &self.rate)
            .field("limits", &self.limits)
            .field("tell_limits", &self.tell_limits)
            .field("latency", &self.latency)
            .field("gzip", &self.gzip)
            .field("faults", &self.faults)
            .field("seed", &self.seed)
            .field("role_prefix", &self.role_prefix)
            .field("bulk", &self.bulk)
            .field("bulk_max_operations", &self.bulk_max_operations)
            .field("bulk_max_payload", &self.bulk_max_payload)
            .finish()
    }
}

impl Options {
    /// Refuses what no node can be started with.
    pub(super) fn check(&self) -> io::Result<()> {
        let refuse = |why: String| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        let address = self.listen.ip();
        if !address.is_loopback() {
            return refuse(format!(
                "the sandbox listens on loopback only, not on {address}: use 127.0.0.1 or [::1]"
            ));
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if self.node.is_empty() || !self.node.chars().all(allowed) {
            let node = &self.node;
            return refuse(format!(
                "{node:?} is not a node id: use letters, digits, - and _"
            ));
        }
        let printable =
            |token: &str| !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
        if !self.token.as_deref().is_none_or(printable) {
            return refuse("the sandbox's token must be printable ASCII without spaces".into());
        }
        if self.page_max == 0 {
            return refuse("a page of the sandbox must hold at least one resource".into());
        }
        if self.rate == Some(0) {
            return refuse("the sandbox must take at least one call a second".into());
        }
        if self.bulk_max_operations == 0 {
            return refuse("a bulk request to the sandbox must hold at least one operation".into());
        }
        if !(1..=BODY_LIMIT).contains(&self.bulk_max_payload) {
            return refuse(format!(
                "a bulk request to the sandbox must hold between 1 and {BODY_LIMIT} bytes"
            ));
        }
        Ok(())
    }
}

/// What the node offers of bulk requests.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offer {
    pub(super) bulk: Bulk,
    pub(super) max_operations: usize,
    pub(super) max_payload: usize,
}

impl Offer {
    pub(super) fn of(options: &Options) -> Self {
        Self {
            bulk: options.bulk,
            max_operations: options.bulk_max_operations,
            max_payload: options.bulk_max_payload,
        }
    }

    /// What the node says of it (RFC 7643, section 5).
    pub(super) fn described(&self) -> Value {
        let supported = self.bulk != Bulk::No;
        let limit = |limit| if supported { limit } else { 0 };
        json!({
            "supported": supported,
            "maxOperations": limit(self.max_operations),
            "maxPayloadSize": limit(self.max_payload),
        })
    }
}
