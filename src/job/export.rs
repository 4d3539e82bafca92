//! Everything that nodes hold, written as one table.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Caller, Connected, Exit, JobError, NodeRef};
use crate::export::{Choice, Export, ExportError, ExportTable, Filter, NODE, What};
use crate::report::{AtomicFile, BegunFile, Counter, IfExists, counted, is_stream};
use crate::run::StopSwitch;
use crate::sheet::{Format, LimitError};

/// What is exported, and where to.
#[derive(Debug)]
pub struct ExportSpec {
    /// Users, teams or memberships.
    pub what: What,
    /// Which of them.
    pub filter: Option<Filter>,
    /// The columns, in this order; all if none is named.
    pub columns: Vec<String>,
    /// The column by which it is sorted.
    pub sort: Option<String>,
    /// How it is written.
    pub format: Format,
    /// The file, which is written whole or not at all; none for standard output.
    pub output: Option<PathBuf>,
}

/// Exports what the nodes hold, one after the other. With several, a column says which.
///
/// # Errors
/// When a node's list cannot be read to its end, or the table not be written.
pub async fn export(
    spec: ExportSpec,
    node: &NodeRef,
    caller: &dyn Caller,
    counter: Counter,
) -> Result<(), JobError> {
    let destinations = node.all()?;
    let header = spec.what.header().into_iter();
    let header = header
        .chain((destinations.len() > 1).then_some(NODE))
        .collect();
    let choice = Choice::of(header, &spec.columns, spec.sort.as_deref());
    let choice = choice.map_err(JobError::usage)?;
    let (mut nodes, mut stops) = (Vec::new(), Vec::new());
    for destination in destinations {
        let pace = destination.pace();
        stops.push(Arc::new(StopSwitch::new(Arc::clone(&pace))));
        let node = destination.connect(pace).await?;
        nodes.push((destination.profile, node));
    }
    caller.may_stop(stops);
    let sources = Sources {
        spec: &spec,
        nodes: &nodes,
        counter,
    };
    let (rows, place) = match &spec.output {
        Some(path) if !is_stream(path) => {
            let rows = sources.write_file(path, choice).await?;
            (rows, format!(" to {}", path.display()))
        }
        stream => {
            let to: Box<dyn Write + Send> = match stream {
                None => Box::new(io::stdout()),
                Some(path) => {
                    let opened = OpenOptions::new().write(true).open(path);
                    Box::new(opened.map_err(|error| unwritable(path, &error))?)
                }
            };
            let table =
                ExportTable::new(BufWriter::new(to), spec.format, choice).map_err(failed)?;
            (sources.fill(table).await?, String::new())
        }
    };
    let names: Vec<&str> = nodes.iter().map(|(_, node)| &*node.name).collect();
    caller.remark(&format_args!(
        "{} exported from {}{place}.",
        counted(rows, "row"),
        names.join(" and ")
    ));
    Ok(())
}

/// What is read, and from where.
struct Sources<'a> {
    spec: &'a ExportSpec,
    /// Each with the name of its profile, if it has one.
    nodes: &'a [(Option<String>, Connected)],
    counter: Counter,
}

impl Sources<'_> {
    /// Writes a file. Half an export under the name of a whole one would be believed.
    async fn write_file(self, path: &Path, choice: Choice) -> Result<u64, JobError> {
        let format = self.spec.format;
        let begun = AtomicFile::begin(path, IfExists::Replace, &choice.beginning(format));
        let BegunFile { part, file, .. } = begun.map_err(|error| unwritable(path, &error))?;
        let table = ExportTable::new(BufWriter::new(file), format, choice).map_err(failed);
        let written = match table {
            Ok(table) => self.fill(table).await,
            Err(error) => Err(error),
        };
        match written {
            Ok(rows) => {
                part.complete().map_err(|error| unwritable(path, &error))?;
                Ok(rows)
            }
            Err(error) => {
                part.discard();
                Err(error)
            }
        }
    }

    /// Writes what all nodes hold, and returns how many rows that are.
    async fn fill<W: Write + Send>(self, mut table: ExportTable<W>) -> Result<u64, JobError> {
        let Sources {
            spec,
            nodes,
            mut counter,
        } = self;
        let several = nodes.len() > 1;
        let mut before = 0;
        for (profile, node) in nodes {
            let export = Export::new(&node.client, node.role_prefix.clone());
            let mut export = export.only(spec.filter.as_ref());
            if let Some(profile) = profile.as_ref().filter(|_| several) {
                export = export.named(profile);
            }
            let written = export
                .write(spec.what, &mut table, &mut |rows, total| {
                    counter.at(before + rows, total.map(|total| before + total));
                })
                .await;
            before += written.map_err(JobError::from).map_err(|error| {
                if several {
                    error.about(&node.name)
                } else {
                    error
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
