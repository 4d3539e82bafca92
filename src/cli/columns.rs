//! `headcount columns`: what was understood of a spreadsheet.

use clap::Args;

use super::args::{ProfileArgs, RowsArgs, SpreadsheetArgs};
use super::printed::{OutputFormat, error, print_json, show};
use super::{Exit, JobError};
use crate::inspect::Understood;
use crate::report::say;
use crate::roster::{self, Roster};
use crate::sheet::Original;

const EXAMPLES: &str = "\
Examples:
  headcount columns people.csv
  headcount columns people.csv --map 'Work Mail=email'
  headcount columns people.csv --format json

It asks no node and sends nothing. Exit code 2: the file could not be imported as it is.";

/// Show what was understood of a spreadsheet: its headings, its first rows, what is wrong
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ColumnsArgs {
    #[command(flatten)]
    rows: RowsArgs,
    /// For people, or for programs
    #[arg(long, value_enum, default_value_t, env = "HEADCOUNT_CHECK_FORMAT")]
    format: OutputFormat,
    #[command(flatten)]
    spreadsheet: SpreadsheetArgs,
    #[command(flatten)]
    pub(super) profiles: ProfileArgs,
}

/// `headcount columns`
pub(super) fn columns(args: &ColumnsArgs) -> Result<Exit, JobError> {
    let options = roster::Options {
        default_action: args.rows.action,
        forced_action: false,
        map: args.profiles.node_ref().mappings(&args.spreadsheet.map)?,
    };
    let reading = args.spreadsheet.reading.clone().into();
    let original = Original::take(&args.rows.file).map_err(JobError::usage)?;
    let (roster, problems) =
        Roster::as_far_as_understood(original, &reading, options).map_err(JobError::usage)?;
    let understood = Understood::of(&roster, problems);
    match args.format {
        OutputFormat::Json => print_json(&understood.to_json())?,
        OutputFormat::Text => {
            show(&understood.to_string())?;
            for remark in roster.remarks() {
                say(remark);
            }
            for slip in roster.columns().slips(roster.header()) {
                say(slip);
            }
            if let Some(why) = understood.broken() {
                say(error(why));
            }
        }
    }
    Ok(if understood.is_usable() {
        Exit::Done
    } else {
        Exit::Usage
    })
}
