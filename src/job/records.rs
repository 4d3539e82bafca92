//! What is made of the record of a run again, and what becomes of records.

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::JobError;
use super::done::roster_of;
use super::facts::{facts, parts};
use super::find::refuse_going;
use super::page::{create, write};
use crate::ledger::{Book, Pages, RunId, Shelf};
use crate::report::page::{Mask, Page};
use crate::report::{Former, Layout, ResultsFile, name_after};
use crate::roster::{self, Naming, Roster};
use crate::run::{Event, Record};

/// Writes the results of a run again, also while it is going, and tells where they are: at `to`, else where the run was
/// told to write them, without replacing what is there.
///
/// # Errors
/// When the record cannot be read, or the results cannot be written.
pub fn write_results(
    shelf: &Shelf,
    id: &RunId,
    to: Option<&Path>,
    bom: bool,
) -> Result<PathBuf, JobError> {
    let book = shelf.read(id)?;
    let roster = roster_of(&book)?;
    // Where nothing else is said, a file that is there may be another run's.
    let (path, former) = match to {
        Some(path) => (path.to_owned(), Former::Replace),
        None => (book.about().results.clone(), Former::Keep),
    };
    if is_same_file(&path, &book.about().input.path) {
        return Err(JobError::usage(format_args!(
            "{} is the input itself; give the results another name",
            path.display()
        )));
    }
    let mut layout = Layout::like_input(&roster, &path);
    if bom {
        layout.format = layout.format.with_bom();
    }
    let fits = layout.check(book.about().rows, [&roster]);
    fits.map_err(|unfit| {
        JobError::usage(format_args!(
            "the results cannot be written to {}: {unfit}",
            path.display()
        ))
    })?;
    let file = ResultsFile::create(&path, layout, former.into()).map_err(JobError::usage)?;
    let mut file = file.of_run(id.as_str());
    recall(&book, &roster, |record| {
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
    shelf: &Shelf,
    id: &RunId,
    to: Option<&Path>,
    mask: Mask,
) -> Result<PathBuf, JobError> {
    let book = shelf.read(id)?;
    let file = match to {
        Some(path) => create(path, Former::Replace)?,
        None => create(&beside(&book), Former::Keep)?,
    };
    let path = file.path().to_owned();
    let page = page_of(&book)?;
    write(file, &page, &facts(&book, shelf, mask)?)?;
    Ok(path)
}

/// The report of a run as text.
///
/// # Errors
/// When the record cannot be read.
pub fn report_text(shelf: &Shelf, id: &RunId, mask: Mask) -> Result<String, JobError> {
    let book = shelf.read(id)?;
    let facts = facts(&book, shelf, mask)?;
    page_of(&book)?.render(&facts).map_err(JobError::unexpected)
}

fn page_of(book: &Book) -> Result<Page, JobError> {
    let roster = roster_of(book)?;
    let since = parts(book)?.last().map(|part| part.begun);
    let naming = Naming::of(roster.columns());
    let mut page = Page::new(naming, since.unwrap_or(book.about().begun));
    recall(book, &roster, |record| {
        page.hear(&Event::Row(Box::new(record)));
        Ok(())
    })?;
    Ok(page)
}

/// Beside the results, named after the input.
fn beside(book: &Book) -> PathBuf {
    let mut name = name_after(&book.about().input.path);
    name.push(".report.html");
    book.about().results.with_file_name(name)
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// Every row of a run with what became of it, in the order of the file.
fn recall(
    book: &Book,
    roster: &Roster,
    mut on_row: impl FnMut(Record) -> Result<(), JobError>,
) -> Result<(), JobError> {
    let mut pages = Pages::of(book.reader()?);
    for entry in roster.entries().map_err(JobError::unexpected)? {
        let entry = entry.map_err(JobError::unexpected)?;
        let outcome = pages.outcome(entry.number)?;
        let change = entry.change.as_ref().ok();
        on_row(Record {
            number: entry.number,
            action: change.map(roster::Change::action),
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
pub fn discard(shelf: &Shelf, id: &RunId) -> Result<Discarded, JobError> {
    refuse_going(shelf, id)?;
    let Ok((book, _)) = shelf.open(id) else {
        return Ok(Discarded::SetAside(shelf.set_aside(id)?));
    };
    if !book.state()?.is_unfinished() {
        return Err(JobError::usage(format_args!(
            "run {id} is not unfinished; there is nothing to discard"
        )));
    }
    book.discard()?;
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
pub fn prune(shelf: &Shelf, older_than: SignedDuration) -> Result<Pruned, JobError> {
    let is_young = |book: &Book| Timestamp::now().duration_since(book.about().begun) < older_than;
    let is_doubtful = |book: &Book| -> Result<bool, JobError> {
        let may_be_sent = book.state()?.is_unfinished() && book.counts()?.sent > 0;
        Ok(may_be_sent && shelf.retry_of(book.id())?.is_none())
    };
    let mut pruned = Pruned::default();
    for id in shelf.runs()? {
        let Ok(book) = shelf.read(&id) else { continue };
        if is_young(&book) {
            continue;
        }
        let doubtful = is_doubtful(&book)?;
        // A retry tells what has become of the rows of the run that it retries: they go together.
        let chain = shelf.chain(&shelf.first_of(&id)?)?;
        let mut chain_stays = false;
        for each in chain.books().filter(|book| *book.id() != id) {
            chain_stays |= is_young(each) || is_doubtful(each)?;
        }
        drop((book, chain));
        if (chain_stays && !doubtful) || shelf.is_going(&id) {
            continue;
        }
        if doubtful {
            pruned.kept.push(id);
        } else {
            shelf.remove(&id)?;
            pruned.removed += 1;
        }
    }
    Ok(pruned)
}
