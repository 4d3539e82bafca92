//! What a job would do, found out without changing anything.

use super::execute::{exit, names, together};
use super::node_job::PreparedNode;
use super::origin::whole;
use super::{Exit, Finished, Job, JobError, Purpose};
use crate::preview::{self, Closing, Line, NewGroup, Opening, Planned, PreviewSummary, Share};
use crate::report::{NodeName, Style, Tally};
use crate::roster::{GroupName, Naming};
use crate::run::RunEnd;
use crate::threads;

/// What looking ahead comes to.
pub enum Outlook {
    /// There are rows to look at.
    Preview(Box<Preview>),
    /// There is nothing to do.
    Nothing(Finished),
}

/// A job whose file was checked and whose nodes were asked: each row can be told now.
pub struct Preview {
    pub(super) job: Job,
    pub(super) prepared: Vec<PreparedNode>,
}

/// What the rows of a preview came to.
pub struct Previewed {
    tally: Tally,
    shares: Vec<Share>,
    nodes: String,
    ended: RunEnd,
}

impl Job {
    /// Checks the file and asks the nodes, as [`carry_out`](Job::carry_out) does, and changes nothing.
    ///
    /// # Errors
    /// When the file has errors, a node cannot be used, or a guard refuses what would be done.
    pub async fn preview(self) -> Result<Outlook, JobError> {
        let node_jobs = self.open().await?;
        self.check_nodes(&node_jobs.addresses())?;
        if self.origin.is_retry() && node_jobs.are_already_done() {
            return Ok(Outlook::Nothing(self.nothing_to_retry()?));
        }
        let mut prepared = self.look(node_jobs, Purpose::Preview).await?;
        self.assess(&mut prepared).await?;
        Ok(Outlook::Preview(Box::new(Preview {
            job: self,
            prepared,
        })))
    }
}

impl Preview {
    /// Carries the rows out in memory only; `on_line` gets each with what it would do, on a thread of its own, and works
    /// on `sink`.
    ///
    /// # Errors
    /// When the file cannot be read, or at the first error of `on_line`.
    pub async fn rehearse<S, E>(
        &self,
        sink: S,
        on_line: fn(&mut S, &Line) -> Result<(), E>,
    ) -> Result<(Previewed, S), JobError>
    where
        S: Send + 'static,
        E: std::fmt::Display + Send + 'static,
    {
        let Preview { job, prepared } = self;
        let progress = job.progress(prepared);
        let naming = Naming::of(prepared[0].node_job.roster.columns());
        let (sender, receiver) = tokio::sync::mpsc::channel(1024);
        let listen = move || preview::listen(receiver, &naming, progress, sink, on_line);
        let listener = threads::start("preview", listen).map_err(JobError::unexpected)?;
        let ended = job.start(prepared, None, sender).await?;
        let heard = listener.end().await.map_err(JobError::unexpected)?;
        let (tally, sink) = heard.map_err(JobError::unexpected)?;
        Ok((Previewed::of(prepared, tally, ended), sink))
    }

    /// What is known before the first line.
    pub fn opening(&self) -> Opening {
        let nodes = self.prepared.iter().map(|each| NodeName {
            name: each.node.name.clone(),
            address: each.node.address.clone(),
        });
        let new_groups = self.prepared.iter().flat_map(|each| {
            let missing = each.directory.teams.missing().iter();
            missing.map(|GroupName { kind, name }| NewGroup {
                kind: kind.word(),
                name: name.clone(),
                node: each.node.address.clone(),
            })
        });
        Opening {
            file: whole(&self.job.spec.file).display().to_string(),
            nodes: nodes.collect(),
            new_groups: new_groups.collect(),
        }
    }

    /// The teams and roles that would be created, a line each.
    pub fn new_groups(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for each in &self.prepared {
            for GroupName { kind, name } in each.directory.teams.missing() {
                let what = Style::Good.on(format_args!("create {} {name:?}", kind.word()));
                lines.push(match self.prepared.len() {
                    1 => format!("{what}\n"),
                    _ => format!("{what} on {}\n", each.node.name),
                });
            }
        }
        lines
    }

    /// What a plan of it is for.
    pub fn planned(&self) -> Planned {
        let roster = &self.prepared[0].node_job.roster;
        let node_jobs = self.prepared.iter().map(|each| &each.node_job);
        Planned {
            input: self.job.input_file(roster),
            import: self.job.import_of(roster),
            nodes: node_jobs
                .map(|node_job| node_job.destination.address())
                .collect(),
        }
    }
}

impl Previewed {
    /// What the rows of all nodes come to.
    fn of(prepared: &[PreparedNode], tally: Tally, ended: Vec<RunEnd>) -> Self {
        let shares = prepared.iter().zip(&ended).map(|(each, ended)| Share {
            forecast: ended.forecast.unwrap_or_default(),
            rate: each.node_job.destination.rate.ceiling(),
            new_groups: each.directory.teams.missing().len(),
        });
        Previewed {
            tally,
            shares: shares.collect(),
            nodes: names(prepared),
            ended: together(prepared, ended),
        }
    }

    /// How the program ends.
    pub fn exit(&self) -> Exit {
        exit(&self.tally, &self.ended)
    }

    /// Why it stopped before its end, if it did.
    pub fn stopped(&self) -> Option<String> {
        self.ended.stopped.as_ref().map(ToString::to_string)
    }

    /// What the rows come to.
    pub fn summary(&self) -> PreviewSummary<'_> {
        PreviewSummary {
            tally: &self.tally,
            shares: &self.shares,
            node: &self.nodes,
        }
    }

    /// How it ended, for a program. `plan` is the file with the plan, if it was written to one.
    pub fn closing(&self, plan: Option<&std::path::Path>, exit: Exit) -> Closing {
        let stopped = self.stopped();
        let plan = plan.filter(|_| stopped.is_none());
        Closing {
            plan: plan.map(|path| whole(path).display().to_string()),
            stopped,
            exit_code: exit as u8,
        }
    }
}
