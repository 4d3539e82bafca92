//! A preview for a program: one JSON object, as docs/schema/plan.schema.json describes it.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Line, PreviewSummary};
use crate::report::{NodeName, Outcomes};

/// What programs know it by.
const SCHEMA: &str = "urn:headcount:schema:plan:1";

/// What is known of a preview before its first line.
#[derive(Debug, Serialize)]
pub struct Opening {
    /// The spreadsheet.
    pub file: String,
    /// The nodes.
    pub nodes: Vec<NodeName>,
    /// Teams and roles that would be created for the rows.
    pub new_groups: Vec<NewGroup>,
}

/// A team or role that would be created.
#[derive(Debug, Serialize)]
pub struct NewGroup {
    /// `team` or `role`.
    pub kind: &'static str,
    /// Its name; that of a role without the prefix.
    pub name: String,
    /// The address of the node.
    pub node: String,
}

/// How a preview ended.
#[derive(Debug, Serialize)]
pub struct Closing {
    /// The file that holds the plan, if there is one: then the document has no lines.
    pub plan: Option<String>,
    /// Why it stopped before its end, if it did.
    pub stopped: Option<String>,
    /// The exit code of the program.
    pub exit_code: u8,
}

/// A preview that is being written. Lines are written as they come: memory does not grow with them.
#[derive(Debug)]
pub struct PreviewDocument<W> {
    out: W,
    is_empty: bool,
}

impl<W: Write> PreviewDocument<W> {
    /// Begins the object.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn begin(mut out: W, opening: &Opening) -> io::Result<Self> {
        write!(out, "{{\n\"schema\": {}", json!(SCHEMA))?;
        put(&mut out, &json!(opening))?;
        write!(out, ",\n\"lines\": [")?;
        Ok(PreviewDocument {
            out,
            is_empty: true,
        })
    }

    /// Writes what a row would do.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn line(&mut self, line: &Line) -> io::Result<()> {
        let separator = if self.is_empty { "\n" } else { ",\n" };
        self.is_empty = false;
        write!(self.out, "{separator}{}", serde_json::to_string(line)?)
    }

    /// Ends the object, with what it comes to.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn end(mut self, summary: &PreviewSummary<'_>, closing: &Closing) -> io::Result<()> {
        let end = if self.is_empty { "]" } else { "\n]" };
        self.out.write_all(end.as_bytes())?;
        close(&mut self.out, summary, closing)
    }
}

/// The object of a preview whose lines are elsewhere: in a plan.
///
/// # Errors
/// When it cannot be written.
pub fn without_lines(
    out: &mut impl Write,
    opening: &Opening,
    summary: &PreviewSummary<'_>,
    closing: &Closing,
) -> io::Result<()> {
    write!(out, "{{\n\"schema\": {}", json!(SCHEMA))?;
    put(out, &json!(opening))?;
    close(out, summary, closing)
}

fn close(out: &mut impl Write, summary: &PreviewSummary<'_>, closing: &Closing) -> io::Result<()> {
    let rows = json!({
        "rows": summary.tally.rows(),
        "outcomes": Outcomes::of(|verdict| summary.tally.of(verdict)),
        "calls": summary.calls_by_kind(),
        "seconds": summary.time().map(|time| time.as_secs_f64()),
    });
    put(out, &rows)?;
    put(out, &json!(closing))?;
    out.write_all(b"\n}\n")?;
    out.flush()
}

/// Writes the fields of an object behind others.
fn put(out: &mut impl Write, fields: &Value) -> io::Result<()> {
    let none = Map::new();
    for (key, value) in fields.as_object().unwrap_or(&none) {
        write!(out, ",\n{}: {value}", json!(key))?;
    }
    Ok(())
}
