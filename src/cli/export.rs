//! `headcount export`: everything a node holds, to the last page.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use clap::builder::FalseyValueParser;

use super::destination::Connected;
use super::node::NodeArgs;
use super::{Exit, Failure, signals};
use crate::export::{Export, ExportError, NODE, What};
use crate::report::{Counter, Former, When, grouped, private_part, say};
use crate::run::StopSwitch;
use crate::sheet::{Format, Writer};

const EXAMPLES: &str = "\
Examples:
  headcount export users --sandbox
  headcount export users -o users.csv --region eu --node 1234567890
  headcount export users --profile sales --profile berlin -o everybody.csv
  headcount export members --format jsonl --url https://keepersecurity.eu/api/rest/scim/v2/1234567890";

/// Export all users, teams or memberships of a node
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ExportArgs {
    /// What to export
    #[arg(value_enum)]
    what: What,
    /// Where to; else to standard output
    #[arg(short, long, value_name = "FILE", env = "HEADCOUNT_OUTPUT")]
    output: Option<PathBuf>,
    /// csv, tsv or jsonl; else as the file's ending says, else csv
    #[arg(long, value_name = "FORMAT", env = "HEADCOUNT_FORMAT")]
    format: Option<Format>,
    /// Say nothing but errors
    #[arg(short, long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_QUIET")]
    quiet: bool,
    /// When to show progress
    #[arg(long, value_enum, default_value_t, env = "HEADCOUNT_PROGRESS")]
    progress: When,
    #[command(flatten)]
    pub(super) node: NodeArgs,
}

/// `headcount export`
pub(super) async fn export(args: ExportArgs) -> Result<Exit, Failure> {
    let format = match (args.format, &args.output) {
        (Some(format), _) => format,
        (None, Some(path)) => Format::of(path).map_err(Failure::usage)?,
        (None, None) => Format::Csv,
    };
    let (mut nodes, mut stops) = (Vec::new(), Vec::new());
    for destination in args.node.all()? {
        let pace = destination.pace();
        stops.push(Arc::new(StopSwitch::new(Arc::clone(&pace))));
        let node = destination.connect(pace).await?;
        nodes.push((destination.profile, node));
    }
    signals::listen(stops);
    match &args.output {
        None => {
            let rows = write(&args, &nodes, format, io::stdout().lock()).await?;
            told(&args, &nodes, rows, None);
        }
        Some(path) => {
            let (part, file, _) =
                private_part(path, Former::Replace).map_err(|error| unwritable(path, &error))?;
            let written = write(&args, &nodes, format, BufWriter::new(file)).await;
            match written {
                Ok(rows) => {
                    std::fs::rename(&part, path).map_err(|error| unwritable(path, &error))?;
                    told(&args, &nodes, rows, Some(path));
                }
                Err(failure) => {
                    // Half an export under the name of a whole one would be believed.
                    let _ = std::fs::remove_file(&part);
                    return Err(failure);
                }
            }
        }
    }
    Ok(Exit::Done)
}

/// Nodes, each with the name of its profile if it has one.
type Nodes = [(Option<String>, Connected)];

/// Writes what all nodes hold, one after the other. With several, a column says which.
async fn write(
    args: &ExportArgs,
    nodes: &Nodes,
    format: Format,
    to: impl Write,
) -> Result<u64, Failure> {
    let several = nodes.len() > 1;
    let node_column = several.then_some(NODE);
    let header = args.what.header().iter().copied().chain(node_column);
    let header: Vec<String> = header.map(str::to_owned).collect();
    let failed = |error: io::Error| Failure::from(ExportError::File(error));
    let mut writer = Writer::new(to, format, &header).map_err(failed)?;
    let mut counter = Counter::new(args.progress, args.quiet);
    let mut before = 0;
    for (profile, node) in nodes {
        let mut export = Export::new(&node.client, node.role_prefix.clone());
        if let Some(profile) = profile.as_ref().filter(|_| several) {
            export = export.named(profile);
        }
        let written = export
            .write(args.what, &mut writer, &mut |rows, total| {
                counter.at(before + rows, total.map(|total| before + total));
            })
            .await;
        before += written.map_err(Failure::from).map_err(|failure| {
            if several {
                failure.of(&node.name)
            } else {
                failure
            }
        })?;
    }
    counter.end();
    writer.flush().map_err(failed)?;
    Ok(before)
}

fn told(args: &ExportArgs, nodes: &Nodes, rows: u64, path: Option<&Path>) {
    if !args.quiet {
        let place = path
            .map(|path| format!(" to {}", path.display()))
            .unwrap_or_default();
        let names: Vec<&str> = nodes.iter().map(|(_, node)| &*node.name).collect();
        say(format_args!(
            "{} rows exported from {}{place}.",
            grouped(rows),
            names.join(" and ")
        ));
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format_args!(
        "{} cannot be written: {error}",
        path.display()
    ))
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Node(
                error @ (crate::scim::Error::Unsettled { .. } | crate::scim::Error::Endless { .. }),
            ) => Failure::new(Exit::RowsFailed, error),
            ExportError::Node(error) => error.into(),
            // Whoever reads the export has had enough: `export users | head` is no error.
            ExportError::File(error) if error.kind() == io::ErrorKind::BrokenPipe => Failure::new(
                Exit::Unexpected,
                "the reader of the export is gone before its end",
            ),
            error @ ExportError::File(_) => Failure::unexpected(error),
        }
    }
}
