//! What happened, in words.

use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use super::style::Style;
use crate::run::{Outcome, RunEnd, StopReason, Verdict};
use crate::wording::{counted, duration, grouped};

/// Counts of a run so far.
#[derive(Debug, Clone)]
pub struct Tally {
    begun: Instant,
    counts: [u64; Verdict::ALL.len()],
    /// Rows that are done, of which the node has made something else all the same.
    otherwise: u64,
    /// Calls that have left.
    pub calls: u64,
}

impl Tally {
    /// Nothing yet.
    #[must_use]
    pub fn new(begun: Instant) -> Self {
        Tally {
            begun,
            counts: [0; Verdict::ALL.len()],
            otherwise: 0,
            calls: 0,
        }
    }

    /// Counts one row.
    pub fn count(&mut self, verdict: Verdict) {
        self.counts[verdict as usize] += 1;
    }

    /// Hears what there is to say of a row beside its verdict.
    pub fn note(&mut self, outcome: &Outcome) {
        self.otherwise += u64::from(outcome.verdict.is_done() && outcome.error.is_some());
    }

    /// How many rows ended like this.
    #[must_use]
    pub fn of(&self, verdict: Verdict) -> u64 {
        self.counts[verdict as usize]
    }

    /// How many rows are settled.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The verdicts that occur, with their counts.
    pub fn present(&self) -> impl Iterator<Item = (Verdict, u64)> {
        Verdict::ALL
            .into_iter()
            .zip(self.counts)
            .filter(|(_, count)| *count > 0)
    }

    /// How long the run has taken.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// "38 created, 2 failed", each in its colour.
    #[must_use]
    pub fn in_words(&self) -> String {
        let words: Vec<String> = self
            .present()
            .map(|(verdict, count)| {
                let words = format!("{} {}", grouped(count), in_words(verdict));
                match style(verdict) {
                    Some(style) => style.on(words),
                    None => words,
                }
            })
            .collect();
        words.join(", ")
    }
}

/// The colour of what became of a row.
fn style(verdict: Verdict) -> Option<Style> {
    match verdict {
        Verdict::Created | Verdict::Updated | Verdict::Unlocked => Some(Style::Good),
        Verdict::Locked | Verdict::Deleted | Verdict::NotAttempted | Verdict::Unknown => {
            Some(Style::Care)
        }
        Verdict::Invalid | Verdict::Failed => Some(Style::Bad),
        Verdict::Unchanged | Verdict::Exists => None,
    }
}

fn in_words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Exists => "existed already",
        Verdict::NotAttempted => "not attempted",
        Verdict::Unknown => "of unknown state",
        verdict => verdict.as_str(),
    }
}

/// The end of a run, told to a person.
#[derive(Debug)]
pub struct RunSummary<'a> {
    /// What was counted.
    pub tally: &'a Tally,
    /// How it ended.
    pub ended: &'a RunEnd,
    /// Where the results are.
    pub results: &'a Path,
    /// Which node.
    pub node: &'a str,
    /// How many teams and roles were created for the rows.
    pub new_groups: usize,
    /// The run's id, where it can be gone on with.
    pub run: Option<&'a str>,
}

impl fmt::Display for RunSummary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RunSummary {
            tally,
            ended,
            results,
            node,
            new_groups,
            run: _,
        } = self;
        let rows = tally.rows();
        let seconds = tally.elapsed().as_secs_f64();
        if let Some(reason) = &ended.stopped {
            let begin = Style::Bad.on("Stopped before the end:");
            writeln!(f, "{begin} {reason}.")?;
        }
        let what = if tally.rows() == 0 {
            "nothing to do".to_owned()
        } else {
            tally.in_words()
        };
        writeln!(f, "{} on {node}: {what}.", counted(rows, "row"))?;
        match new_groups {
            0 => {}
            1 => writeln!(f, "1 team or role was created.")?,
            many => writeln!(f, "{many} teams and roles were created.")?,
        }
        writeln!(
            f,
            "{} in {}{}.",
            counted(tally.calls, "call"),
            duration(tally.elapsed()),
            if seconds >= 1.0 {
                format!(" ({:.1} rows a second)", rows_a_second(tally))
            } else {
                String::new()
            }
        )?;
        write!(f, "Results: {}", results.display())?;
        for hint in self.hints() {
            write!(f, "\n{hint}")?;
        }
        Ok(())
    }
}

impl RunSummary<'_> {
    /// What to do about rows that are not done.
    fn hints(&self) -> Vec<String> {
        let tally = self.tally;
        let mut hints = Vec::new();
        if self.ended.seats_used_up {
            let again = match self.run {
                Some(_) => "then try again what is not done",
                None => "then import the results file",
            };
            hints.push(format!(
                "The licensed seats are used up: free or buy some, {again}; accounts that exist are left alone with \
                 --on-conflict skip."
            ));
        }
        if let Some(StopReason::Denied(_)) = self.ended.stopped {
            let doctor = Style::Command.on("headcount doctor");
            hints.push(format!("What the token may do, and what to mend: {doctor}"));
        }
        if tally.of(Verdict::Unknown) > 0 {
            hints.push(match self.run {
                Some(_) => "Rows marked unknown may have worked: trying again looks at these people first.",
                None => "Rows marked unknown may have worked: look at these people before you send them again.",
            }.to_owned());
        }
        if matches!(self.ended.stopped, Some(StopReason::Denied(_))) {
            hints.push(
                "Check that the token belongs to this node; editing the SCIM method in the admin console makes a new one."
                    .to_owned(),
            );
        }
        if tally.of(Verdict::Failed) + tally.of(Verdict::Invalid) > 0 {
            hints.push(
                "The column result_error says what is wrong with each row that is not done."
                    .to_owned(),
            );
        }
        match tally.otherwise {
            0 => {}
            1 => hints.push(
                "1 row is done, but the node has made something else of it: the column result_error says of what."
                    .to_owned(),
            ),
            many => hints.push(format!(
                "{} rows are done, but the node has made something else of them: the column result_error says of what.",
                grouped(many)
            )),
        }
        hints.extend(self.next());
        hints
    }

    /// The command that does what is left.
    fn next(&self) -> Option<String> {
        let run = self.run?;
        let not_done = Verdict::ALL
            .iter()
            .any(|verdict| !verdict.is_done() && self.tally.of(*verdict) > 0);
        if self.ended.stopped.is_some() {
            let command = Style::Command.on(format_args!("headcount runs resume {run}"));
            Some(format!("To continue it: {command}"))
        } else if not_done {
            let retry = |what: &str| Style::Command.on(format_args!("headcount runs retry {what}"));
            Some(format!(
                "Try again what is not done: {}\n\
                 or, with rows corrected in the results file: {}",
                retry(run),
                retry(&self.results.display().to_string())
            ))
        } else {
            None
        }
    }
}

/// Rows that were never begun say nothing of how fast the others went.
fn rows_a_second(tally: &Tally) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a rate for people, to one digit"
    )]
    let rows = (tally.rows() - tally.of(Verdict::NotAttempted)) as f64;
    rows / tally.elapsed().as_secs_f64().max(f64::EPSILON)
}

#[cfg(test)]
mod tests {
    use super::super::style::plain;
    use super::*;

    /// Without the line that says how long it took.
    fn timeless(summary: &RunSummary<'_>) -> String {
        let text = plain(&summary.to_string());
        let lines = text.lines().filter(|line| !line.contains("1 call in "));
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_summary_says_what_happened_and_what_to_do() {
        let mut tally = Tally::new(Instant::now());
        tally.calls = 1;
        for verdict in [
            Verdict::Created,
            Verdict::Created,
            Verdict::Failed,
            Verdict::NotAttempted,
            Verdict::Unknown,
        ] {
            tally.count(verdict);
        }
        let ended = RunEnd {
            stopped: Some(StopReason::Interrupted),
            seats_used_up: true,
            forecast: None,
        };
        let mut summary = RunSummary {
            tally: &tally,
            ended: &ended,
            results: Path::new("x.results.csv"),
            node: "node 1",
            new_groups: 2,
            run: None,
        };
        insta::assert_snapshot!(timeless(&summary), @r"
        Stopped before the end: interrupted.
        5 rows on node 1: 2 created, 1 failed, 1 not attempted, 1 of unknown state.
        2 teams and roles were created.
        Results: x.results.csv
        The licensed seats are used up: free or buy some, then import the results file; accounts that exist are left alone with --on-conflict skip.
        Rows marked unknown may have worked: look at these people before you send them again.
        The column result_error says what is wrong with each row that is not done.
        ");
        summary.run = Some("2026-11-24-090700-123");
        insta::assert_snapshot!(timeless(&summary), @r"
        Stopped before the end: interrupted.
        5 rows on node 1: 2 created, 1 failed, 1 not attempted, 1 of unknown state.
        2 teams and roles were created.
        Results: x.results.csv
        The licensed seats are used up: free or buy some, then try again what is not done; accounts that exist are left alone with --on-conflict skip.
        Rows marked unknown may have worked: trying again looks at these people first.
        The column result_error says what is wrong with each row that is not done.
        To continue it: headcount runs resume 2026-11-24-090700-123
        ");
        let ended = RunEnd::default();
        summary.ended = &ended;
        insta::assert_snapshot!(timeless(&summary), @r"
        5 rows on node 1: 2 created, 1 failed, 1 not attempted, 1 of unknown state.
        2 teams and roles were created.
        Results: x.results.csv
        Rows marked unknown may have worked: trying again looks at these people first.
        The column result_error says what is wrong with each row that is not done.
        Try again what is not done: headcount runs retry 2026-11-24-090700-123
        or, with rows corrected in the results file: headcount runs retry x.results.csv
        ");
    }
}
