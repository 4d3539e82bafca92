//! A private copy of an input, byte for byte, so that what was checked is what is carried out.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::cursor::FileCursor;
use super::encoding::Survey;
use super::error::SheetError;

/// What stands for standard input where a file is named.
const STANDARD_INPUT: &str = "-";

/// Whether a path stands for standard input.
#[must_use]
pub fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == STANDARD_INPUT
}

/// What messages call the file at `path`.
#[must_use]
pub fn shown(path: &Path) -> String {
    if is_standard_input(path) {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    }
}

/// The file that is open, if this is what Excel (`~$people.xlsx`) or `LibreOffice` (`.~lock.people.ods#`) leaves beside one.
fn in_use(path: &Path) -> Option<&str> {
    let name = path.file_name()?.to_str()?;
    let of_office = || name.strip_prefix(".~lock.")?.strip_suffix('#');
    name.strip_prefix("~$").or_else(of_office)
}

/// An input as it was at one moment: a copy in an anonymous temporary file, which only this process
/// can read and which is gone when it ends. Somebody may save the file again during a run.
#[derive(Debug, Clone)]
pub struct Original(Arc<Copy>);

#[derive(Debug)]
struct Copy {
    file: File,
    name: String,
    sha256: String,
    survey: Survey,
}

/// Standard input can be read only once: whoever asks for it again gets the same copy.
static TAKEN: Mutex<Option<Original>> = Mutex::new(None);

impl Original {
    /// Copies the file at `path`; `-` is standard input.
    ///
    /// # Errors
    /// When it cannot be read, or there is no room for the copy.
    pub fn take(path: &Path) -> Result<Self, SheetError> {
        let name = shown(path);
        if is_standard_input(path) {
            let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(original) = &*taken {
                return Ok(original.clone());
            }
            let original = Self::copy(name, &mut io::stdin().lock())?;
            return Ok(taken.insert(original).clone());
        }
        if let Some(other) = in_use(path) {
            return Err(SheetError::InUse {
                file: name,
                name: other.to_owned(),
            });
        }
        let failed = SheetError::io(&name);
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
        let failed = SheetError::io(&name);
        let no_room = SheetError::no_room(&name);
        let mut file = tempfile::tempfile().map_err(no_room)?;
        let mut hash = Sha256::new();
        let mut survey = Survey::default();
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read = match from.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read.map_err(failed)?,
            };
            if read == 0 {
                break;
            }
            hash.update(&buffer[..read]);
            survey.add(&buffer[..read]);
            file.write_all(&buffer[..read]).map_err(no_room)?;
        }
        let digest = hash.finalize();
        let sha256 = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Original(Arc::new(Copy {
            file,
            name,
            sha256,
            survey,
        })))
    }

    /// The file's name, for messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The SHA-256 of its bytes, in hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.0.sha256
    }

    /// Its bytes, from the start.
    ///
    /// # Errors
    /// When the copy cannot be read.
    pub fn bytes(&self) -> io::Result<impl Read + use<>> {
        self.cursor()
    }

    pub(super) fn cursor(&self) -> io::Result<FileCursor> {
        Ok(FileCursor::at_start(self.0.file.try_clone()?))
    }

    pub(super) fn survey(&self) -> &Survey {
        &self.0.survey
    }
}
