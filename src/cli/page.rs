//! The report of a run as a page: where it goes, and what is said of the run on it.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::FalseyValueParser;

use super::Failure;
use super::destination::SANDBOX;
use super::job::Job;
use crate::ledger::{About, Book, Kind, Shelf, State};
use crate::plan::one_by_one;
use crate::report::page::{Calls, End, Facts, Mask, Naming, Page, PageFile, Part, Setting};
use crate::report::{Former, say};
use crate::sheet::{is_standard_input, shown};
use crate::terms::Terms;

use super::site::Ready;

/// Whether people are named on a page.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct MaskArgs {
    /// Mask names and emails in the report: j***@e***.com
    #[arg(long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_REPORT_MASK")]
    report_mask: bool,
}

impl MaskArgs {
    pub(super) fn mask(self) -> Mask {
        if self.report_mask {
            Mask::On
        } else {
            Mask::Off
        }
    }
}

/// Takes the place of a page.
pub(super) fn create(path: &Path, former: Former) -> Result<PageFile, Failure> {
    let ending = path.extension().map(std::ffi::OsStr::to_ascii_lowercase);
    if !ending.is_some_and(|ending| ending == "html" || ending == "htm") {
        return Err(Failure::usage(format_args!(
            "a report is a page of HTML, and {} would not be taken for one; give it a name that ends with .html",
            path.display()
        )));
    }
    PageFile::create(path, former).map_err(Failure::usage)
}

/// A page that is written when its run is over.
#[derive(Debug)]
pub(super) struct PageToCome {
    file: PageFile,
    mask: Mask,
}

impl Job {
    /// Takes the place of the report, if one is asked for: never the input's or that of the results.
    pub(super) fn page_to_come(&self, results: &Path) -> Result<Option<PageToCome>, Failure> {
        let Some(path) = &self.run.report else {
            return Ok(None);
        };
        let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        for (other, what) in [(results, "the results"), (&*self.file, "the input")] {
            if whole(path) == whole(other) {
                return Err(Failure::usage(format_args!(
                    "--report {} is where {what} is; give the report another name; nothing was sent",
                    path.display()
                )));
            }
        }
        let nothing_sent = |failure: Failure| Failure {
            message: format!("{}; nothing was sent", failure.message),
            ..failure
        };
        Ok(Some(PageToCome {
            // A name that somebody gave is theirs to reuse.
            file: create(path, Former::Replace).map_err(nothing_sent)?,
            mask: self.run.mask.mask(),
        }))
    }

    /// What hears of the calls of a run that begins now, and of its rows if a page is to come.
    pub(super) fn listeners(&self, ready: &[Ready], with_page: bool) -> (Calls, Option<Page>) {
        let by_rows = ready.iter().map(|each| one_by_one(&each.site.census));
        let calls = Calls::begin(by_rows.sum());
        let naming = || Naming::of(ready[0].site.roster.columns());
        let page = with_page.then(|| Page::new(naming(), calls.begun()));
        (calls, page)
    }

    /// A rehearsal has no report.
    pub(super) fn say_no_report(&self) {
        if self.run.report.is_some() && !self.run.quiet {
            say("A dry run has no report: nothing is carried out.");
        }
    }
}

impl PageToCome {
    /// Writes the page of a run that is over.
    pub(super) fn write(self, page: &Page, book: &Book, shelf: &Shelf) -> Result<PathBuf, Failure> {
        let path = self.file.path().to_owned();
        let id = book.id();
        let written = write(self.file, page, &facts(book, shelf, self.mask)?);
        written.map_err(|failure| Failure {
            message: format!(
                "{}. The run is over, and its results are written; headcount runs report {id} -o FILE makes the \
                 report again.",
                failure.message
            ),
            ..failure
        })?;
        Ok(path)
    }
}

/// Writes a page.
pub(super) fn write(file: PageFile, page: &Page, facts: &Facts) -> Result<(), Failure> {
    let page = page.render(facts).map_err(Failure::unexpected)?;
    file.finish(&page).map_err(Failure::unexpected)
}

/// The run from when it began, or went on, each time. What cannot be understood of it is not known.
pub(super) fn parts(book: &Book) -> Result<Vec<Part>, Failure> {
    let part = |part: crate::ledger::Part| {
        let calls: Option<Calls> = part
            .calls
            .and_then(|calls| serde_json::from_str(&calls).ok());
        Part {
            begun: calls.as_ref().map_or(part.begun, Calls::begun),
            calls,
        }
    };
    Ok(book.parts()?.into_iter().map(part).collect())
}

/// What its record says of a run.
pub(super) fn facts(book: &Book, shelf: &Shelf, mask: Mask) -> Result<Facts, Failure> {
    let about = book.about();
    let state = book.state()?;
    let is_going = state == State::Open && shelf.is_going(book.id());
    let not_done = book.counts()?.not_done(about.rows);
    let is_lasting = about.addresses().all(|address| address != SANDBOX);
    let next = match &state {
        State::Open if is_going => None,
        State::Open | State::Stopped { .. } => Some("resume"),
        State::Finished { .. } => (not_done > 0).then_some("retry"),
    };
    let next = next.filter(|_| is_lasting);
    let file = &about.terms.file;
    let name = if is_standard_input(file) {
        shown(file)
    } else {
        let name = file.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    };
    Ok(Facts {
        what: match &about.kind {
            Kind::Import => about.word().to_owned(),
            kind => kind.to_string(),
        },
        run: book.id().to_string(),
        file: name,
        sha256: about.terms.sha256.clone(),
        nodes: about
            .nodes
            .iter()
            .map(|node| (node.name.clone(), node.address.clone()))
            .collect(),
        begun: about.begun,
        end: match state {
            State::Open if is_going => End::Going,
            State::Open => End::CutShort,
            State::Stopped { at, why } => End::Stopped { at, why },
            State::Finished { at } => End::Finished(at),
        },
        rows: about.rows,
        results: about.results.clone(),
        settings: settings(about),
        next: next.map(|next| format!("headcount runs {next} {}", book.id())),
        parts: parts(book)?,
        mask,
    })
}

fn settings(about: &About) -> Vec<Setting> {
    let Terms {
        file: _,
        sha256: _,
        nodes: _,
        reading,
        action,
        only_action,
        map,
        on_conflict,
        skip_invalid,
        create_teams,
        batch,
        bulk,
        replace,
    } = &about.terms;
    let set = |flag, about, value: String| Setting { flag, about, value };
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let mut all = Vec::new();
    if *only_action {
        all.push(set("", "The only action", action.clone()));
    } else {
        let about = "Rows without an action";
        all.push(set("--action", about, action.clone()));
    }
    all.extend([
        set(
            "--on-conflict",
            "When an email is taken",
            on_conflict.clone(),
        ),
        set(
            "--skip-invalid",
            "Rows with errors are left out",
            yes(*skip_invalid),
        ),
        set(
            "--create-teams",
            "Missing teams are created",
            yes(*create_teams),
        ),
        set(
            "--batch",
            "People in one change of a team",
            batch.to_string(),
        ),
        set("--bulk", "Bulk requests", bulk.clone()),
        set(
            "--replace",
            "Accounts are replaced as a whole",
            yes(*replace),
        ),
    ]);
    let limit = about.max_errors.clone();
    let limit = limit.unwrap_or_else(|| "no limit".to_owned());
    all.push(set("--max-errors", "Failed rows before it stops", limit));
    let mut add = |flag, about, value: Option<String>| {
        all.extend(value.map(|value| set(flag, about, value)));
    };
    add(
        "--sheet",
        "Sheet",
        reading.sheet.as_ref().map(ToString::to_string),
    );
    add(
        "--encoding",
        "Encoding",
        reading.encoding.map(|encoding| encoding.to_string()),
    );
    add(
        "--delimiter",
        "Between cells",
        reading.delimiter.map(String::from),
    );
    add(
        "--header-row",
        "Row with the headings",
        reading.header_row.map(|row| row.to_string()),
    );
    for (heading, column) in map {
        add("--map", "Heading", Some(format!("{heading} = {column}")));
    }
    for node in &about.nodes {
        let rate = node.rate.as_deref().unwrap_or("as fast as the node allows");
        let of_node = |value: String| match about.nodes.len() {
            1 => value,
            _ => format!("{}: {value}", node.name),
        };
        if let Some(calls) = node.concurrency {
            add(
                "--rate",
                "Calls leave at most",
                Some(of_node(rate.to_owned())),
            );
            add(
                "--concurrency",
                "Calls in flight at most",
                Some(of_node(calls.to_string())),
            );
        }
    }
    all
}
