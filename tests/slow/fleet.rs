//! The worked example of docs/scale.md, with GNU parallel: a process for each node, one of which is down at first.
//!
//! Needs `parallel`; CI installs it.

use std::fs;
use std::path::Path;
use std::process::Command;

use harness::{Desk, Node, column};

const NODES: [&str; 3] = ["sales", "berlin", "lisbon"];

/// The command between the lines of the page, as somebody would copy it.
fn example() -> String {
    let page = include_str!("../../docs/scale.md");
    let from = page.find("parallel --jobs").expect("the page has it");
    let end = page[from..].find("```").expect("it is a block of code");
    page[from..from + end].trim().to_owned()
}

/// The exit codes in the log of jobs, by list.
fn exits(desk: &Desk) -> Vec<(String, String)> {
    let log = fs::read_to_string(desk.path("fleet.log")).expect("a log");
    let jobs = log.lines().skip(1).map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        let list = NODES.iter().find(|name| fields[8].contains(*name));
        let list = list.expect("a job for one of the nodes");
        ((*list).to_owned(), fields[6].to_owned())
    });
    let mut exits: Vec<_> = jobs.collect();
    exits.sort();
    exits.dedup();
    exits
}

fn active(node: &Node) -> Vec<String> {
    let active = node.active().into_iter();
    active.map(|user| user.user_name).collect()
}

fn run(desk: &Desk, script: &str) {
    let program = desk.command(&[]).get_program().to_owned();
    let folder = Path::new(&program).parent().expect("it is in a folder");
    let mut paths = vec![folder.to_owned()];
    paths.extend(std::env::split_paths(
        &std::env::var_os("PATH").unwrap_or_default(),
    ));
    let ended = Command::new("sh")
        .args(["-c", script])
        .current_dir(desk.path(""))
        .env("PATH", std::env::join_paths(paths).expect("paths"))
        .env("HEADCOUNT_CONFIG", desk.path("config.toml"))
        .env_remove("HEADCOUNT_URL")
        .env_remove("HEADCOUNT_TOKEN")
        .output()
        .expect("a shell");
    assert!(
        ended.status.code().is_some(),
        "{}",
        String::from_utf8_lossy(&ended.stderr)
    );
}

#[test]
#[ignore = "needs GNU parallel"]
fn a_fleet_is_worked_on_and_what_failed_is_started_again() {
    let desk = Desk::at("");
    let nodes = NODES.map(|_| Node::with_users(20));
    let mut profiles = String::new();
    for (name, node) in NODES.iter().zip(&nodes) {
        let url = node.url();
        profiles.push_str(&format!(
            "[profiles.{name}]\nurl = '{url}'\ntoken_file = '{name}.token'\n"
        ));
        // That of Lisbon is not there yet.
        if *name != "lisbon" {
            desk.file(&format!("{name}.token"), node.sandbox().token());
        }
    }
    desk.file("config.toml", profiles);
    for folder in ["lists", "done", "state"] {
        fs::create_dir(desk.path(folder)).expect("a folder");
    }
    for (name, node) in NODES.iter().zip(&nodes) {
        let people: String = active(node)
            .iter()
            .take(2)
            .map(|email| format!("{email}\n"))
            .collect();
        desk.file(&format!("lists/{name}.csv"), format!("email\n{people}"));
    }
    let before = nodes.each_ref().map(|node| active(node).len());

    run(&desk, &example());
    let expected = [("berlin", "0"), ("lisbon", "2"), ("sales", "0")];
    let expected = expected.map(|(name, code)| (name.to_owned(), code.to_owned()));
    assert_eq!(exits(&desk), expected);
    let said = fs::read_to_string(desk.path("said/lisbon.err"))
        .expect("what the one that failed had to say is kept");
    assert!(said.contains("lisbon.token"), "{said}");

    desk.file("lisbon.token", nodes[2].sandbox().token());
    let again = example().replace("parallel ", "parallel --resume-failed ");
    run(&desk, &again);
    for (name, (node, before)) in NODES.iter().zip(nodes.iter().zip(before)) {
        let rows = desk.rows(&format!("done/{name}.csv"));
        assert_eq!(
            column(&rows, "result_outcome"),
            ["locked", "locked"],
            "{name}"
        );
        assert_eq!(active(node).len(), before - 2, "{name}");
    }
}
