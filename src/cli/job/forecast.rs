//! What a preview came to: said to people, and printed for programs.

use std::io;
use std::path::Path;

use super::Job;
use super::execute::{exit, names, together};
use super::origin::whole;
use super::site::Ready;
use crate::cli::printed::{Reader, written};
use crate::cli::{Exit, Failure};
use crate::preview::{self, Closing, NewGroup, Opening, Share, Summary};
use crate::report::{NodeName, Tally, Tint, say};
use crate::roster::GroupName;
use crate::run::Ended;

/// How a preview ended.
pub(super) struct End<'a> {
    tally: Tally,
    shares: Vec<Share>,
    nodes: String,
    pub(super) ended: Ended,
    /// The file with the plan, if there is one.
    plan: Option<&'a Path>,
}

impl<'a> End<'a> {
    /// What the rows of all nodes come to.
    pub(super) fn of(
        ready: &[Ready],
        tally: Tally,
        ended: Vec<Ended>,
        plan: Option<&'a Path>,
    ) -> Self {
        let shares = ready.iter().zip(&ended).map(|(each, ended)| Share {
            forecast: ended.forecast.unwrap_or_default(),
            rate: each.site.destination.rate.ceiling(),
            new_groups: each.directory.teams.missing().len(),
        });
        End {
            tally,
            shares: shares.collect(),
            nodes: names(ready),
            ended: together(ready, ended),
            plan,
        }
    }

    fn exit(&self) -> Exit {
        exit(&self.tally, &self.ended)
    }

    pub(super) fn summary(&self) -> Summary<'_> {
        Summary {
            tally: &self.tally,
            shares: &self.shares,
            node: &self.nodes,
        }
    }

    pub(super) fn closing(&self, exit: Exit) -> Closing {
        let stopped = self.ended.stopped.as_ref();
        let plan = self.plan.filter(|_| stopped.is_none());
        Closing {
            plan: plan.map(|path| whole(path).display().to_string()),
            stopped: stopped.map(ToString::to_string),
            exit_code: exit as u8,
        }
    }

    /// Says what the rows come to, and tells how the program ends.
    pub(super) fn say(&self, job: &Job) -> Exit {
        if job.run.quiet.is_quiet() {
            return self.exit();
        }
        if let Some(reason) = &self.ended.stopped {
            let begin = Tint::Bad.on("Stopped before the end:");
            say(format_args!("{begin} {reason}."));
        }
        say(self.summary());
        if let (Some(path), None) = (self.plan, &self.ended.stopped) {
            let path = path.display();
            let command = Tint::Command.on(format_args!("headcount apply {path}"));
            say(format_args!("Plan: {path}. Carry it out: {command}"));
        }
        self.exit()
    }

    /// Prints it for a program, if one asks for it. The lines are in the plan.
    pub(super) fn print(&self, job: &Job, ready: &[Ready], exit: Exit) -> Result<(), Failure> {
        if job.run.format == Reader::Text {
            return Ok(());
        }
        let out = &mut io::stdout().lock();
        let (summary, closing) = (self.summary(), self.closing(exit));
        written(preview::without_lines(
            out,
            &opening(job, ready),
            &summary,
            &closing,
        ))
    }
}

/// The teams and roles that would be created, in words.
pub(super) fn new_groups(ready: &[Ready]) -> Vec<String> {
    let mut lines = Vec::new();
    for each in ready {
        for GroupName { kind, name } in each.directory.teams.missing() {
            let what = Tint::Good.on(format_args!("create {} {name:?}", kind.word()));
            lines.push(match ready.len() {
                1 => format!("{what}\n"),
                _ => format!("{what} on {}\n", each.node.name),
            });
        }
    }
    lines
}

/// What is known before the first line.
pub(super) fn opening(job: &Job, ready: &[Ready]) -> Opening {
    let nodes = ready.iter().map(|each| NodeName {
        name: each.node.name.clone(),
        address: each.node.address.clone(),
    });
    let new_groups = ready.iter().flat_map(|each| {
        let missing = each.directory.teams.missing().iter();
        missing.map(|GroupName { kind, name }| NewGroup {
            kind: kind.word(),
            name: name.clone(),
            node: each.node.address.clone(),
        })
    });
    Opening {
        file: whole(&job.file).display().to_string(),
        nodes: nodes.collect(),
        new_groups: new_groups.collect(),
    }
}
