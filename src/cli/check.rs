//! `headcount check`: everything that is wrong with a spreadsheet, and nothing sent.

use std::io::{self, BufWriter, Write};

use clap::Args;
use clap::builder::FalseyValueParser;

use super::args::{GuardedNodeArgs, RowsArgs, SpreadsheetArgs};
use super::printed::{OutputFormat, error, written};
use super::{Exit, JobError};
use crate::directory::Teams;
use crate::inspect::{Check, TeamChecks};
use crate::job::{Destination, NodeRef, remarks, share_out};
use crate::report::{TerminalWriter, say};
use crate::roster::{self, Column, Roster};
use crate::sheet::{Original, SheetError, shown};

const EXAMPLES: &str = "\
Examples:
  headcount check people.csv
  headcount check people.csv --profile sales
  headcount check leavers.csv --action lock
  headcount check people.csv --format json > problems.json

Nothing is sent. Where a node is named (--profile, --url, --region with --node, --sandbox), the names
of teams are looked up there. Exit codes: 0 nothing is wrong, 2 there are problems, 3 the node cannot
be asked for its teams.";

/// Say everything that is wrong with a spreadsheet, and send nothing
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    rows: RowsArgs,
    /// For people: like problems together. For programs: every one
    #[arg(long, value_enum, default_value_t, env = "HEADCOUNT_CHECK_FORMAT")]
    format: OutputFormat,
    /// Say nothing of columns that are not used
    #[arg(short, long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_QUIET")]
    quiet: bool,
    #[command(flatten)]
    spreadsheet: SpreadsheetArgs,
    #[command(flatten)]
    pub(super) node: GuardedNodeArgs,
}

/// `headcount check`
pub(super) async fn check(args: CheckArgs) -> Result<Exit, JobError> {
    let node = args.node.node_ref();
    let options = roster::Options {
        default_action: args.rows.action,
        forced_action: false,
        map: node.mappings(&args.spreadsheet.map)?,
    };
    let reading = args.spreadsheet.reading.clone().into();
    let opened = Original::take(&args.rows.file)
        .and_then(|original| Roster::as_far_as_understood(original, &reading, options));
    let destinations = match &opened {
        Ok((roster, problems)) if problems.is_empty() => destinations(&node, roster)?,
        _ => Vec::new(),
    };
    if let Ok((roster, _)) = &opened
        && !args.quiet
    {
        for remark in remarks(roster) {
            say(remark);
        }
    }
    let mut check = match args.format {
        OutputFormat::Text => {
            Check::for_person(Box::new(TerminalWriter::standard_output()) as Box<dyn Write>)
        }
        OutputFormat::Json => {
            let out = BufWriter::new(io::stdout());
            Check::for_program(Box::new(out) as Box<dyn Write>, &shown(&args.rows.file))
        }
    };
    let failure = match opened {
        Ok((roster, problems)) if problems.is_empty() => {
            args.look(roster, &node, &destinations, &mut check).await
        }
        Ok((_, problems)) => {
            for problem in problems {
                check.problem(problem);
            }
            Ok(None)
        }
        Err(error) => Err(error),
    };
    let failure = failure.unwrap_or_else(|error| {
        check.unusable(error.to_string());
        None
    });
    let is_fine = check.is_fine();
    written(check.end())?;
    match failure {
        Some(failure) if is_fine => Err(failure),
        Some(failure) => {
            say(error(&failure.message));
            Ok(Exit::Usage)
        }
        None if is_fine => Ok(Exit::Done),
        None => Ok(Exit::Usage),
    }
}

/// The nodes that the flags name; or else all profiles, if the rows name their nodes.
fn destinations(node: &NodeRef, roster: &Roster) -> Result<Vec<Destination>, JobError> {
    if node.names_a_node() {
        return node.all();
    }
    match roster.columns().at(Column::Node) {
        Some(_) => node.every_profile(),
        None => Ok(Vec::new()),
    }
}

impl CheckArgs {
    /// Checks the rows, and the teams where there is a node to ask. What keeps a node from being asked is
    /// no problem of the file, and is given back.
    async fn look(
        &self,
        roster: Roster,
        node: &NodeRef,
        destinations: &[Destination],
        check: &mut Check<impl Write>,
    ) -> Result<Option<JobError>, SheetError> {
        let mut rows = 0;
        let mut failed = None;
        for (roster, destination) in shares(roster, node, destinations) {
            let summary = check.rows(&roster)?;
            rows += summary.rows;
            if summary.groups.is_empty() {
                continue;
            }
            let Some(destination) = destination else {
                check.teams_were(TeamChecks::NoNode);
                continue;
            };
            match list(destination).await {
                Ok(teams) => check.teams(&roster, &summary, &teams)?,
                Err(failure) => {
                    check.teams_were(TeamChecks::NotAnswered);
                    failed.get_or_insert(failure);
                }
            }
        }
        if rows == 0 {
            check.unusable(format!(
                "{} has a header but no rows below it",
                shown(&self.rows.file)
            ));
        }
        Ok(failed)
    }
}

/// The rows of each node, with the node itself if the user named it: only then it is asked.
fn shares<'d>(
    roster: Roster,
    node: &NodeRef,
    destinations: &'d [Destination],
) -> Vec<(Roster, Option<&'d Destination>)> {
    if destinations.is_empty() {
        let protected = node.protected_by_flags().collect();
        return vec![(roster.sparing(protected), None)];
    }
    let is_named = node.names_a_node();
    let rosters = share_out(&roster, destinations);
    let shares = rosters.into_iter().zip(destinations);
    shares
        .map(|(roster, destination)| (roster, is_named.then_some(destination)))
        .collect()
}

/// The teams and roles of a node.
async fn list(node: &Destination) -> Result<Teams, JobError> {
    let connected = node.connect(node.pace()).await?;
    Ok(Teams::list(&connected.client, connected.role_prefix.clone()).await?)
}
