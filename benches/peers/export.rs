//! Everybody exported, beside the bare pages.

use std::path::Path;

use headcount::report::grouped;

use crate::create::ratios;
use crate::oha;
use crate::support::{Node, median, program};
use crate::table::{self, Table};

/// The most users that the node gives in a page.
const PAGE: usize = 500;

/// How many users the program asks for in a page.
const ASKED: u64 = headcount::scim::PAGE;

/// How many pages the program has on their way at once.
const CONNECTIONS: usize = 8;

/// Exports so many users, beside a load generator that fetches the pages and throws them away.
pub fn compare(users: usize, oha: bool, folder: &Path, rounds: usize) {
    let (count, page) = (users.to_string(), PAGE.to_string());
    let node = Node::start(&["--users", &count, "--page-max", &page]);
    let pages = pages(&node, users);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        // Who goes first takes turns.
        for turn in [round % 2, (round + 1) % 2] {
            if turn == 0 {
                ours.push(export(&node, users, folder));
            } else if oha {
                let took = oha::get(&pages, CONNECTIONS, folder).as_secs_f64();
                eprintln!("oha: {} pages in {took:.2} s", pages.len());
                theirs.push(took);
            }
        }
    }
    let title = format!(
        "Exporting {} users by pages of {PAGE}, {CONNECTIONS} calls in flight",
        grouped(users as u64)
    );
    let mut table = Table::new(&title, &["", "seconds", "headcount's, of these", "goal"]);
    table.row(&["headcount", &table::spread(&ours, 2), "", ""]);
    if oha {
        let beside = format!("{:.2}", median(&ratios(&ours, &theirs)));
        let pages = format!("oha, {} pages", grouped(pages.len() as u64));
        table.row(&[&pages, &table::spread(&theirs, 2), &beside, "at most 1.3"]);
    }
    table.print();
}

fn export(node: &Node, users: usize, folder: &Path) -> f64 {
    let file = folder.join("export.csv");
    let run = program::export(node, &file);
    let reader = csv::Reader::from_path(&file).expect("the export is there");
    assert_eq!(reader.into_records().count(), users, "everybody comes back");
    let took = run.wall.as_secs_f64();
    eprintln!("headcount: {users} users in {took:.2} s");
    took
}

/// The addresses of the pages that the program asks for: each begins with the last user of the one before.
fn pages(node: &Node, users: usize) -> Vec<String> {
    let starts = (1..users.max(2)).step_by(PAGE - 1);
    starts
        .map(|start| format!("{}/Users?startIndex={start}&count={ASKED}", node.url()))
        .collect()
}
