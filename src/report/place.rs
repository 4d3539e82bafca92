//! Where files with people in them are put, and who may read them.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Where the results of an input go: beside it, as `NAME.results.csv`.
#[must_use]
pub fn beside(input: &Path) -> PathBuf {
    let mut name = input
        .file_stem()
        .map_or_else(|| OsString::from("headcount"), OsString::from);
    name.push(".results.csv");
    input.with_file_name(name)
}

/// Moves a results file of an earlier run out of the way, to the first free `NAME.results.N.csv`:
/// it may be the only record of what that run did.
///
/// # Errors
/// When it cannot be moved.
pub fn keep_former(path: &Path) -> io::Result<Option<PathBuf>> {
    if !path.is_file() {
        return Ok(None);
    }
    let stem = path.file_stem().unwrap_or_default();
    let free = (1..).map(|number: u32| {
        let mut name = stem.to_owned();
        name.push(format!(".{number}.csv"));
        path.with_file_name(name)
    });
    for former in free {
        if !former.exists() {
            fs::rename(path, &former)?;
            return Ok(Some(former));
        }
    }
    Ok(None)
}

/// Opens `NAME.part` beside `path`, which is to be renamed when it is whole. Only its owner may
/// read it.
///
/// # Errors
/// When there cannot be a file of this name.
pub fn private_part(path: &Path) -> io::Result<(PathBuf, File)> {
    if path.is_dir() {
        return Err(io::Error::new(
            io::ErrorKind::IsADirectory,
            "there is a folder of this name",
        ));
    }
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    match fs::remove_file(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&part)?;
    Ok((part, file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_go_beside_the_input_and_never_over_it() {
        assert_eq!(
            beside(Path::new("hr/people.xlsx")),
            Path::new("hr/people.results.csv")
        );
        assert_eq!(
            beside(Path::new("people.results.csv")),
            Path::new("people.results.results.csv")
        );
    }

    #[test]
    fn former_results_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("people.results.csv");
        for content in ["one", "two"] {
            fs::write(&path, content).unwrap();
            keep_former(&path).unwrap();
            assert!(!path.exists());
        }
        assert_eq!(keep_former(&path).unwrap(), None);
        assert_eq!(
            fs::read_to_string(dir.path().join("people.results.1.csv")).unwrap(),
            "one"
        );
        assert_eq!(
            fs::read_to_string(dir.path().join("people.results.2.csv")).unwrap(),
            "two"
        );
    }
}
