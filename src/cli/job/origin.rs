//! Where the rows of a job come from, and what is known of each before it begins.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use super::Job;
use super::site::Ready;
use crate::cli::Failure;
use crate::ledger::{Book, Carried, Chain, History, Kind, LedgerError, Pages, RowSet, RunId};
use crate::report::{FormerResults, Tint, say};
use crate::roster::{self, Entries, Entry, Roster, Settled};
use crate::run::{Assignment, Assignments};
use crate::sheet::{Original, Reading, RowNumber, SheetError, is_standard_input, shown};

/// Where the rows of a job come from, and what is known of them.
#[derive(Debug, Default)]
pub(in crate::cli) enum Origin {
    /// A spreadsheet of which nothing is known.
    #[default]
    File,
    /// A run that was cut short goes on.
    Resumed(Earlier),
    /// What was not done of a run is tried again.
    Retried(Earlier),
    /// What was not done of the run that has written a results file is tried again, with the rows as the file has them now.
    RetriedFile(Recorded),
    /// What a run did is taken back.
    Undo {
        /// Which run.
        of: RunId,
        /// The addresses of the nodes that it was on.
        on: Vec<String>,
    },
}

/// What is known of the rows of a results file.
#[derive(Debug)]
pub(in crate::cli) enum Recorded {
    /// The record of the run that has written it, and of the retries since. It counts, whatever stands in the file.
    InRecord(Box<Chain>),
    /// There is no such record: what stands in the file.
    InFile,
}

/// An earlier run.
#[derive(Debug)]
pub(in crate::cli) struct Earlier {
    /// Its record. A run that goes on is the only one to write it.
    pub(in crate::cli) book: Book,
    pub(in crate::cli) history: Arc<History>,
}

impl Origin {
    fn earlier(&self) -> Option<&Earlier> {
        match self {
            Origin::Resumed(earlier) | Origin::Retried(earlier) => Some(earlier),
            Origin::File | Origin::RetriedFile(_) | Origin::Undo { .. } => None,
        }
    }

    /// The record of the latest run that it builds on.
    pub(super) fn latest(&self) -> Option<&Book> {
        match self {
            Origin::RetriedFile(Recorded::InRecord(chain)) => Some(chain.latest()),
            _ => self.earlier().map(|earlier| &earlier.book),
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

    pub(super) fn kind(&self) -> Kind {
        match self {
            Origin::File | Origin::Resumed(_) => Kind::Import,
            Origin::Retried(earlier) => Kind::Retry {
                of: Some(earlier.book.id().to_string()),
            },
            Origin::RetriedFile(Recorded::InRecord(chain)) => Kind::Retry {
                of: Some(chain.latest().id().to_string()),
            },
            Origin::RetriedFile(Recorded::InFile) => Kind::Retry { of: None },
            Origin::Undo { of, .. } => Kind::Undo { of: of.to_string() },
        }
    }

    /// Opens the file of a new job. An unfinished run goes on with the copy of the file in its record, whatever the file has
    /// become. To retry a run whose file was changed since is refused: the changes would be lost.
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
        let original = self.original(earlier, file)?;
        let roster = Roster::of(original, reading, options).map_err(Failure::usage)?;
        self.with_settled(roster, file)
    }

    /// The input of an earlier run.
    fn original(&self, earlier: &Earlier, file: &Path) -> Result<Original, Failure> {
        let (id, name) = (earlier.book.id(), file.display());
        let is_the_same =
            |original: &Original| original.sha256() == earlier.book.about().terms.sha256;
        let now = if is_standard_input(file) || !file.exists() {
            None
        } else {
            Some(Original::take(file).map_err(Failure::usage)?)
        };
        let was_there = now.is_some();
        if let Some(now) = now.filter(is_the_same) {
            return Ok(now);
        }
        if was_there && !self.is_resumed() {
            let results = earlier.book.about().results.display();
            let retry = Tint::Command.on(format_args!("headcount runs retry {results}"));
            return Err(Failure::usage(format_args!(
                "{name} has changed since run {id} started, so its rows cannot be told from those that are done; nothing was \
                 sent. Correct rows in the results file instead, and send it with: {retry}"
            )));
        }
        let copy = restore(&earlier.book)?;
        if !is_the_same(&copy) {
            return Err(Failure::usage(format_args!(
                "the copy of the input in the record of run {id} is damaged, and {name} is not as it was; nothing was sent. \
                 Bring the file back as it was, or start over with --anew."
            )));
        }
        if !is_standard_input(file) {
            let what = if was_there { "has changed" } else { "is gone" };
            say(format_args!(
                "{name} {what}; continuing with the copy of it from when run {id} started."
            ));
        }
        Ok(copy)
    }

    fn with_settled(&self, roster: Roster, file: &Path) -> Result<Roster, Failure> {
        Ok(match self {
            Origin::Resumed(earlier) | Origin::Retried(earlier) => {
                let history = Arc::clone(&earlier.history);
                roster.with_settled(Settled::by(move |entry| history.is_done(entry.number)))
            }
            Origin::RetriedFile(Recorded::InRecord(chain)) => {
                let former = former_results(&roster, file)?;
                let history = history_of(&roster, chain, former)?;
                roster.with_settled(Settled::by(move |entry| history.is_done(entry.number)))
            }
            Origin::RetriedFile(Recorded::InFile) => {
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
                    let past = pages.past(&history, &entry);
                    let past = past.map_err(|error| unreadable(&name, error))?;
                    Ok(Assignment { entry, past })
                }))
            }
            Origin::RetriedFile(Recorded::InRecord(chain)) => {
                let former = former_results(roster, file)?;
                let history = history_of(roster, chain, former.clone())?;
                let mut sources = Sources::of(former);
                let (chain, name) = (chain.reader()?, roster.file_name().to_owned());
                Box::new(entries.map(move |entry| {
                    let entry = entry?;
                    let past = history.past_in(&chain, entry.number, sources.next(&entry));
                    let past = past.map_err(|error| unreadable(&name, error))?;
                    Ok(Assignment { entry, past })
                }))
            }
            Origin::RetriedFile(Recorded::InFile) => {
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

impl Job {
    /// The rows that the record of a retry takes over.
    pub(super) fn carried<'a>(&'a self, ready: &'a [Ready]) -> Result<CarriedRows<'a>, Failure> {
        let mut all: CarriedRows<'a> = Box::new(std::iter::empty());
        let chain = match &self.origin {
            Origin::Retried(earlier) => Chain::of(earlier.book.reader()?),
            Origin::RetriedFile(Recorded::InRecord(chain)) => chain.reader()?,
            Origin::RetriedFile(Recorded::InFile)
            | Origin::File
            | Origin::Resumed(_)
            | Origin::Undo { .. } => return Ok(all),
        };
        let chain = Rc::new(chain);
        for each in ready {
            let roster = &each.site.roster;
            let mut sources = match &self.origin {
                Origin::RetriedFile(_) => Some(Sources::of(former_results(roster, &self.file)?)),
                _ => None,
            };
            let chain = Rc::clone(&chain);
            let entries = roster.entries().map_err(Failure::unexpected)?;
            let carried = entries.filter_map(move |entry| {
                let entry = match entry {
                    Ok(entry) => entry,
                    Err(error) => return Some(Err(LedgerError::Input(error))),
                };
                let source = match &mut sources {
                    Some(sources) => sources.next(&entry)?,
                    None => entry.number,
                };
                Some(chain.carry(entry.number, source))
            });
            all = Box::new(all.chain(carried));
        }
        Ok(all)
    }
}

/// Rows that the record of a retry takes over.
type CarriedRows<'a> = Box<dyn Iterator<Item = Result<Carried, LedgerError>> + 'a>;

/// The numbers that the rows of a results file have in the run that wrote them.
struct Sources {
    former: FormerResults,
    seen: RowSet,
}

impl Sources {
    fn of(former: FormerResults) -> Self {
        Sources {
            former,
            seen: RowSet::default(),
        }
    }

    /// That of the next row. A row that was added since has none; nor has the copy of one, which is about another person.
    fn next(&mut self, entry: &Entry) -> Option<RowNumber> {
        let source = self.former.row(&entry.cells)?;
        self.seen.insert(source).then_some(source)
    }
}

/// What the records say of the rows of a results file.
fn history_of(roster: &Roster, chain: &Chain, former: FormerResults) -> Result<History, Failure> {
    let mut sources = Sources::of(former);
    let entries = roster.entries().map_err(Failure::unexpected)?;
    let rows = entries.map(|entry| {
        let entry = entry?;
        Ok((entry.number, sources.next(&entry)))
    });
    Ok(History::of_chain::<LedgerError>(chain, rows)?)
}

fn unreadable(file: &str, error: LedgerError) -> SheetError {
    SheetError::Io {
        file: file.to_owned(),
        source: std::io::Error::other(error),
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
pub(in crate::cli) fn restore(book: &Book) -> Result<Original, Failure> {
    let name = shown(&book.about().terms.file);
    let mut copy = tempfile::tempfile().map_err(Failure::unexpected)?;
    book.copy_input(&mut copy)?;
    std::io::Seek::rewind(&mut copy).map_err(Failure::unexpected)?;
    Original::copy(name, &mut copy).map_err(Failure::usage)
}
