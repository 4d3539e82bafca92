//! `headcount man`: the manual pages.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use clap_mangen::Man;

use super::printed::print;
use super::{Exit, JobError, command};

const EXAMPLES: &str = "\
Examples:
  headcount man | man -l -                    the page of the program
  headcount man runs resume | man -l -        that of a command
  headcount man --dir ~/.local/share/man/man1 every page, for man headcount-import and its like";

/// Print a manual page, or write all of them
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ManArgs {
    /// The command whose page it is; without, the program's
    #[arg(conflicts_with = "dir")]
    command: Vec<String>,
    /// Write the pages of all commands to this folder
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(super) fn man(args: &ManArgs) -> Result<Exit, JobError> {
    // Names, usage and what is global are filled in by this.
    let mut program = command().disable_help_subcommand(true);
    program.build();
    if let Some(dir) = &args.dir {
        fs::create_dir_all(dir)
            .and_then(|()| clap_mangen::generate_to(program, dir))
            .map_err(|error| {
                JobError::usage(format_args!(
                    "the manual pages cannot be written to {}: {error}",
                    dir.display()
                ))
            })?;
        return Ok(Exit::Done);
    }
    let mut wanted = &program;
    for name in &args.command {
        wanted = wanted.find_subcommand(name).ok_or_else(|| {
            let known: Vec<&str> = wanted
                .get_subcommands()
                .map(clap::Command::get_name)
                .collect();
            JobError::usage(format_args!(
                "there is no command {name:?} in {}; there are: {}",
                wanted.get_bin_name().unwrap_or("headcount"),
                known.join(", ")
            ))
        })?;
    }
    let mut page = Vec::new();
    Man::new(wanted.clone())
        .render(&mut page)
        .map_err(JobError::unexpected)?;
    print(&page)?;
    Ok(Exit::Done)
}
