//! What is made of the record of a run again, and what becomes of records.

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::JobError;
use super::done::roster_of;
use super::facts::{facts, parts};
use super::find::refuse_going;
use super::page::{create, write};
use crate::ledger::{RecordedRows, RunId, RunRecord, RunStore};
use crate::report::page::{Mask, Page};
use crate::report::{IfExists, Layout, ResultsFile, name_after};
use crate::roster::{Naming, Roster};
use crate::run::{Event, RowRecord};

/// Writes the results of a run again, also while it is going, and tells where they are: at `to`, else where the run was
/// told to write them, without replacing what is there.
///
/// # Errors
/// When the record cannot be read, or the results cannot be written.
pub fn write_results(
    run_store: &RunStore,
    id: &RunId,
    to: Option<&Path>,
    bom: bool,
) -> Result<PathBuf, JobError> {
    let record = run_store.read(id)?;
    let roster = roster_of(&record)?;
    // Where nothing else is said, a file that is there may be another run's.
    let (path, former) = match to {
        Some(path) => (path.to_owned(), IfExists::Replace),
        None => (record.about().results.clone(), IfExists::Keep),
    };
    if is_same_file(&path, &record.about().input.path) {
        return Err(JobError::usage(format_args!(
            "{} is the input itself; give the results another name",
            path.display()
        )));
    }
    let mut layout = Layout::like_input(&roster, &path);
    if bom {
        layout.format = layout.format.with_bom();
    }
    let fits = layout.check(record.about().rows, [&roster]);
    fits.map_err(|unfit| {
        JobError::usage(format_args!(
            "the results cannot be written to {}: {unfit}",
            path.display()
        ))
    })?;
    let file = ResultsFile::create(&path, layout, former.into()).map_err(JobError::usage)?;
    let mut file = file.of_run(id.as_str());
    recall(&record, &roster, |record| {
        file.write(&record).map_err(JobError::unexpected)
    })?;
    file.finish().map_err(JobError::unexpected)?;
    Ok(path)
}

/// Writes the report of a run, also while it is going, and tells where it is: at `to`, else beside the results, without
/// replacing what is there.
///
/// # Errors
/// When the record cannot be read, or the report cannot be written.
pub fn write_report(
    run_store: &RunStore,
    id: &RunId,
    to: Option<&Path>,
    mask: Mask,
) -> Result<PathBuf, JobError> {
    let record = run_store.read(id)?;
    let file = match to {
        Some(path) => create(path, IfExists::Replace)?,
        None => create(&beside(&record), IfExists::Keep)?,
    };
    let path = file.path().to_owned();
    let page = page_of(&record)?;
    write(file, &page, &facts(&record, run_store, mask)?)?;
    Ok(path)
}

/// The report of a run as text.
///
/// # Errors
/// When the record cannot be read.
pub fn report_text(run_store: &RunStore, id: &RunId, mask: Mask) -> Result<String, JobError> {
    let record = run_store.read(id)?;
    let facts = facts(&record, run_store, mask)?;
    page_of(&record)?
        .render(&facts)
        .map_err(JobError::unexpected)
}

fn page_of(record: &RunRecord) -> Result<Page, JobError> {
    let roster = roster_of(record)?;
    let since = parts(record)?.last().map(|part| part.begun);
    let naming = Naming::of(roster.columns());
    let mut page = Page::new(naming, since.unwrap_or(record.about().begun));
    recall(record, &roster, |record| {
        page.hear(&Event::Row(Box::new(record)));
        Ok(())
    })?;
    Ok(page)
}

/// Beside the results, named after the input.
fn beside(record: &RunRecord) -> PathBuf {
    let mut name = name_after(&record.about().input.path);
    name.push(".report.html");
    record.about().results.with_file_name(name)
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// Every row of a run with what became of it, in the order of the file.
fn recall(
    record: &RunRecord,
    roster: &Roster,
    mut on_row: impl FnMut(RowRecord) -> Result<(), JobError>,
) -> Result<(), JobError> {
    let mut pages = RecordedRows::of(record.reader()?);
    for entry in roster.entries().map_err(JobError::unexpected)? {
        let entry = entry.map_err(JobError::unexpected)?;
        let outcome = pages.outcome(entry.number)?;
        let change = entry.change.as_ref().ok();
        on_row(RowRecord {
            number: entry.number,
            action: change.map(|change| change.action),
            cells: entry.cells,
            outcome,
        })?;
    }
    Ok(())
}

/// What became of a run that is given up.
#[derive(Debug)]
pub enum Discarded {
    /// It is not offered to be continued any more. What it has done stays, and so does its record.
    Run,
    /// Its record cannot be read, and is now here.
    SetAside(PathBuf),
}

/// Gives up an unfinished run.
///
/// # Errors
/// When it is going, or has finished.
pub fn discard(run_store: &RunStore, id: &RunId) -> Result<Discarded, JobError> {
    refuse_going(run_store, id)?;
    let Ok((record, _)) = run_store.open(id) else {
        return Ok(Discarded::SetAside(run_store.set_aside(id)?));
    };
    if !record.state()?.is_unfinished() {
        return Err(JobError::usage(format_args!(
            "run {id} is not unfinished; there is nothing to discard"
        )));
    }
    record.discard()?;
    Ok(Discarded::Run)
}

/// What became of the records of old runs.
#[derive(Debug, Default)]
pub struct Pruned {
    /// How many were removed.
    pub removed: u64,
    /// Runs that have not finished, and were kept.
    pub kept: Vec<RunId>,
}

/// Removes the records of runs that are older than this. A run that may have been sent in part is kept until it is finished
/// or discarded, and a run as long as a retry of it is kept.
///
/// # Errors
/// When a record cannot be removed.
pub fn prune(run_store: &RunStore, older_than: SignedDuration) -> Result<Pruned, JobError> {
    let is_young =
        |record: &RunRecord| Timestamp::now().duration_since(record.about().begun) < older_than;
    let is_doubtful = |record: &RunRecord| -> Result<bool, JobError> {
        let may_be_sent = record.state()?.is_unfinished() && record.counts()?.sent > 0;
        Ok(may_be_sent && run_store.retry_of(record.id())?.is_none())
    };
    let mut pruned = Pruned::default();
    for id in run_store.runs()? {
        let Ok(record) = run_store.read(&id) else {
            continue;
        };
        if is_young(&record) {
            continue;
        }
        let doubtful = is_doubtful(&record)?;
        // A retry tells what has become of the rows of the run that it retries: they go together.
        let chain = run_store.chain(&run_store.first_of(&id)?)?;
        let mut chain_stays = false;
        for each in chain.records().filter(|record| *record.id() != id) {
            chain_stays |= is_young(each) || is_doubtful(each)?;
        }
        drop((record, chain));
        if (chain_stays && !doubtful) || run_store.is_going(&id) {
            continue;
        }
        if doubtful {
            pruned.kept.push(id);
        } else {
            run_store.remove(&id)?;
            pruned.removed += 1;
        }
    }
    Ok(pruned)
}
