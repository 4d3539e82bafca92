//! `headcount export`: everything a node holds, to the last page.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::FalseyValueParser;

use super::args::{NodeArgs, OutputArgs, QuietArgs};
use super::printed::OutputFormat;
use super::terminal::Terminal;
use super::{Exit, JobError};
use crate::export::{Filter, What};
use crate::job::{self, ExportSpec};
use crate::report::{Counter, When, is_stream};
use crate::sheet::Format;

const EXAMPLES: &str = "\
Examples:
  headcount export users --sandbox
  headcount export users -o users.xlsx --region eu --node 1234567890
  headcount export users --locked --columns email,last_name,teams --sort last_name -o locked.xlsx
  headcount export users --filter 'groups.display eq \"Sales\"'
  headcount export users --profile sales --profile berlin -o everybody.csv
  headcount export members --format jsonl --url https://keepersecurity.eu/api/rest/scim/v2/1234567890";

/// Export all users, teams or memberships of a node
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ExportArgs {
    /// What to export
    #[arg(value_enum)]
    what: What,
    /// Where to; else, or with -, to standard output
    #[arg(short, long, value_name = "FILE", env = "HEADCOUNT_OUTPUT")]
    output: Option<PathBuf>,
    /// csv, tsv, jsonl or xlsx; else as the file's ending says, else csv
    #[arg(long, value_name = "FORMAT", env = "HEADCOUNT_FORMAT")]
    format: Option<Format>,
    /// Begin CSV with a byte order mark, which Excel on Windows needs
    #[arg(long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_BOM")]
    bom: bool,
    /// The columns to show, in this order; else all
    #[arg(
        long,
        value_name = "NAME,…",
        value_delimiter = ',',
        env = "HEADCOUNT_COLUMNS"
    )]
    columns: Vec<String>,
    /// Only those that match: a SCIM filter, such as 'userName ew "@example.com"'
    #[arg(long, value_name = "FILTER", env = "HEADCOUNT_FILTER")]
    filter: Option<String>,
    /// Only users who can sign in
    #[arg(long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_ACTIVE")]
    active: bool,
    /// Only users who are locked
    #[arg(long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_LOCKED")]
    locked: bool,
    /// Sort by this column, shown or not; everything is held in memory for that
    #[arg(long, value_name = "COLUMN", env = "HEADCOUNT_SORT")]
    sort: Option<String>,
    #[command(flatten)]
    quiet: QuietArgs,
    /// When to show progress
    #[arg(long, value_enum, default_value_t, env = "HEADCOUNT_PROGRESS")]
    progress: When,
    #[command(flatten)]
    pub(super) node: NodeArgs,
}

/// `headcount export`
pub(super) async fn export(args: ExportArgs) -> Result<Exit, JobError> {
    let node = args.node.node_ref();
    let quiet = args.quiet;
    let spec = ExportSpec {
        what: args.what,
        format: args.format()?,
        filter: args.filter()?,
        output: args.file().map(Path::to_owned),
        columns: args.columns,
        sort: args.sort,
    };
    let counter = Counter::new(args.progress, quiet.is_quiet());
    let caller = Terminal(OutputArgs {
        quiet,
        progress: args.progress,
        format: OutputFormat::Text,
    });
    job::export(spec, &node, &caller, counter).await?;
    Ok(Exit::Done)
}

impl ExportArgs {
    /// The file to write; none for standard output.
    fn file(&self) -> Option<&Path> {
        let path = self.output.as_deref();
        path.filter(|path| *path != Path::new("-"))
    }

    fn format(&self) -> Result<Format, JobError> {
        let format = match (self.format, self.file()) {
            (Some(format), _) => format,
            (None, Some(path)) if is_stream(path) => Format::Csv,
            (None, Some(path)) => Format::of(path).map_err(JobError::usage)?,
            (None, None) => Format::Csv,
        };
        if format == Format::Xlsx && self.file().is_none() && io::stdout().is_terminal() {
            return Err(JobError::usage(
                "a workbook is nothing for a terminal; name a file with -o FILE.xlsx",
            ));
        }
        Ok(if self.bom { format.with_bom() } else { format })
    }

    fn filter(&self) -> Result<Option<Filter>, JobError> {
        let about = self.what.about();
        let given = self.filter.as_deref();
        let given = given.map(|text| Filter::read(text, about));
        let given = given.transpose().map_err(JobError::usage)?;
        let state = match (self.active, self.locked) {
            (false, false) => None,
            (true, true) => {
                return Err(JobError::usage(
                    "--active and --locked exclude each other: nobody is both",
                ));
            }
            (active, _) => Some(Filter::active(active)),
        };
        if state.is_some() && self.what == What::Teams {
            return Err(JobError::usage(
                "--active and --locked are about users; teams are neither",
            ));
        }
        Ok(match (state, given) {
            (Some(state), Some(given)) => Some(state.and(given)),
            (state, given) => state.or(given),
        })
    }
}
