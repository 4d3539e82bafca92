//! Whether a record still is where it was opened.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

/// The files of a record that is being written. `SQLite` goes on writing into files that were deleted, and whatever it
/// writes there is lost.
#[derive(Debug)]
pub(super) struct Files {
    record: Known,
    log: Known,
}

/// A file, and which one it was when it was first seen. There may be none yet.
#[derive(Debug)]
struct Known {
    path: PathBuf,
    id: Option<FileId>,
}

impl Files {
    /// Those of the record at `path`, which is open.
    pub(super) fn of(path: &Path) -> Self {
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        Files {
            record: Known::at(path.to_owned()),
            log: Known::at(PathBuf::from(log)),
        }
    }

    /// Looks whether they are still in place; if not, which of them is not.
    pub(super) fn check(&mut self) -> Result<(), PathBuf> {
        if self.record.id.is_none() || !self.record.is_in_place() {
            return Err(self.record.path.clone());
        }
        if !self.log.is_in_place() {
            return Err(self.log.path.clone());
        }
        Ok(())
    }
}

impl Known {
    fn at(path: PathBuf) -> Self {
        let id = identity(&path).ok();
        Known { path, id }
    }

    /// A file that was not there at first is known from when it is seen.
    fn is_in_place(&mut self) -> bool {
        match (identity(&self.path), &self.id) {
            (Ok(now), Some(then)) => now == *then,
            (Ok(now), None) => {
                self.id = Some(now);
                true
            }
            (Err(error), id) => id.is_none() && error.kind() == io::ErrorKind::NotFound,
        }
    }
}

fn identity(path: &Path) -> io::Result<FileId> {
    std::fs::metadata(path).map(|about| FileId::of(&about))
}

/// Which file it is, whatever it is called: device and inode.
#[cfg(unix)]
#[derive(Debug, PartialEq, Eq)]
struct FileId(u64, u64);

#[cfg(unix)]
impl FileId {
    fn of(about: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        FileId(about.dev(), about.ino())
    }
}

/// A file that is open cannot be replaced there: it is enough that there is one.
#[cfg(not(unix))]
#[derive(Debug, PartialEq, Eq)]
struct FileId;

#[cfg(not(unix))]
impl FileId {
    fn of(_about: &Metadata) -> Self {
        FileId
    }
}
