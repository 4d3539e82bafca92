//! One file carried out on its nodes: the order in which things are checked, asked and done.
//!
//! ```text
//!  JobSpec, or ─▶ Job ─▶ open ─▶ NodeJobs ─▶ look ─▶ PreparedNode ─▶ assess ─▶ confirm ─▶ execute ─▶ Finished
//!  a record          (file, nodes)    (who, which teams)   └─▶ preview, compare (nothing is changed)
//! ```
//!
//! Here belongs what a run over one file needs beside its rows: which earlier run it continues, who else works on the
//! node, where results go, what is asked. How rows are carried out is for [`run`](crate::run).
//!
//! A job knows neither the command line nor a terminal. Whoever starts it hands over a [`JobSpec`], and a [`Caller`] that
//! hears what there is to say, answers questions and stops it; what it came to is a [`Finished`] or a [`JobError`].

mod apply;
mod bulk;
mod caller;
mod check;
mod document;
mod done;
mod error;
mod execute;
mod export;
mod facts;
mod find;
mod groups;
mod harm;
mod memory;
mod missing;
mod node;
mod node_job;
mod origin;
mod page;
mod preview;
mod record;
mod records;
mod results;
mod resume;
mod retry;
mod spec;
#[cfg(test)]
mod tests;
mod undo;
mod unfinished;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

pub use apply::Application;
pub use caller::Caller;
pub use check::FileCheck;
pub use document::{RunDocument, RunsDocument, SummaryDocument, next, not_sent};
pub use error::{Exit, JobError};
pub use export::{ExportSpec, export};
pub use find::find_run;
pub use groups::Groups;
use harm::nowhere_to_ask;
pub use node::{Connected, Destination, NetworkRef, NodeRef, NodeTarget};
pub use preview::{Outlook, Preview, Previewed};
pub use records::{Discarded, discard, prune, report_text, write_report, write_results};
pub use resume::{Continuation, resume};
pub use retry::retry;
pub use spec::{JobSpec, OnUnfinished, ReportOptions, RunOptions};
pub use undo::undo;

use self::node::SANDBOX;
use crate::ledger::{RunId, RunRecord};
use crate::report::{grouped, waits};
use crate::roster::{self, Roster};
use crate::run::{PaceReport, StopSwitch};
use crate::sheet::{is_standard_input, shown};
use memory::Memory;
use node_job::{NodeJobs, PreparedNode};
use origin::RowsOrigin;
use unfinished::worked_since;

/// One file to carry out.
pub struct Job {
    spec: JobSpec,
    caller: Arc<dyn Caller>,
    /// Where the rows come from, and what is known of them.
    origin: RowsOrigin,
    /// Unfinished runs that are not continued, since the user starts over.
    replaces: Vec<RunId>,
    /// What there is to say of the file was said already.
    input_is_told: bool,
}

/// How a job ended.
#[derive(Debug)]
pub struct Finished {
    /// How the program ends.
    pub exit: Exit,
    /// What it came to, for a program; none where there was nothing to do.
    pub summary: Option<Box<SummaryDocument>>,
}

impl Finished {
    /// There was nothing to do about a run.
    fn nothing_sent(run: &RunRecord, exit: Exit) -> Result<Self, JobError> {
        Ok(Finished {
            exit,
            summary: Some(Box::new(SummaryDocument::without_calls(run, exit)?)),
        })
    }
}

/// What a file is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// To see what would be done.
    Preview,
    /// To do it.
    Run,
}

impl Job {
    /// A new job.
    pub fn new(spec: JobSpec, caller: Arc<dyn Caller>) -> Self {
        Self::with_origin(spec, caller, RowsOrigin::File)
    }

    fn with_origin(spec: JobSpec, caller: Arc<dyn Caller>, origin: RowsOrigin) -> Self {
        Job {
            spec,
            caller,
            origin,
            replaces: Vec::new(),
            input_is_told: false,
        }
    }

    /// Carries it out, or continues an unfinished run of it.
    pub async fn carry_out(mut self) -> Result<Finished, JobError> {
        let mut node_jobs = self.open().await?;
        self.check_nodes(&node_jobs.addresses())?;
        if self.origin.is_retry() && node_jobs.are_already_done() {
            return self.nothing_to_retry();
        }
        // What other runs have done is certain only when none of them works on the nodes any more.
        node_jobs.lock(&self).await?;
        if let Some(id) = self.run_to_continue(&node_jobs).await? {
            return self.go_on(node_jobs, &id).await;
        }
        self.check_others_since()?;
        node_jobs.check_results(&self)?;
        let mut prepared = self.look(node_jobs, Purpose::Run).await?;
        self.assess(&mut prepared).await?;
        if !self.origin.is_resumed() {
            let stop = Arc::clone(&prepared[0].node_job.stop);
            unless_stopped(&stop, self.confirm(&prepared)).await?;
        }
        self.execute(prepared).await
    }

    /// Refuses to continue a run without the user's word if another one has worked on its file meanwhile.
    fn check_others_since(&self) -> Result<(), JobError> {
        let RowsOrigin::Resumed(earlier) = &self.origin else {
            return Ok(());
        };
        let is_told_to = self.spec.options.unfinished == OnUnfinished::Resume;
        if is_told_to || !self.input_is_told || self.can_ask() {
            return Ok(());
        }
        let records = self.spec.options.run_store()?;
        match worked_since(&records, &earlier.record)? {
            None => Ok(()),
            Some(since) => Err(JobError::usage(format_args!(
                "run {since} has worked on the same file meanwhile; nothing was sent. To continue all the same, add \
                 --resume; to start over, add --anew."
            ))),
        }
    }

    /// Continues an unfinished run instead.
    async fn go_on(self, node_jobs: NodeJobs, id: &RunId) -> Result<Finished, JobError> {
        // The locks of its nodes are taken again.
        drop(node_jobs);
        let JobSpec { node, options, .. } = self.spec;
        match resume::job_of(id, options, node, self.caller, true)? {
            Continuation::Job(job) => Box::pin(job.carry_out()).await,
            Continuation::Nothing(finished) => Ok(finished),
        }
    }

    /// Every row was settled by the run that is retried, or by an earlier retry of it.
    fn nothing_to_retry(&self) -> Result<Finished, JobError> {
        self.caller.tell(&format_args!(
            "There is nothing to retry: every row of {} has succeeded.",
            shown(&self.spec.file)
        ));
        match self.origin.chain() {
            Some(chain) => Finished::nothing_sent(chain.latest(), Exit::Done),
            None => Ok(Finished {
                exit: Exit::Done,
                summary: None,
            }),
        }
    }

    /// Asks the nodes for what the rows need.
    async fn look(
        &self,
        node_jobs: NodeJobs,
        purpose: Purpose,
    ) -> Result<Vec<PreparedNode>, JobError> {
        let stop = node_jobs.stop();
        let pace = || stop.pace();
        let looked = telling_waits(&*self.caller, pace, node_jobs.look(self, purpose));
        unless_stopped(&stop, looked).await
    }

    /// Opens the file.
    fn roster(&self) -> Result<Roster, JobError> {
        let (file, import) = (&self.spec.file, &self.spec.import);
        let options = roster::Options {
            default_action: import.action,
            forced_action: import.only_action,
            map: import.map.clone(),
        };
        if is_standard_input(file) && self.spec.node.uses_standard_input() {
            return Err(JobError::usage(
                "the rows and the token cannot both come from standard input; nothing was sent",
            ));
        }
        // Nobody else has anything to do before.
        let roster = self
            .origin
            .open(file, &import.reading, options, &*self.caller)?;
        if !self.input_is_told {
            for remark in remarks(&roster) {
                self.caller.remark(&remark);
            }
        }
        Ok(roster)
    }

    /// Whether questions can be asked: not where the token comes over standard input.
    fn can_ask(&self) -> bool {
        self.caller.can_ask() && !self.spec.node.uses_standard_input()
    }

    /// What earlier runs found out about the pace of nodes.
    fn memory(&self) -> Result<Memory, JobError> {
        Ok(Memory::within(self.spec.options.run_store()?.dir()))
    }

    fn refused(&self, all: u64, rows: u64, groups: u64) -> JobError {
        let wrong_rows = match rows {
            0 => None,
            1 => Some(format!("1 of {} rows has an error", grouped(all))),
            rows => Some(format!(
                "{} of {} rows have errors",
                grouped(rows),
                grouped(all)
            )),
        };
        let wrong_groups = match groups {
            0 => None,
            1 => Some("1 team or role cannot be used".to_owned()),
            groups => Some(format!(
                "{} teams and roles cannot be used",
                grouped(groups)
            )),
        };
        let wrong: Vec<String> = [wrong_rows, wrong_groups].into_iter().flatten().collect();
        JobError::usage(format_args!(
            "{}: {}; nothing was sent. Correct the file, or send the other rows with --skip-invalid.",
            shown(&self.spec.file),
            wrong.join(", and ")
        ))
    }
}

/// Works until it is done or a signal stops it, before anything is sent.
async fn unless_stopped<T>(
    stop: &StopSwitch,
    work: impl Future<Output = Result<T, JobError>>,
) -> Result<T, JobError> {
    tokio::select! {
        done = work => done,
        () = stop.drained() => Err(JobError::interrupted()),
    }
}

/// How long calls may wait before it is said, and how often from then on.
const TELL_WAITS_EVERY: Duration = Duration::from_secs(10);

/// Works until it is done, and tells the caller what calls wait for while nothing else shows that something is going on.
async fn telling_waits<T>(
    caller: &dyn Caller,
    pace: impl Fn() -> PaceReport,
    work: impl Future<Output = T>,
) -> T {
    let mut work = pin!(work);
    loop {
        match tokio::time::timeout(TELL_WAITS_EVERY, &mut work).await {
            Ok(done) => return done,
            Err(_) => {
                if let Some(words) = waits(pace()) {
                    caller.remark(&format_args!("Nothing was sent yet: {words}."));
                }
            }
        }
    }
}

/// What there is to say of a file that can be read: how it was understood, which columns are only carried over, and which
/// of them may be misspelt.
pub fn remarks(roster: &Roster) -> Vec<String> {
    let (columns, file) = (roster.columns(), roster.file_name());
    let mut remarks: Vec<String> = roster.remarks().iter().map(ToString::to_string).collect();
    let unknown = columns.unknown();
    if !unknown.is_empty() {
        remarks.push(format!(
            "{file}: columns that are not used, only carried over to the results: {}",
            unknown.join(", ")
        ));
    }
    let slips = columns.slips(roster.header());
    remarks.extend(slips.into_iter().map(|slip| format!("{file}: {slip}")));
    remarks
}
