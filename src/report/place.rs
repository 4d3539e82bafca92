//! Where files with people in them are put, and who may read them.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::sheet::is_standard_input;

/// What happens to a file of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Former {
    /// It is replaced.
    Replace,
    /// It gets another name: it may be the only record of what an earlier run did.
    Keep,
}

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

/// The name that a file has until it is whole: `NAME.part`.
fn part_of(path: &Path) -> PathBuf {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    PathBuf::from(part)
}

/// Moves the file at `former` out of the way, to the first free of `NAME.1.csv`, `NAME.2.csv`, …
/// beside `path`.
fn keep(former: &Path, path: &Path) -> io::Result<PathBuf> {
    let stem = path.file_stem().unwrap_or_default();
    let ending = path.extension().unwrap_or_default();
    let mut number = 1_u32;
    loop {
        let mut name = stem.to_owned();
        name.push(format!(".{number}."));
        name.push(ending);
        let free = path.with_file_name(name);
        if !free.exists() {
            fs::rename(former, &free)?;
            return Ok(free);
        }
        number += 1;
    }
}

/// Opens `NAME.part` beside `path`, which is to get its name when it is whole. Only its owner may
/// read it, and only one process writes it.
///
/// With [`Former::Keep`], a part that an earlier run left behind when it was killed is kept, unless
/// nothing is in it; where to is told as well.
///
/// # Errors
/// When there cannot be a file of this name, or another process is writing it.
pub fn private_part(path: &Path, former: Former) -> io::Result<(PathBuf, File, Option<PathBuf>)> {
    if path.is_dir() {
        return Err(io::Error::new(
            io::ErrorKind::IsADirectory,
            "there is a folder of this name",
        ));
    }
    if is_stream(path) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is a device or a pipe, and would be replaced by a file",
        ));
    }
    let part = part_of(path);
    let mut kept = None;
    match File::open(&part) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
        Ok(left) => match left.try_lock() {
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::new(
                    io::ErrorKind::ResourceBusy,
                    "another run is writing it right now",
                ));
            }
            // A system without locks: take it for left behind.
            Ok(()) | Err(TryLockError::Error(_)) => match former {
                Former::Keep if left.metadata().is_ok_and(|about| about.len() > 0) => {
                    kept = Some(keep(&part, path)?);
                }
                Former::Keep | Former::Replace => fs::remove_file(&part)?,
            },
        },
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&part)?;
    // Held until the file is closed. Where there are no locks, two runs at once are not noticed.
    let _ = file.try_lock();
    Ok((part, file, kept))
}

/// Gives a part its name.
///
/// # Errors
/// When it cannot be renamed, or the former file not be kept.
pub fn complete(part: &Path, path: &Path, former: Former) -> io::Result<()> {
    if former == Former::Keep && path.is_file() {
        keep(path, path)?;
    }
    fs::rename(part, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_device_is_not_replaced_by_a_file() {
        let device = Path::new("/dev/null");
        assert!(is_stream(device));
        let refused = private_part(device, Former::Replace).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
        let dir = tempfile::tempdir().unwrap();
        assert!(!is_stream(dir.path()));
        assert!(!is_stream(&dir.path().join("none.csv")));
    }

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

    #[test]
    fn former_files_are_kept_and_so_is_what_a_killed_run_left() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("people.results.csv");
        for content in ["one", "two"] {
            let (part, _, kept) = private_part(&path, Former::Keep).unwrap();
            assert_eq!(kept, None);
            fs::write(&part, content).unwrap();
            complete(&part, &path, Former::Keep).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(
            fs::read_to_string(dir.path().join("people.results.1.csv")).unwrap(),
            "one"
        );

        fs::write(part_of(&path), "killed").unwrap();
        let (_, _, kept) = private_part(&path, Former::Keep).unwrap();
        assert_eq!(fs::read_to_string(kept.unwrap()).unwrap(), "killed");

        // Nothing is in the part that is open now: nobody would miss it.
        let (_, _, kept) = private_part(&path, Former::Keep).unwrap();
        assert_eq!(kept, None);
    }

    #[test]
    fn two_runs_do_not_write_the_same_results() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("people.results.csv");
        let first = private_part(&path, Former::Keep).unwrap();
        let second = private_part(&path, Former::Keep).unwrap_err();
        assert_eq!(second.kind(), io::ErrorKind::ResourceBusy);
        drop(first);
        assert!(private_part(&path, Former::Keep).is_ok());
    }
}
