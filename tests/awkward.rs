//! Files as spreadsheet programs and HR systems really write them: what is understood of each, and what is
//! said about it.

use std::path::Path;

use headcount::roster::{Action, Options, Roster};
use headcount::sheet::{Line, Reading, Snapshot};

/// What is understood of a sample: what is said, the headings, the rows, and what is wrong with them.
fn understood(name: &str) -> String {
    read_as(name, &Reading::default())
}

fn read_as(name: &str, reading: &Reading) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/awkward");
    let path = folder.join(name);
    let options = Options {
        default_action: Action::Create,
        forced_action: false,
        map: Vec::new(),
    };
    let roster = Roster::open(&path, reading, options).unwrap();
    let mut told: Vec<String> = roster.remarks().iter().map(ToString::to_string).collect();
    told.push(format!("headings: {}", roster.header().join(" | ")));
    for entry in roster.entries().unwrap() {
        let entry = entry.unwrap();
        let cells: Vec<&str> = entry.cells.iter().collect();
        told.push(format!("{:>8}: {:?}", entry.number, cells));
    }
    roster
        .check(&mut |problem| told.push(problem.to_string()))
        .unwrap();
    told.join("\n").replace(&*path.to_string_lossy(), name)
}

#[test]
fn print() {
    let mut names: Vec<_> = std::fs::read_dir("samples/awkward")
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    for name in names {
        if name != "README.md" {
            println!("== {name}\n{}", understood(&name));
        }
    }
    let _ = (Line::Row, Snapshot::take);
}
