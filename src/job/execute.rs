//! Rows that were checked, carried out on their nodes, and their results.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::document::{Part, Summary as RunSummary};
use super::origin::{Origin, whole};
use super::site::Ready;
use super::{Exit, Finished, Job, JobError, missing, page};
use crate::guard::LockAllowance;
use crate::ledger::{Access, Book, Keeper};
use crate::report::page::{Calls, Page};
use crate::report::{self, Progress, ResultsFile, Summary, Tally, Tint, Told};
use crate::run::{
    Ended, Event, Journal, NotWritten, Run, Settings, StopReason, Verdict, interleave,
};
use crate::threads;

impl Job {
    /// Carries out rows that were checked, and writes their results.
    pub(super) async fn execute(&mut self, ready: Vec<Ready>) -> Result<Finished, JobError> {
        let (path, former) = self.place_of_results()?;
        let to_come = self.page_to_come(&path)?;
        let results = self.results_file(&path, former, &ready[0].site.roster)?;
        if let Err(error) = self.clear_stale_results(&path) {
            results.discard();
            return Err(error);
        }
        let book = match self.book(&ready, &path) {
            Ok(book) => book,
            Err(error) => {
                results.discard();
                return Err(error);
            }
        };
        self.discard_replaced()?;
        let id = book.id().to_string();
        let results = results.of_run(&id);
        let mut ready = ready;
        let mut new_groups = 0;
        for each in &mut ready {
            // In bulk requests they are made together with the rows that need them.
            if each.node.bulk.is_none() {
                let directory =
                    Arc::get_mut(&mut each.directory).expect("nobody works with it yet");
                let (client, stop) = (&each.node.client, &each.site.stop);
                match missing::create(client, &mut directory.teams, stop, self).await {
                    Ok(made) => new_groups += made,
                    Err(error) => {
                        results.discard();
                        return Err(error);
                    }
                }
            }
        }
        let listeners = page::listeners(&ready, to_come.as_ref());
        let (told, ended, book) = self.run(&ready, results, book, listeners).await?;
        let memory = self.memory()?;
        for each in &ready {
            let pace = each.node.client.line().pace();
            each.site.destination.remember(pace, &memory);
            new_groups += each.directory.teams.count_founded();
        }
        self.caller.remark(&Summary {
            tally: &told.tally,
            ended: &ended,
            results: &path,
            node: &names(&ready),
            new_groups,
            run: (!self.spec.node.sandbox).then_some(&*id),
        });
        let report = self.write_page(to_come, &told, &book)?;
        let exit = exit(&told.tally, &ended);
        let part = Part {
            calls: told.tally.calls,
            seconds: told.tally.elapsed().as_secs_f64(),
            new_groups,
            seats_used_up: ended.seats_used_up,
            report: report.map(|path| whole(&path).display().to_string()),
            exit_code: exit as u8,
        };
        Ok(Finished {
            exit,
            summary: Some(Box::new(RunSummary::of(&book, part)?)),
        })
    }

    fn settings(&self, ready: &Ready, rehearse: bool) -> Settings {
        let rows = ready.site.census.rows;
        let max_errors = self.spec.options.max_errors.map(|most| most.of(rows));
        let limits = ready.node.bulk;
        Settings {
            dialect: ready.node.dialect,
            concurrency: ready.site.destination.concurrency,
            on_conflict: self.spec.import.on_conflict,
            batch: usize::from(self.spec.import.batch),
            bulk: limits.map(|limits| limits.of_at_most(max_errors)),
            replace: self.spec.import.replace,
            rehearse,
            max_errors: max_errors.filter(|_| !rehearse),
        }
    }

    /// How many people may lose access on a node, which is number `node` of the run, with those counted that the run has
    /// taken it from before.
    fn allowance(&self, node: u16, ready: &Ready) -> Result<Option<LockAllowance>, JobError> {
        let Some(limit) = ready.lock_limit else {
            return Ok(None);
        };
        let allowance = LockAllowance::new(limit);
        if let Origin::Resumed(earlier) = &self.origin {
            earlier
                .book
                .access_changes(node, |id, access| match access {
                    Access::Taken => allowance.has_taken(id),
                    Access::Given => allowance.give(id),
                })?;
        }
        Ok(Some(allowance))
    }

    async fn run(
        &self,
        ready: &[Ready],
        results: ResultsFile,
        book: Book,
        (calls, page): (Calls, Option<Page>),
    ) -> Result<(Told, Ended, Book), JobError> {
        let id = book.id().clone();
        let refused = |why| {
            JobError::unexpected(format_args!(
                "the system refuses a thread: {why}; nothing was sent"
            ))
        };
        let (journal, keeper) = Keeper::start(book).map_err(refused)?;
        let progress = self.progress(ready);
        let (sender, receiver) = tokio::sync::mpsc::channel(1024);
        let listen = move || report::listen(receiver, results, progress, calls, page);
        let reporter = threads::start("results", listen).map_err(refused)?;
        let ended = self.start(ready, Some(journal), sender).await?;
        let ended = together(ready, ended);
        let heard = reporter.end().await.map_err(JobError::unexpected)?;
        let (book, kept) = keeper.finish().await;
        let resume = Tint::Command.on(format_args!("headcount runs resume {id}"));
        let go_on = format!("To continue run {id}: {resume}");
        let told = heard.map_err(|error| JobError::unexpected(format_args!("{error}. {go_on}")))?;
        kept.map_err(|error| match error {
            NotWritten::Failed(_) => JobError::unexpected(format_args!("{error}. {go_on}")),
            NotWritten::Gone(_) => JobError::unexpected(format_args!(
                "{error}. No further rows were sent, and the run cannot be resumed. The outcome of every row is in {}.",
                book.about().results.display()
            )),
        })?;
        let stopped = ended.stopped.as_ref().map(ToString::to_string);
        let calls = serde_json::to_string(&told.calls).map_err(JobError::unexpected)?;
        book.keep_calls(&calls)?;
        book.end(stopped.as_deref())?;
        Ok((told, ended, book))
    }

    /// Shows how far the rows of all nodes are.
    pub(super) fn progress(&self, ready: &[Ready]) -> Progress {
        let rows = ready.iter().map(|each| each.site.census.rows).sum();
        self.caller.progress(rows)
    }

    /// Carries the rows out, with notes in `journal`, or rehearses that without one, on all nodes at once. What
    /// happens is told in the order of the file.
    pub(super) async fn start(
        &self,
        ready: &[Ready],
        journal: Option<Journal>,
        events: mpsc::Sender<Event>,
    ) -> Result<Vec<Ended>, JobError> {
        let mut runs = Vec::new();
        let mut sources = Vec::new();
        for (node, each) in (0..).zip(ready) {
            let rows = self
                .origin
                .assignments(&each.site.roster, &self.spec.file)?;
            let run = Run::new(
                Arc::clone(&each.node.client),
                Arc::clone(&each.directory),
                self.settings(each, journal.is_none()),
                Arc::clone(&each.site.census),
                Arc::clone(&each.site.stop),
            )
            .sparing(each.site.destination.protected.clone())
            .allowing(self.allowance(node, each)?)
            .noted_in(
                journal
                    .as_ref()
                    .map_or_else(Journal::none, |journal| journal.of_node(node)),
            );
            if ready.len() == 1 {
                drop(journal);
                return Ok(vec![run.carry_out(rows, events).await]);
            }
            let (sender, source) = mpsc::channel(1024);
            sources.push(source);
            runs.push(tokio::spawn(run.carry_out(rows, sender)));
        }
        drop(journal);
        interleave(sources, events).await;
        let mut ended = Vec::new();
        for run in runs {
            ended.push(run.await.map_err(JobError::unexpected)?);
        }
        Ok(ended)
    }
}

/// How the runs on all nodes ended, told as one; where there are several, with the names of those that
/// stopped.
pub(super) fn together(ready: &[Ready], runs: Vec<Ended>) -> Ended {
    if let [_] = ready {
        return Ended::together(runs);
    }
    let named = ready.iter().zip(runs).map(|(each, ended)| Ended {
        stopped: ended.stopped.map(|reason| reason.of(&each.node.name)),
        ..ended
    });
    Ended::together(named)
}

/// The nodes in words.
pub(super) fn names(ready: &[Ready]) -> String {
    let names: Vec<&str> = ready.iter().map(|each| &*each.node.name).collect();
    names.join(" and ")
}

pub(super) fn exit(tally: &Tally, ended: &Ended) -> Exit {
    match &ended.stopped {
        Some(StopReason::Interrupted) => Exit::Interrupted,
        Some(StopReason::Denied(_) | StopReason::Unreachable(_)) => Exit::NoNode,
        Some(
            StopReason::TooManyErrors(_) | StopReason::TooManyLocks(_) | StopReason::LocksNotAgreed,
        ) => Exit::Guard,
        Some(StopReason::Broken(_)) => Exit::Unexpected,
        None if ended.seats_used_up => Exit::Guard,
        None if Verdict::ALL
            .iter()
            .any(|verdict| !verdict.is_done() && tally.of(*verdict) > 0) =>
        {
            Exit::RowsFailed
        }
        None => Exit::Done,
    }
}
