//! What runs have done, shown and written again; and the records of old ones removed.

use std::fmt::Write as _;
use std::path::Path;

use jiff::Timestamp;

use super::{DiscardArgs, ListArgs, PruneArgs, ResultsArgs, ShowArgs, find, nothing, refuse_going};
use crate::cli::job::document::{self, RunDocument, next, not_sent};
use crate::cli::job::roster_of;
use crate::cli::printed::{Reader, print, print_json, show as show_text};
use crate::cli::{Exit, Failure};
use crate::ledger::{Book, Counts, Kind, Pages, RunId, Shelf, State};
use crate::report::{Former, Layout, Paper, ResultsFile, Table, Tint, grouped, say};
use crate::roster::{self, Roster};
use crate::run::Record;
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

pub(super) fn list(args: &ListArgs) -> Result<Exit, Failure> {
    let shelf = &args.state.shelf()?;
    if args.format == Reader::Json {
        print_json(&document::all(shelf)?)?;
        return Ok(Exit::Done);
    }
    let headings = ["RUN", "STATE", "ROWS DONE", "WHAT", "FILE", "NODE"];
    let mut table = Table::new(&headings, &[2]);
    let mut unreadable = String::new();
    for id in shelf.runs()? {
        let cells = shelf.read(&id).and_then(|book| {
            let about = book.about();
            let (state, counts) = (book.state()?, book.counts()?);
            let file = about.terms.file.file_name().unwrap_or_default();
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

pub(super) fn show(args: &ShowArgs) -> Result<Exit, Failure> {
    let shelf = args.one.state.shelf()?;
    let id = find(&shelf, args.one.run.as_deref(), |_, _, _| true)?
        .ok_or_else(|| nothing(&shelf, "yet"))?;
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
    line("file", &shown(&about.terms.file));
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

pub(super) fn results(args: &ResultsArgs) -> Result<Exit, Failure> {
    let shelf = args.one.state.shelf()?;
    let id = find(&shelf, args.one.run.as_deref(), |_, _, _| true)?
        .ok_or_else(|| nothing(&shelf, "yet"))?;
    let book = shelf.read(&id)?;
    let roster = roster_of(&book)?;
    let to_stdout = args.output.as_deref() == Some(Path::new("-"));
    let folder = tempfile::tempdir().map_err(Failure::unexpected)?;
    let path = match &args.output {
        _ if to_stdout => folder.path().join("results.csv"),
        Some(path) => path.clone(),
        None => book.about().results.clone(),
    };
    // Where nothing else is said, a file that is there may be another run's.
    let former = if args.output.is_some() {
        Former::Replace
    } else {
        Former::Keep
    };
    if is_same_file(&path, &book.about().terms.file) {
        return Err(Failure::usage(format_args!(
            "{} is the input itself; give the results another name",
            path.display()
        )));
    }
    let mut layout = Layout::like_input(&roster, &path);
    if args.bom {
        layout.format = layout.format.with_bom();
    }
    let fits = layout.check(book.about().rows, [&roster]);
    fits.map_err(|unfit| {
        Failure::usage(format_args!(
            "the results cannot be written to {}: {unfit}",
            path.display()
        ))
    })?;
    let file = ResultsFile::create(&path, layout, former.into()).map_err(Failure::usage)?;
    let mut file = file.of_run(id.as_str());
    recall(&book, &roster, |record| {
        file.write(&record).map_err(Failure::unexpected)
    })?;
    file.finish().map_err(Failure::unexpected)?;
    if to_stdout {
        print(&std::fs::read(&path).map_err(Failure::unexpected)?)?;
    } else {
        args.quiet
            .say(format_args!("Results of run {id}: {}", path.display()));
    }
    Ok(Exit::Done)
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// Every row of a run with what became of it, in the order of the file.
pub(super) fn recall(
    book: &Book,
    roster: &Roster,
    mut on_row: impl FnMut(Record) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut pages = Pages::of(book.reader()?);
    for entry in roster.entries().map_err(Failure::unexpected)? {
        let entry = entry.map_err(Failure::unexpected)?;
        let outcome = pages.outcome(entry.number)?;
        let change = entry.change.as_ref().ok();
        on_row(Record {
            number: entry.number,
            action: change.map(roster::Change::action),
            cells: entry.cells,
            outcome,
        })?;
    }
    Ok(())
}

/// Gives up an unfinished run. What it has done stays done, and its record stays.
pub(super) fn discard(args: &DiscardArgs) -> Result<Exit, Failure> {
    let shelf = args.state.shelf()?;
    let id =
        find(&shelf, Some(&args.run), |_, _, _| true)?.ok_or_else(|| nothing(&shelf, "yet"))?;
    refuse_going(&shelf, &id)?;
    let Ok((book, _)) = shelf.open(&id) else {
        let aside = shelf.set_aside(&id)?;
        args.quiet.say(format_args!(
            "The record of run {id} cannot be read; it is now {}",
            aside.display()
        ));
        return Ok(Exit::Done);
    };
    if !book.state()?.is_unfinished() {
        return Err(Failure::usage(format_args!(
            "run {id} is not unfinished; there is nothing to discard"
        )));
    }
    book.discard()?;
    let undo = Tint::Command.on(format_args!("headcount runs undo {id}"));
    args.quiet.say(format_args!(
        "Run {id} is discarded: it is not offered any more. What it has done stays; to take that back: {undo}"
    ));
    Ok(Exit::Done)
}

pub(super) fn prune(args: &PruneArgs) -> Result<Exit, Failure> {
    let shelf = args.state.shelf()?;
    let (mut removed, mut kept) = (0_u64, 0_u64);
    for id in shelf.runs()? {
        let Ok(book) = shelf.read(&id) else { continue };
        if Timestamp::now().duration_since(book.about().begun) < args.older_than.0 {
            continue;
        }
        let is_kept = |book: &Book| -> Result<bool, Failure> {
            let doubtful = book.state()?.is_unfinished() && book.counts()?.sent > 0;
            Ok(doubtful && shelf.retry_of(book.id())?.is_none())
        };
        let doubtful = is_kept(&book)?;
        // A retry tells what has become of the rows of the run that it retries: they go together.
        let first = shelf.first_of(&id)?;
        let is_young =
            |book: &Book| Timestamp::now().duration_since(book.about().begun) < args.older_than.0;
        let mut chain_stays = false;
        for each in shelf.chain(&first)?.books().filter(|book| *book.id() != id) {
            chain_stays |= is_young(each) || is_kept(each)?;
        }
        drop(book);
        if chain_stays && !doubtful {
            continue;
        }
        if shelf.is_going(&id) {
            continue;
        }
        if doubtful {
            kept += 1;
            let resume = Tint::Command.on(format_args!("headcount runs resume {id}"));
            args.quiet.say(format_args!(
                "Run {id} has not finished and is kept: finish it first, with {resume}, or discard it"
            ));
            continue;
        }
        shelf.remove(&id)?;
        removed += 1;
    }
    let runs = if removed == 1 { "run" } else { "runs" };
    let kept = match kept {
        0 => String::new(),
        kept => format!(", {} unfinished kept", grouped(kept)),
    };
    args.quiet
        .say(format_args!("{} {runs} removed{kept}.", grouped(removed)));
    Ok(Exit::Done)
}
