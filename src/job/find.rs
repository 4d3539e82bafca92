//! Which run is meant: by its id, by its results file, or the latest that fits.

use std::path::Path;

use super::JobError;
use super::results::run_of;
use crate::ledger::{Counts, RunId, RunRecord, RunState, RunStore};
use crate::report::Style;

/// The run that is meant: the one named, or else the latest.
///
/// # Errors
/// When there is none.
pub fn find_run(run_store: &RunStore, named: Option<&str>) -> Result<RunId, JobError> {
    find(run_store, named, |_, _, _| true)?.ok_or_else(|| nothing(run_store, "yet"))
}

/// The run that is meant. Where none is named: the latest of which `fits` is true.
pub(super) fn find(
    run_store: &RunStore,
    named: Option<&str>,
    fits: impl Fn(&RunRecord, &RunState, &Counts) -> bool,
) -> Result<Option<RunId>, JobError> {
    match named {
        Some(name) if Path::new(name).is_file() => match of_results(run_store, Path::new(name))? {
            Some(id) => Ok(Some(id)),
            None => Err(JobError::usage(format_args!(
                "{name} is not the results file of a run in {}; headcount runs list shows the runs",
                run_store.dir().display()
            ))),
        },
        Some(name) => match run_store.find(name) {
            Ok(id) => Ok(Some(id)),
            // Of a run that was continued there is no results file until it ends.
            Err(error) => match of_place(run_store, Path::new(name))? {
                Some(id) => Ok(Some(id)),
                None => Err(error.into()),
            },
        },
        None => {
            for id in run_store.runs()? {
                let record = match run_store.recover(&id) {
                    Ok((record, _)) => record,
                    Err(_) if run_store.is_going(&id) => continue,
                    // It may be the one that is meant: an older one would be the wrong one.
                    Err(_) => return Err(unreadable(run_store, &id)),
                };
                if fits(&record, &record.state()?, &record.counts()?) {
                    return Ok(Some(id));
                }
            }
            Ok(None)
        }
    }
}

/// Says which record is unreadable, and how to go on.
pub(super) fn unreadable(run_store: &RunStore, id: &RunId) -> JobError {
    let why = run_store.recover(id).err();
    let why = why.map_or_else(String::new, |error| format!(" ({error})"));
    let discard = Style::Command.on(format_args!("headcount runs discard {id}"));
    JobError::usage(format_args!(
        "the record of run {id} cannot be read{why}, and it may be the one that you mean; nothing was sent. Name the run \
         (headcount runs list shows them), or set this record aside: {discard}"
    ))
}

/// The run that has written a results file, as the file itself says; one that names no run is known by its place.
pub(super) fn of_results(run_store: &RunStore, path: &Path) -> Result<Option<RunId>, JobError> {
    match run_of(path) {
        Some(id) => Ok(run_store.runs()?.into_iter().find(|run| run.as_str() == id)),
        None => of_place(run_store, path),
    }
}

/// The latest run whose results go to this place.
fn of_place(run_store: &RunStore, path: &Path) -> Result<Option<RunId>, JobError> {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for id in run_store.runs()? {
        let Ok(record) = run_store.read(&id) else {
            continue;
        };
        if record.about().results == absolute {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

pub(super) fn nothing(run_store: &RunStore, what: &str) -> JobError {
    let list = Style::Command.on("headcount runs list");
    JobError::usage(format_args!(
        "there is no run {what} in {}; {list} shows those that there are, --state-dir names another folder",
        run_store.dir().display()
    ))
}

pub(super) fn refuse_going(run_store: &RunStore, id: &RunId) -> Result<(), JobError> {
    if run_store.is_going(id) {
        let show = Style::Command.on(format_args!("headcount runs show {id}"));
        return Err(JobError::usage(format_args!(
            "run {id} is still going; wait for it, or stop it first. How far it is: {show}"
        )));
    }
    Ok(())
}
