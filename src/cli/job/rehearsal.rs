//! What a job would do, found out without changing anything: shown, written as a plan, or compared with one.

use std::io::{self, BufWriter};
use std::path::Path;
use std::sync::Arc;

use super::Job;
use super::forecast::{End, new_groups, opening};
use super::site::{Ready, sites};
use super::unfinished::same_unfinished;
use crate::cli::printed::{Reader, written};
use crate::cli::{Exit, Failure};
use crate::directory::{Directory, People};
use crate::preview::{self, Comparison, Document, Line, Naming, PlanFile, PlanWriter};
use crate::report::{Paper, Tally, Tint, grouped, say};
use crate::run::Ended;
use crate::sheet::shown;
use crate::threads;

impl Job {
    /// Shows what would be done, or writes it down as a plan.
    pub(in crate::cli) async fn plan(mut self, output: Option<&Path>) -> Result<Exit, Failure> {
        self.run.dry_run = true;
        let sites = self.open().await?;
        self.check_nodes(&sites.addresses())?;
        let mut ready = self.look(sites).await?;
        self.assess(&mut ready).await?;
        self.show(&ready, output).await
    }

    /// Carries out a plan, if the file and the people in it are still as they were.
    pub(in crate::cli) async fn apply(
        mut self,
        plan: PlanFile,
        path: &Path,
    ) -> Result<Exit, Failure> {
        let dry = std::mem::replace(&mut self.run.dry_run, true);
        let mut sites = self.open().await?;
        if sites.sha256() != plan.input.sha256 {
            return Err(Failure::usage(format_args!(
                "{} was changed since the plan was made; nothing was sent. Make a new plan: {}",
                shown(&self.file),
                plan_anew(&self, path)
            )));
        }
        if !dry {
            sites.check_results(&self)?;
            sites.hold(&self).await?;
        }
        let nodes = sites.addresses();
        let mut ready = self.look(sites).await?;
        if nodes != plan.input.nodes {
            return Err(Failure::usage(format_args!(
                "the plan was made for {}, not for {}; nothing was sent. Name the plan's node, or make a plan for this one: \
             {}",
                plan.input.nodes.join(" and "),
                nodes.join(" and "),
                plan_anew(&self, path)
            )));
        }
        self.assess(&mut ready).await?;
        let end = self.compare(&ready, plan, path).await?;
        if dry {
            self.say_no_report();
            say("The plan still holds. Nothing was changed.");
            end.print(&self, &ready, Exit::Done)?;
            return Ok(Exit::Done);
        }
        self.run.dry_run = false;
        for each in &mut ready {
            let people = People::new(Arc::clone(&each.node.client));
            self.prepare(&each.site.census, &people).await?;
            each.directory = Arc::new(Directory {
                people,
                teams: each.directory.teams.afresh(),
            });
        }
        self.confirm(&ready).await?;
        self.execute(ready).await
    }

    /// Names every change on standard output, or writes them to a plan, and says what they come to.
    pub(super) async fn show(
        &self,
        ready: &[Ready],
        output: Option<&Path>,
    ) -> Result<Exit, Failure> {
        match (output, self.run.format) {
            (None, Reader::Text) => {
                let mut paper = Paper::standard_output();
                for line in new_groups(ready) {
                    written(paper.print(&line))?;
                }
                let print = |paper: &mut Paper, line: &Line| paper.print(&format!("{line}\n"));
                let (tally, ended, _) = self.rehearse(ready, paper, print).await?;
                Ok(End::of(ready, tally, ended, None).say(self))
            }
            (None, Reader::Json) => {
                let out = BufWriter::new(io::stdout());
                let document =
                    Document::begin(out, &opening(self, ready)).map_err(Failure::unexpected)?;
                let write = |document: &mut Document<_>, line: &Line| document.line(line);
                let (tally, ended, document) = self.rehearse(ready, document, write).await?;
                let end = End::of(ready, tally, ended, None);
                let exit = end.say(self);
                written(document.end(&end.summary(), &end.closing(exit)))?;
                Ok(exit)
            }
            (Some(path), _) => {
                let input = self.terms(&sites(ready));
                let plan = PlanWriter::create(path, &input).map_err(Failure::usage)?;
                let write = |plan: &mut PlanWriter, line: &Line| plan.write(line);
                let (tally, ended, plan) = self.rehearse(ready, plan, write).await?;
                if ended.iter().all(|ended| ended.stopped.is_none()) {
                    plan.finish().map_err(Failure::unexpected)?;
                }
                let end = End::of(ready, tally, ended, Some(path));
                let exit = end.say(self);
                end.print(self, ready, exit)?;
                Ok(exit)
            }
        }
    }

    /// Refuses a plan that is not what carrying it out now would do; else tells what that comes to.
    async fn compare<'a>(
        &self,
        ready: &[Ready],
        plan: PlanFile,
        path: &'a Path,
    ) -> Result<End<'a>, Failure> {
        let comparison = Comparison::with(plan);
        let (tally, ended, comparison) = self.rehearse(ready, comparison, Comparison::hold).await?;
        let end = End::of(ready, tally, ended, Some(path));
        if let Some(reason) = &end.ended.stopped {
            return Err(Failure::new(
                Exit::Interrupted,
                format_args!("{reason}; nothing was sent"),
            ));
        }
        let changed = comparison.end().map_err(Failure::usage)?;
        for each in &changed.first {
            say(each);
        }
        if changed.count == 0 {
            return Ok(end);
        }
        let records = self.run.state.shelf()?;
        let about = self.about(&sites(ready), &self.results_path()?)?;
        let next = match same_unfinished(&records, &about)? {
            // The plan was carried out in part: that is why.
            Some(run) => run.advice(),
            None => format!("Make a new plan: {}", plan_anew(self, path)),
        };
        Err(Failure::usage(format_args!(
            "{} of the plan's rows would do something else now; nothing was sent. {next}",
            grouped(changed.count)
        )))
    }

    /// Carries the rows out in memory only; `on_line` gets each with what it would do.
    async fn rehearse<S, E>(
        &self,
        ready: &[Ready],
        sink: S,
        on_line: fn(&mut S, &Line) -> Result<(), E>,
    ) -> Result<(Tally, Vec<Ended>, S), Failure>
    where
        S: Send + 'static,
        E: std::fmt::Display + Send + 'static,
    {
        let progress = self.progress(ready);
        let naming = Naming::of(ready[0].site.roster.columns());
        let (sender, receiver) = tokio::sync::mpsc::channel(1024);
        let listen = move || preview::listen(receiver, &naming, progress, sink, on_line);
        let listener = threads::start("preview", listen).map_err(Failure::unexpected)?;
        let ended = self.start(ready, None, sender).await?;
        let (tally, sink) = listener
            .end()
            .await
            .map_err(Failure::unexpected)?
            .map_err(Failure::unexpected)?;
        Ok((tally, ended, sink))
    }
}

/// The command that makes a plan again, as far as it is known.
fn plan_anew(job: &Job, plan: &Path) -> String {
    let action = job.action;
    let (file, plan) = (job.file.display(), plan.display());
    Tint::Command.on(format_args!(
        "headcount plan {file} --action {action} -o {plan}"
    ))
}
