//! `headcount plan` and `headcount apply`: what a run would do, before it does it.

use std::path::PathBuf;

use clap::Args;

use super::args::{NodeArgs, RunArgs};
use super::import::ImportArgs;
use super::job::{Job, Origin};
use super::printed::Reader;
use super::{Exit, Failure};
use crate::preview::PlanFile;

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
    pub(super) import: ImportArgs,
}

/// Carry out a plan, if the file and the people in it are still as they were
#[derive(Debug, Args)]
#[command(after_help = PLAN_EXAMPLES)]
pub(super) struct ApplyArgs {
    /// What headcount plan has written
    plan: PathBuf,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    pub(super) node: NodeArgs,
}

/// `headcount plan`
pub(super) async fn plan(args: PlanArgs) -> Result<Exit, Failure> {
    let job = args.import.job()?;
    job.plan(args.output.as_deref()).await
}

/// `headcount apply`
pub(super) async fn apply(args: ApplyArgs) -> Result<Exit, Failure> {
    let plan = PlanFile::open(&args.plan).map_err(Failure::usage)?;
    let job = Job::of_terms(&plan.input, args.run, args.node, Origin::File)?;
    job.apply(plan, &args.plan).await
}

impl ApplyArgs {
    pub(super) fn reader(&self) -> Reader {
        self.run.format
    }
}
