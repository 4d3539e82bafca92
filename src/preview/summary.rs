//! What a run would come to, in words.

use std::fmt;
use std::time::Duration;

use crate::pace::Rate;
use crate::report::{Tally, duration, grouped};
use crate::run::Forecast;

/// The end of a preview, told to a person.
#[derive(Debug)]
pub struct Summary<'a> {
    /// What was counted.
    pub tally: &'a Tally,
    /// What would be sent.
    pub forecast: Forecast,
    /// How fast.
    pub rate: Option<Rate>,
    /// Which node.
    pub node: &'a str,
    /// How many teams and roles would be created before the rows.
    pub new_groups: usize,
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary {
            tally,
            forecast,
            rate,
            node,
            new_groups,
        } = self;
        let rows = tally.rows();
        writeln!(
            f,
            "{} {} on {node} would come to: {}.",
            grouped(rows),
            if rows == 1 { "row" } else { "rows" },
            tally.in_words()
        )?;
        let new_groups = *new_groups as u64;
        let operations = forecast.total() + new_groups;
        let kinds = [
            (new_groups, "to create teams and roles (POST /Groups)"),
            (forecast.creates, "to create users (POST /Users)"),
            (forecast.user_changes, "to change users (PATCH /Users)"),
            (
                forecast.user_replacements,
                "to replace users (PUT /Users), each after a look at the user",
            ),
            (
                forecast.group_changes,
                "to change teams and roles (PATCH /Groups)",
            ),
            (forecast.deletes, "to delete users (DELETE /Users)"),
        ];
        let kinds: Vec<String> = kinds
            .into_iter()
            .filter(|(calls, _)| *calls > 0)
            .map(|(calls, what)| format!("{} {what}", grouped(calls)))
            .collect();
        let kinds = kinds.join(", ");
        // One operation alone is a call of its own.
        let bulk = forecast.bulk.filter(|_| operations > 1);
        let calls = match bulk {
            Some(_) => forecast.calls(new_groups),
            None => operations,
        };
        match (calls, bulk) {
            (0, _) => write!(f, "No call would change anything")?,
            (1, None) => write!(f, "1 call: {kinds}")?,
            (calls, None) => write!(f, "{} calls: {kinds}", grouped(calls))?,
            (1, Some(_)) => write!(f, "1 bulk request (POST /Bulk) with: {kinds}")?,
            (calls, Some(_)) => write!(
                f,
                "{} bulk requests (POST /Bulk) with: {kinds}",
                grouped(calls)
            )?,
        }
        if let Some(rate) = rate {
            let calls = u32::try_from(calls).unwrap_or(u32::MAX);
            let time = rate.interval().saturating_mul(calls);
            write!(
                f,
                "; {} at {rate}",
                duration(time.max(Duration::from_secs(1)))
            )?;
        }
        write!(f, ".\nNothing was changed.")
    }
}
