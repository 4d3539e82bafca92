//! Templates: what the program gives out, it takes back.

use calamine::{Reader, Xlsx, open_workbook};
use harness::Desk;
use harness::workbook::part;

fn template(desk: &Desk, kind: &str, name: &str) {
    desk.headcount(&["template", kind, "-o", name]).with(0);
}

#[test]
fn templates_are_obviously_examples() {
    let desk = Desk::at("");
    for kind in ["onboarding", "offboarding", "update", "teams"] {
        let ended = desk.headcount(&["template", kind]).with(0);
        let rows = harness::rows(ended.stdout.as_bytes());
        assert_eq!(rows.len(), 2, "{kind}");
        for row in rows {
            assert!(row["email"].ends_with(".example@example.com"), "{row:?}");
        }
        template(&desk, kind, &format!("{kind}.xlsx"));
        assert_eq!(
            desk.workbook(&format!("{kind}.xlsx")),
            harness::rows(ended.stdout.as_bytes()),
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
    let rows = desk.workbook("update.xlsx");
    assert!(rows[0].len() >= 8, "{:?}", rows[0]);
    for heading in rows[0].keys() {
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
