//! `headcount completions`: what a shell needs to complete the command line.

use clap::Args;
use clap_complete::Shell;

use super::printed::print;
use super::{Exit, JobError, command};

const EXAMPLES: &str = "\
Examples:
  headcount completions bash > ~/.local/share/bash-completion/completions/headcount
  headcount completions zsh > ~/.zfunc/_headcount          with fpath+=~/.zfunc before compinit
  headcount completions fish > ~/.config/fish/completions/headcount.fish
  headcount completions powershell >> $PROFILE";

/// Print what a shell needs to complete commands and flags
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct CompletionsArgs {
    /// For which shell
    shell: Shell,
}

pub(super) fn completions(args: &CompletionsArgs) -> Result<Exit, JobError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "headcount", &mut script);
    print(&script)?;
    Ok(Exit::Done)
}
