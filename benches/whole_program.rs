//! What whole runs of the real program cost, over real HTTP: how a rate is kept, memory, pages of an export.
//!
//! `cargo bench --bench whole_program` prints the figures of docs/performance.md; with `-- --quick` everything is
//! smaller, for a look. How fast the program is beside others is for the bench `peers`.

mod support;

use std::path::Path;
use std::time::Duration;

use support::{Node, machine, people, per_second, program};

fn main() {
    let quick = std::env::args().any(|arg| arg == "--quick");
    let shrink = if quick { 20 } else { 1 };
    let folder = tempfile::tempdir().expect("a folder for the files");
    println!("{}\n", machine::facts());
    rate(folder.path(), if quick { 100 } else { 1_000 });
    memory(folder.path(), &[10_000 / shrink, 1_000_000 / shrink]);
    export(folder.path(), 100_000 / shrink);
}

/// How exactly `--rate` is kept.
fn rate(folder: &Path, rows: usize) {
    let node = Node::start(&["--users", "0"]);
    let file = people::spreadsheet(folder, rows, "rate");
    let run = program::import(&node, &file, &["--rate", "50"]);
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
        let file = people::spreadsheet(folder, *rows, &format!("memory{rows}"));
        let run = program::import(&node, &file, &[]);
        println!(
            "memory: {rows} rows, peak {:.1} MiB, {:.0} rows/s",
            run.peak_mib(),
            per_second(*rows, run.wall)
        );
    }
}

/// How fast all users come back, for the page sizes a node may grant.
fn export(folder: &Path, users: usize) {
    for page in ["100", "500", "1000"] {
        let node = Node::start(&["--users", &users.to_string(), "--page-max", page]);
        let file = folder.join(format!("export{page}.csv"));
        let run = program::export(&node, &file);
        let rows = csv::Reader::from_path(&file).map_or(0, |reader| reader.into_records().count());
        println!(
            "export: {rows} of {users} users by pages of {page}, {:.0} users/s, peak {:.1} MiB",
            per_second(rows, run.wall),
            run.peak_mib()
        );
    }
}
