//! What benches share: a node in a process of its own.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The token of the node.
pub const TOKEN: &str = "bench";

/// How many calls are in flight.
pub const CONCURRENCY: usize = 32;

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
pub fn per_second(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

/// The sandbox in a process of its own, as a node would be.
pub struct Node {
    child: Child,
    pub url: String,
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
}

impl Drop for Node {
    fn drop(&mut self) {
        // It has nothing to lose.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
