//! A plan carried out, if the file and the people in it are still as they were.

use std::path::Path;
use std::sync::Arc;

use super::node_job::node_jobs;
use super::preview::{Preview, Previewed};
use super::unfinished::same_unfinished;
use super::{Caller, Exit, Finished, Job, JobError, JobSpec, NodeRef, Purpose, RunOptions};
use crate::directory::{Directory, People};
use crate::preview::{Comparison, PlanFile};
use crate::report::{Style, grouped};
use crate::sheet::shown;

/// A plan, and the job it was made for.
pub struct Application {
    job: Job,
    plan: PlanFile,
}

impl Application {
    /// Opens the plan at `path`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(
        path: &Path,
        options: RunOptions,
        node: NodeRef,
        caller: Arc<dyn Caller>,
    ) -> Result<Self, JobError> {
        let plan = PlanFile::open(path).map_err(JobError::usage)?;
        let spec = JobSpec {
            file: plan.planned.input.path.clone(),
            import: plan.planned.import.clone(),
            node,
            options,
        };
        Ok(Application {
            job: Job::new(spec, caller),
            plan,
        })
    }

    /// Tells what carrying it out would do, if the plan still holds.
    ///
    /// # Errors
    /// When it does not hold any more, besides what keeps any job from being carried out.
    pub async fn preview(self) -> Result<(Preview, Previewed), JobError> {
        self.compare(Purpose::Preview).await
    }

    /// Carries it out, if it still holds.
    ///
    /// # Errors
    /// When it does not hold any more, besides what keeps any job from being carried out.
    pub async fn carry_out(self) -> Result<Finished, JobError> {
        let (
            Preview {
                mut job,
                mut prepared,
            },
            _,
        ) = self.compare(Purpose::Run).await?;
        for each in &mut prepared {
            let people = People::new(Arc::clone(&each.node.client));
            job.prepare(&each.node_job.summary, &people, Purpose::Run)
                .await?;
            each.directory = Arc::new(Directory {
                people,
                teams: each.directory.teams.afresh(),
            });
        }
        job.confirm(&prepared).await?;
        job.execute(prepared).await
    }

    async fn compare(self, purpose: Purpose) -> Result<(Preview, Previewed), JobError> {
        let Application { job, plan } = self;
        let planned = plan.planned.clone();
        let plan_again = plan_again(&job, plan.path());
        let mut node_jobs = job.open().await?;
        if node_jobs.sha256() != planned.input.sha256 {
            return Err(JobError::usage(format_args!(
                "{} was changed since the plan was made; nothing was sent. Make a new plan: {plan_again}",
                shown(&job.spec.file)
            )));
        }
        if purpose == Purpose::Run {
            node_jobs.check_results(&job)?;
            node_jobs.lock(&job).await?;
        }
        let nodes = node_jobs.addresses();
        let mut prepared = job.look(node_jobs, Purpose::Preview).await?;
        if nodes != planned.nodes {
            return Err(JobError::usage(format_args!(
                "the plan was made for {}, not for {}; nothing was sent. Name the plan's node, or make a plan for this one: \
                 {plan_again}",
                planned.nodes.join(" and "),
                nodes.join(" and "),
            )));
        }
        job.assess(&mut prepared).await?;
        let preview = Preview { job, prepared };
        let previewed = preview.is_as_planned(plan, &plan_again).await?;
        Ok((preview, previewed))
    }
}

impl Preview {
    /// Refuses a plan that is not what carrying it out now would do.
    async fn is_as_planned(&self, plan: PlanFile, plan_again: &str) -> Result<Previewed, JobError> {
        let comparison = Comparison::with(plan);
        let (previewed, comparison) = self.rehearse(comparison, Comparison::hold).await?;
        if let Some(reason) = previewed.stopped() {
            return Err(JobError::new(
                Exit::Interrupted,
                format_args!("{reason}; nothing was sent"),
            ));
        }
        let changed = comparison.end().map_err(JobError::usage)?;
        let Preview { job, prepared } = self;
        for each in &changed.first {
            job.caller.tell(each);
        }
        if changed.count == 0 {
            return Ok(previewed);
        }
        let records = job.spec.options.run_store()?;
        let about = job.about(&node_jobs(prepared), &job.results_path()?)?;
        let next = match same_unfinished(&records, &about, &*job.caller)? {
            // The plan was carried out in part: that is why.
            Some(run) => run.advice(),
            None => format!("Make a new plan: {plan_again}"),
        };
        Err(JobError::usage(format_args!(
            "{} of the plan's rows would do something else now; nothing was sent. {next}",
            grouped(changed.count)
        )))
    }
}

/// The command that makes a plan again, as far as it is known.
fn plan_again(job: &Job, plan: &Path) -> String {
    let JobSpec { file, import, .. } = &job.spec;
    let (file, action, plan) = (file.display(), import.action, plan.display());
    Style::Command.on(format_args!(
        "headcount plan {file} --action {action} -o {plan}"
    ))
}
