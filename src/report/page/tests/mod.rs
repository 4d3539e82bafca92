//! What a page says, whoever is named on it and however many they are.

mod markup;

use jiff::SignedDuration;
use quick_xml::Reader;
use quick_xml::events::Event as Xml;

use super::*;
use crate::roster::{Action, Options, Roster};
use crate::run::Outcome;
use crate::sheet::{Reading, RowNumber};

const BEGUN: i64 = 1_800_000_000;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(BEGUN * 1000 + millis).unwrap()
}

/// The rows of a spreadsheet.
fn roster(text: &str) -> Roster {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let options = Options {
        default_action: Action::Create,
        forced_action: false,
        map: Vec::new(),
    };
    Roster::open(file.path(), &Reading::default(), options).unwrap()
}

fn facts() -> Facts {
    Facts {
        what: "import".to_owned(),
        run: "2027-01-15-080000-000".to_owned(),
        file: "people.csv".to_owned(),
        sha256: "abc".to_owned(),
        nodes: vec![("node 7".to_owned(), "https://node.example/7".to_owned())],
        begun: at(0),
        end: End::Finished(at(4_000)),
        rows: 4,
        results: PathBuf::from("/home/jdoe/people.results.csv"),
        settings: vec![Setting {
            flag: "--bulk",
            about: "Bulk requests",
            value: "auto".to_owned(),
        }],
        next: Some("headcount runs retry 2027".to_owned()),
        parts: Vec::new(),
        mask: Mask::Off,
    }
}

/// A page of these people, of whom every second has failed.
fn page(text: &str, error: &str) -> Page {
    let roster = roster(text);
    let mut page = Page::new(Naming::of(roster.columns()), at(0));
    for (nth, entry) in (0..).zip(roster.entries().unwrap()) {
        let entry = entry.unwrap();
        let outcome = if nth % 2 == 0 {
            Outcome::new(Verdict::Created).status(201)
        } else {
            Outcome::new(Verdict::Failed).status(409).because(error)
        };
        let took = Duration::from_millis(100 * (nth + 1));
        page.hear(&Event::Row(Box::new(RowRecord {
            number: entry.number,
            cells: entry.cells,
            action: Some(Action::Create),
            outcome: Outcome {
                finished_at: at(1_000 * i64::try_from(nth).unwrap()),
                took: Some(took),
                ..outcome.attempts(2)
            },
        })));
    }
    page
}

/// The text of a page, a line for each piece; fails where the page is not well-formed.
fn text(html: &str) -> String {
    let mut reader = Reader::from_str(html);
    reader.config_mut().check_end_names = true;
    let (mut lines, mut within) = (Vec::new(), Vec::<String>::new());
    loop {
        match reader.read_event().unwrap() {
            Xml::Start(tag) => {
                for attribute in tag.attributes() {
                    attribute.unwrap();
                }
                let name = tag.name().as_ref().to_owned();
                if matches!(
                    name.as_str(),
                    "p" | "h1" | "h2" | "h3" | "tr" | "caption" | "dt" | "div" | "li"
                ) {
                    lines.push(String::new());
                }
                within.push(name);
            }
            Xml::End(_) => {
                within.pop().unwrap();
            }
            Xml::Empty(tag) => {
                for attribute in tag.attributes() {
                    attribute.unwrap();
                }
            }
            Xml::Text(piece) if !within.iter().any(|name| name == "style") => {
                let piece = &*piece;
                if let Some(line) = lines.last_mut() {
                    line.push_str(piece.trim_end_matches('\n'));
                    line.push(' ');
                }
            }
            Xml::GeneralRef(entity) => {
                let entity = &*entity;
                let sign = match entity {
                    "#60" => "<",
                    "#62" => ">",
                    "#38" => "&",
                    "#34" => "\"",
                    "#39" => "'",
                    other => panic!("&{other};"),
                };
                if let Some(line) = lines.last_mut() {
                    line.truncate(line.trim_end().len());
                    line.push_str(sign);
                }
            }
            Xml::Eof => break,
            _ => {}
        }
    }
    assert_eq!(within, Vec::<String>::new());
    let lines = lines
        .iter()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    let lines: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}

const PEOPLE: &str = "email,first name,last name\n\
    ann@example.com,Ann,Ash\nbob@example.com,Bob,Birch\ncem@example.com,Cem,Cedar\ndot@example.com,Dot,Durian\n";

#[test]
fn a_page_says_what_was_asked_and_what_happened() {
    let page = page(PEOPLE, "the email bob@example.com of Bob Birch is taken");
    let words = text(&page.render(&facts()).unwrap());
    let (words, _) = words.split_once("Made ").unwrap();
    insta::assert_snapshot!(words, @r#"
    Report: import of people.csv
    2 of 4 rows are as asked; 2 are not.
    It came to its end at 2027-01-15 08:00:04 UTC. What is left to do: headcount runs retry 2027
    rows 4
    as asked 2
    not as asked 2
    from beginning to end 4.0 s
    rows a second 1.0
    What was asked
    What happened
    Rows that are not done
    Over time
    Slowest rows
    Settings
    What was asked
    Command import
    File people.csv
    SHA-256 of the file abc
    Node node 7 https://node.example/7
    Begun 2027-01-15 08:00:00 UTC
    Run 2027-01-15-080000-000
    Results /home/jdoe/people.results.csv
    What happened
    Rows by what became of them
    Outcome Number Share
    created the account was made 2 50.0 %
    failed was refused 2 50.0 %
    Rows by the status code that decided
    Status Number Share
    201 made 2 50.0 %
    409 the email, or the name, is taken 2 50.0 %
    Rows that are not done
    By outcome and status, with the first of each
    Outcome Rows For example
    failed status 409 2 row 3: the email bob@example.com of Bob Birch is taken Each of them
    In the order of the file
    Row Who What happened
    3 bob@example.com Bob Birch failed , asked: create, status 409, 2 calls the email bob@example.com of Bob Birch is taken
    5 dot@example.com Dot Durian failed , asked: create, status 409, 2 calls the email bob@example.com of Bob Birch is taken
    All of them, those that were not attempted among them, are in the results: /home/jdoe/people.results.csv . The column result_error says why.
    Over time
    5 2.5 0 Rows and calls a second over the run In 3.2 s, at most 4.0 rows a second were settled. The table below has all figures.
    0 1.6 s 3.2 s
    rows a second The same as a table
    Each line is 250 ms long
    From Rows a second Rows not done
    0 ms 4.0 0
    250 ms 0 0
    0.5 s 0 0
    0.8 s 0 0
    1.0 s 4.0 1
    1.2 s 0 0
    1.5 s 0 0
    1.8 s 0 0
    2.0 s 4.0 0
    2.2 s 0 0
    2.5 s 0 0
    2.8 s 0 0
    3.0 s 4.0 1
    Slowest rows
    From when a row was begun to when it was settled, with everything that it waited for: its turn, the node, other changes in the same call.
    The slowest
    Row Who Outcome Time
    5 dot@example.com Dot Durian failed 2 calls 400 ms
    4 cem@example.com Cem Cedar created 2 calls 300 ms
    3 bob@example.com Bob Birch failed 2 calls 200 ms
    2 ann@example.com Ann Ash created 2 calls 100 ms
    All rows by how long they took
    Time Number Share
    up to 128 ms 1 25.0 %
    up to 256 ms 1 25.0 %
    up to 512 ms 2 50.0 %
    Settings
    Bulk requests --bulk auto
    This report names people. Keep it as you keep the spreadsheet.
    "#);
}

#[test]
fn a_masked_page_names_nobody() {
    let page = page(PEOPLE, "the email bob@example.com is taken");
    let facts = Facts {
        mask: Mask::On,
        ..facts()
    };
    let html = page.render(&facts).unwrap();
    for name in [
        "ann@",
        "bob@",
        "Bob",
        "Birch",
        "Cedar",
        "jdoe",
        "example.com",
    ] {
        assert!(!html.contains(name), "{name}");
    }
    let words = text(&html);
    for shown in [
        "b***@e***.com B*** B***",
        "the email b***@e***.com is taken",
    ] {
        assert!(words.contains(shown), "{shown}\n{words}");
    }
}

#[test]
fn a_row_is_in_the_step_in_which_the_record_has_it() {
    let roster = roster(PEOPLE);
    let entry = roster.entries().unwrap().next().unwrap().unwrap();
    let micros = |micros| at(0) + SignedDuration::from_micros(micros);
    let steps = |since, finished_at| {
        let mut page = Page::new(Naming::of(roster.columns()), since);
        page.row(&RowRecord {
            number: entry.number,
            cells: entry.cells.clone(),
            action: Some(Action::Create),
            outcome: Outcome {
                finished_at,
                ..Outcome::new(Verdict::Created)
            },
        });
        (page.over_time.counts().len(), page.earlier)
    };
    // By the exact times it would be a step earlier, or before the run began.
    assert_eq!(steps(micros(900), micros(250_100)), (2, 0));
    assert_eq!(steps(micros(900), at(250)), (2, 0));
    assert_eq!(steps(micros(900), at(0)), (1, 0));
}

/// A page of so many rows that all fail, some of them after a long time.
fn long(rows: u64) -> Page {
    let roster = roster(PEOPLE);
    let mut entries = roster.entries().unwrap();
    let cells = entries.next().unwrap().unwrap().cells;
    let mut page = Page::new(Naming::of(roster.columns()), at(0));
    for nth in 0..rows {
        let verdict = Verdict::ALL[usize::try_from(nth % 11).unwrap()];
        let finished_at = at(i64::try_from(nth * 7 % (rows * 5)).unwrap());
        page.row(&RowRecord {
            number: RowNumber(nth + 2),
            cells: cells.clone(),
            action: Some(Action::Create),
            outcome: Outcome {
                finished_at,
                took: Some(Duration::from_micros(nth * 7919 % 9_000_000)),
                ..Outcome::new(verdict)
                    .status(400 + u16::try_from(nth % 13).unwrap())
                    .because("it was refused ".repeat(100))
            },
        });
    }
    page
}

#[test]
fn a_page_does_not_grow_with_the_rows() {
    let few = long(20_000);
    let many = long(1_000_000);
    assert_eq!(many.rows.not_done.len(), rows::NOT_DONE);
    assert_eq!(many.rows.slowest().len(), rows::SLOWEST);
    assert!(many.rows.reasons.len() <= 11 * 13);
    assert!(many.over_time.counts().len() <= series::STEPS);
    let slowest = many.rows.slowest();
    assert!(slowest.is_sorted_by_key(|row| std::cmp::Reverse(row.took)));
    assert!(
        slowest
            .iter()
            .all(|row| row.took.unwrap() > Duration::from_millis(8_990))
    );
    let length = |page: &Page| page.render(&facts()).unwrap().len();
    let (few, many) = (length(&few), length(&many));
    assert!(many < few + few / 10, "{few} and {many} bytes");
    assert!(many < 400_000, "{many} bytes");
}

#[test]
fn an_email_in_the_wrong_column_is_masked_as_well() {
    let page = page("id,last name\n1,Ash\nbob@example.com,Birch\n", "no id");
    let facts = Facts {
        mask: Mask::On,
        ..facts()
    };
    let html = page.render(&facts).unwrap();
    assert!(html.contains("b***@e***.com"), "{html}");
    assert!(!html.contains("bob@"), "{html}");
}

#[test]
fn rows_of_before_it_went_on_are_not_shown_over_time() {
    let mut page = page(PEOPLE, "x");
    page.since = at(0) + SignedDuration::from_secs(2);
    let roster = roster(PEOPLE);
    let cells = roster.entries().unwrap().next().unwrap().unwrap().cells;
    page.row(&RowRecord {
        number: RowNumber(9),
        cells,
        action: None,
        outcome: Outcome {
            finished_at: at(1_999),
            ..Outcome::new(Verdict::Created)
        },
    });
    assert_eq!(page.earlier, 1);
    let words = text(&page.render(&facts()).unwrap());
    assert!(words.contains("Settled before that: 1 row."), "{words}");
}

#[test]
fn what_planning_saves_is_said_of_a_whole_run_only() {
    let page = page(PEOPLE, "x");
    let calls = || {
        let mut calls = Calls::begin(100);
        calls.lasted = Duration::from_secs(2);
        calls
    };
    let part = |calls| Part {
        begun: at(0),
        calls,
    };
    let words = |parts, end| {
        let facts = Facts {
            end,
            parts,
            ..facts()
        };
        text(&page.render(&facts).unwrap())
    };
    let saved = "Planning has saved about 100 of 100 calls";
    let finished = || End::Finished(at(9_000));
    assert!(words(vec![part(Some(calls()))], finished()).contains(saved));
    assert!(!words(vec![part(None), part(Some(calls()))], finished()).contains("Planning"));
    assert!(!words(vec![part(Some(calls()))], End::CutShort).contains("Planning"));
}
