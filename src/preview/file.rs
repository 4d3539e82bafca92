//! A plan in a file: JSON lines, a header, then one line for each row of the input.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Line;
use crate::report::{AtomicFile, BegunFile, IfExists};
use crate::spec::{ImportSpec, InputFile};

/// The version of the format.
const VERSION: u32 = 3;

/// What the first line begins with.
const SIGN: &[u8] = b"{\"headcount_plan\":";

/// What a plan was made for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// The file.
    pub input: InputFile,
    /// What is done with its rows.
    pub import: ImportSpec,
    /// The addresses of the nodes.
    pub nodes: Vec<String>,
}

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    headcount_plan: u32,
    #[serde(flatten)]
    planned: Planned,
}

/// The part of the first line that every version can read.
#[derive(Deserialize)]
struct Versioned {
    headcount_plan: u32,
}

/// A plan that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not a plan.
    #[error("{}, line {line}: this is not a plan of headcount: {source}; headcount plan FILE -o PLAN makes one", path.display())]
    NotAPlan {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// Another version made it.
    #[error("{}: another version of headcount made this plan; make it again", path.display())]
    OtherVersion {
        /// The file.
        path: PathBuf,
    },
}

/// A plan being written. Only its owner may read it.
#[derive(Debug)]
pub struct PlanWriter {
    path: PathBuf,
    part: AtomicFile,
    out: BufWriter<File>,
}

impl PlanWriter {
    /// Begins a plan; it gets its name when it is whole.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn create(path: &Path, planned: Planned) -> Result<Self, PlanError> {
        let failed = |source| PlanError::Io {
            path: path.to_owned(),
            source,
        };
        let BegunFile { part, file, .. } =
            AtomicFile::begin(path, IfExists::Replace, SIGN).map_err(failed)?;
        let mut writer = PlanWriter {
            path: path.to_owned(),
            part,
            out: BufWriter::new(file),
        };
        writer.put(&Header {
            headcount_plan: VERSION,
            planned,
        })?;
        Ok(writer)
    }

    /// Writes a line.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&mut self, line: &Line) -> Result<(), PlanError> {
        self.put(line)
    }

    fn put(&mut self, value: &impl Serialize) -> Result<(), PlanError> {
        let mut text = serde_json::to_string(value).expect("only strings, numbers and booleans");
        text.push('\n');
        let written = self.out.write_all(text.as_bytes());
        written.map_err(|source| self.failed(source))
    }

    /// Gives the plan its name.
    ///
    /// # Errors
    /// When the file cannot be written or named.
    pub fn finish(mut self) -> Result<(), PlanError> {
        self.out
            .flush()
            .and_then(|()| self.part.complete())
            .map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> PlanError {
        PlanError::Io {
            path: self.path.clone(),
            source,
        }
    }
}

/// A plan being read.
#[derive(Debug)]
pub struct PlanFile {
    path: PathBuf,
    lines: io::Lines<BufReader<File>>,
    read: u64,
    /// What it was made for.
    pub planned: Planned,
}

impl PlanFile {
    /// Opens a plan.
    ///
    /// # Errors
    /// When there is none, or it is of another version.
    pub fn open(path: &Path) -> Result<Self, PlanError> {
        let io = |source| PlanError::Io {
            path: path.to_owned(),
            source,
        };
        let mut lines = BufReader::new(File::open(path).map_err(io)?).lines();
        let header = lines.next().transpose().map_err(io)?.unwrap_or_default();
        let strange = |source| PlanError::NotAPlan {
            path: path.to_owned(),
            line: 1,
            source,
        };
        let Versioned { headcount_plan } = serde_json::from_str(&header).map_err(strange)?;
        if headcount_plan != VERSION {
            return Err(PlanError::OtherVersion {
                path: path.to_owned(),
            });
        }
        let Header { planned, .. } = serde_json::from_str(&header).map_err(strange)?;
        Ok(PlanFile {
            path: path.to_owned(),
            lines,
            read: 1,
            planned,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The next line; nothing after the last.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn next_line(&mut self) -> Result<Option<Line>, PlanError> {
        let Some(text) = self.lines.next() else {
            return Ok(None);
        };
        self.read += 1;
        let text = text.map_err(|source| PlanError::Io {
            path: self.path.clone(),
            source,
        })?;
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|source| PlanError::NotAPlan {
                path: self.path.clone(),
                line: self.read,
                source,
            })
    }
}
