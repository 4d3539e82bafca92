//! Links of the file system. Whatever writes a file goes by this, so that a link stays one and what it points at is written.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// How many links may point at each other: as many as Linux follows.
const LINKS: usize = 40;

/// What a name stands for: itself, or what it is a link to, whether that is there or not.
///
/// # Errors
/// When the links end nowhere, or somebody else has made one.
pub(crate) fn followed(path: &Path) -> io::Result<PathBuf> {
    let mut target = path.to_owned();
    let mut links = 0;
    while let Some(about) = link_at(&target) {
        links += 1;
        if links > LINKS {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it is a link to a link, and so on, round in a circle",
            ));
        }
        if !is_ours(&about) {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!(
                    "{} is a link that somebody else has made, who may turn it to any other file; name the file itself",
                    target.display()
                ),
            ));
        }
        let to = fs::read_link(&target)?;
        target = target.with_file_name(to);
    }
    let folder = target
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if target != path && folder.is_some_and(|folder| !folder.is_dir()) {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            format!(
                "it is a link to {}, and there is no such folder",
                target.display()
            ),
        ));
    }
    Ok(target)
}

/// What is known of a link, if there is one of this name.
fn link_at(path: &Path) -> Option<fs::Metadata> {
    let about = fs::symlink_metadata(path).ok();
    about.filter(fs::Metadata::is_symlink)
}

/// Whether a link is this user's own, or the superuser's. Whoever makes a link in a folder that others write to could
/// else have any file replaced that they may not write themselves.
#[cfg(unix)]
fn is_ours(link: &fs::Metadata) -> bool {
    let owner = std::os::unix::fs::MetadataExt::uid(link);
    owner == rustix::process::geteuid().as_raw() || owner == rustix::process::Uid::ROOT.as_raw()
}

/// Only administrators make links there.
#[cfg(not(unix))]
fn is_ours(_link: &fs::Metadata) -> bool {
    true
}
