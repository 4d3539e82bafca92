//! The record of a job: begun, or gone on with, on the nodes that it is about.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::node::Destination;
use super::node_job::{NodeJob, PreparedNode, node_jobs};
use super::origin::{Earlier, RowsOrigin, whole};
use super::{Job, JobError};
use crate::ledger::{About, NodeAbout, RunRecord};
use crate::roster::{Mapping, Roster};
use crate::sheet::shown;
use crate::spec::{ImportSpec, InputFile, NodeIdentity};

/// How often it is looked whether a node is free.
const LOOK_EVERY: Duration = Duration::from_millis(250);

impl Job {
    /// The record that this job is written down in.
    pub(super) fn record(
        &mut self,
        prepared: &[PreparedNode],
        results: &Path,
    ) -> Result<RunRecord, JobError> {
        let mut about = self.about(&node_jobs(prepared), results)?;
        for (node, each) in about.nodes.iter_mut().zip(prepared) {
            node.node_time = each.node.client.node_time();
            node.allowed_locks = each.lock_limit;
        }
        match std::mem::take(&mut self.origin) {
            RowsOrigin::Resumed(earlier) => {
                let Earlier {
                    mut record,
                    history,
                } = *earlier;
                // What is known of its rows is read from another connection.
                self.origin = RowsOrigin::Resumed(Box::new(Earlier {
                    record: record.reader()?,
                    history,
                }));
                if record.about().results != about.results {
                    record.move_results(about.results)?;
                }
                record.begin_again()?;
                Ok(record)
            }
            origin => {
                self.origin = origin;
                let input = prepared[0]
                    .node_job
                    .roster
                    .bytes()
                    .map_err(JobError::unexpected)?;
                let file = &self.spec.file;
                let carried = prepared
                    .iter()
                    .map(|each| self.origin.carried(&each.node_job.roster, file));
                let carried: Vec<_> = carried.collect::<Result<_, _>>()?;
                let carried = carried.into_iter().flatten();
                let record = self.spec.options.run_store()?.begin(&about, input, carried);
                record.map_err(|error| {
                    JobError::usage(format_args!(
                        "the record of the run cannot be written: {error}; nothing was sent. Name another folder with \
                         --state-dir."
                    ))
                })
            }
        }
    }

    /// What the run is that carries this job out.
    pub(super) fn about(&self, node_jobs: &[&NodeJob], results: &Path) -> Result<About, JobError> {
        let node = |destination: &Destination| NodeAbout {
            name: destination.in_words(),
            identity: NodeIdentity {
                cell: destination.names().name,
                address: destination.address(),
                role_prefix: destination.role_prefix.clone(),
                protected: destination.protected.names(),
                dialect: destination.capabilities,
            },
            rate: destination.rate,
            concurrency: destination.concurrency,
            node_time: None,
            allowed_locks: None,
        };
        Ok(About {
            version: About::VERSION,
            kind: self.origin.kind(),
            begun: Timestamp::now(),
            input: self.input_file(&node_jobs[0].roster),
            import: self.import_of(&node_jobs[0].roster),
            nodes: node_jobs
                .iter()
                .map(|node_job| node(&node_job.destination))
                .collect(),
            node_ref: self.spec.node.to_record()?,
            rows: node_jobs.iter().map(|node_job| node_job.summary.rows).sum(),
            results: std::path::absolute(results).unwrap_or_else(|_| results.to_owned()),
            max_errors: self.spec.options.max_errors,
        })
    }

    /// The file, as it was read.
    pub(super) fn input_file(&self, roster: &Roster) -> InputFile {
        InputFile {
            path: whole(&self.spec.file),
            sha256: roster.sha256().to_owned(),
        }
    }

    /// What is done with the rows, with what the headings of the file were said to stand for, whoever said so.
    pub(super) fn import_of(&self, roster: &Roster) -> ImportSpec {
        let mapped = roster.columns().mapped(roster.header());
        ImportSpec {
            map: mapped
                .map(|(heading, to)| Mapping::by_flag(heading.to_owned(), to))
                .collect(),
            ..self.spec.import.clone()
        }
    }

    /// Refuses to go on with a run, or to take it back, on other nodes than those that it was on.
    pub(super) fn check_nodes(&self, addresses: &[String]) -> Result<(), JobError> {
        let of_record =
            |record: &RunRecord| record.about().addresses().map(str::to_owned).collect();
        let (id, were, are_those): (_, Vec<String>, bool) = match &self.origin {
            RowsOrigin::Undo { of, on } => {
                // Of some of them there may be nothing to take back.
                let known = addresses.iter().all(|address| on.contains(address));
                (of, on.clone(), known)
            }
            RowsOrigin::Resumed(earlier) => {
                let were = of_record(&earlier.record);
                let same = were == addresses;
                (earlier.record.id(), were, same)
            }
            RowsOrigin::Retried(retried) => {
                let first = retried.first();
                let were = of_record(first);
                // For some of them there may be no row left.
                let known = addresses.iter().all(|address| were.contains(address));
                (first.id(), were, known)
            }
            RowsOrigin::File | RowsOrigin::RetriedFile => return Ok(()),
        };
        if are_those {
            return Ok(());
        }
        Err(JobError::usage(format_args!(
            "run {id} was on {}, not on {}; nothing was sent. Without flags and variables that name a node \
             (HEADCOUNT_URL, HEADCOUNT_NODE, HEADCOUNT_PROFILE) the run's own is taken.",
            were.join(" and "),
            addresses.join(" and ")
        )))
    }

    /// Waits until no other run works on these nodes, and keeps others away from them.
    pub(super) async fn hold_nodes(&self, node_jobs: &mut [NodeJob]) -> Result<(), JobError> {
        let records = self.spec.options.run_store()?;
        let mut lasting: Vec<&mut NodeJob> = node_jobs
            .iter_mut()
            .filter(|node_job| !node_job.destination.is_sandbox())
            .collect();
        // Everybody takes them in the same order, so that no two wait for each other.
        lasting.sort_unstable_by_key(|node_job| node_job.destination.address());
        for node_job in lasting {
            let address = node_job.destination.address();
            let who = format!(
                "process {}, which carries out {}",
                std::process::id(),
                shown(&self.spec.file)
            );
            let mut said = false;
            loop {
                match records.hold_node(&address, &who)? {
                    Ok(lock) => break node_job.lock = Some(lock),
                    Err(other) => {
                        if !said {
                            self.caller.tell(&format_args!(
                                "Another run is working on {address} ({other}); waiting for it to end. Ctrl-C gives up."
                            ));
                            said = true;
                        }
                        tokio::time::sleep(LOOK_EVERY).await;
                    }
                }
            }
        }
        Ok(())
    }
}
