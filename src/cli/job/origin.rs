//! Where the rows of a job come from, and what is known of each before it begins.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::Failure;
use crate::ledger::{Book, History, Kind, Pages, RunId};
use crate::report::{FormerResults, Tint, say};
use crate::roster::{self, Entries, Roster, Settled};
use crate::run::{Assignment, Assignments};
use crate::sheet::{Original, Reading, SheetError, is_standard_input, shown};

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
pub(in crate::cli) struct Earlier {
    /// Its record. A run that goes on is the only one to write it.
    pub(in crate::cli) book: Book,
    pub(in crate::cli) history: Arc<History>,
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

    pub(super) fn kind(&self) -> Kind {
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
pub(in crate::cli) fn restore(book: &Book) -> Result<Original, Failure> {
    let name = shown(&book.about().terms.file);
    let mut copy = tempfile::tempfile().map_err(Failure::unexpected)?;
    book.copy_input(&mut copy)?;
    std::io::Seek::rewind(&mut copy).map_err(Failure::unexpected)?;
    Original::copy(name, &mut copy).map_err(Failure::usage)
}
