//! docs/compatibility.md: what came of each step on each server.

use std::fmt::Write;
use std::fs;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/compatibility.md");

/// What stands between these lines in the page is written here.
const BEGIN: &str = "<!-- written by tests/interop -->\n";
const END: &str = "<!-- end -->\n";

/// What came of one step.
#[derive(Debug)]
pub enum Cell {
    /// It was done, in so many calls where the program says so.
    Done { calls: Option<u64> },
    /// It was not done, and nothing was changed.
    Missing { why: String },
}

impl Cell {
    fn text(&self) -> String {
        match self {
            Cell::Done { calls: None } => "yes".to_owned(),
            Cell::Done { calls: Some(calls) } => format!("yes, {calls}"),
            Cell::Missing { why } => {
                let line = why.lines().next().unwrap_or_default();
                format!("no: {}", line.replace('|', "\\|"))
            }
        }
    }
}

/// All steps on one server.
#[derive(Debug)]
pub struct Column {
    server: &'static str,
    cells: Vec<(&'static str, Cell)>,
}

impl Column {
    pub fn new(server: &'static str) -> Self {
        Column {
            server,
            cells: Vec::new(),
        }
    }

    pub fn add(&mut self, step: &'static str, cell: Cell) {
        self.cells.push((step, cell));
    }
}

fn table(columns: &[Column]) -> String {
    let mut table = "| step |".to_owned();
    for column in columns {
        write!(table, " {} |", column.server).unwrap();
    }
    table.push_str("\n|---|");
    table.push_str(&"---|".repeat(columns.len()));
    table.push('\n');
    for (at, (step, _)) in columns[0].cells.iter().enumerate() {
        write!(table, "| {step} |").unwrap();
        for column in columns {
            write!(table, " {} |", column.cells[at].1.text()).unwrap();
        }
        table.push('\n');
    }
    table
}

/// The table without its numbers: what is found out by the first of several calls at once takes now one more and now
/// one less.
fn without_calls(table: &str) -> String {
    let cell = |cell: &str| match cell.strip_prefix(" yes, ") {
        Some(_) => " yes ".to_owned(),
        None => cell.to_owned(),
    };
    let line = |line: &str| line.split('|').map(cell).collect::<Vec<_>>().join("|");
    table.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Compares the page with what was seen, or writes it.
pub fn compare(columns: &[Column]) {
    let table = table(columns);
    println!("{table}");
    if std::env::var_os("HEADCOUNT_INTEROP").is_some() {
        return;
    }
    let page = fs::read_to_string(PAGE).unwrap();
    let begin = page.find(BEGIN).unwrap() + BEGIN.len();
    let end = begin + page[begin..].find(END).unwrap();
    if std::env::var_os("HEADCOUNT_WRITE_DOCS").is_some() {
        let page = [&page[..begin], &table, &page[end..]].concat();
        fs::write(PAGE, page).unwrap();
        return;
    }
    assert_eq!(
        without_calls(&page[begin..end]),
        without_calls(&table),
        "docs/compatibility.md (left) says something else; HEADCOUNT_WRITE_DOCS=1 writes it anew"
    );
}
