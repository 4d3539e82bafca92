//! `headcount check`: everything that is wrong with a spreadsheet, and nothing sent.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use clap::Args;
use clap::builder::FalseyValueParser;

use super::args::NodeArgs;
use super::args::{RowsArgs, SpreadsheetArgs};
use super::destination::Destination;
use super::job::say_unused;
use super::printed::{Reader, written};
use super::{Exit, Failure, error};
use crate::directory::Teams;
use crate::inspect::{Check, TeamChecks};
use crate::report::{Paper, say};
use crate::roster::{self, Column, Nodes, Roster};
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
    format: Reader,
    /// Say nothing of columns that are not used
    #[arg(short, long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_QUIET")]
    quiet: bool,
    #[command(flatten)]
    spreadsheet: SpreadsheetArgs,
    #[command(flatten)]
    pub(super) node: NodeArgs,
}

/// `headcount check`
pub(super) async fn check(args: CheckArgs) -> Result<Exit, Failure> {
    let options = roster::Options {
        default_action: args.rows.action,
        forced_action: false,
        map: args.node.mappings(&args.spreadsheet.map)?,
    };
    let reading = args.spreadsheet.reading.clone().into();
    let opened = Original::take(&args.rows.file)
        .and_then(|original| Roster::as_far_as_understood(original, &reading, options));
    let destinations = match &opened {
        Ok((roster, problems)) if problems.is_empty() => args.destinations(roster)?,
        _ => Vec::new(),
    };
    if let Ok((roster, _)) = &opened
        && !args.quiet
    {
        for remark in roster.remarks() {
            say(remark);
        }
        say_unused(roster);
    }
    let mut check = match args.format {
        Reader::Text => Check::for_person(Box::new(Paper::standard_output()) as Box<dyn Write>),
        Reader::Json => {
            let out = BufWriter::new(io::stdout());
            Check::for_program(Box::new(out) as Box<dyn Write>, &shown(&args.rows.file))
        }
    };
    let failure = match opened {
        Ok((roster, problems)) if problems.is_empty() => {
            args.look(roster, &destinations, &mut check).await
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

impl CheckArgs {
    /// The nodes that the flags name; or else all profiles, if the rows name their nodes.
    fn destinations(&self, roster: &Roster) -> Result<Vec<Destination>, Failure> {
        if self.node.names_a_node() {
            return self.node.all();
        }
        match roster.columns().at(Column::Node) {
            Some(_) => self.node.every_profile(),
            None => Ok(Vec::new()),
        }
    }

    /// Checks the rows, and the teams where there is a node to ask. What keeps a node from being asked is
    /// no problem of the file, and is given back.
    async fn look(
        &self,
        roster: Roster,
        destinations: &[Destination],
        check: &mut Check<impl Write>,
    ) -> Result<Option<Failure>, SheetError> {
        let mut rows = 0;
        let mut failed = None;
        for (roster, node) in self.shares(roster, destinations) {
            let census = check.rows(&roster)?;
            rows += census.rows;
            if census.groups.is_empty() {
                continue;
            }
            let Some(node) = node else {
                check.teams_were(TeamChecks::NoNode);
                continue;
            };
            match list(node).await {
                Ok(teams) => check.teams(&roster, &census, &teams)?,
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

    /// The rows of each node, with the node itself if somebody named it: only then it is asked.
    fn shares<'d>(
        &self,
        roster: Roster,
        destinations: &'d [Destination],
    ) -> Vec<(Roster, Option<&'d Destination>)> {
        if destinations.is_empty() {
            let protected = self.node.protected_by_flags().collect();
            return vec![(roster.sparing(protected), None)];
        }
        let nodes = Arc::new(Nodes {
            names: destinations.iter().map(Destination::names).collect(),
            is_one: destinations.len() == 1,
        });
        let is_named = self.node.names_a_node();
        let shares = destinations.iter().enumerate().map(|(at, destination)| {
            let roster = roster.for_node(&nodes, at);
            let roster = roster.sparing(destination.protected.clone());
            (roster, is_named.then_some(destination))
        });
        shares.collect()
    }
}

/// The teams and roles of a node.
async fn list(node: &Destination) -> Result<Teams, Failure> {
    let connected = node.connect(node.pace()).await?;
    Ok(Teams::list(&connected.client, connected.role_prefix.clone()).await?)
}
