//! Workbooks read back by a library that the program does not write them with.

use std::path::Path;

use calamine::{Data, Reader, Xlsx, open_workbook};

use super::{Desk, Row};

impl Desk {
    /// The first sheet of a workbook, by heading: at least one row. Every cell is a text or a number.
    #[track_caller]
    pub fn workbook(&self, name: &str) -> Vec<Row> {
        let cells = cells(&self.path(name));
        let text = |cell: &Data| match cell {
            Data::Empty => String::new(),
            Data::String(text) => text.clone(),
            Data::Float(number) => number.to_string(),
            other => panic!("{name}: {other:?}"),
        };
        let headings: Vec<String> = cells[0].iter().map(text).collect();
        assert!(cells.len() > 1, "{name} has no rows");
        let rows = cells[1..].iter();
        rows.map(|row| headings.iter().cloned().zip(row.iter().map(text)).collect())
            .collect()
    }
}

/// All cells of the first sheet.
#[track_caller]
pub fn cells(path: &Path) -> Vec<Vec<Data>> {
    let mut book: Xlsx<_> =
        open_workbook(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let name = book.sheet_names()[0].clone();
    assert!(
        book.worksheet_formula(&name).unwrap().is_empty(),
        "there are formulas"
    );
    let range = book.worksheet_range(&name).unwrap();
    range.rows().map(<[Data]>::to_vec).collect()
}

/// A part of the file, as it stands there.
pub fn part(path: &Path, name: &str) -> String {
    use std::io::Read;

    let file = std::fs::File::open(path).unwrap();
    let mut archive = zip::ZipArchive::new(file).unwrap();
    let mut text = String::new();
    archive
        .by_name(name)
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    text
}
