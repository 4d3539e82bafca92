//! One file carried out on its nodes: the order in which things are checked, asked and done.
//!
//! ```text
//!  flags, or ──▶ Job ──▶ open ──▶ Sites ──▶ look ──▶ Ready ──▶ assess ──▶ confirm ──▶ execute ──▶ results, report,
//!  a record         (file, nodes)      (who, which teams)  └──▶ show, compare (nothing is changed)    exit code
//! ```
//!
//! Here belongs what a run over one file needs beside its rows: which earlier run it goes on with, who else works on the
//! node, where results go, what is asked and said. How rows are carried out is for [`run`](crate::run). What single
//! commands do with a job is for them.

mod bulk;
pub(super) mod document;
mod done;
mod earlier;
mod execute;
pub(super) mod facts;
mod forecast;
mod harm;
mod missing;
mod origin;
pub(super) mod page;
mod record;
mod rehearsal;
mod results;
mod site;
mod terms;
mod unfinished;

use std::path::PathBuf;
use std::sync::Arc;

pub(super) use done::roster_of;
pub(super) use earlier::{go_on, gone, reach};
pub(super) use origin::{Origin, Retried};
pub(super) use results::run_of;

use super::args::{InputArgs, NodeArgs, RunArgs};
use super::memory::Memory;
use super::printed::{Reader, print_json};
use super::{Exit, Failure, confirm};
use crate::ledger::RunId;
use crate::report::{grouped, say};
use crate::roster::{self, Action, Roster};
use crate::run::{OnConflict, StopSwitch};
use crate::sheet::{is_standard_input, shown};
use document::{Part, Summary};
use site::{Ready, Sites};
use unfinished::worked_since;

/// One file to carry out.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) file: PathBuf,
    /// What rows without an action ask for.
    pub(super) action: Action,
    /// Whether that is the only action.
    pub(super) only_action: bool,
    pub(super) on_conflict: OnConflict,
    /// How the file is understood, with what profiles say of its headings.
    pub(super) input: InputArgs,
    pub(super) run: RunArgs,
    pub(super) node: NodeArgs,
    /// Where the rows come from, and what is known of them.
    pub(super) origin: Origin,
    /// Unfinished runs that are not continued, since the user starts over.
    pub(super) replaces: Vec<RunId>,
    /// What there is to say of the file was said already.
    pub(super) input_is_told: bool,
}

impl Job {
    pub(super) async fn carry_out(mut self) -> Result<Exit, Failure> {
        let mut sites = self.open().await?;
        self.check_nodes(&sites.addresses())?;
        if self.origin.is_retry() && sites.are_settled() {
            return self.nothing_to_retry();
        }
        if !self.run.dry_run {
            // What other runs have done is certain only when none of them works on the nodes any more.
            sites.hold(&self).await?;
            if let Some(id) = self.run_to_continue(&sites).await? {
                return self.go_on(sites, &id).await;
            }
            self.check_others_since()?;
            sites.check_results(&self)?;
        }
        let mut ready = self.look(sites).await?;
        self.assess(&mut ready).await?;
        if self.run.dry_run {
            self.say_no_report();
            return self.show(&ready, None).await;
        }
        if !self.origin.is_resumed() {
            let stop = Arc::clone(&ready[0].site.stop);
            unless_stopped(&stop, self.confirm(&ready)).await?;
        }
        self.execute(ready).await
    }

    /// Refuses to continue a run without the user's word if another one has worked on its file meanwhile.
    fn check_others_since(&self) -> Result<(), Failure> {
        let Origin::Resumed(earlier) = &self.origin else {
            return Ok(());
        };
        let may_continue = self.run.resume || !self.input_is_told;
        if may_continue || confirm::can_ask(&self.node) {
            return Ok(());
        }
        let records = self.run.state.shelf()?;
        match worked_since(&records, &earlier.book)? {
            None => Ok(()),
            Some(since) => Err(Failure::usage(format_args!(
                "run {since} has worked on the same file meanwhile; nothing was sent. To continue all the same, add \
                 --resume; to start over, add --anew."
            ))),
        }
    }

    /// Continues an unfinished run instead.
    async fn go_on(self, sites: Sites, id: &RunId) -> Result<Exit, Failure> {
        // The locks of its nodes are taken again.
        drop(sites);
        let records = self.run.state.shelf()?;
        Box::pin(go_on(&records, id, self.run, self.node, true)).await
    }

    /// Every row was settled by the run that is retried, or by an earlier retry of it.
    fn nothing_to_retry(&self) -> Result<Exit, Failure> {
        say(format_args!(
            "There is nothing to retry: every row of {} has succeeded.",
            shown(&self.file)
        ));
        if self.run.format == Reader::Json
            && let Some(chain) = self.origin.chain()
        {
            print_json(&Summary::of(chain.latest(), Part::ended(Exit::Done))?)?;
        }
        Ok(Exit::Done)
    }

    /// Asks the nodes for what the rows need.
    async fn look(&self, sites: Sites) -> Result<Vec<Ready>, Failure> {
        let stop = sites.stop();
        unless_stopped(&stop, sites.look(self)).await
    }

    /// Opens the file.
    fn roster(&self) -> Result<Roster, Failure> {
        let options = roster::Options {
            default_action: self.action,
            forced_action: self.only_action,
            map: self.input.spreadsheet.map.clone(),
        };
        if is_standard_input(&self.file) && self.node.uses_standard_input() {
            return Err(Failure::usage(
                "the rows and the token cannot both come from standard input; nothing was sent",
            ));
        }
        let reading = self.input.spreadsheet.reading.clone().into();
        // Nobody else has anything to do before.
        let roster = self.origin.open(&self.file, &reading, options)?;
        if !self.run.quiet.is_quiet() && !self.input_is_told {
            for remark in roster.remarks() {
                say(remark);
            }
            say_unused(&roster);
        }
        Ok(roster)
    }

    /// What earlier runs found out about the pace of nodes.
    fn memory(&self) -> Result<Memory, Failure> {
        Ok(Memory::within(self.run.state.shelf()?.dir()))
    }

    fn refused(&self, all: u64, rows: u64, groups: u64) -> Failure {
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
}

/// Works until it is done or a signal stops it, before anything is sent.
async fn unless_stopped<T>(
    stop: &StopSwitch,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        done = work => done,
        () = stop.drained() => Err(Failure::interrupted()),
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
