//! Whether an old workbook (xls) can be taken apart within bounds.
//!
//! Its cells are spread out in memory over the whole area between the first and the last of a sheet,
//! those of all sheets at once. So the records are gone through first, to see how large that would be.

use std::io::Read;

use super::{Bytes, Trouble};
use crate::sheet::file_kind::Misfit;

/// How large the records may be, in bytes.
const LARGEST: u64 = 64 << 20;

/// How many cells there may be between the first and the last of all sheets together.
const MOST_CELLS: u64 = 6 << 20;

/// How many bytes there may be in formulas, which are spelled out.
const MOST_OF_FORMULAS: usize = 16 << 20;

/// How many records are gone through; sheets may share them.
const MOST_RECORDS: u64 = 32 << 20;

const BOUND_SHEET: u16 = 0x0085;
const DIMENSIONS: u16 = 0x0200;
const FORMULA: u16 = 0x0006;
const MANY_NUMBERS: u16 = 0x00BD;
const BEGIN: u16 = 0x0809;
const END: u16 = 0x000A;
/// Records of one cell, which begin with its row and its column.
const CELLS: [u16; 7] = [FORMULA, 0x0203, 0x0204, 0x0205, 0x027E, 0x00FD, 0x00D6];

/// Looks at all records.
pub(super) fn check(bytes: Bytes) -> Result<(), Trouble> {
    let mut file =
        cfb::CompoundFile::open(bytes).map_err(|error| Trouble::Damaged(error.to_string()))?;
    if file.exists("/EncryptedPackage") {
        return Err(Trouble::Password);
    }
    let name = ["/Workbook", "/Book"]
        .into_iter()
        .find(|name| file.is_stream(name));
    let Some(name) = name else {
        let what = "an old Office document without a workbook in it";
        return Err(Trouble::Other(Misfit::to_save_again(what)));
    };
    let stream = file.open_stream(name)?;
    if stream.len() > LARGEST {
        return Err(Trouble::TooLarge(format!(
            "the workbook comes to more than {} MiB",
            LARGEST >> 20
        )));
    }
    let mut records = Vec::new();
    stream.take(LARGEST).read_to_end(&mut records)?;
    let mut sum = Sum::default();
    for (kind, data) in Records(&records) {
        sum.records += 1;
        match kind {
            BOUND_SHEET => {
                if let Some(at) = number(data, 0) {
                    sum.sheet(&records, at)?;
                }
            }
            END => break,
            _ => {}
        }
    }
    Ok(())
}

/// What all sheets come to.
#[derive(Default)]
struct Sum {
    cells: u64,
    formulas: usize,
    records: u64,
}

impl Sum {
    fn sheet(&mut self, records: &[u8], at: usize) -> Result<(), Trouble> {
        let Some(of_sheet) = records.get(at..) else {
            return Err(Trouble::Damaged("a sheet stands behind its end".to_owned()));
        };
        let mut area = Area::default();
        let mut depth = 0_u32;
        for (kind, data) in Records(of_sheet) {
            self.records += 1;
            match kind {
                BEGIN => depth += 1,
                END if depth <= 1 => break,
                END => depth -= 1,
                DIMENSIONS => Sum::promised(data)?,
                FORMULA => self.formulas += data.len(),
                _ => {}
            }
            if let (true, Some(row), Some(column)) = (
                CELLS.contains(&kind) || kind == MANY_NUMBERS,
                short(data, 0),
                short(data, 2),
            ) {
                area.add(row, column);
                if kind == MANY_NUMBERS {
                    let last = short(data, data.len().saturating_sub(2));
                    area.add(row, last.unwrap_or(column));
                }
            }
            if self.records > MOST_RECORDS || self.formulas > MOST_OF_FORMULAS {
                return Err(Trouble::TooLarge("it has too many records".to_owned()));
            }
        }
        self.cells += area.size();
        self.bounded()
    }

    /// Room is made for as many cells as the sheet says it has.
    fn promised(data: &[u8]) -> Result<(), Trouble> {
        let (rows, columns) = match data.len() {
            10 => (short(data, 2), short(data, 6)),
            _ => (number(data, 4).map(|rows| rows as u64), short(data, 10)),
        };
        let promised = Sum {
            cells: rows.unwrap_or(0).saturating_mul(columns.unwrap_or(0)),
            ..Sum::default()
        };
        promised.bounded()
    }

    fn bounded(&self) -> Result<(), Trouble> {
        if self.cells > MOST_CELLS {
            return Err(Trouble::TooLarge(format!(
                "its sheets spread over more than {MOST_CELLS} cells; perhaps one stands far away from the others"
            )));
        }
        Ok(())
    }
}

/// The cells between the first and the last.
#[derive(Default)]
struct Area {
    rows: Option<(u64, u64)>,
    columns: Option<(u64, u64)>,
}

impl Area {
    fn add(&mut self, row: u64, column: u64) {
        let wider = |range: Option<(u64, u64)>, at: u64| {
            let (first, last) = range.unwrap_or((at, at));
            Some((first.min(at), last.max(at)))
        };
        self.rows = wider(self.rows, row);
        self.columns = wider(self.columns, column);
    }

    fn size(&self) -> u64 {
        let length = |range: Option<(u64, u64)>| range.map_or(0, |(first, last)| last - first + 1);
        length(self.rows) * length(self.columns)
    }
}

/// The records from here on, each with its kind.
struct Records<'a>(&'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let [k0, k1, l0, l1, rest @ ..] = self.0 else {
            return None;
        };
        let length = usize::from(u16::from_le_bytes([*l0, *l1]));
        let (data, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((u16::from_le_bytes([*k0, *k1]), data))
    }
}

fn short(data: &[u8], at: usize) -> Option<u64> {
    let bytes = data.get(at..at + 2)?;
    Some(u64::from(u16::from_le_bytes([bytes[0], bytes[1]])))
}

fn number(data: &[u8], at: usize) -> Option<usize> {
    let bytes: [u8; 4] = data.get(at..at + 4)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(bytes)).ok()
}
