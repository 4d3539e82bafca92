//! Rows that were put aside, and what is known of them.

use std::fs::File;
use std::sync::Arc;

use super::dialect::Dialect;
use super::remark::Decided;
use super::{Addressing, Fact};

/// Rows that were put aside, and their headings.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) file: File,
    pub(super) header: Arc<[String]>,
    /// The row with the headings; 0 if none has.
    pub(super) below: u64,
    pub(super) addressing: Addressing,
    pub(super) facts: Vec<Fact>,
    pub(super) remarks: Vec<Decided>,
}

impl Table {
    /// How results are written for rows that were in no text: as Excel reads them.
    pub(super) fn dialect(&self) -> Dialect {
        let is_workbook = self.addressing == Addressing::Cells;
        Dialect {
            delimiter: b',',
            bom: is_workbook,
            crlf: is_workbook,
        }
    }
}
