//! `headcount check`: everything that is wrong with a spreadsheet, and nothing sent.

use std::io::{self, BufWriter, Write};

use clap::Args;

use super::args::{GuardedNodeArgs, OutputArgs, QuietArgs, RowsArgs, SpreadsheetArgs};
use super::printed::{OutputFormat, error, written};
use super::terminal::Terminal;
use super::{Exit, JobError};
use crate::inspect::Check;
use crate::job::FileCheck;
use crate::report::{TerminalWriter, When, say};
use crate::roster;
use crate::sheet::shown;

const EXAMPLES: &str = "\
Examples:
  headcount check people.csv
  headcount check people.csv --profile sales
  headcount check leavers.csv --action lock
  headcount check people.csv --format json > problems.json

Nothing is sent. Where a node is named (--profile, --url, --region with --node, --sandbox), the names
of teams are looked up there. Exit codes: 0 nothing is wrong, 2 there are problems, 3 the node cannot
be asked for its teams.";

/// Say everything that is wrong with a spreadsheet, and send nothing
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    rows: RowsArgs,
    /// For people: like problems together. For programs: every one
    #[arg(long, value_enum, default_value_t, env = "HEADCOUNT_CHECK_FORMAT")]
    format: OutputFormat,
    #[command(flatten)]
    quiet: QuietArgs,
    #[command(flatten)]
    spreadsheet: SpreadsheetArgs,
    #[command(flatten)]
    pub(super) node: GuardedNodeArgs,
}

/// `headcount check`
pub(super) async fn check(args: CheckArgs) -> Result<Exit, JobError> {
    let node = args.node.node_ref();
    let options = roster::Options {
        default_action: args.rows.action,
        forced_action: false,
        map: node.mappings(&args.spreadsheet.map)?,
    };
    let reading = args.spreadsheet.reading.into();
    let caller = Terminal(OutputArgs {
        quiet: args.quiet,
        progress: When::Never,
        format: args.format,
    });
    let file = shown(&args.rows.file);
    let opened = FileCheck::open(args.rows.file, &reading, options, node, &caller)?;
    let mut check = match args.format {
        OutputFormat::Text => {
            Check::for_person(Box::new(TerminalWriter::standard_output()) as Box<dyn Write>)
        }
        OutputFormat::Json => {
            let out = BufWriter::new(io::stdout());
            Check::for_program(Box::new(out) as Box<dyn Write>, &file)
        }
    };
    let unasked = opened.run(&mut check).await;
    let is_fine = check.is_fine();
    written(check.end())?;
    match unasked {
        Some(why) if is_fine => Err(why),
        Some(why) => {
            say(error(&why.message));
            Ok(Exit::Usage)
        }
        None if is_fine => Ok(Exit::Done),
        None => Ok(Exit::Usage),
    }
}
