//! The results of a job: where they go, how they are laid out, and whether they fit there.

use std::path::{Path, PathBuf};

use super::Job;
use crate::cli::Failure;
use crate::report::{self, Former, Layout, ResultsFile};
use crate::roster::Roster;

impl Job {
    /// Where they go: never over the input.
    pub(super) fn results_path(&self) -> Result<PathBuf, Failure> {
        let same = |path: &Path| match (path.canonicalize(), self.file.canonicalize()) {
            (Ok(results), Ok(input)) => results == input,
            _ => false,
        };
        match &self.run.results {
            Some(path) if same(path) => Err(Failure::usage(format_args!(
                "--results {} is the input itself; give the results another name",
                path.display()
            ))),
            Some(path) => Ok(path.clone()),
            None => Ok(report::beside(&self.file)),
        }
    }

    /// How the results are laid out.
    fn layout<'r>(&self, path: &Path, roster: &'r Roster) -> Layout<'r> {
        let layout = Layout::like_input(roster, path);
        Layout {
            format: self.run.format_of_results(layout.format),
            ..layout
        }
    }

    /// Refuses a place for the results that cannot hold them, before anything is sent.
    pub(super) fn check_results(&self, parts: &[&Roster], rows: u64) -> Result<(), Failure> {
        let Some(first) = parts.first() else {
            return Ok(());
        };
        let path = self.results_path()?;
        let layout = self.layout(&path, first);
        let fits = layout.check(rows, parts.iter().copied());
        fits.map_err(|unfit| {
            Failure::usage(format_args!(
                "the results cannot be written to {}: {unfit}. Nothing was sent.",
                path.display()
            ))
        })
    }

    /// Begins the file.
    pub(super) fn results_file(
        &self,
        path: &Path,
        roster: &Roster,
    ) -> Result<ResultsFile, Failure> {
        // A name that somebody gave is theirs to reuse; one that follows from the input is not.
        let former = if self.run.results.is_some() || self.origin.is_resumed() {
            Former::Replace
        } else {
            Former::Keep
        };
        ResultsFile::create(path, self.layout(path, roster), former).map_err(|error| {
            Failure::usage(format_args!(
                "{error}; nothing was sent. Name another place with --results FILE."
            ))
        })
    }
}
