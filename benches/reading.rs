//! How fast rows come out of a file, beside the plain csv crate over the same file:
//! `cargo bench --bench reading [-- ROWS]`.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Instant;

use headcount::sheet::{Original, Reading, Snapshot};

/// How often each way is taken; the fastest counts.
const TIMES: usize = 5;

fn main() {
    let rows = std::env::args()
        .skip(1)
        .find_map(|arg| arg.parse().ok())
        .unwrap_or(500_000);
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let path = folder.path().join("people.csv");
    let text = text(rows);
    fs::write(&path, &text).expect("room for the file");
    #[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
    let size = text.len() as f64 / 1e6;
    println!("{rows} rows, {size:.1} MB");

    let plain = fastest(|| plain(&path));
    let original = Original::take(&path).expect("a copy");
    let snapshot =
        || Snapshot::of(original.clone(), &Reading::default(), &|_| 1).expect("a header");
    let settled = snapshot();
    let ours = fastest(|| {
        settled
            .open()
            .expect("the copy")
            .map(Result::unwrap)
            .count()
    });
    let copied = fastest(|| {
        Original::take(&path).expect("a copy");
        rows
    });
    println!("plain csv crate    {:8.1} MB/s", size / plain);
    println!(
        "rows of a snapshot {:8.1} MB/s, {:.2} of plain",
        size / ours,
        plain / ours
    );
    println!("copy and SHA-256   {:8.1} MB/s", size / copied);
}

/// The same work with nothing but the csv crate: a record of its own for each row.
fn plain(path: &Path) -> usize {
    let file = io::BufReader::with_capacity(64 << 10, fs::File::open(path).expect("the file"));
    let reader = csv::ReaderBuilder::new()
        .flexible(true)
        .buffer_capacity(64 << 10)
        .from_reader(file);
    reader.into_records().map(Result::unwrap).count()
}

/// In seconds.
fn fastest(mut way: impl FnMut() -> usize) -> f64 {
    let mut best = f64::MAX;
    let mut counts = Vec::new();
    for _ in 0..TIMES {
        let begun = Instant::now();
        counts.push(way());
        best = best.min(begun.elapsed().as_secs_f64());
    }
    assert!(counts.iter().all(|count| *count == counts[0]), "{counts:?}");
    best
}

fn text(rows: usize) -> String {
    let mut text = String::from("email,first_name,last_name,employee_id,teams,office\n");
    for row in 0..rows {
        let _ = writeln!(
            text,
            "person.{row}@example.com,Jürgen,\"Lee, No {row}\",{row:07},Sales;Legal,London"
        );
    }
    text
}
