//! A file checked for all that is wrong with it, and nothing sent.

use std::io::Write;
use std::path::PathBuf;

use super::node_job::share_out;
use super::{Caller, Destination, JobError, NodeRef, remarks};
use crate::directory::Teams;
use crate::inspect::{Check, TeamChecks};
use crate::roster::{Column, Options, Problem, Roster};
use crate::sheet::{Original, Reading, SheetError, shown};

/// A file that was opened to be checked.
pub struct FileCheck {
    file: PathBuf,
    opened: Result<(Roster, Vec<Problem>), SheetError>,
    node: NodeRef,
    destinations: Vec<Destination>,
}

impl FileCheck {
    /// Opens the file, and finds the nodes whose teams its rows name.
    ///
    /// # Errors
    /// When a node is named that cannot be found. What is wrong with the file is no error here.
    pub fn open(
        file: PathBuf,
        reading: &Reading,
        options: Options,
        node: NodeRef,
        caller: &dyn Caller,
    ) -> Result<Self, JobError> {
        let opened = Original::take(&file)
            .and_then(|original| Roster::as_far_as_understood(original, reading, options));
        let destinations = match &opened {
            Ok((roster, problems)) if problems.is_empty() => destinations(&node, roster)?,
            _ => Vec::new(),
        };
        if let Ok((roster, _)) = &opened {
            for remark in remarks(roster) {
                caller.remark(&remark);
            }
        }
        Ok(FileCheck {
            file,
            opened,
            node,
            destinations,
        })
    }

    /// Tells `check` all that is wrong. What keeps a node from being asked is no problem of the file, and is given back.
    pub async fn run(self, check: &mut Check<impl Write>) -> Option<JobError> {
        let FileCheck {
            file,
            opened,
            node,
            destinations,
        } = self;
        let looked = match opened {
            Ok((roster, problems)) if problems.is_empty() => {
                look(shares(roster, &node, &destinations), &shown(&file), check).await
            }
            Ok((_, problems)) => {
                for problem in problems {
                    check.problem(problem);
                }
                Ok(None)
            }
            Err(error) => Err(error),
        };
        looked.unwrap_or_else(|error| {
            check.unusable(error.to_string());
            None
        })
    }
}

/// The nodes that are named; or else all profiles, if the rows name their nodes.
fn destinations(node: &NodeRef, roster: &Roster) -> Result<Vec<Destination>, JobError> {
    if node.names_a_node() {
        return node.all();
    }
    match roster.columns().at(Column::Node) {
        Some(_) => node.every_profile(),
        None => Ok(Vec::new()),
    }
}

/// The rows of a node, with the node itself if the user named it: only then it is asked.
type Share<'d> = (Roster, Option<&'d Destination>);

fn shares<'d>(roster: Roster, node: &NodeRef, destinations: &'d [Destination]) -> Vec<Share<'d>> {
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

/// Checks the rows, and the teams where there is a node to ask.
async fn look(
    shares: Vec<Share<'_>>,
    file: &str,
    check: &mut Check<impl Write>,
) -> Result<Option<JobError>, SheetError> {
    let mut rows = 0;
    let mut failed = None;
    for (roster, destination) in shares {
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
            Err(error) => {
                check.teams_were(TeamChecks::NotAnswered);
                failed.get_or_insert(error);
            }
        }
    }
    if rows == 0 {
        check.unusable(format!("{file} has a header but no rows below it"));
    }
    Ok(failed)
}

/// The teams and roles of a node.
async fn list(node: &Destination) -> Result<Teams, JobError> {
    let connected = node.connect(node.pace()).await?;
    Ok(Teams::list(&connected.client, connected.role_prefix.clone()).await?)
}
