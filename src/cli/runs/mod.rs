//! `headcount runs`: what runs have done, and going on with them, again or back.

mod examples;
mod look;

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use clap::builder::FalseyValueParser;
use clap::{Args, Subcommand};
use jiff::SignedDuration;

use super::args::{
    GuardedNodeArgs, MaskArgs, ProfileArgs, QuietArgs, RunArgs, StateArgs, UnfinishedArgs,
};
use super::preview::carry_out;
use super::printed::{OutputFormat, finish, print};
use super::terminal::Terminal;
use super::{Exit, JobError};
use crate::job::{self, Caller, Continuation, Discarded, find_run};
use crate::report::{Style, grouped};
use crate::roster::Action;

pub(super) const EXAMPLES: &str = "\
Examples:
  headcount runs list
  headcount runs resume                     continue the latest unfinished run
  headcount runs retry people.results.csv   send what failed again, corrected or not
  headcount runs undo 2026-11-24-0907       take back what a run did
  headcount runs report -o people.html      a page for somebody who was not there
  headcount runs prune --older-than 90d

A run is named by its id (its beginning is enough), by its results file, or not at all: then it is
the latest one that fits.";

/// Look at earlier runs; continue them, retry what failed, undo them
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct RunsArgs {
    #[command(subcommand)]
    command: RunsCommand,
}

#[derive(Debug, Subcommand)]
enum RunsCommand {
    /// Show all runs, the latest first
    #[command(after_help = examples::LIST)]
    List(ListArgs),
    /// Show what became of a run
    #[command(after_help = examples::SHOW)]
    Show(ShowArgs),
    /// Write the results of a run again, also while it is going
    #[command(after_help = examples::RESULTS)]
    Results(ResultsArgs),
    /// Make the report of a run: one page of HTML, also while it is going
    #[command(after_help = examples::REPORT)]
    Report(ReportArgs),
    /// Continue an unfinished run: what may have been sent is looked up first
    #[command(after_help = examples::RESUME)]
    Resume(ResumeArgs),
    /// Send what failed or was not attempted again, from a run or from a corrected results file
    #[command(after_help = examples::RETRY)]
    Retry(RetryArgs),
    /// Take back what a run did: unlock, lock, former names and teams
    #[command(after_help = examples::UNDO)]
    Undo(AgainArgs),
    /// Give up an unfinished run: it is not offered to be continued any more
    #[command(after_help = examples::DISCARD)]
    Discard(DiscardArgs),
    /// Remove the records of old runs
    #[command(after_help = examples::PRUNE)]
    Prune(PruneArgs),
}

#[derive(Debug, Args)]
struct OneArgs {
    /// The run's id or its results file; the latest if none is given
    run: Option<String>,
    #[command(flatten)]
    state: StateArgs,
}

#[derive(Debug, Args)]
struct ListArgs {
    /// For people, or for programs
    #[arg(long, value_enum, default_value_t, env = "HEADCOUNT_RUN_FORMAT")]
    format: OutputFormat,
    #[command(flatten)]
    state: StateArgs,
}

#[derive(Debug, Args)]
struct ShowArgs {
    #[command(flatten)]
    one: OneArgs,
    /// For people, or for programs
    #[arg(long, value_enum, default_value_t, env = "HEADCOUNT_RUN_FORMAT")]
    format: OutputFormat,
}

#[derive(Debug, Args)]
struct ResultsArgs {
    #[command(flatten)]
    one: OneArgs,
    /// Where they go (- for standard output); else where the run was told
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Begin results in CSV with a byte order mark, which Excel on Windows needs
    #[arg(long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_BOM")]
    bom: bool,
    #[command(flatten)]
    quiet: QuietArgs,
}

#[derive(Debug, Args)]
struct ReportArgs {
    #[command(flatten)]
    one: OneArgs,
    /// Where it goes (- for standard output); else beside the results as NAME.report.html
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    mask: MaskArgs,
    #[command(flatten)]
    quiet: QuietArgs,
}

#[derive(Debug, Args)]
struct ResumeArgs {
    /// The run's id or its results file; the latest that fits if none is given
    run: Option<String>,
    #[command(flatten)]
    options: RunArgs,
    #[command(flatten)]
    node: GuardedNodeArgs,
}

#[derive(Debug, Args)]
struct AgainArgs {
    #[command(flatten)]
    resume: ResumeArgs,
    #[command(flatten)]
    unfinished: UnfinishedArgs,
}

#[derive(Debug, Args)]
struct RetryArgs {
    #[command(flatten)]
    again: AgainArgs,
    /// What rows without an action ask for, if no record of the run says it
    #[arg(long, value_name = "ACTION")]
    action: Option<Action>,
}

#[derive(Debug, Args)]
struct DiscardArgs {
    /// The run's id or its results file
    run: String,
    #[command(flatten)]
    quiet: QuietArgs,
    #[command(flatten)]
    state: StateArgs,
}

#[derive(Debug, Args)]
struct PruneArgs {
    /// How old a run has to be: 90d, 12h
    #[arg(long, value_name = "AGE", default_value = "90d")]
    older_than: Age,
    #[command(flatten)]
    quiet: QuietArgs,
    #[command(flatten)]
    state: StateArgs,
}

/// A length of time, in days or hours.
#[derive(Debug, Clone, Copy)]
struct Age(SignedDuration);

impl FromStr for Age {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not an age; write days or hours: 90d, 12h");
        let text = text.trim();
        let (number, hours) = match (text.strip_suffix('d'), text.strip_suffix('h')) {
            (Some(days), _) => (days, 24),
            (_, Some(hours)) => (hours, 1),
            _ => return Err(wrong()),
        };
        let number: u32 = number.trim().parse().map_err(|_| wrong())?;
        Ok(Age(SignedDuration::from_hours(i64::from(number) * hours)))
    }
}

impl RunsArgs {
    /// Who reads what is printed.
    pub(super) fn reader(&self) -> OutputFormat {
        match &self.command {
            RunsCommand::List(args) => args.format,
            RunsCommand::Show(args) => args.format,
            RunsCommand::Results(_)
            | RunsCommand::Report(_)
            | RunsCommand::Discard(_)
            | RunsCommand::Prune(_) => OutputFormat::Text,
            RunsCommand::Resume(args) => args.reader(),
            RunsCommand::Retry(RetryArgs { again, .. }) | RunsCommand::Undo(again) => {
                again.resume.reader()
            }
        }
    }

    /// The profiles of the node that the command talks to, if it talks to one.
    pub(super) fn profiles(&mut self) -> Option<&mut ProfileArgs> {
        match &mut self.command {
            RunsCommand::Resume(args) => Some(args.node.profiles()),
            RunsCommand::Retry(RetryArgs { again, .. }) | RunsCommand::Undo(again) => {
                Some(again.resume.node.profiles())
            }
            _ => None,
        }
    }
}

impl ResumeArgs {
    fn reader(&self) -> OutputFormat {
        self.options.preview.output.format
    }

    fn caller(&self) -> Arc<dyn Caller> {
        Arc::new(Terminal(self.options.preview.output))
    }

    /// Carries out what continuing, retrying or undoing a run comes to, or shows it.
    async fn carry_out(&self, continuation: Continuation) -> Result<Exit, JobError> {
        match continuation {
            Continuation::Job(job) => Box::pin(carry_out(*job, &self.options)).await,
            Continuation::Nothing(finished) => finish(&finished, self.reader()),
        }
    }
}

/// `headcount runs`
pub(super) async fn runs(args: RunsArgs) -> Result<Exit, JobError> {
    match args.command {
        RunsCommand::List(args) => look::list(&args),
        RunsCommand::Show(args) => look::show(&args),
        RunsCommand::Results(args) => results(&args),
        RunsCommand::Report(args) => report(&args),
        RunsCommand::Resume(args) => {
            let (options, node) = (args.options.options(), args.node.node_ref());
            let run = args.run.as_deref();
            args.carry_out(job::resume(run, options, node, args.caller())?)
                .await
        }
        RunsCommand::Retry(RetryArgs { again, action }) => {
            let AgainArgs { resume, unfinished } = again;
            let options = unfinished.add_to(resume.options.options());
            let (run, node) = (resume.run.as_deref(), resume.node.node_ref());
            resume
                .carry_out(job::retry(run, action, options, node, resume.caller())?)
                .await
        }
        RunsCommand::Undo(AgainArgs { resume, unfinished }) => {
            let options = unfinished.add_to(resume.options.options());
            let (run, node) = (resume.run.as_deref(), resume.node.node_ref());
            resume
                .carry_out(job::undo(run, options, node, resume.caller())?)
                .await
        }
        RunsCommand::Discard(args) => discard(&args),
        RunsCommand::Prune(args) => prune(&args),
    }
}

/// Where something is written, or nowhere for standard output.
fn is_stdout(output: Option<&Path>) -> bool {
    output == Some(Path::new("-"))
}

fn results(args: &ResultsArgs) -> Result<Exit, JobError> {
    let run_store = args.one.state.run_store()?;
    let id = find_run(&run_store, args.one.run.as_deref())?;
    let output = args.output.as_deref();
    if is_stdout(output) {
        let folder = tempfile::tempdir().map_err(JobError::unexpected)?;
        let path = folder.path().join("results.csv");
        job::write_results(&run_store, &id, Some(&path), args.bom)?;
        print(&std::fs::read(&path).map_err(JobError::unexpected)?)?;
    } else {
        let path = job::write_results(&run_store, &id, output, args.bom)?;
        args.quiet
            .say(format_args!("Results of run {id}: {}", path.display()));
    }
    Ok(Exit::Done)
}

fn report(args: &ReportArgs) -> Result<Exit, JobError> {
    let run_store = args.one.state.run_store()?;
    let id = find_run(&run_store, args.one.run.as_deref())?;
    let (output, mask) = (args.output.as_deref(), args.mask.mask());
    if is_stdout(output) {
        print(job::report_text(&run_store, &id, mask)?.as_bytes())?;
    } else {
        let path = job::write_report(&run_store, &id, output, mask)?;
        args.quiet
            .say(format_args!("Report of run {id}: {}", path.display()));
    }
    Ok(Exit::Done)
}

fn discard(args: &DiscardArgs) -> Result<Exit, JobError> {
    let run_store = args.state.run_store()?;
    let id = find_run(&run_store, Some(&args.run))?;
    match job::discard(&run_store, &id)? {
        Discarded::Run => {
            let undo = Style::Command.on(format_args!("headcount runs undo {id}"));
            args.quiet.say(format_args!(
                "Run {id} is discarded: it is not offered any more. What it has done stays; to take that back: {undo}"
            ));
        }
        Discarded::SetAside(path) => args.quiet.say(format_args!(
            "The record of run {id} cannot be read; it is now {}",
            path.display()
        )),
    }
    Ok(Exit::Done)
}

fn prune(args: &PruneArgs) -> Result<Exit, JobError> {
    let pruned = job::prune(&args.state.run_store()?, args.older_than.0)?;
    for id in &pruned.kept {
        let resume = Style::Command.on(format_args!("headcount runs resume {id}"));
        args.quiet.say(format_args!(
            "Run {id} has not finished and is kept: finish it first, with {resume}, or discard it"
        ));
    }
    let runs = if pruned.removed == 1 { "run" } else { "runs" };
    let kept = match pruned.kept.len() as u64 {
        0 => String::new(),
        kept => format!(", {} unfinished kept", grouped(kept)),
    };
    args.quiet.say(format_args!(
        "{} {runs} removed{kept}.",
        grouped(pruned.removed)
    ));
    Ok(Exit::Done)
}
