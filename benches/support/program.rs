//! The real program, run to its end.

use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::{CONCURRENCY, Node, TOKEN};

/// How often a process is asked for its memory. What it tells is the most so far, so little is missed.
const LOOK: Duration = Duration::from_millis(10);

/// What a run took.
pub struct Run {
    /// From the start of the program to its end.
    pub wall: Duration,
    /// The most resident memory; 0 where the system does not tell.
    pub peak_kib: usize,
}

impl Run {
    pub fn peak_mib(&self) -> f64 {
        super::per_second(self.peak_kib, Duration::from_secs(1)) / 1024.0
    }
}

/// Imports a spreadsheet, with as many calls in flight as every bench has.
pub fn import(node: &Node, file: &Path, flags: &[&str]) -> Run {
    let concurrency = CONCURRENCY.to_string();
    let mut arguments = vec!["import", "--quiet", "--concurrency", &concurrency];
    arguments.extend(flags);
    headcount(node, &arguments, file)
}

/// Exports everybody into a file.
pub fn export(node: &Node, file: &Path) -> Run {
    headcount(node, &["export", "users", "--quiet", "-o"], file)
}

fn headcount(node: &Node, arguments: &[&str], file: &Path) -> Run {
    let begun = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_headcount"))
        .args(arguments)
        .arg(file)
        .env("HEADCOUNT_URL", node.url())
        .env("HEADCOUNT_TOKEN", TOKEN)
        .env("HEADCOUNT_STATE_DIR", file.with_file_name("state"))
        .spawn()
        .expect("the program starts");
    let process = child.id();
    let (running, ended) = channel::<()>();
    let watch = std::thread::spawn(move || {
        let mut most = 0;
        while ended.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
            most = most.max(peak(process));
        }
        most
    });
    let status = child.wait().expect("the program ends");
    let wall = begun.elapsed();
    drop(running);
    let peak_kib = watch.join().expect("it only reads");
    assert!(status.success(), "headcount {arguments:?}: {status}");
    Run { wall, peak_kib }
}

/// The high-water mark of a process's resident memory, in KiB.
fn peak(process: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0)
}
