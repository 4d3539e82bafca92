//! `headcount import`, `lock` and `unlock`: a spreadsheet carried out on a node.

use std::path::PathBuf;

use clap::Args;
use clap::builder::FalseyValueParser;

use super::bulk::BulkUse;
use super::job::Job;
use super::node::NodeArgs;
use super::page::MaskArgs;
use super::printed::Reader;
use super::record::{Origin, StateArgs};
use super::spreadsheet::{RowsArgs, SpreadsheetArgs};
use super::{Exit, Failure};
use crate::guard::MaxErrors;
use crate::report::When;
use crate::roster::Action;
use crate::run::OnConflict;
use crate::sheet::Format;

/// How many people a change of a team names, unless somebody says otherwise.
pub(super) const BATCH: u16 = 100;

const EXAMPLES: &str = "\
Examples:
  headcount import samples/onboarding.csv --sandbox
  headcount import people.csv --region eu --node 1234567890 --rate 180/min
  headcount import people.csv --on-conflict skip --results done.csv
  headcount import people.xlsx --sheet Joiners --create-teams
  headcount import everybody.csv --profile sales --profile berlin
  headcount import changes.csv --action update --map 'Work E-mail=email'

Columns: action, email, id, first_name, last_name, display_name, external_id, active, teams,
remove_teams, roles, remove_roles, new_email, node; the usual names of HR systems are understood.
The results are the same spreadsheet with what happened to every row.";

/// Create, update, lock or unlock the people of a spreadsheet
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ImportArgs {
    #[command(flatten)]
    rows: RowsArgs,
    /// What to do when the email of a new person is taken
    #[arg(long, value_enum, default_value_t, env = "HEADCOUNT_ON_CONFLICT")]
    on_conflict: OnConflict,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    pub(super) node: NodeArgs,
}

pub(super) const LOCK_EXAMPLES: &str = "\
Examples:
  headcount lock leavers.csv --region eu --node 1234567890
  headcount lock leavers.xlsx --profile sales --dry-run    whom it would lock
  headcount lock leavers.csv --yes --protect ceo@example.com --results done.csv

It asks before anybody is locked, and refuses to lock a large part of a node without --allow-locks.";

pub(super) const UNLOCK_EXAMPLES: &str = "\
Examples:
  headcount unlock returners.csv --region eu --node 1234567890
  headcount unlock returners.xlsx --profile sales --dry-run";

/// A list of people, and what happens to all of them.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// The list: a spreadsheet with a column of emails or ids; - for standard input
    file: PathBuf,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    pub(super) node: NodeArgs,
}

/// How the spreadsheet is understood.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Input")]
pub(super) struct InputArgs {
    #[command(flatten)]
    pub(super) spreadsheet: SpreadsheetArgs,
    /// Carry out the rows that make sense although others do not
    #[arg(long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_SKIP_INVALID")]
    pub(super) skip_invalid: bool,
    /// Create the teams and roles that rows are to join and the node does not have
    #[arg(long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_CREATE_TEAMS")]
    pub(super) create_teams: bool,
    /// How many people to name in one change of a team (1: everybody gets calls of their own)
    #[arg(long, value_name = "N", default_value_t = BATCH, value_parser = clap::value_parser!(u16).range(1..), env = "HEADCOUNT_BATCH")]
    pub(super) batch: u16,
    /// Whether changes go together in bulk requests: where the node offers them, always, or never
    #[arg(long, value_enum, default_value_t, env = "HEADCOUNT_BULK")]
    pub(super) bulk: BulkUse,
    /// Change attributes by PUT of the whole account instead of PATCH
    #[arg(long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_REPLACE")]
    pub(super) replace: bool,
}

/// How a run goes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Run")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line, by its name"
)]
pub(super) struct RunArgs {
    /// Show what would be done, and change nothing
    #[arg(short = 'n', long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_DRY_RUN")]
    pub(super) dry_run: bool,
    /// Where the results go (.csv, .tsv, .jsonl, .xlsx); else beside the input as NAME.results.csv
    #[arg(long, value_name = "FILE", env = "HEADCOUNT_RESULTS")]
    pub(super) results: Option<PathBuf>,
    /// Write a report of the run as well: one page of HTML, to look at, to print and to hand on
    #[arg(long, value_name = "FILE.html", env = "HEADCOUNT_REPORT")]
    pub(super) report: Option<PathBuf>,
    #[command(flatten)]
    pub(super) mask: MaskArgs,
    /// Begin results in CSV with a byte order mark, which Excel on Windows needs
    #[arg(long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_BOM")]
    pub(super) bom: bool,
    /// Stop when more rows than this have failed: a number, or a share of all rows
    #[arg(long, value_name = "N|P%", env = "HEADCOUNT_MAX_ERRORS")]
    pub(super) max_errors: Option<MaxErrors>,
    /// Allow to lock or delete as many as this, however large a part of the node that is
    #[arg(long, value_name = "N", env = "HEADCOUNT_ALLOW_LOCKS")]
    pub(super) allow_locks: Option<u64>,
    /// Do not ask before people are locked or deleted
    #[arg(short, long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_YES")]
    pub(super) yes: bool,
    /// Begin anew although an earlier run over this file was cut short
    #[arg(long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_ANEW")]
    pub(super) anew: bool,
    #[command(flatten)]
    pub(super) state: StateArgs,
    /// Say nothing but errors
    #[arg(short, long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_QUIET")]
    pub(super) quiet: bool,
    /// When to show progress
    #[arg(long, value_enum, default_value_t, env = "HEADCOUNT_PROGRESS")]
    pub(super) progress: When,
    /// For people, or for programs: what it came to as one JSON object on standard output
    #[arg(long, value_enum, default_value_t, env = "HEADCOUNT_RUN_FORMAT")]
    pub(super) format: Reader,
}

impl RunArgs {
    /// A format with what the flags say of it.
    pub(super) fn format_of_results(&self, format: Format) -> Format {
        if self.bom { format.with_bom() } else { format }
    }
}

/// `headcount import`
pub(super) async fn import(args: ImportArgs) -> Result<Exit, Failure> {
    args.job()?.carry_out().await
}

impl ListArgs {
    pub(super) fn reader(&self) -> Reader {
        self.run.format
    }
}

impl ImportArgs {
    pub(super) fn reader(&self) -> Reader {
        self.run.format
    }

    pub(super) fn job(self) -> Result<Job, Failure> {
        Ok(Job {
            map: self.node.mappings(&self.input.spreadsheet.map)?,
            file: self.rows.file,
            action: self.rows.action,
            only_action: false,
            on_conflict: self.on_conflict,
            input: self.input,
            run: self.run,
            node: self.node,
            origin: Origin::File,
        })
    }
}

/// `headcount lock` and `headcount unlock`
pub(super) async fn list(args: ListArgs, action: Action) -> Result<Exit, Failure> {
    Job {
        map: args.node.mappings(&args.input.spreadsheet.map)?,
        file: args.file,
        action,
        only_action: true,
        on_conflict: OnConflict::Fail,
        input: args.input,
        run: args.run,
        node: args.node,
        origin: Origin::File,
    }
    .carry_out()
    .await
}
