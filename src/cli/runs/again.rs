//! Going on with runs that were cut short, and trying again what failed.

use std::path::Path;
use std::sync::Arc;

use super::document::{Part, Summary};
use super::{AgainArgs, RetryArgs, find, nothing, of_results, refuse_going};
use crate::cli::destination::SANDBOX;
use crate::cli::import::RunArgs;
use crate::cli::job::Job;
use crate::cli::node::NodeArgs;
use crate::cli::printed::{Reader, print_json};
use crate::cli::record::{Earlier, Origin, reach, whole};
use crate::cli::{Exit, Failure};
use crate::guard::MaxErrors;
use crate::ledger::{Book, Counts, History, Kind, RunId, Shelf, State};
use crate::report::{Tint, grouped, say};
use crate::roster::Action;
use crate::run::Verdict;
use crate::sheet::{Original, Reading, shown};

pub(super) async fn resume(args: AgainArgs) -> Result<Exit, Failure> {
    let shelf = args.options.state.shelf()?;
    let is_open = |_: &Book, state: &State, _: &Counts| !matches!(state, State::Finished { .. });
    let id = find(&shelf, args.run.as_deref(), is_open)?
        .ok_or_else(|| nothing(&shelf, "that was cut short"))?;
    Box::pin(go_on(&shelf, &id, args.options, args.node)).await
}

/// Goes on with a run that was cut short.
pub(in crate::cli) async fn go_on(
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
        let exit = if failed == 0 {
            Exit::Done
        } else {
            let command = Tint::Command.on(format_args!("headcount runs retry {id}"));
            let rows = grouped(failed);
            say(format_args!(
                "{rows} rows are not done; {command} sends them again."
            ));
            Exit::RowsFailed
        };
        if options.format == Reader::Json {
            print_json(&Summary::of(&book, Part::ended(exit))?)?;
        }
        return Ok(exit);
    }
    let about = book.about().clone();
    if about.addresses().any(|address| address == SANDBOX) {
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

pub(super) async fn retry(args: RetryArgs) -> Result<Exit, Failure> {
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
    if about.addresses().any(|address| address == SANDBOX) {
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
    // That is how the input was read, not its results.
    terms.reading = Reading::default();
    if let Some(about) = &known {
        node = reach(node, about)?;
    }
    let mut job = Job::of_terms(&terms, again.options.clone(), node, Origin::RetriedFile)?;
    if known.is_none() {
        job.map = job.node.mappings(&job.map)?;
    }
    Box::pin(job.carry_out()).await
}

/// The run over a file that was cut short after something was sent, if the latest one was.
pub(in crate::cli) fn cut_short(
    shelf: &Shelf,
    file: &Path,
    addresses: &[String],
) -> Result<Option<(RunId, String)>, Failure> {
    /// Older ones are not looked at.
    const LATEST: usize = 200;
    let file = whole(file);
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
        let same_file =
            || Original::take(&file).is_ok_and(|original| original.sha256() == about.terms.sha256);
        if !is_open || shelf.is_going(&id) || !same_file() {
            return Ok(None);
        }
        let settled: u64 = counts.verdicts.iter().map(|(_, count)| count).sum();
        let settled = settled - counts.of(Verdict::NotAttempted) - counts.of(Verdict::Unknown);
        let words = format!(
            "An earlier run over {} was cut short: run {id} of {:.0}, with {} of {} rows done.",
            shown(&file),
            about.begun,
            grouped(settled),
            grouped(about.rows)
        );
        return Ok(Some((id, words)));
    }
    Ok(None)
}
