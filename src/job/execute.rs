//! Rows that were checked, carried out on their nodes, and their results.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::document::{Part, SummaryDocument};
use super::node_job::PreparedNode;
use super::origin::{RowsOrigin, whole};
use super::{Exit, Finished, Job, JobError, missing, page};
use crate::guard::LockAllowance;
use crate::ledger::{Access, JournalWriter, RunRecord};
use crate::report::page::{Calls, Page};
use crate::report::{self, Progress, ResultsFile, RunReport, RunSummary, Style, Tally};
use crate::run::{
    Event, Journal, NotWritten, Run, RunEnd, Settings, StopReason, Verdict, interleave,
};
use crate::threads;

impl Job {
    /// Carries out rows that were checked, and writes their results.
    pub(super) async fn execute(
        &mut self,
        prepared: Vec<PreparedNode>,
    ) -> Result<Finished, JobError> {
        let (path, overwrite) = self.results_target()?;
        let to_come = self.page_to_come(&path)?;
        let results = self.results_file(&path, overwrite, &prepared[0].node_job.roster)?;
        if let Err(error) = self.clear_stale_results(&path) {
            results.discard();
            return Err(error);
        }
        let record = match self.record(&prepared, &path) {
            Ok(record) => record,
            Err(error) => {
                results.discard();
                return Err(error);
            }
        };
        self.discard_replaced()?;
        let id = record.id().to_string();
        let results = results.of_run(&id);
        let mut prepared = prepared;
        let mut new_groups = 0;
        for each in &mut prepared {
            // In bulk requests they are made together with the rows that need them.
            if each.node.bulk.is_none() {
                let directory =
                    Arc::get_mut(&mut each.directory).expect("nobody works with it yet");
                let (client, stop) = (&each.node.client, &each.node_job.stop);
                match missing::create(client, &mut directory.teams, stop, self).await {
                    Ok(made) => new_groups += made,
                    Err(error) => {
                        results.discard();
                        return Err(error);
                    }
                }
            }
        }
        let listeners = page::listeners(&prepared, to_come.as_ref());
        let (told, ended, record) = self.run(&prepared, results, record, listeners).await?;
        let memory = self.memory()?;
        for each in &prepared {
            let pace = each.node.client.transport().pace();
            each.node_job.destination.remember(pace, &memory);
            new_groups += each.directory.teams.count_founded();
        }
        self.caller.remark(&RunSummary {
            tally: &told.tally,
            ended: &ended,
            results: &path,
            node: &names(&prepared),
            new_groups,
            run: (!self.spec.node.sandbox).then_some(&*id),
        });
        let report = self.write_page(to_come, &told, &record)?;
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
            summary: Some(Box::new(SummaryDocument::of(&record, part)?)),
        })
    }

    fn settings(&self, prepared: &PreparedNode, rehearse: bool) -> Settings {
        let rows = prepared.node_job.summary.rows;
        let max_errors = self.spec.options.max_errors.map(|most| most.of(rows));
        let limits = prepared.node.bulk;
        Settings {
            capabilities: prepared.node.capabilities,
            concurrency: prepared.node_job.destination.concurrency,
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
    fn allowance(
        &self,
        node: u16,
        prepared: &PreparedNode,
    ) -> Result<Option<LockAllowance>, JobError> {
        let Some(limit) = prepared.lock_limit else {
            return Ok(None);
        };
        let allowance = LockAllowance::new(limit);
        if let RowsOrigin::Resumed(earlier) = &self.origin {
            earlier
                .record
                .access_changes(node, |id, access| match access {
                    Access::Taken => allowance.has_taken(id),
                    Access::Given => allowance.give(id),
                })?;
        }
        Ok(Some(allowance))
    }

    async fn run(
        &self,
        prepared: &[PreparedNode],
        results: ResultsFile,
        record: RunRecord,
        (calls, page): (Calls, Option<Page>),
    ) -> Result<(RunReport, RunEnd, RunRecord), JobError> {
        let id = record.id().clone();
        let refused = |why| {
            JobError::unexpected(format_args!(
                "the system refuses a thread: {why}; nothing was sent"
            ))
        };
        let (journal, keeper) = JournalWriter::start(record).map_err(refused)?;
        let progress = self.progress(prepared);
        let (sender, receiver) = tokio::sync::mpsc::channel(1024);
        let listen = move || report::listen(receiver, results, progress, calls, page);
        let reporter = threads::start("results", listen).map_err(refused)?;
        let ended = self.start(prepared, Some(journal), sender).await?;
        let ended = together(prepared, ended);
        let heard = reporter.end().await.map_err(JobError::unexpected)?;
        let (record, kept) = keeper.finish().await;
        let resume = Style::Command.on(format_args!("headcount runs resume {id}"));
        let go_on = format!("To continue run {id}: {resume}");
        let told = heard.map_err(|error| JobError::unexpected(format_args!("{error}. {go_on}")))?;
        kept.map_err(|error| match error {
            NotWritten::Failed(_) => JobError::unexpected(format_args!("{error}. {go_on}")),
            NotWritten::Gone(_) => JobError::unexpected(format_args!(
                "{error}. No further rows were sent, and the run cannot be resumed. The outcome of every row is in {}.",
                record.about().results.display()
            )),
        })?;
        let stopped = ended.stopped.as_ref().map(ToString::to_string);
        let calls = serde_json::to_string(&told.calls).map_err(JobError::unexpected)?;
        record.keep_calls(&calls)?;
        record.end(stopped.as_deref())?;
        Ok((told, ended, record))
    }

    /// Shows how far the rows of all nodes are.
    pub(super) fn progress(&self, prepared: &[PreparedNode]) -> Progress {
        let rows = prepared.iter().map(|each| each.node_job.summary.rows).sum();
        self.caller.progress(rows)
    }

    /// Carries the rows out, with notes in `journal`, or rehearses that without one, on all nodes at once. What
    /// happens is told in the order of the file.
    pub(super) async fn start(
        &self,
        prepared: &[PreparedNode],
        journal: Option<Journal>,
        events: mpsc::Sender<Event>,
    ) -> Result<Vec<RunEnd>, JobError> {
        let mut runs = Vec::new();
        let mut sources = Vec::new();
        for (node, each) in (0..).zip(prepared) {
            let rows = self
                .origin
                .assignments(&each.node_job.roster, &self.spec.file)?;
            let run = Run::new(
                Arc::clone(&each.node.client),
                Arc::clone(&each.directory),
                self.settings(each, journal.is_none()),
                Arc::clone(&each.node_job.summary),
                Arc::clone(&each.node_job.stop),
            )
            .sparing(each.node_job.destination.protected.clone())
            .allowing(self.allowance(node, each)?)
            .noted_in(
                journal
                    .as_ref()
                    .map_or_else(Journal::none, |journal| journal.of_node(node)),
            );
            if prepared.len() == 1 {
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
pub(super) fn together(prepared: &[PreparedNode], runs: Vec<RunEnd>) -> RunEnd {
    if let [_] = prepared {
        return RunEnd::together(runs);
    }
    let named = prepared.iter().zip(runs).map(|(each, ended)| RunEnd {
        stopped: ended.stopped.map(|reason| reason.of(&each.node.name)),
        ..ended
    });
    RunEnd::together(named)
}

/// The nodes in words.
pub(super) fn names(prepared: &[PreparedNode]) -> String {
    let names: Vec<&str> = prepared.iter().map(|each| &*each.node.name).collect();
    names.join(" and ")
}

pub(super) fn exit(tally: &Tally, ended: &RunEnd) -> Exit {
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
