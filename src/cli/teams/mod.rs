//! `headcount teams` and `headcount roles`: which there are, new ones, and old ones deleted.

mod delete;
mod report;

use std::sync::Arc;

use clap::builder::FalseyValueParser;
use clap::{Args, Subcommand};

use super::args::{NodeArgs, ProfileArgs, QuietArgs};
use super::printed::show;
use super::{Exit, JobError, signals};
use crate::directory::{NewName, Teams};
use crate::job::Connected;
use crate::report::{Style, Table, TerminalWriter, counted, grouped, say};
use crate::roster::{GroupKind, GroupName};
use crate::run::StopSwitch;
use crate::teams::{self, GroupEntry};
use delete::delete;
use report::Report;

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
    let node = args.node().node_ref().one()?;
    let pace = node.pace();
    let stop = Arc::new(StopSwitch::new(Arc::clone(&pace)));
    signals::listen(vec![Arc::clone(&stop)]);
    let node = node.connect(pace).await?;
    let known = node
        .role_prefix
        .as_ref()
        .is_some_and(|prefix| !prefix.is_empty());
    if kind == GroupKind::Role && !known {
        return Err(JobError::usage(
            "what names of roles begin with on this node is not known; give its role mapping prefix, which the SCIM \
             page of the admin console shows, with --role-prefix. Nothing was sent.",
        ));
    }
    let done = async {
        match args.command {
            GroupsCommand::List(_) => list(&node, kind).await,
            GroupsCommand::Create(args) => create(args, kind, &node).await,
            GroupsCommand::Delete(args) => delete(args, kind, &node).await,
        }
    };
    tokio::select! {
        done = done => done,
        () = stop.halted() => Err(JobError::new(
            Exit::Interrupted,
            "interrupted; what became of the call in flight is not known",
        )),
    }
}

async fn list(node: &Connected, kind: GroupKind) -> Result<Exit, JobError> {
    let entries = teams::list(&node.client, node.role_prefix.clone(), kind).await?;
    show(&table(&entries).lines(TerminalWriter::standard_output().columns()))?;
    say(format_args!(
        "{} on {}.",
        counted(entries.len() as u64, kind.word()),
        node.name
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

async fn create(args: CreateArgs, kind: GroupKind, node: &Connected) -> Result<Exit, JobError> {
    let mut groups = Teams::list(&node.client, node.role_prefix.clone()).await?;
    let names = distinct(&args.names, kind);
    let mut report = Report::new(kind, args.quiet);
    let (mut wrong, mut taken) = (0, Vec::new());
    for name in &names {
        match groups.check_new(name) {
            // Names that follow are held against this one, too.
            Ok(NewName::Free(_)) => groups.expect(name),
            Ok(NewName::Taken { ids }) => taken.push((name, ids)),
            Err(bad) => {
                wrong += 1;
                say(format_args!("{:?}: {bad}", name.name));
            }
        }
    }
    refuse_wrong(wrong, names.len(), kind)?;
    for (name, ids) in taken {
        report.well(
            &name.name,
            format_args!("is there already, id {}", ids.join(", ")),
        );
    }
    for name in groups.missing().to_vec() {
        // Every name here was found free, so its full name is known.
        let full = groups.full_name(&name).map_err(JobError::unexpected)?;
        if report.hopeless.is_some() {
            report.badly(&name.name, "not attempted");
            continue;
        }
        match teams::create(&node.client, &full).await {
            Ok(id) => {
                report.well(&name.name, format_args!("created, id {id}"));
                if name.name.contains([';', '|']) {
                    report
                        .hint("In a spreadsheet ; and | stand between names: write the id there.");
                }
            }
            Err(why) => {
                report.badly(&name.name, format_args!("not created: {why}"));
                report.note(why.hopeless());
            }
        }
    }
    Ok(report.exit())
}

/// The names without blanks around them, each once.
fn distinct(names: &[String], kind: GroupKind) -> Vec<GroupName> {
    let mut distinct: Vec<GroupName> = Vec::with_capacity(names.len());
    for name in names {
        let name = GroupName {
            kind,
            name: name.trim().to_owned(),
        };
        if !distinct.contains(&name) {
            distinct.push(name);
        }
    }
    distinct
}

fn refuse_wrong(wrong: usize, names: usize, kind: GroupKind) -> Result<(), JobError> {
    let list = Style::Command.on(format_args!("headcount {}s list", kind.word()));
    match (wrong, names) {
        (0, _) => Ok(()),
        (1, 1) => Err(JobError::usage(format_args!(
            "the name cannot be used; nothing was sent. Those that there are: {list}"
        ))),
        (wrong, names) => Err(JobError::usage(format_args!(
            "{wrong} of {names} names cannot be used; nothing was sent. Those that there are: {list}"
        ))),
    }
}
