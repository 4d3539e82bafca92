//! The file that a page goes to: it has its name when it is whole.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::super::atomic_file::{AtomicFile, BegunFile, IfExists};

/// A page cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("the report cannot be written to {}: {source}", path.display())]
pub struct PageError {
    path: PathBuf,
    source: io::Error,
}

/// A file for a page. Until that is there, an empty file holds its place, whose name ends with `.part`; it is gone
/// when this is dropped.
#[derive(Debug)]
pub struct PageFile {
    path: PathBuf,
    part: AtomicFile,
    file: File,
}

impl PageFile {
    /// Takes a place at `path`, so that it is known early whether there is one. Only its owner may read it.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(path: &Path, if_exists: IfExists) -> Result<Self, PageError> {
        // A page of which only a part was written is of no use to anybody.
        let begun = AtomicFile::begin_over(path, if_exists, IfExists::Replace, b"");
        let BegunFile { part, file, .. } = begun.map_err(|source| PageError {
            path: path.to_owned(),
            source,
        })?;
        Ok(PageFile {
            path: path.to_owned(),
            part,
            file,
        })
    }

    /// Where it goes.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the page.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn finish(mut self, page: &str) -> Result<(), PageError> {
        let written = self
            .file
            .write_all(page.as_bytes())
            .and_then(|()| self.file.sync_all())
            .and_then(|()| self.part.complete());
        written.map_err(|source| PageError {
            path: self.path.clone(),
            source,
        })
    }
}

impl Drop for PageFile {
    fn drop(&mut self) {
        self.part.discard();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_there_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("people.html");
        drop(PageFile::create(&path, IfExists::Replace).unwrap());
        assert_eq!(dir.path().read_dir().unwrap().count(), 0);
        for content in ["one", "two"] {
            let file = PageFile::create(&path, IfExists::Replace).unwrap();
            file.finish(content).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(dir.path().read_dir().unwrap().count(), 1);
        let file = PageFile::create(&path, IfExists::Keep).unwrap();
        file.finish("three").unwrap();
        let former = std::fs::read_to_string(dir.path().join("people.1.html")).unwrap();
        assert_eq!(former, "two");
        let error = PageFile::create(&dir.path().join("no/folder.html"), IfExists::Replace);
        assert!(error.unwrap_err().to_string().contains("folder.html"));
    }
}
