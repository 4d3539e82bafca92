//! `headcount export`: everything a node holds, to the last page.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use clap::builder::FalseyValueParser;

use super::args::{NodeArgs, QuietArgs};
use super::{Exit, JobError, signals};
use crate::export::{Choice, Export, ExportError, Filter, NODE, Table, What};
use crate::job::Connected;
use crate::report::{AtomicFile, BegunFile, Counter, IfExists, When, counted, is_stream, say};
use crate::run::StopSwitch;
use crate::sheet::{Format, LimitError};

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
    let format = args.format()?;
    let filter = args.filter()?;
    let destinations = args.node.node_ref().all()?;
    let choice = args.choice(destinations.len() > 1)?;
    let (mut nodes, mut stops) = (Vec::new(), Vec::new());
    for destination in destinations {
        let pace = destination.pace();
        stops.push(Arc::new(StopSwitch::new(Arc::clone(&pace))));
        let node = destination.connect(pace).await?;
        nodes.push((destination.profile, node));
    }
    signals::listen(stops);
    let order = Order {
        args: &args,
        nodes: &nodes,
        filter,
    };
    match args.file() {
        Some(path) if !is_stream(path) => {
            let begun = AtomicFile::begin(path, IfExists::Replace, &choice.beginning(format));
            let BegunFile { part, file, .. } = begun.map_err(|error| unwritable(path, &error))?;
            let table = Table::new(BufWriter::new(file), format, choice).map_err(failed);
            let written = match table {
                Ok(table) => order.fill(table).await,
                Err(failure) => Err(failure),
            };
            match written {
                Ok(rows) => {
                    part.complete().map_err(|error| unwritable(path, &error))?;
                    told(&args, &nodes, rows, Some(path));
                }
                Err(failure) => {
                    // Half an export under the name of a whole one would be believed.
                    part.discard();
                    return Err(failure);
                }
            }
        }
        stream => {
            let to: Box<dyn Write + Send> = match stream {
                None => Box::new(io::stdout()),
                Some(path) => {
                    let opened = OpenOptions::new().write(true).open(path);
                    Box::new(opened.map_err(|error| unwritable(path, &error))?)
                }
            };
            let table = Table::new(BufWriter::new(to), format, choice).map_err(failed)?;
            let rows = order.fill(table).await?;
            told(&args, &nodes, rows, None);
        }
    }
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

    fn choice(&self, several: bool) -> Result<Choice, JobError> {
        let header = self.what.header().into_iter();
        let header = header.chain(several.then_some(NODE)).collect();
        Choice::of(header, &self.columns, self.sort.as_deref()).map_err(JobError::usage)
    }
}

/// Nodes, each with the name of its profile if it has one.
type Nodes = [(Option<String>, Connected)];

/// What is to be exported, and from where.
struct Order<'a> {
    args: &'a ExportArgs,
    nodes: &'a Nodes,
    filter: Option<Filter>,
}

impl Order<'_> {
    /// Writes what all nodes hold, one after the other. With several, a column says which.
    async fn fill<W: Write + Send>(&self, mut table: Table<W>) -> Result<u64, JobError> {
        let Order {
            args,
            nodes,
            filter,
        } = self;
        let several = nodes.len() > 1;
        let mut counter = Counter::new(args.progress, args.quiet.is_quiet());
        let mut before = 0;
        for (profile, node) in *nodes {
            let mut export =
                Export::new(&node.client, node.role_prefix.clone()).only(filter.as_ref());
            if let Some(profile) = profile.as_ref().filter(|_| several) {
                export = export.named(profile);
            }
            let written = export
                .write(args.what, &mut table, &mut |rows, total| {
                    counter.at(before + rows, total.map(|total| before + total));
                })
                .await;
            before += written.map_err(JobError::from).map_err(|failure| {
                if several {
                    failure.about(&node.name)
                } else {
                    failure
                }
            })?;
        }
        counter.end();
        table.finish().map_err(failed)?;
        Ok(before)
    }
}

fn failed(error: io::Error) -> JobError {
    JobError::from(ExportError::File(error))
}

fn told(args: &ExportArgs, nodes: &Nodes, rows: u64, path: Option<&Path>) {
    if !args.quiet.is_quiet() {
        let place = path
            .map(|path| format!(" to {}", path.display()))
            .unwrap_or_default();
        let names: Vec<&str> = nodes.iter().map(|(_, node)| &*node.name).collect();
        say(format_args!(
            "{} exported from {}{place}.",
            counted(rows, "row"),
            names.join(" and ")
        ));
    }
}

fn unwritable(path: &Path, error: &io::Error) -> JobError {
    JobError::usage(format_args!(
        "{} cannot be written: {error}",
        path.display()
    ))
}

impl From<ExportError> for JobError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Node(
                error @ (crate::scim::Error::Unsettled { .. } | crate::scim::Error::Endless { .. }),
            ) => JobError::new(Exit::RowsFailed, error),
            ExportError::Node(error) => error.into(),
            // Whoever reads the export has had enough: `export users | head` is no error.
            ExportError::File(error) if error.kind() == io::ErrorKind::BrokenPipe => JobError::new(
                Exit::Unexpected,
                "the reader of the export is gone before its end",
            ),
            ExportError::File(ref inner) if is_limit(inner) => JobError::usage(error),
            ExportError::File(_) => JobError::unexpected(error),
        }
    }
}

/// Whether the format is to blame, and another one would do.
fn is_limit(error: &io::Error) -> bool {
    let limit = error.get_ref();
    limit
        .and_then(|inner| inner.downcast_ref::<LimitError>())
        .is_some()
}
