//! What criterion has measured, as a table for documents: it keeps its figures in files.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use headcount::report::grouped;
use serde_json::Value;

/// A line for each benchmark measured since then, in the order in which they ended.
pub fn table(since: SystemTime) -> String {
    let mut measured = Vec::new();
    for group in folders(&home()) {
        for benchmark in folders(&group) {
            let figures = benchmark.join("new/estimates.json");
            let ended = fs::metadata(&figures).and_then(|about| about.modified());
            if let Ok(ended) = ended
                && ended >= since
                && let Some(line) = line(&benchmark.join("new/benchmark.json"), &figures)
            {
                measured.push((ended, line));
            }
        }
    }
    measured.sort();
    let lines: String = measured.into_iter().map(|(_, line)| line).collect();
    format!("| | a second | each takes |\n|---|---|---|\n{lines}")
}

/// Medians.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures for people"
)]
fn line(about: &Path, figures: &Path) -> Option<String> {
    let about = json(about)?;
    let name = about["full_id"].as_str()?.replacen('/', ": ", 1);
    let elements = about["throughput"]["Elements"].as_u64()?;
    let nanoseconds = json(figures)?["median"]["point_estimate"].as_f64()?;
    let each = nanoseconds / elements as f64;
    let a_second = grouped((1e9 / each) as u64);
    Some(format!("| {name} | {a_second} | {:.2} µs |\n", each / 1e3))
}

fn json(path: &Path) -> Option<Value> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths.filter(|path| path.is_dir()).collect()
}

/// Where criterion keeps its figures.
fn home() -> PathBuf {
    let told = std::env::var_os("CRITERION_HOME").map(PathBuf::from);
    told.unwrap_or_else(|| {
        let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
        let usual = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
        target.unwrap_or_else(usual).join("criterion")
    })
}
