//! Workbooks as rows: one sheet is gone through once, and its rows are put aside.
//!
//! Workbooks are compressed, and libraries that read them keep parts of them in memory. What they would
//! need is looked at first ([`parts`], [`old`]), so that a file which was made to fill the memory is
//! refused before anything is made of it.

mod cells;
mod excel;
mod ods;
mod old;
mod parts;

use std::io::BufReader;

use super::catch_panic::catch_panic;
use super::cursor::FileCursor;
use super::error::SheetError;
use super::file_kind::{FileKind, Misfit, START};
use super::header::{Found, Judge, Search};
use super::original::Original;
use super::reading::Reading;
use super::remark::Decided;
use super::rows::{MOST_COLUMNS, RowSpool, SparseRow, SpoolError};
use super::table::Table;
use super::trim;
use super::{Addressing, Fact, RowNumber};

/// The bytes of a workbook.
type Bytes = BufReader<FileCursor>;

/// Columns without a heading are kept up to this one if there is anything in them. A cell further out
/// is an error of its own: most often a stray one, for which every row would grow.
const KEPT_COLUMNS: usize = 256;

/// How many sheets are looked at to find the one with the rows.
const LOOKED_AT: usize = 16;

/// Why a workbook cannot be read.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("it cannot be read: {0}")]
    Io(#[from] std::io::Error),
    #[error("it is protected with a password")]
    Password,
    #[error("{0}")]
    Damaged(String),
    #[error("{0}")]
    TooLarge(String),
    #[error("it is {0}")]
    Other(Misfit),
    #[error(transparent)]
    RowSpool(#[from] SpoolError),
}

impl Trouble {
    fn of(self, file: &str) -> SheetError {
        let file = file.to_owned();
        match self {
            Trouble::Io(source) => SheetError::Io { file, source },
            Trouble::Password => SheetError::Password(file),
            Trouble::Damaged(what) => SheetError::Damaged { file, what },
            Trouble::TooLarge(what) => SheetError::TooLarge { file, what },
            Trouble::Other(what) => SheetError::NotText { file, what },
            Trouble::RowSpool(SpoolError::Io(source)) => SheetError::NoRoom { file, source },
            Trouble::RowSpool(other) => SheetError::TooLarge {
                file,
                what: other.to_string(),
            },
        }
    }
}

/// A sheet of a workbook.
#[derive(Debug, Clone)]
struct Sheet {
    name: String,
    is_visible: bool,
}

/// Whether more rows are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Go {
    On,
    Stop,
}

/// Takes the rows of a sheet, from the first; rows without anything in them may be left out.
type OnRow<'r> = &'r mut dyn FnMut(SparseRow) -> Result<Go, Trouble>;

/// A workbook of any format.
trait WorkbookReader {
    fn sheets(&self) -> &[Sheet];

    /// Hands on the rows of a sheet, by its place among [`sheets`](Self::sheets).
    fn rows(&mut self, sheet: usize, on_row: OnRow<'_>) -> Result<(), Trouble>;
}

/// Reads a sheet of a workbook and puts its rows aside.
pub(super) fn convert(
    original: &Original,
    reading: &Reading,
    judge: Judge<'_>,
) -> Result<Table, SheetError> {
    let file = original.name();
    // The libraries are careful, but not with everything that a damaged file can say.
    catch_panic(|| {
        let (format, mut workbook) = open(original).map_err(|trouble| trouble.of(file))?;
        let chosen = choose(&mut *workbook, file, reading, judge)?;
        let mut table = take(&mut *workbook, file, chosen)?;
        table.facts.insert(0, Fact::Format(format));
        Ok(table)
    })
    .unwrap_or_else(|_| {
        let what = "its parts contradict each other".to_owned();
        Err(Trouble::Damaged(what).of(file))
    })
}

/// The name of the format, and the workbook.
fn open(original: &Original) -> Result<(&'static str, Box<dyn WorkbookReader>), Trouble> {
    let bytes =
        || -> Result<Bytes, Trouble> { Ok(BufReader::with_capacity(START, original.cursor()?)) };
    let mut first = [0; 4];
    std::io::Read::read_exact(&mut original.cursor()?, &mut first)?;
    if FileKind::of(&first) == FileKind::Compound {
        old::check(bytes()?)?;
        return Ok(("xls", Box::new(excel::Old::open(bytes()?)?)));
    }
    let contents = parts::check(bytes()?)?;
    Ok(match contents.format {
        parts::Format::Xlsx => {
            let workbook = excel::New::open(bytes()?, contents.has_formulas)?;
            ("xlsx", Box::new(workbook))
        }
        parts::Format::Xlsb => ("xlsb", Box::new(excel::Binary::open(bytes()?)?)),
        parts::Format::Ods => ("ods", Box::new(ods::Ods::open(bytes()?)?)),
    })
}

/// The sheet to be read, and its header.
struct Chosen {
    sheet: usize,
    header: Header,
    remarks: Vec<Decided>,
}

struct Header {
    found: Found,
    headings: Vec<String>,
}

/// The sheet that is named; else the first visible one with a header that means something; else the first
/// with anything in it.
fn choose(
    workbook: &mut dyn WorkbookReader,
    file: &str,
    reading: &Reading,
    judge: Judge<'_>,
) -> Result<Chosen, SheetError> {
    let sheets = workbook.sheets().to_vec();
    let names = || -> Vec<String> { sheets.iter().map(|sheet| sheet.name.clone()).collect() };
    let mut header_of = |sheet| {
        let header = header(workbook, sheet, reading.header_row, judge);
        header.map_err(|trouble| trouble.of(file))
    };
    let no_header = || match reading.header_row {
        Some(row) => SheetError::NoHeaderRow {
            file: file.to_owned(),
            row,
        },
        None => SheetError::Empty(file.to_owned()),
    };
    if let Some(named) = &reading.sheet {
        let sheet = named.among(&names()).ok_or_else(|| SheetError::NoSheet {
            file: file.to_owned(),
            name: named.to_string(),
            names: names(),
        })?;
        return Ok(Chosen {
            sheet,
            header: header_of(sheet)?.ok_or_else(no_header)?,
            remarks: Vec::new(),
        });
    }
    let mut filled = Vec::new();
    let visible = (0..sheets.len()).filter(|at| sheets[*at].is_visible);
    for sheet in visible.take(LOOKED_AT) {
        if let Some(header) = header_of(sheet)? {
            filled.push((sheet, header));
        }
    }
    let understood = filled.iter().position(|(_, header)| header.found.worth > 0);
    let at = understood.unwrap_or(0);
    if filled.is_empty() {
        return Err(no_header());
    }
    let (sheet, header) = filled.swap_remove(at);
    let mut others: Vec<usize> = filled.iter().map(|(sheet, _)| *sheet).collect();
    others.sort_unstable();
    let remark = Decided::Sheet {
        read: sheets[sheet].name.clone(),
        others: others.iter().map(|at| sheets[*at].name.clone()).collect(),
    };
    Ok(Chosen {
        sheet,
        header,
        remarks: if others.is_empty() {
            Vec::new()
        } else {
            vec![remark]
        },
    })
}

/// The header of a sheet: the row that is named, or the best among the first.
fn header(
    workbook: &mut dyn WorkbookReader,
    sheet: usize,
    named: Option<u64>,
    judge: Judge<'_>,
) -> Result<Option<Header>, Trouble> {
    let mut search = Search::default();
    let mut best = None;
    workbook.rows(sheet, &mut |row| {
        let is_blank = is_blank(&row);
        if named.is_some_and(|named| row.number > named) {
            return Ok(Go::Stop);
        }
        if is_blank || named.is_some_and(|named| row.number < named) {
            return Ok(Go::On);
        }
        let headings = headings(&row);
        search.look_at(row.number, &headings, judge);
        if let Some(found) = search.found().filter(|found| found.row == row.number) {
            best = Some(Header { found, headings });
        }
        let enough = named.is_some() || search.is_over();
        Ok(if enough { Go::Stop } else { Go::On })
    })?;
    Ok(best)
}

fn headings(row: &SparseRow) -> Vec<String> {
    let cells = row.dense(row.width());
    cells.iter().map(|cell| trim(cell).to_owned()).collect()
}

fn is_blank(row: &SparseRow) -> bool {
    row.cells.iter().all(|cell| trim(&cell.text).is_empty())
}

fn take(
    workbook: &mut dyn WorkbookReader,
    file: &str,
    chosen: Chosen,
) -> Result<Table, SheetError> {
    let Chosen {
        sheet,
        header: Header {
            found,
            mut headings,
        },
        mut remarks,
    } = chosen;
    let no_room = SheetError::no_room(file);
    let mut spool = RowSpool::new().map_err(no_room)?;
    let put = workbook.rows(sheet, &mut |row| {
        if !is_blank(&row) {
            spool.put(&row)?;
        }
        Ok(Go::On)
    });
    put.map_err(|trouble| trouble.of(file))?;
    let (rows, width) = spool.finish().map_err(no_room)?;
    let named = headings.iter().rposition(|heading| !heading.is_empty());
    headings.truncate(named.map_or(0, |last| last + 1));
    let kept = width.min(KEPT_COLUMNS).max(headings.len());
    headings.resize(kept, String::new());
    remarks.extend(found.remark());
    Ok(Table {
        file: rows,
        header: headings.into(),
        below: found.row,
        addressing: Addressing::Cells,
        facts: vec![
            Fact::Sheet(workbook.sheets()[sheet].name.clone()),
            Fact::HeaderRow(RowNumber(found.row)),
        ],
        remarks,
    })
}

/// Refuses a column that no spreadsheet program has.
fn within(column: usize) -> Result<(), Trouble> {
    if column < MOST_COLUMNS {
        return Ok(());
    }
    Err(Trouble::Damaged(format!(
        "a cell stands in column {}, and there are {MOST_COLUMNS} columns at most",
        column + 1
    )))
}
