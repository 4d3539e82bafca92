//! What a file asks for, in numbers.

use std::fmt;

use serde_json::{Map, Value, json};

use crate::roster::{Action, InputSummary};
use crate::sheet::RowNumber;
use crate::wording::grouped;

/// How many repeated rows are named.
const NAMED: usize = 5;

/// What a file asks for, of all nodes together.
#[derive(Debug, Default)]
pub struct Counts {
    /// How many rows there are.
    pub rows: u64,
    /// How many of them have errors.
    pub invalid: u64,
    actions: Vec<(Action, u64)>,
    repeats: Vec<(RowNumber, RowNumber)>,
    /// The rows of people without a name, in words.
    nameless: Vec<String>,
    nameless_rows: u64,
    recurring: bool,
}

impl Counts {
    /// Adds what rows of one node ask for.
    pub fn add(&mut self, summary: &InputSummary) {
        self.rows += summary.rows;
        self.invalid += summary.invalid;
        for action in Action::ALL {
            let count = summary.by_action(action);
            match self.actions.iter_mut().find(|(of, _)| *of == action) {
                Some((_, so_far)) => *so_far += count,
                None if count > 0 => self.actions.push((action, count)),
                None => {}
            }
        }
        let repeats = summary.repeats.iter().map(|(row, first)| (*row, *first));
        self.repeats.extend(repeats);
        if summary.nameless.rows() > 0 {
            self.nameless.push(summary.nameless.to_string());
            self.nameless_rows += summary.nameless.rows();
        }
        self.recurring |= summary.recurring;
    }

    /// What else is worth knowing, one line each. None of it keeps a row from being carried out.
    #[must_use]
    pub fn remarks(&self, has_names: bool) -> Vec<String> {
        let mut remarks = Vec::new();
        if !self.repeats.is_empty() {
            let first = self.repeats.iter().take(NAMED);
            let rows = first.map(|(row, first)| format!("row {row} as row {first}"));
            let more = self.repeats.len().saturating_sub(NAMED);
            remarks.push(format!(
                "The same new person is in more than one row, and is created once: {}{}.",
                rows.collect::<Vec<_>>().join(", "),
                and_more(more as u64)
            ));
        } else if self.recurring && self.invalid == 0 {
            remarks.push(
                "Some people are in more than one row: their rows are carried out one after the other."
                    .to_owned(),
            );
        }
        // Where there is no column for names, nobody expects any.
        if has_names && self.nameless_rows > 0 {
            remarks.push(format!(
                "{} without a name ({}): only their emails are shown to others.",
                match self.nameless_rows {
                    1 => "1 new person is".to_owned(),
                    many => format!("{} new people are", grouped(many)),
                },
                self.nameless.join("; ")
            ));
        }
        remarks
    }

    /// The same for programs.
    #[must_use]
    pub fn to_json(&self) -> Map<String, Value> {
        let actions: Map<String, Value> = self
            .actions
            .iter()
            .map(|(action, count)| (action.to_string(), json!(count)))
            .collect();
        let repeats = self.repeats.iter();
        let repeats = repeats.map(|(row, first)| json!({ "row": row.0, "as_row": first.0 }));
        let mut object = Map::new();
        object.insert("rows".to_owned(), json!(self.rows));
        object.insert("invalid".to_owned(), json!(self.invalid));
        object.insert("actions".to_owned(), Value::Object(actions));
        object.insert("repeats".to_owned(), repeats.collect());
        object
    }
}

fn and_more(more: u64) -> String {
    match more {
        0 => String::new(),
        more => format!(" and {} more", grouped(more)),
    }
}

impl fmt::Display for Counts {
    /// `412 rows: 400 create, 12 lock, 3 with errors.`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = if self.rows == 1 { "row" } else { "rows" };
        write!(f, "{} {rows}", grouped(self.rows))?;
        let of_action = |(action, count): &(Action, u64)| format!("{} {action}", grouped(*count));
        let mut parts: Vec<String> = self.actions.iter().map(of_action).collect();
        if self.invalid > 0 {
            parts.push(format!("{} with errors", grouped(self.invalid)));
        }
        if !parts.is_empty() {
            write!(f, ": {}", parts.join(", "))?;
        }
        f.write_str(".")
    }
}
