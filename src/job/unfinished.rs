//! Unfinished runs over the file of a job: whether the job is one of them, and whether that one is continued.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::node_job::NodeJobs;
use super::{Caller, Job, JobError, OnUnfinished, caller, unless_stopped};
use crate::ledger::{About, Counts, RunId, RunKind, RunRecord, RunState, RunStore};
use crate::report::{Style, grouped};
use crate::roster::Action;
use crate::run::Verdict;
use crate::sheet::shown;

/// An unfinished run that did nothing for longer is only continued if the user says so.
const A_DAY: SignedDuration = SignedDuration::from_hours(24);

/// How many runs are named that have nothing to do with the job but its file.
const NAMED: usize = 3;

/// What a job has in common with an unfinished run over the same file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    /// Everything: the job may continue the run.
    Same,
    /// The same is asked for, and the content of the file has changed.
    Changed,
    /// Only the file.
    Other,
}

/// A run that has not come to its end.
#[derive(Debug)]
pub(super) struct UnfinishedRun {
    pub(super) id: RunId,
    relation: Relation,
    /// What it was and how far it got, in words.
    words: String,
    /// When it last did something.
    last_active: Timestamp,
    /// A later run over the same file.
    since: Option<String>,
}

/// What is to be done about an unfinished run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    Continue,
    StartOver,
    Quit,
}

impl Job {
    /// The unfinished run that this job continues, if there is one. A run is continued only as exactly the same job; others
    /// over the same file are named. `--yes` answers nothing here.
    pub(super) async fn run_to_continue(
        &mut self,
        node_jobs: &NodeJobs,
    ) -> Result<Option<RunId>, JobError> {
        if self.spec.node.sandbox || self.origin.is_resumed() {
            return Ok(None);
        }
        let records = self.spec.options.run_store()?;
        let about = self.about(&node_jobs.each(), &self.results_path()?)?;
        let found = unfinished(&records, &about, &*self.caller)?;
        let with = |relation| found.iter().find(move |run| run.relation == relation);
        let run = with(Relation::Same).or(with(Relation::Changed));
        let others = found.iter().filter(|run| run.relation == Relation::Other);
        for other in others.take(NAMED) {
            self.caller.tell(&other.note());
        }
        let Some(run) = run else {
            if self.spec.options.unfinished == OnUnfinished::Resume {
                return Err(JobError::usage(
                    "there is no unfinished run of this job to resume; nothing was sent. Leave out --resume to start it.",
                ));
            }
            return Ok(None);
        };
        let choice = match self.spec.options.unfinished {
            OnUnfinished::StartOver => Choice::StartOver,
            OnUnfinished::Resume if run.relation == Relation::Same => Choice::Continue,
            _ if self.can_ask() => unless_stopped(&node_jobs.stop(), run.ask(&self.caller)).await?,
            _ => {
                run.decide()?;
                self.caller.tell(&run.continuing());
                Choice::Continue
            }
        };
        match choice {
            Choice::Continue => return Ok(Some(run.id.clone())),
            Choice::Quit => return Err(JobError::usage("you quit; nothing was sent")),
            Choice::StartOver => {}
        }
        let replaced = found.iter().filter(|run| run.relation != Relation::Other);
        self.replaces = replaced.map(|run| run.id.clone()).collect();
        Ok(None)
    }

    /// The runs that this job replaces are not offered any more. Their records stay.
    pub(super) fn discard_replaced(&self) -> Result<(), JobError> {
        let records = self.spec.options.run_store()?;
        for id in &self.replaces {
            let (record, _) = records.open(id)?;
            record.discard()?;
        }
        Ok(())
    }
}

/// The unfinished runs over the file of a job that is to be `about` this, the latest first.
pub(super) fn unfinished(
    run_store: &RunStore,
    about: &About,
    caller: &dyn Caller,
) -> Result<Vec<UnfinishedRun>, JobError> {
    let mut found = Vec::new();
    // Runs that were retried or undone.
    let mut over = HashSet::new();
    let mut since = None;
    for id in run_store.runs()? {
        if let Ok(record) = run_store.read(&id) {
            let former = record.about();
            over.extend(former.retries().map(str::to_owned));
            if let RunKind::Undo { of } = &former.kind
                && record.counts()?.sent > 0
            {
                over.insert(of.clone());
            }
            if !former.input.is_same_file(&about.input) || !former.shares_a_node(about) {
                continue;
            }
        }
        let record = match run_store.recover(&id) {
            Ok((record, is_recovered)) => {
                if is_recovered {
                    caller.tell(&recovered(&id));
                }
                record
            }
            Err(_) if run_store.is_going(&id) => continue,
            Err(error) => {
                caller.tell(&format_args!(
                    "The record of run {id} cannot be read, so it is not known whether it is about this file: {error}"
                ));
                continue;
            }
        };
        let former = record.about();
        if !former.input.is_same_file(&about.input) || !former.shares_a_node(about) {
            continue;
        }
        if is_the_retried(about, &id, former) {
            continue;
        }
        let (state, counts) = (record.state()?, record.counts()?);
        let relation = relation(about, &id, former);
        if run_store.is_going(&id) {
            // This job has its nodes: the other one waits for them.
            if relation == Relation::Same && counts.sent > 0 {
                return Err(JobError::usage(format_args!(
                    "run {id}, which is the same job, is being continued by another process; nothing was sent"
                )));
            }
            continue;
        }
        // Of one that was killed, the record may have lost what was sent.
        let matters = counts.sent > 0 || (state == RunState::Open && relation != Relation::Other);
        let is_over = over.contains(id.as_str());
        if state.is_unfinished() && matters && !is_over {
            let last_active = record.last_active()?;
            found.push(UnfinishedRun {
                words: in_words(&record, &counts, last_active),
                id: id.clone(),
                relation,
                last_active,
                since: since.clone(),
            });
        } else if relation == Relation::Same
            && matches!(state, RunState::Finished { .. })
            && !is_over
        {
            // What is older was replaced by it.
            break;
        }
        if counts.sent > 0 && since.is_none() {
            since = Some(format!("{id} ({})", former.word()));
        }
    }
    Ok(found)
}

/// The latest run over the same file since this one that has sent something.
pub(super) fn worked_since(
    run_store: &RunStore,
    record: &RunRecord,
) -> Result<Option<RunId>, JobError> {
    for id in run_store
        .runs()?
        .into_iter()
        .take_while(|id| id > record.id())
    {
        let Ok(other) = run_store.read(&id) else {
            continue;
        };
        let about = other.about();
        let shares =
            about.input.is_same_file(&record.about().input) && about.shares_a_node(record.about());
        if shares && other.counts()?.sent > 0 {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// Whether a run is the one that the job retries; an unfinished retry is the job itself.
fn is_the_retried(job: &About, id: &RunId, former: &About) -> bool {
    job.retries() == Some(id.as_str()) && !matches!(former.kind, RunKind::Retry { .. })
}

fn relation(job: &About, id: &RunId, former: &About) -> Relation {
    // To retry an unfinished retry is to continue it.
    let is_retry_of_it = job.retries() == Some(id.as_str());
    if former.kind != job.kind && !is_retry_of_it {
        return Relation::Other;
    }
    let same_content = job.input.sha256 == former.input.sha256;
    let same_action = (job.import.action, job.import.only_action)
        == (former.import.action, former.import.only_action);
    match (same_content, job.identity() == former.identity()) {
        (true, true) => Relation::Same,
        (false, _) if same_action => Relation::Changed,
        _ => Relation::Other,
    }
}

/// What a run was and how far it got.
fn in_words(record: &RunRecord, counts: &Counts, last_active: Timestamp) -> String {
    let about = record.about();
    let settled: u64 = counts.verdicts.iter().map(|(_, count)| count).sum();
    let settled = settled - counts.of(Verdict::NotAttempted) - counts.of(Verdict::Unknown);
    let action = match about.kind {
        RunKind::Import if !about.import.only_action && about.import.action != Action::Create => {
            format!("import --action {}", about.import.action)
        }
        _ => about.word().to_owned(),
    };
    format!(
        "{action} of {} on {}, {} of {} rows done, stopped {} (run {})",
        sheet_of(about),
        about.node_names(),
        grouped(settled),
        grouped(about.rows),
        last_active.strftime("%-d %b %Y, %H:%M UTC"),
        record.id()
    )
}

/// The file of a run, and the sheet if one was named.
fn sheet_of(about: &About) -> String {
    let file = shown(&about.input.path);
    match &about.import.reading.sheet {
        Some(sheet) => format!("{file}, sheet {sheet},"),
        None => file,
    }
}

/// What is said when a damaged record was recovered.
pub(super) fn recovered(id: &RunId) -> String {
    format!(
        "The record of run {id} was damaged. What can be read of it is kept; every person of whom it says nothing is \
         looked up before anything is sent."
    )
}

impl UnfinishedRun {
    fn resume(&self) -> String {
        Style::Command.on(format_args!("headcount runs resume {}", self.id))
    }

    /// How it is finished outside of this job.
    pub(super) fn advice(&self) -> String {
        format!(
            "A previous run has not finished: {}. To finish it: {}",
            self.words,
            self.resume()
        )
    }

    fn note(&self) -> String {
        let discard = Style::Command.on(format_args!("headcount runs discard {}", self.id));
        format!(
            "{}. To discard it: {discard}. This is another job over the same file, so it is not continued.",
            self.advice()
        )
    }

    fn continuing(&self) -> String {
        format!(
            "Continuing a previous run: {}. To start over instead, use --anew.",
            self.words
        )
    }

    /// Why it is not continued unless the user says so.
    fn obstacle(&self) -> Option<String> {
        if self.relation == Relation::Changed {
            return Some("The file has changed since".to_owned());
        }
        if let Some(since) = &self.since {
            return Some(format!("Run {since} has worked on the same file since"));
        }
        // Whichever way the clock was set.
        let age = Timestamp::now().duration_since(self.last_active).abs();
        (age > A_DAY).then(|| "It is more than a day old".to_owned())
    }

    /// Refuses to continue it where there is no terminal to ask at, and an obstacle.
    fn decide(&self) -> Result<(), JobError> {
        let Some(obstacle) = self.obstacle() else {
            return Ok(());
        };
        let how = if self.relation == Relation::Changed {
            format!(
                "To finish the earlier input: {}. To start over with the file as it is now, add --anew.",
                self.resume()
            )
        } else {
            "To continue it, add --resume. To start over, add --anew.".to_owned()
        };
        Err(JobError::usage(format_args!(
            "a previous run has not finished: {}. {obstacle}; nothing was sent. {how}",
            self.words
        )))
    }

    async fn ask(&self, user: &Arc<dyn Caller>) -> Result<Choice, JobError> {
        user.tell(&format_args!(
            "A previous run has not finished: {}.",
            self.words
        ));
        if let Some(obstacle) = self.obstacle() {
            user.tell(&format_args!("{obstacle}."));
        }
        let choices = match self.relation {
            Relation::Changed => [
                "continue with the input as it was then",
                "start over with the file as it is now",
                "quit",
            ],
            Relation::Same | Relation::Other => ["continue", "start over", "quit"],
        };
        let choose = move |caller: &dyn Caller| caller.choose(&choices);
        Ok(match caller::ask(user, choose).await? {
            Some(0) => Choice::Continue,
            Some(1) => Choice::StartOver,
            _ => Choice::Quit,
        })
    }
}

/// An unfinished run of the same input and action, for a job that cannot be carried out as it is.
pub(super) fn same_unfinished(
    run_store: &RunStore,
    about: &About,
    caller: &dyn Caller,
) -> Result<Option<UnfinishedRun>, JobError> {
    let found = unfinished(run_store, about, caller)?;
    Ok(found.into_iter().find(|run| run.relation == Relation::Same))
}
