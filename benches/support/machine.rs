//! The machine that figures come from: without it they say nothing.

use std::fs;
use std::process::Command;

/// Processor, cores, memory, kernel and compiler, and how busy the machine is, in one line.
pub fn facts() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let processor =
        value("/proc/cpuinfo", "model name").unwrap_or_else(|| "processor unknown".into());
    let memory = value("/proc/meminfo", "MemTotal")
        .and_then(|size| size.trim_end_matches(" kB").parse::<u64>().ok())
        .map_or_else(
            || "memory unknown".into(),
            |kib| format!("{} GiB", kib >> 20),
        );
    let kernel = first_word("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = first_word("/proc/loadavg").unwrap_or_else(|| "unknown".into());
    let compiler = said("rustc", "--version").unwrap_or_else(|| "rustc unknown".into());
    format!(
        "{processor}, {cores} cores, {memory}, {} {kernel}, {compiler}; load average {load} before it began",
        std::env::consts::OS
    )
}

/// The first line that a program says when it is asked with this flag; nothing if it is not there.
pub fn said(program: &str, flag: &str) -> Option<String> {
    let output = Command::new(program).arg(flag).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then_some(())?;
    text.lines().next().map(str::to_owned)
}

/// What stands behind a name and a colon.
fn value(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn first_word(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.split_whitespace().next().map(str::to_owned)
}
