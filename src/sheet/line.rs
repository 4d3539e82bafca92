//! What a file is read as: its lines, each a row or something like one.

use csv::StringRecord;
use strum::{EnumCount, VariantArray};

use super::RowNumber;

/// The cells of a row as they came, one for each heading.
pub type Cells = StringRecord;

/// A row with as many cells as there are headings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Where it stands.
    pub number: RowNumber,
    /// Its cells, not trimmed.
    pub cells: Cells,
    /// What is to be known of cells beyond their text: which one, from 0, and what.
    pub marks: Vec<(usize, Mark)>,
}

/// What is to be known of a cell beyond its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumCount, VariantArray)]
pub enum Mark {
    /// It is a date, perhaps because a spreadsheet program took something else for one.
    Date,
    /// It is an error such as `#REF!`.
    Error,
    /// It is a number with more digits than spreadsheet programs keep.
    Rounded,
    /// It is a formula whose value is not in the file.
    NotCalculated,
    /// It is a list, and a text in it has the sign that stands between texts.
    UnclearList,
}

impl Mark {
    const ALL: [Mark; Mark::COUNT] = *Self::VARIANTS.first_chunk().unwrap();

    pub(super) fn to_byte(mark: Option<Mark>) -> u8 {
        let at = mark.and_then(|mark| (1..).zip(Mark::ALL).find(|(_, each)| *each == mark));
        at.map_or(0, |(byte, _)| byte)
    }

    pub(super) fn of_byte(byte: u8) -> Option<Mark> {
        let at = usize::from(byte).checked_sub(1)?;
        Mark::ALL.get(at).copied()
    }
}

/// A row that cannot be understood as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenRow {
    /// Where it stands.
    pub number: RowNumber,
    /// Its cells as far as they can be shown, cut or filled up to the number of headings.
    pub cells: Cells,
    /// What is wrong.
    pub defect: Defect,
}

/// What is wrong with a row before anyone asks what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Defect {
    /// A cell is not UTF-8.
    NotUtf8 {
        /// Which cell, from 0.
        column: usize,
        /// What can be read of it.
        value: String,
    },
    /// There are more cells than headings.
    TooManyCells {
        /// How many headings there are.
        expected: usize,
        /// How many cells.
        found: usize,
        /// Where the first cell beyond the headings that is not empty stands, from 0.
        column: usize,
        /// What stands there.
        extra: String,
    },
    /// There are fewer cells than headings.
    TooFewCells {
        /// How many headings there are.
        expected: usize,
        /// How many cells.
        found: usize,
    },
}

/// A line of the file that is not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A row.
    Row(Row),
    /// Something like a row.
    Broken(BrokenRow),
}
