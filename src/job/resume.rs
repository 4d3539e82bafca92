//! Continuing an unfinished run.

use std::sync::Arc;

use super::find::{find, nothing};
use super::origin::{Earlier, RowsOrigin};
use super::unfinished::{recovered, worked_since};
use super::{Caller, Exit, Finished, Job, JobError, JobSpec, NodeRef, RunOptions, SANDBOX};
use crate::ledger::{About, Counts, History, RunId, RunRecord, RunState};
use crate::report::{Style, counted};
use crate::sheet::shown;

/// What continuing, retrying or undoing a run comes to.
pub enum Continuation {
    /// A job, to be previewed or carried out.
    Job(Box<Job>),
    /// There is nothing to do.
    Nothing(Finished),
}

/// Continues the run that is named, or else the latest unfinished one. What may have been sent is looked up first.
///
/// # Errors
/// When there is no such run, or it cannot be continued.
pub fn resume(
    run: Option<&str>,
    options: RunOptions,
    node: NodeRef,
    caller: Arc<dyn Caller>,
) -> Result<Continuation, JobError> {
    let run_store = options.run_store()?;
    let unfinished = |record: &RunRecord, state: &RunState, _: &Counts| {
        let id = record.id();
        let is_over = matches!(run_store.retry_of(id), Ok(Some(_)))
            || matches!(run_store.undone_by(id), Ok(Some(_)));
        state.is_unfinished() && !is_over && !run_store.is_going(id)
    };
    let id = find(&run_store, run, unfinished)?
        .ok_or_else(|| nothing(&run_store, "that is unfinished"))?;
    job_of(&id, options, node, caller, false)
}

/// Continues an unfinished run. `input_is_told`: what there is to say of its file was said already.
pub(super) fn job_of(
    id: &RunId,
    mut options: RunOptions,
    node: NodeRef,
    caller: Arc<dyn Caller>,
    input_is_told: bool,
) -> Result<Continuation, JobError> {
    let run_store = options.run_store()?;
    let (record, is_recovered) = run_store.open(id)?;
    if is_recovered {
        caller.tell(&recovered(id));
    }
    if let Some(retry) = run_store.retry_of(id)? {
        let command = Style::Command.on(format_args!("headcount runs retry {id}"));
        return Err(JobError::usage(format_args!(
            "run {id} was retried by run {retry} since; nothing was sent. To send what is left: {command}"
        )));
    }
    if let Some(undo) = run_store.undone_by(id)? {
        return Err(JobError::usage(format_args!(
            "run {id} was undone by run {undo} since; nothing was sent. To carry out its file again, start over with --anew."
        )));
    }
    if let RunState::Finished { .. } = record.state()? {
        return Ok(Continuation::Nothing(finished(&record, &*caller)?));
    }
    let about = record.about().clone();
    if about.addresses().any(|address| address == SANDBOX) {
        return Err(gone(id));
    }
    if !input_is_told && let Some(since) = worked_since(&run_store, &record)? {
        caller.tell(&format_args!(
            "Run {since} has worked on the same file since run {id} started. Rows that run {id} had done are not sent again."
        ));
    }
    options.max_errors = options.max_errors.or(about.max_errors);
    let node = node.or_recorded(&about.node_ref)?;
    let history = Arc::new(History::of_resumed(&record)?);
    if !input_is_told {
        caller.remark(&format_args!(
            "Continuing run {id}: {} of {}",
            about.word(),
            shown(&about.input.path)
        ));
    }
    let mut spec = spec_of(&about, options, node);
    // The file was valid when the run started: what is wrong now, such as a person who is protected since, fails its row.
    spec.import.skip_invalid = true;
    let origin = RowsOrigin::Resumed(Box::new(Earlier { record, history }));
    let mut job = Job::with_origin(spec, caller, origin);
    job.input_is_told = input_is_told;
    Ok(Continuation::Job(Box::new(job)))
}

/// The job of an earlier run.
pub(super) fn spec_of(about: &About, options: RunOptions, node: NodeRef) -> JobSpec {
    JobSpec {
        file: about.input.path.clone(),
        import: about.import.clone(),
        node,
        options,
    }
}

/// The run is finished: says what is left to do.
fn finished(record: &RunRecord, caller: &dyn Caller) -> Result<Finished, JobError> {
    let id = record.id();
    caller.tell(&format_args!(
        "Run {id} is finished; there is nothing to continue. Results: {}",
        record.about().results.display()
    ));
    let failed = record.counts()?.not_done(record.about().rows);
    let exit = if failed == 0 {
        Exit::Done
    } else {
        let command = Style::Command.on(format_args!("headcount runs retry {id}"));
        let rows = counted(failed, "row");
        caller.tell(&format_args!(
            "To retry the {rows} that did not succeed: {command}"
        ));
        Exit::RowsFailed
    };
    Finished::nothing_sent(record, exit)
}

/// The node of `--sandbox` does not outlive its run.
pub(super) fn gone(id: &RunId) -> JobError {
    JobError::usage(format_args!(
        "run {id} was on the node of --sandbox, which is gone since that run ended; to try this out, start a node of its \
         own with: headcount sandbox"
    ))
}
