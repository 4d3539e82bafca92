//! Tables for a terminal: columns below each other where they fit, else the cells of a row one after the other.

use unicode_width::UnicodeWidthStr;

/// What is between two cells.
const GAP: &str = "  ";

/// Rows of cells with a heading.
#[derive(Debug)]
pub struct Table {
    /// The heading, then the rows; as many cells each.
    rows: Vec<Vec<String>>,
    /// Columns of numbers.
    right: &'static [usize],
}

impl Table {
    /// A table with these headings. The columns `right`, counted from 0, are numbers.
    #[must_use]
    pub fn new(headings: &[&str], right: &'static [usize]) -> Self {
        let headings = headings.iter().map(|&heading| heading.to_owned());
        Table {
            rows: vec![headings.collect()],
            right,
        }
    }

    /// Adds a row, with a cell for each heading.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        debug_assert_eq!(N, self.rows[0].len());
        self.rows.push(cells.into());
    }

    /// Whether there is nothing but the headings.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.len() == 1
    }

    /// In lines of at most `width`, of any width without one.
    #[must_use]
    pub fn lines(&self, width: Option<usize>) -> String {
        let columns = self.rows[0].len();
        let widest = |column: usize| self.rows.iter().map(|row| row[column].width()).max();
        let widths: Vec<usize> = (0..columns)
            .map(|column| widest(column).unwrap_or(0))
            .collect();
        let whole = widths.iter().sum::<usize>() + (columns - 1) * GAP.len();
        let rows = self.rows.iter();
        match width {
            Some(width) if whole > width => rows.map(|row| flowing(row, width)).collect(),
            _ => rows.map(|row| self.aligned(row, &widths)).collect(),
        }
    }

    fn aligned(&self, row: &[String], widths: &[usize]) -> String {
        let cells = row.iter().zip(widths).enumerate();
        let cells = cells.map(|(column, (cell, width))| {
            // Wide characters take two places: padding by characters would not align them.
            let blanks = " ".repeat(width - cell.width());
            if self.right.contains(&column) {
                blanks + cell
            } else {
                format!("{cell}{blanks}")
            }
        });
        let line = cells.collect::<Vec<_>>().join(GAP);
        format!("{}\n", line.trim_end())
    }
}

/// The cells one after the other; a cell that does not fit any more begins a line, further in.
fn flowing(row: &[String], width: usize) -> String {
    let mut lines = String::new();
    let mut line = String::new();
    for cell in row.iter().filter(|cell| !cell.is_empty()) {
        if line.is_empty() {
            line.push_str(cell);
        } else if line.width() + GAP.len() + cell.width() <= width {
            line = format!("{line}{GAP}{cell}");
        } else {
            lines = format!("{lines}{line}\n");
            line = format!("{GAP}{cell}");
        }
    }
    format!("{lines}{line}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_is_too_wide_flows() {
        let mut table = Table::new(&["NAME", "ID", "MEMBERS"], &[2]);
        table.row(["Sales".into(), "8f5c1d".into(), "12".into()]);
        table.row(["経理部".into(), "77".into(), "1,004".into()]);
        insta::assert_snapshot!(table.lines(None), @r"
        NAME    ID      MEMBERS
        Sales   8f5c1d       12
        経理部  77        1,004
        ");
        assert_eq!(table.lines(Some(23)), table.lines(None));
        insta::assert_snapshot!(table.lines(Some(14)), @r"
        NAME  ID
          MEMBERS
        Sales  8f5c1d
          12
        経理部  77
          1,004
        ");
    }
}
