//! Locks that die with their process.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::private;

/// How often, and how far apart, a lock is tried: somebody may only be looking whether it is taken.
const TRIES: u32 = 50;
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// A lock that is held for as long as this lives, and no longer than its process.
#[derive(Debug)]
pub struct LockGuard(File);

/// Takes the lock in the file at `path`, and writes down `who` has it. If somebody else has it: who.
///
/// # Errors
/// When there cannot be such a file.
pub fn acquire_lock(path: &Path, who: &str) -> io::Result<Result<LockGuard, String>> {
    if let Some(folder) = path.parent() {
        private::folder(folder)?;
    }
    let mut options = private::file();
    // Reading as well: a lock that others may share needs that on some systems.
    options.read(true).write(true).create(true).truncate(false);
    let file = options.open(path)?;
    let holder = holder_file(path);
    match file.try_lock() {
        // A system without locks: runs at once are not noticed.
        Ok(()) | Err(TryLockError::Error(_)) => {}
        Err(TryLockError::WouldBlock) => {
            let other = fs::read_to_string(holder).unwrap_or_default();
            return Ok(Err(other.trim().to_owned()));
        }
    }
    options
        .truncate(true)
        .open(holder)?
        .write_all(who.as_bytes())?;
    Ok(Ok(LockGuard(file)))
}

/// The same for a lock that others look at, which takes a moment: they are waited for, for about a second.
///
/// # Errors
/// When there cannot be such a file.
pub(super) fn acquire_lock_patiently(
    path: &Path,
    who: &str,
) -> io::Result<Result<LockGuard, String>> {
    for _ in 1..TRIES {
        let held = acquire_lock(path, who)?;
        if held.is_ok() {
            return Ok(held);
        }
        thread::sleep(BETWEEN_TRIES);
    }
    acquire_lock(path, who)
}

/// Whether somebody has the lock in the file at `path`. Any number may look at once.
pub(super) fn is_locked(path: &Path) -> bool {
    let file = File::open(path);
    file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Where it is written who has a lock: in the locked file, but on Windows, where nobody else can read one, beside it.
fn holder_file(lock: &Path) -> PathBuf {
    if cfg!(windows) {
        lock.with_extension("holder")
    } else {
        lock.to_owned()
    }
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        // The system does so anyway when the file is closed.
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_has_a_lock_and_the_other_learns_who() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("locks").join("node");
        let first = acquire_lock(&path, "run 1").unwrap().unwrap();
        assert_eq!(acquire_lock(&path, "run 2").unwrap().unwrap_err(), "run 1");
        drop(first);
        assert!(acquire_lock(&path, "run 3").unwrap().is_ok());
    }
}
