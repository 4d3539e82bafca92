//! Whoever started a job, a terminal or a page: hears what there is to say, answers questions, stops it.

use std::fmt::Display;
use std::io;
use std::sync::Arc;

use super::JobError;
use crate::report::Progress;
use crate::run::StopSwitch;

/// Whoever started a job.
pub trait Caller: Send + Sync {
    /// Tells the user what they have to know: a problem, a decision, why it takes longer.
    fn tell(&self, message: &dyn Display);

    /// Tells the user what they may have asked not to hear.
    fn remark(&self, message: &dyn Display);

    /// Whether there is somebody to answer questions.
    fn can_ask(&self) -> bool;

    /// Asks for one of `choices`, each in a few words of which no two begin with the same letter, and returns its place
    /// among them; none if the user gave no answer.
    ///
    /// Blocks until there is an answer.
    ///
    /// # Errors
    /// When the answer cannot be read.
    fn choose(&self, choices: &[&str]) -> io::Result<Option<usize>>;

    /// Asks for a yes; anything else is a no.
    ///
    /// Blocks until there is an answer.
    ///
    /// # Errors
    /// When the answer cannot be read.
    fn agrees(&self, question: &str) -> io::Result<bool>;

    /// Takes over what stops the job, one switch a node, before anything is sent.
    fn may_stop(&self, stops: Vec<Arc<StopSwitch>>);

    /// Shows how far `rows` rows are.
    fn progress(&self, rows: u64) -> Progress;
}

/// Asks on a thread of its own: the answer takes as long as it takes.
pub(super) async fn ask<T: Send + 'static>(
    caller: &Arc<dyn Caller>,
    question: impl FnOnce(&dyn Caller) -> io::Result<T> + Send + 'static,
) -> Result<T, JobError> {
    let caller = Arc::clone(caller);
    let answer = tokio::task::spawn_blocking(move || question(&*caller)).await;
    answer
        .map_err(JobError::unexpected)?
        .map_err(JobError::unexpected)
}

/// Asks before something is taken away from people, and refuses without a yes.
pub(super) async fn confirm(caller: &Arc<dyn Caller>, question: String) -> Result<(), JobError> {
    if ask(caller, move |caller| caller.agrees(&question)).await? {
        return Ok(());
    }
    Err(JobError::usage("not confirmed; nothing was sent"))
}
