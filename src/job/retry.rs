//! Retrying what failed in a run.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use super::find::{find_run, nothing, of_results, refuse_going, unreadable};
use super::origin::{Retried, RowsOrigin};
use super::resume::{Continuation, gone, spec_of};
use super::{Caller, Exit, Finished, Job, JobError, JobSpec, NodeRef, RunOptions, SANDBOX};
use crate::ledger::{Chain, RunId, RunState, RunStore};
use crate::report::Style;
use crate::roster::Action;
use crate::sheet::{Reading, shown};
use crate::spec::ImportSpec;

/// Retries what is not done of a run, which is named by its id or by its results file, or is the latest of which something
/// is left. `action` is what rows without an action ask for where no record says it.
///
/// # Errors
/// When there is no such run, or it cannot be retried.
pub fn retry(
    run: Option<&str>,
    action: Option<Action>,
    options: RunOptions,
    node: NodeRef,
    caller: Arc<dyn Caller>,
) -> Result<Continuation, JobError> {
    let run_store = options.run_store()?;
    if let Some(file) = run.map(Path::new).filter(|file| file.is_file()) {
        return retry_file(&run_store, file, action, options, node, caller);
    }
    let chain = match run {
        Some(_) => {
            let id = find_run(&run_store, run)?;
            run_store.recover(&id)?;
            what_is_left(&run_store, run_store.chain(&id)?)?
        }
        None => latest_to_retry(&run_store)?,
    };
    let Some(chain) = chain else {
        caller.tell(&"There is nothing to retry: every row has succeeded.");
        let latest = run_store.read(&find_run(&run_store, run)?)?;
        let finished = Finished::nothing_sent(&latest, Exit::Done)?;
        return Ok(Continuation::Nothing(finished));
    };
    refuse_going(&run_store, chain.latest().id())?;
    refuse_undone(&run_store, &chain)?;
    refuse_killed(&chain)?;
    let about = chain.first().about().clone();
    if about.addresses().any(|address| address == SANDBOX) {
        return Err(gone(chain.first().id()));
    }
    caller.remark(&format_args!(
        "Retrying run {}: {} of {}",
        chain.first().id(),
        about.word(),
        shown(&about.input.path)
    ));
    let node = node.or_recorded(&about.node_ref)?;
    let origin = RowsOrigin::Retried(Box::new(Retried::as_they_were(chain)));
    let job = Job::with_origin(spec_of(&about, options, node), caller, origin);
    Ok(Continuation::Job(Box::new(job)))
}

/// The part of a chain whose input has rows that are not done: that of the latest retry, where rows may have been
/// corrected, or else that of the first run, of which a retry may have left out some.
fn what_is_left(run_store: &RunStore, chain: Chain) -> Result<Option<Chain>, JobError> {
    let latest = chain.latest();
    let is_unfinished = latest.state()?.is_unfinished();
    if is_unfinished || latest.counts()?.not_done(latest.about().rows) > 0 {
        return Ok(Some(run_store.chain(latest.id())?));
    }
    Ok((chain.open_rows()? > 0).then_some(chain))
}

/// The latest run of which rows are not done, with the retries of it.
fn latest_to_retry(run_store: &RunStore) -> Result<Option<Chain>, JobError> {
    let mut seen = HashSet::new();
    let mut is_any = false;
    for id in run_store.runs()? {
        let Ok(first) = run_store.first_of(&id) else {
            return Err(unreadable(run_store, &id));
        };
        if !seen.insert(first.clone()) {
            continue;
        }
        let chain = run_store.chain(&first)?;
        let latest = chain.latest();
        let (state, is_retry) = (latest.state()?, latest.id() != chain.first().id());
        let has_sent = latest.counts()?.sent > 0 || state == RunState::Open;
        if matches!(state, RunState::Discarded { .. }) || !has_sent && state.is_unfinished() {
            continue;
        }
        if state.is_unfinished() && !is_retry {
            let resume = Style::Command.on(format_args!("headcount runs resume {first}"));
            return Err(JobError::usage(format_args!(
                "the latest run, {first}, has not finished; nothing was sent. To finish it: {resume}. To retry another \
                 run, name it."
            )));
        }
        is_any = true;
        if let Some(chain) = what_is_left(run_store, chain)? {
            return Ok(Some(chain));
        }
    }
    if is_any {
        return Ok(None);
    }
    Err(nothing(run_store, "of which rows have failed"))
}

/// Refuses to retry a run that was killed: it is to be finished first. To retry a killed retry is to continue it.
fn refuse_killed(chain: &Chain) -> Result<(), JobError> {
    let (first, latest) = (chain.first(), chain.latest());
    let is_root = first.id() == latest.id() && first.about().retries().is_none();
    if !is_root || first.state()? != RunState::Open {
        return Ok(());
    }
    let resume = Style::Command.on(format_args!("headcount runs resume {}", first.id()));
    Err(JobError::usage(format_args!(
        "run {} has not finished; nothing was sent. To finish it: {resume}",
        first.id()
    )))
}

/// Refuses to retry what was taken back.
fn refuse_undone(run_store: &RunStore, chain: &Chain) -> Result<(), JobError> {
    for record in chain.records() {
        if let Some(undo) = run_store.undone_by(record.id())? {
            return Err(JobError::usage(format_args!(
                "run {} was undone by run {undo} since; nothing was sent. To carry out its file again, start over with \
                 --anew.",
                record.id()
            )));
        }
    }
    Ok(())
}

/// Retries what the run that wrote a results file, and the retries of it since, have not done; its rows may have been
/// corrected since. What is done is what the records say, not the file.
fn retry_file(
    run_store: &RunStore,
    file: &Path,
    action: Option<Action>,
    options: RunOptions,
    node: NodeRef,
    caller: Arc<dyn Caller>,
) -> Result<Continuation, JobError> {
    let spec = |import, node| JobSpec {
        file: file.to_owned(),
        import,
        node,
        options,
    };
    let Some(id) = of_results(run_store, file)? else {
        let Some(action) = action else {
            return Err(JobError::usage(format_args!(
                "no record of the run that wrote {} is in {}, so what rows without an action ask for is not known; nothing \
                 was sent. Say so with --action.",
                file.display(),
                run_store.dir().display()
            )));
        };
        let import = ImportSpec {
            map: node.mappings(&[])?,
            ..ImportSpec::new(action)
        };
        let job = Job::with_origin(spec(import, node), caller, RowsOrigin::RetriedFile);
        return Ok(Continuation::Job(Box::new(job)));
    };
    let chain = chain_of(run_store, &id, file)?;
    refuse_undone(run_store, &chain)?;
    if action.is_some() {
        return Err(JobError::usage(format_args!(
            "what rows without an action ask for is known from run {}; nothing was sent. Leave out --action.",
            chain.first().id()
        )));
    }
    let about = chain.first().about();
    let node = node.or_recorded(&about.node_ref)?;
    let import = ImportSpec {
        // That is how the input was read, not its results.
        reading: Reading::default(),
        ..about.import.clone()
    };
    let retried = Retried::as_they_are(chain)?;
    let job = Job::with_origin(
        spec(import, node),
        caller,
        RowsOrigin::Retried(Box::new(retried)),
    );
    Ok(Continuation::Job(Box::new(job)))
}

/// The records of the run that has written a results file and of its retries, if it has come to an end.
fn chain_of(run_store: &RunStore, id: &RunId, file: &Path) -> Result<Chain, JobError> {
    refuse_going(run_store, id)?;
    // A damaged record is recovered first.
    run_store.recover(id)?;
    let chain = run_store.chain(id)?;
    refuse_going(run_store, chain.latest().id())?;
    let killed = refuse_killed(&chain);
    killed.map_err(|error| error.about(format_args!("{} is out of date", file.display())))?;
    Ok(chain)
}
