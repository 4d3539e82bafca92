//! A private copy of the input, so that what was checked is what is carried out.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::error::SheetError;
use super::reader::Reader;

/// An input as it was at one moment: a copy in an anonymous temporary file, which only this process
/// can read and which is gone when it ends. Somebody may save the file again during a run.
#[derive(Debug)]
pub struct Snapshot {
    copy: File,
    name: String,
    sha256: String,
}

impl Snapshot {
    /// Copies the file at `path`.
    ///
    /// # Errors
    /// When it cannot be read, is empty, or is not text.
    pub fn take(path: &Path) -> Result<Self, SheetError> {
        let name = path.display().to_string();
        let failed = |source| SheetError::Io {
            file: name.clone(),
            source,
        };
        let mut input = File::open(path).map_err(failed)?;
        if input.metadata().map_err(failed)?.is_dir() {
            return Err(SheetError::Folder(name));
        }
        Self::copy(name, &mut input)
    }

    /// Copies what `from` gives, under the name of the file that it was.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub fn copy(name: String, from: &mut impl Read) -> Result<Self, SheetError> {
        let failed = |source| SheetError::Io {
            file: name.clone(),
            source,
        };
        let no_room = |source| SheetError::NoRoom {
            file: name.clone(),
            source,
        };
        let mut copy = tempfile::tempfile().map_err(no_room)?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read = from.read(&mut buffer).map_err(failed)?;
            if read == 0 {
                break;
            }
            hash.update(&buffer[..read]);
            copy.write_all(&buffer[..read]).map_err(no_room)?;
        }
        let digest = hash.finalize();
        let sha256 = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut start = Vec::new();
        copy.seek(SeekFrom::Start(0)).map_err(failed)?;
        (&copy).take(4096).read_to_end(&mut start).map_err(failed)?;
        match what_else(&start) {
            Some(what) => Err(SheetError::NotText { file: name, what }),
            None => Ok(Snapshot { copy, name, sha256 }),
        }
    }

    /// The file's name, for messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The SHA-256 of its bytes, in hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Its bytes, from the start.
    ///
    /// # Errors
    /// When the copy cannot be read.
    pub fn bytes(&self) -> io::Result<impl Read + use<>> {
        let file = self.copy.try_clone()?;
        Ok(Place { file, at: 0 })
    }

    /// Reads it from the start. Each reader has a place of its own.
    ///
    /// # Errors
    /// When there is no header.
    pub fn open(&self) -> Result<Reader, SheetError> {
        let copy = self.copy.try_clone();
        let file = copy.map_err(|source| SheetError::Io {
            file: self.name.clone(),
            source,
        })?;
        Reader::new(Place { file, at: 0 }, &self.name)
    }
}

/// A place in a file, whoever else reads it.
#[derive(Debug)]
pub(super) struct Place {
    file: File,
    at: u64,
}

impl Read for Place {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = read_at(&self.file, into, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Place {
    /// The next byte to be read, from 0.
    pub(super) fn go_to(&mut self, at: u64) {
        self.at = at;
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

/// What a file is that begins like this, if it is not text in one byte a character or UTF-8.
fn what_else(start: &[u8]) -> Option<&'static str> {
    match start {
        [b'P', b'K', 3, 4, ..] => Some("a workbook (xlsx or ods) or another zip file"),
        [0xD0, 0xCF, 0x11, 0xE0, ..] => Some("an old workbook (xls)"),
        [b'%', b'P', b'D', b'F', ..] => Some("a PDF"),
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => Some("text in UTF-16"),
        start if start.contains(&0) => Some("not a text file"),
        _ => None,
    }
}
