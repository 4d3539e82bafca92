//! Files as spreadsheet programs and HR systems really write them: what is understood of each, and what is
//! said about it.

use std::path::{Path, PathBuf};

use headcount::roster::{Action, Options, Roster, RosterError};
use headcount::sheet::Reading;

/// What is understood of a sample: what is said, the headings, the rows, and what is wrong with them.
fn understood(name: &str) -> String {
    read_as(name, &Reading::default())
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/awkward")
}

fn open(name: &str, reading: &Reading) -> Result<Roster, RosterError> {
    let options = Options {
        default_action: Action::Create,
        forced_action: false,
        map: Vec::new(),
    };
    Roster::open(&folder().join(name), reading, options)
}

fn read_as(name: &str, reading: &Reading) -> String {
    let path = folder().join(name);
    let roster = open(name, reading).unwrap();
    let mut told: Vec<String> = roster.remarks().iter().map(ToString::to_string).collect();
    told.push(format!("headings: {}", roster.header().join(" | ")));
    for entry in roster.entries().unwrap() {
        let entry = entry.unwrap();
        let cells: Vec<&str> = entry.cells.iter().collect();
        told.push(format!("{:>8}: {:?}", entry.number, cells));
    }
    roster
        .check(&mut |problem| told.push(problem.to_string()))
        .unwrap();
    told.join("\n").replace(&*path.to_string_lossy(), name)
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_heading() {
    insta::assert_snapshot!(understood("bom.csv"), @r##"
    headings: Email | First Name | Last Name
           2: ["ann.lee@example.com", "Ann", "Lee"]
           3: ["zoe@example.com", "Zoë", "Žižek"]
    "##);
}

#[test]
fn what_excel_writes_in_europe_is_read_and_the_guess_is_said() {
    insta::assert_snapshot!(understood("semicolons-windows-1252.csv"), @r##"
    semicolons-windows-1252.csv: the text is not in UTF-8, and most likely in windows-1252, so it was read as that; if letters come out wrong, name its encoding with --encoding
    headings: E-Mail | First Name | Last Name | Straße
           2: ["juergen@example.com", "Jürgen", "Groß", "Hauptstraße 1"]
           3: ["rene@example.com", "René", "“Müller”", "Brühl 2"]
    "##);
}

#[test]
fn what_dos_has_written_is_not_taken_for_windows_and_its_end_is_no_row() {
    let refused = open("dos.csv", &Reading::default()).unwrap_err();
    insta::assert_snapshot!(refused.to_string().rsplit('/').next().unwrap(), @r#"dos.csv: its encoding cannot be told for sure: the same word is "J�rgen" in windows-1252 and "Jürgen" in cp850; name the right one, such as --encoding cp850, or save the file as "CSV UTF-8""#);
    let told = Reading {
        encoding: "cp850".parse().ok(),
        ..Reading::default()
    };
    insta::assert_snapshot!(read_as("dos.csv", &told), @r#"
    headings: E-Mail | First Name | Last Name
           2: ["juergen@example.com", "Jürgen", "Groß"]
           3: ["rene@example.com", "René", "Özgür"]
    "#);
}

#[test]
fn what_excel_calls_unicode_text_is_read() {
    insta::assert_snapshot!(understood("utf-16.csv"), @r##"
    headings: Email | First Name | Last Name
           2: ["ann.lee@example.com", "Ann", "Lee"]
           3: ["milos@example.com", "Miloš", "Novák"]
    "##);
}

#[test]
fn the_line_that_tells_excel_the_separator_counts_as_no_row() {
    insta::assert_snapshot!(understood("sep-line.csv"), @r##"
    headings: Email | Display Name
           2: ["ann.lee@example.com", "Lee, Ann"]
           3: ["bob@example.com", "Stone, Bob"]
    "##);
}

#[test]
fn titles_above_the_header_are_found_and_said() {
    insta::assert_snapshot!(understood("title-rows.csv"), @r##"
    title-rows.csv: row 4 was taken for the header, and what stands above it was left out; --header-row N names another
    headings: Email | First Name | Teams
           5: ["ann.lee@example.com", "Ann", "Sales;Legal"]
           7: ["bob@example.com", "Bob", ""]
    "##);
}

#[test]
fn columns_and_rows_without_anything_are_no_error() {
    insta::assert_snapshot!(understood("trailing-columns.csv"), @r##"
    headings: Email | First Name |  |  | 
           2: ["ann.lee@example.com", "Ann", "", "", ""]
           3: ["bob@example.com", "Bob", "", "", ""]
           5: ["carl@example.com", "Carl", "", "", ""]
    "##);
}

#[test]
fn lines_of_old_macs_are_lines() {
    insta::assert_snapshot!(understood("cr-only.csv"), @r##"
    headings: Email | First Name
           2: ["ann.lee@example.com", "Ann"]
           3: ["bob@example.com", "Bob"]
    "##);
}

#[test]
fn blanks_that_cannot_be_seen_are_no_part_of_a_cell_and_curly_quotes_are() {
    insta::assert_snapshot!(understood("non-breaking-spaces.csv"), @r##"
    headings: Email | First Name
           2: ["\u{a0}ann.lee@example.com", "\u{a0}Ann\u{200b}"]
           3: ["bob@example.com\u{2009}", "O’Hara\u{a0}"]
    "##);
}

#[test]
fn a_cell_of_several_lines_is_one_row() {
    insta::assert_snapshot!(understood("line-breaks-in-cells.csv"), @r##"
    headings: Email | Address | First Name
           2: ["ann.lee@example.com", "12 High Street\r\nLondon", "Ann"]
           3: ["bob@example.com", "He said \"hello\"", "Bob"]
    "##);
}

#[test]
fn what_a_spreadsheet_program_has_spoilt_is_flagged() {
    insta::assert_snapshot!(understood("mangled.csv"), @r##"
    headings: Email | Employee ID | First Name
           2: ["ann.lee@example.com", "1.23457E+11", "Ann"]
           3: ["bob@example.com", "00123", "01.03.2026"]
           4: ["carl@example.com", "#N/A", "Carl"]
    mangled.csv, row 2, column "Employee ID": "1.23457E+11" is a number that the spreadsheet program has shortened, its other digits are lost; give the column the format Text and fill it in again
    mangled.csv, row 3, column "First Name": "01.03.2026" is a date; perhaps a spreadsheet program took a name for one. Write it as text
    mangled.csv, row 4, column "Employee ID": "#N/A" is the error of a formula, not a value; mend the formula, or write the value itself
    "##);
}

#[test]
fn json_lines_are_rows_with_dotted_keys() {
    insta::assert_snapshot!(understood("people.jsonl"), @r##"
    headings: userName | name.givenName | name.familyName | active | groups | employeeNumber
           1: ["ann.lee@example.com", "Ann", "Lee", "true", "Sales;Legal", ""]
           2: ["bob@example.com", "Bob", "", "false", "", "12345678901234567890"]
    "##);
}

#[test]
fn headings_below_merged_cells_are_found_and_cells_are_named() {
    insta::assert_snapshot!(understood("merged-headings.xlsx"), @r##"
    merged-headings.xlsx: row 4 was taken for the header, and what stands above it was left out; --header-row N names another
    headings: Work Email | First Name | Last Name | Teams | Active
           5: ["ann.lee@example.com", "Ann", "Lee", "Sales", "true"]
           7: ["bob@", "Bob", "Stone", "Legal", "false"]
    merged-headings.xlsx, cell A7 (column "Work Email"): "bob@" is not an email address (domain is empty); write it like name@example.com
    "##);
}

#[test]
fn dates_errors_and_long_numbers_are_flagged_and_zeros_kept() {
    insta::assert_snapshot!(understood("dates-and-numbers.xlsx"), @r##"
    headings: Email | Employee ID | First Name | Start
           2: ["ann.lee@example.com", "00123", "Ann", "2026-03-01"]
           3: ["bob@example.com", "1234567890123457000", "2026-03-01", "2026-03-01 08:30:00"]
           4: ["carl@example.com", "00456", "Carl", "0.5"]
           5: ["dora@example.com", "123456789012", "#N/A", ""]
    dates-and-numbers.xlsx, cell C3 (column "First Name"): "2026-03-01" is a date in the workbook; perhaps the spreadsheet program took something else for one. Write it as text
    dates-and-numbers.xlsx, cell B3 (column "Employee ID"): "1234567890123457000" is a number that the spreadsheet program has shortened, its other digits are lost; give the column the format Text and fill it in again
    dates-and-numbers.xlsx, cell C5 (column "First Name"): "#N/A" is the error of a formula, not a value; mend the formula, or write the value itself
    "##);
}

#[test]
fn a_formula_that_nobody_calculated_is_not_taken_for_an_empty_cell() {
    insta::assert_snapshot!(understood("formula-cells.xlsx"), @r##"
    headings: First | Last | Email | Display Name
           2: ["Ann", "Lee", "(formula)", "(formula)"]
    formula-cells.xlsx, cell C2 (column "Email"): "(formula)" was never calculated, so its value is not in the file; open the file in your spreadsheet program and save it
    formula-cells.xlsx, cell D2 (column "Display Name"): "(formula)" was never calculated, so its value is not in the file; open the file in your spreadsheet program and save it
    "##);
}

#[test]
fn of_several_sheets_the_one_with_people_is_read_and_that_is_said() {
    insta::assert_snapshot!(understood("several-sheets.xlsx"), @r##"
    several-sheets.xlsx: the sheet "Joiners" was read, not "Read me"; --sheet NAME chooses another
    headings: Email | First Name
           2: ["ann.lee@example.com", "Ann"]
    "##);
}

#[test]
fn an_old_workbook_is_read() {
    insta::assert_snapshot!(understood("old.xls"), @r##"
    headings: Email | First Name | Employee ID | Start
           2: ["ann.lee@example.com", "Ann", "4711", "2026-03-01"]
           3: ["juergen@example.com", "Jürgen", "00815", ""]
    "##);
}

#[test]
fn an_opendocument_sheet_is_read_with_its_gaps_and_zeros() {
    insta::assert_snapshot!(understood("sheet.ods"), @r##"
    headings: Email | First Name | Employee ID | Teams
           2: ["ann.lee@example.com", "Ann", "0042", "Sales"]
           6: ["bob@example.com", "2026-03-01", "00815", ""]
           7: ["carl@example.com", "#DIV/0!", " x ", "Sales;Legal"]
    sheet.ods, cell B6 (column "First Name"): "2026-03-01" is a date in the workbook; perhaps the spreadsheet program took something else for one. Write it as text
    sheet.ods, cell B7 (column "First Name"): "#DIV/0!" is the error of a formula, not a value; mend the formula, or write the value itself
    "##);
}

#[test]
fn a_binary_workbook_is_read() {
    insta::assert_snapshot!(understood("binary.xlsb"), @r##"
    headings: Email | First Name | Employee ID
           2: ["ann.lee@example.com", "Ann", "4711"]
           3: ["zoe@example.com", "Zoë", "00815"]
    "##);
}

/// Every sample has a test above.
#[test]
fn no_sample_is_forgotten() {
    let folder = folder();
    let this = include_str!("awkward.rs");
    let said = std::fs::read_to_string(folder.join("README.md")).unwrap();
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.retain(|name| name != "README.md");
    assert!(names.len() >= 15, "{names:?}");
    for name in names {
        assert!(this.contains(&format!("(\"{name}\"")), "{name}");
        assert!(said.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn what_is_found_out_can_be_said_otherwise() {
    let reading = |json: &str| -> Reading { serde_json::from_str(json).unwrap() };
    let second = read_as("several-sheets.xlsx", &reading(r#"{"sheet":"2"}"#));
    assert_eq!(
        second,
        "headings: Email | First Name\n       2: [\"ann.lee@example.com\", \"Ann\"]"
    );
    let named = read_as("title-rows.csv", &reading(r#"{"header_row":4}"#));
    assert!(
        named.starts_with("headings: Email | First Name | Teams\n"),
        "{named}"
    );
    let named = read_as("merged-headings.xlsx", &reading(r#"{"header_row":4}"#));
    assert!(named.starts_with("headings: Work Email"), "{named}");
    let central = read_as(
        "semicolons-windows-1252.csv",
        &reading(r#"{"encoding":"windows-1250"}"#),
    );
    assert!(central.starts_with("headings: E-Mail"), "{central}");
}
