//! Everything that is wrong with a file, gathered for a person or written for a program.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::json;

use super::counts::Counts;
use super::problems::{Finding, ProblemList};
use super::teams::{TeamChecks, remark_line, rows_of_teams};
use crate::directory::Teams;
use crate::report::{Digest, Style};
use crate::roster::{Column, GroupName, InputSummary, Problem, ProblemKind, Roster};
use crate::sheet::SheetError;
use crate::wording::grouped;

/// How many teams that cannot be used are named to a person.
const TEAMS: usize = 40;

/// A check of a file, and what came of it so far.
#[derive(Debug)]
pub struct Check<W: Write> {
    to: Destination<W>,
    counts: Counts,
    teams: TeamChecks,
    problems: u64,
    /// Whether there is a column for names.
    has_names: bool,
}

/// Where problems go.
#[derive(Debug)]
enum Destination<W: Write> {
    /// To a person: like ones together, when all are known.
    Person {
        to: W,
        problems: Box<Digest>,
        teams: Vec<String>,
        wrong: Option<String>,
    },
    /// To a program: each at once.
    Program(ProblemList<W>),
}

impl<W: Write> Check<W> {
    /// A check that a person reads, in colours, which `to` takes out where there are to be none.
    pub fn for_person(to: W) -> Self {
        Self::begin(Destination::Person {
            to,
            problems: Box::default(),
            teams: Vec::new(),
            wrong: None,
        })
    }

    /// A check of this file that a program reads.
    pub fn for_program(to: W, file: &str) -> Self {
        Self::begin(Destination::Program(ProblemList::begin(to, file)))
    }

    fn begin(to: Destination<W>) -> Self {
        Check {
            to,
            counts: Counts::default(),
            teams: TeamChecks::NoneNamed,
            problems: 0,
            has_names: false,
        }
    }

    /// Whether nothing is wrong so far.
    #[must_use]
    pub fn is_fine(&self) -> bool {
        self.problems == 0
    }

    /// Takes one problem.
    pub fn problem(&mut self, problem: Problem) {
        self.problems += 1;
        match &mut self.to {
            Destination::Person { problems, .. } => problems.add(problem),
            Destination::Program(list) => list.add(&Finding::of(&problem)),
        }
    }

    /// Notes what keeps the file as a whole from being carried out.
    pub fn unusable(&mut self, why: String) {
        self.problems += 1;
        match &mut self.to {
            Destination::Person { wrong, .. } => *wrong = Some(why),
            Destination::Program(list) => list.add(&Finding::of_file(ProblemKind::Unreadable, why)),
        }
    }

    /// Checks the rows of one node, or of a file that is for none.
    ///
    /// # Errors
    /// When the file cannot be read to its end.
    pub fn rows(&mut self, roster: &Roster) -> Result<InputSummary, SheetError> {
        let names = [Column::FirstName, Column::LastName, Column::DisplayName];
        self.has_names = names
            .into_iter()
            .any(|column| roster.columns().at(column).is_some());
        let summary = roster.check(&mut |problem| self.problem(problem))?;
        self.counts.add(&summary);
        Ok(summary)
    }

    /// Checks the names of teams and roles in these rows against those of the node.
    ///
    /// # Errors
    /// When the file cannot be read to its end.
    pub fn teams(
        &mut self,
        roster: &Roster,
        summary: &InputSummary,
        there: &Teams,
    ) -> Result<(), SheetError> {
        self.teams_were(TeamChecks::Checked);
        let wrong = there.wrong(&summary.groups);
        match &mut self.to {
            Destination::Person { teams, .. } => {
                self.problems += wrong.len() as u64;
                teams.extend(
                    wrong
                        .iter()
                        .take(TEAMS)
                        .map(|remark| remark_line(roster, remark, Style::Bad)),
                );
                if let Some(more @ 1..) = wrong.len().checked_sub(TEAMS) {
                    let more = grouped(more as u64);
                    teams.push(format!("… and {more} more that cannot be used"));
                }
            }
            Destination::Program(list) => {
                let words = wrong.iter().map(|remark| (remark.name, &*remark.words));
                let words: BTreeMap<&GroupName, &str> = words.collect();
                let problems = &mut self.problems;
                rows_of_teams(roster, &words, &mut |finding| {
                    *problems += 1;
                    list.add(finding);
                })?;
            }
        }
        Ok(())
    }

    /// Notes whether teams were looked up; that they were not on one node counts for all.
    pub fn teams_were(&mut self, checks: TeamChecks) {
        self.teams = self.teams.max(checks);
    }

    /// Says what is not said yet: what the file asks for and, to a person, what is wrong.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn end(self) -> io::Result<()> {
        match self.to {
            Destination::Program(list) => {
                let mut rest = self.counts.to_json();
                rest.insert("teams".to_owned(), json!(self.teams.as_str()));
                list.end(&rest)
            }
            Destination::Person {
                mut to,
                problems,
                teams,
                wrong,
            } => {
                if !problems.is_empty() {
                    writeln!(to, "{problems}")?;
                }
                for line in teams.iter().chain(&wrong) {
                    writeln!(to, "{line}")?;
                }
                if self.counts.rows > 0 {
                    writeln!(to, "{}", self.counts)?;
                }
                for remark in self.counts.remarks(self.has_names) {
                    writeln!(to, "{remark}")?;
                }
                if let Some(remark) = self.teams.remark() {
                    writeln!(to, "{remark}")?;
                }
                to.flush()
            }
        }
    }
}
