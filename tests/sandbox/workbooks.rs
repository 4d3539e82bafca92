//! Results and exports as workbooks, and what Excel needs of CSV.

use crate::support::every_file;
use std::collections::BTreeSet;
use std::path::PathBuf;

use calamine::DataType;
use harness::workbook::{cells, part};
use harness::{Desk, Node, column};

/// Cells that a spreadsheet program would like to make something else of.
const TRICKY: &str = "email,external_id,note,dates\n\
    a@example.com,00123,=1+1,1E5\n\
    b@example.com,12345678901234567890,+49 30 1234,'=quoted\n\
    c@example.com,-5,@SUM(A1),2026-11-24\n\
    d@example.com,TRUE,\"two\r\nlines\",\u{1}_x0041_\u{b}\u{feff}&<b>\n\
    not an email,\" \",\"\t\",x\n";

#[test]
fn results_in_a_workbook_are_text_as_it_came() {
    let node = Node::with_users(0);
    let desk = node.desk();
    desk.file("people.csv", TRICKY);
    desk.headcount(&[
        "import",
        "people.csv",
        "--skip-invalid",
        "--results",
        "done.xlsx",
    ])
    .with(4);
    let results = desk.workbook("done.xlsx");
    assert_eq!(
        column(&results, "external_id"),
        ["00123", "12345678901234567890", "-5", "TRUE", " "]
    );
    assert_eq!(
        column(&results, "note"),
        ["=1+1", "+49 30 1234", "@SUM(A1)", "two\r\nlines", "\t"]
    );
    assert_eq!(
        column(&results, "dates"),
        [
            "1E5",
            "=quoted",
            "2026-11-24",
            "\u{1}_x0041_\u{b}\u{feff}&<b>",
            "x"
        ]
    );
    assert_eq!(
        column(&results, "result_outcome"),
        ["created", "created", "created", "created", "invalid"]
    );
    assert_eq!(column(&results, "result_row"), ["2", "3", "4", "5", "6"]);

    let rows = cells(&desk.path("done.xlsx"));
    assert_eq!(rows.len(), 6);
    let at = |heading: &str| rows[0].iter().position(|cell| *cell == *heading).unwrap();
    for row in &rows[1..] {
        for heading in ["email", "external_id", "note", "dates", "result_error"] {
            let cell = &row[at(heading)];
            assert!(cell.is_string() || cell.is_empty(), "{heading}: {cell:?}");
        }
        for heading in ["result_row", "result_attempts"] {
            assert!(row[at(heading)].is_float(), "{heading}");
        }
    }
    assert_eq!(left_behind(&desk), BTreeSet::new());
}

/// Files that nobody asked for.
fn left_behind(desk: &Desk) -> BTreeSet<PathBuf> {
    let files = every_file(desk).into_iter().map(|(path, _)| path);
    files
        .filter(|path| path.to_string_lossy().contains(".part"))
        .collect()
}

#[test]
fn a_workbook_is_made_to_be_read() {
    let node = Node::with_users(3);
    let desk = node.desk();
    let taken = &node.sandbox().snapshot().users[0].user_name;
    desk.file(
        "people.csv",
        format!("email,first_name\nnew@example.com,New\n{taken},Old\nnobody,Bad\n"),
    );
    desk.headcount(&[
        "import",
        "people.csv",
        "--skip-invalid",
        "--results",
        "done.XLSX",
    ])
    .with(4);
    let sheet = part(&desk.path("done.XLSX"), "xl/worksheets/sheet1.xml");
    let has = |words: &str| assert!(sheet.contains(words), "{words} is not in {sheet}");
    has(r#"<pane ySplit="1" topLeftCell="A2""#);
    has(r#"state="frozen""#);
    has(r#"<autoFilter ref="A1:K4"/>"#);
    // The heading, a cell as any other, and those of a row that is not done look different.
    let style = |cell: &str| {
        let from = sheet.find(&format!("<c r=\"{cell}\" s=\"")).unwrap();
        let style = &sheet[from + cell.len() + 11..];
        style[..style.find('"').unwrap()].to_owned()
    };
    assert_eq!(style("B3"), style("B4"), "failed and invalid");
    let looks: BTreeSet<_> = ["A1", "A2", "A3"].into_iter().map(style).collect();
    assert_eq!(looks.len(), 3);
    let styles = part(&desk.path("done.XLSX"), "xl/styles.xml");
    assert!(
        styles.contains("<b/>") && styles.contains("FFD9D9"),
        "{styles}"
    );

    let width = |column: usize| {
        let at = sheet.match_indices("width=\"").nth(column).unwrap().0;
        let width = &sheet[at + 7..];
        width[..width.find('"').unwrap()].parse::<f64>().unwrap()
    };
    assert!(width(0) > 14.0 && width(0) < 40.0, "{}", width(0));
    assert!(width(1) < width(0));
    assert!(width(8) <= 61.0, "even the longest message");
}

#[test]
fn an_export_as_a_workbook_holds_what_the_node_holds() {
    let node = Node::with_users(250);
    let desk = node.desk();
    desk.headcount(&["export", "users", "-o", "users.xlsx"])
        .with(0);
    desk.headcount(&["export", "users", "-o", "users.csv"])
        .with(0);
    assert_eq!(desk.workbook("users.xlsx"), desk.rows("users.csv"));
    let piped = desk
        .command(&["export", "users", "--format", "xlsx"])
        .output()
        .unwrap();
    std::fs::write(desk.path("piped.xlsx"), piped.stdout).unwrap();
    assert_eq!(desk.workbook("piped.xlsx"), desk.rows("users.csv"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let about = std::fs::metadata(desk.path("users.xlsx")).unwrap();
        assert_eq!(about.permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(left_behind(&desk), BTreeSet::new());
}

#[test]
fn what_a_workbook_cannot_hold_is_said_before_anything_is_sent() {
    let node = Node::with_users(0);
    let desk = node.desk();
    let long = "x".repeat(32_768);
    desk.file(
        "long.csv",
        format!("email,note\na@example.com,x\nb@example.com,{long}\n"),
    );
    desk.headcount(&["import", "long.csv", "--results", "done.xlsx"])
        .with(2)
        .says("row 3, column \"note\", has 32768")
        .says("Nothing was sent");

    assert_eq!(node.sandbox().calls().total(), 0);
    assert!(!desk.path("done.xlsx").exists());
    assert_eq!(left_behind(&desk), BTreeSet::new());
}

#[test]
fn an_export_that_does_not_fit_leaves_nothing_behind() {
    use crate::support::scripted::{Scripted, reply, user};

    let long = "x".repeat(40_000);
    let nobody = || reply(200, serde_json::json!({"totalResults": 0, "Resources": []}));
    let server = Scripted::start(move |call, _| {
        if call.path.contains("Groups") {
            return nobody();
        }
        let mut user = user("1", "a@example.com", true);
        user["displayName"] = long.clone().into();
        reply(
            200,
            serde_json::json!({"totalResults": 1, "Resources": [user]}),
        )
    });
    let desk = server.desk();
    desk.headcount(&["export", "users", "-o", "users.xlsx"])
        .with(2)
        .says("row 2, column \"display_name\", has 40000");
    assert!(!desk.path("users.xlsx").exists());
    assert_eq!(left_behind(&desk), BTreeSet::new());
    desk.headcount(&["export", "users", "-o", "users.csv"])
        .with(0);
    assert_eq!(desk.rows("users.csv")[0]["display_name"].len(), 40_000);

    let huge = Scripted::start(move |call, _| {
        if call.path.contains("Groups") {
            return nobody();
        }
        reply(
            200,
            serde_json::json!({"totalResults": 1_048_576, "Resources": [user("1", "a@x.com", true)]}),
        )
    });
    let ended = huge.desk().headcount(&["export", "users", "-o", "u.xlsx"]);
    ended.with(2).says("cannot hold more than 1048575 rows");
    assert_eq!(
        huge.calls().len(),
        1,
        "it is said before everything is read"
    );
}

#[test]
fn results_of_a_run_are_written_as_a_workbook_at_any_time() {
    let node = Node::with_users(0);
    let desk = node.desk();
    desk.file("people.csv", TRICKY);
    desk.headcount(&["import", "people.csv", "--skip-invalid"])
        .with(4);
    desk.headcount(&["runs", "results", "-o", "again.xlsx"])
        .with(0);
    let again = desk.workbook("again.xlsx");
    assert_eq!(again.len(), 5);
    assert_eq!(again[0]["note"], "=1+1");
    assert_eq!(again[4]["result_outcome"], "invalid");
}

#[test]
#[cfg(unix)]
fn a_run_that_was_killed_leaves_no_broken_workbook() {
    let node = Node::slow(0, 20);
    let desk = node.desk();
    desk.file("people.csv", harness::newcomers(1_000));
    let mut import = desk.command(&["import", "people.csv", "-q", "--results", "done.xlsx"]);
    let mut child = node.until_created(40, &mut import);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!desk.path("done.xlsx").exists());

    // The rows so far are in the record.
    desk.headcount(&["runs", "results", "-o", "so-far.xlsx"])
        .with(0);
    let so_far = desk.workbook("so-far.xlsx");
    assert_eq!(so_far.len(), 1_000);
    let created = column(&so_far, "result_outcome");
    assert!(created.iter().any(|outcome| outcome == "created"));

    desk.headcount(&["runs", "resume", "-q"]).with(0);
    let results = desk.workbook("done.xlsx");
    assert_eq!(results.len(), 1_000);
    assert!(
        column(&results, "result_outcome")
            .iter()
            .all(|outcome| outcome == "created")
    );
    assert_eq!(left_behind(&desk), BTreeSet::new());
}

#[test]
#[cfg(unix)]
fn without_a_folder_for_temporary_files_nothing_is_sent() {
    let node = Node::with_users(2);
    let desk = node.desk();
    let mut command = desk.command(&["export", "users", "-o", "users.xlsx"]);
    let ended = harness::ended(command.env("TMPDIR", desk.path("gone")));
    ended
        .with(1)
        .says("the folder for temporary files")
        .says("TMPDIR");
    assert_eq!(left_behind(&desk), BTreeSet::new());
}

#[test]
fn excel_on_windows_gets_its_mark() {
    let node = Node::with_users(2);
    let desk = node.desk();
    let marked = |name: &str| {
        let bytes = std::fs::read(desk.path(name)).unwrap();
        bytes.starts_with("\u{feff}".as_bytes()) && !bytes[3..].starts_with("\u{feff}".as_bytes())
    };
    desk.headcount(&["export", "users", "--bom", "-o", "users.csv"])
        .with(0);
    desk.headcount(&["export", "users", "--bom", "-o", "users.tsv"])
        .with(0);
    desk.headcount(&["export", "users", "-o", "plain.csv"])
        .with(0);
    assert!(marked("users.csv") && marked("users.tsv") && !marked("plain.csv"));

    desk.file("people.csv", "email;first_name\r\nzo@example.com;Zoë\r\n");
    desk.headcount(&["import", "people.csv", "--bom"]).with(0);
    assert!(marked("people.results.csv"));
    let text = std::fs::read_to_string(desk.path("people.results.csv")).unwrap();
    assert!(
        text.starts_with("\u{feff}email;first_name;") && text.contains("\r\n"),
        "all else is as it came: {text}"
    );
    desk.headcount(&["runs", "results", "-o", "again.csv"])
        .with(0);
    assert!(!marked("again.csv"));
    let mut command = desk.command(&["runs", "results", "-o", "again.csv"]);
    harness::ended(command.env("HEADCOUNT_BOM", "true")).with(0);
    assert!(marked("again.csv"));
    // What is read back has no mark in its first heading.
    desk.headcount(&["import", "users.csv", "--action", "update"])
        .with(0)
        .says("2 unchanged");
}
