//! The part of a job that is about one node: its rows, and what is known of it.

use std::sync::Arc;

use futures_util::future::{join_all, try_join_all};

use super::node::{Connected, Destination};
use super::origin::RowsOrigin;
use super::{Caller, Job, JobError, Purpose, missing, unless_stopped};
use crate::directory::{Directory, People, Teams};
use crate::guard::{Harm, LockLimit};
use crate::ledger::LockGuard;
use crate::report::Digest;
use crate::roster::{Action, Column, InputSummary, Nodes, Roster};
use crate::run::StopSwitch;
use crate::sheet::shown;
use crate::transport::Pace;

/// One node, and the rows that are for it.
#[derive(Debug)]
pub(super) struct NodeJob {
    pub(super) destination: Destination,
    pub(super) stop: Arc<StopSwitch>,
    pub(super) roster: Roster,
    pub(super) summary: Arc<InputSummary>,
    pace: Arc<Pace>,
    /// No other run works on the node meanwhile.
    pub(super) lock: Option<LockGuard>,
}

/// A site whose node was asked for what the rows need.
#[derive(Debug)]
pub(super) struct PreparedNode {
    pub(super) node_job: NodeJob,
    pub(super) node: Connected,
    pub(super) directory: Arc<Directory>,
    /// Who would lose access, as far as that was found out.
    pub(super) harm: Harm,
    /// How many people may lose access.
    pub(super) lock_limit: Option<LockLimit>,
}

/// The sites of a job: one at least.
#[derive(Debug)]
pub(super) struct NodeJobs {
    all: Vec<NodeJob>,
}

/// The sites that were asked.
pub(super) fn node_jobs(prepared: &[PreparedNode]) -> Vec<&NodeJob> {
    prepared.iter().map(|each| &each.node_job).collect()
}

impl Job {
    /// Reads the whole file, says everything that is wrong with it, and shares its rows out over the
    /// nodes. Signals are heeded from now on.
    pub(super) async fn open(&self) -> Result<NodeJobs, JobError> {
        let roster = self.roster()?;
        let destinations = self.destinations(&roster)?;
        let memory = self.memory()?;
        let paces = destinations
            .iter()
            .map(|destination| destination.remembered_pace(&memory));
        let paces: Vec<Arc<Pace>> = paces.collect();
        let stops = paces
            .iter()
            .map(|pace| Arc::new(StopSwitch::new(Arc::clone(pace))));
        let stops: Vec<Arc<StopSwitch>> = stops.collect();
        self.caller.may_stop(stops.clone());
        let read = self.share_out(roster, destinations, paces, stops.clone());
        let node_jobs = unless_stopped(&stops[0], read).await?;
        Ok(NodeJobs { all: node_jobs })
    }

    /// The nodes that the flags name, or else those that a column of the file may.
    fn destinations(&self, roster: &Roster) -> Result<Vec<Destination>, JobError> {
        let mut destinations = self.named_destinations(roster)?;
        if let RowsOrigin::Resumed(earlier) = &self.origin {
            let nodes = &earlier.record.about().nodes;
            for destination in &mut destinations {
                let address = destination.address();
                let mut former = nodes.iter().map(|node| &node.identity);
                let Some(former) = former.find(|node| node.address == address) else {
                    continue;
                };
                // It goes on as the job that it was, whatever profiles and variables say now.
                destination.protected = destination.protected.with(&former.protected);
                if former.role_prefix.is_some() {
                    destination.role_prefix.clone_from(&former.role_prefix);
                }
            }
        }
        Ok(destinations)
    }

    fn named_destinations(&self, roster: &Roster) -> Result<Vec<Destination>, JobError> {
        let several = roster.columns().at(Column::Node);
        if several.is_some() && !self.spec.node.names_a_node() {
            let every = self.spec.node.every_profile()?;
            if !every.is_empty() {
                return Ok(every);
            }
        }
        let named = self.spec.node.all()?;
        if named.len() > 1 && several.is_none() {
            return Err(JobError::usage(format_args!(
                "{}: which row is for which node? With several profiles the file needs a column node, with the names \
                 of the profiles; nothing was sent",
                shown(&self.spec.file)
            )));
        }
        Ok(named)
    }

    async fn share_out(
        &self,
        roster: Roster,
        destinations: Vec<Destination>,
        paces: Vec<Arc<Pace>>,
        stops: Vec<Arc<StopSwitch>>,
    ) -> Result<Vec<NodeJob>, JobError> {
        let file = shown(&self.spec.file);
        let caller = (!self.input_is_told).then(|| Arc::clone(&self.caller));
        let rosters = share_out(&roster, &destinations);
        let parts = rosters.into_iter().zip(destinations).zip(paces).zip(stops);
        let parts: Vec<_> = parts.collect();
        let read = tokio::task::spawn_blocking(move || {
            let mut node_jobs = Vec::new();
            let mut problems = Digest::default();
            for (((roster, destination), pace), stop) in parts {
                let summary =
                    roster
                        .check(&mut |problem| problems.add(problem))
                        .map_err(|error| {
                            tell_problems(caller.as_deref(), &problems);
                            JobError::usage(error)
                        })?;
                if summary.rows > 0 {
                    node_jobs.push(NodeJob {
                        destination,
                        stop,
                        roster,
                        summary: Arc::new(summary),
                        pace,
                        lock: None,
                    });
                }
            }
            tell_problems(caller.as_deref(), &problems);
            Ok::<_, JobError>(node_jobs)
        });
        let node_jobs = read.await.map_err(JobError::unexpected)??;
        if node_jobs.is_empty() {
            return Err(JobError::usage(format_args!(
                "{file} has a header but no rows below it; nothing was sent"
            )));
        }
        Ok(node_jobs)
    }
}

/// The rows that are for each of the nodes; those that would lock people who are protected there are refused.
pub fn share_out(roster: &Roster, destinations: &[Destination]) -> Vec<Roster> {
    let nodes = Arc::new(Nodes {
        names: destinations.iter().map(Destination::names).collect(),
        is_one: destinations.len() == 1,
    });
    let parts = destinations.iter().enumerate().map(|(at, destination)| {
        let roster = roster.for_node(&nodes, at);
        roster.sparing(destination.protected.clone())
    });
    parts.collect()
}

fn tell_problems(caller: Option<&dyn Caller>, problems: &Digest) {
    if let Some(caller) = caller
        && !problems.is_empty()
    {
        caller.tell(problems);
    }
}

impl NodeJobs {
    /// What stops all of them: a signal is heard by each.
    pub(super) fn stop(&self) -> Arc<StopSwitch> {
        Arc::clone(&self.all[0].stop)
    }

    /// The addresses of the nodes.
    pub(super) fn addresses(&self) -> Vec<String> {
        let all = self.all.iter();
        all.map(|node_job| node_job.destination.address()).collect()
    }

    /// The sites themselves.
    pub(super) fn each(&self) -> Vec<&NodeJob> {
        self.all.iter().collect()
    }

    /// Whether earlier runs have settled all rows.
    pub(super) fn are_already_done(&self) -> bool {
        self.all
            .iter()
            .all(|node_job| node_job.summary.settled == node_job.summary.rows)
    }

    /// Waits until no other run works on the nodes, and keeps others away from them.
    pub(super) async fn lock(&mut self, job: &Job) -> Result<(), JobError> {
        let stop = self.stop();
        unless_stopped(&stop, job.hold_nodes(&mut self.all)).await
    }

    /// Refuses a place for the results that cannot hold them.
    pub(super) fn check_results(&self, job: &Job) -> Result<(), JobError> {
        let parts: Vec<&Roster> = self.all.iter().map(|node_job| &node_job.roster).collect();
        job.check_results(&parts, self.rows().0)
    }

    /// The SHA-256 of the file.
    pub(super) fn sha256(&self) -> &str {
        self.all[0].roster.sha256()
    }

    /// How many rows there are, and how many of them have errors.
    fn rows(&self) -> (u64, u64) {
        let rows = self.all.iter().map(|node_job| node_job.summary.rows).sum();
        let invalid = self
            .all
            .iter()
            .map(|node_job| node_job.summary.invalid)
            .sum();
        (rows, invalid)
    }

    /// Learns from the nodes what the rows need to be carried out, and refuses a file with errors.
    pub(super) async fn look(
        self,
        job: &Job,
        purpose: Purpose,
    ) -> Result<Vec<PreparedNode>, JobError> {
        let (rows, invalid) = self.rows();
        let wrong_rows = if job.spec.import.skip_invalid {
            0
        } else {
            invalid
        };
        let worth_asking =
            |node_job: &&NodeJob| wrong_rows == 0 || !node_job.summary.groups.is_empty();
        let node_jobs: Vec<&NodeJob> = self.all.iter().filter(worth_asking).collect();
        let answers = join_all(node_jobs.iter().map(|node_job| node_job.ask(job))).await;
        let mut wrong_groups = 0;
        let mut asked = Vec::new();
        for (node_job, answer) in node_jobs.into_iter().zip(answers) {
            // A file that is refused anyway still gets its teams checked where the node can be asked:
            // everything that is wrong is said at once.
            match answer {
                Err(_) if wrong_rows > 0 => {}
                answer => {
                    let (node, mut teams) = answer?;
                    wrong_groups +=
                        missing::look(&node_job.roster, &node_job.summary, &mut teams, job);
                    asked.push((node, teams));
                }
            }
        }
        if wrong_rows > 0 || (wrong_groups > 0 && !job.spec.import.skip_invalid) {
            return Err(job.refused(rows, wrong_rows, wrong_groups));
        }
        let asked = self.all.into_iter().zip(asked);
        try_join_all(asked.map(async |(node_job, (node, teams))| {
            let people = People::new(Arc::clone(&node.client));
            job.prepare(&node_job.summary, &people, purpose).await?;
            Ok(PreparedNode {
                node_job,
                node,
                directory: Arc::new(Directory { people, teams }),
                harm: Harm::default(),
                lock_limit: None,
            })
        }))
        .await
    }
}

impl NodeJob {
    /// Asks what the node can do and which teams it has, side by side: before that, no row can go.
    async fn ask(&self, job: &Job) -> Result<(Connected, Teams), JobError> {
        let mut node = self.destination.connect(Arc::clone(&self.pace)).await?;
        let (bulk, rows) = (job.spec.import.bulk, self.summary.valid());
        let (said, teams) = tokio::try_join!(
            async { Ok(bulk.ask(&node.client, rows).await) },
            self.teams(&node)
        )?;
        node.bulk = bulk.limits(said.as_ref(), rows);
        node.capabilities = self.destination.capabilities.or_as_said(said.as_ref());
        Ok((node, teams))
    }

    /// The teams of the node, where a row names one.
    async fn teams(&self, node: &Connected) -> Result<Teams, JobError> {
        if self.summary.groups.is_empty() {
            return Ok(Teams::default());
        }
        Ok(Teams::list(&node.client, node.role_prefix.clone()).await?)
    }
}

impl Job {
    /// Learns who is there, by listing the node or later one by one, whichever is fewer calls.
    pub(super) async fn prepare(
        &self,
        summary: &InputSummary,
        people: &People,
        purpose: Purpose,
    ) -> Result<(), JobError> {
        let valid = summary.valid();
        if purpose == Purpose::Run {
            // Whether a new person is there already, the node itself says, unless somebody may have been
            // created by a run that was cut short, or may be locked by this one. Whose email a row by id frees, only a
            // list tells before it is done.
            let unasked = if self.origin.is_unclean() || summary.needs_freed_emails() {
                0
            } else {
                let creates = summary.by_action(Action::Create);
                creates.saturating_sub(self.creates_to_look_up(summary))
            };
            return Ok(people.prepare(valid.saturating_sub(unasked)).await?);
        }
        if summary.recurring || summary.needs_freed_emails() {
            // A later row has to meet what an earlier one would have done: that is kept in the list.
            people.list_everyone().await?;
        } else {
            people.prepare(valid).await?;
        }
        Ok(())
    }
}
