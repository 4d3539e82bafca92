//! What runs have done, shown.

use std::fmt::Write as _;

use super::{ListArgs, ShowArgs};
use crate::cli::printed::{Reader, print_json, show as show_text};
use crate::cli::{Exit, JobError};
use crate::job::{RunDocument, RunsDocument, find_run, next, not_sent};
use crate::ledger::{Counts, Kind, RunId, Shelf, State};
use crate::report::{Paper, Table, Tint, grouped, say};
use crate::sheet::shown;

/// How a run stands, in words.
fn standing(shelf: &Shelf, id: &RunId, state: &State, counts: &Counts) -> String {
    match state {
        State::Finished { .. } if counts.verdicts.iter().all(|(v, _)| v.is_done()) => {
            "finished".to_owned()
        }
        State::Finished { .. } => "finished, not all done".to_owned(),
        State::Stopped { .. } => "stopped".to_owned(),
        State::Discarded { .. } => "discarded".to_owned(),
        State::Open if shelf.is_going(id) => "going".to_owned(),
        State::Open => "cut short".to_owned(),
    }
}

pub(super) fn list(args: &ListArgs) -> Result<Exit, JobError> {
    let shelf = &args.state.shelf()?;
    if args.format == Reader::Json {
        print_json(&RunsDocument::of(shelf)?)?;
        return Ok(Exit::Done);
    }
    let headings = ["RUN", "STATE", "ROWS DONE", "WHAT", "FILE", "NODE"];
    let mut table = Table::new(&headings, &[2]);
    let mut unreadable = String::new();
    for id in shelf.runs()? {
        let cells = shelf.read(&id).and_then(|book| {
            let about = book.about();
            let (state, counts) = (book.state()?, book.counts()?);
            let file = about.input.path.file_name().unwrap_or_default();
            Ok([
                id.to_string(),
                standing(shelf, &id, &state, &counts),
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
            shelf.dir().display()
        ));
    } else {
        let table = table.lines(Paper::standard_output().columns());
        show_text(&(table + &unreadable))?;
    }
    Ok(Exit::Done)
}

pub(super) fn show(args: &ShowArgs) -> Result<Exit, JobError> {
    let shelf = args.one.state.shelf()?;
    let id = find_run(&shelf, args.one.run.as_deref())?;
    let book = shelf.read(&id)?;
    let is_going = shelf.is_going(&id);
    if args.format == Reader::Json {
        print_json(&RunDocument::of(&book, is_going)?.alone())?;
        return Ok(Exit::Done);
    }
    let (about, state, counts) = (book.about(), book.state()?, book.counts()?);
    let mut text = String::new();
    let mut line = |name: &str, value: &dyn std::fmt::Display| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{name:<9} {value}");
    };
    line("run", &id);
    match &about.kind {
        Kind::Import => line("what", &about.word()),
        kind => line("what", kind),
    }
    line("file", &shown(&about.input.path));
    line("node", &about.node_names());
    line("begun", &format_args!("{:.0}", about.begun));
    let standing = standing(&shelf, &id, &state, &counts);
    match &state {
        State::Stopped { at, why } => line("state", &format_args!("{standing} at {at:.0}: {why}")),
        State::Finished { at } | State::Discarded { at } => {
            line("state", &format_args!("{standing} at {at:.0}"));
        }
        State::Open => line("state", &standing),
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
    if let Some(next) = next(&book, is_going)? {
        let command = Tint::Command.on(format_args!("headcount runs {next} {id}"));
        say(format_args!("Next: {command}"));
    }
    Ok(Exit::Done)
}
