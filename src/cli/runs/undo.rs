//! `headcount runs undo`: the way back of a run, as a spreadsheet that is carried out like any other.

use std::io::BufWriter;
use std::path::PathBuf;

use super::nothing_to_do;
use crate::cli::args::{NodeArgs, RunArgs};
use crate::cli::destination::SANDBOX;
use crate::cli::job::{Job, Origin, gone, reach};
use crate::cli::{Exit, Failure};
use crate::ledger::{Book, WayBack, WayBackRow};
use crate::report::{Begun, Former, Unfinished, counted, name_after, say};
use crate::roster::Action;
use crate::sheet::{Cell, Format, Writer, beginning};

/// The columns of the way back.
const COLUMNS: [&str; 12] = [
    "action",
    "id",
    "email",
    "first_name",
    "last_name",
    "display_name",
    "external_id",
    "active",
    "new_email",
    "teams",
    "remove_teams",
    "node",
];

/// How many of those that cannot be taken back are named on the terminal.
const NAMED: usize = 20;

/// Takes back what a run did.
pub(super) async fn undo(book: &Book, options: RunArgs, node: NodeArgs) -> Result<Exit, Failure> {
    let about = book.about();
    if about.addresses().any(|address| address == SANDBOX) {
        return Err(gone(book.id()));
    }
    let format = options.format_of_results(Format::Csv);
    let (file, rows) = write(book, format)?;
    if rows == 0 {
        say(format_args!(
            "There is nothing to take back of run {}.",
            book.id()
        ));
        return nothing_to_do(book, options.format);
    }
    if !options.quiet.is_quiet() {
        say(format_args!(
            "The way back of run {} is {}: {}",
            book.id(),
            counted(rows, "row"),
            file.display()
        ));
    }
    let mut terms = Job::usual_terms(Action::Update);
    terms.file = file;
    // Nobody wrote these rows by hand: one that may not be carried out does not hold up the others.
    terms.skip_invalid = true;
    // As many as the run itself was allowed to change may be changed back.
    let node = reach(node, about)?;
    let origin = Origin::Undo {
        of: book.id().clone(),
        on: about.addresses().map(str::to_owned).collect(),
    };
    let job = Job::of_terms(&terms, options, node, origin)?;
    Box::pin(job.carry_out()).await
}

/// Writes the way back beside the results of the run, and says what is not in it.
fn write(book: &Book, format: Format) -> Result<(PathBuf, u64), Failure> {
    let mut name = name_after(&book.about().terms.file);
    name.push(".undo.csv");
    let path = book.about().results.with_file_name(name);
    let failed = |error: std::io::Error| {
        Failure::usage(format_args!(
            "the way back cannot be written to {}: {error}; nothing was sent",
            path.display()
        ))
    };
    let several = book.about().nodes.len() > 1;
    let columns = if several { 12 } else { 11 };
    let header: Vec<String> = COLUMNS[..columns]
        .iter()
        .map(|name| (*name).to_owned())
        .collect();
    let sign = beginning(format, &header);
    let begun = Unfinished::begin(&path, Former::Replace, &sign);
    let Begun { part, file, .. } = begun.map_err(failed)?;
    let mut writer = Writer::new(BufWriter::new(file), format, &header).map_err(failed)?;
    let mut rows = 0;
    let mut stuck = 0;
    book.way_back::<Failure>(
        |row| {
            rows += 1;
            let cells = cells(&row);
            let mut cells: Vec<Cell<'_>> = cells.iter().map(|cell| Cell::Text(cell)).collect();
            let node = book.about().nodes.get(usize::from(row.node));
            if several {
                cells.push(node.map_or(Cell::Empty, |node| Cell::Text(&node.cell)));
            }
            writer.row(&cells).map_err(failed)
        },
        |each| {
            stuck += 1;
            if stuck <= NAMED {
                say(format_args!("row {} stays: {}", each.row, each.why));
            }
        },
    )?;
    if stuck > NAMED {
        say(format_args!("and {} more rows stay.", stuck - NAMED));
    }
    drop(writer.finish().map_err(failed)?);
    if rows == 0 {
        part.discard();
    } else {
        part.complete().map_err(failed)?;
    }
    Ok((path, rows))
}

fn cells(row: &WayBackRow) -> [String; 11] {
    let empty = String::new;
    let email = row.email.clone().unwrap_or_default();
    match &row.way {
        WayBack::Lock => {
            let mut cells: [String; 11] = std::array::from_fn(|_| empty());
            "lock".clone_into(&mut cells[0]);
            cells[1].clone_from(&row.id);
            cells[2] = email;
            cells
        }
        WayBack::Restore { was, join, leave } => {
            let text = |what: &str| match was.get(what) {
                None => empty(),
                Some(None) => "<clear>".to_owned(),
                Some(Some(text)) => text.clone(),
            };
            [
                "update".to_owned(),
                row.id.clone(),
                email,
                text("first_name"),
                text("last_name"),
                text("display_name"),
                text("external_id"),
                text("active"),
                text("new_email"),
                join.join(";"),
                leave.join(";"),
            ]
        }
    }
}
