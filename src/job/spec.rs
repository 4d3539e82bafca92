//! What a caller asks for.

use std::path::PathBuf;

use super::{JobError, NodeRef};
use crate::guard::MaxErrors;
use crate::ledger::RunStore;
use crate::report::page::Mask;
use crate::sheet::Format;
use crate::spec::ImportSpec;

/// A file, what is done with its rows, on which nodes, and how.
#[derive(Debug, Clone)]
pub struct JobSpec {
    /// The spreadsheet; `-` for standard input.
    pub file: PathBuf,
    /// What makes it this job: an unfinished run is continued only if this is the same.
    pub import: ImportSpec,
    /// The nodes.
    pub node: NodeRef,
    /// How it is carried out.
    pub options: RunOptions,
}

/// How a job is carried out. None of it changes what a row asks for.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// Where the results go; by default beside the input.
    pub results: Option<PathBuf>,
    /// Whether results in CSV begin with a byte order mark.
    pub bom: bool,
    /// The report, if there is to be one.
    pub report: Option<ReportOptions>,
    /// How many rows may fail before it stops.
    pub max_errors: Option<MaxErrors>,
    /// How many people may be locked or deleted, instead of a share of the node.
    pub allow_locks: Option<u64>,
    /// Whether people may be locked or deleted without asking.
    pub yes: bool,
    /// What is done about an unfinished run of the same job.
    pub unfinished: OnUnfinished,
    /// The folder with the records of runs; by default the platform's.
    pub state_dir: Option<PathBuf>,
}

/// A report of a run: one page of HTML.
#[derive(Debug, Clone)]
pub struct ReportOptions {
    /// Where it goes.
    pub path: PathBuf,
    /// Whether people are named in it.
    pub mask: Mask,
}

/// What is done about an unfinished run of the same job.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnUnfinished {
    /// It is continued if that is beyond doubt; else the user is asked.
    #[default]
    Ask,
    /// It is continued.
    Resume,
    /// The job starts over.
    StartOver,
}

impl RunOptions {
    /// The records of runs.
    pub fn run_store(&self) -> Result<RunStore, JobError> {
        Ok(RunStore::at(self.state_dir.as_deref())?)
    }

    /// `format` as the results are written in it.
    pub(super) fn format_of_results(&self, format: Format) -> Format {
        if self.bom { format.with_bom() } else { format }
    }
}
