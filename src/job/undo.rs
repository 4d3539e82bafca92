//! Undoing a run: what it changed becomes a spreadsheet that is carried out like any other.

use std::io::BufWriter;
use std::path::PathBuf;
use std::sync::Arc;

use super::find::{find, nothing, refuse_going};
use super::origin::RowsOrigin;
use super::resume::{Continuation, gone};
use super::{Caller, Exit, Finished, Job, JobError, JobSpec, NodeRef, RunOptions, SANDBOX};
use crate::attribute::Attribute;
use crate::ledger::{Counts, RunKind, RunRecord, RunState, UndoRow, UndoStep};
use crate::report::{AtomicFile, BegunFile, IfExists, counted, name_after};
use crate::roster::Action;
use crate::sheet::{Cell, Format, Writer, beginning};
use crate::spec::ImportSpec;

/// The columns of the spreadsheet that undoes a run.
fn columns() -> Vec<&'static str> {
    let texts = Attribute::FREE_TEXTS.into_iter().map(Attribute::column);
    let others = ["active", "new_email", "teams", "remove_teams"];
    let person = ["action", "id", "email"].into_iter();
    person.chain(texts).chain(others).collect()
}

/// The column with the node, where a run was on several.
const NODE: &str = "node";

/// How many of those that cannot be taken back are named on the terminal.
const NAMED: usize = 20;

/// Undoes the run that is named, or else the latest that changed anything.
///
/// # Errors
/// When there is no such run, or what it changed cannot be written down.
pub fn undo(
    run: Option<&str>,
    options: RunOptions,
    node: NodeRef,
    caller: Arc<dyn Caller>,
) -> Result<Continuation, JobError> {
    let run_store = options.run_store()?;
    let changed = |record: &RunRecord, state: &RunState, counts: &Counts| {
        // Of one that was killed, the record may have lost what was sent.
        let may_have_sent = counts.sent > 0 || *state == RunState::Open;
        may_have_sent && !matches!(record.about().kind, RunKind::Undo { .. })
    };
    let id = find(&run_store, run, changed)?
        .ok_or_else(|| nothing(&run_store, "that changed anything"))?;
    let record = run_store.read(&id)?;
    refuse_going(&run_store, &id)?;
    if let Some(undo) = run_store.undone_by(&id)?
        && is_complete(&run_store.read(&undo)?)?
    {
        caller.tell(&format_args!(
            "There is nothing to undo: run {id} was undone by run {undo}."
        ));
        return nothing_to_do(&record);
    }
    let about = record.about();
    if about.addresses().any(|address| address == SANDBOX) {
        return Err(gone(&id));
    }
    let (file, rows) = write(&record, options.format_of_results(Format::Csv), &*caller)?;
    if rows == 0 {
        caller.tell(&format_args!("There is nothing to take back of run {id}."));
        return nothing_to_do(&record);
    }
    caller.remark(&format_args!(
        "The way back of run {id} is {}: {}",
        counted(rows, "row"),
        file.display()
    ));
    let spec = JobSpec {
        file,
        import: ImportSpec {
            // Nobody wrote these rows by hand: one that may not be carried out does not hold up the others.
            skip_invalid: true,
            ..ImportSpec::new(Action::Update)
        },
        node: node.or_recorded(&about.node_ref)?,
        options,
    };
    let origin = RowsOrigin::Undo {
        on: about.addresses().map(str::to_owned).collect(),
        of: id,
    };
    let job = Job::with_origin(spec, caller, origin);
    Ok(Continuation::Job(Box::new(job)))
}

fn nothing_to_do(record: &RunRecord) -> Result<Continuation, JobError> {
    let finished = Finished::nothing_sent(record, Exit::Done)?;
    Ok(Continuation::Nothing(finished))
}

/// Whether a run is finished, and every row has succeeded.
fn is_complete(record: &RunRecord) -> Result<bool, JobError> {
    let is_finished = matches!(record.state()?, RunState::Finished { .. });
    Ok(is_finished && record.counts()?.not_done(record.about().rows) == 0)
}

/// Writes the rows that undo the run beside its results, and says what they do not undo.
fn write(
    record: &RunRecord,
    format: Format,
    caller: &dyn Caller,
) -> Result<(PathBuf, u64), JobError> {
    let mut name = name_after(&record.about().input.path);
    name.push(".undo.csv");
    let path = record.about().results.with_file_name(name);
    let failed = |error: std::io::Error| {
        JobError::usage(format_args!(
            "the way back cannot be written to {}: {error}; nothing was sent",
            path.display()
        ))
    };
    let several = record.about().nodes.len() > 1;
    let columns = columns().into_iter().chain(several.then_some(NODE));
    let header: Vec<String> = columns.map(str::to_owned).collect();
    let sign = beginning(format, &header);
    let begun = AtomicFile::begin(&path, IfExists::Replace, &sign);
    let BegunFile { part, file, .. } = begun.map_err(failed)?;
    let mut writer = Writer::new(BufWriter::new(file), format, &header).map_err(failed)?;
    let mut rows = 0;
    let mut stuck = 0;
    record.undo_steps::<JobError>(
        |row| {
            rows += 1;
            let cells = cells(&row);
            let mut cells: Vec<Cell<'_>> = cells.iter().map(|cell| Cell::Text(cell)).collect();
            let node = record.about().nodes.get(usize::from(row.node));
            if several {
                cells.push(node.map_or(Cell::Empty, |node| Cell::Text(&node.identity.cell)));
            }
            writer.row(&cells).map_err(failed)
        },
        |each| {
            stuck += 1;
            if stuck <= NAMED {
                caller.tell(&format_args!("row {} stays: {}", each.row, each.why));
            }
        },
    )?;
    if stuck > NAMED {
        caller.tell(&format_args!("and {} more rows stay.", stuck - NAMED));
    }
    drop(writer.finish().map_err(failed)?);
    if rows == 0 {
        part.discard();
    } else {
        part.complete().map_err(failed)?;
    }
    Ok((path, rows))
}

fn cells(row: &UndoRow) -> Vec<String> {
    let column = |name| match (name, &row.step) {
        ("action", UndoStep::Lock) => "lock".to_owned(),
        ("action", UndoStep::Restore { .. }) => "update".to_owned(),
        ("id", _) => row.id.clone(),
        ("email", _) => row.email.clone().unwrap_or_default(),
        (_, UndoStep::Lock) => String::new(),
        ("teams", UndoStep::Restore { join, .. }) => join.join(";"),
        ("remove_teams", UndoStep::Restore { leave, .. }) => leave.join(";"),
        (name, UndoStep::Restore { was, .. }) => match was.get(name) {
            None => String::new(),
            Some(None) => "<clear>".to_owned(),
            Some(Some(text)) => text.clone(),
        },
    };
    columns().into_iter().map(column).collect()
}
