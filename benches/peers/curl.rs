//! `curl`, as a script would use it: one process, many transfers at once.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::support::people::Person;
use crate::support::{CONCURRENCY, Node, TOKEN, machine, per_second};

/// Tells its version, if the machine has it.
pub fn make_ready() -> Result<String, String> {
    let said = machine::said("curl", "--version").ok_or("this machine does not have it")?;
    // All the libraries that it is made of come behind.
    Ok(said.split(" (").next().unwrap_or_default().to_owned())
}

/// Sends so many creates; tells how many a second, from the start of the program to its end.
pub fn post(node: &Node, requests: usize, domain: &str, folder: &Path) -> f64 {
    let config = folder.join("curl.conf");
    write_config(node, requests, domain, &config).expect("a disk");
    let begun = Instant::now();
    let output = Command::new("curl")
        .args([
            "--silent",
            "--show-error",
            "--no-progress-meter",
            "--parallel",
        ])
        .args(["--parallel-max", &CONCURRENCY.to_string()])
        .arg("--config")
        .arg(&config)
        .stderr(Stdio::inherit())
        .output()
        .expect("it was started before");
    let took = begun.elapsed();
    let statuses = String::from_utf8_lossy(&output.stdout);
    let created = statuses.lines().filter(|status| *status == "201").count();
    assert_eq!(created, requests, "curl: {}", output.status);
    per_second(requests, took)
}

/// One transfer after the other, each with all its settings: `next` forgets them.
fn write_config(node: &Node, requests: usize, domain: &str, path: &Path) -> std::io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for i in 0..requests {
        let body = Person::new(i, domain).body().to_string();
        if i > 0 {
            writeln!(file, "next")?;
        }
        writeln!(file, "url = \"{}/Users\"", node.url())?;
        writeln!(file, "header = \"Authorization: Bearer {TOKEN}\"")?;
        writeln!(file, "header = \"Content-Type: application/scim+json\"")?;
        writeln!(file, "data = \"{}\"", body.replace('"', "\\\""))?;
        writeln!(file, "output = \"/dev/null\"")?;
        writeln!(file, "write-out = \"%{{http_code}}\\n\"")?;
    }
    file.flush()
}
