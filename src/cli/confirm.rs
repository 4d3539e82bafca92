//! Asking before something is done that takes something away from people.

use std::fmt;
use std::io::{IsTerminal, Write as _};

use super::Failure;
use super::node::NodeArgs;

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
    let answer = tokio::task::spawn_blocking(move || {
        let mut error = std::io::stderr();
        error.write_all(question.as_bytes())?;
        error.flush()?;
        let mut line = String::new();
        std::io::stdin().read_line(&mut line)?;
        std::io::Result::Ok(line)
    });
    let line = answer
        .await
        .map_err(Failure::unexpected)?
        .map_err(Failure::unexpected)?;
    match line.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::usage("not confirmed; nothing was sent")),
    }
}
