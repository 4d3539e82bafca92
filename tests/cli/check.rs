//! `headcount check`: everything that is wrong with a file is said, and nothing is sent.

use harness::{Desk, Ended};
use insta::assert_snapshot;
use serde_json::Value;

fn without_node(desk: &Desk, args: &[&str]) -> Ended {
    harness::ended(&mut desk.without_node(args))
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {}", ended.stdout))
}

#[test]
fn a_file_without_problems_is_counted() {
    let desk = Desk::at("");
    desk.file(
        "people.csv",
        "action,email,first_name,teams\n\
         ,ann@example.com,Ann,Sales\n\
         new,bob@example.com,,\n\
         ,ANN@example.com,Ann,Sales\n\
         disable,carl@example.com,,\n\
         lock,dora@example.com,,\n",
    );
    let ended = without_node(&desk, &["check", "people.csv"]).with(0);
    assert_snapshot!(ended.stdout, @"
    5 rows: 3 create, 2 lock.
    The same new person is in more than one row, and is created once: row 4 as row 2.
    1 new person is without a name (row 3): only their emails are shown to others.
    Teams and roles were not checked: for that, name a node, such as --profile NAME.
    ");
    assert_eq!(ended.stderr, "");
    let ended = without_node(&desk, &["check", "people.csv", "--format", "json"]).with(0);
    assert_snapshot!(ended.stdout, @r#"
    {
    "file": "people.csv",
    "problems": [],
    "rows": 5,
    "invalid": 0,
    "actions": {"create":3,"lock":2},
    "repeats": [{"row":4,"as_row":2}],
    "teams": "no node named"
    }
    "#);
}

#[test]
fn everything_that_is_wrong_is_said_with_what_to_do() {
    let desk = Desk::at("");
    desk.file(
        "people.csv",
        "Work Email,First Name,Employee ID,Active,Action,Private E-Mail\n\
         Ann Lee <ann@example.com>,Ann,1,yes,,\n\
         bob＠example.com,Bob,2,ja,,\n\
         carl@example.com;,Carl,3,,,\n\
         \"dora@example.com, emil@example.com\",Dora,4,,,\n\
         mailto:frida@example.com,Frida,5,,,\n\
         gus@example.com,#NAME?,6,#N/A,,\n\
         hans@example.com,Hans,6.11107E+14,,,\n\
         ida@example.com,Ida,7,on leave,,\n\
         jo@example.com,Jo,8,,remove,\n\
         ,Kim,9,,,\n\
         lea@example.com,Lea,10,,,\n\
         Lea@example.com,Lia,10,,,\n",
    );
    let ended = without_node(
        &desk,
        &["check", "people.csv", "--protect", "max@example.com"],
    )
    .with(2);
    assert_snapshot!(ended.stdout, @r##"
    people.csv, row 2, column "Work Email": "Ann Lee <ann@example.com>" is not an email address (there is more in the cell than the address); write only ann@example.com
    people.csv, row 3, column "Work Email": "bob＠example.com" is not an email address (there are letters of another width or form in it); write only bob@example.com
    people.csv, row 4, column "Work Email": "carl@example.com;" is not an email address (there is a sign after it); write only carl@example.com
    people.csv, row 6, column "Work Email": "mailto:frida@example.com" is not an email address (it is a link); write only frida@example.com
    people.csv, row 5, column "Work Email": "dora@example.com, emil@example.com" is not an email address (there is more than one address in the cell, and a row is about one person); write it like name@example.com
    people.csv, row 7, column "First Name": "#NAME?" is the error of a formula, not a value; mend the formula, or write the value itself
    people.csv, row 7, column "Active": "#N/A" is the error of a formula, not a value; mend the formula, or write the value itself
    people.csv, row 8, column "Employee ID": "6.11107E+14" is a number that the spreadsheet program has shortened, its other digits are lost; give the column the format Text and fill it in again
    people.csv, row 9, column "Active": "on leave" is neither yes nor no; write yes (active) or no (locked)
    people.csv, row 10, column "Action": "remove" is not an action (did you mean remove-teams?); there are create, update, upsert, lock, unlock, delete, add-teams, remove-teams
    people.csv, row 11, column "Work Email": a new account needs an email; fill it in or remove the row
    people.csv, row 12, column "First Name": "Lea" differs from row 13, which is about the same person; remove one of the rows, or make them agree
    people.csv, row 13, column "First Name": "Lia" differs from row 12, which is about the same person; remove one of the rows, or make them agree
    12 rows: 12 with errors.
    "##);
    assert_snapshot!(ended.stderr, @"people.csv: columns that are not used, only carried over to the results: Private E-Mail");
}

#[test]
fn thousands_of_a_kind_are_three_and_a_number_and_json_has_them_all() {
    let desk = Desk::at("");
    let mut file = "email,action\n".to_owned();
    for row in 0..4_000 {
        file.push_str(&format!(
            "person{row},{}\n",
            if row == 3_999 { "promote" } else { "" }
        ));
    }
    desk.file("people.csv", &file);
    let ended = without_node(&desk, &["check", "people.csv"]).with(2);
    assert_snapshot!(ended.stdout, @r#"
    people.csv, row 2, column "email": "person0" is not an email address (missing separator character '@'); write it like name@example.com
    people.csv, row 3, column "email": "person1" is not an email address (missing separator character '@'); write it like name@example.com
    people.csv, row 4, column "email": "person2" is not an email address (missing separator character '@'); write it like name@example.com
    … and 3,997 more rows with this problem (rows 5-4001)
    people.csv, row 4001, column "action": "promote" is not an action; there are create, update, upsert, lock, unlock, delete, add-teams, remove-teams
    4,000 rows: 4,000 with errors.
    "#);
    let ended = without_node(&desk, &["check", "people.csv", "--format", "json"]).with(2);
    let object = json(&ended);
    assert_eq!(object["problems"].as_array().unwrap().len(), 4_001);
    assert_eq!(object["rows"], 4_000);
    assert_eq!(object["invalid"], 4_000);
    assert_eq!(object["problems"][4_000]["code"], "email");
}

#[test]
fn a_file_that_cannot_be_read_or_understood_is_a_problem_too() {
    let desk = Desk::at("");
    desk.file("quote.csv", "email\nann@\n\"bob@example.com\n");
    desk.file("empty.csv", "email\n");
    desk.file("heads.csv", "Team,Frist Name\nSales,Ann\n");
    for (file, code) in [
        ("nowhere.csv", "unreadable"),
        ("quote.csv", "unreadable"),
        ("empty.csv", "unreadable"),
        ("heads.csv", "no-email-column"),
    ] {
        let ended = without_node(&desk, &["check", file, "--format", "json"]).with(2);
        let object = json(&ended);
        let last = object["problems"].as_array().unwrap().last().unwrap();
        assert_eq!(last["code"], code, "{file}");
        assert_eq!(last["row"], Value::Null);
        let ended = without_node(&desk, &["check", file]).with(2);
        assert!(ended.stdout.contains(file), "{}", ended.stdout);
    }
}

#[test]
fn protected_people_and_nodes_of_profiles_are_minded() {
    let desk = Desk::at("");
    desk.file(
        "config.toml",
        "[profiles.sales]\nurl = 'http://127.0.0.1:9/v2/1'\nprotected = ['boss@example.com']\n\
         [profiles.berlin]\nurl = 'http://127.0.0.1:9/v2/2'\n",
    );
    desk.file(
        "leavers.csv",
        "email,node\nboss@example.com,sales\nboss@example.com,berlin\nann@example.com,paris\n",
    );
    let mut command = desk.command(&["check", "leavers.csv", "--action", "lock"]);
    command
        .env_remove("HEADCOUNT_URL")
        .env("HEADCOUNT_CONFIG", "config.toml");
    let ended = harness::ended(&mut command).with(2);
    assert_snapshot!(ended.stdout, @r#"
    leavers.csv, row 4, column "node": "paris" is no node of this run: berlin, sales
    leavers.csv, row 2, column "email": "boss@example.com" is protected, and is neither locked nor deleted; remove the row, or the person from those who are protected
    3 rows: 1 lock, 2 with errors.
    "#);
}
