//! What was understood of a file, laid out for a terminal of 60 columns.

use std::fmt;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::understood::{FirstRow, Understood};
use crate::roster::{Column, Idle, Meaning, Why};

/// How wide a heading is shown at the most.
const HEADING: usize = 22;

/// How wide a cell is shown at the most.
const CELL: usize = 40;

impl fmt::Display for Understood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.file)?;
        for fact in &self.facts {
            writeln!(f, "  {}  {}", padded(fact.label(), 15), fact.words())?;
        }
        writeln!(f, "\nColumns")?;
        self.columns(f)?;
        if !self.first.is_empty() {
            writeln!(f, "\nFirst rows")?;
        }
        for row in &self.first {
            row.fmt(f)?;
        }
        writeln!(f, "\n{}", self.counts)?;
        let has_names = self.headings.iter().any(|(_, meaning)| {
            matches!(
                meaning,
                Meaning::Column(
                    Column::FirstName | Column::LastName | Column::DisplayName,
                    _
                )
            )
        });
        for remark in self.counts.remarks(has_names) {
            writeln!(f, "{remark}")?;
        }
        if !self.problems.is_empty() {
            writeln!(f, "\nProblems\n{}", self.problems)?;
        }
        Ok(())
    }
}

impl Understood {
    fn columns(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.headings.iter().map(|(heading, _)| heading.width());
        let heading_width = widths.max().unwrap_or(0).min(HEADING);
        let number_width = self.headings.len().to_string().len();
        let names = self.headings.iter().map(|(_, meaning)| match meaning {
            Meaning::Column(column, _) => column.name().len(),
            _ => 1,
        });
        let name_width = names.max().unwrap_or(0);
        for (at, (heading, meaning)) in self.headings.iter().enumerate() {
            let (name, why) = self.told(meaning);
            let line = format!(
                "  {:>number_width$}  {}  {}  {why}",
                at + 1,
                padded(heading, heading_width),
                padded(name, name_width),
            );
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }

    /// The column that a heading stands for, and why.
    fn told(&self, meaning: &Meaning) -> (&'static str, String) {
        match meaning {
            Meaning::Column(column, Why::Name) => (column.name(), "by its name".to_owned()),
            Meaning::Column(column, Why::Alias) => (column.name(), "as an alias".to_owned()),
            Meaning::Column(column, Why::Mapped(by)) => (column.name(), format!("by {by}")),
            Meaning::Result => ("-", "left out: a result".to_owned()),
            Meaning::CarriedOver(idle) => ("-", self.told_idle(idle)),
        }
    }

    fn told_idle(&self, idle: &Idle) -> String {
        match idle {
            Idle::Empty => "no heading".to_owned(),
            Idle::Ignored(by) => format!("ignored by {by}"),
            Idle::Outdone(column) => {
                let stands_for = |(_, meaning): &(String, Meaning)| matches!(meaning, Meaning::Column(other, _) if other == column);
                let at = self
                    .headings
                    .iter()
                    .position(stands_for)
                    .map_or(0, |at| at + 1);
                format!("{} is column {at}", column.name())
            }
            Idle::Unknown { near: Some(near) } => format!("did you mean {}?", near.name()),
            Idle::Unknown { near: None } => "only carried over".to_owned(),
        }
    }
}

impl fmt::Display for FirstRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = self.action.unwrap_or("has errors");
        writeln!(f, "  row {}: {what}", self.number)?;
        for (column, cell) in &self.cells {
            writeln!(f, "    {}  {}", padded(column.name(), 12), cut(cell, CELL))?;
        }
        Ok(())
    }
}

/// A text filled up with blanks to a width, or cut down to it.
fn padded(text: &str, width: usize) -> String {
    let mut text = cut(text, width);
    let blanks = width.saturating_sub(text.width());
    text.extend(std::iter::repeat_n(' ', blanks));
    text
}

/// A text that is no wider than this, and harmless to a terminal.
fn cut(text: &str, width: usize) -> String {
    let text = text.replace(char::is_control, "\u{FFFD}");
    if text.width() <= width {
        return text;
    }
    let mut cut = String::new();
    let mut so_far = 1;
    for c in text.chars() {
        so_far += c.width().unwrap_or(0);
        if so_far > width {
            break;
        }
        cut.push(c);
    }
    cut.push('…');
    cut
}
