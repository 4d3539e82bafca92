//! The command line: one file a command. Each parses, makes one call into the library, mostly into `job`, and prints.
//! What they share: flags (`args`), standard output (`printed`), and the terminal as the caller of a job (`terminal`).

mod args;
mod check;
mod columns;
mod completions;
mod config;
mod doctor;
mod explain;
mod export;
mod import;
mod init;
mod login;
mod logout;
mod man;
mod preflight;
mod preview;
mod printed;
mod request;
mod runs;
mod sandbox;
mod signals;
mod teams;
mod template;
mod terminal;

use std::{io, thread};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use tokio::runtime::{self, Runtime};

use printed::{OutputFormat, error};

use crate::job::JobError;
use crate::report::{plain, say};
use crate::roster::GroupKind;

pub use crate::job::Exit;

impl Command {
    /// The profiles of the node that the command talks to, or asks about, if there is one.
    fn profiles(&mut self) -> Option<&mut args::ProfileArgs> {
        Some(match self {
            Command::Import(args) => args.node.profiles(),
            Command::Lock(args) | Command::Unlock(args) => args.node.profiles(),
            Command::Plan(args) => args.node.profiles(),
            Command::Apply(args) => args.node.profiles(),
            Command::Columns(args) => &mut args.profiles,
            Command::Check(args) => args.node.profiles(),
            Command::Export(args) => args.node.profiles(),
            Command::Doctor(args) => args.node.profiles(),
            Command::Request(args) => &mut args.node.address.profiles,
            Command::Teams(args) | Command::Roles(args) => args.profiles(),
            Command::Runs(args) => return args.profiles(),
            Command::Login(args) => &mut args.address.profiles,
            Command::Logout(args) => &mut args.address.profiles,
            Command::Config(args) => return args.profiles(),
            Command::Template(_)
            | Command::Sandbox(_)
            | Command::Completions(_)
            | Command::Man(_) => return None,
        })
    }
}

impl Command {
    /// How many threads it may need at once, besides the first one.
    fn threads(&mut self) -> usize {
        /// One that reads rows, one that writes the record, one that writes results, one that draws progress, and one
        /// for what takes a moment, such as to look up a name.
        const OF_A_RUN: usize = 5;
        match self {
            Command::Import(_)
            | Command::Lock(_)
            | Command::Unlock(_)
            | Command::Plan(_)
            | Command::Apply(_) => OF_A_RUN,
            Command::Runs(args) => args.profiles().map_or(0, |_| OF_A_RUN),
            Command::Sandbox(_) | Command::Export(_) => {
                thread::available_parallelism().map_or(1, usize::from) + 2
            }
            // A token, a name to look up.
            other => usize::from(other.profiles().is_some()),
        }
    }

    /// Who reads the summary of the command, where a program may: then one that fails has a document as well.
    fn reader(&self) -> OutputFormat {
        match self {
            Command::Import(args) => args.run.preview.output.format,
            Command::Lock(args) | Command::Unlock(args) => args.run.preview.output.format,
            Command::Plan(args) => args.preview.output.format,
            Command::Apply(args) => args.run.preview.output.format,
            Command::Doctor(args) => args.format,
            Command::Runs(args) => args.reader(),
            _ => OutputFormat::Text,
        }
    }
}

const EXAMPLES: &str = "\
Examples:
  headcount import people.csv --sandbox                    try it out, nothing leaves this machine
  headcount import people.csv --region eu --node 123456    create the people of a spreadsheet
  headcount check people.csv                               what is wrong with a spreadsheet; nothing is sent
  headcount lock leavers.csv --region eu --node 123456     lock the accounts of a list
  headcount export users -o users.xlsx --region eu --node 123456
  headcount template onboarding -o people.xlsx             an example to fill in
  headcount doctor --region eu --node 123456               when something does not work
  headcount runs resume                                    continue the latest unfinished run

The token comes from the keyring (headcount login), HEADCOUNT_TOKEN or --token-file, never from an
argument. headcount config init gives a node a name, and then --profile NAME is enough.
Each flag can also be set by a variable: --rate by HEADCOUNT_RATE.

Exit codes: 0 every row is as asked, 1 unexpected error, 2 usage or errors in the input (nothing was
sent), 3 the node cannot be reached or used, 4 some rows failed, 5 stopped by a guard, 130 interrupted.";

/// Makes a Keeper node match a spreadsheet of people, over SCIM 2.0
#[derive(Debug, Parser)]
#[command(name = "headcount", version, after_help = EXAMPLES, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    log: args::LogArgs,
    #[command(flatten)]
    colour: args::ColourArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    Import(import::ImportArgs),
    /// Lock the accounts of a list of emails or ids
    #[command(after_help = import::LOCK_EXAMPLES)]
    Lock(import::ListArgs),
    /// Unlock the accounts of a list of emails or ids
    #[command(after_help = import::UNLOCK_EXAMPLES)]
    Unlock(import::ListArgs),
    Plan(preview::PlanArgs),
    Apply(preview::ApplyArgs),
    Columns(columns::ColumnsArgs),
    Check(check::CheckArgs),
    Export(export::ExportArgs),
    Doctor(doctor::DoctorArgs),
    Request(request::RequestArgs),
    /// List, create and delete teams
    #[command(after_help = teams::TEAMS_EXAMPLES)]
    Teams(teams::GroupsArgs),
    /// List, create and delete roles: groups whose names begin with the node's role prefix
    #[command(after_help = teams::ROLES_EXAMPLES)]
    Roles(teams::GroupsArgs),
    Runs(runs::RunsArgs),
    Login(login::LoginArgs),
    Logout(logout::LogoutArgs),
    Config(config::ConfigArgs),
    Template(template::TemplateArgs),
    Sandbox(sandbox::SandboxArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
}

/// The command line. Which variable sets which flag follows from the flag's name: help says so once
/// and not at each flag, where it would also show the variable's value.
#[must_use]
pub fn command() -> clap::Command {
    fn quiet(command: clap::Command) -> clap::Command {
        let command = command.mut_args(|arg| arg.hide_env(true));
        command.mut_subcommands(quiet)
    }
    quiet(Cli::command())
}

/// What the command runs on. Calls of one row each wait for the node nearly all of the time, and handing every answer
/// from one thread to another costs more than reading it: one thread does it all, beside those for files. Pages of
/// an export are long, and read by all processors. A sandbox is the node.
fn runtime(command: &Command) -> io::Result<Runtime> {
    let mut builder = match command {
        Command::Sandbox(_) | Command::Export(_) => runtime::Builder::new_multi_thread(),
        _ => runtime::Builder::new_current_thread(),
    };
    builder.enable_all().build()
}

async fn carry_out(command: Command) -> Result<Exit, JobError> {
    match command {
        Command::Import(args) => import::import(args).await,
        Command::Lock(args) => import::list(args, crate::roster::Action::Lock).await,
        Command::Unlock(args) => import::list(args, crate::roster::Action::Unlock).await,
        Command::Plan(args) => preview::plan(args).await,
        Command::Apply(args) => preview::apply(args).await,
        Command::Columns(args) => columns::columns(&args),
        Command::Check(args) => check::check(args).await,
        Command::Export(args) => export::export(args).await,
        Command::Doctor(args) => doctor::doctor(args).await,
        Command::Request(args) => request::request(args).await,
        Command::Teams(args) => teams::teams(args, GroupKind::Team).await,
        Command::Roles(args) => teams::teams(args, GroupKind::Role).await,
        Command::Runs(args) => runs::runs(args).await,
        Command::Login(args) => login::login(args).await,
        Command::Logout(args) => logout::logout(args).await,
        Command::Config(args) => config::config(args),
        Command::Template(args) => template::template(&args),
        Command::Sandbox(args) => sandbox::serve(args).await,
        Command::Completions(args) => completions::completions(&args),
        Command::Man(args) => man::man(&args),
    }
}

/// Runs the command that the arguments name.
///
/// # Panics
/// Never of itself; a runtime that cannot be started ends the program with exit code 1.
#[must_use]
pub fn main() -> Exit {
    if !preflight::has_memory() {
        return Exit::Unexpected;
    }
    let colours = args::asked_for(std::env::args_os().skip(1));
    colours.hold();
    let matches = command().color(args::of_help(colours)).try_get_matches();
    let understood = matches.and_then(|matches| Ok((Cli::from_arg_matches(&matches)?, matches)));
    let (mut cli, matches) = match understood {
        Ok(understood) => understood,
        Err(wrong) if wrong.use_stderr() => {
            say(wrong.render().ansi().to_string().trim_end());
            return Exit::Usage;
        }
        // Help that was asked for.
        Err(help) => help.exit(),
    };
    if let Some(profiles) = cli.command.profiles() {
        let mut matches = &matches;
        while let Some((_, inner)) = matches.subcommand() {
            matches = inner;
        }
        profiles.note_flags(matches);
    }
    if let Err(why) = cli.log.start() {
        say(error(why));
        return Exit::Usage;
    }
    let reader = cli.command.reader();
    if let Err(failure) = preflight::threads(cli.command.threads()) {
        return tell(&failure, reader);
    }
    let runtime = match runtime(&cli.command) {
        Ok(runtime) => runtime,
        Err(why) => {
            say(error(format_args!("the program cannot start: {why}")));
            return Exit::Unexpected;
        }
    };
    let ended = runtime.block_on(carry_out(cli.command));
    // A thread that still reads a file or a terminal need not be waited for.
    runtime.shutdown_background();
    ended.unwrap_or_else(|failure| tell(&failure, reader))
}

/// Says why a command has failed, and how the program ends with it. A program that waits for a document gets one.
fn tell(failure: &JobError, reader: OutputFormat) -> Exit {
    say(error(&failure.message));
    if reader == OutputFormat::Json {
        let document = serde_json::json!({
            "schema": "urn:headcount:schema:error:1",
            "error": plain(&failure.message),
            "exit_code": failure.exit as u8,
        });
        // It was said already; that nobody reads it is no other error.
        let _ = printed::print_json(&document);
    }
    failure.exit
}
