//! The results of a job: where they go, how they are laid out, and whether they fit there.

use std::path::{Path, PathBuf};
use std::{fs, io};

use jiff::Timestamp;

use super::origin::RowsOrigin;
use super::{Job, JobError};
use crate::ledger::{RunRecord, RunState};
use crate::links::followed;
use crate::report::{self, IfExists, Layout, OverwritePolicy, PriorResults, ResultsFile};
use crate::roster::{self, Action, Roster};
use crate::sheet::Reading;

impl Job {
    /// Where they go: never over the input.
    pub(super) fn results_path(&self) -> Result<PathBuf, JobError> {
        let same = |path: &Path| match (path.canonicalize(), self.spec.file.canonicalize()) {
            (Ok(results), Ok(input)) => results == input,
            _ => false,
        };
        match &self.spec.options.results {
            Some(path) if same(path) => Err(JobError::usage(format_args!(
                "--results {} is the input itself; give the results another name",
                path.display()
            ))),
            Some(path) => Ok(path.clone()),
            None => Ok(match &self.origin {
                RowsOrigin::Resumed(earlier) => earlier.record.about().results.clone(),
                _ => report::beside(&self.spec.file),
            }),
        }
    }

    /// Where they go, and what happens to a file that is there. The results of another run stay.
    pub(super) fn results_target(&self) -> Result<(PathBuf, OverwritePolicy), JobError> {
        let path = self.results_path()?;
        let RowsOrigin::Resumed(earlier) = &self.origin else {
            // A name that the user gave is theirs to reuse; one that follows from the input is not.
            return Ok(match self.spec.options.results {
                Some(_) => (path, IfExists::Replace.into()),
                None => (path, IfExists::Keep.into()),
            });
        };
        // What it has left itself when it was killed is in its record.
        let overwrite = OverwritePolicy {
            whole: IfExists::Keep,
            part: IfExists::Replace,
        };
        let id = earlier.record.id();
        if path.is_file() && run_of(&path).is_some_and(|writer| writer != id.as_str()) {
            let free = report::free_name(&path);
            self.caller.tell(&format_args!(
                "{} has the results of another run; those of run {id} go to {}",
                path.display(),
                free.display()
            ));
            return Ok((free, overwrite));
        }
        Ok((path, overwrite))
    }

    /// What a run has written before it is continued is out of date from now on: it is removed, or set aside if it was
    /// changed since.
    pub(super) fn clear_stale_results(&self, path: &Path) -> Result<(), JobError> {
        let RowsOrigin::Resumed(earlier) = &self.origin else {
            return Ok(());
        };
        let record = &earlier.record;
        let (id, recorded) = (record.id(), record.about().results.clone());
        let mut stale = vec![path.to_owned(), recorded];
        stale.dedup();
        for path in stale {
            let is_own = || run_of(&path).is_none_or(|writer| writer == id.as_str());
            if !path.is_file() || !is_own() {
                continue;
            }
            let failed = |error: io::Error| {
                JobError::usage(format_args!(
                    "{}: {error}; nothing was sent",
                    path.display()
                ))
            };
            if is_untouched(&path, record)? {
                // A link stays a link.
                let whole = followed(&path).map_err(failed)?;
                fs::remove_file(whole).map_err(failed)?;
            } else {
                let aside = report::set_aside(&path).map_err(failed)?;
                self.caller.tell(&format_args!(
                    "{} was changed after run {id} had stopped; it is now {}",
                    path.display(),
                    aside.display()
                ));
            }
        }
        Ok(())
    }

    /// How the results are laid out.
    fn layout<'r>(&self, path: &Path, roster: &'r Roster) -> Layout<'r> {
        let layout = Layout::like_input(roster, path);
        Layout {
            format: self.spec.options.format_of_results(layout.format),
            ..layout
        }
    }

    /// Refuses a place for the results that cannot hold them, before anything is sent.
    pub(super) fn check_results(&self, parts: &[&Roster], rows: u64) -> Result<(), JobError> {
        let Some(first) = parts.first() else {
            return Ok(());
        };
        let path = self.results_path()?;
        let layout = self.layout(&path, first);
        let fits = layout.check(rows, parts.iter().copied());
        fits.map_err(|unfit| {
            JobError::usage(format_args!(
                "the results cannot be written to {}: {unfit}. Nothing was sent.",
                path.display()
            ))
        })
    }

    /// Begins the file.
    pub(super) fn results_file(
        &self,
        path: &Path,
        overwrite: OverwritePolicy,
        roster: &Roster,
    ) -> Result<ResultsFile, JobError> {
        ResultsFile::create(path, self.layout(path, roster), overwrite).map_err(|error| {
            JobError::usage(format_args!(
                "{error}; nothing was sent. Name another place with --results FILE."
            ))
        })
    }
}

/// The id of the run that has written a results file, as the first row says that names one: others were added since.
pub(super) fn run_of(path: &Path) -> Option<String> {
    let options = roster::Options {
        default_action: Action::Update,
        forced_action: false,
        map: Vec::new(),
    };
    let roster = Roster::open(path, &Reading::default(), options).ok()?;
    let prior = PriorResults::of(roster.header())?;
    let mut entries = roster.entries().ok()?;
    entries.find_map(|entry| prior.run(&entry.ok()?.cells).map(str::to_owned))
}

/// Whether a results file is as the run has left it when it stopped.
fn is_untouched(path: &Path, record: &RunRecord) -> Result<bool, JobError> {
    let (RunState::Stopped { at, .. } | RunState::Discarded { at } | RunState::Finished { at }) =
        record.state()?
    else {
        return Ok(false);
    };
    let changed = fs::metadata(path).and_then(|about| about.modified());
    let changed = changed.ok().and_then(|at| Timestamp::try_from(at).ok());
    // The file was complete before its run was noted as stopped, which is known to the millisecond.
    Ok(changed.is_some_and(|changed| changed.as_millisecond() <= at.as_millisecond()))
}
