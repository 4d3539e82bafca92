//! A file that several read at once.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// A place in a file, whoever else reads it.
#[derive(Debug)]
pub(super) struct FileCursor {
    file: File,
    at: u64,
}

impl Read for FileCursor {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = read_at(&self.file, into, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for FileCursor {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.file.metadata()?.len().checked_add_signed(by),
        };
        self.at = place.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

impl FileCursor {
    pub(super) fn at_start(file: File) -> Self {
        FileCursor { file, at: 0 }
    }

    /// The next byte to be read, from 0.
    pub(super) fn go_to(&mut self, at: u64) {
        self.at = at;
    }

    pub(super) fn into_file(self) -> File {
        self.file
    }
}

#[cfg(unix)]
fn read_at(file: &File, into: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, into, at)
}

#[cfg(windows)]
fn read_at(file: &File, into: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, into, at)
}
