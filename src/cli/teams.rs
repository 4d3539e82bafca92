//! `headcount teams` and `headcount roles`: which there are, new ones, and old ones deleted.

use std::sync::Arc;

use clap::builder::FalseyValueParser;
use clap::{Args, Subcommand};

use super::args::{NodeArgs, OutputArgs, ProfileArgs, QuietArgs};
use super::printed::{OutputFormat, show};
use super::terminal::Terminal;
use super::{Exit, JobError};
use crate::job::Groups;
use crate::report::{Table, TerminalWriter, When, counted, grouped, say};
use crate::roster::GroupKind;
use crate::teams::GroupEntry;

pub(super) const TEAMS_EXAMPLES: &str = "\
Examples:
  headcount teams list --sandbox
  headcount teams create Kitchen 'Sales Berlin' --region eu --node 1234567890
  headcount teams delete Kitchen --region eu --node 1234567890

For a file with all teams, or with who is in them: headcount export teams, headcount export members.";

pub(super) const ROLES_EXAMPLES: &str = "\
Examples:
  headcount roles list --sandbox
  headcount roles create Auditor --role-prefix ROLE_ --region eu --node 1234567890
  headcount roles delete Auditor --role-prefix ROLE_ --region eu --node 1234567890

A role is a group whose name begins with the node's role mapping prefix, as the SCIM page of the admin
console shows it. Names are given without it.";

/// What to do with teams or roles.
#[derive(Debug, Args)]
pub(super) struct GroupsArgs {
    #[command(subcommand)]
    command: GroupsCommand,
}

#[derive(Debug, Subcommand)]
enum GroupsCommand {
    List(ListArgs),
    Create(CreateArgs),
    Delete(DeleteArgs),
}

const LIST_EXAMPLES: &str = "\
Examples:
  headcount teams list --region eu --node 1234567890
  headcount roles list --profile sales --role-prefix ROLE_";

const CREATE_EXAMPLES: &str = "\
Examples:
  headcount teams create Kitchen 'Sales Berlin' --region eu --node 1234567890
  headcount roles create Auditor --profile sales --role-prefix ROLE_";

const DELETE_EXAMPLES: &str = "\
Examples:
  headcount teams delete Kitchen --region eu --node 1234567890
  headcount roles delete Auditor --profile sales --role-prefix ROLE_ --yes";

/// Show all of them: names, ids, how many are in them
#[derive(Debug, Args)]
#[command(after_help = LIST_EXAMPLES)]
struct ListArgs {
    #[command(flatten)]
    node: NodeArgs,
}

/// Create new ones; those that are there already stay as they are
#[derive(Debug, Args)]
#[command(after_help = CREATE_EXAMPLES)]
struct CreateArgs {
    /// What they are to be called
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    #[command(flatten)]
    quiet: QuietArgs,
    #[command(flatten)]
    node: NodeArgs,
}

/// Delete them; the people in them keep their accounts
#[derive(Debug, Args)]
#[command(after_help = DELETE_EXAMPLES)]
struct DeleteArgs {
    /// Which ones
    #[arg(required = true, value_name = "NAME-OR-ID")]
    names: Vec<String>,
    /// Do not ask before they are deleted
    #[arg(short, long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_YES")]
    yes: bool,
    #[command(flatten)]
    quiet: QuietArgs,
    #[command(flatten)]
    node: NodeArgs,
}

impl GroupsArgs {
    pub(super) fn profiles(&mut self) -> &mut ProfileArgs {
        self.node().profiles()
    }

    fn node(&mut self) -> &mut NodeArgs {
        match &mut self.command {
            GroupsCommand::List(args) => &mut args.node,
            GroupsCommand::Create(args) => &mut args.node,
            GroupsCommand::Delete(args) => &mut args.node,
        }
    }
}

/// `headcount teams` and `headcount roles`
pub(super) async fn teams(mut args: GroupsArgs, kind: GroupKind) -> Result<Exit, JobError> {
    let node = args.node().node_ref();
    let quiet = match &args.command {
        GroupsCommand::List(_) => QuietArgs::default(),
        GroupsCommand::Create(args) => args.quiet,
        GroupsCommand::Delete(args) => args.quiet,
    };
    let caller = Terminal(OutputArgs {
        quiet,
        progress: When::Never,
        format: OutputFormat::Text,
    });
    let groups = Groups::open(kind, node, Arc::new(caller)).await?;
    match args.command {
        GroupsCommand::List(_) => list(&groups, kind).await,
        GroupsCommand::Create(args) => groups.create(&args.names).await,
        GroupsCommand::Delete(args) => groups.delete(&args.names, args.yes).await,
    }
}

async fn list(groups: &Groups, kind: GroupKind) -> Result<Exit, JobError> {
    let entries = groups.list().await?;
    show(&table(&entries).lines(TerminalWriter::standard_output().columns()))?;
    say(format_args!(
        "{} on {}.",
        counted(entries.len() as u64, kind.word()),
        groups.node()
    ));
    if entries.iter().any(|entry| entry.members.is_none()) {
        say(
            "Where the number of members is -, the node does not tell it; headcount export members looks at the people, too.",
        );
    }
    Ok(Exit::Done)
}

fn table(entries: &[GroupEntry]) -> Table {
    let printable = |name: &str| name.replace(char::is_control, "\u{fffd}");
    let mut table = Table::new(&["NAME", "ID", "MEMBERS"], &[2]);
    for entry in entries {
        let members = match entry.members {
            Some(members) => grouped(members as u64),
            None => "-".to_owned(),
        };
        table.row([printable(&entry.name), printable(&entry.id), members]);
    }
    table
}
