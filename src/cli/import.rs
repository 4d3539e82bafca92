//! `headcount import`, `lock` and `unlock`: a spreadsheet carried out on a node.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::args::{GuardedNodeArgs, InputArgs, RowsArgs, RunArgs, TeamArgs, UnfinishedArgs};
use super::preview::carry_out;
use super::terminal::Terminal;
use super::{Exit, JobError};
use crate::job::{Job, JobSpec};
use crate::roster::Action;
use crate::run::OnConflict;
use crate::spec::ImportSpec;

const EXAMPLES: &str = "\
Examples:
  headcount import samples/onboarding.csv --sandbox
  headcount import people.csv --region eu --node 1234567890 --rate 180/min
  headcount import people.csv --on-conflict skip --results done.csv
  headcount import people.xlsx --sheet Joiners --create-teams
  headcount import everybody.csv --profile sales --profile berlin
  headcount import changes.csv --action update --map 'Work E-mail=email'

Columns: action, email, id, first_name, last_name, display_name, external_id, active, teams,
remove_teams, roles, remove_roles, new_email, node; the usual names of HR systems are understood.
The results are the same spreadsheet with what happened to every row.";

/// Create, update, lock or unlock the people of a spreadsheet
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ImportArgs {
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
    pub(super) run: RunArgs,
    #[command(flatten)]
    unfinished: UnfinishedArgs,
    #[command(flatten)]
    pub(super) node: GuardedNodeArgs,
}

pub(super) const LOCK_EXAMPLES: &str = "\
Examples:
  headcount lock leavers.csv --region eu --node 1234567890
  headcount lock leavers.xlsx --profile sales --dry-run    whom it would lock
  headcount lock leavers.csv --yes --protect ceo@example.com --results done.csv

It asks before anybody is locked, and refuses to lock a large part of a node without --allow-locks.";

pub(super) const UNLOCK_EXAMPLES: &str = "\
Examples:
  headcount unlock returners.csv --region eu --node 1234567890
  headcount unlock returners.xlsx --profile sales --dry-run";

/// A list of people, and what happens to all of them.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// The list: a spreadsheet with a column of emails or ids; - for standard input
    file: PathBuf,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    pub(super) run: RunArgs,
    #[command(flatten)]
    unfinished: UnfinishedArgs,
    #[command(flatten)]
    pub(super) node: GuardedNodeArgs,
}

/// `headcount import`
pub(super) async fn import(args: ImportArgs) -> Result<Exit, JobError> {
    let node = args.node.node_ref();
    let import = args.input.import(args.rows.action, &node)?;
    let spec = JobSpec {
        file: args.rows.file,
        import: ImportSpec {
            on_conflict: args.on_conflict,
            ..args.teams.add_to(import)
        },
        node,
        options: args.unfinished.add_to(args.run.options()),
    };
    let caller = Arc::new(Terminal(args.run.preview.output));
    carry_out(Job::new(spec, caller), &args.run).await
}

/// `headcount lock` and `headcount unlock`
pub(super) async fn list(args: ListArgs, action: Action) -> Result<Exit, JobError> {
    let node = args.node.node_ref();
    let spec = JobSpec {
        file: args.file,
        import: ImportSpec {
            only_action: true,
            ..args.input.import(action, &node)?
        },
        node,
        options: args.unfinished.add_to(args.run.options()),
    };
    let caller = Arc::new(Terminal(args.run.preview.output));
    carry_out(Job::new(spec, caller), &args.run).await
}
