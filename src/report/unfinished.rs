//! Files with people in them while they are written: under another name until they are whole, and read by their owner
//! only. A link stays a link: what is written goes to where it points.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::place::is_stream;
use crate::links::followed;

/// What happens to a file of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Former {
    /// It is replaced.
    Replace,
    /// It gets another name: it may be the only record of what an earlier run did.
    Keep,
}

/// A file that is being written. Until it is whole it is called `NAME.part`.
#[derive(Debug)]
pub struct Unfinished {
    part: PathBuf,
    /// What it is to be called: not what a link to it is called.
    whole: PathBuf,
    former: Former,
}

/// A part that was begun.
#[derive(Debug)]
pub struct Begun {
    /// The part.
    pub part: Unfinished,
    /// Where its bytes go.
    pub file: File,
    /// Where the part is now that an earlier run left behind when it was killed.
    pub left: Option<PathBuf>,
}

impl Unfinished {
    /// Opens `NAME.part` beside `path`, or beside what that is a link to. Only its owner may read it, and only one
    /// process writes it.
    ///
    /// With [`Former::Keep`], a part that an earlier run left behind when it was killed is kept, unless nothing is in it.
    ///
    /// # Errors
    /// When there cannot be a file of this name, another process is writing it, or it is a link that is not followed.
    pub fn begin(path: &Path, former: Former) -> io::Result<Begun> {
        Self::begin_over(path, former, former)
    }

    /// The same, where what a killed run left behind is treated in another way than a whole file.
    ///
    /// # Errors
    /// As of [`begin`](Self::begin).
    pub fn begin_over(path: &Path, former: Former, former_part: Former) -> io::Result<Begun> {
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
        let whole = followed(path)?;
        let part = part_of(&whole);
        let left = clear(&part, &whole, former_part)?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&part)?;
        // Held until the file is closed. Where there are no locks, two runs at once are not noticed.
        let _ = file.try_lock();
        let part = Unfinished {
            part,
            whole,
            former,
        };
        Ok(Begun { part, file, left })
    }

    /// What it is called until it is whole.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.part
    }

    /// Gives it its name.
    ///
    /// # Errors
    /// When it cannot be renamed, or the former file not be kept.
    pub fn complete(&self) -> io::Result<()> {
        if self.former == Former::Keep && self.whole.is_file() {
            keep(&self.whole, &self.whole)?;
        }
        fs::rename(&self.part, &self.whole)
    }

    /// Takes it away, unless it has its name already.
    pub fn discard(&self) {
        // If it stays, the next one that is begun takes it away, or keeps it if something is in it.
        let _ = fs::remove_file(&self.part);
    }
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
    let free = free_name(path);
    fs::rename(former, &free)?;
    Ok(free)
}

/// Moves a file to the first free of `NAME.1.csv`, `NAME.2.csv`, … beside it.
///
/// # Errors
/// When it cannot be moved.
pub fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let whole = followed(path)?;
    keep(&whole, &whole)
}

/// The first free of `NAME.1.csv`, `NAME.2.csv`, … beside a file.
#[must_use]
pub fn free_name(path: &Path) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default();
    let ending = path.extension().unwrap_or_default();
    let numbered = (1_u32..).map(|number| {
        let mut name = stem.to_owned();
        name.push(format!(".{number}."));
        name.push(ending);
        path.with_file_name(name)
    });
    let mut free = numbered.filter(|name| !name.exists());
    free.next().expect("there are more numbers than files")
}

/// Makes room for a part where one is left. Says where that one is now, if it is kept.
fn clear(part: &Path, whole: &Path, former: Former) -> io::Result<Option<PathBuf>> {
    let left = match File::open(part) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        left => left?,
    };
    if let Err(TryLockError::WouldBlock) = left.try_lock() {
        return Err(io::Error::new(
            io::ErrorKind::ResourceBusy,
            "another run is writing it right now",
        ));
    }
    // A system without locks: take it for left behind.
    match former {
        Former::Keep if left.metadata().is_ok_and(|about| about.len() > 0) => {
            keep(part, whole).map(Some)
        }
        Former::Keep | Former::Replace => fs::remove_file(part).map(|()| None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, former: Former, content: &str) -> Option<PathBuf> {
        let Begun { part, file, left } = Unfinished::begin(path, former).unwrap();
        drop(file);
        fs::write(part.path(), content).unwrap();
        part.complete().unwrap();
        left
    }

    #[test]
    fn former_files_are_kept_and_so_is_what_a_killed_run_left() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("people.results.csv");
        for content in ["one", "two"] {
            assert_eq!(write(&path, Former::Keep, content), None);
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(
            fs::read_to_string(dir.path().join("people.results.1.csv")).unwrap(),
            "one"
        );

        fs::write(part_of(&path), "killed").unwrap();
        let Begun { left, .. } = Unfinished::begin(&path, Former::Keep).unwrap();
        assert_eq!(fs::read_to_string(left.unwrap()).unwrap(), "killed");

        // Nothing is in the part that is open now: nobody would miss it.
        let Begun { left, .. } = Unfinished::begin(&path, Former::Keep).unwrap();
        assert_eq!(left, None);
    }

    #[test]
    fn two_runs_do_not_write_the_same_results() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("people.results.csv");
        let first = Unfinished::begin(&path, Former::Keep).unwrap();
        let second = Unfinished::begin(&path, Former::Keep).unwrap_err();
        assert_eq!(second.kind(), io::ErrorKind::ResourceBusy);
        drop(first);
        assert!(Unfinished::begin(&path, Former::Keep).is_ok());
    }

    #[cfg(unix)]
    mod unix {
        use std::os::unix::fs::{PermissionsExt, lchown, symlink};

        use super::*;

        #[test]
        fn a_device_is_not_replaced_by_a_file() {
            let device = Path::new("/dev/null");
            assert!(is_stream(device));
            let refused = Unfinished::begin(device, Former::Replace).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
            let dir = tempfile::tempdir().unwrap();
            assert!(!is_stream(dir.path()));
            assert!(!is_stream(&dir.path().join("none.csv")));
        }

        #[test]
        fn what_is_written_goes_to_where_a_link_points() {
            let dir = tempfile::tempdir().unwrap();
            let at = |name: &str| dir.path().join(name);
            fs::create_dir(at("archive")).unwrap();
            symlink("archive/latest.csv", at("middle.csv")).unwrap();
            symlink(at("middle.csv"), at("people.csv")).unwrap();
            // The first time there is nothing yet where it points.
            for content in ["one", "two", "three"] {
                write(&at("people.csv"), Former::Keep, content);
            }
            assert!(at("people.csv").is_symlink() && at("middle.csv").is_symlink());
            let content = |name: &str| fs::read_to_string(at(name)).unwrap();
            assert_eq!(content("archive/latest.csv"), "three");
            assert_eq!(content("archive/latest.1.csv"), "one");
            let mode = fs::metadata(at("people.csv")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            assert_eq!(at("archive").read_dir().unwrap().count(), 3);
        }

        #[test]
        fn a_link_that_leads_nowhere_is_said_to() {
            let dir = tempfile::tempdir().unwrap();
            let link = dir.path().join("people.csv");
            symlink("gone/people.csv", &link).unwrap();
            let error = Unfinished::begin(&link, Former::Replace)
                .unwrap_err()
                .to_string();
            assert!(error.starts_with("it is a link to "), "{error}");
            assert!(error.ends_with("gone/people.csv, and there is no such folder"));
            fs::remove_file(&link).unwrap();
            symlink("people.csv", &link).unwrap();
            let error = Unfinished::begin(&link, Former::Replace)
                .unwrap_err()
                .to_string();
            assert!(error.contains("round in a circle"), "{error}");
            assert!(link.is_symlink());
        }

        #[test]
        fn a_link_of_somebody_else_is_not_followed() {
            let dir = tempfile::tempdir().unwrap();
            let at = |name: &str| dir.path().join(name);
            fs::write(at("secret.csv"), "as it was").unwrap();
            symlink("secret.csv", at("people.csv")).unwrap();
            if lchown(at("people.csv"), Some(12_345), None).is_err() {
                return; // Only the superuser can give a link away.
            }
            let refused = Unfinished::begin(&at("people.csv"), Former::Replace).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
            assert_eq!(fs::read_to_string(at("secret.csv")).unwrap(), "as it was");
            assert_eq!(dir.path().read_dir().unwrap().count(), 2);
        }
    }
}
