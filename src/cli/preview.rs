//! `headcount plan`, `headcount apply` and `--dry-run`: what a run would do, before it does it.

use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::bulk::BulkUse;
use super::forecast::{End, new_groups, opening};
use super::import::{BATCH, ImportArgs, InputArgs, RunArgs};
use super::job::Job;
use super::node::NodeArgs;
use super::printed::{Reader, written};
use super::record::{Origin, whole};
use super::site::Ready;
use super::spreadsheet::SpreadsheetArgs;
use super::{Exit, Failure, runs};
use crate::directory::{Directory, People};
use crate::preview::{self, Comparison, Document, Line, Naming, PlanFile, PlanWriter};
use crate::report::{Paper, Tally, Tint, grouped, say};
use crate::roster::{Action, Mapping, TargetError};
use crate::run::{Ended, OnConflict};
use crate::sheet::{Reading, shown};
use crate::terms::Terms;

const PLAN_EXAMPLES: &str = "\
Examples:
  headcount plan people.csv --sandbox
  headcount plan leavers.csv --action lock -o leavers.plan --region eu --node 1234567890
  headcount apply leavers.plan --region eu --node 1234567890";

/// Show what import would do: every change, the calls, the time; nothing is changed
#[derive(Debug, Args)]
#[command(after_help = PLAN_EXAMPLES)]
pub(super) struct PlanArgs {
    /// Write the plan to this file, for headcount apply
    #[arg(short, long, value_name = "PLAN", env = "HEADCOUNT_PLAN")]
    output: Option<PathBuf>,
    #[command(flatten)]
    pub(super) import: ImportArgs,
}

/// Carry out a plan, if the file and the people in it are still as they were
#[derive(Debug, Args)]
#[command(after_help = PLAN_EXAMPLES)]
pub(super) struct ApplyArgs {
    /// What headcount plan has written
    plan: PathBuf,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    pub(super) node: NodeArgs,
}

/// `headcount plan`
pub(super) async fn plan(args: PlanArgs) -> Result<Exit, Failure> {
    let mut job = args.import.job()?;
    job.run.dry_run = true;
    let ready = job.look().await?;
    job.check_harm(&ready).await?;
    job.show(&ready, args.output.as_deref()).await
}

/// `headcount apply`
pub(super) async fn apply(args: ApplyArgs) -> Result<Exit, Failure> {
    let plan = PlanFile::open(&args.plan).map_err(Failure::usage)?;
    let mut job = Job::of_terms(&plan.input, args.run, args.node, Origin::File)?;
    let dry = std::mem::replace(&mut job.run.dry_run, true);
    let mut sites = job.open().await?;
    if sites.sha256() != plan.input.sha256 {
        return Err(Failure::usage(format_args!(
            "{} was changed since the plan was made; nothing was sent. Make a new plan: {}",
            shown(&job.file),
            plan_anew(&job, &args.plan)
        )));
    }
    let stop = sites.stop();
    if !dry {
        sites.check_results(&job)?;
        sites.hold(&job).await?;
    }
    let mut ready = tokio::select! {
        looked = sites.look(&job) => looked?,
        () = stop.drained() => return Err(Failure::interrupted()),
    };
    let nodes = addresses(&ready);
    if nodes != plan.input.nodes {
        return Err(Failure::usage(format_args!(
            "the plan was made for {}, not for {}; nothing was sent. Name the plan's node, or make a plan for this one: \
             {}",
            plan.input.nodes.join(" and "),
            nodes.join(" and "),
            plan_anew(&job, &args.plan)
        )));
    }
    job.check_harm(&ready).await?;
    let end = job.compare(&ready, plan, &args.plan).await?;
    if dry {
        job.say_no_report();
        say("The plan still holds. Nothing was changed.");
        end.print(&job, &ready, Exit::Done)?;
        return Ok(Exit::Done);
    }
    job.run.dry_run = false;
    for each in &mut ready {
        let people = People::new(Arc::clone(&each.node.client));
        job.prepare(&each.site.census, &people).await?;
        each.directory = Arc::new(Directory {
            people,
            teams: each.directory.teams.afresh(),
        });
    }
    job.confirm(&ready).await?;
    job.execute(ready).await
}

fn addresses(ready: &[Ready]) -> Vec<String> {
    ready.iter().map(|each| each.node.address.clone()).collect()
}

impl ApplyArgs {
    pub(super) fn reader(&self) -> Reader {
        self.run.format
    }
}

impl Job {
    /// A job as it was planned.
    pub(super) fn of_terms(
        input: &Terms,
        run: RunArgs,
        node: NodeArgs,
        origin: Origin,
    ) -> Result<Self, Failure> {
        let strange = |what: &str| Failure::usage(format_args!("it names {what}"));
        let map = Self::map_of(input)?;
        Ok(Job {
            file: input.file.clone(),
            action: input.action.parse().map_err(Failure::usage)?,
            only_action: input.only_action,
            on_conflict: OnConflict::from_str(&input.on_conflict, true)
                .map_err(|_| strange("an --on-conflict that there is not"))?,
            input: InputArgs {
                spreadsheet: SpreadsheetArgs {
                    map: map.clone(),
                    reading: input.reading.clone().into(),
                },
                skip_invalid: input.skip_invalid,
                create_teams: input.create_teams,
                batch: input.batch,
                bulk: BulkUse::from_str(&input.bulk, true)
                    .map_err(|_| strange("a --bulk that there is not"))?,
                replace: input.replace,
            },
            map,
            run,
            node,
            origin,
        })
    }

    /// What headings were said to stand for.
    pub(super) fn map_of(terms: &Terms) -> Result<Vec<Mapping>, Failure> {
        let mapping = |(heading, to): &(String, String)| {
            let to = to.parse();
            to.map(|to| Mapping::by_flag(heading.clone(), to))
        };
        let map: Result<_, TargetError> = terms.map.iter().map(mapping).collect();
        map.map_err(Failure::usage)
    }

    /// What a run is asked to do if nobody says anything else.
    pub(super) fn usual_terms(action: Action) -> Terms {
        Terms {
            file: PathBuf::new(),
            sha256: String::new(),
            reading: Reading::default(),
            nodes: Vec::new(),
            action: action.to_string(),
            only_action: false,
            map: Vec::new(),
            on_conflict: name(&OnConflict::default()),
            skip_invalid: false,
            create_teams: false,
            batch: BATCH,
            bulk: name(&BulkUse::default()),
            replace: false,
        }
    }

    pub(super) fn terms(&self, ready: &[Ready]) -> Terms {
        let roster = &ready[0].site.roster;
        let mapped = roster.columns().mapped(roster.header());
        Terms {
            action: self.action.to_string(),
            only_action: self.only_action,
            map: mapped
                .map(|(heading, to)| (heading.to_owned(), to.name().to_owned()))
                .collect(),
            on_conflict: name(&self.on_conflict),
            skip_invalid: self.input.skip_invalid,
            create_teams: self.input.create_teams,
            batch: self.input.batch,
            bulk: name(&self.input.bulk),
            replace: self.input.replace,
            reading: self.input.spreadsheet.reading.clone().into(),
            file: whole(&self.file),
            sha256: roster.sha256().to_owned(),
            nodes: addresses(ready),
        }
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
                let input = self.terms(ready);
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
        let addresses: Vec<String> = ready.iter().map(|each| each.node.address.clone()).collect();
        let records = self.run.state.shelf()?;
        let next = match runs::cut_short(&records, &self.file, &addresses)? {
            // The plan was begun: that is why.
            Some((id, words)) => {
                let command = Tint::Command.on(format_args!("headcount runs resume {id}"));
                format!("{words} Go on with it: {command}")
            }
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
        let listener = tokio::task::spawn_blocking(move || {
            preview::listen(receiver, &naming, progress, sink, on_line)
        });
        let ended = self.start(ready, None, sender).await?;
        let (tally, sink) = listener
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

/// The value as the command line writes it.
fn name(value: &impl ValueEnum) -> String {
    let value = value.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}
