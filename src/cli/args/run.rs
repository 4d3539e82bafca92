//! What commands that carry rows out are told: how the rows are understood, and how the run goes.

use std::path::PathBuf;

use clap::Args;
use clap::builder::FalseyValueParser;

use super::node::NodeArgs;
use super::quiet::QuietArgs;
use super::spreadsheet::SpreadsheetArgs;
use crate::cli::Failure;
use crate::cli::printed::Reader;
use crate::guard::MaxErrors;
use crate::ledger::Shelf;
use crate::report::When;
use crate::report::page::Mask;
use crate::sheet::Format;

/// How many people a change of a team names, unless somebody says otherwise.
pub(in crate::cli) const BATCH: u16 = 100;

/// How the spreadsheet is understood.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Input")]
pub(in crate::cli) struct InputArgs {
    #[command(flatten)]
    pub(in crate::cli) spreadsheet: SpreadsheetArgs,
    /// Carry out the rows that make sense although others do not
    #[arg(long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_SKIP_INVALID")]
    pub(in crate::cli) skip_invalid: bool,
    /// Create the teams and roles that rows are to join and the node does not have
    #[arg(long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_CREATE_TEAMS")]
    pub(in crate::cli) create_teams: bool,
    /// How many people to name in one change of a team (1: everybody gets calls of their own)
    #[arg(long, value_name = "N", default_value_t = BATCH, value_parser = clap::value_parser!(u16).range(1..), env = "HEADCOUNT_BATCH")]
    pub(in crate::cli) batch: u16,
    /// Whether changes go together in bulk requests: where the node offers them, always, or never
    #[arg(long, value_enum, default_value_t, env = "HEADCOUNT_BULK")]
    pub(in crate::cli) bulk: BulkUse,
    /// Change attributes by PUT of the whole account instead of PATCH
    #[arg(long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_REPLACE")]
    pub(in crate::cli) replace: bool,
}

impl InputArgs {
    /// Adds what the profiles of the nodes say of headings.
    pub(in crate::cli) fn map_by(&mut self, node: &NodeArgs) -> Result<(), Failure> {
        let map = &mut self.spreadsheet.map;
        *map = node.mappings(map)?;
        Ok(())
    }
}

/// Whether changes go together in bulk requests (`POST /Bulk`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(in crate::cli) enum BulkUse {
    /// Where the node says that it takes them
    #[default]
    Auto,
    /// Also where the node does not say so
    On,
    /// Never
    Off,
}

/// How a run goes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Run")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line, by its name"
)]
pub(in crate::cli) struct RunArgs {
    /// Show what would be done, and change nothing
    #[arg(short = 'n', long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_DRY_RUN")]
    pub(in crate::cli) dry_run: bool,
    /// Where the results go (.csv, .tsv, .jsonl, .xlsx); else beside the input as NAME.results.csv
    #[arg(long, value_name = "FILE", env = "HEADCOUNT_RESULTS")]
    pub(in crate::cli) results: Option<PathBuf>,
    /// Write a report of the run as well: one page of HTML, to look at, to print and to hand on
    #[arg(long, value_name = "FILE.html", env = "HEADCOUNT_REPORT")]
    pub(in crate::cli) report: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) mask: MaskArgs,
    /// Begin results in CSV with a byte order mark, which Excel on Windows needs
    #[arg(long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_BOM")]
    pub(in crate::cli) bom: bool,
    /// Stop when more rows than this have failed: a number, or a share of all rows
    #[arg(long, value_name = "N|P%", env = "HEADCOUNT_MAX_ERRORS")]
    pub(in crate::cli) max_errors: Option<MaxErrors>,
    /// Allow to lock or delete as many as this, however large a part of the node that is
    #[arg(long, value_name = "N", env = "HEADCOUNT_ALLOW_LOCKS")]
    pub(in crate::cli) allow_locks: Option<u64>,
    /// Do not ask before people are locked or deleted
    #[arg(short, long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_YES")]
    pub(in crate::cli) yes: bool,
    /// Continue the unfinished run of this job
    #[arg(long, value_parser = FalseyValueParser::new(), conflicts_with = "anew", env = "HEADCOUNT_RESUME")]
    pub(in crate::cli) resume: bool,
    /// Start over although an earlier run of this file has not finished
    #[arg(long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_ANEW")]
    pub(in crate::cli) anew: bool,
    #[command(flatten)]
    pub(in crate::cli) state: StateArgs,
    #[command(flatten)]
    pub(in crate::cli) quiet: QuietArgs,
    /// When to show progress
    #[arg(long, value_enum, default_value_t, env = "HEADCOUNT_PROGRESS")]
    pub(in crate::cli) progress: When,
    /// For people, or for programs: what it came to as one JSON object on standard output
    #[arg(long, value_enum, default_value_t, env = "HEADCOUNT_RUN_FORMAT")]
    pub(in crate::cli) format: Reader,
}

impl RunArgs {
    /// A format with what the flags say of it.
    pub(in crate::cli) fn format_of_results(&self, format: Format) -> Format {
        if self.bom { format.with_bom() } else { format }
    }
}

/// Whether people are named on a page.
#[derive(Debug, Clone, Copy, Args)]
pub(in crate::cli) struct MaskArgs {
    /// Mask names and emails in the report: j***@e***.com
    #[arg(long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_REPORT_MASK")]
    report_mask: bool,
}

impl MaskArgs {
    pub(in crate::cli) fn mask(self) -> Mask {
        if self.report_mask {
            Mask::On
        } else {
            Mask::Off
        }
    }
}

/// Where the records of runs are.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct StateArgs {
    /// The folder with the records of runs, instead of the platform's
    #[arg(
        long,
        value_name = "DIR",
        env = "HEADCOUNT_STATE_DIR",
        help_heading = "Run"
    )]
    state_dir: Option<PathBuf>,
}

impl StateArgs {
    pub(in crate::cli) fn shelf(&self) -> Result<Shelf, Failure> {
        Ok(Shelf::at(self.state_dir.as_deref())?)
    }
}
