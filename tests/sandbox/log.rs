//! The log tells what happens, and never the token.

use crate::support::every_file;
use harness::{Node, TOKEN, ended, newcomers};
use headcount::sandbox::Options;

#[test]
fn the_log_goes_where_it_is_asked_to_and_holds_no_token() {
    let faults = "500@after=30%,reset=10%".parse().unwrap();
    let node = Node::start(Options {
        users: 5,
        faults,
        seed: 5,
        ..Options::default()
    });
    let desk = node.desk();
    desk.file("people.csv", newcomers(12));
    desk.headcount(&[
        "import",
        "people.csv",
        "-vv",
        "--log-file",
        "log.json",
        "--log-format",
        "json",
    ]);
    let log = std::fs::read_to_string(desk.path("log.json")).unwrap();
    let lines: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(
        lines
            .iter()
            .any(|line| line["fields"]["message"] == "answered"),
        "{log}"
    );
    assert!(
        lines.iter().any(|line| line["fields"]["message"]
            .as_str()
            .unwrap()
            .contains("whether it worked")),
        "{log}"
    );

    let ended = desk.headcount(&["import", "people.csv", "-vv", "--on-conflict", "skip"]);
    assert!(
        ended.stderr.contains("answered"),
        "-vv logs to standard error"
    );
    let files = every_file(&desk);
    assert!(files.len() >= 6, "with the ledgers of two runs");
    for bytes in files
        .iter()
        .map(|(_, bytes)| bytes)
        .chain([&ended.stderr.into_bytes(), &ended.stdout.into_bytes()])
    {
        assert!(
            !bytes
                .windows(TOKEN.len())
                .any(|window| window == TOKEN.as_bytes())
        );
    }
}

#[test]
fn a_token_in_a_file_works_and_one_on_the_command_line_does_not_exist() {
    let node = Node::with_users(2);
    let desk = node.desk();
    desk.file("token", format!("{TOKEN}\n"));
    let mut command = desk.command(&["export", "users", "--token-file", "token"]);
    ended(command.env_remove("HEADCOUNT_TOKEN")).with(0);
    let mut command = desk.command(&["export", "users"]);
    ended(command.env("HEADCOUNT_TOKEN", "wrong"))
        .with(3)
        .says("token");
    desk.headcount(&["export", "users", "--token", "x"]).with(2);
}
