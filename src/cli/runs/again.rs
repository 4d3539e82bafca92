//! Continuing runs that have not finished, and retrying what failed.

use std::path::Path;
use std::sync::Arc;

use super::{AgainArgs, RetryArgs, find, nothing, of_results, refuse_going};
use crate::cli::destination::SANDBOX;
use crate::cli::job::{Earlier, Job, Origin, Recorded, go_on, gone, reach};
use crate::cli::{Exit, Failure};
use crate::ledger::{Book, Chain, Counts, History, Kind, RunId, Shelf, State};
use crate::report::{Tint, say};
use crate::roster::Action;
use crate::sheet::Reading;

pub(super) async fn resume(args: AgainArgs) -> Result<Exit, Failure> {
    let shelf = args.options.state.shelf()?;
    let unfinished = |book: &Book, state: &State, _: &Counts| {
        state.is_unfinished() && !is_retried(&shelf, book.id())
    };
    let id = find(&shelf, args.run.as_deref(), unfinished)?
        .ok_or_else(|| nothing(&shelf, "that is unfinished"))?;
    Box::pin(go_on(&shelf, &id, args.options, args.node, false)).await
}

/// Whether a retry has taken over the rows of a run.
fn is_retried(shelf: &Shelf, id: &RunId) -> bool {
    matches!(shelf.retry_of(id), Ok(Some(_)))
}

pub(super) async fn retry(args: RetryArgs) -> Result<Exit, Failure> {
    let RetryArgs { again, action } = args;
    let shelf = again.options.state.shelf()?;
    let file = again.run.as_deref().map(Path::new);
    if let Some(file) = file.filter(|file| file.is_file()) {
        return Box::pin(retry_file(&shelf, file, action, &again)).await;
    }
    let mut finished = None;
    let id = {
        let to_retry = |book: &Book, state: &State, counts: &Counts| {
            let is_finished = matches!(state, State::Finished { .. });
            let is_retry = matches!(book.about().kind, Kind::Retry { .. });
            let has_failed = is_finished && counts.not_done(book.about().rows) > 0;
            has_failed && !is_retried(&shelf, book.id()) || is_retry && state.is_unfinished()
        };
        find(&shelf, again.run.as_deref(), to_retry)?
    };
    if id.is_none() {
        let is_finished =
            |_: &Book, state: &State, _: &Counts| matches!(state, State::Finished { .. });
        finished = find(&shelf, None, is_finished)?;
    }
    let Some(id) = id else {
        if finished.is_none() {
            return Err(nothing(&shelf, "of which rows have failed"));
        }
        say("There is nothing to retry: no run has rows that failed.");
        return Ok(Exit::Done);
    };
    // What is left of a run that was retried is known to its latest retry.
    let id = shelf.retry_of(&id)?.unwrap_or(id);
    refuse_going(&shelf, &id)?;
    let (book, _) = shelf.recover(&id)?;
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

/// Retries what the run that wrote a results file, and the retries of it since, have not done; its rows may have been
/// corrected since. What is done is what the records say, not the file.
async fn retry_file(
    shelf: &Shelf,
    file: &Path,
    action: Option<Action>,
    again: &AgainArgs,
) -> Result<Exit, Failure> {
    let mut node = again.node.clone();
    let chain = match of_results(shelf, file)? {
        Some(id) => Some(chain_of(shelf, &id, file)?),
        None => None,
    };
    let known = chain.as_ref().map(|chain| chain.first().about().clone());
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
    let recorded = chain.map_or(Recorded::InFile, |chain| {
        Recorded::InRecord(Box::new(chain))
    });
    let origin = Origin::RetriedFile(recorded);
    let mut job = Job::of_terms(&terms, again.options.clone(), node, origin)?;
    if known.is_none() {
        job.input.map_by(&job.node)?;
    }
    Box::pin(job.carry_out()).await
}

/// The records of the run that has written a results file and of its retries, if it has come to an end.
fn chain_of(shelf: &Shelf, id: &RunId, file: &Path) -> Result<Chain, Failure> {
    refuse_going(shelf, id)?;
    // A damaged record is recovered first.
    let (book, _) = shelf.recover(id)?;
    let chain = shelf.chain(id)?;
    refuse_going(shelf, chain.latest().id())?;
    let was_retried = chain.latest().id() != id;
    if !was_retried && book.state()? == State::Open {
        let resume = Tint::Command.on(format_args!("headcount runs resume {id}"));
        return Err(Failure::usage(format_args!(
            "{} is out of date: run {id}, which wrote it, was continued and has not come to an end; nothing was sent. To \
             finish it: {resume}",
            file.display()
        )));
    }
    Ok(chain)
}
