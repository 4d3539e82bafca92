//! `oha`, a load generator: it repeats bytes and counts status codes, which is about as little as a client can do.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::support::people::Person;
use crate::support::{CONCURRENCY, Node, TOKEN, machine};

/// Figures are compared over months: the version is always the same.
const VERSION: &str = "1.16.0";

/// Bodies are drawn at random: of five times as many, few come twice.
const BODIES: usize = 5;

/// Installs it, unless it is there; tells its version.
pub fn make_ready() -> Result<String, String> {
    if let Some(version) = version() {
        return Ok(version);
    }
    eprintln!("installing oha {VERSION}; this takes some minutes");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let ended = Command::new(cargo)
        .args(["install", "--locked", "--quiet", "--version", VERSION])
        .arg("--root")
        .arg(crate::installed())
        .arg("oha")
        .status();
    match ended {
        Ok(status) if status.success() => version().ok_or_else(|| "it does not start".into()),
        Ok(status) => Err(format!("cargo install: {status}")),
        Err(error) => Err(format!("cargo cannot be started: {error}")),
    }
}

fn version() -> Option<String> {
    machine::said(program().to_str()?, "--version")
        .filter(|version| version.ends_with(&format!(" {VERSION}")))
}

fn program() -> PathBuf {
    crate::installed().join("bin/oha")
}

/// Sends so many creates; tells how many a second were answered.
pub fn post(node: &Node, requests: usize, domain: &str, folder: &Path) -> f64 {
    let bodies = folder.join("bodies.txt");
    let mut file = BufWriter::new(File::create(&bodies).expect("a file"));
    for i in 0..requests * BODIES {
        writeln!(file, "{}", Person::new(i, domain).body()).expect("a disk");
    }
    file.flush().expect("a disk");
    let summary = run(
        requests,
        CONCURRENCY,
        &[
            "-m".as_ref(),
            "POST".as_ref(),
            "-T".as_ref(),
            "application/scim+json".as_ref(),
            "-Z".as_ref(),
            bodies.as_os_str(),
            format!("{}/Users", node.url()).as_ref(),
        ],
    );
    // A tenth are people who came before. A node that refuses everything is fast, and no measure.
    let created = summary["statusCodeDistribution"]["201"].as_u64();
    assert!(
        created.unwrap_or(0) > requests as u64 * 8 / 10,
        "{summary:#}"
    );
    summary["summary"]["requestsPerSec"]
        .as_f64()
        .expect("oha tells it")
}

/// Fetches as many pages as there are addresses, each drawn from them at random; tells how long that took.
pub fn get(addresses: &[String], connections: usize, folder: &Path) -> Duration {
    let list = folder.join("pages.txt");
    std::fs::write(&list, addresses.join("\n")).expect("a disk");
    let summary = run(
        addresses.len(),
        connections,
        &["--urls-from-file".as_ref(), list.as_os_str()],
    );
    let fetched = summary["statusCodeDistribution"]["200"].as_u64();
    assert_eq!(fetched, Some(addresses.len() as u64), "{summary:#}");
    Duration::from_secs_f64(summary["summary"]["total"].as_f64().expect("oha tells it"))
}

/// What it says of requests that it has sent.
fn run(requests: usize, connections: usize, arguments: &[&OsStr]) -> Value {
    let output = Command::new(program())
        .args(["--no-tui", "--output-format", "json"])
        .args(["-n", &requests.to_string(), "-c", &connections.to_string()])
        .args(["-H", &format!("Authorization: Bearer {TOKEN}")])
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .expect("it was started before");
    serde_json::from_slice(&output.stdout).expect("oha prints JSON")
}
