//! What a run would come to, in words.

use std::fmt;
use std::time::Duration;

use crate::pace::Rate;
use crate::report::{Tally, duration, grouped};
use crate::run::Forecast;

/// What would be sent to one node.
#[derive(Debug, Clone, Copy, Default)]
pub struct Share {
    /// The calls.
    pub forecast: Forecast,
    /// How fast.
    pub rate: Option<Rate>,
    /// How many teams and roles would be created.
    pub new_groups: usize,
}

/// The end of a preview, told to a person.
#[derive(Debug)]
pub struct Summary<'a> {
    /// What was counted.
    pub tally: &'a Tally,
    /// What would be sent, to each node.
    pub shares: &'a [Share],
    /// Which nodes.
    pub node: &'a str,
}

impl Share {
    fn operations(&self) -> u64 {
        self.forecast.total() + self.new_groups as u64
    }

    /// How many calls it is; one operation alone is a call of its own.
    fn calls(&self) -> u64 {
        match self.operations() {
            0 | 1 => self.operations(),
            _ => self.forecast.calls(self.new_groups as u64),
        }
    }

    fn goes_by_bulk(&self) -> bool {
        self.forecast.bulk.is_some() && self.operations() > 1
    }

    /// How long it takes at least.
    fn time(&self) -> Option<Duration> {
        let calls = u32::try_from(self.calls()).unwrap_or(u32::MAX);
        Some(self.rate?.interval().saturating_mul(calls))
    }
}

impl Summary<'_> {
    /// What is sent, in words.
    fn kinds(&self) -> String {
        let sum = |count: fn(&Share) -> u64| self.shares.iter().map(count).sum::<u64>();
        let kinds = [
            (
                sum(|share| share.new_groups as u64),
                "to create teams and roles (POST /Groups)",
            ),
            (
                sum(|share| share.forecast.creates),
                "to create users (POST /Users)",
            ),
            (
                sum(|share| share.forecast.user_changes),
                "to change users (PATCH /Users)",
            ),
            (
                sum(|share| share.forecast.user_replacements),
                "to replace users (PUT /Users), each after a look at the user",
            ),
            (
                sum(|share| share.forecast.group_changes),
                "to change teams and roles (PATCH /Groups)",
            ),
            (
                sum(|share| share.forecast.deletes),
                "to delete users (DELETE /Users)",
            ),
        ];
        let kinds: Vec<String> = kinds
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{} {what}", grouped(count)))
            .collect();
        kinds.join(", ")
    }

    /// How many calls of which kind.
    fn calls(&self) -> String {
        let calls: u64 = self.shares.iter().map(Share::calls).sum();
        let bulk = |by_bulk: bool| {
            let shares = self.shares.iter().filter(|share| share.calls() > 0);
            shares.clone().count() > 0
                && shares.clone().all(|share| share.goes_by_bulk() == by_bulk)
        };
        let (one, many) = if bulk(true) {
            (
                "bulk request (POST /Bulk) with",
                "bulk requests (POST /Bulk) with",
            )
        } else if bulk(false) {
            ("call", "calls")
        } else {
            (
                "call, some of them bulk requests",
                "calls, some of them bulk requests",
            )
        };
        match calls {
            0 => "No call would change anything".to_owned(),
            1 => format!("1 {one}: {}", self.kinds()),
            calls => format!("{} {many}: {}", grouped(calls), self.kinds()),
        }
    }
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary {
            tally,
            shares,
            node,
        } = self;
        let rows = tally.rows();
        writeln!(
            f,
            "{} {} on {node} would come to: {}.",
            grouped(rows),
            if rows == 1 { "row" } else { "rows" },
            tally.in_words()
        )?;
        f.write_str(&self.calls())?;
        // Nodes are worked on side by side: the slowest counts.
        if let Some(time) = shares.iter().filter_map(Share::time).max() {
            write!(f, "; {}", duration(time.max(Duration::from_secs(1))))?;
            if let [
                Share {
                    rate: Some(rate), ..
                },
            ] = shares
            {
                write!(f, " at {rate}")?;
            }
        }
        write!(f, ".\nNothing was changed.")
    }
}
