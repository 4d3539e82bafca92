//! Rows as clerks write them: what they ask for, what is wrong with them, whether they agree.

use std::io::Write;

use insta::assert_snapshot;

use super::*;
use crate::attribute::{Attribute, Attributes, Texts};

fn roster(content: &str, default_action: Action, forced_action: bool) -> Roster {
    let mut file = tempfile::Builder::new()
        .prefix("people")
        .suffix(".csv")
        .tempfile()
        .unwrap();
    file.write_all(content.as_bytes()).unwrap();
    let options = Options {
        default_action,
        forced_action,
        map: Vec::new(),
    };
    Roster::open(file.path(), &Reading::default(), options).unwrap()
}

/// What the rows of a good file ask for.
fn changes(content: &str, default_action: Action) -> Vec<Change> {
    roster(content, default_action, false)
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().change.unwrap())
        .collect()
}

/// What is wrong with a file of creates, one problem a line.
fn problems(content: &str) -> String {
    problems_of(&roster(content, Action::Create, false))
}

fn problems_of(roster: &Roster) -> String {
    let mut said = Vec::new();
    roster
        .check(&mut |problem| {
            let whole = problem.to_string();
            let (_, told) = whole.split_once(".csv, ").unwrap();
            said.push(told.to_owned());
        })
        .unwrap();
    said.join("\n")
}

fn summary(content: &str) -> InputSummary {
    roster(content, Action::Create, false)
        .check(&mut |_| ())
        .unwrap()
}

fn numbers(rows: impl IntoIterator<Item = RowNumber>) -> Vec<u64> {
    rows.into_iter().map(|row| row.0).collect()
}

fn group(kind: GroupKind, name: &str) -> GroupName {
    GroupName {
        kind,
        name: name.to_owned(),
    }
}

#[test]
fn each_attribute_has_a_column() {
    let named = Attribute::all().map(|attribute| Column::from(attribute).name());
    assert!(named.eq(Attribute::all().map(Attribute::column)));
}

#[test]
fn a_new_account_is_what_the_cells_say_without_the_blanks_around_it() {
    let changes = changes(
        "Work Email,Given Name,Surname,Employee ID,Active,Teams,Roles,Desk\n\
         \u{a0}Ann.Lee@Example.com ,  Ann\t,Lee,\u{feff}007,Yes, Sales ;Legal|Sales;; ,Auditor,3\n\
         bob@example.com,,,,,,,\n",
        Action::Create,
    );
    let Ask::Create(ann) = &changes[0].ask else {
        panic!("{changes:?}");
    };
    assert_eq!(ann.email.as_str(), "Ann.Lee@Example.com");
    assert_eq!(ann.texts.get(Attribute::GivenName), Some("Ann"));
    assert_eq!(ann.texts.get(Attribute::FamilyName), Some("Lee"));
    assert_eq!(ann.texts.get(Attribute::DisplayName), Some("Ann Lee"));
    assert_eq!(ann.texts.get(Attribute::ExternalId), Some("007"));
    assert_eq!(ann.active, Some(true));
    assert_eq!(
        ann.join,
        [
            group(GroupKind::Team, "Sales"),
            group(GroupKind::Team, "Legal"),
            group(GroupKind::Role, "Auditor"),
        ]
    );
    let Ask::Create(bob) = &changes[1].ask else {
        panic!("{changes:?}");
    };
    let nothing = NewAccount {
        email: Email::try_from("bob@example.com").unwrap(),
        texts: Texts::default(),
        display_name_is_derived: true,
        active: None,
        join: Vec::new(),
    };
    assert_eq!(bob, &nothing);
}

#[test]
fn on_update_an_empty_cell_keeps_and_a_mark_clears() {
    let changes = changes(
        "id,email,first_name,last_name,display_name,new_email,active,remove teams\n\
         42,,,Lee,<Clear>,New@example.com,locked,Sales\n\
         ,ann@example.com,,,,ANN@example.com,,\n",
        Action::Update,
    );
    let Ask::Revise(update) = &changes[0].ask else {
        panic!("{changes:?}");
    };
    assert_eq!(changes[0].person, Person::Id(UserId::new("42").unwrap()));
    assert_eq!(
        update.attributes,
        Attributes::from([
            (Attribute::FamilyName, Edit::Set("Lee".to_owned())),
            (Attribute::DisplayName, Edit::Clear),
        ])
    );
    assert_eq!(update.active, Some(false));
    assert_eq!(
        update.new_email,
        Some(Email::try_from("new@example.com").unwrap())
    );
    assert_eq!(update.leave, [group(GroupKind::Team, "Sales")]);
    // The email that a person has already is none to get.
    assert_eq!(changes[1].new_email(), None);
}

#[test]
fn each_row_can_have_an_action_of_its_own() {
    let changes = changes(
        "action,email,teams\n\
         ,a@example.com,\n\
         LOCK,b@example.com,\n\
         Un-Lock,c@example.com,\n\
         add teams,d@example.com,Sales\n\
         remove_teams,e@example.com,Sales\n\
         delete,f@example.com,\n\
         upsert,g@example.com,\n",
        Action::Create,
    );
    let actions: Vec<String> = changes
        .iter()
        .map(|change| change.action.to_string())
        .collect();
    assert_eq!(
        actions.join(" "),
        "create lock unlock add-teams remove-teams delete upsert"
    );
    // A row that leaves teams may name them as those that it is about.
    assert!(matches!(
        &changes[4],
        Change { action: Action::RemoveTeams, .. } if changes[4].leaves() == [group(GroupKind::Team, "Sales")]
    ));
}

#[test]
fn everything_that_is_wrong_with_cells_is_told_at_once() {
    let told = problems(
        "email,action,first_name,active,teams,remove_teams,new_email\n\
         nobody,create,\"A\nnn\",maybe,,,\n\
         ,lock,,,,,\n\
         ann@example.com,promote,,,,,\n\
         ann@example.com,create,<clear>,,<clear>,Sales,b@example.com\n\
         bob@example.com,add-teams,,,,,\n\
         carl@example.com,remove-teams,,,,,\n\
         dora@example.com,update,,,Sales;Legal,Legal,not an email\n\
         em\u{200b}il@example.com,create,,,,,\n",
    );
    assert_snapshot!(told, @r#"
    row 2, column "email": "nobody" is not an email address (missing separator character '@'); write it like name@example.com
    row 2, column "first_name": "A\nnn" has a line break or another control character in it; remove it
    row 2, column "active": "maybe" is neither yes nor no; write yes (active) or no (locked)
    row 3, column "email": the cell is empty, so nobody is named; fill it in or remove the row
    row 4, column "action": "promote" is not an action; there are create, update, upsert, lock, unlock, delete, add-teams, remove-teams
    row 5, column "first_name": "<clear>" clears an attribute, which a new account does not have; empty the cell
    row 5, column "teams": "<clear>" does not work for teams and roles; name those to leave in remove_teams or remove_roles
    row 5, column "new_email": "b@example.com" makes no sense for create; only action update changes an email
    row 5, column "remove_teams": "Sales" cannot be left by a new account; empty the cell or use action update
    row 6, column "teams": the row names no team or role; fill in teams
    row 7, column "remove_teams": the row names no team or role; fill in remove_teams
    row 8, column "remove_teams": "Legal" is to be joined and left in the same row; remove the team from one of the two cells
    row 8, column "new_email": "not an email" is not an email address (there is a blank or an invisible character in it); write it like name@example.com
    row 9, column "email": "em\u{200b}il@example.com" is not an email address (there is a blank or an invisible character in it); write only emil@example.com
    "#);
}

#[test]
fn what_a_spreadsheet_program_has_spoilt_is_not_taken_for_a_value() {
    let told = problems(
        "email,employee id,last name,active,teams\n\
         ann@example.com,6.11107E+14,#N/A,#WERT!,#REF!;Sales\n\
         bob@example.com,\"1,2E+05\",N/A,,\n\
         carl@example.com,2E+7X,E+,,\n",
    );
    assert_snapshot!(told, @r##"
    row 2, column "last name": "#N/A" is the error of a formula, not a value; mend the formula, or write the value itself
    row 2, column "employee id": "6.11107E+14" is a number that the spreadsheet program has shortened, its other digits are lost; give the column the format Text and fill it in again
    row 2, column "active": "#WERT!" is the error of a formula, not a value; mend the formula, or write the value itself
    row 2, column "teams": "#REF!" is the error of a formula, not a value; mend the formula, or write the value itself
    row 3, column "employee id": "1,2E+05" is a number that the spreadsheet program has shortened, its other digits are lost; give the column the format Text and fill it in again
    "##);
    let long = "x".repeat(257);
    assert_snapshot!(problems(&format!("email,teams\nann@example.com,{long}\n")), @r#"row 2, column "teams": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"… is longer than 256 characters; are columns mixed up?"#);
}

#[test]
fn a_new_account_without_any_name_is_counted() {
    let summary = summary(
        "email,first_name,display_name\na@example.com,,\nb@example.com,,Bo\nc@example.com,,\n",
    );
    assert_eq!(summary.nameless.to_string(), "rows 2, 4");
}

#[test]
fn rows_of_the_wrong_width_are_told_of() {
    let told = problems(
        "email,first_name\n\
         ann@example.com\n\
         bob@example.com,Bob,Lee\n\
         carl@example.com,Carl,,\n",
    );
    assert_snapshot!(told, @r#"
    row 2: the row has 1 cell, the header 2; is the row cut off, or a separator missing?
    row 3: "Lee" stands beyond the last heading: the row has 3 cells, the header 2; put quotation marks around cells with a separator in them
    "#);
}

#[test]
fn a_list_to_lock_does_nothing_else() {
    let list = roster(
        "email,action\nann@example.com,\nbob@example.com,lock\ncarl@example.com,create\n",
        Action::Lock,
        true,
    );
    assert_snapshot!(problems_of(&list), @r#"row 4, column "action": "create" is asked for, but this command only does lock; use headcount import for mixed rows"#);
}

#[test]
fn rows_about_the_same_person_that_do_not_agree_are_told_of_on_both_sides() {
    let told = problems(
        "action,email,id,first_name,last_name,new_email,teams\n\
         create,ann@example.com,,Ann,Lee,,Sales;Legal\n\
         create,Ann@Example.com,,Ann,Li,,Legal;Sales\n\
         create,ANN@example.com,,Ann,,,Legal;Sales\n\
         update,,7,,Gray,,\n\
         update,bob@example.com,7,,Grey,,\n\
         update,bob@example.com,,Bob,Grey,,\n\
         update,carl@example.com,,,,one@example.com,\n\
         update,dora@example.com,,,,One@example.com,\n",
    );
    assert_snapshot!(told, @r#"
    row 2, column "last_name": "Lee" differs from row 3, which is about the same person; remove one of the rows, or make them agree
    row 3, column "last_name": "Li" differs from row 2, which is about the same person; remove one of the rows, or make them agree
    row 4, column "last_name": is empty, but not in row 2, which is about the same person; remove one of the rows, or make them agree
    row 5, column "last_name": "Gray" differs from row 6, which is about the same person; remove one of the rows, or make them agree
    row 6, column "last_name": "Grey" differs from row 5, which is about the same person; remove one of the rows, or make them agree
    row 8, column "new_email": "one@example.com" is also the new email of somebody else in row 9; only one person can have it
    row 9, column "new_email": "One@example.com" is also the new email of somebody else in row 8; only one person can have it
    "#);
}

#[test]
fn rows_about_the_same_person_that_agree_are_carried_out_one_after_the_other() {
    let content = "action,email,first_name,last_name,teams\n\
        create,ann@example.com,Ann,Lee,Sales;Legal\n\
        create,Ann@Example.com,Ann,Lee,Legal;Sales\n\
        update,bob@example.com,Bob,,\n\
        update,bob@example.com,,Grey,\n\
        lock,bob@example.com,,,\n\
        unlock,bob@example.com,,,\n\
        add-teams,bob@example.com,,,Sales\n\
        add-teams,bob@example.com,,,Legal\n";
    assert_eq!(problems(content), "");
    let repeats = summary(content).repeats;
    assert_eq!(numbers(repeats.keys().copied()), [3]);
    assert_eq!(numbers(repeats.values().copied()), [2]);
}

#[test]
fn a_person_recurs_who_is_in_a_row_to_carry_out_and_in_another_one() {
    let recurs = |rows: &str, settled: &'static [u64]| {
        let content = format!("action,email,new_email\n{rows}");
        let roster = roster(&content, Action::Update, false)
            .with_already_done(AlreadyDone::by(|entry| settled.contains(&entry.number.0)));
        roster.check(&mut |_| {}).unwrap().recurring
    };
    let twice = "create,ann@example.com,\nlock,Ann@example.com,\n";
    assert!(recurs(twice, &[]));
    assert!(recurs(twice, &[2]));
    assert!(!recurs(twice, &[2, 3]));
    let renamed = "update,ann@example.com,lee@example.com\nlock,lee@example.com,\n";
    assert!(recurs(renamed, &[]));
    assert!(!recurs(
        "lock,ann@example.com,\nlock,bob@example.com,\n",
        &[]
    ));
}

#[test]
fn new_people_and_rows_by_id_only_meet_where_an_email_may_become_free() {
    let creates = "create,a@example.com,,\ncreate,b@example.com,,\n";
    for (rows, mixes) in [
        ("lock,,7,\nupdate,,8,\n", false),
        ("delete,,7,\n", true),
        ("update,,7,c@example.com\n", true),
        ("lock,d@example.com,,\nlock,,7,\n", true),
    ] {
        let summary = summary(&format!("action,email,id,new_email\n{creates}{rows}"));
        assert_eq!(summary.mixes_names(), mixes, "{rows}");
    }
    let alone = summary("action,id\ndelete,7\nlock,8\n");
    assert!(!alone.mixes_names());
}

#[test]
fn a_file_is_counted() {
    let summary = summary(
        "action,email,id,active,teams\n\
         create,a@example.com,,,Sales\n\
         create,b@example.com,,,Sales;Legal\n\
         lock,,7,,\n\
         lock,c@example.com,,,\n\
         update,d@example.com,9,no,Sales\n\
         update,,8,yes,\n\
         delete,e@example.com,,,\n\
         lock,broken,,,\n",
    );
    assert_eq!((summary.rows, summary.invalid), (8, 1));
    assert_eq!(summary.locks, 3);
    assert_eq!((summary.people_by_email, summary.people_by_id), (3, 2));
    assert_eq!(summary.by_action(Action::Create), 2);
    assert_eq!(summary.by_action(Action::Delete), 1);
    let named: Vec<String> = summary
        .groups
        .iter()
        .map(|(group, mentions)| format!("{} in {mentions}", group.name))
        .collect();
    assert_eq!(named, ["Legal in row 3", "Sales in rows 2, 3, 6"]);
}
