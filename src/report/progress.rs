//! How far a run is: a bar on a terminal, a plain line now and then elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

use super::screen::{BARS, columns_of_error, for_error, say};
use super::style::Style;
use super::summary::Tally;
use crate::run::{PaceReport, Verdict};
use crate::wording::{duration, grouped};

/// When progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum When {
    /// A bar on a terminal, lines elsewhere.
    #[default]
    Auto,
    /// A bar, also where there is no terminal.
    Always,
    /// Nothing.
    Never,
}

/// How often a plain line is written.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Shows how far a run is.
#[derive(Debug)]
pub enum Progress {
    /// A bar.
    Bar(ProgressBar),
    /// Lines.
    Lines {
        /// How many rows there are.
        rows: u64,
        /// When the last line was written.
        last: Instant,
    },
    /// Nothing is shown.
    Silent,
}

impl Progress {
    /// Progress over `rows` rows.
    #[must_use]
    pub fn new(when: When, quiet: bool, rows: u64) -> Self {
        let terminal = std::io::stderr().is_terminal();
        match when {
            _ if quiet => Progress::Silent,
            When::Never => Progress::Silent,
            When::Auto if !terminal => Progress::Lines {
                rows,
                last: Instant::now(),
            },
            When::Auto | When::Always => Progress::Bar(bar(rows)),
        }
    }

    /// A row is settled.
    pub(super) fn row(&mut self, tally: &Tally) {
        if let Progress::Bar(bar) = self {
            bar.set_position(tally.rows());
        }
    }

    /// How the pace stands.
    pub(super) fn pace(&mut self, tally: &Tally, pace: PaceReport) {
        match self {
            Progress::Bar(bar) => bar.set_message(for_error(&state(tally, pace))),
            Progress::Lines { rows, last } if last.elapsed() >= LINE_EVERY => {
                *last = Instant::now();
                say(line(*rows, tally, pace));
            }
            Progress::Lines { .. } | Progress::Silent => {}
        }
    }

    /// That was all.
    pub(super) fn end(&mut self) {
        if let Progress::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

/// Counts what comes in, where the end may not be known.
#[derive(Debug)]
pub struct Counter(Option<ProgressBar>);

impl Counter {
    /// Nothing has come yet.
    #[must_use]
    pub fn new(when: When, quiet: bool) -> Self {
        let shown = match when {
            When::Never => false,
            When::Auto => std::io::stderr().is_terminal(),
            When::Always => true,
        };
        Counter((shown && !quiet).then(|| bar(0)))
    }

    /// So many have come, of so many in all.
    pub fn at(&mut self, rows: u64, total: Option<u64>) {
        if let Some(bar) = &self.0 {
            bar.set_length(total.unwrap_or(rows));
            bar.set_position(rows);
        }
    }

    /// That was all.
    pub fn end(&mut self) {
        if let Some(bar) = self.0.take() {
            bar.finish_and_clear();
        }
    }
}

/// From how many columns on there is room for everything.
const WIDE: usize = 80;

/// From how many columns on there is room for a bar.
const NARROW: usize = 50;

/// What is shown on a terminal of so many columns: a line and, below it, a message of as many as it needs.
fn template(columns: usize) -> String {
    let bar = |width: usize| for_error(&Style::Good.on(format_args!("{{bar:{width}}}")));
    let line = match columns {
        WIDE.. => bar(24) + " {human_pos} of {human_len} rows, {per_sec}{time_left}",
        NARROW.. => bar(10) + " {human_pos} of {human_len}{time_left}",
        _ => "{human_pos} of {human_len}{time_left}".to_owned(),
    };
    // When somebody presses Ctrl-C, the terminal's ^C pushes the bar up by one line, which then
    // stays. So the first line is empty.
    format!("\n{line}\n{{msg}}")
}

fn bar(rows: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(&template(columns_of_error().unwrap_or(WIDE)))
        .expect("the template is fixed")
        .with_key(
            "per_sec",
            |state: &indicatif::ProgressState, text: &mut dyn std::fmt::Write| {
                // A number that cannot be written leaves its place empty.
                let _ = write!(text, "{:.0} a second", state.per_sec());
            },
        )
        .with_key(
            "time_left",
            |state: &indicatif::ProgressState, text: &mut dyn std::fmt::Write| {
                // Nobody knows before the first row is done.
                if state.pos() > 0 {
                    let _ = write!(text, ", {:#} left", HumanDuration(state.eta()));
                }
            },
        );
    let bar = BARS.add(ProgressBar::new(rows).with_style(style));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// "12 created, 1 failed; 3 calls waiting (the node takes no more for now; next try in 12 s)"
fn state(tally: &Tally, pace: PaceReport) -> String {
    let parts = [Some(tally.in_words()), waits(pace)];
    let parts = parts.into_iter().flatten();
    let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
    parts.join("; ")
}

/// What calls wait for; nothing if none waits.
#[must_use]
pub fn waits(pace: PaceReport) -> Option<String> {
    if let Some(down) = pace.down_for {
        let down = duration(down);
        return Some(format!(
            "the node has not answered for {down}, trying again"
        ));
    }
    let mut parts = vec![waiting(pace), resting(pace)];
    parts.retain(|part| !part.is_empty());
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn waiting(pace: PaceReport) -> String {
    let calls = match pace.waiting {
        0 => return String::new(),
        1 => "1 call waiting".to_owned(),
        calls => format!("{calls} calls waiting"),
    };
    match pace.held_for.filter(|held| !held.is_zero()) {
        Some(held) => format!(
            "{calls} (the node takes no more for now; next try in {})",
            duration(held)
        ),
        None => calls,
    }
}

fn resting(pace: PaceReport) -> String {
    let calls = match pace.resting {
        0 => return String::new(),
        1 => "1 call will be tried again".to_owned(),
        calls => format!("{calls} calls will be tried again"),
    };
    // Back-offs are shorter than what is worth saying.
    match pace
        .resting_for
        .filter(|wait| *wait >= Duration::from_secs(1))
    {
        Some(wait) => format!("{calls} (within {})", duration(wait)),
        None => calls,
    }
}

fn line(rows: u64, tally: &Tally, pace: PaceReport) -> String {
    let done = tally.rows();
    let left = if done == 0 {
        String::new()
    } else {
        let so_far = tally.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "an estimate for people")]
        let share = rows.saturating_sub(done) as f64 / done as f64;
        format!(
            ", {} left",
            duration(Duration::from_secs_f64(so_far * share))
        )
    };
    let failed = tally.of(Verdict::Failed);
    let mut text = format!("{} of {} rows{left}", grouped(done), grouped(rows));
    let state = state(tally, pace);
    if !state.is_empty() {
        text.push_str(": ");
        text.push_str(&state);
    }
    if failed > 0 && failed == done {
        text.push_str("; every row has failed so far, Ctrl-C stops the run");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::style::plain;
    use super::*;

    #[test]
    fn there_is_room_for_large_numbers_on_a_narrow_terminal() {
        for columns in [40, NARROW, 60, WIDE, 200] {
            let mut line = plain(&template(columns));
            for (key, value) in [
                ("{bar:24}", &*"#".repeat(24)),
                ("{bar:10}", "##########"),
                ("{human_pos}", "1,000,000"),
                ("{human_len}", "1,000,000"),
                ("{per_sec}", "123 a second"),
                ("{time_left}", ", 27m left"),
            ] {
                line = line.replace(key, value);
            }
            let line = line.trim().strip_suffix("{msg}").unwrap().trim_end();
            assert!(line.len() <= columns, "{line}");
        }
    }

    #[test]
    fn a_line_says_only_what_there_is_to_say() {
        let tally = Tally::new(Instant::now());
        let waits = PaceReport {
            waiting: 64,
            held_for: Some(Duration::from_secs(12)),
            ..PaceReport::default()
        };
        assert_eq!(
            line(200, &tally, waits),
            "0 of 200 rows: 64 calls waiting (the node takes no more for now; next try in 12 s)"
        );
        assert_eq!(line(200, &tally, PaceReport::default()), "0 of 200 rows");
    }
}
