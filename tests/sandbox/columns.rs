//! Headings that a profile maps, when the file is carried out.

use harness::{Desk, Ended, Node, column};

/// The mapping of a profile counts for the run as well, and is kept with it.
#[test]
fn a_profile_maps_the_headings_of_what_is_imported() {
    let node = Node::with_users(0);
    let desk = node.desk();
    let config = |map: &str| {
        let config = format!(
            "[profiles.lab]\nurl = '{}'\ntoken_env = 'HEADCOUNT_TOKEN'\n[profiles.lab.map]\n{map}\n",
            node.url()
        );
        desk.file("config.toml", config);
    };
    config("'Primary' = 'email'\n'Email' = 'ignore'");
    desk.file(
        "people.csv",
        "Primary,Email,first_name\nann@example.com,ann@home.example,Ann\n",
    );
    let headcount = |args: &[&str]| without(&desk, args);
    headcount(&["import", "people.csv", "--profile", "lab"]).with(0);
    let users = node.sandbox().snapshot().users;
    assert_eq!(users[0].user_name, "ann@example.com");

    // A plan and a run that goes on are about what was understood then.
    headcount(&[
        "plan",
        "people.csv",
        "--profile",
        "lab",
        "--action",
        "lock",
        "-o",
        "p.plan",
    ])
    .with(0);
    config("'Primary' = 'ignore'");
    headcount(&["apply", "p.plan", "--profile", "lab", "--yes"]).with(0);
    assert!(!node.sandbox().snapshot().users[0].active);
    headcount(&["runs", "undo"]).with(0);
    assert!(node.sandbox().snapshot().users[0].active);
    let results = desk.rows("people.results.csv");
    assert_eq!(column(&results, "Primary"), ["ann@example.com"]);
}

fn without(desk: &Desk, args: &[&str]) -> Ended {
    let mut command = desk.command(args);
    command
        .env_remove("HEADCOUNT_URL")
        .env("HEADCOUNT_CONFIG", "config.toml");
    harness::ended(&mut command)
}
