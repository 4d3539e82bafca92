//! `headcount plan` and `headcount apply`, and `--dry-run`: what a run would do, before it does it.

use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::args::{
    GuardedNodeArgs, InputArgs, OutputArgs, PreviewArgs, RowsArgs, RunArgs, TeamArgs,
};
use super::printed::{OutputFormat, finish, written};
use super::terminal::Terminal;
use super::{Exit, JobError};
use crate::job::{Application, Job, JobSpec, Outlook, Preview, Previewed};
use crate::preview::{Line, PlanWriter, PreviewDocument, without_lines};
use crate::report::{Style, TerminalWriter, say};
use crate::run::OnConflict;
use crate::spec::ImportSpec;

const PLAN_EXAMPLES: &str = "\
Examples:
  headcount plan people.csv --sandbox
  headcount plan leavers.csv --action lock -o leavers.plan --region eu --node 1234567890
  headcount apply leavers.plan --region eu --node 1234567890";

/// Show what import would do: every change, the calls, the time; nothing is changed
#[derive(Debug, Args)]
#[command(after_help = PLAN_EXAMPLES)]
pub(super) struct PlanArgs {
    /// Write the plan to this file, for headcount apply
    #[arg(short, long, value_name = "PLAN", env = "HEADCOUNT_PLAN")]
    output: Option<PathBuf>,
    #[command(flatten)]
    rows: RowsArgs,
    /// What to do when the email of a new person is taken
    #[arg(long, value_enum, default_value_t, env = "HEADCOUNT_ON_CONFLICT")]
    on_conflict: OnConflict,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    teams: TeamArgs,
    #[command(flatten)]
    pub(super) preview: PreviewArgs,
    #[command(flatten)]
    pub(super) node: GuardedNodeArgs,
}

/// Carry out a plan, if the file and the people in it are still as they were
#[derive(Debug, Args)]
#[command(after_help = PLAN_EXAMPLES)]
pub(super) struct ApplyArgs {
    /// What headcount plan has written
    plan: PathBuf,
    #[command(flatten)]
    pub(super) run: RunArgs,
    #[command(flatten)]
    pub(super) node: GuardedNodeArgs,
}

/// `headcount plan`
pub(super) async fn plan(args: PlanArgs) -> Result<Exit, JobError> {
    let node = args.node.node_ref();
    let import = args.input.import(args.rows.action, &node)?;
    let spec = JobSpec {
        file: args.rows.file,
        import: ImportSpec {
            on_conflict: args.on_conflict,
            ..args.teams.add_to(import)
        },
        node,
        options: args.preview.options(),
    };
    let output = args.preview.output;
    let job = Job::new(spec, Arc::new(Terminal(output)));
    show(job, args.output.as_deref(), output).await
}

/// `headcount apply`
pub(super) async fn apply(args: ApplyArgs) -> Result<Exit, JobError> {
    let output = args.run.preview.output;
    let caller = Arc::new(Terminal(output));
    let (options, node) = (args.run.options(), args.node.node_ref());
    let application = Application::open(&args.plan, options, node, caller)?;
    if !args.run.dry_run {
        return finish(&application.carry_out().await?, output.format);
    }
    let (preview, previewed) = application.preview().await?;
    say_no_report(&args.run);
    say("The plan still holds. Nothing was changed.");
    print(&preview, &previewed, Some(&args.plan), Exit::Done, output)
}

/// Carries a job out, or shows what it would do.
pub(super) async fn carry_out(job: Job, args: &RunArgs) -> Result<Exit, JobError> {
    let output = args.preview.output;
    if args.dry_run {
        say_no_report(args);
        return show(job, None, output).await;
    }
    finish(&job.carry_out().await?, output.format)
}

/// A dry run has no report.
fn say_no_report(args: &RunArgs) {
    if args.has_report() {
        let quiet = args.preview.output.quiet;
        quiet.say("A dry run has no report: nothing is carried out.");
    }
}

/// Names every change on standard output, or writes them to a plan, and says what they come to.
async fn show(job: Job, plan: Option<&Path>, output: OutputArgs) -> Result<Exit, JobError> {
    let preview = match job.preview().await? {
        Outlook::Preview(preview) => preview,
        Outlook::Nothing(finished) => return finish(&finished, output.format),
    };
    match (plan, output.format) {
        (None, OutputFormat::Text) => {
            let mut paper = TerminalWriter::standard_output();
            for line in preview.new_groups() {
                written(paper.print(&line))?;
            }
            let print = |paper: &mut TerminalWriter, line: &Line| paper.print(&format!("{line}\n"));
            let (previewed, _) = preview.rehearse(paper, print).await?;
            tell(&previewed, None, output);
            Ok(previewed.exit())
        }
        (None, OutputFormat::Json) => {
            let out = BufWriter::new(io::stdout());
            let document =
                PreviewDocument::begin(out, &preview.opening()).map_err(JobError::unexpected)?;
            let write = |document: &mut PreviewDocument<_>, line: &Line| document.line(line);
            let (previewed, document) = preview.rehearse(document, write).await?;
            tell(&previewed, None, output);
            let exit = previewed.exit();
            written(document.end(&previewed.summary(), &previewed.closing(None, exit)))?;
            Ok(exit)
        }
        (Some(path), _) => {
            let writer = PlanWriter::create(path, preview.planned()).map_err(JobError::usage)?;
            let write = |plan: &mut PlanWriter, line: &Line| plan.write(line);
            let (previewed, writer) = preview.rehearse(writer, write).await?;
            if previewed.stopped().is_none() {
                writer.finish().map_err(JobError::unexpected)?;
            }
            tell(&previewed, Some(path), output);
            print(&preview, &previewed, Some(path), previewed.exit(), output)
        }
    }
}

/// Says what the rows come to.
fn tell(previewed: &Previewed, plan: Option<&Path>, output: OutputArgs) {
    let quiet = output.quiet;
    let stopped = previewed.stopped();
    if let Some(reason) = &stopped {
        let begin = Style::Bad.on("Stopped before the end:");
        quiet.say(format_args!("{begin} {reason}."));
    }
    quiet.say(previewed.summary());
    if let (Some(path), None) = (plan, &stopped) {
        let path = path.display();
        let command = Style::Command.on(format_args!("headcount apply {path}"));
        quiet.say(format_args!("Plan: {path}. Carry it out: {command}"));
    }
}

/// Prints it for a program, if one asks for it. The lines are in the plan.
fn print(
    preview: &Preview,
    previewed: &Previewed,
    plan: Option<&Path>,
    exit: Exit,
    output: OutputArgs,
) -> Result<Exit, JobError> {
    if output.format == OutputFormat::Json {
        written(without_lines(
            &mut io::stdout().lock(),
            &preview.opening(),
            &previewed.summary(),
            &previewed.closing(plan, exit),
        ))?;
    }
    Ok(exit)
}
