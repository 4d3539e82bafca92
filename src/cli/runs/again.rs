//! Continuing runs that have not finished, and retrying what failed.

use std::collections::HashSet;
use std::path::Path;

use super::{
    AgainArgs, RetryArgs, find, nothing, nothing_to_do, of_results, refuse_going, unreadable,
};
use crate::cli::destination::SANDBOX;
use crate::cli::job::{Job, Origin, Retried, go_on, gone, reach};
use crate::cli::{Exit, Failure};
use crate::ledger::{Book, Chain, Counts, RunId, Shelf, State};
use crate::report::{Tint, say};
use crate::roster::Action;
use crate::sheet::{Reading, shown};

pub(super) async fn resume(args: AgainArgs) -> Result<Exit, Failure> {
    let shelf = args.options.state.shelf()?;
    let unfinished = |book: &Book, state: &State, _: &Counts| {
        let id = book.id();
        let is_over =
            matches!(shelf.retry_of(id), Ok(Some(_))) || matches!(shelf.undone_by(id), Ok(Some(_)));
        state.is_unfinished() && !is_over && !shelf.is_going(id)
    };
    let id = find(&shelf, args.run.as_deref(), unfinished)?
        .ok_or_else(|| nothing(&shelf, "that is unfinished"))?;
    Box::pin(go_on(&shelf, &id, args.options, args.node, false)).await
}

pub(super) async fn retry(args: RetryArgs) -> Result<Exit, Failure> {
    let RetryArgs { again, action } = args;
    let shelf = again.options.state.shelf()?;
    let file = again.run.as_deref().map(Path::new);
    if let Some(file) = file.filter(|file| file.is_file()) {
        return Box::pin(retry_file(&shelf, file, action, &again)).await;
    }
    let chain = match again.run.as_deref() {
        Some(_) => {
            let id = find(&shelf, again.run.as_deref(), |_, _, _| true)?;
            let id = id.ok_or_else(|| nothing(&shelf, "yet"))?;
            shelf.recover(&id)?;
            what_is_left(&shelf, shelf.chain(&id)?)?
        }
        None => latest_to_retry(&shelf)?,
    };
    let Some(chain) = chain else {
        say("There is nothing to retry: every row has succeeded.");
        let latest = find(&shelf, again.run.as_deref(), |_, _, _| true)?;
        let latest = latest.ok_or_else(|| nothing(&shelf, "yet"))?;
        return nothing_to_do(&shelf.read(&latest)?, again.options.format);
    };
    refuse_going(&shelf, chain.latest().id())?;
    refuse_undone(&shelf, &chain)?;
    refuse_killed(&chain)?;
    let about = chain.first().about().clone();
    if about.addresses().any(|address| address == SANDBOX) {
        return Err(gone(chain.first().id()));
    }
    if !again.options.quiet.is_quiet() {
        say(format_args!(
            "Retrying run {}: {} of {}",
            chain.first().id(),
            about.word(),
            shown(&about.terms.file)
        ));
    }
    let node = reach(again.node, &about)?;
    let origin = Origin::Retried(Box::new(Retried::as_they_were(chain)));
    let job = Job::of_terms(&about.terms, again.options, node, origin)?;
    Box::pin(job.carry_out()).await
}

/// The part of a chain whose input has rows that are not done: that of the latest retry, where rows may have been
/// corrected, or else that of the first run, of which a retry may have left out some.
fn what_is_left(shelf: &Shelf, chain: Chain) -> Result<Option<Chain>, Failure> {
    let latest = chain.latest();
    let is_unfinished = latest.state()?.is_unfinished();
    if is_unfinished || latest.counts()?.not_done(latest.about().rows) > 0 {
        return Ok(Some(shelf.chain(latest.id())?));
    }
    Ok((chain.open_rows()? > 0).then_some(chain))
}

/// The latest run of which rows are not done, with the retries of it.
fn latest_to_retry(shelf: &Shelf) -> Result<Option<Chain>, Failure> {
    let mut seen = HashSet::new();
    let mut is_any = false;
    for id in shelf.runs()? {
        let Ok(first) = shelf.first_of(&id) else {
            return Err(unreadable(shelf, &id));
        };
        if !seen.insert(first.clone()) {
            continue;
        }
        let chain = shelf.chain(&first)?;
        let latest = chain.latest();
        let (state, is_retry) = (latest.state()?, latest.id() != chain.first().id());
        let has_sent = latest.counts()?.sent > 0 || state == State::Open;
        if matches!(state, State::Discarded { .. }) || !has_sent && state.is_unfinished() {
            continue;
        }
        if state.is_unfinished() && !is_retry {
            let resume = Tint::Command.on(format_args!("headcount runs resume {first}"));
            return Err(Failure::usage(format_args!(
                "the latest run, {first}, has not finished; nothing was sent. To finish it: {resume}. To retry another \
                 run, name it."
            )));
        }
        is_any = true;
        if let Some(chain) = what_is_left(shelf, chain)? {
            return Ok(Some(chain));
        }
    }
    if is_any {
        return Ok(None);
    }
    Err(nothing(shelf, "of which rows have failed"))
}

/// Refuses to retry a run that was killed: it is to be finished first. To retry a killed retry is to continue it.
fn refuse_killed(chain: &Chain) -> Result<(), Failure> {
    let (first, latest) = (chain.first(), chain.latest());
    let is_root = first.id() == latest.id() && first.about().retries().is_none();
    if !is_root || first.state()? != State::Open {
        return Ok(());
    }
    let resume = Tint::Command.on(format_args!("headcount runs resume {}", first.id()));
    Err(Failure::usage(format_args!(
        "run {} has not finished; nothing was sent. To finish it: {resume}",
        first.id()
    )))
}

/// Refuses to retry what was taken back.
fn refuse_undone(shelf: &Shelf, chain: &Chain) -> Result<(), Failure> {
    for book in chain.books() {
        if let Some(undo) = shelf.undone_by(book.id())? {
            return Err(Failure::usage(format_args!(
                "run {} was undone by run {undo} since; nothing was sent. To carry out its file again, start over with \
                 --anew.",
                book.id()
            )));
        }
    }
    Ok(())
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
    if let Some(chain) = &chain {
        refuse_undone(shelf, chain)?;
        if action.is_some() {
            return Err(Failure::usage(format_args!(
                "what rows without an action ask for is known from run {}; nothing was sent. Leave out --action.",
                chain.first().id()
            )));
        }
    }
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
    let origin = match chain {
        Some(chain) => Origin::Retried(Box::new(Retried::as_they_are(chain)?)),
        None => Origin::RetriedFile,
    };
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
    shelf.recover(id)?;
    let chain = shelf.chain(id)?;
    refuse_going(shelf, chain.latest().id())?;
    let killed = refuse_killed(&chain);
    killed.map_err(|failure| failure.of(&format!("{} is out of date", file.display())))?;
    Ok(chain)
}
