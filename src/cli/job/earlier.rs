//! Continuing an unfinished run.

use std::sync::Arc;

use super::Job;
use super::document::{Part, Summary};
use super::origin::{Earlier, Origin};
use super::unfinished::{recovered, worked_since};
use crate::cli::args::{NodeArgs, RunArgs};
use crate::cli::destination::SANDBOX;
use crate::cli::printed::{Reader, print_json};
use crate::cli::{Exit, Failure};
use crate::guard::MaxErrors;
use crate::ledger::{About, History, RunId, Shelf, State};
use crate::report::{Tint, grouped, say};
use crate::sheet::shown;

/// Continues an unfinished run. `input_is_told`: what there is to say of its file was said already.
pub(in crate::cli) async fn go_on(
    shelf: &Shelf,
    id: &RunId,
    options: RunArgs,
    node: NodeArgs,
    input_is_told: bool,
) -> Result<Exit, Failure> {
    let (book, is_recovered) = shelf.open(id)?;
    if is_recovered {
        say(recovered(id));
    }
    if let Some(retry) = shelf.retry_of(id)? {
        let command = Tint::Command.on(format_args!("headcount runs retry {id}"));
        return Err(Failure::usage(format_args!(
            "run {id} was retried by run {retry} since; nothing was sent. To send what is left: {command}"
        )));
    }
    if let Some(undo) = shelf.undone_by(id)? {
        return Err(Failure::usage(format_args!(
            "run {id} was undone by run {undo} since; nothing was sent. To carry out its file again, start over with --anew."
        )));
    }
    if let State::Finished { .. } = book.state()? {
        let counts = book.counts()?;
        let failed = counts.not_done(book.about().rows);
        say(format_args!(
            "Run {id} is finished; there is nothing to continue. Results: {}",
            book.about().results.display()
        ));
        let exit = if failed == 0 {
            Exit::Done
        } else {
            let command = Tint::Command.on(format_args!("headcount runs retry {id}"));
            let rows = match failed {
                1 => "1 row".to_owned(),
                many => format!("{} rows", grouped(many)),
            };
            say(format_args!(
                "To retry the {rows} that did not succeed: {command}"
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
    if !input_is_told && let Some(since) = worked_since(shelf, &book)? {
        say(format_args!(
            "Run {since} has worked on the same file since run {id} started. Rows that run {id} had done are not sent again."
        ));
    }
    let mut options = options;
    options.max_errors = match (options.max_errors, &about.max_errors) {
        (None, Some(most)) => Some(most.parse::<MaxErrors>().map_err(Failure::usage)?),
        (given, _) => given,
    };
    let history = Arc::new(History::of_resumed(&book)?);
    let node = reach(node, &about)?;
    let origin = Origin::Resumed(Box::new(Earlier { book, history }));
    if !input_is_told && !options.quiet.is_quiet() {
        say(format_args!(
            "Continuing run {id}: {} of {}",
            about.word(),
            shown(&about.terms.file)
        ));
    }
    let mut job = Job::of_terms(&about.terms, options, node, origin)?;
    job.input_is_told = input_is_told;
    // The file was valid when the run started: what is wrong now, such as a person who is protected since, fails its row.
    job.input.skip_invalid = true;
    job.carry_out().await
}

/// The node of `--sandbox` does not outlive its run.
pub(in crate::cli) fn gone(id: &RunId) -> Failure {
    Failure::usage(format_args!(
        "run {id} was on the node of --sandbox, which is gone since that run ended; to try this out, start a node of its \
         own with: headcount sandbox"
    ))
}

/// How the command line of an earlier run named its nodes, with what is said now before it.
pub(in crate::cli) fn reach(now: NodeArgs, about: &About) -> Result<NodeArgs, Failure> {
    let earlier: NodeArgs = serde_json::from_value(about.reach.clone()).map_err(|error| {
        Failure::new(
            Exit::Unexpected,
            format_args!("the record of the run cannot be understood: {error}"),
        )
    })?;
    Ok(now.or(earlier))
}
