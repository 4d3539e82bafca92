//! The record of a job: begun, gone on with, and ended.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;

use super::job::Job;
use super::node::NodeArgs;
use super::site::{Ready, Site};
use super::{Exit, Failure};
use crate::ledger::{About, Book, History, Kind, LedgerError, NodeAbout, Pages, RunId, Shelf};
use crate::report::{FormerResults, Tint, say};
use crate::roster::{self, Entries, Roster, Settled};
use crate::run::{Assignment, Assignments};
use crate::sheet::{Original, Reading, SheetError, is_standard_input, shown};

/// How often it is looked whether a node is free.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Where the records of runs are.
#[derive(Debug, Clone, Args)]
pub(super) struct StateArgs {
    /// The folder with the records of runs, instead of the platform's
    #[arg(
        long,
        value_name = "DIR",
        env = "HEADCOUNT_STATE_DIR",
        help_heading = "Run"
    )]
    state_dir: Option<PathBuf>,
}

impl StateArgs {
    pub(super) fn shelf(&self) -> Result<Shelf, Failure> {
        Ok(Shelf::at(self.state_dir.as_deref())?)
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        Failure::usage(error)
    }
}

/// Where the rows of a job come from, and what is known of them.
#[derive(Debug, Default)]
pub(super) enum Origin {
    /// A spreadsheet of which nothing is known.
    #[default]
    File,
    /// A run that was cut short goes on.
    Resumed(Earlier),
    /// What was not done of a run is tried again.
    Retried(Earlier),
    /// What was not done according to a results file is tried again.
    RetriedFile,
    /// What a run did is taken back.
    Undo {
        /// Which run.
        of: RunId,
        /// The addresses of the nodes that it was on.
        on: Vec<String>,
    },
}

/// An earlier run.
#[derive(Debug)]
pub(super) struct Earlier {
    /// Its record. A run that goes on is the only one to write it.
    pub(super) book: Book,
    pub(super) history: Arc<History>,
}

impl Origin {
    fn earlier(&self) -> Option<&Earlier> {
        match self {
            Origin::Resumed(earlier) | Origin::Retried(earlier) => Some(earlier),
            Origin::File | Origin::RetriedFile | Origin::Undo { .. } => None,
        }
    }

    /// Whether it goes on with a run that was agreed to.
    pub(super) fn is_resumed(&self) -> bool {
        matches!(self, Origin::Resumed(_))
    }

    /// Whether new people have to be looked for before they are created.
    pub(super) fn is_unclean(&self) -> bool {
        self.earlier()
            .is_some_and(|earlier| earlier.history.is_unclean())
    }

    fn kind(&self) -> Kind {
        match self {
            Origin::File | Origin::Resumed(_) => Kind::Import,
            Origin::Retried(earlier) => Kind::Retry {
                of: Some(earlier.book.id().to_string()),
            },
            Origin::RetriedFile => Kind::Retry { of: None },
            Origin::Undo { of, .. } => Kind::Undo { of: of.to_string() },
        }
    }

    /// Opens the file, or where it is gone, the copy of it in the record of the earlier run. A file that
    /// was changed since is refused.
    pub(super) fn open(
        &self,
        file: &Path,
        reading: &Reading,
        options: roster::Options,
    ) -> Result<Roster, Failure> {
        let Some(earlier) = self.earlier() else {
            let roster = Roster::open(file, reading, options).map_err(Failure::usage)?;
            return self.with_settled(roster, file);
        };
        let original = if is_standard_input(file) {
            restore(&earlier.book)?
        } else if file.exists() {
            Original::take(file).map_err(Failure::usage)?
        } else {
            say(format_args!(
                "{} is gone; going on with the copy of it that was made when the run began.",
                file.display()
            ));
            restore(&earlier.book)?
        };
        if original.sha256() != earlier.book.about().terms.sha256 {
            let id = earlier.book.id();
            let results = earlier.book.about().results.display();
            let retry = Tint::Command.on(format_args!("headcount runs retry {results}"));
            return Err(Failure::usage(format_args!(
                "{} was changed since run {id} began, so its rows cannot be told from those that are done; nothing was \
                 sent. Bring the file back as it was, or correct rows in the results file instead and send it with: \
                 {retry}",
                file.display()
            )));
        }
        let roster = Roster::of(original, reading, options).map_err(Failure::usage)?;
        self.with_settled(roster, file)
    }

    fn with_settled(&self, roster: Roster, file: &Path) -> Result<Roster, Failure> {
        Ok(match self {
            Origin::Resumed(earlier) | Origin::Retried(earlier) => {
                let history = Arc::clone(&earlier.history);
                roster.with_settled(Settled::by(move |entry| history.is_done(entry.number)))
            }
            Origin::RetriedFile => {
                let former = former_results(&roster, file)?;
                roster.with_settled(Settled::by(move |entry| former.is_done(&entry.cells)))
            }
            Origin::File | Origin::Undo { .. } => roster,
        })
    }

    /// The rows of a node, each with what is known of it.
    pub(super) fn assignments(&self, roster: &Roster, file: &Path) -> Result<Assignments, Failure> {
        let entries: Entries = roster.entries().map_err(Failure::unexpected)?;
        Ok(match self {
            Origin::File | Origin::Undo { .. } => {
                Box::new(entries.map(|entry| entry.map(Assignment::from)))
            }
            Origin::Resumed(earlier) | Origin::Retried(earlier) => {
                let mut pages = Pages::of(earlier.book.reader()?);
                let history = Arc::clone(&earlier.history);
                let name = roster.file_name().to_owned();
                Box::new(entries.map(move |entry| {
                    let entry = entry?;
                    let past = pages
                        .past(&history, &entry)
                        .map_err(|error| SheetError::Io {
                            file: name.clone(),
                            source: std::io::Error::other(error),
                        })?;
                    Ok(Assignment { entry, past })
                }))
            }
            Origin::RetriedFile => {
                let former = former_results(roster, file)?;
                Box::new(entries.map(move |entry| {
                    let entry = entry?;
                    let past = former.past(&entry.cells);
                    Ok(Assignment { entry, past })
                }))
            }
        })
    }
}

fn former_results(roster: &Roster, file: &Path) -> Result<FormerResults, Failure> {
    FormerResults::of(roster.header()).ok_or_else(|| {
        Failure::usage(format_args!(
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

/// The input of a run as it was.
pub(super) fn restore(book: &Book) -> Result<Original, Failure> {
    let name = shown(&book.about().terms.file);
    let mut copy = tempfile::tempfile().map_err(Failure::unexpected)?;
    book.copy_input(&mut copy)?;
    std::io::Seek::rewind(&mut copy).map_err(Failure::unexpected)?;
    Original::copy(name, &mut copy).map_err(Failure::usage)
}

impl Job {
    /// The record that this job is written down in.
    pub(super) fn book(&mut self, ready: &[Ready], results: &Path) -> Result<Book, Failure> {
        let about = self.about(ready, results)?;
        match std::mem::take(&mut self.origin) {
            Origin::Resumed(earlier) => {
                // What is known of its rows is read from another connection.
                let reader = earlier.book.reader()?;
                self.origin = Origin::Resumed(Earlier {
                    book: reader,
                    history: earlier.history,
                });
                earlier.book.begin_again()?;
                Ok(earlier.book)
            }
            origin => {
                self.origin = origin;
                let input = ready[0].site.roster.bytes().map_err(Failure::unexpected)?;
                let book = self.run.state.shelf()?.begin(&about, input);
                book.map_err(|error| {
                    Failure::usage(format_args!(
                        "the record of the run cannot be written: {error}; nothing was sent. Name another folder with \
                         --state-dir."
                    ))
                })
            }
        }
    }

    fn about(&self, ready: &[Ready], results: &Path) -> Result<About, Failure> {
        let node = |each: &Ready| NodeAbout {
            name: each.node.name.clone(),
            cell: each.site.destination.names().name,
            address: each.node.address.clone(),
            rate: each.site.destination.rate.map(|rate| rate.to_string()),
            concurrency: Some(each.site.destination.concurrency),
        };
        Ok(About {
            version: About::VERSION,
            kind: self.origin.kind(),
            begun: Timestamp::now(),
            terms: self.terms(ready),
            nodes: ready.iter().map(node).collect(),
            reach: serde_json::to_value(self.node.anywhere()).map_err(Failure::unexpected)?,
            rows: ready.iter().map(|each| each.site.census.rows).sum(),
            results: std::path::absolute(results).unwrap_or_else(|_| results.to_owned()),
            max_errors: self.run.max_errors.map(|most| most.to_string()),
        })
    }

    /// Refuses to go on with a run, or to take it back, on other nodes than those that it was on.
    pub(super) fn check_nodes(&self, addresses: &[String]) -> Result<(), Failure> {
        let (id, were, are_those) = match &self.origin {
            Origin::Undo { of, on } => {
                // Of some of them there may be nothing to take back.
                let known = addresses.iter().all(|address| on.contains(address));
                (of, on.clone(), known)
            }
            Origin::Resumed(earlier) | Origin::Retried(earlier) => {
                let were = earlier.book.about().addresses().map(str::to_owned);
                let were: Vec<String> = were.collect();
                let same = were == addresses;
                (earlier.book.id(), were, same)
            }
            Origin::File | Origin::RetriedFile => return Ok(()),
        };
        if are_those {
            return Ok(());
        }
        Err(Failure::usage(format_args!(
            "run {id} was on {}, not on {}; nothing was sent. Without flags and variables that name a node \
             (HEADCOUNT_URL, HEADCOUNT_NODE, HEADCOUNT_PROFILE) the run's own is taken.",
            were.join(" and "),
            addresses.join(" and ")
        )))
    }

    /// Waits until no other run works on these nodes, and keeps others away from them.
    pub(super) async fn hold_nodes(&self, sites: &mut [Site]) -> Result<(), Failure> {
        let records = self.run.state.shelf()?;
        let mut lasting: Vec<&mut Site> = sites
            .iter_mut()
            .filter(|site| !site.destination.is_sandbox())
            .collect();
        // Everybody takes them in the same order, so that no two wait for each other.
        lasting.sort_unstable_by_key(|site| site.destination.address());
        for site in lasting {
            let address = site.destination.address();
            let who = format!(
                "process {}, which carries out {}",
                std::process::id(),
                shown(&self.file)
            );
            let mut said = false;
            loop {
                match records.hold_node(&address, &who)? {
                    Ok(hold) => break site.hold = Some(hold),
                    Err(other) => {
                        if !said {
                            say(format_args!(
                                "Another run is working on {address} ({other}); waiting for it to end. Ctrl-C gives up."
                            ));
                            said = true;
                        }
                        tokio::time::sleep(LOOK_EVERY).await;
                    }
                }
            }
        }
        Ok(())
    }
}

/// How the command line of an earlier run named its nodes, with what is said now before it.
pub(super) fn reach(now: NodeArgs, about: &About) -> Result<NodeArgs, Failure> {
    let earlier: NodeArgs = serde_json::from_value(about.reach.clone()).map_err(|error| {
        Failure::new(
            Exit::Unexpected,
            format_args!("the record of the run cannot be understood: {error}"),
        )
    })?;
    Ok(now.or(earlier))
}
