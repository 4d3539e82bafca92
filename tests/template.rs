//! Templates: what the program gives out, it takes back.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use calamine::{Reader, Xlsx, open_workbook};
use support::workbook::part;
use support::{Desk, Node, column};

fn template(desk: &Desk, kind: &str, name: &str) {
    desk.headcount(&["template", kind, "-o", name]).with(0);
}

#[test]
fn each_template_is_an_input_as_it_stands() {
    let node = Node::with_users(0);
    let desk = node.desk();
    let outcomes = |kind: &str| {
        let name = format!("{kind}.csv");
        template(&desk, kind, &name);
        desk.headcount(&["import", &name, "--yes"]).with(0);
        column(&desk.rows(&format!("{kind}.results.csv")), "result_outcome")
    };
    assert_eq!(outcomes("onboarding"), ["created", "created"]);
    assert_eq!(outcomes("teams"), ["updated", "updated"]);
    let snapshot = node.sandbox().snapshot();
    let teams = |email| BTreeSet::from_iter(snapshot.groups_of(email));
    assert_eq!(
        teams("ann.example@example.com"),
        BTreeSet::from(["Marketing", "Sales"])
    );
    assert_eq!(
        teams("ben.example@example.com"),
        BTreeSet::from(["Marketing"])
    );
    let users = &snapshot.users;
    assert!(users.iter().any(|user| {
        user.user_name == "ann.example@example.com" && user.external_id.as_deref() == Some("00123")
    }));
    assert_eq!(outcomes("offboarding"), ["locked", "locked"]);
    assert_eq!(outcomes("update"), ["updated", "updated"]);
    let users = node.sandbox().snapshot().users;
    let active = users.iter().map(|user| (&*user.user_name, user.active));
    assert_eq!(
        active.collect::<BTreeMap<_, _>>(),
        BTreeMap::from([
            ("ann.sample@example.com", false),
            ("ben.example@example.com", true)
        ])
    );
}

#[test]
fn templates_are_obviously_examples() {
    let desk = Desk::at("");
    for kind in ["onboarding", "offboarding", "update", "teams"] {
        let ended = desk.headcount(&["template", kind]).with(0);
        let rows = support::rows(ended.stdout.as_bytes());
        assert_eq!(rows.len(), 2, "{kind}");
        for row in rows {
            assert!(row["email"].ends_with(".example@example.com"), "{row:?}");
        }
        template(&desk, kind, &format!("{kind}.xlsx"));
        assert_eq!(
            desk.workbook(&format!("{kind}.xlsx")),
            support::rows(ended.stdout.as_bytes()),
            "{kind}"
        );
    }
}

#[test]
fn a_workbook_explains_its_columns_and_has_lists_to_pick_from() {
    let desk = Desk::at("");
    template(&desk, "update", "update.xlsx");
    let path = desk.path("update.xlsx");
    let mut book: Xlsx<_> = open_workbook(&path).unwrap();
    assert_eq!(book.sheet_names()[1], "How to fill it in");
    let notes = book.worksheet_range("How to fill it in").unwrap();
    for heading in desk.workbook("update.xlsx")[0].keys() {
        let row = notes.rows().find(|row| row[0] == **heading);
        assert!(!row.unwrap()[1].to_string().is_empty(), "{heading}");
    }
    let sheet = part(&path, "xl/worksheets/sheet1.xml");
    assert!(sheet.contains(r#"sqref="A2:A1048576"><formula1>"update,lock,unlock"</formula1>"#));
    assert!(sheet.contains(r#"sqref="H2:H1048576"><formula1>"yes,no"</formula1>"#));
    assert!(sheet.contains(r#"state="frozen""#));
}

#[test]
fn a_file_that_is_there_is_not_replaced_by_accident() {
    let desk = Desk::at("");
    desk.file("people.csv", "email\nann@company.com\n");
    desk.headcount(&["template", "onboarding", "-o", "people.csv"])
        .with(2)
        .says("--force");
    assert_eq!(desk.rows("people.csv")[0]["email"], "ann@company.com");
    desk.headcount(&["template", "onboarding", "-o", "people.csv", "--force"])
        .with(0);
    assert_eq!(desk.rows("people.csv").len(), 2);
    desk.headcount(&["template", "onboarding", "-o", "people.docx"])
        .with(2)
        .says("use csv, tsv, jsonl or xlsx");
    assert!(!desk.path("people.docx").exists());
}
