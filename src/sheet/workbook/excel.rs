//! Workbooks of Excel.

use std::collections::HashSet;
use std::fmt;

use calamine::{
    Data, DataRef, Reader, Sheet as Metadata, SheetType, SheetVisible, Xls, XlsError, Xlsb,
    XlsbError, Xlsx, XlsxError,
};

use super::cells::{Assembly, filled, zeros};
use super::{Bytes, Go, OnRow, Sheet, Trouble, WorkbookReader};
use crate::sheet::line::Mark;
use crate::sheet::rows::{Filled, SparseRow};

/// How many formulas without a value are noted.
const MOST_NOTED: usize = 1 << 20;

/// A workbook, and its sheets with cells.
fn open<B: Reader<Bytes>>(
    bytes: Bytes,
    is_password: impl Fn(&B::Error) -> bool,
) -> Result<(B, Vec<Sheet>), Trouble>
where
    B::Error: fmt::Display,
{
    let workbook = B::new(bytes).map_err(|error| match error {
        error if is_password(&error) => Trouble::Password,
        error => damaged(error),
    })?;
    let with_cells = |sheet: &&Metadata| sheet.typ == SheetType::WorkSheet;
    let sheets = workbook.sheets_metadata().iter().filter(with_cells);
    let sheets = sheets.map(|sheet| Sheet {
        name: sheet.name.clone(),
        is_visible: sheet.visible == SheetVisible::Visible,
    });
    let sheets = sheets.collect();
    Ok((workbook, sheets))
}

fn damaged(error: impl fmt::Display) -> Trouble {
    Trouble::Damaged(error.to_string())
}

/// xlsx: cells come one after the other.
pub(super) struct New {
    workbook: Xlsx<Bytes>,
    sheets: Vec<Sheet>,
    has_formulas: bool,
}

impl New {
    pub(super) fn open(bytes: Bytes, has_formulas: bool) -> Result<Self, Trouble> {
        let (workbook, sheets) = open(bytes, |error| matches!(error, XlsxError::Password))?;
        Ok(New {
            workbook,
            sheets,
            has_formulas,
        })
    }

    /// Where the formulas are whose values are not in the file: a program that calculates nothing has
    /// written them.
    fn not_calculated(&mut self, name: &str) -> Result<HashSet<(u32, u32)>, Trouble> {
        let mut found = HashSet::new();
        if !self.has_formulas {
            return Ok(found);
        }
        let mut cells = self
            .workbook
            .worksheet_cells_reader(name)
            .map_err(damaged)?;
        while let Some(cell) = cells.next_cell_with_formula_metadata().map_err(damaged)? {
            if cell.formula.is_some() && matches!(cell.value, DataRef::Empty) {
                found.insert(cell.pos);
            }
            if found.len() > MOST_NOTED {
                return Err(Trouble::TooLarge(
                    "it has too many formulas without a value".to_owned(),
                ));
            }
        }
        Ok(found)
    }
}

impl WorkbookReader for New {
    fn sheets(&self) -> &[Sheet] {
        &self.sheets
    }

    fn rows(&mut self, sheet: usize, on_row: OnRow<'_>) -> Result<(), Trouble> {
        let name = self.sheets[sheet].name.clone();
        let open = self.not_calculated(&name)?;
        let mut cells = self
            .workbook
            .worksheet_cells_reader(&name)
            .map_err(damaged)?;
        let padded: Vec<usize> = cells
            .styles()
            .iter()
            .map(|style| {
                let format = style.number_format.as_ref();
                format.map_or(0, |format| zeros(&format.format_code))
            })
            .collect();
        let mut assembly = Assembly::default();
        while let Some((cell, style)) = cells.next_cell_with_style_id().map_err(damaged)? {
            let (row, column) = cell.get_position();
            if let Some(ended) = assembly.go_to(row)?
                && on_row(ended)? == Go::Stop
            {
                return Ok(());
            }
            let zeros = padded.get(style).copied().unwrap_or(0);
            let value = filled(column as usize, cell.get_value(), zeros);
            let no_value = || {
                open.contains(&(row, column)).then(|| Filled {
                    column: column as usize,
                    text: "(formula)".to_owned(),
                    mark: Some(Mark::NotCalculated),
                })
            };
            if let Some(cell) = value.or_else(no_value) {
                assembly.put(cell)?;
            }
        }
        finish(assembly, on_row)
    }
}

/// xlsb: the same in a binary form.
pub(super) struct Binary {
    workbook: Xlsb<Bytes>,
    sheets: Vec<Sheet>,
}

impl Binary {
    pub(super) fn open(bytes: Bytes) -> Result<Self, Trouble> {
        let (workbook, sheets) = open(bytes, |error| matches!(error, XlsbError::Password))?;
        Ok(Binary { workbook, sheets })
    }
}

impl WorkbookReader for Binary {
    fn sheets(&self) -> &[Sheet] {
        &self.sheets
    }

    fn rows(&mut self, sheet: usize, on_row: OnRow<'_>) -> Result<(), Trouble> {
        let name = self.sheets[sheet].name.clone();
        let mut cells = self
            .workbook
            .worksheet_cells_reader(&name)
            .map_err(damaged)?;
        let mut assembly = Assembly::default();
        while let Some(cell) = cells.next_cell().map_err(damaged)? {
            let (row, column) = cell.get_position();
            if let Some(ended) = assembly.go_to(row)?
                && on_row(ended)? == Go::Stop
            {
                return Ok(());
            }
            if let Some(cell) = filled(column as usize, cell.get_value(), 0) {
                assembly.put(cell)?;
            }
        }
        finish(assembly, on_row)
    }
}

/// xls: the whole workbook is in memory.
pub(super) struct Old {
    workbook: Xls<Bytes>,
    sheets: Vec<Sheet>,
}

impl Old {
    pub(super) fn open(bytes: Bytes) -> Result<Self, Trouble> {
        let (workbook, sheets) = open(bytes, |error| matches!(error, XlsError::Password))?;
        Ok(Old { workbook, sheets })
    }
}

impl WorkbookReader for Old {
    fn sheets(&self) -> &[Sheet] {
        &self.sheets
    }

    fn rows(&mut self, sheet: usize, on_row: OnRow<'_>) -> Result<(), Trouble> {
        let name = &self.sheets[sheet].name;
        let range = self.workbook.worksheet_range(name).map_err(damaged)?;
        let Some((first_row, first_column)) = range.start() else {
            return Ok(());
        };
        for (number, cells) in (u64::from(first_row) + 1..).zip(range.rows()) {
            let cells = (first_column as usize..).zip(cells);
            let row = SparseRow {
                number,
                cells: cells
                    .filter_map(|(column, value)| filled(column, &borrowed(value), 0))
                    .collect(),
            };
            if on_row(row)? == Go::Stop {
                break;
            }
        }
        Ok(())
    }
}

fn borrowed(value: &Data) -> DataRef<'_> {
    match value {
        Data::Int(value) => DataRef::Int(*value),
        Data::Float(value) => DataRef::Float(*value),
        Data::String(text) => DataRef::SharedString(text),
        Data::Bool(flag) => DataRef::Bool(*flag),
        Data::DateTime(date) => DataRef::DateTime(*date),
        Data::DateTimeIso(text) => DataRef::DateTimeIso(text.clone()),
        Data::DurationIso(text) => DataRef::DurationIso(text.clone()),
        Data::Error(error) => DataRef::Error(error.clone()),
        Data::Empty => DataRef::Empty,
    }
}

fn finish(assembly: Assembly, on_row: OnRow<'_>) -> Result<(), Trouble> {
    if let Some(last) = assembly.finish() {
        on_row(last)?;
    }
    Ok(())
}
