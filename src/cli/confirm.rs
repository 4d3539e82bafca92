//! Asking before something is done that takes something away from people.

use std::fmt;
use std::io::IsTerminal;

use super::Failure;
use super::args::NodeArgs;
use crate::report;

/// Whether there is somebody to ask.
pub(super) fn can_ask(node: &NodeArgs) -> bool {
    let terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    terminal && !node.uses_standard_input()
}

/// Nobody can be asked, so it is not done.
pub(super) fn nowhere_to_ask(what: &impl fmt::Display, node: &str) -> Failure {
    Failure::usage(format_args!(
        "this would {what} on {node}, and there is no terminal to ask at; nothing was sent. Add --yes to go on without asking."
    ))
}

/// Asks, and refuses to go on without a yes.
pub(super) async fn ask(question: String) -> Result<(), Failure> {
    let line = answer(&question).await?;
    if matches!(line.trim().to_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(Failure::usage("not confirmed; nothing was sent"))
}

/// Asks until one of the choices is named, by its first letter or its word; nothing at the end of the input.
pub(super) async fn choose<T: Copy>(
    question: &str,
    choices: &[(&str, T)],
) -> Result<Option<T>, Failure> {
    loop {
        let line = answer(question).await?;
        let word = line.trim().to_lowercase();
        if !line.ends_with('\n') {
            return Ok(None);
        }
        let named = |name: &str| !word.is_empty() && (name == word || name[..1] == word);
        if let Some((_, choice)) = choices.iter().find(|(name, _)| named(name)) {
            return Ok(Some(*choice));
        }
    }
}

/// A line that is typed, with its end.
async fn answer(question: &str) -> Result<String, Failure> {
    let question = question.to_owned();
    let answer = tokio::task::spawn_blocking(move || {
        report::ask(question);
        let mut line = String::new();
        std::io::stdin().read_line(&mut line)?;
        std::io::Result::Ok(line)
    });
    answer
        .await
        .map_err(Failure::unexpected)?
        .map_err(Failure::unexpected)
}
