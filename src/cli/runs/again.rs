//! Going on with runs that were cut short, and trying again what failed.

use std::path::Path;
use std::sync::Arc;

use super::{AgainArgs, RetryArgs, find, nothing, of_results, refuse_going};
use crate::cli::destination::SANDBOX;
use crate::cli::job::{Earlier, Job, Origin, go_on, gone, reach};
use crate::cli::{Exit, Failure};
use crate::ledger::{Book, Counts, History, Shelf, State};
use crate::roster::Action;
use crate::sheet::Reading;

pub(super) async fn resume(args: AgainArgs) -> Result<Exit, Failure> {
    let shelf = args.options.state.shelf()?;
    let is_open = |_: &Book, state: &State, _: &Counts| !matches!(state, State::Finished { .. });
    let id = find(&shelf, args.run.as_deref(), is_open)?
        .ok_or_else(|| nothing(&shelf, "that was cut short"))?;
    Box::pin(go_on(&shelf, &id, args.options, args.node)).await
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
        job.input.map_by(&job.node)?;
    }
    Box::pin(job.carry_out()).await
}
