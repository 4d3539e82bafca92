//! `headcount runs report`: the report of a run, made of its record.

use std::path::{Path, PathBuf};

use super::look::recall;
use super::{ReportArgs, find, nothing};
use crate::cli::job::facts::{facts, parts};
use crate::cli::job::page::{create, write};
use crate::cli::job::roster_of;
use crate::cli::{Exit, Failure, print};
use crate::ledger::Book;
use crate::report::page::{Naming, Page};
use crate::report::{Former, name_after};
use crate::run::Event;

pub(super) fn report(args: &ReportArgs) -> Result<Exit, Failure> {
    let shelf = args.one.state.shelf()?;
    let id = find(&shelf, args.one.run.as_deref(), |_, _, _| true)?
        .ok_or_else(|| nothing(&shelf, "yet"))?;
    let book = shelf.read(&id)?;
    let to_stdout = args.output.as_deref() == Some(Path::new("-"));
    let file = match &args.output {
        _ if to_stdout => None,
        Some(path) => Some(create(path, Former::Replace)?),
        None => Some(create(&beside(&book), Former::Keep)?),
    };
    let roster = roster_of(&book)?;
    let since = parts(&book)?.last().map(|part| part.begun);
    let naming = Naming::of(roster.columns());
    let mut page = Page::new(naming, since.unwrap_or(book.about().begun));
    recall(&book, &roster, |record| {
        page.hear(&Event::Row(Box::new(record)));
        Ok(())
    })?;
    let facts = facts(&book, &shelf, args.mask.mask())?;
    match file {
        None => print(page.render(&facts).map_err(Failure::unexpected)?.as_bytes())?,
        Some(file) => {
            let path = file.path().to_owned();
            write(file, &page, &facts)?;
            args.quiet
                .say(format_args!("Report of run {id}: {}", path.display()));
        }
    }
    Ok(Exit::Done)
}

/// Beside the results, named after the input.
fn beside(book: &Book) -> PathBuf {
    let mut name = name_after(&book.about().terms.file);
    name.push(".report.html");
    book.about().results.with_file_name(name)
}
