//! What benches share: a node in a process of its own, the program, files for it, and the machine.
#![allow(dead_code, reason = "each bench uses the part that it needs")]

pub mod machine;
pub mod measured;
pub mod people;
pub mod program;

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use headcount::scim::Client;
use headcount::transport::{self, HttpOptions, Pace, Transport};
use secrecy::SecretString;

/// The token of the node.
pub const TOKEN: &str = "bench";

/// How many calls are in flight.
pub const CONCURRENCY: usize = 32;

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
pub fn per_second(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

/// The one in the middle; of an even number, the larger of the two.
pub fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// The sandbox in a process of its own, as a node would be.
pub struct Node {
    child: Child,
    url: String,
}

impl Node {
    pub fn start(flags: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_headcount"))
            .arg("sandbox")
            .args(flags)
            .env("HEADCOUNT_SANDBOX_TOKEN", TOKEN)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the sandbox starts");
        let mut url = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut url)
            .expect("it tells its address");
        Node {
            child,
            url: url.trim().to_owned(),
        }
    }

    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It has nothing to lose.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

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
