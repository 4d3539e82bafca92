//! What a run would come to, in words.

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::report::Tally;
use crate::run::Forecast;
use crate::transport::Rate;
use crate::wording::{counted, duration, grouped};

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
pub struct PreviewSummary<'a> {
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

/// A kind of operation.
struct Kind {
    /// How many a node would be sent.
    count: fn(&Share) -> u64,
    /// What it does, for people.
    words: &'static str,
    /// What it does, for programs.
    key: &'static str,
}

/// All of them, in the order in which they are told.
const KINDS: [Kind; 6] = [
    Kind {
        count: |share| share.new_groups as u64,
        words: "to create teams and roles (POST /Groups)",
        key: "create_groups",
    },
    Kind {
        count: |share| share.forecast.creates,
        words: "to create users (POST /Users)",
        key: "create_users",
    },
    Kind {
        count: |share| share.forecast.user_changes,
        words: "to change users (PATCH /Users)",
        key: "change_users",
    },
    Kind {
        count: |share| share.forecast.user_replacements,
        words: "to replace users (PUT /Users), each after a look at the user",
        key: "replace_users",
    },
    Kind {
        count: |share| share.forecast.group_changes,
        words: "to change teams and roles (PATCH /Groups)",
        key: "change_groups",
    },
    Kind {
        count: |share| share.forecast.deletes,
        words: "to delete users (DELETE /Users)",
        key: "delete_users",
    },
];

impl PreviewSummary<'_> {
    /// Each kind of operation with how many there are, on all nodes.
    fn counted(&self) -> impl Iterator<Item = (&'static Kind, u64)> {
        KINDS
            .iter()
            .map(|kind| (kind, self.shares.iter().map(kind.count).sum()))
    }

    /// What is sent, in words.
    fn kinds(&self) -> String {
        let kinds: Vec<String> = self
            .counted()
            .filter(|(_, count)| *count > 0)
            .map(|(kind, count)| format!("{} {}", grouped(count), kind.words))
            .collect();
        kinds.join(", ")
    }

    /// What is sent, for programs: calls in all, and operations by their kind. In bulk requests one call is many
    /// operations.
    pub(super) fn calls_by_kind(&self) -> Map<String, Value> {
        let total: u64 = self.shares.iter().map(Share::calls).sum();
        let by_kind = self
            .counted()
            .map(|(kind, count)| (kind.key.to_owned(), count.into()));
        let mut calls = Map::from_iter([("total".to_owned(), total.into())]);
        calls.extend(by_kind);
        calls
    }

    /// How long it takes at least, where there is a ceiling. Nodes are worked on side by side: the slowest counts.
    pub(super) fn time(&self) -> Option<Duration> {
        self.shares.iter().filter_map(Share::time).max()
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

impl fmt::Display for PreviewSummary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PreviewSummary {
            tally,
            shares,
            node,
        } = self;
        writeln!(
            f,
            "{} on {node} would come to: {}.",
            counted(tally.rows(), "row"),
            tally.in_words()
        )?;
        f.write_str(&self.calls())?;
        if let Some(time) = self.time() {
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
