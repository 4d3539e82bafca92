//! What benches share: a node in a process of its own, the program, files for it, and the machine.
#![allow(dead_code, reason = "each bench uses the part that it needs")]

mod client;
pub mod machine;
pub mod people;
pub mod program;

use std::process::{Child, Command, Stdio};
use std::time::Duration;

#[allow(unused_imports, reason = "each bench uses the part that it needs")]
pub use client::{CONCURRENCY, TOKEN, client};

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
