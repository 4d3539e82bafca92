//! What is written into a cell.

use std::borrow::Cow;

use serde_json::Value;

/// A cell to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell<'a> {
    /// Nothing.
    Empty,
    /// Text. In a spreadsheet it never runs as a formula.
    Text(&'a str),
    /// Yes or no.
    Flag(bool),
    /// A count.
    Number(u64),
    /// Several texts: `;` between them in a spreadsheet, a list in JSON.
    List(&'a [Cow<'a, str>]),
}

/// How a row catches the eye, in formats that have colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    /// As any other.
    #[default]
    Plain,
    /// Somebody has to do something about it.
    Alarm,
    /// Somebody has to look at it.
    Caution,
}

impl<'a> Cell<'a> {
    /// As text.
    pub(super) fn text(self) -> Cow<'a, str> {
        match self {
            Cell::Empty => Cow::Borrowed(""),
            Cell::Text(text) => Cow::Borrowed(text),
            Cell::Flag(flag) => Cow::Borrowed(if flag { "true" } else { "false" }),
            Cell::Number(number) => Cow::Owned(number.to_string()),
            Cell::List([one]) => Cow::Borrowed(one),
            Cell::List(texts) => Cow::Owned(texts.join(";")),
        }
    }

    /// As JSON.
    pub(super) fn json(self) -> Value {
        match self {
            Cell::Empty => Value::Null,
            Cell::Text(text) => text.into(),
            Cell::Flag(flag) => flag.into(),
            Cell::Number(number) => number.into(),
            Cell::List(texts) => texts.into(),
        }
    }
}
