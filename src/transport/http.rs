//! The HTTP client as every call uses it.

use std::time::Duration;

use reqwest::redirect::Policy;
use url::Url;

use super::ca_certs::CaCerts;
use super::route::Route;
use super::trouble::Peer;

/// How long a connection that nothing goes over is kept. Servers close theirs after a minute or so, the hastiest after
/// five seconds; a call that leaves at that very moment is lost, and a create then has to be looked for.
const IDLE: Duration = Duration::from_secs(4);

/// After so long a silence an HTTP/2 connection with calls on their way is asked for a sign of life, and given up after
/// as long again: else all calls would go on waiting for one connection that something between has forgotten.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// What is in flight of one answer, and of all answers of an HTTP/2 connection together, before the node has to wait
/// until it was read (RFC 9113, section 5.2): whole pages of a list.
const WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 8 << 20;

/// What may be set of the HTTP client.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// The node's address.
    pub node: Url,
    /// How long a connection may take to be made, encryption and proxy included.
    pub connect_timeout: Duration,
    /// How long a whole call may take, answer included; one that asks for many things, longer.
    pub timeout: Duration,
    /// How many idle connections are kept: as many as calls may be in flight.
    pub connections: usize,
    /// The way to the node.
    pub route: Route,
    /// Whom to trust beside the platform's authorities.
    pub ca_certs: CaCerts,
    /// The version of HTTP.
    pub version: HttpVersion,
}

impl HttpOptions {
    /// The way most calls go: straight, patient for a minute, trusting whom the platform trusts.
    #[must_use]
    pub fn to(node: Url) -> Self {
        HttpOptions {
            node,
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_mins(1),
            connections: 8,
            route: Route::Straight,
            ca_certs: CaCerts::default(),
            version: HttpVersion::default(),
        }
    }
}

/// Which version of HTTP to speak.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    clap::ValueEnum,
    serde::Serialize,
    serde::Deserialize,
)]
pub enum HttpVersion {
    /// HTTP/2 where the node offers it, else HTTP/1.1
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// HTTP/1.1
    #[value(name = "1.1")]
    #[serde(rename = "1.1")]
    One,
}

/// An HTTP client, and how long it waits for an answer.
#[derive(Debug, Clone)]
pub struct Http {
    pub(super) client: reqwest::Client,
    pub(super) peer: Peer,
    timeout: Duration,
}

/// Why there is no HTTP client.
#[derive(Debug, thiserror::Error)]
pub enum NoHttp {
    /// The platform's list of certificate authorities is empty or not to be found.
    #[error(
        "this machine has no list of the certificate authorities that it trusts, so that no node can be told from an \
         impostor; install the package ca-certificates, or name a file with certificates by --ca-cert (or SSL_CERT_FILE)"
    )]
    NoAuthorities,
    /// Something else.
    #[error("no connection can be set up: {0}")]
    Other(String),
}

impl Http {
    /// How long a call that asks for so many things may take: the usual time for each hundred.
    pub(super) fn patience(&self, parts: usize) -> Duration {
        let hundreds = u32::try_from(parts.div_ceil(100)).unwrap_or(u32::MAX);
        self.timeout.saturating_mul(hundreds.max(1))
    }
}

/// A client that follows no redirect (the token goes to no host but the node's) and that never
/// sends anything twice on its own: that is for [`retry`](super::retry) to say.
///
/// # Errors
/// When TLS cannot be set up on this machine.
pub fn client(options: HttpOptions) -> Result<Http, NoHttp> {
    // Fails only if a provider is installed already, and then there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("headcount/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(options.connect_timeout)
        .pool_max_idle_per_host(options.connections)
        .pool_idle_timeout(IDLE)
        .http2_initial_stream_window_size(WINDOW)
        .http2_initial_connection_window_size(CONNECTION_WINDOW)
        .http2_keep_alive_interval(SIGN_OF_LIFE)
        .http2_keep_alive_timeout(SIGN_OF_LIFE)
        .tcp_nodelay(true)
        // Which proxy, if any, is decided: nothing more is to be looked for in the environment.
        .no_proxy();
    if options.version == HttpVersion::One {
        builder = builder.http1_only();
    }
    if let Route::Through(proxy) = &options.route {
        builder = builder.proxy(proxy.for_client().map_err(no_http)?);
    }
    let is_encrypted = options.node.scheme() == "https";
    builder = if is_encrypted {
        builder.tls_certs_merge(options.ca_certs.certificates())
    } else {
        // Nobody is asked who they are; a machine without authorities can still try things out.
        builder.tls_certs_only([])
    };
    Ok(Http {
        client: builder.build().map_err(no_http)?,
        peer: Peer::new(&options.node, options.route, options.connect_timeout),
        timeout: options.timeout,
    })
}

fn no_http(error: reqwest::Error) -> NoHttp {
    let mut cause: &dyn std::error::Error = &error.without_url();
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let said = cause.to_string();
    // The platform's verifier has no kind of its own for that.
    if said.contains("No CA certificates were loaded") {
        NoHttp::NoAuthorities
    } else {
        NoHttp::Other(said)
    }
}
