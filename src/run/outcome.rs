//! What became of a row.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use strum::{EnumCount, VariantArray};

use crate::plan::Difference;
use crate::plan::Impossible;
use crate::roster::Action;

/// The word that stands for it in the results file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, EnumCount, VariantArray)]
pub enum Verdict {
    /// The account was made.
    Created,
    /// The account was changed.
    Updated,
    /// The account was as asked already.
    Unchanged,
    /// The account was locked.
    Locked,
    /// The account was unlocked.
    Unlocked,
    /// The account was deleted.
    Deleted,
    /// The account was there already, as the row asks; or the row or the command says that this is all right.
    Exists,
    /// The row does not make sense; nothing was sent.
    Invalid,
    /// The node or the network refused.
    Failed,
    /// Nothing was sent for it.
    NotAttempted,
    /// It was sent, and whether it worked could not be found out.
    Unknown,
}

impl Verdict {
    /// All of them, in the order in which a summary names them.
    pub const ALL: [Verdict; Verdict::COUNT] = *Self::VARIANTS.first_chunk().unwrap();

    /// Whether the node is as the row asks.
    #[must_use]
    pub fn is_done(self) -> bool {
        !matches!(
            self,
            Verdict::Invalid | Verdict::Failed | Verdict::NotAttempted | Verdict::Unknown
        )
    }

    /// The verdict of a word in a results file.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        let mut all = Verdict::ALL.into_iter();
        all.find(|verdict| verdict.as_str() == word)
    }

    /// The word in the results file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Created => "created",
            Verdict::Updated => "updated",
            Verdict::Unchanged => "unchanged",
            Verdict::Locked => "locked",
            Verdict::Unlocked => "unlocked",
            Verdict::Deleted => "deleted",
            Verdict::Exists => "exists",
            Verdict::Invalid => "invalid",
            Verdict::Failed => "failed",
            Verdict::NotAttempted => "not_attempted",
            Verdict::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What became of a row, with all that the results file says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The word for it.
    pub verdict: Verdict,
    /// The status code that decided; none if no answer did.
    pub status: Option<u16>,
    /// The id of the account, where known.
    pub user_id: Option<String>,
    /// Whether it is proven that this run made the account: only then may an undo lock it.
    pub proven: bool,
    /// How many calls were sent to change something.
    pub attempts: u32,
    /// One line for a person: why the row is not done, or what the node has made otherwise than asked.
    pub error: Option<String>,
    /// What changes; only told in a rehearsal.
    pub differences: Vec<Difference>,
    /// When it was decided.
    pub finished_at: Timestamp,
    /// How long that took since the row was begun, all waits included; none if it never was.
    pub took: Option<Duration>,
}

impl Outcome {
    /// An outcome of now, with nothing sent.
    #[must_use]
    pub fn new(verdict: Verdict) -> Self {
        Outcome {
            verdict,
            status: None,
            user_id: None,
            proven: false,
            attempts: 0,
            error: None,
            differences: Vec::new(),
            finished_at: Timestamp::now(),
            took: None,
        }
    }

    /// With the status code that decided.
    #[must_use]
    pub fn status(self, status: impl Into<Option<u16>>) -> Self {
        Outcome {
            status: status.into(),
            ..self
        }
    }

    /// With the id of the account.
    #[must_use]
    pub fn user(self, id: impl Into<Option<String>>) -> Self {
        Outcome {
            user_id: id.into(),
            ..self
        }
    }

    /// With whether it is proven that this run made the account.
    #[must_use]
    pub(super) fn proven(self, proven: bool) -> Self {
        Outcome { proven, ..self }
    }

    /// With the number of calls that were sent for it.
    #[must_use]
    pub fn attempts(self, attempts: u32) -> Self {
        Outcome { attempts, ..self }
    }

    /// With what changes.
    #[must_use]
    pub fn differences(self, differences: Vec<Difference>) -> Self {
        Outcome {
            differences,
            ..self
        }
    }

    /// With something to say of it, if there is.
    #[must_use]
    pub(super) fn with_remark(self, remark: Option<String>) -> Self {
        Outcome {
            error: remark.or(self.error),
            ..self
        }
    }

    /// With the reason.
    #[must_use]
    pub fn because(self, error: impl fmt::Display) -> Self {
        Outcome {
            error: Some(error.to_string()),
            ..self
        }
    }
}

impl Outcome {
    /// Counts the calls of a refused create in, on top of those that followed.
    pub(super) fn attempts_of(self, create: u32) -> Self {
        let attempts = self.attempts + create;
        self.attempts(attempts)
    }
}

/// A row that asks for somebody whom the node does not have is answered as the node would: 404.
pub(super) fn impossible(reason: &Impossible) -> Outcome {
    let outcome = match reason {
        Impossible::Nobody(_) => Outcome::new(Verdict::Failed).status(404),
        Impossible::SomeoneElse { .. } | Impossible::Several { .. } => {
            Outcome::new(Verdict::Failed)
        }
        Impossible::Team { .. } => Outcome::new(Verdict::Invalid),
    };
    outcome.because(reason)
}

/// A row that would lock or delete somebody who keeps their access.
pub(super) fn protected(id: &str, email: Option<&str>) -> Outcome {
    let who = email.unwrap_or(id);
    Outcome::new(Verdict::Invalid)
        .user(id.to_owned())
        .because(format!(
            "{who} is protected, and is neither locked nor deleted; nothing was changed"
        ))
}

/// What a row is when its account was changed as it asks.
pub(super) fn done(action: Action) -> Verdict {
    match action {
        Action::Lock => Verdict::Locked,
        Action::Unlock => Verdict::Unlocked,
        _ => Verdict::Updated,
    }
}
