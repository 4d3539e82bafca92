//! The table of calls in docs/performance.md: what whole runs send, beside the fewest calls that
//! could do the job.
//!
//! `cargo bench --bench calls` prints it. The calls are counted by the sandbox.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use headcount::report::grouped;
use headcount::sandbox::{Bulk, Options, Sandbox};

const PAGE: usize = 1_000;

/// A job and the calls that it cannot do without.
struct Job {
    name: &'static str,
    /// People on the node.
    users: usize,
    /// Whether the node takes bulk requests, of up to 1,000 operations.
    bulk: Bulk,
    /// The file, from the emails of those people.
    file: fn(&[String]) -> String,
    flags: &'static [&'static str],
    bound: u64,
    /// How the bound comes about.
    why: &'static str,
}

const JOBS: [Job; 7] = [
    Job {
        name: "10,000 creates, 3 teams each",
        users: 0,
        bulk: Bulk::No,
        file: new_people,
        flags: &[],
        bound: 1 + 1 + 10_000,
        why: "1 page of teams, 10,000 POST",
    },
    Job {
        name: "10,000 existing people into 3 teams",
        users: 12_000,
        bulk: Bulk::No,
        file: |people| {
            let rows = people[2_000..].iter();
            table(
                "email,teams",
                rows.map(|email| format!("{email},North;South;West\n")),
            )
        },
        flags: &["--action", "add-teams"],
        bound: 1 + 1 + 12 + 300,
        why: "1 page of teams, 12 of people, 300 PATCH of 100",
    },
    Job {
        name: "1,000 locks on a node of 100,000",
        users: 100_000,
        bulk: Bulk::No,
        file: |people| {
            table(
                "email",
                people[..1_000].iter().map(|email| format!("{email}\n")),
            )
        },
        flags: &["--action", "lock", "--yes", "--allow-locks", "1000"],
        bound: 1 + 100 + 1_000,
        why: "100 pages of people, fewer than 1,000 questions; 1,000 PATCH",
    },
    Job {
        name: "1,000 locks on a node of 800",
        users: 800,
        bulk: Bulk::No,
        file: leavers,
        flags: &["--action", "lock", "--yes", "--allow-locks", "1000"],
        bound: 1 + 1 + 800,
        why: "1 page of people, 800 PATCH; 200 are not there",
    },
    Job {
        name: "5,000 updates, 4,000 of them so already",
        users: 5_000,
        bulk: Bulk::No,
        file: |people| {
            let rows = people.iter().enumerate();
            table(
                "email,external_id",
                rows.map(|(i, email)| match i % 5 {
                    0 => format!("{email},changed{i}\n"),
                    _ => format!("{email},\n"),
                }),
            )
        },
        flags: &["--action", "update"],
        bound: 1 + 5 + 1_000,
        why: "5 pages of people, 1,000 PATCH",
    },
    Job {
        name: "10,000 creates, 3 teams each, in bulk requests",
        users: 0,
        bulk: Bulk::Yes,
        file: new_people,
        flags: &[],
        bound: 1 + 1 + 10,
        why: "1 page of teams, 10 POST of 1,000",
    },
    Job {
        name: "1,000 locks on a node of 800, in bulk requests",
        users: 800,
        bulk: Bulk::Yes,
        file: leavers,
        flags: &["--action", "lock", "--yes", "--allow-locks", "1000"],
        bound: 1 + 1 + 1,
        why: "1 page of people, 1 POST of 800; 200 are not there",
    },
];

/// Whether the node takes bulk requests is asked once in each job.
const ASKED: &str = "1 question about bulk";

fn new_people(_: &[String]) -> String {
    let rows = (0..10_000).map(|i| format!("p{i}@example.com,Sales;Legal;Finance\n"));
    table("email,teams", rows)
}

/// Everybody, and 200 who are not there.
fn leavers(people: &[String]) -> String {
    let others = (0..200).map(|i| format!("nobody{i}@example.com\n"));
    let rows = people.iter().map(|email| format!("{email}\n"));
    table("email", rows.chain(others))
}

fn table(header: &str, rows: impl Iterator<Item = String>) -> String {
    rows.fold(format!("{header}\n"), |text, row| text + &row)
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
    let folder = tempfile::tempdir().expect("a folder for the files");
    let mut report = String::from("| job | calls | bound | made up of |\n|---|---|---|---|\n");
    for job in &JOBS {
        let calls = run(&runtime, folder.path(), job);
        let (calls, bound) = (grouped(calls), grouped(job.bound));
        let (name, why) = (job.name, job.why);
        writeln!(report, "| {name} | {calls} | {bound} | {ASKED}, {why} |")
            .expect("a string grows");
    }
    print!("{report}");
}

fn run(runtime: &tokio::runtime::Runtime, folder: &Path, job: &Job) -> u64 {
    let options = Options {
        users: job.users,
        page_max: PAGE,
        bulk: job.bulk,
        ..Options::default()
    };
    let node = runtime
        .block_on(Sandbox::start(options))
        .expect("the sandbox starts");
    let users = node.snapshot().users;
    // Those who are locked already would save a call.
    let (active, locked): (Vec<_>, Vec<_>) = users.into_iter().partition(|user| user.active);
    let headcount = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_headcount"))
            .args(arguments)
            .current_dir(folder)
            .env("HEADCOUNT_URL", node.base_url())
            .env("HEADCOUNT_TOKEN", node.token())
            .env("HEADCOUNT_STATE_DIR", folder.join("state"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("the program starts")
    };
    let mut emails: Vec<String> = active.into_iter().map(|user| user.user_name).collect();
    if !locked.is_empty() {
        let list = table(
            "email",
            locked.iter().map(|user| format!("{}\n", user.user_name)),
        );
        std::fs::write(folder.join("unlock.csv"), list).expect("a disk");
        headcount(&["unlock", "unlock.csv"]);
        emails.extend(locked.into_iter().map(|user| user.user_name));
    }
    for team in ["North", "South", "West"] {
        let group = serde_json::json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": team
        });
        headcount(&["request", "POST", "/Groups", "--data", &group.to_string()]);
    }
    std::fs::write(folder.join("people.csv"), (job.file)(&emails)).expect("a disk");
    let before = node.calls().total();
    let mut arguments = vec!["import", "people.csv", "--quiet"];
    arguments.extend(job.flags);
    headcount(&arguments);
    node.calls().total() - before
}
