//! Files that were made to harm, or were damaged: refused in words and within bounds, never a panic.
//!
//! `PROPTEST_CASES=100000 cargo test --release --test cli hostile` tries for longer.

use std::io::{Cursor, Read, Write};
use std::path::Path;

use headcount::sheet::{Line, Original, Reading, SheetError, Snapshot};
use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

type Parts = Vec<(String, Vec<u8>)>;

/// Reads all rows; how many there are.
fn read(bytes: &[u8]) -> Result<usize, SheetError> {
    rows(bytes).map(|rows| rows.len())
}

/// The number of each row that is read, with its cells; without where it is broken.
type Rows = Vec<(u64, Option<Vec<String>>)>;

fn rows(bytes: &[u8]) -> Result<Rows, SheetError> {
    let original = Original::copy("people".to_owned(), &mut &bytes[..])?;
    let judge = |headings: &[String]| headings.iter().filter(|cell| cell.contains("mail")).count();
    let snapshot = Snapshot::of(original, &Reading::default(), &judge)?;
    let mut rows = Rows::new();
    for line in snapshot.open()? {
        rows.push(match line? {
            Line::Row(row) => (
                row.number.0,
                Some(row.cells.iter().map(str::to_owned).collect()),
            ),
            Line::Broken(row) => (row.number.0, None),
        });
    }
    Ok(rows)
}

/// As many columns as a spreadsheet has.
const COLUMNS: usize = 16_384;

/// A damaged file is read, in order and within the measures of a spreadsheet, or refused in words of this program. Panics
/// of the libraries are caught, so that nothing panics says nothing.
fn assert_sound(bytes: &[u8]) {
    match rows(bytes) {
        Ok(rows) => {
            assert!(
                rows.is_sorted_by(|(one, _), (next, _)| one < next),
                "{rows:?}"
            );
            // What is made up takes more room than the file.
            assert!(rows.len() <= 20 * bytes.len(), "{} rows", rows.len());
            let cells = rows.iter().filter_map(|(_, cells)| cells.as_ref());
            let widest = cells.map(Vec::len).max();
            assert!(
                widest.is_none_or(|cells| cells <= COLUMNS),
                "{widest:?} cells"
            );
        }
        Err(error) => {
            let words = error.to_string();
            assert!(words.starts_with("people"), "no file is named: {words}");
            for theirs in ["panicked", "unwrap()", ".rs:", "index out of"] {
                assert!(!words.contains(theirs), "{words}");
            }
        }
    }
}

/// What is damaged below, and how many rows it has before that.
const SAMPLES: [(&str, usize); 8] = [
    ("old.xls", 2),
    ("binary.xlsb", 2),
    ("sheet.ods", 3),
    ("merged-headings.xlsx", 2),
    ("dates-and-numbers.xlsx", 4),
    ("several-sheets.xlsx", 1),
    ("people.jsonl", 2),
    ("utf-16.csv", 2),
];

#[test]
fn what_is_not_damaged_yet_is_read() {
    let found = SAMPLES.map(|(name, _)| {
        let bytes = sample(name);
        assert_sound(&bytes);
        (name, read(&bytes).unwrap())
    });
    assert_eq!(found, SAMPLES);
}

#[track_caller]
fn refused(bytes: &[u8], words: &str) {
    let error = read(bytes).unwrap_err().to_string();
    assert!(error.contains(words), "{error}");
}

fn sample(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/awkward");
    std::fs::read(folder.join(name)).unwrap()
}

fn parts(bytes: &[u8]) -> Parts {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut parts = Parts::new();
    for at in 0..archive.len() {
        let mut part = archive.by_index(at).unwrap();
        let name = String::from_utf8(part.name_raw().to_vec()).unwrap();
        let mut content = Vec::new();
        part.read_to_end(&mut content).unwrap();
        parts.push((name, content));
    }
    parts
}

fn zipped(parts: &Parts, method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, content) in parts {
        writer.start_file(name.as_str(), options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A sample with one of its parts replaced or added.
fn with(sample_name: &str, part: &str, content: impl Into<Vec<u8>>) -> Vec<u8> {
    let mut parts = parts(&sample(sample_name));
    parts.retain(|(name, _)| name != part);
    parts.push((part.to_owned(), content.into()));
    zipped(&parts, CompressionMethod::Deflated)
}

/// A workbook with this for its cells.
fn sheet(rows: &str) -> Vec<u8> {
    let xml = format!(
        "<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>{rows}</sheetData></worksheet>"
    );
    with("formula-cells.xlsx", "xl/worksheets/sheet1.xml", xml)
}

fn cell(name: &str, text: &str) -> String {
    format!("<c r=\"{name}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
}

#[test]
fn parts_that_unpack_to_more_than_they_may_are_refused() {
    let blanks = vec![b' '; 33 << 20];
    let bomb = with("merged-headings.xlsx", "xl/theme/theme1.xml", blanks);
    assert!(bomb.len() < 1 << 20);
    refused(&bomb, "comes to more than 32 MiB");
    let long = format!("<row r=\"1\">{}</row>", cell("A1", &"x".repeat(2 << 20)));
    refused(&sheet(&long), "too large");
    let strings = "<sst uniqueCount=\"4294967295\"><si><t>email</t></si></sst>";
    let lie = with("formula-cells.xlsx", "xl/sharedStrings.xml", strings);
    refused(&lie, "shorter than it says");
}

#[test]
fn a_cell_far_away_costs_nothing_and_is_named() {
    let rows = format!(
        "<row r=\"1\">{}</row><row r=\"2\">{}</row><row r=\"1048576\">{}</row>",
        cell("A1", "email"),
        cell("A2", "ann@example.com"),
        cell("XFD1048576", "x"),
    );
    assert_eq!(read(&sheet(&rows)).unwrap(), 2);
    let beyond = format!("<row r=\"1\">{}</row>", cell("ZZZZ1", "email"));
    assert!(read(&sheet(&beyond)).is_err());
    let back = format!(
        "<row r=\"5\">{}</row><row r=\"2\">{}</row>",
        cell("A5", "email"),
        cell("A2", "ann@example.com")
    );
    refused(&sheet(&back), "row 2 stands behind row 5");
    let twice = format!("<row r=\"1\">{0}{0}</row>", cell("A1", "email"));
    refused(&sheet(&twice), "not in order");
}

#[test]
fn a_workbook_with_a_password_is_named_for_that() {
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    let mut stream = file.create_stream("/EncryptedPackage").unwrap();
    stream.write_all(&[7; 5000]).unwrap();
    drop(stream);
    file.flush().unwrap();
    refused(&file.into_inner().into_inner(), "protected with a password");
    let manifest = "<manifest:manifest><manifest:encryption-data/></manifest:manifest>";
    refused(
        &with("sheet.ods", "META-INF/manifest.xml", manifest),
        "protected with a password",
    );
}

#[test]
fn an_old_workbook_that_claims_too_much_is_refused() {
    let record = |kind: u16, data: &[u8]| {
        let length = u16::try_from(data.len()).unwrap();
        [&kind.to_le_bytes(), &length.to_le_bytes(), data].concat()
    };
    let workbook = |of_sheet: &[u8]| {
        let begin = record(0x0809, &[0, 6, 5, 0, 0, 0, 0, 0]);
        let bound = |at: u32| {
            record(
                0x0085,
                &[&at.to_le_bytes()[..], &[0, 0, 1, 0, b'S']].concat(),
            )
        };
        let end = record(0x000A, &[]);
        let at = begin.len() + bound(0).len() + end.len();
        let at = u32::try_from(at).unwrap();
        let stream = [&begin, &bound(at)[..], &end, &begin, of_sheet, &end].concat();
        let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
        file.create_stream("/Workbook")
            .unwrap()
            .write_all(&stream)
            .unwrap();
        file.flush().unwrap();
        file.into_inner().into_inner()
    };
    let mut dimensions = [0; 14];
    dimensions[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    dimensions[10] = 255;
    refused(
        &workbook(&record(0x0200, &dimensions)),
        "spread over more than",
    );
    let number = |row: u16, column: u16| {
        let mut data = [0; 14];
        data[..2].copy_from_slice(&row.to_le_bytes());
        data[2..4].copy_from_slice(&column.to_le_bytes());
        record(0x0203, &data)
    };
    let corners = [number(0, 0), number(u16::MAX, 255)].concat();
    refused(&workbook(&corners), "spread over more than");
}

#[test]
fn repetitions_of_an_opendocument_sheet_are_bounded_and_its_end_is_missed() {
    let content = |rows: &str, end: &str| {
        let xml = format!(
            "<office:document-content><office:body><office:spreadsheet><table:table table:name=\"S\">{rows}{end}"
        );
        with("sheet.ods", "content.xml", xml)
    };
    let end = "</table:table></office:spreadsheet></office:body></office:document-content>";
    let row = |repeated: &str, cell: &str| {
        format!(
            "<table:table-row table:number-rows-repeated=\"{repeated}\">{cell}</table:table-row>"
        )
    };
    let email =
        "<table:table-cell office:value-type=\"string\"><text:p>email</text:p></table:table-cell>";
    let wide = email.replace(
        "office:",
        "table:number-columns-repeated=\"9999999\" office:",
    );
    refused(&content(&row("1", &wide), end), "16384 columns at most");
    refused(
        &content(&row("99999999999", email), end),
        "more than 1048576 rows",
    );
    refused(&content(&row("1", email), ""), "damaged");
    let blanks = email.replace("email", "<text:s text:c=\"4000000000\"/>");
    refused(&content(&row("1", &blanks), end), "too large");
    let rows = row("1", email) + &row("1048000", "<table:table-cell/>") + &row("3", email);
    assert_eq!(read(&content(&rows, end)).unwrap(), 3);
}

#[test]
fn headers_and_lines_without_measure_are_refused() {
    refused(
        format!("email{}\na\n", ",".repeat(20_000)).as_bytes(),
        "16384 columns",
    );
    let line = format!("{{\"email\":\"{}\"}}\n", "x".repeat(2 << 20));
    refused(
        format!("{{\"email\":\"a@b.c\"}}\n{line}").as_bytes(),
        "line 2: the line is longer",
    );
    let deep = "{\"a\":".repeat(100) + "1" + &"}".repeat(100);
    refused(deep.as_bytes(), "too deep");
    refused(
        b"{\"email\":1,\"email\":2}\n",
        "the key \"email\" is there twice",
    );
    refused(b"{\"email\":1}\n[1]\n", "line 2: this is no JSON object");
}

/// Something to be done to bytes.
fn change(bytes: &mut Vec<u8>, changes: &[(usize, u8)], cut: Option<usize>) {
    for (at, byte) in changes {
        if !bytes.is_empty() {
            let at = at % bytes.len();
            bytes[at] = *byte;
        }
    }
    if let Some(cut) = cut {
        bytes.truncate(cut % (bytes.len() + 1));
    }
}

proptest! {
    #[test]
    fn a_damaged_file_is_read_or_refused(
        name in prop::sample::select(vec![
            "old.xls", "binary.xlsb", "sheet.ods", "merged-headings.xlsx", "people.jsonl", "utf-16.csv",
        ]),
        changes in prop::collection::vec((any::<usize>(), any::<u8>()), 0..6),
        cut in prop::option::weighted(0.2, any::<usize>()),
    ) {
        let mut bytes = sample(name);
        change(&mut bytes, &changes, cut);
        assert_sound(&bytes);
    }

    #[test]
    fn a_damaged_part_of_a_workbook_is_read_or_refused(
        name in prop::sample::select(vec![
            "binary.xlsb", "sheet.ods", "dates-and-numbers.xlsx", "several-sheets.xlsx",
        ]),
        part in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<usize>(), any::<u8>()), 1..6),
        cut in prop::option::weighted(0.2, any::<usize>()),
    ) {
        let mut parts = parts(&sample(name));
        let at = part.index(parts.len());
        change(&mut parts[at].1, &changes, cut);
        assert_sound(&zipped(&parts, CompressionMethod::Stored));
    }

    #[test]
    fn whatever_is_put_into_a_workbook_comes_out(
        rows in prop::collection::vec(
            (1..4_u32, prop::collection::btree_map(0..30_u8, "[a-z\u{e9}0-9;,]{1,6}", 1..5)),
            1..12,
        ),
    ) {
        let mut number = 1;
        let mut xml = format!("<row r=\"1\">{}</row>", cell("A1", "email"));
        let mut expected = Vec::new();
        for (further, cells) in rows {
            number += further;
            let letters = |column: u8| match column {
                0..26 => char::from(b'A' + column).to_string(),
                _ => format!("A{}", char::from(b'A' + column - 26)),
            };
            let written: String = cells
                .iter()
                .map(|(column, text)| cell(&format!("{}{number}", letters(*column)), text))
                .collect();
            xml += &format!("<row r=\"{number}\">{written}</row>");
            expected.push((u64::from(number), cells));
        }
        let original = Original::copy("people".to_owned(), &mut &sheet(&xml)[..]).unwrap();
        let snapshot = Snapshot::of(original, &Reading::default(), &|_| 0).unwrap();
        let mut got = Vec::new();
        for line in snapshot.open().unwrap() {
            let Line::Row(row) = line.unwrap() else { panic!("a broken row") };
            let cells = (0..).zip(row.cells.iter().map(str::to_owned));
            got.push((row.number.0, cells.filter(|(_, cell)| !cell.is_empty()).collect()));
        }
        prop_assert_eq!(got, expected);
    }
}
