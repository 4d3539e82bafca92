//! What runs have done, shown.

use std::fmt::Write as _;

use super::{ListArgs, ShowArgs};
use crate::cli::printed::{OutputFormat, print_json, show as show_text};
use crate::cli::{Exit, JobError};
use crate::job::{RunDocument, RunsDocument, find_run, next, not_sent};
use crate::ledger::{Counts, RunId, RunKind, RunState, RunStore};
use crate::report::{Style, Table, TerminalWriter, grouped, say};
use crate::sheet::shown;

/// How a run stands, in words.
fn standing(run_store: &RunStore, id: &RunId, state: &RunState, counts: &Counts) -> String {
    match state {
        RunState::Finished { .. } if counts.verdicts.iter().all(|(v, _)| v.is_done()) => {
            "finished".to_owned()
        }
        RunState::Finished { .. } => "finished, not all done".to_owned(),
        RunState::Stopped { .. } => "stopped".to_owned(),
        RunState::Discarded { .. } => "discarded".to_owned(),
        RunState::Open if run_store.is_going(id) => "going".to_owned(),
        RunState::Open => "cut short".to_owned(),
    }
}

pub(super) fn list(args: &ListArgs) -> Result<Exit, JobError> {
    let run_store = &args.state.run_store()?;
    if args.format == OutputFormat::Json {
        print_json(&RunsDocument::of(run_store)?)?;
        return Ok(Exit::Done);
    }
    let headings = ["RUN", "STATE", "ROWS DONE", "WHAT", "FILE", "NODE"];
    let mut table = Table::new(&headings, &[2]);
    let mut unreadable = String::new();
    for id in run_store.runs()? {
        let cells = run_store.read(&id).and_then(|record| {
            let about = record.about();
            let (state, counts) = (record.state()?, record.counts()?);
            let file = about.input.path.file_name().unwrap_or_default();
            Ok([
                id.to_string(),
                standing(run_store, &id, &state, &counts),
                format!("{} of {}", grouped(counts.done()), grouped(about.rows)),
                about.word().to_owned(),
                file.display().to_string(),
                about.node_cells(),
            ])
        });
        match cells {
            Ok(cells) => table.row(cells),
            Err(error) => unreadable += &format!("{id}  cannot be read: {error}\n"),
        }
    }
    if table.is_empty() && unreadable.is_empty() {
        say(format_args!(
            "There are no runs in {}.",
            run_store.dir().display()
        ));
    } else {
        let table = table.lines(TerminalWriter::standard_output().columns());
        show_text(&(table + &unreadable))?;
    }
    Ok(Exit::Done)
}

pub(super) fn show(args: &ShowArgs) -> Result<Exit, JobError> {
    let run_store = args.one.state.run_store()?;
    let id = find_run(&run_store, args.one.run.as_deref())?;
    let record = run_store.read(&id)?;
    let is_going = run_store.is_going(&id);
    if args.format == OutputFormat::Json {
        print_json(&RunDocument::of(&record, is_going)?.alone())?;
        return Ok(Exit::Done);
    }
    let (about, state, counts) = (record.about(), record.state()?, record.counts()?);
    let mut text = String::new();
    let mut line = |name: &str, value: &dyn std::fmt::Display| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{name:<9} {value}");
    };
    line("run", &id);
    match &about.kind {
        RunKind::Import => line("what", &about.word()),
        kind => line("what", kind),
    }
    line("file", &shown(&about.input.path));
    line("node", &about.node_names());
    line("begun", &format_args!("{:.0}", about.begun));
    let standing = standing(&run_store, &id, &state, &counts);
    match &state {
        RunState::Stopped { at, why } => {
            line("state", &format_args!("{standing} at {at:.0}: {why}"));
        }
        RunState::Finished { at } | RunState::Discarded { at } => {
            line("state", &format_args!("{standing} at {at:.0}"));
        }
        RunState::Open => line("state", &standing),
    }
    line("rows", &grouped(about.rows));
    for (verdict, count) in &counts.verdicts {
        line("", &format_args!("{:>9} {verdict}", grouped(*count)));
    }
    if counts.in_doubt > 0 {
        let words = "may have been sent; resume looks for them first";
        line("", &format_args!("{:>9} {words}", grouped(counts.in_doubt)));
    }
    let left = not_sent(about.rows, &counts);
    if left > 0 {
        line("", &format_args!("{:>9} not sent yet", grouped(left)));
    }
    line("results", &about.results.display());
    show_text(&text)?;
    if let Some(next) = next(&record, is_going)? {
        let command = Style::Command.on(format_args!("headcount runs {next} {id}"));
        say(format_args!("Next: {command}"));
    }
    Ok(Exit::Done)
}
