//! Spreadsheets of every kind carried out from end to end: the results, and going back to a run.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use harness::{Desk, Node, column};

/// A copy of a sample on the desk.
fn sample(desk: &Desk, name: &str) {
    let path = format!("{}/samples/awkward/{name}", env!("CARGO_MANIFEST_DIR"));
    desk.file(name, fs::read(path).unwrap());
}

fn piped(desk: &Desk, args: &[&str], input: &[u8]) -> harness::Ended {
    let path = desk.path("piped");
    fs::write(&path, input).unwrap();
    let mut command = desk.command(args);
    command.stdin(Stdio::from(fs::File::open(&path).unwrap()));
    harness::ended(&mut command)
}

#[test]
fn every_kind_of_spreadsheet_is_carried_out_and_its_run_can_be_gone_back_to() {
    for name in [
        "several-sheets.xlsx",
        "old.xls",
        "binary.xlsb",
        "utf-16.csv",
        "semicolons-windows-1252.csv",
        "sep-line.csv",
    ] {
        let node = Node::with_users(0);
        let desk = node.desk();
        sample(&desk, name);
        desk.headcount(&["import", name]).with(0);
        let stem = name.rsplit_once('.').unwrap().0;
        let results = desk.path(&format!("{stem}.results.csv"));
        let first = fs::read(&results).unwrap();
        if name != "sep-line.csv" {
            assert!(first.starts_with("\u{feff}".as_bytes()), "{name}");
        }
        let text = String::from_utf8(first.clone()).unwrap();
        assert!(
            text.contains("created") && text.contains("example.com"),
            "{name}: {text}"
        );
        // The file is gone, and so are the results: both come back out of the record.
        fs::remove_file(desk.path(name)).unwrap();
        fs::remove_file(&results).unwrap();
        desk.headcount(&["runs", "results"]).with(0);
        assert_eq!(fs::read(&results).unwrap(), first, "{name}");
        // Results are an input themselves.
        let results = format!("{stem}.results.csv");
        desk.headcount(&["runs", "retry", &results]).with(0);
    }
}

#[test]
fn what_is_wrong_in_a_workbook_is_told_by_its_cell_and_retried_after_it_was_read_from_the_record() {
    let node = Node::with_users(0);
    let desk = node.desk();
    sample(&desk, "merged-headings.xlsx");
    desk.headcount(&["import", "merged-headings.xlsx", "--create-teams"])
        .with(2)
        .says("merged-headings.xlsx: row 4 was taken for the header")
        .says("merged-headings.xlsx, cell A7 (column \"Work Email\"): \"bob@\" is not an email address");
    desk.headcount(&[
        "import",
        "merged-headings.xlsx",
        "--create-teams",
        "--skip-invalid",
    ])
    .with(4);
    let text = fs::read_to_string(desk.path("merged-headings.results.csv")).unwrap();
    let header = text.trim_start_matches('\u{feff}').lines().next().unwrap();
    assert!(
        header.starts_with("Work Email,First Name,Last Name,Teams,Active,result_row"),
        "{header}"
    );
    fs::remove_file(desk.path("merged-headings.xlsx")).unwrap();
    desk.headcount(&["runs", "retry"]).with(4).says("is gone");
    assert_eq!(node.sandbox().snapshot().users.len(), 1);
}

#[test]
fn how_a_file_is_to_be_read_is_kept_with_its_run() {
    let node = Node::with_users(0);
    let desk = node.desk();
    // Without help the first row would be the header.
    desk.file(
        "people.csv",
        "email|email\nno one|nobody\nann@example.com|Ann\nbob@|Bob\n",
    );
    desk.headcount(&[
        "import",
        "people.csv",
        "--header-row",
        "2",
        "--delimiter",
        "|",
        "--map",
        "no one=email",
        "--map",
        "nobody=first_name",
        "--skip-invalid",
    ])
    .with(4);
    fs::remove_file(desk.path("people.results.csv")).unwrap();
    desk.headcount(&["runs", "results"]).with(0);
    let text = fs::read_to_string(desk.path("people.results.csv")).unwrap();
    assert!(text.starts_with("no one|nobody|result_row|"), "{text}");
    desk.headcount(&["runs", "retry"]).with(4);
    assert_eq!(node.sandbox().calls().answered(201), 1);
}

#[test]
fn rows_come_from_standard_input_and_are_kept_for_another_time() {
    let node = Node::with_users(0);
    let desk = node.desk();
    let people = b"email,first name\nann@example.com,Ann\nbob@,Bob\n";
    piped(&desk, &["plan", "-"], people)
        .with(2)
        .says("standard input, row 3, column \"email\"");
    piped(&desk, &["import", "-", "--skip-invalid"], people).with(4);
    let rows = desk.rows("stdin.results.csv");
    assert_eq!(column(&rows, "result_outcome"), ["created", "invalid"]);
    desk.headcount(&["runs", "list"]).with(0);
    desk.headcount(&["runs", "show"]).with(0);
    desk.headcount(&["runs", "retry"]).with(4);
    piped(
        &desk,
        &["lock", "-", "--yes"],
        b"{\"userName\":\"ann@example.com\"}\n",
    )
    .with(0);
    assert!(
        !node
            .sandbox()
            .snapshot()
            .user("ann@example.com")
            .unwrap()
            .active
    );
    piped(&desk, &["unlock", "-", "--token-file", "-"], people)
        .with(2)
        .says("cannot both come from standard input");
}

#[test]
fn an_export_in_json_lines_is_an_input() {
    let node = Node::with_users(3);
    let desk = node.desk();
    desk.headcount(&["export", "users", "-o", "users.jsonl"])
        .with(0);
    desk.headcount(&["lock", "users.jsonl", "--yes", "--allow-locks", "3"])
        .with(0);
    let users = node.sandbox().snapshot().users;
    assert_eq!(users.len(), 3);
    assert!(users.iter().all(|user| !user.active));
}

#[test]
fn what_cannot_be_chosen_is_refused_with_what_there_is() {
    let node = Node::with_users(0);
    let desk = node.desk();
    sample(&desk, "several-sheets.xlsx");
    desk.headcount(&["import", "several-sheets.xlsx", "--sheet", "Leavers"])
        .with(2)
        .says("has no sheet \"Leavers\"; there are \"Read me\", \"Joiners\", \"Lists\"");
    desk.file("people.csv", "email\nann@example.com\n");
    desk.headcount(&["import", "people.csv", "--header-row", "9"])
        .with(2)
        .says("--header-row 9 names a row that is not there");
    desk.headcount(&["import", "people.csv", "--encoding", "klingon"])
        .with(2)
        .says("is not an encoding that is known");
    desk.file("people.csv", b"email\nann@example.com\xff\n");
    desk.headcount(&["import", "people.csv", "--encoding", "shift_jis"])
        .with(2)
        .says("people.csv is not in shift_jis");
    let mut file = fs::File::create(desk.path("web.xls")).unwrap();
    file.write_all(b"<html><table><tr><td>email</td></tr></table>")
        .unwrap();
    desk.headcount(&["import", "web.xls"])
        .with(2)
        .says("a web page");
    assert_eq!(node.sandbox().calls().total(), 0);
}
