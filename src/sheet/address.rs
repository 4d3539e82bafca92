//! How messages say where a cell stands.

use super::RowNumber;

/// How messages name the cells of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Addressing {
    /// By the row, and the heading of the column: a text file.
    #[default]
    Rows,
    /// As a spreadsheet program does, such as C17: a workbook.
    Cells,
}

impl Addressing {
    /// The name of a cell, if cells have names. `column` counts from 0.
    #[must_use]
    pub fn cell(self, row: RowNumber, column: usize) -> Option<String> {
        match self {
            Addressing::Rows => None,
            Addressing::Cells => Some(format!("{}{row}", letters(column))),
        }
    }
}

/// The letters of a column: A to Z, AA, AB, …
fn letters(column: usize) -> String {
    let mut letters = Vec::new();
    let mut left = column + 1;
    while left > 0 {
        left -= 1;
        // A remainder by 26 is one of 26 letters.
        letters.push(char::from(b'A' + u8::try_from(left % 26).unwrap_or(0)));
        left /= 26;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_have_the_names_that_spreadsheet_programs_give_them() {
        for (column, name) in [
            (0, "A7"),
            (25, "Z7"),
            (26, "AA7"),
            (701, "ZZ7"),
            (702, "AAA7"),
            (16_383, "XFD7"),
        ] {
            assert_eq!(
                Addressing::Cells.cell(RowNumber(7), column).as_deref(),
                Some(name)
            );
            assert_eq!(Addressing::Rows.cell(RowNumber(7), column), None);
        }
    }
}
