//! Files as they come: rows keep their numbers, cells come back as they were written.

use std::fs;
use std::io::Write;

use proptest::prelude::*;

use super::*;

/// A file with this in it, read to its end or to where it cannot be read.
fn read(content: &[u8]) -> Result<Vec<Line>, SheetError> {
    read_as(content, &Reading::default())
}

fn read_as(content: &[u8], reading: &Reading) -> Result<Vec<Line>, SheetError> {
    let file = file(content);
    Snapshot::take(file.path(), reading, &|_| 0)?
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
    Snapshot::take(path, &Reading::default(), &|_| 0)
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
        (b"[{\"email\":1}]", "a JSON document"),
        (b"<html><table>", "a web page"),
    ] {
        let error = read(content).unwrap_err().to_string();
        assert!(
            error.contains(words) && error.contains("in your spreadsheet program"),
            "{error}"
        );
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
    let error = take(&folder.path().join("none.csv")).unwrap_err();
    assert!(error.to_string().contains("none.csv"), "{error}");
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

/// A table written as a file is, and read back.
fn through(table: &[Vec<String>], format: Format) -> (Dialect, Vec<Vec<String>>) {
    let mut content = Vec::new();
    let mut writer = Writer::new(&mut content, format, &table[0]).unwrap();
    for row in &table[1..] {
        let cells: Vec<_> = row.iter().map(|cell| Cell::Text(cell)).collect();
        writer.row(&cells).unwrap();
    }
    writer.finish().unwrap();
    let file = file(&content);
    let reader = take(file.path()).unwrap().open().unwrap();
    let mut back = vec![reader.header().to_vec()];
    let dialect = reader.dialect();
    for (at, line) in reader.enumerate() {
        match line.unwrap() {
            Line::Row(row) => {
                assert_eq!(row.number.0, at as u64 + 2);
                back.push(row.cells.iter().map(str::to_owned).collect());
            }
            Line::Broken(row) => panic!("{row:?}"),
        }
    }
    (dialect, back)
}

/// The same for a workbook, read back by a library that it is not written with.
fn through_workbook(table: &[Vec<String>]) -> Vec<Vec<String>> {
    use calamine::{Data, Reader as _, Xlsx, open_workbook_from_rs};

    let mut writer = Writer::new(Vec::new(), Format::Xlsx, &table[0]).unwrap();
    for row in &table[1..] {
        let cells: Vec<_> = row.iter().map(|cell| Cell::Text(cell)).collect();
        writer.row(&cells).unwrap();
    }
    let content = std::io::Cursor::new(writer.finish().unwrap());
    let mut book: Xlsx<_> = open_workbook_from_rs(content).unwrap();
    assert!(book.worksheet_formula("Sheet1").unwrap().is_empty());
    let text = |cell: &Data| match cell {
        Data::Empty => String::new(),
        Data::String(text) => text.clone(),
        other => panic!("{other:?} is no text"),
    };
    let range = book.worksheet_range("Sheet1").unwrap();
    range
        .rows()
        .map(|row| row.iter().map(text).collect())
        .collect()
}

/// JSON lines read back: the headings of the first row, and all rows.
fn through_json_lines(table: &[Vec<String>]) -> Vec<Vec<String>> {
    let mut writer = Writer::new(Vec::new(), Format::JsonLines, &table[0]).unwrap();
    for row in &table[1..] {
        let cells: Vec<_> = row.iter().map(|cell| Cell::Text(cell)).collect();
        writer.row(&cells).unwrap();
    }
    let content = String::from_utf8(writer.finish().unwrap()).unwrap();
    let cells = |line: &str| -> Vec<String> {
        let object: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(line).unwrap();
        let cells = table[0]
            .iter()
            .map(|heading| object[heading].as_str().unwrap());
        cells.map(str::to_owned).collect()
    };
    content.lines().map(cells).collect()
}

/// Text with all that is special to a file, short enough to meet itself.
const CELL_OF_WORKBOOK: &str = "['=+@-]{0,2}(_x00[04][01D]_|[01E5.]{1,20}|true|[a_x,;\"'\t\r\n\0\u{b}\u{1f} &<>\u{feff}\u{fffe}\u{ffff}\u{a0}é😀-]{0,6}){0,3}";

/// The same for text files.
const CELL: &str = "['=+@-]{0,2}[a,;|\"'=+@\t\r\n \u{feff}\u{a0}é-]{0,6}";

fn dialect() -> impl Strategy<Value = Dialect> {
    let delimiter = prop::sample::select(vec![b',', b';', b'\t', b'|']);
    (delimiter, any::<bool>(), any::<bool>()).prop_map(|(delimiter, bom, crlf)| Dialect {
        delimiter,
        bom,
        crlf,
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        dialect in dialect(),
        headings in prop::collection::vec("[a-z,;|\"\n=']{0,5}", 0..5),
        rows in prop::collection::vec(prop::collection::vec(CELL, 5), 0..6),
    ) {
        let width = headings.len() + 1;
        // Neither the header nor a row is blank: blank ones are no rows.
        let mut table = vec![vec!["email".to_owned()]];
        table[0].extend(headings.iter().map(|heading| trim(heading).to_owned()));
        for row in rows {
            let mut row = row[..width].to_vec();
            row[0].push('x');
            table.push(row);
        }
        let (seen, back) = through(&table, Format::Like(dialect));
        prop_assert_eq!(back, table.clone());
        prop_assert_eq!(seen.bom, dialect.bom);
        prop_assert_eq!(seen.crlf, dialect.crlf);
        if width > 1 {
            prop_assert_eq!(seen.delimiter, dialect.delimiter);
        }
        for format in [Format::Csv, Format::Tsv] {
            prop_assert_eq!(&through(&table, format).1, &table);
        }
    }

    #[test]
    fn what_is_written_into_a_workbook_or_json_is_read_back_without_a_guard(
        rows in prop::collection::vec(prop::collection::vec(CELL_OF_WORKBOOK, 3), 1..6),
    ) {
        let mut table = vec![vec!["email".to_owned(), "=b".to_owned(), " c ".to_owned()]];
        table.extend(rows);
        for row in &mut table {
            row[0].push('x');
        }
        prop_assert_eq!(&through_workbook(&table), &table);
        prop_assert_eq!(&through_json_lines(&table)[..], &table[1..]);
    }

    #[test]
    fn what_is_written_in_json_lines_is_read_back(
        headings in prop::collection::btree_set("[a-z.,;|\"\n=']{1,5}", 1..5),
        rows in prop::collection::vec(prop::collection::vec(CELL, 5), 1..6),
    ) {
        let header: Vec<String> = headings.into_iter().collect();
        let mut content = Vec::new();
        let mut writer = Writer::new(&mut content, Format::JsonLines, &header).unwrap();
        let mut table = Vec::new();
        for mut row in rows {
            row.truncate(header.len());
            row[0].push('x');
            let cells: Vec<_> = row.iter().map(|cell| Cell::Text(cell)).collect();
            writer.row(&cells).unwrap();
            table.push(row);
        }
        writer.finish().unwrap();
        let file = file(&content);
        let reader = take(file.path()).unwrap().open().unwrap();
        prop_assert_eq!(reader.header(), &header[..]);
        let back: Vec<Vec<String>> = reader.map(|line| match line.unwrap() {
            Line::Row(row) => row.cells.iter().map(str::to_owned).collect(),
            Line::Broken(row) => panic!("{row:?}"),
        }).collect();
        prop_assert_eq!(back, table);
    }

    #[test]
    fn the_encoding_makes_no_difference(
        cells in prop::collection::vec("[a-z,\"éüß;|]{1,8}", 1..6),
        line_break in prop::sample::select(vec!["\n", "\r\n", "\r"]),
    ) {
        let mut text = format!("email{line_break}");
        for cell in &cells {
            text += &format!("\"x{}\"{line_break}", cell.replace('"', "\"\""));
        }
        let expected = rows_as(text.as_bytes(), &utf8());
        let wide = |text: &str, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
            text.encode_utf16().flat_map(bytes).collect()
        };
        let marked = format!("\u{feff}{text}");
        prop_assert_eq!(&rows(&wide(&marked, u16::to_le_bytes)), &expected);
        prop_assert_eq!(&rows(&wide(&marked, u16::to_be_bytes)), &expected);
        prop_assert_eq!(&rows(&wide(&text, u16::to_le_bytes)), &expected);
        let western = Reading { encoding: "windows-1252".parse().ok(), ..Reading::default() };
        let (bytes, _, _) = encoding_rs::WINDOWS_1252.encode(&text);
        prop_assert_eq!(&rows_as(&bytes, &western), &expected);
    }

    #[test]
    fn blank_lines_count_wherever_they_stand(
        first in 0..3_usize,
        lines in prop::collection::vec((any::<bool>(), 0..4_usize, "[a\"\n\r,]{0,4}"), 0..20),
        line_break in prop::sample::select(vec!["\n", "\r\n", "\r"]),
    ) {
        let mut text = line_break.repeat(first) + "h,i" + line_break;
        let mut row = first as u64 + 1;
        let mut expected = Vec::new();
        for (blank, kind, cell) in lines {
            row += 1;
            if blank {
                text += ["", " ", ",", "\"\",\u{200b}"][kind];
            } else {
                let quoted = cell.replace('"', "\"\"");
                text += &format!("x,\"{quoted}\"");
                expected.push((row, cell));
            }
            text += line_break;
        }
        let got: Vec<_> = read(text.as_bytes()).unwrap().into_iter().map(|line| match line {
            Line::Row(row) => (row.number.0, row.cells[1].to_owned()),
            Line::Broken(row) => panic!("{row:?}"),
        }).collect();
        prop_assert_eq!(got, expected);
    }

    #[test]
    fn any_file_at_all_is_read_in_order_or_refused(
        content in prop::collection::vec(
            prop_oneof![
                4 => prop::sample::select(b"ab,;\t|\"\"\n\r' =\xFC\xEF\xBB\xBF".to_vec()),
                1 => any::<u8>(),
            ],
            0..200,
        ),
    ) {
        let file = file(&content);
        if let Ok(reader) = take(file.path()).and_then(|snapshot| snapshot.open()) {
            let width = reader.header().len();
            let mut last = RowNumber(0);
            for line in reader {
                let Ok(line) = line else { break };
                prop_assert!(number(&line) > last);
                last = number(&line);
                let (Line::Row(Row { cells, .. }) | Line::Broken(BrokenRow { cells, .. })) = &line;
                prop_assert_eq!(cells.len(), width);
            }
        }
    }
}
