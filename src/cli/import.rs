//! `headcount import`, `lock` and `unlock`: a spreadsheet carried out on a node.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use clap::builder::FalseyValueParser;

use super::node::{Connected, NodeArgs};
use super::{Exit, Failure, signals};
use crate::directory::{Directory, People, Teams};
use crate::guard::{Harm, MaxErrors};
use crate::report::{self, Layout, Progress, ResultsFile, Summary, Tally, When, grouped, say};
use crate::roster::{self, Action, Census, Column, GroupName, Roster};
use crate::run::{Ended, OnConflict, Run, Settings, StopReason, StopSwitch, Verdict};

const EXAMPLES: &str = "\
Examples:
  headcount import samples/onboarding.csv --sandbox
  headcount import people.csv --region eu --node 1234567890 --rate 180/min
  headcount import people.csv --on-conflict skip --results done.csv
  headcount import changes.csv --action update --map 'Work E-mail=email'

Columns: action, email, id, first_name, last_name, display_name, external_id, active, teams,
remove_teams, roles, remove_roles, new_email; the usual names of HR systems are understood.
The results are the same spreadsheet with what happened to every row.";

/// Create, update, lock or unlock the people of a spreadsheet
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ImportArgs {
    /// The spreadsheet (CSV or TSV, UTF-8)
    file: PathBuf,
    /// What rows without an action of their own ask for
    #[arg(
        long,
        value_name = "ACTION",
        default_value = "create",
        env = "HEADCOUNT_ACTION"
    )]
    action: Action,
    /// What to do when the email of a new person is taken
    #[arg(long, value_enum, default_value_t, env = "HEADCOUNT_ON_CONFLICT")]
    on_conflict: OnConflict,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    pub(super) node: NodeArgs,
}

/// Lock or unlock the accounts of a list of emails or ids
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// The list: a spreadsheet with a column of emails or ids
    file: PathBuf,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    pub(super) node: NodeArgs,
}

/// How a run goes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Run")]
struct RunArgs {
    /// A heading of the file and the column it stands for; several with ; between them
    #[arg(long, value_name = "HEADING=COLUMN", value_parser = mapping, value_delimiter = ';', env = "HEADCOUNT_MAP")]
    map: Vec<(String, Column)>,
    /// Where the results go; else beside the input as NAME.results.csv
    #[arg(long, value_name = "FILE", env = "HEADCOUNT_RESULTS")]
    results: Option<PathBuf>,
    /// Carry out the rows that make sense although others do not
    #[arg(long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_SKIP_INVALID")]
    skip_invalid: bool,
    /// Stop when more rows than this have failed: a number, or a share of all rows
    #[arg(long, value_name = "N|P%", env = "HEADCOUNT_MAX_ERRORS")]
    max_errors: Option<MaxErrors>,
    /// Allow to lock or delete as many as this, however large a part of the node that is
    #[arg(long, value_name = "N", env = "HEADCOUNT_ALLOW_LOCKS")]
    allow_locks: Option<u64>,
    /// Do not ask before people are locked or deleted
    #[arg(short, long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_YES")]
    yes: bool,
    /// Say nothing but errors
    #[arg(short, long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_QUIET")]
    quiet: bool,
    /// When to show progress
    #[arg(long, value_enum, default_value_t, env = "HEADCOUNT_PROGRESS")]
    progress: When,
}

fn mapping(text: &str) -> Result<(String, Column), String> {
    let (heading, column) = text
        .rsplit_once('=')
        .ok_or_else(|| format!("{text:?} is not HEADING=COLUMN, such as 'Work E-mail=email'"))?;
    Ok((
        heading.trim().to_owned(),
        column
            .trim()
            .parse::<Column>()
            .map_err(|error| error.to_string())?,
    ))
}

/// `headcount import`
pub(super) async fn import(args: ImportArgs) -> Result<Exit, Failure> {
    let options = roster::Options {
        default_action: args.action,
        forced_action: false,
        map: args.run.map.clone(),
    };
    Job {
        file: args.file,
        options,
        on_conflict: args.on_conflict,
        run: args.run,
        node: args.node,
    }
    .carry_out()
    .await
}

/// `headcount lock` and `headcount unlock`
pub(super) async fn list(args: ListArgs, action: Action) -> Result<Exit, Failure> {
    let options = roster::Options {
        default_action: action,
        forced_action: true,
        map: args.run.map.clone(),
    };
    Job {
        file: args.file,
        options,
        on_conflict: OnConflict::Fail,
        run: args.run,
        node: args.node,
    }
    .carry_out()
    .await
}

/// One file to carry out on one node.
#[derive(Debug)]
struct Job {
    file: PathBuf,
    options: roster::Options,
    on_conflict: OnConflict,
    run: RunArgs,
    node: NodeArgs,
}

impl Job {
    async fn carry_out(self) -> Result<Exit, Failure> {
        let pace = self.node.pace();
        let stop = Arc::new(StopSwitch::new(Arc::clone(&pace)));
        signals::listen(Arc::clone(&stop));
        let (roster, census) = tokio::select! {
            checked = self.check() => checked?,
            () = stop.drained() => return Err(Failure::interrupted()),
        };
        let node = self.node.connect(pace).await?;
        let directory = tokio::select! {
            directory = self.look(&roster, &census, &node) => directory?,
            () = stop.drained() => return Err(Failure::interrupted()),
        };
        self.guard(&census, &directory, &node).await?;
        let path = self.results_path()?;
        let results = Self::results_file(&path, &roster)?;
        let (tally, ended) = self
            .run(&roster, &census, &node, directory, stop, results)
            .await?;
        if !self.run.quiet {
            say(Summary {
                tally: &tally,
                ended: &ended,
                results: &path,
                node: &node.name,
            });
        }
        Ok(exit(&tally, &ended))
    }

    /// Reads and checks the whole file before anything is sent.
    async fn check(&self) -> Result<(Roster, Arc<Census>), Failure> {
        let (file, options) = (self.file.clone(), self.options.clone());
        let checked = tokio::task::spawn_blocking(move || {
            let roster = Roster::open(&file, options).map_err(Failure::usage)?;
            let census = roster
                .check(&mut |problem| say(problem))
                .map_err(Failure::usage)?;
            Ok::<_, Failure>((roster, Arc::new(census)))
        });
        let (roster, census) = checked.await.map_err(Failure::unexpected)??;
        let file = self.file.display();
        let unknown = roster.columns().unknown();
        if !unknown.is_empty() && !self.run.quiet {
            say(format_args!(
                "{file}: columns that are not used, only carried over to the results: {}",
                unknown.join(", ")
            ));
        }
        if census.rows == 0 {
            return Err(Failure::usage(format_args!(
                "{file} has a header but no rows below it; nothing was sent"
            )));
        }
        if census.invalid > 0 && !self.run.skip_invalid {
            return Err(Failure::usage(format_args!(
                "{} of {} rows in {file} {}; nothing was sent. Correct the file, or send the others with --skip-invalid.",
                grouped(census.invalid),
                grouped(census.rows),
                if census.invalid == 1 {
                    "has an error"
                } else {
                    "have errors"
                },
            )));
        }
        Ok((roster, census))
    }

    /// Learns from the node what the rows need to be carried out.
    async fn look(
        &self,
        roster: &Roster,
        census: &Census,
        node: &Connected,
    ) -> Result<Directory, Failure> {
        let teams = if census.groups.is_empty() {
            Teams::default()
        } else {
            Teams::list(&node.client, node.role_prefix.clone()).await?
        };
        self.check_groups(roster, census, &teams)?;
        let people = People::new(Arc::clone(&node.client));
        let creates = census.by_action(Action::Create);
        people
            .prepare(census.rows.saturating_sub(census.invalid + creates))
            .await?;
        Ok(Directory { people, teams })
    }

    /// Every team and role that a row names must be on the node, under one id.
    fn check_groups(&self, roster: &Roster, census: &Census, teams: &Teams) -> Result<(), Failure> {
        let mut wrong = 0;
        for (name, mentions) in &census.groups {
            if let Err(problem) = teams.resolve(name) {
                wrong += 1;
                say(format_args!(
                    "{}, {}: {:?}: {problem}",
                    roster.file_name(),
                    mentions,
                    name.name
                ));
            }
        }
        if wrong > 0 && !self.run.skip_invalid {
            return Err(Failure::usage(format_args!(
                "{wrong} of the {} teams and roles in {} cannot be used; nothing was sent. \
                 Correct the file, or send the other rows with --skip-invalid.",
                census.groups.keys().collect::<BTreeSet<&GroupName>>().len(),
                self.file.display()
            )));
        }
        Ok(())
    }

    /// Refuses, or asks, before people lose their access.
    async fn guard(
        &self,
        census: &Census,
        directory: &Directory,
        node: &Connected,
    ) -> Result<(), Failure> {
        let Some(harm) = Harm::of(census) else {
            return Ok(());
        };
        let active = if harm.needs_count(self.run.allow_locks) {
            Some(directory.people.count_active().await?)
        } else {
            None
        };
        harm.check(active, self.run.allow_locks)
            .map_err(|refused| Failure::new(Exit::Guard, refused))?;
        if self.run.yes || self.node.sandbox {
            return Ok(());
        }
        let can_ask = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        if !can_ask || self.node.uses_standard_input() {
            return Err(Failure::usage(format_args!(
                "this would {harm} on {}, and there is no terminal to ask at; nothing was sent. Add --yes to go on without asking.",
                node.name
            )));
        }
        let question = match active.or(directory.people.counts().map(|(_, active)| active)) {
            Some(active) => format!(
                "{harm} of {} active users on {}? [y/N] ",
                grouped(active),
                node.name
            ),
            None => format!("{harm} on {}? [y/N] ", node.name),
        };
        if ask(question).await? {
            Ok(())
        } else {
            Err(Failure::usage("not confirmed; nothing was sent"))
        }
    }

    fn results_path(&self) -> Result<PathBuf, Failure> {
        let same = |path: &Path| match (path.canonicalize(), self.file.canonicalize()) {
            (Ok(results), Ok(input)) => results == input,
            _ => false,
        };
        match &self.run.results {
            Some(path) if same(path) => Err(Failure::usage(format_args!(
                "--results {} is the input itself; give the results another name",
                path.display()
            ))),
            Some(path) => Ok(path.clone()),
            None => {
                let path = report::beside(&self.file);
                report::keep_former(&path).map_err(|error| {
                    Failure::usage(format_args!(
                        "the former results {} cannot be kept: {error}",
                        path.display()
                    ))
                })?;
                Ok(path)
            }
        }
    }

    fn results_file(path: &Path, roster: &Roster) -> Result<ResultsFile, Failure> {
        let layout = Layout::like_input(roster, path);
        ResultsFile::create(path, layout).map_err(|error| {
            Failure::usage(format_args!(
                "{error}; nothing was sent. Name another place with --results FILE."
            ))
        })
    }

    async fn run(
        &self,
        roster: &Roster,
        census: &Arc<Census>,
        node: &Connected,
        directory: Directory,
        stop: Arc<StopSwitch>,
        results: ResultsFile,
    ) -> Result<(Tally, Ended), Failure> {
        let settings = Settings {
            concurrency: self.node.concurrency(),
            on_conflict: self.on_conflict,
            max_errors: self.run.max_errors.map(|most| most.of(census.rows)),
        };
        let entries = roster.entries().map_err(Failure::unexpected)?;
        let progress = Progress::new(self.run.progress, self.run.quiet, census.rows);
        let (sender, receiver) = tokio::sync::mpsc::channel(1024);
        let reporter =
            tokio::task::spawn_blocking(move || report::listen(receiver, results, progress));
        let run = Run::new(
            Arc::clone(&node.client),
            Arc::new(directory),
            settings,
            Arc::clone(census),
            stop,
        );
        let ended = run.carry_out(entries, sender).await;
        let tally = reporter
            .await
            .map_err(Failure::unexpected)?
            .map_err(Failure::unexpected)?;
        Ok((tally, ended))
    }
}

async fn ask(question: String) -> Result<bool, Failure> {
    let answer = tokio::task::spawn_blocking(move || {
        let mut error = std::io::stderr();
        error.write_all(question.as_bytes())?;
        error.flush()?;
        let mut line = String::new();
        std::io::stdin().read_line(&mut line)?;
        std::io::Result::Ok(line)
    });
    let line = answer
        .await
        .map_err(Failure::unexpected)?
        .map_err(Failure::unexpected)?;
    Ok(matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn exit(tally: &Tally, ended: &Ended) -> Exit {
    match &ended.stopped {
        Some(StopReason::Interrupted) => Exit::Interrupted,
        Some(StopReason::Denied(_) | StopReason::Unreachable(_)) => Exit::NoNode,
        Some(StopReason::TooManyErrors(_)) => Exit::Guard,
        Some(StopReason::Broken(_)) => Exit::Unexpected,
        None if ended.seats_used_up => Exit::Guard,
        None if Verdict::ALL
            .iter()
            .any(|verdict| !verdict.is_done() && tally.of(*verdict) > 0) =>
        {
            Exit::RowsFailed
        }
        None => Exit::Done,
    }
}
