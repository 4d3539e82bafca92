//! Rows that a retry takes over from the runs before it: what those have settled stays settled, and what they may have
//! sent is looked up first.

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::integer::signed;
use crate::run::Outcome;
use crate::sheet::RowNumber;

/// A row that is taken over.
#[derive(Debug)]
pub struct Carried {
    pub(super) number: RowNumber,
    /// Where the row comes from, if that is known.
    pub(super) origin: Option<String>,
    /// What is kept of it, by column.
    pub(super) values: Vec<(String, Value)>,
}

impl Carried {
    /// A row that is done, as its results file says.
    #[must_use]
    pub fn done(number: RowNumber, outcome: &Outcome) -> Self {
        let text = |text: &str| Value::Text(text.to_owned());
        let optional = |value: Option<Value>| value.unwrap_or(Value::Null);
        let values = [
            ("verdict", text(outcome.verdict.as_str())),
            (
                "status",
                optional(outcome.status.map(|status| Value::Integer(status.into()))),
            ),
            ("user_id", optional(outcome.user_id.as_deref().map(text))),
            ("attempts", Value::Integer(outcome.attempts.into())),
            ("error", optional(outcome.error.as_deref().map(text))),
            (
                "finished_at",
                Value::Integer(outcome.finished_at.as_millisecond()),
            ),
        ];
        let values = values.map(|(column, value)| (column.to_owned(), value));
        Carried {
            number,
            origin: None,
            values: values.into(),
        }
    }

    pub(super) fn put(self, all: &Connection) -> rusqlite::Result<()> {
        let mut columns = vec!["number".to_owned(), "origin".to_owned()];
        let mut values = vec![
            Value::Integer(signed(self.number)),
            self.origin.map_or(Value::Null, Value::Text),
        ];
        for (column, value) in self.values {
            columns.push(column);
            values.push(value);
        }
        let places = vec!["?"; columns.len()].join(", ");
        let sql = format!(
            "INSERT OR REPLACE INTO row ({}) VALUES ({places})",
            columns.join(", ")
        );
        all.prepare_cached(&sql)?
            .execute(params_from_iter(values))
            .map(|_| ())
    }
}
