//! What commands that carry rows out are told: how the rows are understood, and how the run goes.

use std::path::PathBuf;

use clap::Args;
use clap::builder::FalseyValueParser;

use super::quiet::QuietArgs;
use super::spreadsheet::SpreadsheetArgs;
use crate::cli::printed::OutputFormat;
use crate::guard::MaxErrors;
use crate::job::{JobError, NodeRef, OnUnfinished, ReportOptions, RunOptions};
use crate::ledger::RunStore;
use crate::report::When;
use crate::report::page::Mask;
use crate::roster::Action;
use crate::spec::{BulkUse, ImportSpec};

/// How the spreadsheet is understood.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Input")]
pub(in crate::cli) struct InputArgs {
    #[command(flatten)]
    spreadsheet: SpreadsheetArgs,
    /// Carry out the rows that make sense although others do not
    #[arg(long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_SKIP_INVALID")]
    skip_invalid: bool,
    /// Whether changes go together in bulk requests: where the node offers them, always, or never
    #[arg(long, value_enum, default_value_t, env = "HEADCOUNT_BULK")]
    bulk: BulkUse,
    /// Change attributes by PUT of the whole account instead of PATCH
    #[arg(long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_REPLACE")]
    replace: bool,
}

/// What rows that join teams need.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Input")]
pub(in crate::cli) struct TeamArgs {
    /// Create the teams and roles that rows are to join and the node does not have
    #[arg(long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_CREATE_TEAMS")]
    create_teams: bool,
    /// How many people to name in one change of a team (1: everybody gets calls of their own)
    #[arg(long, value_name = "N", default_value_t = ImportSpec::BATCH, value_parser = clap::value_parser!(u16).range(1..), env = "HEADCOUNT_BATCH")]
    batch: u16,
}

impl InputArgs {
    /// What is done with the rows: by default `action`. Profiles of `node` may say what headings stand for.
    pub(in crate::cli) fn import(
        self,
        action: Action,
        node: &NodeRef,
    ) -> Result<ImportSpec, JobError> {
        Ok(ImportSpec {
            map: node.mappings(&self.spreadsheet.map)?,
            reading: self.spreadsheet.reading.into(),
            skip_invalid: self.skip_invalid,
            bulk: self.bulk,
            replace: self.replace,
            ..ImportSpec::new(action)
        })
    }
}

impl TeamArgs {
    /// The same with what rows that join teams need.
    pub(in crate::cli) fn add_to(&self, import: ImportSpec) -> ImportSpec {
        ImportSpec {
            create_teams: self.create_teams,
            batch: self.batch,
            ..import
        }
    }
}

/// Whether a run changes anything, and what is kept of it.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Run")]
pub(in crate::cli) struct RunArgs {
    /// Show what would be done, and change nothing
    #[arg(short = 'n', long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_DRY_RUN")]
    pub(in crate::cli) dry_run: bool,
    /// Where the results go (.csv, .tsv, .jsonl, .xlsx); else beside the input as NAME.results.csv
    #[arg(long, value_name = "FILE", env = "HEADCOUNT_RESULTS")]
    results: Option<PathBuf>,
    /// Write a report of the run as well: one page of HTML, to look at, to print and to hand on
    #[arg(long, value_name = "FILE.html", env = "HEADCOUNT_REPORT")]
    report: Option<PathBuf>,
    #[command(flatten)]
    mask: MaskArgs,
    /// Begin results in CSV with a byte order mark, which Excel on Windows needs
    #[arg(long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_BOM")]
    bom: bool,
    /// Stop when more rows than this have failed: a number, or a share of all rows
    #[arg(long, value_name = "N|P%", env = "HEADCOUNT_MAX_ERRORS")]
    max_errors: Option<MaxErrors>,
    /// Do not ask before people are locked or deleted
    #[arg(short, long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_YES")]
    yes: bool,
    #[command(flatten)]
    pub(in crate::cli) preview: PreviewArgs,
}

/// What a preview is told as well.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Run")]
pub(in crate::cli) struct PreviewArgs {
    /// Allow to lock or delete as many as this, however large a part of the node that is
    #[arg(long, value_name = "N", env = "HEADCOUNT_ALLOW_LOCKS")]
    allow_locks: Option<u64>,
    #[command(flatten)]
    state: StateArgs,
    #[command(flatten)]
    pub(in crate::cli) output: OutputArgs,
}

/// What is done about an unfinished run of the same job.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Run")]
pub(in crate::cli) struct UnfinishedArgs {
    /// Continue the unfinished run of this job
    #[arg(long, value_parser = FalseyValueParser::new(), conflicts_with = "anew", env = "HEADCOUNT_RESUME")]
    resume: bool,
    /// Start over although an earlier run of this file has not finished
    #[arg(long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_ANEW")]
    anew: bool,
}

/// How a job is told at the terminal.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Run")]
pub(in crate::cli) struct OutputArgs {
    #[command(flatten)]
    pub(in crate::cli) quiet: QuietArgs,
    /// When to show progress
    #[arg(long, value_enum, default_value_t, env = "HEADCOUNT_PROGRESS")]
    pub(in crate::cli) progress: When,
    /// For people, or for programs: what it came to as one JSON object on standard output
    #[arg(long, value_enum, default_value_t, env = "HEADCOUNT_RUN_FORMAT")]
    pub(in crate::cli) format: OutputFormat,
}

impl RunArgs {
    /// How the job is carried out.
    pub(in crate::cli) fn options(&self) -> RunOptions {
        let report = self.report.clone().map(|path| ReportOptions {
            path,
            mask: self.mask.mask(),
        });
        RunOptions {
            results: self.results.clone(),
            report,
            bom: self.bom,
            max_errors: self.max_errors,
            yes: self.yes,
            ..self.preview.options()
        }
    }

    /// Whether a report is asked for.
    pub(in crate::cli) fn has_report(&self) -> bool {
        self.report.is_some()
    }
}

impl PreviewArgs {
    /// How the job is looked at.
    pub(in crate::cli) fn options(&self) -> RunOptions {
        RunOptions {
            allow_locks: self.allow_locks,
            state_dir: self.state.state_dir.clone(),
            ..RunOptions::default()
        }
    }
}

impl UnfinishedArgs {
    /// The same with what is done about an unfinished run.
    pub(in crate::cli) fn add_to(self, options: RunOptions) -> RunOptions {
        let unfinished = match self {
            UnfinishedArgs { resume: true, .. } => OnUnfinished::Resume,
            UnfinishedArgs { anew: true, .. } => OnUnfinished::StartOver,
            UnfinishedArgs { .. } => OnUnfinished::Ask,
        };
        RunOptions {
            unfinished,
            ..options
        }
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
    pub(in crate::cli) fn run_store(&self) -> Result<RunStore, JobError> {
        Ok(RunStore::at(self.state_dir.as_deref())?)
    }
}
