//! Earlier runs: one over the same file that was cut short, and going on with it.

use std::path::Path;
use std::sync::Arc;

use super::Job;
use super::document::{Part, Summary};
use super::origin::{Earlier, Origin, whole};
use crate::cli::args::{NodeArgs, RunArgs};
use crate::cli::destination::{Destination, SANDBOX};
use crate::cli::printed::{Reader, print_json};
use crate::cli::{Exit, Failure, confirm};
use crate::guard::MaxErrors;
use crate::ledger::{About, History, Kind, RunId, Shelf, State};
use crate::report::{Tint, grouped, say};
use crate::run::Verdict;
use crate::sheet::{Original, shown};

impl Job {
    /// The earlier run over the same file that is to be gone on with instead, if there is one.
    pub(super) async fn cut_short(&self) -> Result<Option<RunId>, Failure> {
        let is_new = matches!(self.origin, Origin::File) && !self.run.anew;
        if self.run.dry_run || !is_new || self.node.is_sandbox() {
            return Ok(None);
        }
        // Flags that name no node leave it to the file, which is not read yet.
        let nodes = self.node.all().unwrap_or_default();
        let addresses: Vec<String> = nodes.iter().map(Destination::address).collect();
        let records = self.run.state.shelf()?;
        let Some((id, words)) = cut_short(&records, &self.file, &addresses)? else {
            return Ok(None);
        };
        if !self.run.yes && !confirm::can_ask(&self.node) {
            let command = Tint::Command.on(format_args!("headcount runs resume {id}"));
            return Err(Failure::usage(format_args!(
                "{words} Nothing was sent. Go on with it: {command}; or begin anew with --anew."
            )));
        }
        say(words);
        if self.run.yes || confirm::agrees("Go on with it? [Y/n] ", true).await? {
            return Ok(Some(id));
        }
        say("Beginning anew.");
        Ok(None)
    }
}

/// The run over a file that was cut short after something was sent, if the latest one was.
pub(super) fn cut_short(
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
            let rows = match failed {
                1 => "1 row is".to_owned(),
                many => format!("{} rows are", grouped(many)),
            };
            say(format_args!("{rows} not done; {command} sends them again."));
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
    options.allow_locks = options.allow_locks.or(about.allow_locks);
    let history = Arc::new(History::of_resumed(&book)?);
    let node = reach(node, &about)?;
    let origin = Origin::Resumed(Earlier { book, history });
    let job = Job::of_terms(&about.terms, options, node, origin)?;
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
