//! `headcount plan`, `headcount apply` and `--dry-run`: what a run would do, before it does it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::bulk::BulkUse;
use super::import::{ImportArgs, InputArgs, RunArgs};
use super::job::{Job, exit};
use super::node::{Connected, NodeArgs};
use super::{Exit, Failure, signals};
use crate::directory::{Directory, People};
use crate::preview::{self, Comparison, Input, Line, Naming, PlanFile, PlanWriter, Summary};
use crate::report::{Progress, Tally, grouped, say};
use crate::roster::{Census, Column, GroupName, Roster};
use crate::run::{Ended, OnConflict, Run, StopSwitch};

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
    let mut job = args.import.job();
    job.run.dry_run = true;
    let pace = job.node.pace();
    let stop = Arc::new(StopSwitch::new(Arc::clone(&pace)));
    signals::listen(Arc::clone(&stop));
    let (roster, census) = job.read().await?;
    let (node, directory) = tokio::select! {
        looked = job.look(&roster, &census, pace) => looked?,
        () = stop.drained() => return Err(Failure::interrupted()),
    };
    job.check_harm(&census, &directory).await?;
    let rehearsal = Rehearsal {
        roster: &roster,
        census: &census,
        node: &node,
        stop: &stop,
    };
    job.show(rehearsal, directory, args.output.as_deref()).await
}

/// `headcount apply`
pub(super) async fn apply(args: ApplyArgs) -> Result<Exit, Failure> {
    let plan = PlanFile::open(&args.plan).map_err(Failure::usage)?;
    let mut job = Job::of_plan(&plan.input, args.run, args.node)?;
    let dry = std::mem::replace(&mut job.run.dry_run, true);
    let pace = job.node.pace();
    let stop = Arc::new(StopSwitch::new(Arc::clone(&pace)));
    signals::listen(Arc::clone(&stop));
    let (roster, census) = job.read().await?;
    if roster.sha256() != plan.input.sha256 {
        return Err(Failure::usage(format_args!(
            "{} was changed since the plan was made; nothing was sent. Make a new plan.",
            job.file.display()
        )));
    }
    let (node, directory) = tokio::select! {
        looked = job.look(&roster, &census, pace) => looked?,
        () = stop.drained() => return Err(Failure::interrupted()),
    };
    if node.address != plan.input.node {
        return Err(Failure::usage(format_args!(
            "the plan was made for {}, not for {}; nothing was sent",
            plan.input.node, node.address
        )));
    }
    job.check_harm(&census, &directory).await?;
    let rehearsal = Rehearsal {
        roster: &roster,
        census: &census,
        node: &node,
        stop: &stop,
    };
    let directory = Arc::new(directory);
    job.compare(rehearsal, Arc::clone(&directory), plan).await?;
    if dry {
        say("The plan still holds. Nothing was changed.");
        return Ok(Exit::Done);
    }
    job.run.dry_run = false;
    let people = People::new(Arc::clone(&node.client));
    job.prepare(&census, &people).await?;
    let directory = Directory {
        people,
        teams: directory.teams.clone(),
    };
    job.confirm(&census, &directory, &node).await?;
    job.execute(&roster, &census, &node, directory, stop).await
}

/// What a rehearsal is about.
pub(super) struct Rehearsal<'a> {
    pub(super) roster: &'a Roster,
    pub(super) census: &'a Arc<Census>,
    pub(super) node: &'a Connected,
    pub(super) stop: &'a Arc<StopSwitch>,
}

impl Job {
    /// A job as it was planned.
    fn of_plan(input: &Input, run: RunArgs, node: NodeArgs) -> Result<Self, Failure> {
        let strange = |what: &str| Failure::usage(format_args!("the plan names {what}"));
        let column = |(heading, column): &(String, String)| {
            let column: Result<Column, _> = column.parse();
            column.map(|column| (heading.clone(), column))
        };
        let map: Result<Vec<(String, Column)>, _> = input.map.iter().map(column).collect();
        Ok(Job {
            file: input.file.clone(),
            action: input.action.parse().map_err(Failure::usage)?,
            only_action: input.only_action,
            on_conflict: OnConflict::from_str(&input.on_conflict, true)
                .map_err(|_| strange("an --on-conflict that there is not"))?,
            input: InputArgs {
                map: map.map_err(Failure::usage)?,
                skip_invalid: input.skip_invalid,
                create_teams: input.create_teams,
                batch: input.batch,
                bulk: BulkUse::from_str(&input.bulk, true)
                    .map_err(|_| strange("a --bulk that there is not"))?,
                replace: input.replace,
            },
            run,
            node,
        })
    }

    fn plan_input(&self, roster: &Roster, node: &Connected) -> Input {
        let file = std::path::absolute(&self.file).unwrap_or_else(|_| self.file.clone());
        let column =
            |(heading, column): &(String, Column)| (heading.clone(), column.name().to_owned());
        Input {
            action: self.action.to_string(),
            only_action: self.only_action,
            map: self.input.map.iter().map(column).collect(),
            on_conflict: name(&self.on_conflict),
            skip_invalid: self.input.skip_invalid,
            create_teams: self.input.create_teams,
            batch: self.input.batch,
            bulk: name(&self.input.bulk),
            replace: self.input.replace,
            file,
            sha256: roster.sha256().to_owned(),
            node: node.address.clone(),
        }
    }

    /// Names every change on standard output, or writes them to a plan, and says what they come to.
    pub(super) async fn show(
        &self,
        rehearsal: Rehearsal<'_>,
        directory: Directory,
        output: Option<&Path>,
    ) -> Result<Exit, Failure> {
        let node = rehearsal.node;
        let input = self.plan_input(rehearsal.roster, node);
        let directory = Arc::new(directory);
        let missing = directory.teams.missing().to_vec();
        let (tally, ended) = match output {
            None => {
                for GroupName { kind, name } in &missing {
                    let line = format!("before the rows: create {} {name:?}", kind.word());
                    writeln!(io::stdout(), "{line}").map_err(Failure::unexpected)?;
                }
                let print = |out: &mut io::Stdout, line: &Line| writeln!(out.lock(), "{line}");
                let rehearsed = self.rehearse(rehearsal, directory, io::stdout(), print);
                let (tally, ended, _) = rehearsed.await?;
                (tally, ended)
            }
            Some(path) => {
                let plan = PlanWriter::create(path, &input).map_err(Failure::usage)?;
                let write = |plan: &mut PlanWriter, line: &Line| plan.write(line);
                let rehearsed = self.rehearse(rehearsal, directory, plan, write);
                let (tally, ended, plan) = rehearsed.await?;
                if ended.stopped.is_none() {
                    plan.finish().map_err(Failure::unexpected)?;
                }
                (tally, ended)
            }
        };
        if !self.run.quiet {
            self.tell(&tally, &ended, node, missing.len());
            if let (Some(path), None) = (output, &ended.stopped) {
                say(format_args!(
                    "Plan: {}. Carry it out with headcount apply.",
                    path.display()
                ));
            }
        }
        Ok(exit(&tally, &ended))
    }

    fn tell(&self, tally: &Tally, ended: &Ended, node: &Connected, new_groups: usize) {
        if let Some(reason) = &ended.stopped {
            say(format_args!("Stopped before the end: {reason}."));
        }
        say(Summary {
            tally,
            forecast: ended.forecast.unwrap_or_default(),
            rate: self.node.rate,
            node: &node.name,
            new_groups,
        });
    }

    /// Refuses a plan that is not what carrying it out now would do.
    async fn compare(
        &self,
        rehearsal: Rehearsal<'_>,
        directory: Arc<Directory>,
        plan: PlanFile,
    ) -> Result<(), Failure> {
        let comparison = Comparison::with(plan);
        let (_, ended, comparison) = self
            .rehearse(rehearsal, directory, comparison, Comparison::hold)
            .await?;
        if let Some(reason) = &ended.stopped {
            return Err(Failure::new(
                Exit::Interrupted,
                format_args!("{reason}; nothing was sent"),
            ));
        }
        let changed = comparison.end().map_err(Failure::usage)?;
        for each in &changed.first {
            say(each);
        }
        match changed.count {
            0 => Ok(()),
            count => Err(Failure::usage(format_args!(
                "{} of the plan's rows would do something else now; nothing was sent. Make a new plan.",
                grouped(count)
            ))),
        }
    }

    /// Carries the rows out in memory only; `on_line` gets each with what it would do.
    async fn rehearse<S, E>(
        &self,
        rehearsal: Rehearsal<'_>,
        directory: Arc<Directory>,
        sink: S,
        on_line: fn(&mut S, &Line) -> Result<(), E>,
    ) -> Result<(Tally, Ended, S), Failure>
    where
        S: Send + 'static,
        E: std::fmt::Display + Send + 'static,
    {
        let Rehearsal {
            roster,
            census,
            node,
            stop,
        } = rehearsal;
        let entries = roster.entries().map_err(Failure::unexpected)?;
        let progress = Progress::new(self.run.progress, self.run.quiet, census.rows);
        let naming = Naming::of(roster.columns());
        let (sender, receiver) = tokio::sync::mpsc::channel(1024);
        let listener = tokio::task::spawn_blocking(move || {
            preview::listen(receiver, &naming, progress, sink, on_line)
        });
        let run = Run::new(
            Arc::clone(&node.client),
            directory,
            self.settings(census, node, true),
            Arc::clone(census),
            Arc::clone(stop),
        );
        let ended = run.carry_out(entries, sender).await;
        let (tally, sink) = listener
            .await
            .map_err(Failure::unexpected)?
            .map_err(Failure::unexpected)?;
        Ok((tally, ended, sink))
    }
}

/// The value as the command line writes it.
fn name(value: &impl ValueEnum) -> String {
    let value = value.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}
