//! The library as a client of a node.

use std::sync::Arc;

use headcount::scim::Client;
use headcount::transport::{self, HttpOptions, Pace, Transport};
use secrecy::SecretString;

/// The token of the node.
pub const TOKEN: &str = "bench";

/// How many calls are in flight.
pub const CONCURRENCY: usize = 32;

/// The client of the library, for the node at `url`.
pub fn client(url: &str, pace: Arc<Pace>) -> Arc<Client> {
    let url: url::Url = url.parse().expect("an address");
    let http = transport::client(HttpOptions {
        connections: CONCURRENCY,
        ..HttpOptions::to(url.clone())
    });
    let token = SecretString::from(TOKEN);
    let transport = Transport::new(http.expect("a client"), &token, pace).expect("a token");
    Arc::new(Client::new(transport, url))
}
