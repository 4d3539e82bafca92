//! Where files with people in them are put: what they are called, and whether they are files.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::sheet::is_standard_input;

/// What everything that a run over an input writes is called, `NAME` of `NAME.results.csv`: the input without its
/// ending. What comes of results that are sent again is the input's `NAME.retry`, then `NAME.retry-2`, and so on.
#[must_use]
pub fn name_after(input: &Path) -> OsString {
    if is_standard_input(input) {
        return "stdin".into();
    }
    let stem = input.file_stem().unwrap_or_else(|| "headcount".as_ref());
    match stem.to_str().and_then(before_results) {
        Some(name) => next_try(name).into(),
        None => stem.to_owned(),
    }
}

/// The name before `.results`, or before `.results.1` and the like, which former results are kept as.
fn before_results(stem: &str) -> Option<&str> {
    let (unnumbered, number) = stem.rsplit_once('.')?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let stem = if is_number { unnumbered } else { stem };
    stem.strip_suffix(".results")
        .filter(|name| !name.is_empty())
}

/// What the next try is called after one of this name.
fn next_try(name: &str) -> String {
    let Some((first, tries)) = name.rsplit_once(".retry") else {
        return format!("{name}.retry");
    };
    let tries = match tries.strip_prefix('-') {
        None if tries.is_empty() => Some(1),
        Some(number) => number.parse::<u32>().ok(),
        None => None,
    };
    match tries.and_then(|tries| tries.checked_add(1)) {
        Some(next) => format!("{first}.retry-{next}"),
        None => format!("{name}.retry"),
    }
}

/// Where the results of an input go: beside it, as `NAME.results.csv`; those of standard input to the
/// current folder.
#[must_use]
pub fn beside(input: &Path) -> PathBuf {
    let mut name = name_after(input);
    name.push(".results.csv");
    if is_standard_input(input) {
        return PathBuf::from(name);
    }
    input.with_file_name(name)
}

/// Whether something of this name takes what is written to it without being a file: a pipe, or a device such as
/// `/dev/stdout`.
#[must_use]
pub fn is_stream(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|about| !about.is_file() && !about.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_go_beside_the_input_and_never_over_it() {
        let beside = |input: &str| beside(Path::new(input)).display().to_string();
        for (input, results) in [
            ("hr/people.xlsx", "hr/people.results.csv"),
            ("-", "stdin.results.csv"),
            // Sent again, and again.
            ("hr/people.results.csv", "hr/people.retry.results.csv"),
            ("people.results.xlsx", "people.retry.results.csv"),
            ("people.results.1.csv", "people.retry.results.csv"),
            ("people.retry.results.csv", "people.retry-2.results.csv"),
            ("people.retry-9.results.csv", "people.retry-10.results.csv"),
            ("people.undo.results.csv", "people.undo.retry.results.csv"),
            // A year is no number of a former file, and these are no results.
            ("people.2026.csv", "people.2026.results.csv"),
            ("people.retry.csv", "people.retry.results.csv"),
            ("results.csv", "results.results.csv"),
            (".results.csv", ".results.results.csv"),
            (
                "people.retry-x.results.csv",
                "people.retry-x.retry.results.csv",
            ),
        ] {
            assert_eq!(beside(input), results, "of {input}");
        }
    }
}
