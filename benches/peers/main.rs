//! How the program does beside others that send the same calls to the same node.
//!
//! `cargo bench --bench peers` prints the tables of docs/performance.md; with `-- --quick` everything is smaller, for a
//! look. It installs what it needs below `target`: the load generator `oha`, and Commander, the provider's own
//! client (with `tests/interop/set-up-clients`); `curl` is the machine's. What cannot be had is left out, and
//! that is said.
//!
//! Everything runs against the sandbox in a process of its own, a new one for each program and round, one program
//! after the other. Machines are busy with other things as well, so programs take turns, and what counts is
//! the median of the ratios of each round.

mod commander;
mod create;
mod curl;
mod export;
mod oha;
#[path = "../../tests/interop/clients/python.rs"]
mod python;
#[path = "../support/mod.rs"]
mod support;
mod table;

use std::path::PathBuf;

use create::{Creates, Takes, Who};
use support::machine;

fn main() {
    let quick = std::env::args().any(|arg| arg == "--quick");
    // Smaller still, and the start of each program would be all that is measured.
    let (shrink, rounds) = if quick { (6, 1) } else { (1, 3) };
    let folder = tempfile::tempdir().expect("a folder for the files");
    let folder = folder.path();
    let mut there = Vec::new();
    let mut said = Vec::new();
    for who in Who::ALL {
        match who.make_ready() {
            Ok(version) => {
                there.push(who);
                said.push(version);
            }
            Err(why) => said.push(format!("{} is left out: {why}", who.name())),
        }
    }
    println!("{}\n\n{}", machine::facts(), said.join("; "));
    for creates in [
        Creates {
            title: "Creating on a node that answers at once",
            takes: Takes::AtOnce,
            rows: 60_000 / shrink,
            goals: &[(Who::Oha, 0.7), (Who::Commander, 40.0)],
        },
        Creates {
            title: "Creating on a node that takes 50 ms for a call",
            takes: Takes::After(50),
            rows: 12_800 / shrink,
            goals: &[],
        },
        Creates {
            title: "Creating on a node that takes bulk requests, which headcount sends and the others do not",
            takes: Takes::InBulk,
            rows: 60_000 / shrink,
            goals: &[(Who::Oha, 0.7), (Who::Commander, 40.0)],
        },
    ] {
        creates.compare(&there, folder, rounds);
    }
    let oha = there.contains(&Who::Oha);
    export::compare(100_000, oha, folder, rounds);
    if !quick {
        export::compare(1_000_000, oha, folder, rounds);
    }
}

/// Where programs are installed.
fn installed() -> PathBuf {
    // It ends in a folder of its own for temporary files.
    let mut target = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    target.pop();
    target.join("peers")
}
