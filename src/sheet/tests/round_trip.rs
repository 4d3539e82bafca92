//! Cells come back as they were written, whatever is in them and whatever the format.

use proptest::prelude::*;

use super::*;

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
