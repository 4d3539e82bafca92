//! `headcount check` where a node is named: teams are looked up, and nothing is changed.

use harness::{Ended, Node};
use insta::assert_snapshot;
use serde_json::Value;

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {}", ended.stdout))
}

#[test]
fn teams_are_looked_up_where_a_node_is_named() {
    let node = Node::with_users(3);
    let desk = node.desk();
    desk.file(
        "people.csv",
        "email,teams,remove_teams,action\nann@example.com,Saels;Sales,,\nbob@example.com,Kitchen,Saels,update\n",
    );
    let before = node.sandbox().snapshot();
    let ended = desk.headcount(&["check", "people.csv"]).with(2);
    assert_snapshot!(ended.stdout, @r#"
    people.csv, row 3, column "teams" or "remove_teams": "Kitchen": the node has no team of this name; correct it, or create it with --create-teams
    people.csv, rows 2, 3, column "teams" or "remove_teams": "Saels": the node has no team of this name; did you mean "Sales"? If not, create it with --create-teams
    2 rows: 1 create, 1 update.
    "#);
    let object = json(
        &desk
            .headcount(&["check", "people.csv", "--format", "json"])
            .with(2),
    );
    let problems = object["problems"].as_array().unwrap();
    let places: Vec<String> = problems
        .iter()
        .map(|problem| {
            format!(
                "{} {} {}",
                problem["row"], problem["column"], problem["value"]
            )
        })
        .collect();
    assert_eq!(
        places,
        [
            "2 \"teams\" \"Saels\"",
            "3 \"teams\" \"Kitchen\"",
            "3 \"remove_teams\" \"Saels\""
        ]
    );
    assert_eq!(object["teams"], "checked");
    // Only looked at: the same people as before, and no call but those that list teams.
    assert_eq!(node.sandbox().snapshot().users, before.users);
    assert_eq!(node.sandbox().calls().total(), 2);

    desk.file("good.csv", "email,teams\nann@example.com,Sales\n");
    desk.headcount(&["check", "good.csv"]).with(0);
    // A node that cannot be asked is no fault of the file, but no yes either.
    let mut command = desk.command(&["check", "good.csv", "--url", "http://127.0.0.1:9/v2"]);
    let ended = harness::ended(&mut command).with(3);
    assert!(ended.stdout.contains("not checked"), "{}", ended.stdout);
    let mut command = desk.command(&["check", "good.csv"]);
    harness::ended(command.env_remove("HEADCOUNT_TOKEN"))
        .with(2)
        .says("HEADCOUNT_TOKEN");
}
