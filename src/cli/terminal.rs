//! The terminal as the caller of a job: what is said there, asked there, and stopped from there.

use std::fmt::Display;
use std::io::{self, IsTerminal};
use std::sync::Arc;

use super::args::OutputArgs;
use super::signals;
use crate::job::Caller;
use crate::report::{self, Progress, say};
use crate::run::StopSwitch;

/// Whoever typed the command.
pub(super) struct Terminal(pub(super) OutputArgs);

impl Caller for Terminal {
    fn tell(&self, message: &dyn Display) {
        say(message);
    }

    fn remark(&self, message: &dyn Display) {
        self.0.quiet.say(message);
    }

    fn can_ask(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    fn choose(&self, choices: &[&str]) -> io::Result<Option<usize>> {
        let marked = choices.iter().map(|choice| {
            let (first, rest) = choice.split_at(1);
            format!("[{first}]{rest}")
        });
        let marked: Vec<String> = marked.collect();
        let question = format!("{}? ", marked.join(", "));
        loop {
            let line = answer(&question)?;
            let word = line.trim().to_lowercase();
            if !line.ends_with('\n') {
                return Ok(None);
            }
            let is_named = |choice: &&str| !word.is_empty() && choice.starts_with(&word);
            if let Some(chosen) = choices.iter().position(is_named) {
                return Ok(Some(chosen));
            }
        }
    }

    fn agrees(&self, question: &str) -> io::Result<bool> {
        let line = answer(&format!("{question} [y/N] "))?;
        Ok(matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    fn may_stop(&self, stops: Vec<Arc<StopSwitch>>) {
        signals::listen(stops);
    }

    fn progress(&self, rows: u64) -> Progress {
        Progress::new(self.0.progress, self.0.quiet.is_quiet(), rows)
    }
}

/// A line that is typed, with its end.
fn answer(question: &str) -> io::Result<String> {
    report::ask(question);
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(line)
}
