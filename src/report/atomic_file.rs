//! Files with people in them while they are written: under another name until they are whole, and read by their owner
//! only. A link stays a link: what is written goes to where it points.

use std::fs::{self, File, Metadata, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::place::is_stream;
use crate::links::followed;
use crate::private;

/// What happens to a file of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfExists {
    /// It is replaced.
    Replace,
    /// It gets another name: it may be the only record of what an earlier run did.
    Keep,
}

/// How much of a part is read to see whether it is ours: a first line, however long.
const HEAD: u64 = 1 << 20;

/// A file that is being written. Until it is whole it is called `NAME.part`.
#[derive(Debug)]
pub struct AtomicFile {
    part: PathBuf,
    /// What it is to be called: not what a link to it is called.
    whole: PathBuf,
    if_exists: IfExists,
}

/// A part that was begun.
#[derive(Debug)]
pub struct BegunFile {
    /// The part.
    pub part: AtomicFile,
    /// Where its bytes go.
    pub file: File,
    /// Where the part is now that an earlier run left behind when it was killed.
    pub left: Option<PathBuf>,
}

impl AtomicFile {
    /// Opens `NAME.part` beside `path`, or beside what that is a link to. Only its owner may read it, and only one
    /// process writes it.
    ///
    /// With [`IfExists::Keep`], a part that an earlier run left behind when it was killed is kept, unless nothing is in it.
    /// Which parts are such is told by `sign`: the first line of every file that is written like this holds it. Where
    /// that is empty, only an empty part is one.
    ///
    /// # Errors
    /// When there cannot be a file of this name, another process is writing it, it is a link that is not followed, or
    /// the part of this name is somebody else's.
    pub fn begin(path: &Path, if_exists: IfExists, sign: &[u8]) -> io::Result<BegunFile> {
        Self::begin_over(path, if_exists, if_exists, sign)
    }

    /// The same, where what a killed run left behind is treated in another way than a whole file.
    ///
    /// # Errors
    /// As of [`begin`](Self::begin).
    pub fn begin_over(
        path: &Path,
        if_exists: IfExists,
        former_part: IfExists,
        sign: &[u8],
    ) -> io::Result<BegunFile> {
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
        let left = clear(&part, &whole, former_part, sign)?;
        let file = private::file().write(true).create_new(true).open(&part)?;
        // Held until the file is closed. Where there are no locks, two runs at once are not noticed.
        let _ = file.try_lock();
        let part = AtomicFile {
            part,
            whole,
            if_exists,
        };
        Ok(BegunFile { part, file, left })
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
        if self.if_exists == IfExists::Keep && self.whole.is_file() {
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
    let mut number = 1_u32;
    loop {
        let mut name = stem.to_owned();
        name.push(format!(".{number}."));
        name.push(ending);
        let free = path.with_file_name(name);
        if !free.exists() {
            return free;
        }
        number += 1;
    }
}

/// Makes room for a part where one is left. Says where that one is now, if it is kept.
fn clear(
    part: &Path,
    whole: &Path,
    if_exists: IfExists,
    sign: &[u8],
) -> io::Result<Option<PathBuf>> {
    let about = match fs::symlink_metadata(part) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        about => about?,
    };
    let not_ours = |why| {
        let part = part.display();
        io::Error::new(
            io::ErrorKind::AlreadyExists,
            format!("{part} was not left behind by headcount: {why}. Move it away first"),
        )
    };
    // Before it is opened: a pipe would have to be waited for.
    if let Some(why) = stranger(&about) {
        return Err(not_ours(why));
    }
    let left = File::open(part)?;
    if let Err(TryLockError::WouldBlock) = left.try_lock() {
        return Err(io::Error::new(
            io::ErrorKind::ResourceBusy,
            "another run is writing it right now",
        ));
    }
    // A system without locks: it is one of ours, so take it for left behind.
    if !holds(&left, sign)? {
        return Err(not_ours("it has other content"));
    }
    match if_exists {
        IfExists::Keep if left.metadata().is_ok_and(|about| about.len() > 0) => {
            keep(part, whole).map(Some)
        }
        IfExists::Keep | IfExists::Replace => fs::remove_file(part).map(|()| None),
    }
}

/// Why a part cannot be one of ours, whatever is in it.
fn stranger(about: &Metadata) -> Option<&'static str> {
    if about.is_symlink() {
        return Some("it is a link");
    }
    if !about.is_file() {
        return Some("it is not a file");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if about.uid() != rustix::process::geteuid().as_raw() {
            return Some("it belongs to another user");
        }
        if about.nlink() != 1 {
            return Some("it is a hard link to a file that has other names");
        }
    }
    None
}

/// Whether a part is empty, or has a sign at its beginning.
fn holds(part: &File, sign: &[u8]) -> io::Result<bool> {
    let mut head = Vec::new();
    part.take(HEAD).read_to_end(&mut head)?;
    let is_signed = !sign.is_empty() && memchr::memmem::find(&head, sign).is_some();
    Ok(head.is_empty() || is_signed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each file here begins with.
    const SIGN: &[u8] = b"result_outcome";

    fn begin(path: &Path, if_exists: IfExists) -> io::Result<BegunFile> {
        AtomicFile::begin(path, if_exists, SIGN)
    }

    fn write(path: &Path, if_exists: IfExists, content: &str) -> Option<PathBuf> {
        let BegunFile { part, file, left } = begin(path, if_exists).unwrap();
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
            assert_eq!(write(&path, IfExists::Keep, content), None);
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(
            fs::read_to_string(dir.path().join("people.results.1.csv")).unwrap(),
            "one"
        );

        let killed = "\u{FEFF}email;result_outcome\r\na@x.com;created\r\n";
        fs::write(part_of(&path), killed).unwrap();
        let BegunFile { left, .. } = begin(&path, IfExists::Keep).unwrap();
        assert_eq!(fs::read_to_string(left.unwrap()).unwrap(), killed);

        // Nothing is in the part that is open now: nobody would miss it.
        let BegunFile { left, .. } = begin(&path, IfExists::Keep).unwrap();
        assert_eq!(left, None);
    }

    #[test]
    fn a_part_with_other_content_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("people.results.csv");
        let download = "half of what a browser gets";
        fs::write(part_of(&path), download).unwrap();
        for if_exists in [IfExists::Keep, IfExists::Replace] {
            let refused = begin(&path, if_exists).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
            let words = refused.to_string();
            assert!(words.contains("people.results.csv.part was not"), "{words}");
        }
        // A file that is written in one go has no sign: an empty part is all that can be left.
        assert!(AtomicFile::begin(&path, IfExists::Replace, b"").is_err());
        assert_eq!(fs::read_to_string(part_of(&path)).unwrap(), download);
        fs::write(part_of(&path), "").unwrap();
        assert!(AtomicFile::begin(&path, IfExists::Replace, b"").is_ok());
    }

    #[test]
    fn two_runs_do_not_write_the_same_results() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("people.results.csv");
        let first = begin(&path, IfExists::Keep).unwrap();
        let second = begin(&path, IfExists::Keep).unwrap_err();
        assert_eq!(second.kind(), io::ErrorKind::ResourceBusy);
        drop(first);
        assert!(begin(&path, IfExists::Keep).is_ok());
    }

    #[cfg(unix)]
    mod unix {
        use std::os::unix::fs::{PermissionsExt, lchown, symlink};

        use super::*;

        #[test]
        fn a_part_that_is_a_link_or_of_another_user_is_left_alone() {
            let dir = tempfile::tempdir().unwrap();
            let at = |name: &str| dir.path().join(name);
            let ours = "email,result_outcome\n";
            fs::write(at("other"), ours).unwrap();
            let refused = |name: &str, why: &str| {
                for if_exists in [IfExists::Keep, IfExists::Replace] {
                    let words = begin(&at(name), if_exists).unwrap_err().to_string();
                    assert!(words.contains(why), "{words}");
                }
                assert_eq!(fs::read_to_string(at("other")).unwrap(), ours);
                assert!(part_of(&at(name)).symlink_metadata().is_ok());
            };
            symlink(at("other"), at("soft.csv.part")).unwrap();
            refused("soft.csv", "it is a link");
            symlink(at("nothing"), at("nowhere.csv.part")).unwrap();
            refused("nowhere.csv", "it is a link");
            fs::hard_link(at("other"), at("hard.csv.part")).unwrap();
            refused("hard.csv", "a hard link");
            fs::create_dir(at("folder.csv.part")).unwrap();
            refused("folder.csv", "not a file");
            fs::write(at("given.csv.part"), ours).unwrap();
            if lchown(at("given.csv.part"), Some(12_345), None).is_ok() {
                refused("given.csv", "another user");
            }
        }

        #[test]
        fn a_device_is_not_replaced_by_a_file() {
            let device = Path::new("/dev/null");
            assert!(is_stream(device));
            let refused = begin(device, IfExists::Replace).unwrap_err();
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
                write(&at("people.csv"), IfExists::Keep, content);
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
            let error = begin(&link, IfExists::Replace).unwrap_err().to_string();
            assert!(error.starts_with("it is a link to "), "{error}");
            assert!(error.ends_with("gone/people.csv, and there is no such folder"));
            fs::remove_file(&link).unwrap();
            symlink("people.csv", &link).unwrap();
            let error = begin(&link, IfExists::Replace).unwrap_err().to_string();
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
            let refused = begin(&at("people.csv"), IfExists::Replace).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
            assert_eq!(fs::read_to_string(at("secret.csv")).unwrap(), "as it was");
            assert_eq!(dir.path().read_dir().unwrap().count(), 2);
        }
    }
}
