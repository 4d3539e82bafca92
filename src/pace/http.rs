//! The HTTP client as every call uses it.

use std::time::Duration;

use reqwest::redirect::Policy;

/// What may be set of the HTTP client.
#[derive(Debug, Clone, Copy)]
pub struct HttpOptions {
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How long a whole call may take, answer included; one that asks for many things, longer.
    pub timeout: Duration,
    /// How many idle connections are kept: as many as calls may be in flight.
    pub connections: usize,
    /// Whether the node is on this machine: then no proxy is asked.
    pub loopback: bool,
}

/// An HTTP client, and how long it waits for an answer.
#[derive(Debug, Clone)]
pub struct Http {
    pub(super) client: reqwest::Client,
    timeout: Duration,
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
pub fn client(options: HttpOptions) -> reqwest::Result<Http> {
    // Fails only if a provider is installed already, and then there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        .user_agent(concat!("headcount/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(options.connect_timeout)
        .pool_max_idle_per_host(options.connections)
        .tcp_nodelay(true);
    let client = if options.loopback {
        builder.no_proxy()
    } else {
        builder
    }
    .build()?;
    Ok(Http {
        client,
        timeout: options.timeout,
    })
}
