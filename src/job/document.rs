//! A run for programs, as docs/schema/run.schema.json describes it.

use jiff::Timestamp;
use serde::Serialize;

use super::{Exit, JobError, SANDBOX};
use crate::ledger::{Counts, RunKind, RunRecord, RunState, RunStore};
use crate::report::{NodeName, Outcomes};

/// What programs know the documents by.
const RUN: &str = "urn:headcount:schema:run:1";
const RUNS: &str = "urn:headcount:schema:runs:1";
const SUMMARY: &str = "urn:headcount:schema:summary:1";

/// What is known of a run from its record.
#[derive(Debug, Serialize)]
pub struct RunDocument {
    /// Its id.
    run: String,
    /// The command that began it.
    command: String,
    /// The run that it tries again or takes back.
    of: Option<String>,
    file: String,
    nodes: Vec<NodeName>,
    begun: Timestamp,
    ended: Option<Timestamp>,
    state: &'static str,
    /// Why it stopped before its end.
    stopped: Option<String>,
    rows: u64,
    outcomes: Outcomes,
    /// Rows that may have been sent and have no outcome.
    in_doubt: u64,
    /// Rows that were not sent yet.
    not_sent: u64,
    results: String,
    /// The command that does what is left, in words.
    next: Option<[String; 4]>,
}

/// What comes next after a run.
pub fn next(record: &RunRecord, is_going: bool) -> Result<Option<&'static str>, JobError> {
    let about = record.about();
    // The node of a sandbox is gone with its run.
    if about.addresses().any(|address| address == SANDBOX) {
        return Ok(None);
    }
    Ok(match record.state()? {
        RunState::Open if is_going => None,
        RunState::Open | RunState::Stopped { .. } => Some("resume"),
        RunState::Finished { .. } if record.counts()?.not_done(about.rows) > 0 => Some("retry"),
        RunState::Finished { .. } | RunState::Discarded { .. } => None,
    })
}

/// How many rows have no outcome and were not sent.
pub fn not_sent(rows: u64, counts: &Counts) -> u64 {
    let settled: u64 = counts.verdicts.iter().map(|(_, count)| count).sum();
    rows.saturating_sub(settled + counts.in_doubt)
}

impl RunDocument {
    /// The run of a record, which may be going.
    pub fn of(record: &RunRecord, is_going: bool) -> Result<Self, JobError> {
        let (about, state, counts) = (record.about(), record.state()?, record.counts()?);
        let next = next(record, is_going)?.map(|command| {
            let id = record.id().to_string();
            ["headcount".into(), "runs".into(), command.into(), id]
        });
        let (word, ended, stopped) = match state {
            RunState::Open if is_going => ("going", None, None),
            RunState::Open => ("cut_short", None, None),
            RunState::Stopped { at, why } => ("stopped", Some(at), Some(why)),
            RunState::Discarded { at } => ("discarded", Some(at), None),
            RunState::Finished { at } => ("finished", Some(at), None),
        };
        let node = |node: &crate::ledger::NodeAbout| NodeName {
            name: node.name.clone(),
            address: node.identity.address.clone(),
        };
        Ok(RunDocument {
            run: record.id().to_string(),
            command: about.word().to_owned(),
            of: match &about.kind {
                RunKind::Import => None,
                RunKind::Retry { of } => of.clone(),
                RunKind::Undo { of } => Some(of.clone()),
            },
            file: about.input.path.display().to_string(),
            nodes: about.nodes.iter().map(node).collect(),
            begun: about.begun,
            ended,
            state: word,
            stopped,
            rows: about.rows,
            outcomes: Outcomes::of(|verdict| counts.of(verdict)),
            in_doubt: counts.in_doubt,
            not_sent: not_sent(about.rows, &counts),
            results: about.results.display().to_string(),
            next,
        })
    }

    /// As a document of its own.
    pub fn alone(self) -> impl Serialize {
        #[derive(Serialize)]
        struct Alone {
            schema: &'static str,
            #[serde(flatten)]
            run: RunDocument,
        }
        Alone {
            schema: RUN,
            run: self,
        }
    }
}

/// All runs. Of a record that cannot be read, the id and why.
#[derive(Debug, Serialize)]
pub struct RunsDocument {
    schema: &'static str,
    runs: Vec<RunEntry>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum RunEntry {
    Run(Box<RunDocument>),
    Unreadable { run: String, error: String },
}

impl RunsDocument {
    /// The runs of these records, the latest first.
    ///
    /// # Errors
    /// When the records cannot be listed.
    pub fn of(run_store: &RunStore) -> Result<Self, JobError> {
        let entry = |id| {
            let run = run_store.read(&id).map_err(JobError::from);
            let run = run.and_then(|record| RunDocument::of(&record, run_store.is_going(&id)));
            match run {
                Ok(run) => RunEntry::Run(Box::new(run)),
                Err(error) => RunEntry::Unreadable {
                    run: id.to_string(),
                    error: error.message,
                },
            }
        };
        Ok(RunsDocument {
            schema: RUNS,
            runs: run_store.runs()?.into_iter().map(entry).collect(),
        })
    }
}

/// The summary of a run that is over: what is known of it, and what was only seen while it went on.
#[derive(Debug, Serialize)]
pub struct SummaryDocument {
    schema: &'static str,
    #[serde(flatten)]
    run: RunDocument,
    #[serde(flatten)]
    part: Part,
}

/// What was seen since the run began, or went on.
#[derive(Debug, Default, Serialize)]
pub struct Part {
    /// Calls that were sent.
    pub calls: u64,
    /// How long it took.
    pub seconds: f64,
    /// Teams and roles that were created for the rows.
    pub new_groups: usize,
    /// Whether creates were given up because the licensed seats are used up.
    pub seats_used_up: bool,
    /// Where the page about the run is, if there is one.
    pub report: Option<String>,
    /// How the program ends.
    pub exit_code: u8,
}

impl SummaryDocument {
    /// Of a run for which nothing was sent now.
    pub(super) fn without_calls(record: &RunRecord, exit: Exit) -> Result<Self, JobError> {
        let part = Part {
            exit_code: exit as u8,
            ..Part::default()
        };
        Self::of(record, part)
    }

    /// Of a run that nobody works on any more.
    pub fn of(record: &RunRecord, part: Part) -> Result<Self, JobError> {
        Ok(SummaryDocument {
            schema: SUMMARY,
            run: RunDocument::of(record, false)?,
            part,
        })
    }
}
