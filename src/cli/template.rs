//! `headcount template`: an example spreadsheet to fill in.

use std::io::BufWriter;
use std::path::PathBuf;

use clap::Args;
use clap::builder::FalseyValueParser;

use super::args::QuietArgs;
use super::printed::print;
use super::{Exit, JobError};
use crate::report::{AtomicFile, BegunFile, IfExists, Style};
use crate::sheet::Format;
use crate::template::TemplateKind;

const EXAMPLES: &str = "\
Examples:
  headcount template onboarding -o new-people.xlsx
  headcount template offboarding > leavers.csv

A workbook has lists to pick from, and a second sheet that explains each column.";

/// Write an example spreadsheet to fill in
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct TemplateArgs {
    /// What it is for
    #[arg(value_enum)]
    kind: TemplateKind,
    /// Where to (.csv, .tsv, .jsonl, .xlsx); else as CSV to standard output
    #[arg(short, long, value_name = "FILE", env = "HEADCOUNT_OUTPUT")]
    output: Option<PathBuf>,
    /// Begin CSV with a byte order mark, which Excel on Windows needs
    #[arg(long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_BOM")]
    bom: bool,
    /// Replace a file that is there
    #[arg(long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_FORCE")]
    force: bool,
    #[command(flatten)]
    quiet: QuietArgs,
}

/// `headcount template`
pub(super) fn template(args: &TemplateArgs) -> Result<Exit, JobError> {
    let format = match &args.output {
        Some(path) => Format::of(path).map_err(JobError::usage)?,
        None => Format::Csv,
    };
    let format = if args.bom { format.with_bom() } else { format };
    let Some(path) = &args.output else {
        let written = args.kind.write(Vec::new(), format);
        print(&written.map_err(JobError::unexpected)?)?;
        return Ok(Exit::Done);
    };
    if path.exists() && !args.force {
        return Err(JobError::usage(format_args!(
            "{} is there already; name another file, or replace it with --force",
            path.display()
        )));
    }
    let failed = |error| {
        JobError::usage(format_args!(
            "{} cannot be written: {error}",
            path.display()
        ))
    };
    let BegunFile { part, file, .. } =
        AtomicFile::begin(path, IfExists::Replace, b"").map_err(failed)?;
    let written = args.kind.write(BufWriter::new(file), format);
    let named = written.and_then(|_file| part.complete());
    if let Err(error) = named {
        // Half a template is of no use to anybody.
        part.discard();
        return Err(failed(error));
    }
    let path = path.display();
    let plan = Style::Command.on(format_args!("headcount plan {path}"));
    args.quiet.say(format_args!(
        "Write over the two examples in {path}, then see what it would do: {plan}"
    ));
    Ok(Exit::Done)
}
