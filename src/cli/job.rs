//! One file carried out on one node: the order in which things are checked, asked and done.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::import::{InputArgs, RunArgs};
use super::node::{Connected, NodeArgs};
use super::preview::Rehearsal;
use super::{Exit, Failure, confirm, missing, signals};
use crate::directory::{Directory, People, Teams};
use crate::guard::Harm;
use crate::pace::Pace;
use crate::report::{self, Former, Layout, Progress, ResultsFile, Summary, Tally, grouped, say};
use crate::roster::{self, Action, Census, Roster};
use crate::run::{Ended, OnConflict, Run, Settings, StopReason, StopSwitch, Verdict};

/// One file to carry out on one node.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) file: PathBuf,
    /// What rows without an action ask for.
    pub(super) action: Action,
    /// Whether that is the only action.
    pub(super) only_action: bool,
    pub(super) on_conflict: OnConflict,
    pub(super) input: InputArgs,
    pub(super) run: RunArgs,
    pub(super) node: NodeArgs,
}

impl Job {
    pub(super) async fn carry_out(self) -> Result<Exit, Failure> {
        let pace = self.node.pace();
        let stop = Arc::new(StopSwitch::new(Arc::clone(&pace)));
        signals::listen(Arc::clone(&stop));
        let (roster, census) = tokio::select! {
            read = self.read() => read?,
            () = stop.drained() => return Err(Failure::interrupted()),
        };
        let (node, directory) = tokio::select! {
            looked = self.look(&roster, &census, pace) => looked?,
            () = stop.drained() => return Err(Failure::interrupted()),
        };
        self.check_harm(&census, &directory).await?;
        if self.run.dry_run {
            let rehearsal = Rehearsal {
                roster: &roster,
                census: &census,
                node: &node,
                stop: &stop,
            };
            return self.show(rehearsal, directory, None).await;
        }
        self.confirm(&census, &directory, &node).await?;
        self.execute(&roster, &census, &node, directory, stop).await
    }

    /// Carries out rows that were checked, and writes their results.
    pub(super) async fn execute(
        &self,
        roster: &Roster,
        census: &Arc<Census>,
        node: &Connected,
        directory: Directory,
        stop: Arc<StopSwitch>,
    ) -> Result<Exit, Failure> {
        let path = self.results_path()?;
        let results = self.results_file(&path, roster)?;
        let mut directory = directory;
        let mut new_groups = 0;
        // In bulk requests they are made together with the rows that need them.
        if node.bulk.is_none() {
            let made = missing::create(&mut directory.teams, &self.input, node, &stop).await;
            new_groups = match made {
                Ok(new_groups) => new_groups,
                Err(failure) => {
                    results.discard();
                    return Err(failure);
                }
            };
        }
        let directory = Arc::new(directory);
        let (tally, ended) = self
            .run(roster, census, node, Arc::clone(&directory), stop, results)
            .await?;
        new_groups += directory.teams.count_founded();
        if !self.run.quiet {
            say(Summary {
                tally: &tally,
                ended: &ended,
                results: &path,
                node: &node.name,
                new_groups,
            });
        }
        Ok(exit(&tally, &ended))
    }

    /// Reads the whole file, and says everything that is wrong with it.
    pub(super) async fn read(&self) -> Result<(Roster, Arc<Census>), Failure> {
        let file = self.file.clone();
        let options = roster::Options {
            default_action: self.action,
            forced_action: self.only_action,
            map: self.input.map.clone(),
        };
        let read = tokio::task::spawn_blocking(move || {
            let roster = Roster::open(&file, options).map_err(Failure::usage)?;
            let census = roster
                .check(&mut |problem| say(problem))
                .map_err(Failure::usage)?;
            Ok::<_, Failure>((roster, Arc::new(census)))
        });
        let (roster, census) = read.await.map_err(Failure::unexpected)??;
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
        Ok((roster, census))
    }

    /// Learns from the node what the rows need to be carried out, and refuses a file with errors.
    pub(super) async fn look(
        &self,
        roster: &Roster,
        census: &Census,
        pace: Arc<Pace>,
    ) -> Result<(Connected, Directory), Failure> {
        let wrong_rows = if self.input.skip_invalid {
            0
        } else {
            census.invalid
        };
        if wrong_rows > 0 && census.groups.is_empty() {
            return Err(self.refused(wrong_rows, 0, census));
        }
        // A file that is refused anyway still gets its teams checked where the node can be asked:
        // everything that is wrong is said at once.
        let asked = self.teams(census, pace).await;
        let (node, mut teams) = match asked {
            Err(_) if wrong_rows > 0 => return Err(self.refused(wrong_rows, 0, census)),
            asked => asked?,
        };
        let wrong_groups = missing::look(roster, census, &mut teams, &self.input, self.run.quiet);
        if wrong_rows > 0 || (wrong_groups > 0 && !self.input.skip_invalid) {
            return Err(self.refused(wrong_rows, wrong_groups, census));
        }
        let people = People::new(Arc::clone(&node.client));
        self.prepare(census, &people).await?;
        Ok((node, Directory { people, teams }))
    }

    /// Learns who is there, by listing the node or later one by one, whichever is fewer calls.
    pub(super) async fn prepare(&self, census: &Census, people: &People) -> Result<(), Failure> {
        let valid = census.valid();
        if !self.run.dry_run {
            // Whether a new person is there already, the node itself says.
            return Ok(people
                .prepare(valid.saturating_sub(census.by_action(Action::Create)))
                .await?);
        }
        if census.recurring {
            // A later row has to meet what an earlier one would have done: that is kept in the list.
            people.list_everyone().await?;
        } else {
            people.prepare(valid).await?;
        }
        Ok(())
    }

    async fn teams(&self, census: &Census, pace: Arc<Pace>) -> Result<(Connected, Teams), Failure> {
        let mut node = self.node.connect(pace).await?;
        node.bulk = self.input.bulk.limits(&node.client, census.valid()).await;
        let teams = if census.groups.is_empty() {
            Teams::default()
        } else {
            Teams::list(&node.client, node.role_prefix.clone()).await?
        };
        Ok((node, teams))
    }

    fn refused(&self, rows: u64, groups: u64, census: &Census) -> Failure {
        let wrong_rows = match rows {
            0 => None,
            1 => Some(format!("1 of {} rows has an error", grouped(census.rows))),
            rows => Some(format!(
                "{} of {} rows have errors",
                grouped(rows),
                grouped(census.rows)
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
        Failure::usage(format_args!(
            "{}: {}; nothing was sent. Correct the file, or send the other rows with --skip-invalid.",
            self.file.display(),
            wrong.join(", and ")
        ))
    }

    /// Refuses what would take their access from too many people.
    pub(super) async fn check_harm(
        &self,
        census: &Census,
        directory: &Directory,
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
            .map_err(|refused| Failure::new(Exit::Guard, refused))
    }

    /// Asks before people lose their access.
    pub(super) async fn confirm(
        &self,
        census: &Census,
        directory: &Directory,
        node: &Connected,
    ) -> Result<(), Failure> {
        let Some(harm) = Harm::of(census) else {
            return Ok(());
        };
        if self.run.yes || self.node.sandbox {
            return Ok(());
        }
        if !confirm::can_ask(&self.node) {
            return Err(confirm::nowhere_to_ask(&harm, &node.name));
        }
        let question = match directory.people.counts() {
            Some((_, active)) => format!(
                "{harm} of {} active users on {}? [y/N] ",
                grouped(active),
                node.name
            ),
            None => format!("{harm} on {}? [y/N] ", node.name),
        };
        confirm::ask(question).await
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
            None => Ok(report::beside(&self.file)),
        }
    }

    fn results_file(&self, path: &Path, roster: &Roster) -> Result<ResultsFile, Failure> {
        // A name that somebody gave is theirs to reuse; one that follows from the input is not.
        let former = if self.run.results.is_some() {
            Former::Replace
        } else {
            Former::Keep
        };
        ResultsFile::create(path, Layout::like_input(roster, path), former).map_err(|error| {
            Failure::usage(format_args!(
                "{error}; nothing was sent. Name another place with --results FILE."
            ))
        })
    }

    pub(super) fn settings(&self, census: &Census, node: &Connected, rehearse: bool) -> Settings {
        let max_errors = self.run.max_errors.map(|most| most.of(census.rows));
        Settings {
            concurrency: self.node.concurrency(),
            on_conflict: self.on_conflict,
            batch: usize::from(self.input.batch),
            bulk: node.bulk.map(|limits| limits.of_at_most(max_errors)),
            replace: self.input.replace,
            rehearse,
            max_errors: max_errors.filter(|_| !rehearse),
        }
    }

    async fn run(
        &self,
        roster: &Roster,
        census: &Arc<Census>,
        node: &Connected,
        directory: Arc<Directory>,
        stop: Arc<StopSwitch>,
        results: ResultsFile,
    ) -> Result<(Tally, Ended), Failure> {
        let settings = self.settings(census, node, false);
        let entries = roster.entries().map_err(Failure::unexpected)?;
        let progress = Progress::new(self.run.progress, self.run.quiet, census.rows);
        let (sender, receiver) = tokio::sync::mpsc::channel(1024);
        let reporter =
            tokio::task::spawn_blocking(move || report::listen(receiver, results, progress));
        let run = Run::new(
            Arc::clone(&node.client),
            directory,
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

pub(super) fn exit(tally: &Tally, ended: &Ended) -> Exit {
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
