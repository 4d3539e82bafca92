//! The figures of docs/performance.md, from whole runs of the real program over real HTTP.
//!
//! `cargo bench --bench whole_program` prints a table. Beside the program it runs the HTTP load
//! generator `oha` on the same POST, if it is installed (`cargo install oha`). With `-- --quick`
//! everything is smaller, for a look.

mod support;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use support::{CONCURRENCY, Node, TOKEN, per_second};

fn main() {
    let quick = std::env::args().any(|arg| arg == "--quick");
    let shrink = if quick { 20 } else { 1 };
    let folder = tempfile::tempdir().expect("a folder for the files");
    machine();
    throughput(folder.path(), 60_000 / shrink, if quick { 1 } else { 3 });
    rate(folder.path(), if quick { 100 } else { 1_000 });
    memory(folder.path(), &[10_000 / shrink, 1_000_000 / shrink]);
    export(folder.path(), 100_000 / shrink);
}

fn machine() {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!(
        "machine: {cores} cores,{}",
        model.trim_start().trim_start_matches(':')
    );
}

/// Rows a second without a limit, beside requests a second of a load generator, in turn.
fn throughput(folder: &Path, rows: usize, rounds: usize) {
    let node = Node::start(&["--users", "0"]);
    let bodies = folder.join("bodies.txt");
    let mut ratios = Vec::new();
    for round in 0..rounds {
        let file = people(folder, rows, &format!("round{round}"));
        let run = import(&node, &file, &[]);
        let ours = per_second(rows, run.wall);
        write_bodies(&bodies, rows, &format!("load{round}"));
        match load(&node, &bodies, rows) {
            Some(theirs) => {
                ratios.push(ours / theirs);
                println!(
                    "create: {ours:.0} rows/s, oha {theirs:.0} requests/s, ratio {:.2}",
                    ours / theirs
                );
            }
            None => println!("create: {ours:.0} rows/s (oha is not installed)"),
        }
    }
    ratios.sort_by(f64::total_cmp);
    if let Some(median) = ratios.get(ratios.len() / 2) {
        println!("create: median ratio {median:.2}");
    }
}

/// How exactly `--rate` is kept.
fn rate(folder: &Path, rows: usize) {
    let node = Node::start(&["--users", "0"]);
    let file = people(folder, rows, "rate");
    let run = import(&node, &file, &["--rate", "50"]);
    let ideal = per_second(rows, Duration::from_secs(1)) / 50.0;
    let off = (run.wall.as_secs_f64() / ideal - 1.0) * 100.0;
    println!(
        "--rate 50: {rows} rows in {:.2} s, {off:+.1} % of {ideal:.1} s",
        run.wall.as_secs_f64()
    );
}

/// Peak memory of the program for files of different sizes.
fn memory(folder: &Path, sizes: &[usize]) {
    let node = Node::start(&["--users", "0"]);
    for rows in sizes {
        let file = people(folder, *rows, &format!("memory{rows}"));
        let run = import(&node, &file, &[]);
        let mib = per_second(run.peak_kib, Duration::from_secs(1)) / 1024.0;
        println!(
            "memory: {rows} rows, peak {mib:.1} MiB, {:.0} rows/s",
            per_second(*rows, run.wall)
        );
    }
}

/// How fast all users come back, for the page sizes a node may grant.
fn export(folder: &Path, users: usize) {
    for page in ["100", "500", "1000"] {
        let node = Node::start(&["--users", &users.to_string(), "--page-max", page]);
        let file = folder.join(format!("export{page}.csv"));
        let run = headcount(&node, &["export", "users", "--quiet", "-o"], &file);
        let rows = csv::Reader::from_path(&file).map_or(0, |reader| reader.into_records().count());
        let mib = per_second(run.peak_kib, Duration::from_secs(1)) / 1024.0;
        println!(
            "export: {rows} of {users} users by pages of {page}, {:.0} users/s, peak {mib:.1} MiB",
            per_second(rows, run.wall)
        );
    }
}

struct Run {
    wall: Duration,
    peak_kib: usize,
}

fn import(node: &Node, file: &Path, flags: &[&str]) -> Run {
    let concurrency = CONCURRENCY.to_string();
    let mut arguments = vec!["import", "--quiet", "--concurrency", &concurrency];
    arguments.extend(flags);
    headcount(node, &arguments, file)
}

fn headcount(node: &Node, arguments: &[&str], file: &Path) -> Run {
    let begun = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_headcount"))
        .args(arguments)
        .arg(file)
        .env("HEADCOUNT_URL", &node.url)
        .env("HEADCOUNT_TOKEN", TOKEN)
        .env("HEADCOUNT_STATE_DIR", file.with_file_name("state"))
        .spawn()
        .expect("the program starts");
    let mut peak_kib = 0;
    let status = loop {
        peak_kib = peak_kib.max(peak(child.id()));
        if let Some(status) = child.try_wait().expect("the program ends") {
            break status;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    assert!(status.success(), "the run failed: {status}");
    Run {
        wall: begun.elapsed(),
        peak_kib,
    }
}

/// The high-water mark of a process's resident memory, in KiB; 0 where the system does not tell.
fn peak(process: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0)
}

fn load(node: &Node, bodies: &Path, requests: usize) -> Option<f64> {
    let output = Command::new("oha")
        .args([
            "--no-tui",
            "--output-format",
            "json",
            "-m",
            "POST",
            "-T",
            "application/scim+json",
        ])
        .args(["-n", &requests.to_string(), "-c", &CONCURRENCY.to_string()])
        .args(["-H", &format!("Authorization: Bearer {TOKEN}"), "-Z"])
        .arg(bodies)
        .arg(format!("{}/Users", node.url))
        .stderr(Stdio::inherit())
        .output()
        .ok()?;
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
    summary["summary"]["requestsPerSec"].as_f64()
}

fn people(folder: &Path, rows: usize, domain: &str) -> PathBuf {
    let path = folder.join(format!("{domain}.csv"));
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path).expect("a file"));
    writeln!(
        file,
        "Employee ID,First Name,Last Name,Work Email,Department,Teams"
    )
    .expect("a disk");
    for i in 0..rows {
        writeln!(
            file,
            "N{i},First{i},Last{i},first{i}.last{i}@{domain}.example,Somewhere,Sales"
        )
        .expect("a disk");
    }
    path
}

fn write_bodies(path: &Path, rows: usize, domain: &str) {
    // Taken at random: with five times as many, few come twice.
    let mut text = String::new();
    for i in 0..rows * 5 {
        let email = format!("first{i}.last{i}@{domain}.example");
        let body = serde_json::json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": email, "displayName": format!("First{i} Last{i}"), "externalId": format!("N{i}"),
            "name": {"givenName": format!("First{i}"), "familyName": format!("Last{i}")},
            "emails": [{"value": email, "primary": true}], "groups": [{"value": "611107205120001"}]
        });
        writeln!(text, "{body}").expect("a string grows");
    }
    std::fs::write(path, text).expect("a file");
}
