//! Files as they come: rows keep their numbers, and what cannot be read is said.

use std::fs;
use std::io::Write;

use super::*;

mod round_trip;

/// A file with this in it, read to its end or to where it cannot be read.
fn read(content: &[u8]) -> Result<Vec<Line>, SheetError> {
    read_as(content, &Reading::default())
}

fn read_as(content: &[u8], reading: &Reading) -> Result<Vec<Line>, SheetError> {
    let file = file(content);
    Snapshot::of(Original::take(file.path())?, reading, &|_| 0)?
        .open()?
        .collect()
}

/// Somebody says that the file is in UTF-8.
fn utf8() -> Reading {
    Reading {
        encoding: "utf-8".parse().ok(),
        ..Reading::default()
    }
}

/// What is at `path`, without anybody who knows what it is about.
fn take(path: &std::path::Path) -> Result<Snapshot, SheetError> {
    Snapshot::of(Original::take(path)?, &Reading::default(), &|_| 0)
}

fn file(content: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content).unwrap();
    file
}

fn header(content: &[u8]) -> Vec<String> {
    let file = file(content);
    let reader = take(file.path()).unwrap().open().unwrap();
    reader.header().to_vec()
}

/// The rows as text: `number:cell/cell`, with a `!` in front where one is broken.
fn rows(content: &[u8]) -> Vec<String> {
    rows_as(content, &Reading::default())
}

fn rows_as(content: &[u8], reading: &Reading) -> Vec<String> {
    let text = |number: RowNumber, cells: &Cells| {
        format!("{number}:{}", cells.iter().collect::<Vec<_>>().join("/"))
    };
    read_as(content, reading)
        .unwrap()
        .iter()
        .map(|line| match line {
            Line::Row(row) => text(row.number, &row.cells),
            Line::Broken(row) => format!("!{}", text(row.number, &row.cells)),
        })
        .collect()
}

fn number(line: &Line) -> RowNumber {
    match line {
        Line::Row(row) => row.number,
        Line::Broken(row) => row.number,
    }
}

fn defect(content: &[u8]) -> Defect {
    match read_as(content, &utf8()).unwrap().remove(0) {
        Line::Broken(row) => row.defect,
        Line::Row(row) => panic!("{row:?} is not broken"),
    }
}

#[test]
fn rows_have_the_numbers_that_a_spreadsheet_program_shows() {
    for (text, expected) in [
        ("h\na\nb\n", &["2:a", "3:b"][..]),
        ("h\na\nb", &["2:a", "3:b"]),
        ("h\r\na\r\nb\r\n", &["2:a", "3:b"]),
        ("h\ra\rb\r", &["2:a", "3:b"]),
        ("h\ra\rb", &["2:a", "3:b"]),
        ("h\na\r\nb\rc\n", &["2:a", "3:b", "4:c"]),
        ("\n\nh\na\n", &["4:a"]),
        ("\r\n\r\nh\r\na\r\n", &["4:a"]),
        ("\r\rh\ra\r", &["4:a"]),
        ("h\n\na\n\n\nb\n", &["3:a", "6:b"]),
        ("h\r\n\r\na\r\n\r\n\r\nb\r\n", &["3:a", "6:b"]),
        ("h\r\ra\r\r\rb\r", &["3:a", "6:b"]),
        ("h\na\n\n\n", &["2:a"]),
        ("h\na\n  \n\u{a0}\n\u{200b}\n\t\nb\n", &["2:a", "7:b"]),
        ("h\na\n\"\"\n\" \"\nb\n", &["2:a", "5:b"]),
        ("h,i\n,\na,b\n , \n\"\",\n,,,\nc,d\n", &["3:a/b", "7:c/d"]),
        (",\nh,i\na,b\n", &["3:a/b"]),
        ("h,i\n\"a\n\nb\",c\nd,e\n", &["2:a\n\nb/c", "3:d/e"]),
        (
            "h,i\r\n\"a\r\n\r\nb\",c\r\nd,e\r\n",
            &["2:a\r\n\r\nb/c", "3:d/e"],
        ),
        ("\"h\n\n1\",i\na,b\n", &["2:a/b"]),
        (
            "h,i\n5\" pipe,a\n\nb\",c\"\n",
            &["2:5\" pipe/a", "4:b\"/c\""],
        ),
        (
            "h,i\n\"a\"\"\n\n\"\"\",b\n\nc,d\n",
            &["2:a\"\n\n\"/b", "4:c/d"],
        ),
        ("h,i\n\"a\"b,c\n\nd,e\n", &["2:ab/c", "4:d/e"]),
        ("h,i\na,\"\"\n\nb,\"\"", &["2:a/", "4:b/"]),
        ("h\n", &[]),
    ] {
        assert_eq!(rows(text.as_bytes()), expected, "{text:?}");
        let marked = format!("\u{feff}{text}");
        assert_eq!(rows(marked.as_bytes()), expected, "{text:?} with a mark");
    }
}

#[test]
fn headings_are_trimmed_and_byte_order_marks_are_none_of_them() {
    for text in [
        "email,name\n",
        "\u{feff}email,name\n",
        "\u{feff}\u{feff}email,name\n",
        "\u{feff}\"email\",\"name\"\r\n",
        "\u{feff}\u{feff}\"email\",\"name\"\r\n",
        " email ,\u{a0}name\u{200b}\n",
    ] {
        assert_eq!(header(text.as_bytes()), ["email", "name"], "{text:?}");
    }
    assert_eq!(header(b"'=1+1,'-x,'y\n"), ["=1+1", "-x", "'y"]);
}

#[test]
fn any_usual_delimiter_will_do() {
    for delimiter in [",", ";", "\t", "|"] {
        let text = format!("email{delimiter}name\na@b.c{delimiter}\"x{delimiter}y\"\n");
        let expected = format!("2:a@b.c/x{delimiter}y");
        assert_eq!(rows(text.as_bytes()), [expected], "{delimiter:?}");
    }
}

#[test]
fn a_row_has_one_cell_for_each_heading_or_says_what_it_has() {
    assert_eq!(rows(b"h,i\na,b,,\nc,d, ,\"\"\n"), ["2:a/b", "3:c/d"]);
    assert_eq!(rows(b"h,i\na,b,,c\nd\n"), ["!2:a/b", "!3:d/"]);
    assert_eq!(
        defect(b"h,i\na,b,,c,d\n"),
        Defect::TooManyCells {
            expected: 2,
            found: 5,
            column: 3,
            extra: "c".to_owned()
        }
    );
    assert_eq!(
        defect(b"h,i,j\na\n"),
        Defect::TooFewCells {
            expected: 3,
            found: 1
        }
    );
}

#[test]
fn text_that_is_not_utf8_is_shown_with_its_column() {
    assert_eq!(
        defect(b"h,i\na,G\xFCnter\n"),
        Defect::NotUtf8 {
            column: 1,
            value: "G\u{fffd}nter".to_owned()
        }
    );
    assert_eq!(
        rows_as(b"h,i\nx,G\xFC\nb,c\n", &utf8()),
        ["!2:x/G\u{fffd}", "3:b/c"]
    );
    // Nobody says so, but most of what is not ASCII is UTF-8.
    assert_eq!(
        rows(b"h,i\nJ\xC3\xBCrgen,M\xC3\xBCller\nG\xFCnter,c\n"),
        ["2:Jürgen/Müller", "!3:G\u{fffd}nter/c"]
    );
    // Beyond the last heading, and in a row that would be blank without it.
    assert_eq!(rows_as(b"h,i\n,,\xFC\n", &utf8()), ["!2:/"]);
    let said = read_as(b"\nh,Stra\xDFe\na,b\n", &utf8())
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("row 2: the heading \"Stra\u{fffd}e\" is not in UTF-8"),
        "{said}"
    );
}

#[test]
fn a_quote_without_its_partner_is_told_with_the_row_where_it_stands() {
    let stray = |text: &str, row| {
        let error = read(text.as_bytes()).unwrap_err();
        assert!(
            matches!(error, SheetError::StrayQuote { row: found, .. } if found == row),
            "{text:?}: {error}"
        );
    };
    stray("\"h,i\na,b\n", 1);
    stray("h,i\n\na,b\nc,\"d\n\ne,f\n", 4);
    stray("h,i\na,\"b\nc,\"d\"\ne,f\n", 2);
    stray("h\n\"", 2);
    let many = format!(
        "h,i\n{}x,\"y\n{}",
        "a,b\n".repeat(70_000),
        "c,d\n".repeat(70_000)
    );
    stray(&many, 70_002);
    let more = format!("{many}{}", "c,d\n".repeat(300_000));
    let error = read(more.as_bytes()).unwrap_err();
    assert!(
        matches!(error, SheetError::RowTooLong { row: 70_002, .. }),
        "{error}"
    );
}

#[test]
fn rows_before_a_quote_without_partner_are_read_and_none_after_it() {
    let file = file(b"h,i\na,b\nc,\"d\ne,\"f\ng,h\n");
    let mut reader = take(file.path()).unwrap().open().unwrap();
    assert!(matches!(reader.next(), Some(Ok(Line::Row(_)))));
    assert!(matches!(reader.next(), Some(Err(_))));
    assert!(reader.next().is_none());
}

#[test]
fn a_row_may_be_long_but_not_without_end() {
    let long = "x".repeat(1_000_000);
    assert_eq!(rows(format!("h,i\na,{long}\nb,c\n").as_bytes()).len(), 2);
    for fill in ["x", ",", "\u{e9} "] {
        let text = format!("h,i\na,b\n{}", fill.repeat(3_000_000));
        let error = read(text.as_bytes()).unwrap_err();
        assert!(
            matches!(error, SheetError::RowTooLong { row: 3, .. }),
            "{error}"
        );
    }
    let header = "x".repeat(3_000_000);
    let error = read(header.as_bytes()).unwrap_err();
    assert!(matches!(error, SheetError::RowTooLong { row: 1, .. }));
}

#[test]
fn files_of_other_kinds_are_named_for_what_they_are() {
    for (content, words) in [
        (&b"PK\x03\x04\x14\x00"[..], "damaged, or no workbook"),
        (b"\xD0\xCF\x11\xE0\xA1\xB1", "damaged, or no workbook"),
        (b"%PDF-1.7", "a PDF"),
        (b"email\na\0b\n", "not a text file"),
        (b"<html><table>", "a web page"),
    ] {
        let error = read(content).unwrap_err().to_string();
        assert!(
            error.contains(words) && error.contains("in your spreadsheet program"),
            "{error}"
        );
    }
    for (content, words) in [
        (&b"[{\"email\":1}]"[..], "write it as JSON lines"),
        (b"\x1F\x8B\x08\x00", "unpack it"),
    ] {
        let error = read(content).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    for content in ["", "\u{feff}", "\n", "\r\n \r\n", " ", ",,\n,\n", "\"\"\n"] {
        let error = read(content.as_bytes()).unwrap_err();
        assert!(
            matches!(error, SheetError::Empty(_)),
            "{content:?}: {error}"
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let error = take(folder.path()).unwrap_err();
    assert!(matches!(error, SheetError::Folder(_)), "{error}");
    for (name, of) in [
        ("~$people.xlsx", "people.xlsx"),
        (".~lock.people.ods#", "people.ods"),
    ] {
        let error = take(&folder.path().join(name)).unwrap_err().to_string();
        assert!(
            error.ends_with(&format!("somebody has {of} open; name that one")),
            "{error}"
        );
    }
    let error = take(&folder.path().join("none.csv")).unwrap_err();
    let words = "none.csv cannot be read: there is no such file; ";
    assert!(error.to_string().contains(words), "{error}");
}

#[test]
fn what_was_opened_stays_as_it_was() {
    let file = file(b"h\na\n");
    let snapshot = take(file.path()).unwrap();
    fs::write(file.path(), "h\nb\nc\n").unwrap();
    for _ in 0..2 {
        let lines: Vec<_> = snapshot.open().unwrap().collect();
        assert!(matches!(&lines[..], [Ok(Line::Row(row))] if &row.cells[0] == "a"));
    }
}
