//! A profile that answers have made, used on a node.

use std::io::Write;
use std::process::Stdio;

use harness::{Desk, Node, TOKEN, ended};

#[test]
fn answers_make_a_profile_that_works() {
    let node = Node::with_users(3);
    let desk = Desk::at("");
    desk.file("lab.token", TOKEN);
    let (reader, mut writer) = std::io::pipe().unwrap();
    let answers = format!("lab\n{}/Users\nfile\nlab.token\n\n20/s\n", node.url());
    writer.write_all(answers.as_bytes()).unwrap();
    drop(writer);
    ended(
        desk.by_profile(&["config", "init"])
            .stdin(Stdio::from(reader)),
    )
    .with(0)
    .says("The profile lab is in config.toml.")
    .says("headcount doctor --profile lab");
    let written = std::fs::read_to_string(desk.path("config.toml")).unwrap();
    assert!(
        written.contains("rate = \"20/s\"") && !written.contains("role_prefix"),
        "{written}"
    );
    ended(&mut desk.by_profile(&["teams", "list", "--profile", "lab"])).with(0);
}
