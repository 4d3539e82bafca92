//! What all commands that read a spreadsheet are told of it.

use std::path::PathBuf;

use clap::Args;

use crate::roster::{Action, Mapping};
use crate::sheet::{Delimiter, Encoding, Reading, SheetName};

/// A spreadsheet whose rows may ask for anything.
#[derive(Debug, Args)]
pub(in crate::cli) struct RowsArgs {
    /// The spreadsheet: xlsx, xls, xlsb, ods, CSV, TSV or JSON lines; - for standard input
    pub(in crate::cli) file: PathBuf,
    /// What rows without an action of their own ask for
    #[arg(
        long,
        value_name = "ACTION",
        default_value = "create",
        env = "HEADCOUNT_ACTION"
    )]
    pub(in crate::cli) action: Action,
}

/// How a spreadsheet is understood.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Input")]
pub(in crate::cli) struct SpreadsheetArgs {
    /// A heading of the file and the column it stands for, or ignore; several with ; between them
    #[arg(
        long,
        value_name = "HEADING=COLUMN",
        value_delimiter = ';',
        env = "HEADCOUNT_MAP"
    )]
    pub(in crate::cli) map: Vec<Mapping>,
    #[command(flatten)]
    pub(in crate::cli) reading: ReadingArgs,
}

/// How the file is read, where what is found out is not right.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Input")]
pub(in crate::cli) struct ReadingArgs {
    /// The sheet of a workbook: its name, or its number from 1
    #[arg(long, value_name = "NAME|N", env = "HEADCOUNT_SHEET")]
    sheet: Option<SheetName>,
    /// The encoding of a text file, such as utf-8, windows-1252 or utf-16le; else it is found out
    #[arg(long, value_name = "NAME", env = "HEADCOUNT_ENCODING")]
    encoding: Option<Encoding>,
    /// What stands between the cells of a text file: , ; | or tab; else it is found out
    #[arg(long, value_name = "SIGN", env = "HEADCOUNT_DELIMITER")]
    delimiter: Option<Delimiter>,
    /// The row with the headings, as the spreadsheet shows it; else it is found out
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), env = "HEADCOUNT_HEADER_ROW")]
    header_row: Option<u64>,
}

impl From<ReadingArgs> for Reading {
    fn from(args: ReadingArgs) -> Self {
        Reading {
            sheet: args.sheet,
            encoding: args.encoding,
            delimiter: args.delimiter,
            header_row: args.header_row,
        }
    }
}
