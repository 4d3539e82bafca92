//! Where the rows of a job come from, and what is known of each before it begins.

use std::iter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::done::{DoneRows, Source, Sources, restore};
use super::{Caller, JobError};
use crate::ledger::{
    Carried, Chain, ChainRow, History, LedgerError, RecordedRows, RowSet, RunId, RunKind,
    RunRecord, RunState,
};
use crate::report::{PriorResults, Style};
use crate::roster::{self, AlreadyDone, CheckedRow, CheckedRows, Roster};
use crate::run::{Assignment, Assignments};
use crate::sheet::{Original, Reading, SheetError, is_standard_input};

/// Where the rows of a job come from, and what is known of them.
#[derive(Debug, Default)]
pub(super) enum RowsOrigin {
    /// A spreadsheet of which nothing is known.
    #[default]
    File,
    /// A run that was cut short goes on.
    Resumed(Box<Earlier>),
    /// What is not done of a run is retried.
    Retried(Box<Retried>),
    /// What is not done according to a results file is retried; its run is not known here.
    RetriedFile,
    /// What a run did is taken back.
    Undo {
        /// Which run.
        of: RunId,
        /// The addresses of the nodes that it was on.
        on: Vec<String>,
    },
}

/// A run that is retried.
#[derive(Debug)]
pub(super) struct Retried {
    /// Its record, and those of the retries since. They count, whatever stands in a results file.
    chain: Chain,
    /// With the rows as they stand in its results file: those that are done.
    done: Option<Arc<DoneRows>>,
}

impl Retried {
    /// The rows of a run as they were.
    pub(super) fn as_they_were(chain: Chain) -> Self {
        Retried { chain, done: None }
    }

    /// The rows as they stand in its results file now.
    pub(super) fn as_they_are(chain: Chain) -> Result<Self, JobError> {
        let done = Some(Arc::new(DoneRows::of(&chain)?));
        Ok(Retried { chain, done })
    }

    /// The run itself.
    pub(super) fn first(&self) -> &RunRecord {
        self.chain.first()
    }

    /// Finds rows of `roster` in the records.
    fn finder(&self, roster: &Roster, file: &Path) -> Result<Finder, JobError> {
        let prior = |done: &Arc<DoneRows>| {
            let prior = prior_results(roster, file)?;
            Ok::<_, JobError>((Sources::of(roster, prior), Arc::clone(done)))
        };
        Ok(Finder {
            chain: self.chain.reader()?,
            file: self.done.as_ref().map(prior).transpose()?,
        })
    }

    /// What is known of the rows of `roster`.
    fn history(&self, roster: &Roster, file: &Path) -> Result<History, JobError> {
        let finder = self.finder(roster, file)?;
        let mut done = RowSet::default();
        for entry in roster.entries().map_err(JobError::unexpected)? {
            let entry = entry.map_err(JobError::unexpected)?;
            if matches!(finder.find(&entry)?, Source::Done(_)) {
                done.insert(entry.number);
            }
        }
        Ok(History::of_chain(&self.chain, done)?)
    }
}

/// Finds rows of a file in the records of earlier runs.
struct Finder {
    chain: Chain,
    file: Option<(Sources, Arc<DoneRows>)>,
}

impl Finder {
    fn find(&self, entry: &CheckedRow) -> Result<Source, LedgerError> {
        if let Some((sources, done)) = &self.file {
            return sources.of_row(entry, &self.chain, done);
        }
        let first = self.chain.first().id().as_str();
        Ok(match self.chain.place(first, entry.number)? {
            Some(place) if self.chain.is_done(place)? => Source::Done(place),
            Some(place) => Source::Open(place),
            None => Source::New,
        })
    }

    fn place(&self, entry: &CheckedRow) -> Result<Option<ChainRow>, LedgerError> {
        Ok(match self.find(entry)? {
            Source::Done(place) | Source::Open(place) => Some(place),
            Source::New => None,
        })
    }
}

/// An earlier run.
#[derive(Debug)]
pub(super) struct Earlier {
    /// Its record. A run that goes on is the only one to write it.
    pub(super) record: RunRecord,
    pub(super) history: Arc<History>,
}

impl RowsOrigin {
    /// The runs that it retries.
    pub(super) fn chain(&self) -> Option<&Chain> {
        match self {
            RowsOrigin::Retried(retried) => Some(&retried.chain),
            _ => None,
        }
    }

    /// The run whose input it takes as it was.
    fn input_of(&self) -> Option<&RunRecord> {
        match self {
            RowsOrigin::Resumed(earlier) => Some(&earlier.record),
            RowsOrigin::Retried(retried) if retried.done.is_none() => Some(retried.chain.first()),
            _ => None,
        }
    }

    /// Whether rows that an earlier run has settled may be all that there are.
    pub(super) fn is_retry(&self) -> bool {
        matches!(self, RowsOrigin::Retried(_) | RowsOrigin::RetriedFile)
    }

    /// Whether it goes on with a run that was agreed to.
    pub(super) fn is_resumed(&self) -> bool {
        matches!(self, RowsOrigin::Resumed(_))
    }

    /// Whether new people have to be looked for before they are created.
    pub(super) fn is_unclean(&self) -> bool {
        match self {
            RowsOrigin::Resumed(earlier) => earlier.history.is_unclean(),
            RowsOrigin::Retried(retried) => {
                matches!(retried.chain.latest().state(), Ok(RunState::Open))
            }
            RowsOrigin::File | RowsOrigin::RetriedFile | RowsOrigin::Undo { .. } => false,
        }
    }

    pub(super) fn kind(&self) -> RunKind {
        match self {
            RowsOrigin::File | RowsOrigin::Resumed(_) => RunKind::Import,
            RowsOrigin::Retried(retried) => RunKind::Retry {
                of: Some(retried.chain.latest().id().to_string()),
            },
            RowsOrigin::RetriedFile => RunKind::Retry { of: None },
            RowsOrigin::Undo { of, .. } => RunKind::Undo { of: of.to_string() },
        }
    }

    /// Opens the file of a new job. An unfinished run goes on with the copy of the file in its record, whatever the file has
    /// become. To retry a run whose file was changed since is refused: the changes would be lost.
    pub(super) fn open(
        &self,
        file: &Path,
        reading: &Reading,
        options: roster::Options,
        caller: &dyn Caller,
    ) -> Result<Roster, JobError> {
        let Some(record) = self.input_of() else {
            let roster = Roster::open(file, reading, options).map_err(JobError::usage)?;
            return self.with_already_done(roster, file);
        };
        let original = self.original(record, file, caller)?;
        let roster = Roster::of(original, reading, options).map_err(JobError::usage)?;
        self.with_already_done(roster, file)
    }

    /// The input of an earlier run.
    fn original(
        &self,
        record: &RunRecord,
        file: &Path,
        caller: &dyn Caller,
    ) -> Result<Original, JobError> {
        let (id, name) = (record.id(), file.display());
        let is_the_same = |original: &Original| original.sha256() == record.about().input.sha256;
        let now = if is_standard_input(file) || !file.exists() {
            None
        } else {
            Some(Original::take(file).map_err(JobError::usage)?)
        };
        let was_there = now.is_some();
        if let Some(now) = now.filter(is_the_same) {
            return Ok(now);
        }
        if was_there && !self.is_resumed() {
            let results = record.about().results.display();
            let retry = Style::Command.on(format_args!("headcount runs retry {results}"));
            return Err(JobError::usage(format_args!(
                "{name} has changed since run {id} started, so its rows cannot be told from those that are done; nothing was \
                 sent. Correct rows in the results file instead, and send it with: {retry}"
            )));
        }
        let copy = restore(record)?;
        if !is_the_same(&copy) {
            return Err(JobError::usage(format_args!(
                "the copy of the input in the record of run {id} is damaged, and {name} is not as it was; nothing was sent. \
                 Bring the file back as it was, or start over with --anew."
            )));
        }
        if !is_standard_input(file) {
            let what = if was_there { "has changed" } else { "is gone" };
            caller.tell(&format_args!(
                "{name} {what}; continuing with the copy of it from when run {id} started."
            ));
        }
        Ok(copy)
    }

    fn with_already_done(&self, roster: Roster, file: &Path) -> Result<Roster, JobError> {
        Ok(match self {
            RowsOrigin::Resumed(earlier) => {
                let history = Arc::clone(&earlier.history);
                roster
                    .with_already_done(AlreadyDone::by(move |entry| history.is_done(entry.number)))
            }
            RowsOrigin::Retried(retried) => {
                let history = retried.history(&roster, file)?;
                roster
                    .with_already_done(AlreadyDone::by(move |entry| history.is_done(entry.number)))
            }
            RowsOrigin::RetriedFile => {
                let prior = prior_results(&roster, file)?;
                roster.with_already_done(AlreadyDone::by(move |entry| prior.is_done(&entry.cells)))
            }
            RowsOrigin::File | RowsOrigin::Undo { .. } => roster,
        })
    }

    /// The rows of a node that the record of a retry takes over.
    pub(super) fn carried(
        &self,
        roster: &Roster,
        file: &Path,
    ) -> Result<CarriedRows<'_>, JobError> {
        let entries = roster.entries().map_err(JobError::unexpected)?;
        Ok(match self {
            RowsOrigin::Retried(retried) => {
                let finder = retried.finder(roster, file)?;
                Box::new(entries.filter_map(move |entry| {
                    let carry = |entry: CheckedRow| {
                        let place = finder.place(&entry)?;
                        let carry = |place| finder.chain.carry(entry.number, place);
                        place.map(carry).transpose()
                    };
                    entry.map_err(LedgerError::from).and_then(carry).transpose()
                }))
            }
            RowsOrigin::RetriedFile => {
                let prior = prior_results(roster, file)?;
                Box::new(entries.filter_map(move |entry| match entry {
                    Ok(entry) => {
                        let outcome = prior.outcome(&entry.cells);
                        let outcome = outcome.filter(|outcome| outcome.verdict.is_done());
                        outcome.map(|outcome| Ok(Carried::done(entry.number, &outcome)))
                    }
                    Err(error) => Some(Err(error.into())),
                }))
            }
            RowsOrigin::File | RowsOrigin::Resumed(_) | RowsOrigin::Undo { .. } => {
                Box::new(iter::empty())
            }
        })
    }

    /// The rows of a node, each with what is known of it.
    pub(super) fn assignments(
        &self,
        roster: &Roster,
        file: &Path,
    ) -> Result<Assignments, JobError> {
        let entries: CheckedRows = roster.entries().map_err(JobError::unexpected)?;
        Ok(match self {
            RowsOrigin::File | RowsOrigin::Undo { .. } => {
                Box::new(entries.map(|entry| entry.map(Assignment::from)))
            }
            RowsOrigin::Resumed(earlier) => {
                let mut pages = RecordedRows::of(earlier.record.reader()?);
                let history = Arc::clone(&earlier.history);
                let name = roster.file_name().to_owned();
                Box::new(entries.map(move |entry| {
                    let entry = entry?;
                    let prior_state = pages.prior_state(&history, &entry);
                    let prior_state = prior_state.map_err(|error| unreadable(&name, error))?;
                    Ok(Assignment { entry, prior_state })
                }))
            }
            RowsOrigin::Retried(retried) => {
                let history = retried.history(roster, file)?;
                let finder = retried.finder(roster, file)?;
                let name = roster.file_name().to_owned();
                Box::new(entries.map(move |entry| {
                    let entry = entry?;
                    let place = finder.place(&entry);
                    let prior_state = place.and_then(|place| {
                        history.prior_state_in(&finder.chain, entry.number, place)
                    });
                    let prior_state = prior_state.map_err(|error| unreadable(&name, error))?;
                    Ok(Assignment { entry, prior_state })
                }))
            }
            RowsOrigin::RetriedFile => {
                let prior = prior_results(roster, file)?;
                Box::new(entries.map(move |entry| {
                    let entry = entry?;
                    let prior_state = prior.prior_state(&entry.cells);
                    Ok(Assignment { entry, prior_state })
                }))
            }
        })
    }
}

/// Rows that the record of a retry takes over.
pub(super) type CarriedRows<'a> = Box<dyn Iterator<Item = Result<Carried, LedgerError>> + 'a>;

fn unreadable(file: &str, error: LedgerError) -> SheetError {
    SheetError::Io {
        file: file.to_owned(),
        source: std::io::Error::other(error),
    }
}

fn prior_results(roster: &Roster, file: &Path) -> Result<PriorResults, JobError> {
    PriorResults::of(roster.header()).ok_or_else(|| {
        JobError::usage(format_args!(
            "{} is neither the name of a run nor a results file: it has no column result_outcome. headcount runs list \
             shows the runs.",
            file.display()
        ))
    })
}

/// The whole path of an input; standard input has none.
pub(super) fn whole(file: &Path) -> PathBuf {
    if is_standard_input(file) {
        return file.to_owned();
    }
    std::path::absolute(file).unwrap_or_else(|_| file.to_owned())
}
