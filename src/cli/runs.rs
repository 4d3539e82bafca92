//! `headcount runs`: what runs have done, and going on with them, again or back.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};

use super::import::RunArgs;
use super::job::Job;
use super::node::NodeArgs;
use super::record::{Earlier, Origin, StateArgs, reach, restore};
use super::undo;
use super::{Exit, Failure, print};
use crate::guard::MaxErrors;
use crate::ledger::{Book, Counts, History, Kind, Pages, RunId, Shelf, State};
use crate::report::{Former, Layout, ResultsFile, grouped, say};
use crate::roster::{self, Action, Roster};
use crate::run::{Record, Verdict};

pub(super) const EXAMPLES: &str = "\
Examples:
  headcount runs list
  headcount runs resume                     go on with the latest run that was cut short
  headcount runs retry people.results.csv   send what failed again, corrected or not
  headcount runs undo 2026-11-24-0907       take back what a run did
  headcount runs prune --older-than 90d

A run is named by its id (its beginning is enough), by its results file, or not at all: then it is
the latest one that fits.";

/// Look at earlier runs; go on with them, try again what failed, take them back
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct RunsArgs {
    #[command(subcommand)]
    command: RunsCommand,
}

#[derive(Debug, Subcommand)]
enum RunsCommand {
    /// Show all runs, the latest first
    List(StateArgs),
    /// Show what became of a run
    Show(OneArgs),
    /// Write the results of a run again, also while it is going
    Results(ResultsArgs),
    /// Go on with a run that was cut short: what may have been sent is looked up first
    Resume(AgainArgs),
    /// Send what failed or was not attempted again, from a run or from a corrected results file
    Retry(RetryArgs),
    /// Take back what a run did: unlock, lock, former names and teams
    Undo(AgainArgs),
    /// Remove the records of old runs
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
struct ResultsArgs {
    #[command(flatten)]
    one: OneArgs,
    /// Where they go (- for standard output); else where the run was told
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
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
struct PruneArgs {
    /// How old a run has to be: 90d, 12h
    #[arg(long, value_name = "AGE", default_value = "90d")]
    older_than: Age,
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
        RunsCommand::List(state) => list(&state.shelf()?),
        RunsCommand::Show(args) => show(&args),
        RunsCommand::Results(args) => results(&args),
        RunsCommand::Resume(args) => resume(args).await,
        RunsCommand::Retry(args) => retry(args).await,
        RunsCommand::Undo(args) => {
            let shelf = args.options.state.shelf()?;
            let takes_back = |book: &Book, _: &State, counts: &Counts| {
                counts.sent > 0 && !matches!(book.about().kind, Kind::Undo { .. })
            };
            let id = find(&shelf, args.run.as_deref(), takes_back)?
                .ok_or_else(|| nothing(&shelf, "that changed anything"))?;
            let book = shelf.read(&id)?;
            refuse_going(&shelf, &id)?;
            undo::undo(&book, args.options, args.node).await
        }
        RunsCommand::Prune(args) => prune(&args),
    }
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
        Some(name) => Ok(Some(shelf.find(name)?)),
        None => {
            for id in shelf.runs()? {
                // A record that cannot be read is no reason not to find another one.
                let Ok(book) = shelf.read(&id) else { continue };
                if fits(&book, &book.state()?, &book.counts()?) {
                    return Ok(Some(id));
                }
            }
            Ok(None)
        }
    }
}

/// The run that has written, or writes, a results file.
fn of_results(shelf: &Shelf, path: &Path) -> Result<Option<RunId>, Failure> {
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
    Failure::usage(format_args!(
        "there is no run {what} in {}",
        shelf.dir().display()
    ))
}

fn refuse_going(shelf: &Shelf, id: &RunId) -> Result<(), Failure> {
    if shelf.is_going(id) {
        return Err(Failure::usage(format_args!(
            "run {id} is still going; wait for it, or stop it first"
        )));
    }
    Ok(())
}

/// How a run stands, in words.
fn standing(shelf: &Shelf, id: &RunId, state: &State, counts: &Counts) -> String {
    match state {
        State::Finished { .. } if counts.verdicts.iter().all(|(v, _)| v.is_done()) => {
            "finished".to_owned()
        }
        State::Finished { .. } => "finished, not all done".to_owned(),
        State::Stopped { .. } => "stopped".to_owned(),
        State::Open if shelf.is_going(id) => "going".to_owned(),
        State::Open => "cut short".to_owned(),
    }
}

fn list(shelf: &Shelf) -> Result<Exit, Failure> {
    let mut text = String::new();
    for id in shelf.runs()? {
        let line = shelf.read(&id).and_then(|book| {
            let about = book.about();
            let (state, counts) = (book.state()?, book.counts()?);
            Ok(format!(
                "{id}  {:<22}  {:>9} of {:<9}  {}  {}  ({})",
                standing(shelf, &id, &state, &counts),
                grouped(counts.done()),
                grouped(about.rows),
                about.terms.file.display(),
                about.node_names(),
                about.kind,
            ))
        });
        let line = line.unwrap_or_else(|error| format!("{id}  cannot be read: {error}"));
        text.push_str(&line);
        text.push('\n');
    }
    if text.is_empty() {
        say(format_args!(
            "There are no runs in {}.",
            shelf.dir().display()
        ));
    } else {
        let head =
            "RUN                     STATE                   ROWS DONE               FILE, NODE\n";
        print(format!("{head}{text}").as_bytes())?;
    }
    Ok(Exit::Done)
}

fn show(args: &OneArgs) -> Result<Exit, Failure> {
    let shelf = args.state.shelf()?;
    let id =
        find(&shelf, args.run.as_deref(), |_, _, _| true)?.ok_or_else(|| nothing(&shelf, "yet"))?;
    let book = shelf.read(&id)?;
    let (about, state, counts) = (book.about(), book.state()?, book.counts()?);
    let mut text = String::new();
    let mut line = |name: &str, value: &dyn std::fmt::Display| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{name:<9} {value}");
    };
    line("run", &id);
    line("what", &about.kind);
    line("file", &about.terms.file.display());
    line("node", &about.node_names());
    line("begun", &format_args!("{:.0}", about.begun));
    let standing = standing(&shelf, &id, &state, &counts);
    match &state {
        State::Stopped { at, why } => line("state", &format_args!("{standing} at {at:.0}: {why}")),
        State::Finished { at } => line("state", &format_args!("{standing} at {at:.0}")),
        State::Open => line("state", &standing),
    }
    line("rows", &grouped(about.rows));
    for (verdict, count) in &counts.verdicts {
        line("", &format_args!("{:>9} {verdict}", grouped(*count)));
    }
    if counts.in_doubt > 0 {
        let words = "may have been sent; resume looks for them first";
        line("", &format_args!("{:>9} {words}", grouped(counts.in_doubt)));
    }
    let settled: u64 = counts.verdicts.iter().map(|(_, count)| count).sum();
    let left = about.rows.saturating_sub(settled + counts.in_doubt);
    if left > 0 {
        line("", &format_args!("{:>9} not sent yet", grouped(left)));
    }
    line("results", &about.results.display());
    print(text.as_bytes())?;
    let hint = match state {
        State::Open if shelf.is_going(&id) => None,
        State::Open | State::Stopped { .. } => Some("resume"),
        State::Finished { .. } if counts.not_done(about.rows) > 0 => Some("retry"),
        State::Finished { .. } => None,
    };
    if let Some(hint) = hint {
        say(format_args!("Next: headcount runs {hint} {id}"));
    }
    Ok(Exit::Done)
}

fn results(args: &ResultsArgs) -> Result<Exit, Failure> {
    let shelf = args.one.state.shelf()?;
    let id = find(&shelf, args.one.run.as_deref(), |_, _, _| true)?
        .ok_or_else(|| nothing(&shelf, "yet"))?;
    let book = shelf.read(&id)?;
    let terms = &book.about().terms;
    let options = roster::Options {
        default_action: terms.action.parse().map_err(Failure::usage)?,
        forced_action: terms.only_action,
        map: Job::map_of(terms)?,
    };
    let roster = Roster::of(restore(&book)?, options).map_err(Failure::usage)?;
    let to_stdout = args.output.as_deref() == Some(Path::new("-"));
    let folder = tempfile::tempdir().map_err(Failure::unexpected)?;
    let path = match &args.output {
        _ if to_stdout => folder.path().join("results.csv"),
        Some(path) => path.clone(),
        None => book.about().results.clone(),
    };
    // Where nothing else is said, a file that is there may be another run's.
    let former = if args.output.is_some() {
        Former::Replace
    } else {
        Former::Keep
    };
    let layout = Layout::like_input(&roster, &path);
    let mut file = ResultsFile::create(&path, layout, former).map_err(Failure::usage)?;
    let mut pages = Pages::of(book.reader()?);
    for entry in roster.entries().map_err(Failure::unexpected)? {
        let entry = entry.map_err(Failure::unexpected)?;
        let outcome = pages.outcome(entry.number)?;
        let change = entry.change.as_ref().ok();
        let record = Record {
            number: entry.number,
            action: change.map(roster::Change::action),
            cells: entry.cells,
            outcome,
        };
        file.write(&record).map_err(Failure::unexpected)?;
    }
    file.finish().map_err(Failure::unexpected)?;
    if to_stdout {
        print(&std::fs::read(&path).map_err(Failure::unexpected)?)?;
    } else {
        say(format_args!("Results of run {id}: {}", path.display()));
    }
    Ok(Exit::Done)
}

async fn resume(args: AgainArgs) -> Result<Exit, Failure> {
    let shelf = args.options.state.shelf()?;
    let is_open = |_: &Book, state: &State, _: &Counts| !matches!(state, State::Finished { .. });
    let id = find(&shelf, args.run.as_deref(), is_open)?
        .ok_or_else(|| nothing(&shelf, "that was cut short"))?;
    Box::pin(go_on(&shelf, &id, args.options, args.node)).await
}

/// Goes on with a run that was cut short.
pub(super) async fn go_on(
    shelf: &Shelf,
    id: &RunId,
    options: RunArgs,
    node: NodeArgs,
) -> Result<Exit, Failure> {
    let (book, salvaged) = shelf.open(id)?;
    if salvaged {
        say(format_args!(
            "The record of run {id} was damaged. What can be read of it is kept; everybody of whom it says nothing is \
             looked for before anything is sent."
        ));
    }
    if let State::Finished { .. } = book.state()? {
        let counts = book.counts()?;
        let failed = counts.not_done(book.about().rows);
        say(format_args!(
            "Run {id} has come to its end; there is nothing to go on with. Results: {}",
            book.about().results.display()
        ));
        if failed == 0 {
            return Ok(Exit::Done);
        }
        say(format_args!(
            "{} rows are not done; headcount runs retry {id} sends them again.",
            grouped(failed)
        ));
        return Ok(Exit::RowsFailed);
    }
    let about = book.about().clone();
    if about
        .addresses()
        .any(|address| address == super::destination::SANDBOX)
    {
        return Err(gone(id));
    }
    let mut options = options;
    options.results = options.results.or(Some(about.results.clone()));
    options.max_errors = match (options.max_errors, &about.max_errors) {
        (None, Some(most)) => Some(most.parse::<MaxErrors>().map_err(Failure::usage)?),
        (given, _) => given,
    };
    let history = Arc::new(History::of_resumed(&book)?);
    let node = reach(node, &about)?;
    let origin = Origin::Resumed(Earlier { book, history });
    let job = Job::of_terms(&about.terms, options, node, origin)?;
    job.carry_out().await
}

/// The node of `--sandbox` does not outlive its run.
pub(super) fn gone(id: &RunId) -> Failure {
    Failure::usage(format_args!(
        "run {id} was on the node of --sandbox, which is gone since that run ended; to try this out, start a node of its \
         own with: headcount sandbox"
    ))
}

async fn retry(args: RetryArgs) -> Result<Exit, Failure> {
    let RetryArgs { again, action } = args;
    let shelf = again.options.state.shelf()?;
    let file = again.run.as_deref().map(Path::new);
    if let Some(file) = file.filter(|file| file.is_file()) {
        return Box::pin(retry_file(&shelf, file, action, &again)).await;
    }
    let has_failed = |book: &Book, state: &State, counts: &Counts| {
        matches!(state, State::Finished { .. }) && counts.not_done(book.about().rows) > 0
    };
    let id = find(&shelf, again.run.as_deref(), has_failed)?
        .ok_or_else(|| nothing(&shelf, "of which rows are not done"))?;
    refuse_going(&shelf, &id)?;
    let book = shelf.read(&id)?;
    let about = book.about().clone();
    if about
        .addresses()
        .any(|address| address == super::destination::SANDBOX)
    {
        return Err(gone(&id));
    }
    let history = Arc::new(History::of_retried(&book)?);
    let node = reach(again.node, &about)?;
    let origin = Origin::Retried(Earlier { book, history });
    let job = Job::of_terms(&about.terms, again.options, node, origin)?;
    Box::pin(job.carry_out()).await
}

/// Tries again what is not done according to a results file, which may have been corrected since.
async fn retry_file(
    shelf: &Shelf,
    file: &Path,
    action: Option<Action>,
    again: &AgainArgs,
) -> Result<Exit, Failure> {
    let mut node = again.node.clone();
    let known = match of_results(shelf, file)? {
        Some(id) => Some(shelf.read(&id)?.about().clone()),
        None => None,
    };
    let mut terms = match (&known, action) {
        (Some(about), _) => about.terms.clone(),
        (None, Some(action)) => Job::usual_terms(action),
        (None, None) => {
            return Err(Failure::usage(format_args!(
                "no record of the run that wrote {} is in {}, so what rows without an action ask for is not known; nothing \
                 was sent. Say so with --action.",
                file.display(),
                shelf.dir().display()
            )));
        }
    };
    if let Some(action) = action {
        terms.action = action.to_string();
    }
    terms.file = file.to_owned();
    if let Some(about) = &known {
        node = reach(node, about)?;
    }
    let job = Job::of_terms(&terms, again.options.clone(), node, Origin::RetriedFile)?;
    Box::pin(job.carry_out()).await
}

fn prune(args: &PruneArgs) -> Result<Exit, Failure> {
    let shelf = args.state.shelf()?;
    let (mut removed, mut kept) = (0_u64, 0_u64);
    for id in shelf.runs()? {
        let Ok(book) = shelf.read(&id) else { continue };
        if Timestamp::now().duration_since(book.about().begun) < args.older_than.0 {
            continue;
        }
        let doubtful = !matches!(book.state()?, State::Finished { .. }) && book.counts()?.sent > 0;
        drop(book);
        if shelf.is_going(&id) {
            continue;
        }
        if doubtful {
            kept += 1;
            say(format_args!(
                "Run {id} was cut short and is kept: finish it first, with headcount runs resume {id}"
            ));
            continue;
        }
        shelf.remove(&id)?;
        removed += 1;
    }
    say(format_args!(
        "{} runs removed, {} kept that were cut short.",
        grouped(removed),
        grouped(kept)
    ));
    Ok(Exit::Done)
}

/// The run over a file that was cut short after something was sent, if the latest one was.
pub(super) fn cut_short(
    shelf: &Shelf,
    file: &Path,
    addresses: &[String],
) -> Result<Option<(RunId, String)>, Failure> {
    /// Older ones are not looked at.
    const LATEST: usize = 200;
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    for id in shelf.runs()?.into_iter().take(LATEST) {
        let Ok(book) = shelf.read(&id) else { continue };
        let about = book.about();
        let same_nodes =
            addresses.is_empty() || about.addresses().eq(addresses.iter().map(String::as_str));
        if about.terms.file != file || !same_nodes || about.kind != Kind::Import {
            continue;
        }
        let is_open = !matches!(book.state()?, State::Finished { .. });
        let counts = book.counts()?;
        if is_open && counts.sent == 0 {
            continue;
        }
        let same_file = || {
            crate::sheet::Snapshot::take(&file)
                .is_ok_and(|snapshot| snapshot.sha256() == about.terms.sha256)
        };
        if !is_open || shelf.is_going(&id) || !same_file() {
            return Ok(None);
        }
        let settled: u64 = counts.verdicts.iter().map(|(_, count)| count).sum();
        let settled = settled - counts.of(Verdict::NotAttempted) - counts.of(Verdict::Unknown);
        let words = format!(
            "An earlier run over {} was cut short: run {id} of {:.0}, with {} of {} rows done.",
            file.display(),
            about.begun,
            grouped(settled),
            grouped(about.rows)
        );
        return Ok(Some((id, words)));
    }
    Ok(None)
}
