//! `--report` and `runs report`: one page of HTML about a run, at once or made of its record.

use crate::support::every_file;
use std::fs;
use std::path::Path;

use harness::{Desk, Node, TOKEN, newcomers};
use headcount::sandbox::Options;

/// A node that refuses what comes too fast, and breaks now and then.
fn troubled() -> Node {
    Node::start(Options {
        users: 30,
        seats: Some(150),
        faults: "429=10%,500@before=4%".parse().unwrap(),
        seed: 11,
        ..Options::default()
    })
}

const SCRIPT: &str = "<script>alert(1)</script>";

/// A spreadsheet of newcomers, and of two people who are there already, one of whom has a name that is no name.
fn people(node: &Node, desk: &Desk) {
    let there = node.sandbox().snapshot().users;
    let new = (0..20).map(|at| format!("p{at}@example.com,Pat,No {at}\n"));
    let text = format!(
        "email,first name,last name\n{},Old,Hand\n{},{SCRIPT},\"\"\"Q\"\"\"\n{}",
        there[0].user_name,
        there[1].user_name,
        new.collect::<String>()
    );
    desk.file("people.csv", text);
}

/// Everything but when it was made.
fn timeless(page: &str) -> String {
    let lines = page.lines().filter(|line| !line.starts_with("<p>Made "));
    lines.collect::<Vec<_>>().join("\n")
}

/// What stands in the line of a table that begins like this, without tags.
#[track_caller]
fn line(page: &str, begins: &str) -> String {
    let lines = page.lines().map(|line| {
        let mut text = String::new();
        let mut within_tag = false;
        for c in line.chars() {
            match c {
                '<' => within_tag = true,
                '>' => {
                    within_tag = false;
                    text.push(' ');
                }
                c if !within_tag => text.push(c),
                _ => {}
            }
        }
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    });
    let mut lines = lines.filter(|line| line.starts_with(begins));
    lines
        .next()
        .unwrap_or_else(|| panic!("{begins:?} is not there:\n{page}"))
}

fn read(desk: &Desk, name: &str) -> String {
    fs::read_to_string(desk.path(name)).unwrap()
}

#[test]
fn a_page_tells_of_a_run_with_refusals_and_failures() {
    let node = troubled();
    let desk = node.desk();
    people(&node, &desk);
    let args = [
        "import",
        "people.csv",
        "--report",
        "page.html",
        "--bulk",
        "off",
    ];
    desk.headcount(&args).with(4).says("Report: page.html");
    let page = read(&desk, "page.html");
    assert!(page.contains("20 of 22 rows are as asked; 2 are not."));
    assert!(line(&page, "failed was refused 2").ends_with("9.1 %"));
    // What the node counted is what the page says.
    let calls = node.sandbox().calls();
    for (code, words) in [(429, "too many calls; sent again later"), (201, "made")] {
        let answered = calls.answered(code);
        assert!(answered > 0, "{code}");
        let after = page.split_once("Calls by the status code").unwrap().1;
        let line = line(after, &format!("{code} {words}"));
        assert!(
            line.starts_with(&format!("{code} {words} {answered} ")),
            "{line}"
        );
    }
    assert!(page.contains("Calls that were refused or put off"));
    assert!(page.contains("an account with this email exists and differs"));
    // The script is words.
    assert!(page.contains("&#60;script&#62;alert(1)&#60;/script&#62; &#34;Q&#34;"));
    assert!(!page.contains("<script"));
    assert!(!page.contains(TOKEN));
    private(&desk.path("page.html"));
    assert!(!desk.path("page.html.part").exists());
}

#[cfg(unix)]
fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0);
}

#[cfg(not(unix))]
fn private(_: &Path) {}

#[test]
fn the_record_of_a_run_says_the_same_afterwards() {
    let node = troubled();
    let desk = node.desk();
    people(&node, &desk);
    desk.headcount(&["import", "people.csv", "--report", "at-once.html"])
        .with(4);
    desk.headcount(&["runs", "report", "-o", "later.html"])
        .with(0)
        .says("Report of run");
    let (at_once, later) = (read(&desk, "at-once.html"), read(&desk, "later.html"));
    // The record keeps times to the thousandth of a second.
    let sections = |page: &str| {
        let (front, behind) = page.split_once("id=\"slowest\"").unwrap();
        let (_, settings) = behind.split_once("id=\"settings\"").unwrap();
        timeless(&format!("{front}{settings}"))
    };
    assert_eq!(sections(&at_once), sections(&later));
    let stdout = desk
        .headcount(&["runs", "report", "-o", "-"])
        .with(0)
        .stdout;
    assert_eq!(timeless(&stdout), timeless(&later));
    // Without a name it goes beside the results, and over no other report.
    desk.headcount(&["runs", "report"]).with(0);
    desk.headcount(&["runs", "report", "people.results.csv"])
        .with(0);
    assert!(desk.path("people.report.html").exists());
    assert!(desk.path("people.report.1.html").exists());
}

#[test]
fn a_masked_page_names_nobody_of_the_file() {
    let node = troubled();
    let desk = node.desk();
    people(&node, &desk);
    let args = [
        "import",
        "people.csv",
        "--report",
        "page.html",
        "--report-mask",
    ];
    desk.headcount(&args).with(4);
    let page = read(&desk, "page.html");
    let taken = &node.sandbox().snapshot().users[0].user_name;
    assert!(
        !page.contains(&**taken) && !page.contains("@example.com"),
        "{page}"
    );
    assert!(
        page.contains("***@e***.com") && page.contains("O*** H***"),
        "{page}"
    );
    // A variable serves both commands.
    let mut command = desk.command(&["runs", "report", "-o", "-"]);
    command.env("HEADCOUNT_REPORT_MASK", "1");
    let stdout = harness::ended(&mut command).with(0).stdout;
    assert!(!stdout.contains("@example.com"));
}

#[test]
fn a_run_that_went_on_is_told_as_one() {
    let node = Node::slow(1, 5);
    let desk = node.desk();
    let taken = node.sandbox().snapshot().users[0].user_name.clone();
    let rows = (0..400).map(|at| format!("p{at}@example.com,Pat,No {at}\n"));
    let rows: String = rows.collect();
    desk.file(
        "people.csv",
        format!("email,first name,last name\n{taken},Old,Hand\n{rows}"),
    );
    // The first row fails, and that is one too many.
    desk.headcount(&["import", "people.csv", "--max-errors", "0", "--bulk", "off"])
        .with(5);
    desk.headcount(&["runs", "report", "-o", "stopped.html"])
        .with(0);
    let stopped = read(&desk, "stopped.html");
    assert!(stopped.contains("It stopped before its end"), "{stopped}");
    assert!(stopped.contains("headcount runs resume"), "{stopped}");
    line(&stopped, "not attempted nothing was sent");
    let resume = [
        "runs",
        "resume",
        "--max-errors",
        "100%",
        "--report",
        "whole.html",
    ];
    desk.headcount(&resume).with(4);
    let whole = read(&desk, "whole.html");
    assert!(
        whole.contains("400 of 401 rows are as asked; 1 is not."),
        "{whole}"
    );
    assert!(whole.contains("went on ") && whole.contains("Settled before that: "));
    let calls = node.sandbox().calls().answered(201);
    assert!(line(&whole, "201 made").starts_with(&format!("201 made {calls} ")));
    assert_eq!(calls, 400);
}

#[test]
fn a_run_that_was_killed_has_a_page_of_what_is_known() {
    let node = Node::slow(0, 10);
    let desk = node.desk();
    desk.file("people.csv", newcomers(300));
    let args = ["import", "people.csv", "--report", "page.html", "-q"];
    let mut child = node.until_created(40, &mut desk.command(&args));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!desk.path("page.html").exists());
    desk.headcount(&["runs", "report", "-o", "page.html"])
        .with(0);
    let page = read(&desk, "page.html");
    assert!(page.contains("It was cut short"), "{page}");
    assert!(page.contains("headcount runs resume"), "{page}");
    line(&page, "created the account was made");
    assert!(page.contains("Rows and calls a second over the run"));
    assert!(!page.contains("Calls by the status code"));
}

#[test]
fn a_place_where_no_page_can_be_is_found_before_anything_is_sent() {
    let node = Node::with_users(0);
    let desk = node.desk();
    let header = "email,first name,last name\n";
    desk.file("people.csv", format!("{header}a@example.com,Ann,Ash\n"));
    let refused = |path: &str, words: &str| {
        desk.headcount(&["import", "people.csv", "--report", path])
            .with(2)
            .says(words)
            .says("nothing was sent");
    };
    refused("people.csv", "is the file of the input");
    refused("page.txt", "ends with .html");
    refused(
        "no-such-folder/page.html",
        "cannot be written to no-such-folder/page.html",
    );
    fs::create_dir(desk.path("folder.html")).unwrap();
    refused("folder.html", "there is a folder of this name");
    let args = [
        "import",
        "people.csv",
        "--results",
        "x.html",
        "--report",
        "./x.html",
    ];
    desk.headcount(&args)
        .with(2)
        .says("is the file of the results");
    assert_eq!(node.sandbox().calls().of("POST /Users"), 0);
    // A dry run says that it has none.
    let args = ["import", "people.csv", "--report", "page.html", "--dry-run"];
    desk.headcount(&args)
        .with(0)
        .says("A dry run has no report");
    assert!(!desk.path("page.html").exists());
    let left = every_file(&desk).into_iter().map(|(path, _)| path);
    let left: Vec<_> = left
        .filter(|path| path.extension().is_some_and(|ending| ending == "part"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
