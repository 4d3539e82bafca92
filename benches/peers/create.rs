//! The same users created by one program after the other.

use std::path::Path;

use headcount::report::grouped;

use crate::support::{CONCURRENCY, Node, median, people, per_second, program};
use crate::table::{self, Table};
use crate::{commander, curl, oha};

/// A program that creates users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Headcount,
    Oha,
    Curl,
    Commander,
}

impl Who {
    pub const ALL: [Who; 4] = [Who::Headcount, Who::Oha, Who::Curl, Who::Commander];

    pub fn name(self) -> &'static str {
        match self {
            Who::Headcount => "headcount",
            Who::Oha => "oha",
            Who::Curl => "curl",
            Who::Commander => "Commander",
        }
    }

    /// Sees to it that the program can be started; tells its version.
    pub fn make_ready(self) -> Result<String, String> {
        match self {
            Who::Headcount => Ok(concat!("headcount ", env!("CARGO_PKG_VERSION")).to_owned()),
            Who::Oha => oha::make_ready(),
            Who::Curl => curl::make_ready(),
            Who::Commander => commander::make_ready(),
        }
    }

    /// How many of so many users it is given: one that sends one call at a time is given fewer.
    fn share(self, rows: usize) -> usize {
        match self {
            Who::Commander => (rows / CONCURRENCY).max(1),
            _ => rows,
        }
    }

    /// Creates users of this domain, and tells how many a second.
    fn create(self, node: &Node, rows: usize, domain: &str, folder: &Path) -> f64 {
        match self {
            Who::Headcount => {
                let file = people::spreadsheet(folder, rows, domain);
                per_second(rows, program::import(node, &file, &[]).wall)
            }
            Who::Oha => oha::post(node, rows, domain, folder),
            Who::Curl => curl::post(node, rows, domain, folder),
            Who::Commander => commander::push(node, rows, domain),
        }
    }
}

/// How the node takes calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// One by one, and answers at once.
    AtOnce,
    /// One by one, and answers after so many milliseconds.
    After(u64),
    /// At once, and many changes in one bulk request as well (RFC 7644, section 3.7), for whoever knows how to send them.
    InBulk,
}

impl Takes {
    /// The flags of the sandbox that make such a node.
    fn flags(self) -> Vec<String> {
        match self {
            Takes::AtOnce => Vec::new(),
            Takes::After(milliseconds) => vec!["--latency".to_owned(), milliseconds.to_string()],
            Takes::InBulk => vec!["--bulk".to_owned()],
        }
    }
}

/// Users to be created.
pub struct Creates {
    pub title: &'static str,
    pub takes: Takes,
    pub rows: usize,
    /// How many times as fast as others the program is to be.
    pub goals: &'static [(Who, f64)],
}

impl Creates {
    /// Lets everybody do it in turn, and prints what came of it.
    pub fn compare(&self, there: &[Who], folder: &Path, rounds: usize) {
        let mut figures = vec![Vec::new(); there.len()];
        for round in 0..rounds {
            // Who goes first takes turns, too.
            for place in 0..there.len() {
                let at = (place + round) % there.len();
                figures[at].push(self.measure(there[at], round, folder));
            }
        }
        let title = format!(
            "{}: {} users, {CONCURRENCY} calls in flight",
            self.title,
            grouped(self.rows as u64)
        );
        let mut table = Table::new(
            &title,
            &["", "users a second", "headcount beside it", "goal"],
        );
        // The program itself is always there, and comes first.
        let ours = figures[0].clone();
        for (who, theirs) in there.iter().zip(&figures) {
            let (beside, goal) = match who {
                Who::Headcount => (String::new(), String::new()),
                who => (
                    format!("{:.2} times", median(&ratios(&ours, theirs))),
                    self.goal(*who),
                ),
            };
            table.row(&[who.name(), &table::spread(theirs, 0), &beside, &goal]);
        }
        if let Takes::After(latency) = self.takes {
            let most = per_second(CONCURRENCY, std::time::Duration::from_millis(latency));
            let beside = format!("{:.3} times", median(&ours) / most);
            let name = format!("{CONCURRENCY} calls / {latency} ms");
            table.row(&[&name, &format!("{most:.0}"), &beside, "at least 0.95"]);
        }
        table.print();
    }

    fn measure(&self, who: Who, round: usize, folder: &Path) -> f64 {
        let takes = self.takes.flags();
        let mut flags = vec!["--users", "0"];
        flags.extend(takes.iter().map(String::as_str));
        if who == Who::Commander {
            // It would delete what its source does not have.
            flags.extend(["--teams", "0"]);
        }
        let node = Node::start(&flags);
        let rows = who.share(self.rows);
        let rate = who.create(&node, rows, &format!("round{round}"), folder);
        eprintln!("{}: {rows} users, {rate:.0}/s", who.name());
        rate
    }

    fn goal(&self, who: Who) -> String {
        let goal = self.goals.iter().find(|(beside, _)| *beside == who);
        goal.map_or(String::new(), |(_, goal)| format!("at least {goal}"))
    }
}

/// Round by round.
pub fn ratios(ours: &[f64], theirs: &[f64]) -> Vec<f64> {
    ours.iter()
        .zip(theirs)
        .map(|(ours, theirs)| ours / theirs)
        .collect()
}
