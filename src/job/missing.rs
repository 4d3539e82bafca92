//! Teams and roles that rows name and that the node does not have: said, refused, or created.

use std::sync::Arc;

use super::{Exit, Job, JobError};
use crate::directory::{Expected, Teams};
use crate::inspect::remark_line;
use crate::report::Style;
use crate::roster::{GroupName, InputSummary, Roster};
use crate::run::StopSwitch;
use crate::scim::{Client, Error};

/// Every team and role that a row names must be on the node, under one id, or be created for the rows.
/// Says those for which that is not so, and counts them.
pub(super) fn look(roster: &Roster, summary: &InputSummary, teams: &mut Teams, job: &Job) -> u64 {
    let import = &job.spec.import;
    let expected = if import.create_teams {
        teams.expect_missing(&summary.groups)
    } else {
        Expected {
            wrong: teams.wrong(&summary.groups),
            new: Vec::new(),
        }
    };
    for wrong in &expected.wrong {
        job.caller.tell(&remark_line(roster, wrong, Style::Bad));
    }
    let refused = !import.skip_invalid && (summary.invalid > 0 || !expected.wrong.is_empty());
    for new in expected.new.iter().filter(|_| !refused) {
        job.caller.remark(&remark_line(roster, new, Style::Good));
    }
    expected.wrong.len() as u64
}

/// Creates what is missing, and returns how many that were. When one of them cannot be created, no
/// row is sent; with `--skip-invalid` the rows that do not name it are.
pub(super) async fn create(
    client: &Arc<Client>,
    teams: &mut Teams,
    stop: &StopSwitch,
    job: &Job,
) -> Result<usize, JobError> {
    let made = tokio::select! {
        made = crate::teams::create_missing(client, teams) => made,
        () = stop.halted() => return Err(JobError::new(
            Exit::Interrupted,
            "interrupted while teams were created; no row was sent",
        )),
    };
    for (GroupName { kind, name }, why) in &made.failed {
        job.caller.tell(&format_args!(
            "{} {name:?} was not created: {why}",
            kind.word()
        ));
    }
    let there: Vec<String> = made
        .created
        .iter()
        .map(|name| format!("{:?}", name.name))
        .collect();
    let kept = match there.as_slice() {
        [] => String::new(),
        [one] => format!(" {one} was created and stays."),
        many => format!(" {} were created and stay.", many.join(", ")),
    };
    match made.hopeless() {
        Some(Error::Fault(fault)) if fault.kind == crate::transport::FaultKind::Stopped => {
            Err(JobError::new(
                Exit::Interrupted,
                format_args!("interrupted while teams were created; no row was sent.{kept}"),
            ))
        }
        Some(error) => Err(JobError::new(
            Exit::NoNode,
            format_args!("{error}; no row was sent.{kept}"),
        )),
        None if made.failed.is_empty() || job.spec.import.skip_invalid => Ok(made.created.len()),
        None => Err(JobError::new(
            Exit::RowsFailed,
            format_args!(
                "{} of {} teams and roles could not be created; no row was sent.{kept} Try again, or send the rows that \
                 do not name them with --skip-invalid.",
                made.failed.len(),
                made.failed.len() + made.created.len()
            ),
        )),
    }
}
