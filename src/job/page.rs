//! The report of a run as a page: whether there is one, and where it goes.

use std::path::{Path, PathBuf};

use super::facts::facts;
use super::node_job::PreparedNode;
use super::spec::ReportOptions;
use super::{Job, JobError};
use crate::ledger::RunRecord;
use crate::plan::one_by_one;
use crate::report::page::{Calls, Facts, Mask, Page, PageFile};
use crate::report::{IfExists, RunReport};
use crate::roster::Naming;

/// Takes the place of a page.
pub(super) fn create(path: &Path, if_exists: IfExists) -> Result<PageFile, JobError> {
    let ending = path.extension().map(std::ffi::OsStr::to_ascii_lowercase);
    if !ending.is_some_and(|ending| ending == "html" || ending == "htm") {
        return Err(JobError::usage(format_args!(
            "a report is a page of HTML, and {} would not be taken for one; give it a name that ends with .html",
            path.display()
        )));
    }
    PageFile::create(path, if_exists).map_err(JobError::usage)
}

/// A page that is written when its run is over.
#[derive(Debug)]
pub(super) struct PageToCome {
    file: PageFile,
    mask: Mask,
}

impl Job {
    /// Takes the place of the report, if one is asked for: never the input's or that of the results.
    pub(super) fn page_to_come(&self, results: &Path) -> Result<Option<PageToCome>, JobError> {
        let Some(ReportOptions { path, mask }) = &self.spec.options.report else {
            return Ok(None);
        };
        let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        for (other, what) in [(results, "the results"), (&*self.spec.file, "the input")] {
            if whole(path) == whole(other) {
                return Err(JobError::usage(format_args!(
                    "--report {} is the file of {what}; give the report another name; nothing was sent",
                    path.display()
                )));
            }
        }
        Ok(Some(PageToCome {
            // A name that somebody gave is theirs to reuse.
            file: create(path, IfExists::Replace)
                .map_err(|error| error.and("; nothing was sent"))?,
            mask: *mask,
        }))
    }

    /// Writes the page of a run that is over, if there is to be one, and tells where it is.
    pub(super) fn write_page(
        &self,
        to_come: Option<PageToCome>,
        told: &RunReport,
        record: &RunRecord,
    ) -> Result<Option<PathBuf>, JobError> {
        let (Some(to_come), Some(page)) = (to_come, &told.page) else {
            return Ok(None);
        };
        let PageToCome { file, mask } = to_come;
        let path = file.path().to_owned();
        let id = record.id();
        let facts = facts(record, &self.spec.options.run_store()?, mask)?;
        // The run is over: nothing else waits for this thread.
        write(file, page, &facts).map_err(|error| {
            error.and(format_args!(
                ". The run is over, and its results are written; headcount runs report {id} -o FILE makes the report again."
            ))
        })?;
        self.caller
            .remark(&format_args!("Report: {}", path.display()));
        Ok(Some(path))
    }
}

/// What hears of the calls of a run that begins now, and of its rows if a page is to come.
pub(super) fn listeners(
    prepared: &[PreparedNode],
    to_come: Option<&PageToCome>,
) -> (Calls, Option<Page>) {
    let by_rows = prepared
        .iter()
        .map(|each| one_by_one(&each.node_job.summary));
    let calls = Calls::begin(by_rows.sum());
    let page = to_come.map(|_| {
        let naming = Naming::of(prepared[0].node_job.roster.columns());
        Page::new(naming, calls.begun())
    });
    (calls, page)
}

/// Writes a page.
pub(super) fn write(file: PageFile, page: &Page, facts: &Facts) -> Result<(), JobError> {
    let page = page.render(facts).map_err(JobError::unexpected)?;
    file.finish(&page).map_err(JobError::unexpected)
}
