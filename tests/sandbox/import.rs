//! Onboarding from a spreadsheet: the real program against the real sandbox.

use harness::{Node, column};
use headcount::sandbox::Options;

#[test]
fn people_of_a_spreadsheet_are_created_in_their_teams_and_every_row_has_its_status() {
    let node = Node::with_users(0);
    let desk = node.desk();
    desk.file(
        "people.csv",
        "\u{FEFF}Work Email,First Name,Last Name,Teams,Start Date\r\n\
         Ann.Lee@Example.com,Ann,Lee,Sales;legal,2026-12-01\r\n\
         \r\n\
         zoe@example.com,Zoë,\"O'Hara, Jr.\",,=1+1\r\n",
    );
    desk.headcount(&["import", "people.csv"])
        .with(0)
        .says("2 created");

    let rows = desk.rows("people.results.csv");
    assert_eq!(column(&rows, "result_outcome"), ["created", "created"]);
    assert_eq!(column(&rows, "result_status"), ["201", "201"]);
    assert_eq!(column(&rows, "result_row"), ["2", "4"]);
    assert_eq!(column(&rows, "result_action"), ["create", "create"]);
    assert_eq!(column(&rows, "result_attempts"), ["1", "1"]);
    assert_eq!(
        column(&rows, "Start Date"),
        ["2026-12-01", "'=1+1"],
        "a formula is written so that it is none"
    );

    let snapshot = node.sandbox().snapshot();
    let ann = snapshot.user("ann.lee@example.com").unwrap();
    assert_eq!(ann.user_name, "Ann.Lee@Example.com");
    assert_eq!(
        (ann.given_name.as_deref(), ann.family_name.as_deref()),
        (Some("Ann"), Some("Lee"))
    );
    assert_eq!(ann.display_name.as_deref(), Some("Ann Lee"));
    let mut teams = snapshot.groups_of(&ann.user_name);
    teams.sort_unstable();
    assert_eq!(teams, ["Legal", "Sales"]);
    assert_eq!(rows[0]["result_user_id"], ann.id);
}

#[test]
fn a_create_with_teams_is_one_call() {
    let node = Node::with_users(0);
    let desk = node.desk();
    let mut file = "email,teams\n".to_owned();
    for i in 0..50 {
        file += &format!("p{i}@example.com,Sales|Legal|Support\n");
    }
    desk.file("people.csv", file);
    desk.headcount(&["import", "people.csv"]).with(0);
    let calls = node.sandbox().calls();
    assert_eq!(
        calls.total(),
        52,
        "what the node can do, one list of groups and one POST a row: {calls:?}"
    );
}

#[test]
fn rows_say_for_themselves_what_is_to_be_done() {
    let node = Node::with_users(30);
    let desk = node.desk();
    let seeded = node.sandbox().snapshot();
    let email = |at: usize| seeded.users[at].user_name.clone();
    desk.file(
        "changes.csv",
        format!(
            "action,email,id,last_name,external_id,teams,remove_teams,new_email,active\n\
             create,new@example.com,,New,,Sales,,,\n\
             update,{},,Changed,<clear>,,,,\n\
             lock,,{},,,,,,\n\
             add-teams,{},,,,Legal,,,\n\
             update,{},,,,,,renamed@example.com,no\n\
             upsert,other@example.com,,Other,,,,,\n\
             delete,{},,,,,,,\n",
            email(0),
            seeded.users[1].id,
            email(2).to_uppercase(),
            email(3),
            email(4)
        ),
    );
    desk.headcount(&["import", "changes.csv", "--yes"]).with(0);
    let rows = desk.rows("changes.results.csv");
    assert_eq!(
        column(&rows, "result_outcome"),
        [
            "created", "updated", "locked", "updated", "updated", "created", "deleted"
        ],
        "{rows:#?}"
    );
    let now = node.sandbox().snapshot();
    let by_id = |at: usize| {
        now.users
            .iter()
            .find(|user| user.id == seeded.users[at].id)
            .unwrap()
    };
    assert_eq!(by_id(0).family_name.as_deref(), Some("Changed"));
    assert_eq!(by_id(0).given_name, seeded.users[0].given_name);
    assert!(
        by_id(0)
            .external_id
            .as_deref()
            .unwrap_or_default()
            .is_empty()
    );
    assert!(!by_id(1).active);
    assert!(now.groups_of(&seeded.users[2].user_name).contains(&"Legal"));
    assert_eq!(by_id(3).user_name, "renamed@example.com");
    assert!(!by_id(3).active);
}

#[test]
fn a_second_import_changes_nothing_and_says_so() {
    let node = Node::with_users(0);
    let desk = node.desk();
    desk.file(
        "people.csv",
        "email,first_name\nann@example.com,Ann\nbob@example.com,Bob\n",
    );
    desk.headcount(&["import", "people.csv"]).with(0);

    desk.headcount(&["import", "people.csv"])
        .with(0)
        .says("2 existed already");
    let rows = desk.rows("people.results.csv");
    assert_eq!(column(&rows, "result_outcome"), ["exists", "exists"]);
    assert_eq!(column(&rows, "result_status"), ["409", "409"]);
    assert_eq!(column(&rows, "result_error"), ["", ""]);
    let former = desk.rows("people.results.1.csv");
    assert_eq!(
        column(&rows, "result_user_id"),
        column(&former, "result_user_id")
    );
    assert_eq!(
        column(&former, "result_outcome"),
        ["created", "created"],
        "the former results are kept"
    );

    desk.headcount(&["import", "people.csv", "--on-conflict", "skip"])
        .with(0);
    assert_eq!(desk.outcomes("people.results.csv"), ["exists", "exists"]);

    desk.file(
        "people.csv",
        "email,first_name\nann@example.com,Anna\nbob@example.com,Bob\n",
    );
    desk.headcount(&["import", "people.csv", "--on-conflict", "update"])
        .with(0);
    assert_eq!(
        desk.outcomes("people.results.csv"),
        ["updated", "unchanged"]
    );
    assert_eq!(
        node.sandbox()
            .snapshot()
            .user("ann@example.com")
            .unwrap()
            .given_name
            .as_deref(),
        Some("Anna")
    );
}

#[test]
fn a_file_that_is_sent_twice_costs_few_questions() {
    let node = Node::start(Options {
        users: 2_000,
        page_max: 100,
        ..Options::default()
    });
    let desk = node.desk();
    let mut file = "email\n".to_owned();
    for user in &node.sandbox().snapshot().users[..400] {
        file += &format!("{}\n", user.user_name);
    }
    desk.file("people.csv", file);
    desk.headcount(&["import", "people.csv"])
        .with(0)
        .says("400 existed already");
    let rows = desk.rows("people.results.csv");
    assert_eq!(rows.len(), 400);
    assert!(rows.iter().all(|row| !row["result_user_id"].is_empty()));
    let calls = node.sandbox().calls();
    let asked = calls.total() - calls.of("POST /Users");
    // What the node can do, 20 questions, and a list of 20 pages.
    assert_eq!(asked, 1 + 20 + 20, "{calls:?}");
}

#[test]
fn a_results_file_can_be_imported_again() {
    let node = Node::with_users(0);
    let desk = node.desk();
    desk.file("people.csv", "email;Note\nann@example.com;=cmd()\n");
    desk.headcount(&["import", "people.csv"]).with(0);
    desk.headcount(&["import", "people.results.csv", "--on-conflict", "skip"])
        .with(0);
    let again = std::fs::read_to_string(desk.path("people.retry.results.csv")).unwrap();
    assert!(again.starts_with("email;Note;result_row;"), "{again}");
    assert_eq!(again.matches("result_row").count(), 1);
    assert!(
        again.contains("'=cmd()") && !again.contains("''=cmd()"),
        "{again}"
    );
}

#[test]
fn rows_of_one_person_are_carried_out_in_the_order_of_the_file() {
    let node = Node::with_users(1);
    let desk = node.desk();
    let email = node.sandbox().snapshot().users[0].user_name.clone();
    let mut file = "action,email,last_name,new_email\n".to_owned();
    for _ in 0..20 {
        file += &format!("lock,{email},,\nunlock,{},,\n", email.to_uppercase());
    }
    file += &format!("update,{email},,second@example.com\nupdate,second@example.com,Last,\n");
    desk.file("rows.csv", file);
    desk.headcount(&[
        "import",
        "rows.csv",
        "--yes",
        "--concurrency",
        "16",
        "--allow-locks",
        "20",
    ])
    .with(0);
    let rows = desk.rows("rows.results.csv");
    assert_eq!(rows.len(), 42);
    for (at, row) in rows.iter().enumerate().skip(1).take(39) {
        let done = if at % 2 == 0 { "locked" } else { "unlocked" };
        assert_eq!(row["result_outcome"], done, "row {at}");
    }
    let user = node.sandbox().snapshot().users[0].clone();
    assert!(user.active);
    assert_eq!(
        (user.user_name.as_str(), user.family_name.as_deref()),
        ("second@example.com", Some("Last"))
    );
}

#[test]
fn without_seats_creates_stop_and_the_rest_goes_on() {
    let node = Node::start(Options {
        users: 20,
        seats: Some(22),
        ..Options::default()
    });
    let desk = node.desk();
    let locked = node
        .sandbox()
        .snapshot()
        .users
        .iter()
        .find(|user| user.active)
        .unwrap()
        .user_name
        .clone();
    let mut file = "action,email\n".to_owned();
    for i in 0..30 {
        file += &format!("create,new{i}@example.com\n");
    }
    file += &format!("lock,{locked}\n");
    desk.file("people.csv", file);
    desk.headcount(&["import", "people.csv", "--yes", "--concurrency", "1"])
        .with(5)
        .says("seats");
    let outcomes = desk.outcomes("people.results.csv");
    let count = |word| harness::count(&outcomes, word);
    assert_eq!(
        (count("created"), count("locked"), outcomes.len()),
        (2, 1, 31),
        "{outcomes:?}"
    );
    assert!(
        count("failed") >= 1 && count("not_attempted") >= 20,
        "{outcomes:?}"
    );
    assert_eq!(node.sandbox().snapshot().users.len(), 22);
}

#[test]
fn once_there_are_no_seats_nothing_that_waits_is_sent() {
    let node = Node::start(Options {
        users: 0,
        seats: Some(5),
        ..Options::default()
    });
    let desk = node.desk();
    let rows: String = (0..40).map(|i| format!("new{i}@example.com\n")).collect();
    desk.file("people.csv", format!("email\n{rows}"));
    desk.headcount(&["import", "people.csv", "--concurrency", "2"])
        .with(5);
    let sent = node.sandbox().calls().of("POST /Users");
    assert!((6..=7).contains(&sent), "{sent} creates were sent");
    let mut left = desk.rows("people.results.csv");
    assert_eq!(left.len(), 40);
    left.retain(|row| row["result_outcome"] == "not_attempted");
    // Every create that was sent settled its row, and no other row was settled.
    assert_eq!(left.len() as u64, 40 - sent);
    for row in left {
        assert_eq!(row["result_error"], "the licensed seats are used up");
        assert_eq!(row["result_attempts"], "0");
    }
}

#[test]
fn roles_are_found_by_the_prefix_of_the_node() {
    let node = Node::with_users(0);
    let desk = node.desk();
    desk.file("people.csv", "email,roles\nann@example.com,Auditor\n");
    desk.headcount(&["import", "people.csv"])
        .with(2)
        .says("--role-prefix");
    desk.headcount(&["import", "people.csv", "--role-prefix", "ROLE_"])
        .with(0);
    let snapshot = node.sandbox().snapshot();
    let ann = snapshot.user("ann@example.com").unwrap();
    assert_eq!(snapshot.groups_of(&ann.user_name), ["ROLE_Auditor"]);
}

#[test]
fn what_a_killed_run_left_behind_is_kept() {
    let node = Node::with_users(0);
    let desk = node.desk();
    desk.file("people.csv", "email\nann@example.com\n");
    desk.file(
        "people.results.csv.part",
        "email,result_outcome\nann@example.com,created\n",
    );
    desk.headcount(&["import", "people.csv"])
        .with(0)
        .says("people.results.1.csv");
    assert_eq!(
        desk.rows("people.results.1.csv")[0]["result_outcome"],
        "created"
    );
}

#[test]
fn a_replacement_carries_over_what_the_row_does_not_name() {
    let node = Node::with_users(120);
    let desk = node.desk();
    desk.file(
        "people.csv",
        "email,last_name,external_id,new_email,teams\n\
         kate.chen@example.com,Baker,<clear>,kate.baker@example.com,Legal\n\
         ben.gomez@example.com,Gomez,,,\n",
    );
    let before = node.sandbox().snapshot();
    desk.headcount(&["import", "people.csv", "--action", "update", "--replace"])
        .with(0)
        .says("1 updated, 1 unchanged");
    let (calls, after) = (node.sandbox().calls(), node.sandbox().snapshot());
    assert_eq!(calls.of("PUT /Users/{id}"), 1);
    assert_eq!(calls.of("PATCH /Users/{id}"), 0);
    let former = before.user("kate.chen@example.com").unwrap();
    let kate = after.user("kate.baker@example.com").unwrap();
    assert_eq!(kate.id, former.id);
    assert_eq!(kate.family_name.as_deref(), Some("Baker"));
    assert_eq!(kate.given_name, former.given_name);
    assert_eq!(kate.display_name, former.display_name);
    assert_eq!(kate.external_id.as_deref(), Some(""));
    assert_eq!(kate.emails, ["kate.baker@example.com"]);
    assert_eq!(kate.groups.len(), former.groups.len() + 1);
    assert_eq!(kate.active, former.active);
}
