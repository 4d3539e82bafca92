//! One file carried out on its nodes: the order in which things are checked, asked and done.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::destination::Destination;
use super::import::{InputArgs, RunArgs};
use super::memory::Memory;
use super::node::NodeArgs;
use super::printed::{Reader, print_json};
use super::record::{Origin, whole};
use super::site::Ready;
use super::{Exit, Failure, confirm, missing, page, runs};
use crate::guard::Harm;
use crate::ledger::{Book, Keeper, RunId};
use crate::report::page::{Calls, Page};
use crate::report::{self, Progress, ResultsFile, Summary, Tally, Tint, Told, grouped, say};
use crate::roster::{self, Action, Mapping, Roster};
use crate::run::{
    Ended, Event, Journal, OnConflict, Run, Settings, StopReason, Verdict, interleave,
};
use crate::sheet::{is_standard_input, shown};

/// One file to carry out.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) file: PathBuf,
    /// What rows without an action ask for.
    pub(super) action: Action,
    /// Whether that is the only action.
    pub(super) only_action: bool,
    /// What headings are said to stand for, by flags and by profiles.
    pub(super) map: Vec<Mapping>,
    pub(super) on_conflict: OnConflict,
    pub(super) input: InputArgs,
    pub(super) run: RunArgs,
    pub(super) node: NodeArgs,
    /// Where the rows come from, and what is known of them.
    pub(super) origin: Origin,
}

impl Job {
    pub(super) async fn carry_out(mut self) -> Result<Exit, Failure> {
        if let Some(id) = self.cut_short().await? {
            let records = self.run.state.shelf()?;
            return Box::pin(runs::go_on(&records, &id, self.run, self.node)).await;
        }
        let ready = self.look().await?;
        // What a run goes on with was agreed to when it began.
        if !self.origin.is_resumed() {
            self.check_harm(&ready).await?;
        }
        if self.run.dry_run {
            self.say_no_report();
            return self.show(&ready, None).await;
        }
        if !self.origin.is_resumed() {
            self.confirm(&ready).await?;
        }
        self.execute(ready).await
    }

    /// The earlier run over the same file that is to be gone on with instead, if there is one.
    async fn cut_short(&self) -> Result<Option<RunId>, Failure> {
        let is_new = matches!(self.origin, Origin::File) && !self.run.anew;
        if self.run.dry_run || !is_new || self.node.is_sandbox() {
            return Ok(None);
        }
        // Flags that name no node leave it to the file, which is not read yet.
        let nodes = self.node.all().unwrap_or_default();
        let addresses: Vec<String> = nodes.iter().map(Destination::address).collect();
        let records = self.run.state.shelf()?;
        let Some((id, words)) = runs::cut_short(&records, &self.file, &addresses)? else {
            return Ok(None);
        };
        if !self.run.yes && !confirm::can_ask(&self.node) {
            let command = Tint::Command.on(format_args!("headcount runs resume {id}"));
            return Err(Failure::usage(format_args!(
                "{words} Nothing was sent. Go on with it: {command}; or begin anew with --anew."
            )));
        }
        say(words);
        if self.run.yes || confirm::agrees("Go on with it? [Y/n] ", true).await? {
            return Ok(Some(id));
        }
        say("Beginning anew.");
        Ok(None)
    }

    /// Reads the file and asks its nodes for what the rows need.
    pub(super) async fn look(&self) -> Result<Vec<Ready>, Failure> {
        let mut sites = self.open().await?;
        self.check_nodes(&sites.addresses())?;
        if !self.run.dry_run {
            sites.check_results(self)?;
            sites.hold(self).await?;
        }
        let stop = sites.stop();
        tokio::select! {
            looked = sites.look(self) => looked,
            () = stop.drained() => Err(Failure::interrupted()),
        }
    }

    /// Opens the file.
    pub(super) fn roster(&self) -> Result<Roster, Failure> {
        let options = roster::Options {
            default_action: self.action,
            forced_action: self.only_action,
            map: self.map.clone(),
        };
        if is_standard_input(&self.file) && self.node.uses_standard_input() {
            return Err(Failure::usage(
                "the rows and the token cannot both come from standard input; nothing was sent",
            ));
        }
        let reading = self.input.spreadsheet.reading.clone().into();
        // Nobody else has anything to do before.
        let roster = self.origin.open(&self.file, &reading, options)?;
        if !self.run.quiet {
            for remark in roster.remarks() {
                say(remark);
            }
            say_unused(&roster);
        }
        Ok(roster)
    }

    /// Carries out rows that were checked, and writes their results.
    pub(super) async fn execute(&mut self, ready: Vec<Ready>) -> Result<Exit, Failure> {
        let path = self.results_path()?;
        let to_come = self.page_to_come(&path)?;
        let results = self.results_file(&path, &ready[0].site.roster)?;
        let book = match self.book(&ready, &path) {
            Ok(book) => book,
            Err(failure) => {
                results.discard();
                return Err(failure);
            }
        };
        let id = book.id().to_string();
        let mut ready = ready;
        let mut new_groups = 0;
        for each in &mut ready {
            // In bulk requests they are made together with the rows that need them.
            if each.node.bulk.is_none() {
                match missing::create(each, &self.input).await {
                    Ok(made) => new_groups += made,
                    Err(failure) => {
                        results.discard();
                        return Err(failure);
                    }
                }
            }
        }
        let listeners = page::listeners(&ready, to_come.as_ref());
        let (told, ended, book) = self.run(&ready, results, book, listeners).await?;
        let memory = self.memory()?;
        for each in &ready {
            let pace = each.node.client.line().pace();
            each.site.destination.remember(pace, &memory);
            new_groups += each.directory.teams.count_founded();
        }
        if !self.run.quiet {
            say(Summary {
                tally: &told.tally,
                ended: &ended,
                results: &path,
                node: &names(&ready),
                new_groups,
                run: (!self.node.is_sandbox()).then_some(&*id),
            });
        }
        let report = self.write_page(to_come, &told, &book)?;
        let exit = exit(&told.tally, &ended);
        if self.run.format == Reader::Json {
            let part = runs::Part {
                calls: told.tally.calls,
                seconds: told.tally.elapsed().as_secs_f64(),
                new_groups,
                seats_used_up: ended.seats_used_up,
                report: report.map(|path| whole(&path).display().to_string()),
                exit_code: exit as u8,
            };
            print_json(&runs::Summary::of(&book, part)?)?;
        }
        Ok(exit)
    }

    /// What earlier runs found out about the pace of nodes.
    pub(super) fn memory(&self) -> Result<Memory, Failure> {
        Ok(Memory::within(self.run.state.shelf()?.dir()))
    }

    pub(super) fn refused(&self, all: u64, rows: u64, groups: u64) -> Failure {
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
        Failure::usage(format_args!(
            "{}: {}; nothing was sent. Correct the file, or send the other rows with --skip-invalid.",
            shown(&self.file),
            wrong.join(", and ")
        ))
    }

    /// Refuses what would take their access from too many people of a node.
    pub(super) async fn check_harm(&self, ready: &[Ready]) -> Result<(), Failure> {
        for each in ready {
            let Some(harm) = Harm::of(&each.site.census) else {
                continue;
            };
            let active = if harm.needs_count(self.run.allow_locks) {
                Some(each.directory.people.count_active().await?)
            } else {
                None
            };
            harm.check(active, self.run.allow_locks)
                .map_err(|refused| {
                    let failure = Failure::new(Exit::Guard, refused);
                    match ready.len() {
                        1 => failure,
                        _ => failure.of(&each.node.name),
                    }
                })?;
        }
        Ok(())
    }

    /// Asks before people lose their access, for each node.
    pub(super) async fn confirm(&self, ready: &[Ready]) -> Result<(), Failure> {
        for each in ready {
            let node = &each.node.name;
            let Some(harm) = Harm::of(&each.site.census) else {
                continue;
            };
            if self.run.yes || each.site.destination.is_sandbox() {
                continue;
            }
            if !confirm::can_ask(&self.node) {
                return Err(confirm::nowhere_to_ask(&harm, node));
            }
            let question = match each.directory.people.counts() {
                // Those who are locked already are in the list as well.
                Some((_, active)) if harm.total() > active => format!(
                    "{harm} on {node}, which has {} active users? [y/N] ",
                    grouped(active)
                ),
                Some((_, active)) => format!(
                    "{harm} of {} active users on {node}? [y/N] ",
                    grouped(active)
                ),
                None => format!("{harm} on {node}? [y/N] "),
            };
            confirm::ask(question).await?;
        }
        Ok(())
    }

    fn settings(&self, ready: &Ready, rehearse: bool) -> Settings {
        let rows = ready.site.census.rows;
        let max_errors = self.run.max_errors.map(|most| most.of(rows));
        let limits = ready.node.bulk;
        Settings {
            dialect: ready.node.dialect,
            concurrency: ready.site.destination.concurrency,
            on_conflict: self.on_conflict,
            batch: usize::from(self.input.batch),
            bulk: limits.map(|limits| limits.of_at_most(max_errors)),
            replace: self.input.replace,
            rehearse,
            max_errors: max_errors.filter(|_| !rehearse),
        }
    }

    async fn run(
        &self,
        ready: &[Ready],
        results: ResultsFile,
        book: Book,
        (calls, page): (Calls, Option<Page>),
    ) -> Result<(Told, Ended, Book), Failure> {
        let id = book.id().clone();
        let (journal, keeper) = Keeper::start(book);
        let progress = self.progress(ready);
        let (sender, receiver) = tokio::sync::mpsc::channel(1024);
        let reporter = tokio::task::spawn_blocking(move || {
            report::listen(receiver, results, progress, calls, page)
        });
        let ended = self.start(ready, Some(journal), sender).await?;
        let ended = together(ready, ended);
        let heard = reporter.await.map_err(Failure::unexpected)?;
        let (book, kept) = keeper.finish().await;
        let resume = Tint::Command.on(format_args!("headcount runs resume {id}"));
        let go_on = format!("Run {id}: {resume} goes on with it.");
        let told = heard.map_err(|error| Failure::unexpected(format_args!("{error}. {go_on}")))?;
        kept.map_err(|error| Failure::unexpected(format_args!("{error}. {go_on}")))?;
        let stopped = ended.stopped.as_ref().map(ToString::to_string);
        let calls = serde_json::to_string(&told.calls).map_err(Failure::unexpected)?;
        book.keep_calls(&calls)?;
        book.end(stopped.as_deref())?;
        Ok((told, ended, book))
    }

    pub(super) fn progress(&self, ready: &[Ready]) -> Progress {
        let rows = ready.iter().map(|each| each.site.census.rows).sum();
        Progress::new(self.run.progress, self.run.quiet, rows)
    }

    /// Carries the rows out, with notes in `journal`, or rehearses that without one, on all nodes at once. What
    /// happens is told in the order of the file.
    pub(super) async fn start(
        &self,
        ready: &[Ready],
        journal: Option<Journal>,
        events: mpsc::Sender<Event>,
    ) -> Result<Vec<Ended>, Failure> {
        let mut runs = Vec::new();
        let mut sources = Vec::new();
        for (node, each) in (0..).zip(ready) {
            let rows = self.origin.assignments(&each.site.roster, &self.file)?;
            let run = Run::new(
                Arc::clone(&each.node.client),
                Arc::clone(&each.directory),
                self.settings(each, journal.is_none()),
                Arc::clone(&each.site.census),
                Arc::clone(&each.site.stop),
            )
            .sparing(each.site.destination.protected.clone())
            .noted_in(
                journal
                    .as_ref()
                    .map_or_else(Journal::none, |journal| journal.of_node(node)),
            );
            if ready.len() == 1 {
                drop(journal);
                return Ok(vec![run.carry_out(rows, events).await]);
            }
            let (sender, source) = mpsc::channel(1024);
            sources.push(source);
            runs.push(tokio::spawn(run.carry_out(rows, sender)));
        }
        drop(journal);
        interleave(sources, events).await;
        let mut ended = Vec::new();
        for run in runs {
            ended.push(run.await.map_err(Failure::unexpected)?);
        }
        Ok(ended)
    }
}

/// Says which columns are only carried over, and which of them may be a slip of the pen.
pub(super) fn say_unused(roster: &Roster) {
    let (columns, file) = (roster.columns(), roster.file_name());
    let unknown = columns.unknown();
    if !unknown.is_empty() {
        say(format_args!(
            "{file}: columns that are not used, only carried over to the results: {}",
            unknown.join(", ")
        ));
    }
    for slip in columns.slips(roster.header()) {
        say(format_args!("{file}: {slip}"));
    }
}

/// How the runs on all nodes ended, told as one; where there are several, with the names of those that
/// stopped.
pub(super) fn together(ready: &[Ready], runs: Vec<Ended>) -> Ended {
    if let [_] = ready {
        return Ended::together(runs);
    }
    let named = ready.iter().zip(runs).map(|(each, ended)| Ended {
        stopped: ended.stopped.map(|reason| reason.of(&each.node.name)),
        ..ended
    });
    Ended::together(named)
}

/// The nodes in words.
pub(super) fn names(ready: &[Ready]) -> String {
    let names: Vec<&str> = ready.iter().map(|each| &*each.node.name).collect();
    names.join(" and ")
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
