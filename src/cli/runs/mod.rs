//! `headcount runs`: what runs have done, and going on with them, again or back.

mod again;
mod examples;
mod look;
mod report;
mod undo;

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::builder::FalseyValueParser;
use clap::{Args, Subcommand};
use jiff::SignedDuration;

use super::args::{MaskArgs, NodeArgs, QuietArgs, RunArgs, StateArgs};
use super::job::document::{Part, Summary};
use super::job::run_of;
use super::printed::{Reader, print_json};
use super::{Exit, Failure};
use crate::ledger::{Book, Counts, Kind, RunId, Shelf, State};
use crate::report::{Tint, say};
use crate::roster::Action;

pub(super) const EXAMPLES: &str = "\
Examples:
  headcount runs list
  headcount runs resume                     continue the latest unfinished run
  headcount runs retry people.results.csv   send what failed again, corrected or not
  headcount runs undo 2026-11-24-0907       take back what a run did
  headcount runs report -o people.html      a page for somebody who was not there
  headcount runs prune --older-than 90d

A run is named by its id (its beginning is enough), by its results file, or not at all: then it is
the latest one that fits.";

/// Look at earlier runs; continue them, retry what failed, undo them
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct RunsArgs {
    #[command(subcommand)]
    command: RunsCommand,
}

#[derive(Debug, Subcommand)]
enum RunsCommand {
    /// Show all runs, the latest first
    #[command(after_help = examples::LIST)]
    List(ListArgs),
    /// Show what became of a run
    #[command(after_help = examples::SHOW)]
    Show(ShowArgs),
    /// Write the results of a run again, also while it is going
    #[command(after_help = examples::RESULTS)]
    Results(ResultsArgs),
    /// Make the report of a run: one page of HTML, also while it is going
    #[command(after_help = examples::REPORT)]
    Report(ReportArgs),
    /// Continue an unfinished run: what may have been sent is looked up first
    #[command(after_help = examples::RESUME)]
    Resume(AgainArgs),
    /// Send what failed or was not attempted again, from a run or from a corrected results file
    #[command(after_help = examples::RETRY)]
    Retry(RetryArgs),
    /// Take back what a run did: unlock, lock, former names and teams
    #[command(after_help = examples::UNDO)]
    Undo(AgainArgs),
    /// Give up an unfinished run: it is not offered to be continued any more
    #[command(after_help = examples::DISCARD)]
    Discard(DiscardArgs),
    /// Remove the records of old runs
    #[command(after_help = examples::PRUNE)]
    Prune(PruneArgs),
}

#[derive(Debug, Args)]
struct OneArgs {
    /// The run's id or its results file; the latest if none is given
    run: Option<String>,
    #[command(flatten)]
    state: StateArgs,
}

#[derive(Debug, Args)]
struct ListArgs {
    /// For people, or for programs
    #[arg(long, value_enum, default_value_t, env = "HEADCOUNT_RUN_FORMAT")]
    format: Reader,
    #[command(flatten)]
    state: StateArgs,
}

#[derive(Debug, Args)]
struct ShowArgs {
    #[command(flatten)]
    one: OneArgs,
    /// For people, or for programs
    #[arg(long, value_enum, default_value_t, env = "HEADCOUNT_RUN_FORMAT")]
    format: Reader,
}

#[derive(Debug, Args)]
struct ResultsArgs {
    #[command(flatten)]
    one: OneArgs,
    /// Where they go (- for standard output); else where the run was told
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Begin results in CSV with a byte order mark, which Excel on Windows needs
    #[arg(long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_BOM")]
    bom: bool,
    #[command(flatten)]
    quiet: QuietArgs,
}

#[derive(Debug, Args)]
struct ReportArgs {
    #[command(flatten)]
    one: OneArgs,
    /// Where it goes (- for standard output); else beside the results as NAME.report.html
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    mask: MaskArgs,
    #[command(flatten)]
    quiet: QuietArgs,
}

#[derive(Debug, Args)]
struct AgainArgs {
    /// The run's id or its results file; the latest that fits if none is given
    run: Option<String>,
    #[command(flatten)]
    options: RunArgs,
    #[command(flatten)]
    node: NodeArgs,
}

#[derive(Debug, Args)]
struct RetryArgs {
    #[command(flatten)]
    again: AgainArgs,
    /// What rows without an action ask for, if no record of the run says it
    #[arg(long, value_name = "ACTION")]
    action: Option<Action>,
}

#[derive(Debug, Args)]
struct DiscardArgs {
    /// The run's id or its results file
    run: String,
    #[command(flatten)]
    quiet: QuietArgs,
    #[command(flatten)]
    state: StateArgs,
}

#[derive(Debug, Args)]
struct PruneArgs {
    /// How old a run has to be: 90d, 12h
    #[arg(long, value_name = "AGE", default_value = "90d")]
    older_than: Age,
    #[command(flatten)]
    quiet: QuietArgs,
    #[command(flatten)]
    state: StateArgs,
}

/// A length of time, in days or hours.
#[derive(Debug, Clone, Copy)]
struct Age(SignedDuration);

impl FromStr for Age {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not an age; write days or hours: 90d, 12h");
        let text = text.trim();
        let (number, hours) = match (text.strip_suffix('d'), text.strip_suffix('h')) {
            (Some(days), _) => (days, 24),
            (_, Some(hours)) => (hours, 1),
            _ => return Err(wrong()),
        };
        let number: u32 = number.trim().parse().map_err(|_| wrong())?;
        Ok(Age(SignedDuration::from_hours(i64::from(number) * hours)))
    }
}

impl RunsArgs {
    /// Who reads what is printed.
    pub(super) fn reader(&self) -> Reader {
        match &self.command {
            RunsCommand::List(args) => args.format,
            RunsCommand::Show(args) => args.format,
            RunsCommand::Resume(args) | RunsCommand::Undo(args) => args.options.format,
            RunsCommand::Retry(args) => args.again.options.format,
            RunsCommand::Results(_)
            | RunsCommand::Report(_)
            | RunsCommand::Discard(_)
            | RunsCommand::Prune(_) => Reader::Text,
        }
    }

    /// The node that the command talks to, if it talks to one.
    pub(super) fn node(&mut self) -> Option<&mut NodeArgs> {
        match &mut self.command {
            RunsCommand::Resume(args) | RunsCommand::Undo(args) => Some(&mut args.node),
            RunsCommand::Retry(args) => Some(&mut args.again.node),
            _ => None,
        }
    }
}

/// `headcount runs`
pub(super) async fn runs(args: RunsArgs) -> Result<Exit, Failure> {
    match args.command {
        RunsCommand::List(args) => look::list(&args),
        RunsCommand::Show(args) => look::show(&args),
        RunsCommand::Results(args) => look::results(&args),
        RunsCommand::Report(args) => report::report(&args),
        RunsCommand::Resume(args) => again::resume(args).await,
        RunsCommand::Retry(args) => again::retry(args).await,
        RunsCommand::Undo(args) => {
            let shelf = args.options.state.shelf()?;
            let takes_back = |book: &Book, state: &State, counts: &Counts| {
                // Of one that was killed, the record may have lost what was sent.
                let may_have_sent = counts.sent > 0 || *state == State::Open;
                may_have_sent && !matches!(book.about().kind, Kind::Undo { .. })
            };
            let id = find(&shelf, args.run.as_deref(), takes_back)?
                .ok_or_else(|| nothing(&shelf, "that changed anything"))?;
            let book = shelf.read(&id)?;
            refuse_going(&shelf, &id)?;
            if let Some(undo) = shelf.undone_by(&id)?
                && is_complete(&shelf.read(&undo)?)?
            {
                say(format_args!(
                    "There is nothing to undo: run {id} was undone by run {undo}."
                ));
                return nothing_to_do(&book, args.options.format);
            }
            undo::undo(&book, args.options, args.node).await
        }
        RunsCommand::Discard(args) => look::discard(&args),
        RunsCommand::Prune(args) => look::prune(&args),
    }
}

/// Ends without a run; a program that waits for a document gets what is known of this one.
fn nothing_to_do(book: &Book, reader: Reader) -> Result<Exit, Failure> {
    if reader == Reader::Json {
        print_json(&Summary::of(book, Part::ended(Exit::Done))?)?;
    }
    Ok(Exit::Done)
}

/// Whether a run is finished, and every row has succeeded.
fn is_complete(book: &Book) -> Result<bool, Failure> {
    let is_finished = matches!(book.state()?, State::Finished { .. });
    Ok(is_finished && book.counts()?.not_done(book.about().rows) == 0)
}

/// The run that is meant. Where none is named: the latest of which `fits` is true.
fn find(
    shelf: &Shelf,
    named: Option<&str>,
    fits: impl Fn(&Book, &State, &Counts) -> bool,
) -> Result<Option<RunId>, Failure> {
    match named {
        Some(name) if Path::new(name).is_file() => match of_results(shelf, Path::new(name))? {
            Some(id) => Ok(Some(id)),
            None => Err(Failure::usage(format_args!(
                "{name} is not the results file of a run in {}; headcount runs list shows the runs",
                shelf.dir().display()
            ))),
        },
        Some(name) => match shelf.find(name) {
            Ok(id) => Ok(Some(id)),
            // Of a run that was continued there is no results file until it ends.
            Err(error) => match of_place(shelf, Path::new(name))? {
                Some(id) => Ok(Some(id)),
                None => Err(error.into()),
            },
        },
        None => {
            for id in shelf.runs()? {
                let book = match shelf.recover(&id) {
                    Ok((book, _)) => book,
                    Err(_) if shelf.is_going(&id) => continue,
                    // It may be the one that is meant: an older one would be the wrong one.
                    Err(_) => return Err(unreadable(shelf, &id)),
                };
                if fits(&book, &book.state()?, &book.counts()?) {
                    return Ok(Some(id));
                }
            }
            Ok(None)
        }
    }
}

/// Says which record is unreadable, and how to go on.
fn unreadable(shelf: &Shelf, id: &RunId) -> Failure {
    let why = shelf.recover(id).err();
    let why = why.map_or_else(String::new, |error| format!(" ({error})"));
    let discard = Tint::Command.on(format_args!("headcount runs discard {id}"));
    Failure::usage(format_args!(
        "the record of run {id} cannot be read{why}, and it may be the one that you mean; nothing was sent. Name the run \
         (headcount runs list shows them), or set this record aside: {discard}"
    ))
}

/// The run that has written a results file, as the file itself says; a file of an earlier version is known by its place.
fn of_results(shelf: &Shelf, path: &Path) -> Result<Option<RunId>, Failure> {
    match run_of(path) {
        Some(id) => Ok(shelf.runs()?.into_iter().find(|run| run.as_str() == id)),
        None => of_place(shelf, path),
    }
}

/// The latest run whose results go to this place.
fn of_place(shelf: &Shelf, path: &Path) -> Result<Option<RunId>, Failure> {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for id in shelf.runs()? {
        let Ok(book) = shelf.read(&id) else { continue };
        if book.about().results == absolute {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

fn nothing(shelf: &Shelf, what: &str) -> Failure {
    let list = Tint::Command.on("headcount runs list");
    Failure::usage(format_args!(
        "there is no run {what} in {}; {list} shows those that there are, --state-dir names another folder",
        shelf.dir().display()
    ))
}

fn refuse_going(shelf: &Shelf, id: &RunId) -> Result<(), Failure> {
    if shelf.is_going(id) {
        let show = Tint::Command.on(format_args!("headcount runs show {id}"));
        return Err(Failure::usage(format_args!(
            "run {id} is still going; wait for it, or stop it first. How far it is: {show}"
        )));
    }
    Ok(())
}
