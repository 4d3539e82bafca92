//! What somebody says that a heading stands for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::column::{Column, ColumnError};
use crate::sheet::trim;

/// What a heading stands for because somebody says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// The heading.
    pub heading: String,
    /// What it stands for.
    pub to: MappingTarget,
    /// Who says so. What is recorded counts as said by a flag.
    #[serde(skip)]
    pub by: MappedBy,
}

/// What a heading is said to stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MappingTarget {
    /// Nothing: it is only carried over, whatever its name is.
    #[serde(rename = "ignore")]
    Ignored,
    /// A column.
    #[serde(untagged)]
    Column(Column),
}

/// Who says what a heading stands for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum MappedBy {
    /// `--map`: the heading has to be there.
    #[default]
    Flag,
    /// A profile: files differ, and the heading may be missing.
    Profile(String),
}

/// Not a mapping.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// Nothing separates the two.
    #[error("{0:?} is not HEADING=COLUMN, such as 'Work E-mail=email'")]
    NotOne(String),
    /// The column is none.
    #[error(transparent)]
    MappingTarget(#[from] MappingTargetError),
}

/// Neither a column nor `ignore`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}, and ignore for what is only carried over")]
pub struct MappingTargetError(#[from] ColumnError);

/// What a heading is mapped to that is not to be understood.
const IGNORE: &str = "ignore";

impl MappingTarget {
    /// The column's name, or `ignore`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            MappingTarget::Column(column) => column.name(),
            MappingTarget::Ignored => IGNORE,
        }
    }
}

impl FromStr for MappingTarget {
    type Err = MappingTargetError;

    fn from_str(name: &str) -> Result<Self, MappingTargetError> {
        if trim(name).eq_ignore_ascii_case(IGNORE) {
            return Ok(MappingTarget::Ignored);
        }
        Ok(MappingTarget::Column(name.parse()?))
    }
}

impl Mapping {
    /// What the command line says.
    #[must_use]
    pub fn by_flag(heading: String, to: MappingTarget) -> Self {
        let by = MappedBy::Flag;
        Mapping { heading, to, by }
    }
}

impl FromStr for Mapping {
    type Err = MappingError;

    /// `HEADING=COLUMN`, as the command line has it.
    fn from_str(text: &str) -> Result<Self, MappingError> {
        let parts = text.rsplit_once('=');
        let (heading, to) = parts.ok_or_else(|| MappingError::NotOne(text.to_owned()))?;
        Ok(Mapping::by_flag(trim(heading).to_owned(), to.parse()?))
    }
}

impl fmt::Display for MappedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MappedBy::Flag => f.write_str("--map"),
            MappedBy::Profile(name) => write!(f, "profile {name}"),
        }
    }
}

/// A `--map` that says that a heading stands for a column, as a shell takes it.
pub(super) fn flag(heading: &str, to: &str) -> String {
    let quote = if heading.contains('\'') { '"' } else { '\'' };
    format!("--map {quote}{heading}={to}{quote}")
}
