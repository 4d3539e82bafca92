//! The HTTP client as every call uses it.

use std::time::Duration;

use reqwest::Client;
use reqwest::redirect::Policy;

/// What may be set of the HTTP client.
#[derive(Debug, Clone, Copy)]
pub struct HttpOptions {
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How long a whole call may take, answer included.
    pub timeout: Duration,
    /// How many idle connections are kept: as many as calls may be in flight.
    pub connections: usize,
    /// Whether the node is on this machine: then no proxy is asked.
    pub loopback: bool,
}

/// A client that follows no redirect (the token goes to no host but the node's) and that never
/// sends anything twice on its own: that is for [`retry`](super::retry) to say.
///
/// # Errors
/// When TLS cannot be set up on this machine.
pub fn client(options: HttpOptions) -> reqwest::Result<Client> {
    // Fails only if a provider is installed already, and then there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .user_agent(concat!("headcount/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(options.connect_timeout)
        .timeout(options.timeout)
        .pool_max_idle_per_host(options.connections)
        .tcp_nodelay(true);
    if options.loopback {
        builder.no_proxy()
    } else {
        builder
    }
    .build()
}
