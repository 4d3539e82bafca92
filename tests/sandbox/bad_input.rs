//! Files as clerks really have them: every problem is named with its place, and nothing is sent.

use harness::{Desk, Node};

/// A node that must not be called.
fn untouched() -> (Node, Desk) {
    let node = Node::with_users(3);
    let desk = node.desk();
    (node, desk)
}

#[test]
fn all_problems_are_shown_at_once_and_nothing_is_sent() {
    let (node, desk) = untouched();
    desk.file(
        "people.csv",
        b"E-Mail,First Name,action,active\n\
          ann@example.com,Ann,create,\n\
          not-an-email,Bob,create,\n\
          ,Carl,create,\n\
          dora@example.com,Dora,promote,\n\
          emil@example.com,Emil\n\
          frida@example.com,Frida,create,,extra\n\
          guenter@example.com,G\xC3\xBCnter \xC3\x96z M\xFCller,create,\n\
          hans@example.com,Hans,update,perhaps\n",
    );
    let ended = desk
        .headcount(&["import", "people.csv"])
        .with(2)
        .says("nothing was sent")
        .says("7 of 8 rows");
    for words in [
        "row 3",
        "\"not-an-email\"",
        "row 4",
        "row 5",
        "\"promote\"",
        "row 6",
        "row 7",
        "row 8",
        "row 9",
        "\"perhaps\"",
        "people.csv",
        "\"E-Mail\"",
    ] {
        assert!(
            ended.stderr.contains(words),
            "{words:?} is missing:\n{}",
            ended.stderr
        );
    }
    assert_eq!(node.sandbox().calls().total(), 0);
    assert!(!desk.path("people.results.csv").exists());

    desk.headcount(&["import", "people.csv", "--skip-invalid"])
        .with(4);
    let outcomes = desk.outcomes("people.results.csv");
    assert_eq!(harness::count(&outcomes, "invalid"), 7, "{outcomes:?}");
    assert_eq!(outcomes[0], "created");
    assert_eq!(node.sandbox().snapshot().users.len(), 4);
}

#[test]
fn files_that_are_no_spreadsheets_are_refused_in_words() {
    let (node, desk) = untouched();
    std::fs::create_dir(desk.path("folder.csv")).unwrap();
    for (name, content, words) in [
        ("missing.csv", None, "missing.csv"),
        ("folder.csv", None, "folder"),
        ("empty.csv", Some(&b""[..]), "empty"),
        ("blank.csv", Some(b"\n\n \n"), "blank.csv"),
        ("header.csv", Some(b"email\n"), "no rows"),
        ("nobody.csv", Some(b"name,team\nAnn,Sales\n"), "email"),
        (
            "twice.csv",
            Some(b"email,E-Mail,Email\na@example.com,b@example.com,c@example.com\n"),
            "email",
        ),
        (
            "book.xlsx",
            Some(b"PK\x03\x04\x14\x00\x06\x00"),
            "save it again",
        ),
    ] {
        if let Some(content) = content {
            desk.file(name, content);
        }
        let ended = desk.headcount(&["import", name]).with(2);
        assert!(
            ended.stderr.contains(words) && ended.stderr.contains(name),
            "{name}: {}",
            ended.stderr
        );
    }
    assert_eq!(node.sandbox().calls().total(), 0);
}

#[test]
fn bad_rows_and_unknown_teams_are_said_together() {
    let (node, desk) = untouched();
    desk.file(
        "people.csv",
        "email,teams,roles\nann@,Sales\nbob@example.com,Saels,\n",
    );
    desk.headcount(&["import", "people.csv"])
        .with(2)
        .says("people.csv, row 3, column \"teams\": \"Saels\"")
        .says("1 of 2 rows has an error, and 1 team or role cannot be used");
    // Without a token the node cannot be asked: the rows are said all the same.
    let mut command = desk.command(&["import", "people.csv"]);
    harness::ended(command.env_remove("HEADCOUNT_TOKEN"))
        .with(2)
        .says("row 2")
        .says("1 of 2 rows has an error;");
    assert_eq!(node.sandbox().snapshot().users.len(), 3);
}

#[test]
fn teams_that_the_node_does_not_have_are_named_with_the_nearest() {
    let (node, desk) = untouched();
    desk.file(
        "people.csv",
        "email,teams\nann@example.com,Saels\nbob@example.com,Sales;Kitchen\n",
    );
    desk.headcount(&["import", "people.csv"])
        .with(2)
        .says("\"Saels\"")
        .says("did you mean \"Sales\"?")
        .says("\"Kitchen\"")
        .says("nothing was sent");
    assert_eq!(node.sandbox().snapshot().users.len(), 3);

    desk.headcount(&["import", "people.csv", "--skip-invalid"])
        .with(4);
    assert_eq!(desk.outcomes("people.results.csv"), ["invalid", "invalid"]);
}

#[test]
fn rows_that_contradict_each_other_are_errors() {
    let (node, desk) = untouched();
    desk.file(
        "people.csv",
        "email,first_name\nann@example.com,Ann\nbob@example.com,Bob\nANN@example.com,Anna\n",
    );
    desk.headcount(&["import", "people.csv"])
        .with(2)
        .says("row 2")
        .says("row 4");
    assert_eq!(node.sandbox().calls().total(), 0);
}

#[test]
fn the_very_same_row_twice_is_carried_out_once() {
    let (node, desk) = untouched();
    desk.file(
        "people.csv",
        "email,first_name\nann@example.com,Ann\nAnn@Example.com,Ann\n",
    );
    desk.headcount(&["import", "people.csv"]).with(0);
    assert_eq!(desk.outcomes("people.results.csv"), ["created", "exists"]);
    assert_eq!(node.sandbox().snapshot().users.len(), 4);
}

#[test]
fn a_missing_token_or_address_is_said_before_anything_else_happens() {
    let (_node, desk) = untouched();
    desk.file("people.csv", "email\nann@example.com\n");
    let without = |variable: &str| {
        let mut command = desk.command(&["import", "people.csv"]);
        harness::ended(command.env_remove(variable))
    };
    without("HEADCOUNT_TOKEN").with(2).says("HEADCOUNT_TOKEN");
    without("HEADCOUNT_URL").with(2).says("--region");
    desk.file("token", "one two\n");
    let mut command = desk.command(&["import", "people.csv", "--token-file", "token"]);
    let ended = harness::ended(&mut command).with(2);
    assert!(!ended.stderr.contains("one two"), "{}", ended.stderr);
    let mut command = desk.command(&["import", "people.csv", "--url", "http://example.com/v2"]);
    harness::ended(&mut command).with(2).says("not encrypted");
}

#[test]
fn results_never_overwrite_the_input_and_must_be_writable() {
    let (node, desk) = untouched();
    desk.file("people.csv", "email\nann@example.com\n");
    desk.headcount(&["import", "people.csv", "--results", "people.csv"])
        .with(2)
        .says("input itself");
    desk.headcount(&["import", "people.csv", "--results", "no/such/folder/r.csv"])
        .with(2)
        .says("nothing was sent");
    assert_eq!(node.sandbox().calls().total(), 0);
}

#[test]
fn the_command_line_names_the_node_alone_and_two_nodes_are_never_mixed_up() {
    let (node, desk) = untouched();
    desk.file("people.csv", "email\nann@example.com\n");
    // The environment names a node, the command line another: that one counts.
    desk.headcount(&["import", "people.csv", "--sandbox"])
        .with(0)
        .says("the sandbox");
    desk.headcount(&["export", "users", "--region", "eu"])
        .with(2)
        .says("--node");
    assert_eq!(node.sandbox().calls().total(), 0);
    desk.headcount(&["import", "people.csv", "--sandbox", "--url", &node.url()])
        .with(2)
        .says("only one of");
    let mut command = desk.command(&["import", "people.csv"]);
    harness::ended(
        command
            .env("HEADCOUNT_REGION", "eu")
            .env("HEADCOUNT_NODE", "1"),
    )
    .with(2)
    .says("only one of");
    assert_eq!(node.sandbox().calls().total(), 0);
}

#[test]
fn thousands_of_a_kind_are_said_in_a_few_lines() {
    let node = Node::with_users(0);
    let desk = node.desk();
    let mut file = "email,action\n".to_owned();
    for row in 0..4_000 {
        let action = if row == 3_999 { "promote" } else { "" };
        file.push_str(&format!("person{row},{action}\n"));
    }
    desk.file("people.csv", file);
    let ended = desk.headcount(&["import", "people.csv"]).with(2);
    assert_eq!(ended.stderr.lines().count(), 6, "{}", ended.stderr);
    assert_eq!(node.sandbox().calls().total(), 0);
}
