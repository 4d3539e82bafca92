//! Values of cells as text, and what is to be known of them.

use calamine::{DataRef, ExcelDateTime};

use super::{Trouble, within};
use crate::sheet::line::Mark;
use crate::sheet::rows::{Filled, SparseRow};

/// From here on, spreadsheet programs do not keep every digit of a whole number.
const FIRST_ROUNDED: f64 = 1e15;

/// A number as text. `zeros` tells how many digits it is shown with at least.
pub(super) fn number(value: f64, zeros: usize) -> (String, Option<Mark>) {
    let is_rounded = value.abs() >= FIRST_ROUNDED;
    // Rust writes no exponent, however large or small the number is.
    let text = if value.fract() == 0.0 && value >= 0.0 {
        format!("{value:0zeros$}")
    } else {
        value.to_string()
    };
    (text, is_rounded.then_some(Mark::Rounded))
}

/// How many digits a number format shows at least, if it shows nothing but digits.
pub(super) fn zeros(format: &str) -> usize {
    let only_zeros = format.len() <= 32 && format.bytes().all(|byte| byte == b'0');
    if only_zeros { format.len() } else { 0 }
}

fn date(date: ExcelDateTime) -> String {
    let (year, month, day, hours, minutes, seconds, _) = date.to_ymd_hms_milli();
    let time = format!("{hours:02}:{minutes:02}:{seconds:02}");
    let day = format!("{year:04}-{month:02}-{day:02}");
    let value = date.as_f64();
    if date.is_duration() || value < 1.0 {
        time
    } else if value.fract() == 0.0 {
        day
    } else {
        format!("{day} {time}")
    }
}

/// A cell that is not empty, as text.
pub(super) fn filled(column: usize, value: &DataRef<'_>, zeros: usize) -> Option<Filled> {
    let (text, mark) = match value {
        DataRef::Empty => return None,
        // Digits are few enough that nothing is lost.
        #[expect(
            clippy::cast_precision_loss,
            reason = "those that lose digits are marked"
        )]
        DataRef::Int(value) => number(*value as f64, zeros),
        DataRef::Float(value) => number(*value, zeros),
        DataRef::String(text) => (text.clone(), None),
        DataRef::SharedString(text) => ((*text).to_owned(), None),
        DataRef::Bool(flag) => (flag.to_string(), None),
        DataRef::DateTime(value) => (date(*value), Some(Mark::Date)),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => (text.clone(), Some(Mark::Date)),
        DataRef::Error(error) => (error.to_string(), Some(Mark::Error)),
    };
    (!text.is_empty()).then_some(Filled { column, text, mark })
}

/// Puts cells together to rows.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    row: Option<SparseRow>,
}

impl Assembly {
    /// Goes to the row of the next cell, counted from 0; gives the row before, if it ended.
    pub(super) fn go_to(&mut self, row: u32) -> Result<Option<SparseRow>, Trouble> {
        let number = u64::from(row) + 1;
        let last = self.row.as_ref().map_or(0, |row| row.number);
        if last == number {
            return Ok(None);
        }
        if last > number {
            return Err(Trouble::Damaged(format!(
                "row {number} stands behind row {last}"
            )));
        }
        let ended = self.row.replace(SparseRow {
            number,
            cells: Vec::new(),
        });
        Ok(ended)
    }

    /// Puts a cell into the row.
    pub(super) fn put(&mut self, cell: Filled) -> Result<(), Trouble> {
        within(cell.column)?;
        let Some(row) = &mut self.row else {
            return Ok(());
        };
        let in_order = row
            .cells
            .last()
            .is_none_or(|last| last.column < cell.column);
        if !in_order {
            return Err(Trouble::Damaged(format!(
                "the cells of row {} are not in order",
                row.number
            )));
        }
        row.cells.push(cell);
        Ok(())
    }

    /// The last row.
    pub(super) fn finish(self) -> Option<SparseRow> {
        self.row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_out_and_keep_the_zeros_that_are_shown() {
        for (value, format, text, mark) in [
            (7.0, "General", "7", None),
            (7.0, "00000", "00007", None),
            (123_456.0, "000", "123456", None),
            (-7.0, "000", "-7", None),
            (0.5, "0", "0.5", None),
            (123_456_789_012.0, "General", "123456789012", None),
            (1.5e-7, "General", "0.00000015", None),
            (
                1_234_567_890_123_450.0,
                "General",
                "1234567890123450",
                Some(Mark::Rounded),
            ),
        ] {
            assert_eq!(
                number(value, zeros(format)),
                (text.to_owned(), mark),
                "{value}"
            );
        }
    }
}
