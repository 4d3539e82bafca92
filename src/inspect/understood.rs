//! What was understood of a file.

use serde_json::{Value, json};

use super::counts::Counts;
use super::problems::Finding;
use crate::report::{Digest, ProblemGroup};
use crate::roster::{Column, Idle, MappedBy, Meaning, Problem, ProblemKind, Roster, Why};
use crate::sheet::{Fact, RowNumber, SheetError, trim};

/// How many rows are shown as they are read.
const FIRST: usize = 3;

/// What was understood of a file: how it is made, what its headings stand for, how its first rows read, and
/// what is wrong with it.
#[derive(Debug)]
pub struct Understood {
    pub(super) file: String,
    pub(super) facts: Vec<Fact>,
    pub(super) headings: Vec<(String, Meaning)>,
    pub(super) first: Vec<FirstRow>,
    pub(super) counts: Counts,
    pub(super) problems: Digest,
    /// Why it could not be read to its end.
    pub(super) broken: Option<SheetError>,
}

/// A row as it is read.
#[derive(Debug)]
pub(super) struct FirstRow {
    pub(super) number: RowNumber,
    /// What it asks for; none if it has errors.
    pub(super) action: Option<&'static str>,
    /// The cells that mean something and are not empty, in the order of the file.
    pub(super) cells: Vec<(Column, String)>,
}

impl Understood {
    /// Looks at the whole file, whose headings have these `problems`.
    #[must_use]
    pub fn of(roster: &Roster, problems: Vec<Problem>) -> Self {
        let meanings = roster.columns().meanings().iter().cloned();
        let mut understood = Understood {
            file: roster.file_name().to_owned(),
            facts: roster.facts().to_vec(),
            headings: roster.header().iter().cloned().zip(meanings).collect(),
            first: Vec::new(),
            counts: Counts::default(),
            problems: Digest::default(),
            broken: None,
        };
        let has_headings = problems.is_empty();
        for problem in problems {
            understood.problems.add(problem);
        }
        let read = understood.read(roster, has_headings);
        understood.broken = read.err();
        understood
    }

    fn read(&mut self, roster: &Roster, has_headings: bool) -> Result<(), SheetError> {
        for entry in roster.entries()?.take(FIRST) {
            let entry = entry?;
            let cells = self.headings.iter().zip(entry.cells.iter());
            let cells = cells.filter_map(|((_, meaning), cell)| match meaning {
                Meaning::Column(column, _) if !trim(cell).is_empty() => {
                    Some((*column, trim(cell).to_owned()))
                }
                _ => None,
            });
            self.first.push(FirstRow {
                number: entry.number,
                action: match &entry.change {
                    Ok(change) if has_headings => Some(change.action.as_str()),
                    _ => None,
                },
                cells: cells.collect(),
            });
        }
        if has_headings {
            let problems = &mut self.problems;
            let summary = roster.check(&mut |problem| problems.add(problem))?;
            self.counts.add(&summary);
        } else {
            // Every row would be wrong for the same reason.
            for entry in roster.entries()? {
                entry?;
                self.counts.rows += 1;
            }
        }
        Ok(())
    }

    /// Whether the file could be carried out as it is.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.problems.is_empty() && self.broken.is_none() && self.counts.rows > 0
    }

    /// Why it cannot be read to its end, if it cannot.
    #[must_use]
    pub fn broken(&self) -> Option<&SheetError> {
        self.broken.as_ref()
    }

    /// The same for programs.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut object = serde_json::Map::new();
        object.insert("file".to_owned(), json!(self.file));
        for fact in &self.facts {
            object.insert(fact.key().to_owned(), fact.to_json());
        }
        let headings = self.headings.iter().enumerate();
        let columns: Vec<Value> = headings
            .map(|(at, (heading, meaning))| column_json(at + 1, heading, meaning))
            .collect();
        object.insert("columns".to_owned(), json!(columns));
        let rows: Vec<Value> = self.first.iter().map(FirstRow::to_json).collect();
        object.insert("first_rows".to_owned(), json!(rows));
        object.extend(self.counts.to_json());
        let mut problems: Vec<Value> = self.problems.kinds().iter().map(kind_json).collect();
        let broken = self.broken.as_ref().map(|error| {
            json!({ "code": "unreadable", "count": 1, "first": [
                Finding::of_file(ProblemKind::Unreadable, error.to_string())
            ] })
        });
        problems.extend(broken);
        object.insert("problems".to_owned(), json!(problems));
        object.insert(
            "problems_left_out".to_owned(),
            json!(self.problems.left_out()),
        );
        Value::Object(object)
    }
}

fn column_json(at: usize, heading: &str, meaning: &Meaning) -> Value {
    let (column, why, detail) = match meaning {
        Meaning::Column(column, Why::Name) => (Some(column), "name", None),
        Meaning::Column(column, Why::Alias) => (Some(column), "alias", None),
        Meaning::Column(column, Why::Mapped(by)) => {
            let (why, profile) = mapped_json(by);
            (Some(column), why, profile.map(|name| ("profile", name)))
        }
        Meaning::Result => (None, "result", None),
        Meaning::CarriedOver(Idle::Empty) => (None, "empty", None),
        Meaning::CarriedOver(Idle::Ignored(by)) => {
            let profile = mapped_json(by).1;
            (None, "ignored", profile.map(|name| ("profile", name)))
        }
        Meaning::CarriedOver(Idle::Outdone(by)) => (None, "outdone", Some(("by", by.name()))),
        Meaning::CarriedOver(Idle::Unknown { near }) => {
            let near = near.map(|near| ("did_you_mean", near.name()));
            (None, "unknown", near)
        }
    };
    let mut object = json!({
        "at": at,
        "heading": heading,
        "column": column.map(|column| column.name()),
        "why": why,
    });
    if let Some((key, value)) = detail {
        object[key] = json!(value);
    }
    object
}

fn mapped_json(by: &MappedBy) -> (&'static str, Option<&str>) {
    match by {
        MappedBy::Flag => ("map", None),
        MappedBy::Profile(name) => ("profile", Some(name)),
    }
}

fn kind_json(kind: &ProblemGroup) -> Value {
    let first: Vec<Finding> = kind.first().iter().map(Finding::of).collect();
    let code = kind.first().first().map(|problem| problem.code.as_str());
    json!({ "code": code, "count": kind.problems(), "first": first })
}

impl FirstRow {
    fn to_json(&self) -> Value {
        let cells: serde_json::Map<String, Value> = self
            .cells
            .iter()
            .map(|(column, cell)| (column.name().to_owned(), json!(cell)))
            .collect();
        json!({ "row": self.number.0, "action": self.action, "cells": cells })
    }
}
