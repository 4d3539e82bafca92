//! `headcount import`, `lock` and `unlock`: a spreadsheet carried out on a node.

use std::path::PathBuf;

use clap::Args;

use super::args::{InputArgs, NodeArgs, RowsArgs, RunArgs};
use super::job::{Job, Origin};
use super::printed::Reader;
use super::{Exit, Failure};
use crate::roster::Action;
use crate::run::OnConflict;

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
    run: RunArgs,
    #[command(flatten)]
    pub(super) node: NodeArgs,
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
    run: RunArgs,
    #[command(flatten)]
    pub(super) node: NodeArgs,
}

/// `headcount import`
pub(super) async fn import(args: ImportArgs) -> Result<Exit, Failure> {
    args.job()?.carry_out().await
}

impl ListArgs {
    pub(super) fn reader(&self) -> Reader {
        self.run.format
    }
}

impl ImportArgs {
    pub(super) fn reader(&self) -> Reader {
        self.run.format
    }

    pub(super) fn job(mut self) -> Result<Job, Failure> {
        self.input.map_by(&self.node)?;
        Ok(Job {
            file: self.rows.file,
            action: self.rows.action,
            only_action: false,
            on_conflict: self.on_conflict,
            input: self.input,
            run: self.run,
            node: self.node,
            origin: Origin::File,
            replaces: Vec::new(),
            input_is_told: false,
        })
    }
}

/// `headcount lock` and `headcount unlock`
pub(super) async fn list(mut args: ListArgs, action: Action) -> Result<Exit, Failure> {
    args.input.map_by(&args.node)?;
    Job {
        file: args.file,
        action,
        only_action: true,
        on_conflict: OnConflict::Fail,
        input: args.input,
        run: args.run,
        node: args.node,
        origin: Origin::File,
        replaces: Vec::new(),
        input_is_told: false,
    }
    .carry_out()
    .await
}
