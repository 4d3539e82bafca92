//! Rows put aside in a temporary file, for formats that cannot be read from the start as often as
//! needed: each with its number, and only those of its cells that are not empty.
//!
//! A row is its number (8 bytes), how many cells there are (4), and of each cell where it stands (4),
//! what is to be known of it (1), how long it is (4), and its text. Numbers have the low byte first.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};

use super::cursor::FileCursor;
use super::line::{Cells, Mark};

/// How many columns a row can have: as many as spreadsheet programs have (A to XFD).
pub(super) const MOST_COLUMNS: usize = 16_384;

/// How many bytes of rows are put aside at most.
const MOST_BYTES: u64 = 2 << 30;

/// How long the text of one row may be, in bytes.
const LONGEST_ROW: usize = 1 << 20;

/// A cell that is not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Filled {
    /// Where it stands, from 0.
    pub(super) column: usize,
    pub(super) text: String,
    pub(super) mark: Option<Mark>,
}

/// A row as it was put aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SparseRow {
    pub(super) number: u64,
    pub(super) cells: Vec<Filled>,
}

/// Why rows cannot be put aside.
#[derive(Debug, thiserror::Error)]
pub(super) enum SpoolError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("row {0} is longer than {LONGEST_ROW} bytes")]
    RowTooLong(u64),
    #[error("its rows come to more than {} GiB", MOST_BYTES >> 30)]
    TooMuch,
}

/// Puts rows aside.
#[derive(Debug)]
pub(super) struct RowSpool {
    to: BufWriter<File>,
    written: u64,
    width: usize,
}

impl RowSpool {
    pub(super) fn new() -> io::Result<Self> {
        Ok(RowSpool {
            to: BufWriter::with_capacity(64 << 10, tempfile::tempfile()?),
            written: 0,
            width: 0,
        })
    }

    pub(super) fn put(&mut self, row: &SparseRow) -> Result<(), SpoolError> {
        let length: usize = row.cells.iter().map(|cell| cell.text.len()).sum();
        if length > LONGEST_ROW {
            return Err(SpoolError::RowTooLong(row.number));
        }
        self.written += (12 + 9 * row.cells.len() + length) as u64;
        if self.written > MOST_BYTES {
            return Err(SpoolError::TooMuch);
        }
        self.to.write_all(&row.number.to_le_bytes())?;
        self.to.write_all(&number(row.cells.len()).to_le_bytes())?;
        for cell in &row.cells {
            self.width = self.width.max(cell.column + 1);
            self.to.write_all(&number(cell.column).to_le_bytes())?;
            self.to.write_all(&[Mark::to_byte(cell.mark)])?;
            self.to.write_all(&number(cell.text.len()).to_le_bytes())?;
            self.to.write_all(cell.text.as_bytes())?;
        }
        Ok(())
    }

    /// The file, and how many columns there are.
    pub(super) fn finish(self) -> io::Result<(File, usize)> {
        let file = self
            .to
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        Ok((file, self.width))
    }
}

/// Columns and lengths are bounded far below this.
fn number(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}

/// Reads rows that were put aside.
#[derive(Debug)]
pub(super) struct SpoolReader(BufReader<FileCursor>);

impl SpoolReader {
    pub(super) fn new(file: FileCursor) -> Self {
        SpoolReader(BufReader::with_capacity(64 << 10, file))
    }

    /// The next row; none at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<SparseRow>> {
        if io::BufRead::fill_buf(&mut self.0)?.is_empty() {
            return Ok(None);
        }
        let mut row = SparseRow {
            number: u64::from_le_bytes(self.bytes()?),
            cells: Vec::new(),
        };
        for _ in 0..u32::from_le_bytes(self.bytes()?) {
            let column = u32::from_le_bytes(self.bytes()?) as usize;
            let [mark] = self.bytes()?;
            let mut text = vec![0; u32::from_le_bytes(self.bytes()?) as usize];
            self.0.read_exact(&mut text)?;
            row.cells.push(Filled {
                column,
                text: String::from_utf8(text).map_err(io::Error::other)?,
                mark: Mark::of_byte(mark),
            });
        }
        Ok(Some(row))
    }

    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.0.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

impl SparseRow {
    /// How many cells there are up to the last one that is filled.
    pub(super) fn width(&self) -> usize {
        self.cells.last().map_or(0, |cell| cell.column + 1)
    }

    /// The first `width` cells, the empty ones as well.
    pub(super) fn dense(&self, width: usize) -> Cells {
        let mut cells = Cells::with_capacity(0, width);
        let mut filled = self.cells.iter().peekable();
        for column in 0..width {
            let here = filled.next_if(|cell| cell.column == column);
            cells.push_field(here.map_or("", |cell| &cell.text));
        }
        cells
    }

    /// What is to be known of cells.
    pub(super) fn marks(&self) -> Vec<(usize, Mark)> {
        let marked = |cell: &Filled| cell.mark.map(|mark| (cell.column, mark));
        self.cells.iter().filter_map(marked).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cell() -> impl Strategy<Value = (usize, String, Option<Mark>)> {
        let mark = prop::sample::select(vec![
            None,
            Some(Mark::Date),
            Some(Mark::Error),
            Some(Mark::Rounded),
            Some(Mark::NotCalculated),
            Some(Mark::UnclearList),
        ]);
        (0..MOST_COLUMNS, ".{1,9}", mark)
    }

    proptest! {
        #[test]
        fn what_is_put_aside_comes_back(
            rows in prop::collection::vec((1..9_u64, prop::collection::vec(cell(), 0..6)), 0..20),
        ) {
            let mut number = 0;
            let mut all = Vec::new();
            for (further, mut cells) in rows {
                number += further;
                cells.sort_by_key(|(column, ..)| *column);
                cells.dedup_by_key(|(column, ..)| *column);
                let cells = cells.into_iter().map(|(column, text, mark)| Filled { column, text, mark });
                all.push(SparseRow { number, cells: cells.collect() });
            }
            let mut spool = RowSpool::new().unwrap();
            for row in &all {
                spool.put(row).unwrap();
            }
            let (file, width) = spool.finish().unwrap();
            prop_assert_eq!(width, all.iter().map(SparseRow::width).max().unwrap_or(0));
            let mut back = SpoolReader::new(FileCursor::at_start(file));
            for row in all {
                prop_assert_eq!(back.next().unwrap(), Some(row));
            }
            prop_assert_eq!(back.next().unwrap(), None);
        }
    }

    #[test]
    fn a_row_without_measure_is_refused() {
        let row = SparseRow {
            number: 7,
            cells: vec![Filled {
                column: 0,
                text: "x".repeat(LONGEST_ROW + 1),
                mark: None,
            }],
        };
        let refused = RowSpool::new().unwrap().put(&row).unwrap_err();
        assert_eq!(refused.to_string(), "row 7 is longer than 1048576 bytes");
    }
}
