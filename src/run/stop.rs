//! Why and how a run stops before its end.

use std::sync::{Arc, OnceLock};

use tokio::sync::watch;

use super::event::PaceReport;
use crate::transport::Pace;

/// Why no further call is sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StopReason {
    /// Ctrl-C, or the system asked to end.
    #[error("interrupted")]
    Interrupted,
    /// The token is wrong or may not do this: every other call would be refused, too.
    #[error("{0}")]
    Denied(String),
    /// The node is gone.
    #[error("{0}")]
    Unreachable(String),
    /// More rows failed than `--max-errors` allows.
    #[error("more than {0} rows failed (--max-errors)")]
    TooManyErrors(u64),
    /// More people would lose access than agreed.
    #[error(
        "more people would be locked or deleted than the {0} allowed; to allow more, use --allow-locks N"
    )]
    TooManyLocks(u64),
    /// Somebody would lose access, which nobody has agreed to.
    #[error(
        "a row would lock or delete a person, which the check before the run did not show and which was not agreed to; to \
         allow it, use --yes or --allow-locks N"
    )]
    LocksNotAgreed,
    /// The results cannot be written, or the input not be read any more.
    #[error("{0}")]
    Broken(String),
}

impl StopReason {
    /// The same, said of one of several nodes. An interruption is nobody's in particular.
    #[must_use]
    pub fn of(self, node: &str) -> Self {
        self.put(|what| format!("{node}: {what}"))
    }

    /// Both, in the words of this one where there is only room for one.
    #[must_use]
    pub fn and(self, other: &StopReason) -> Self {
        if self == *other {
            return self;
        }
        self.put(|what| format!("{what}; {other}"))
    }

    /// The same in other words, where there is room for words.
    fn put(self, words: impl Fn(&str) -> String) -> Self {
        match self {
            StopReason::Denied(what) => StopReason::Denied(words(&what)),
            StopReason::Unreachable(what) => StopReason::Unreachable(words(&what)),
            StopReason::Broken(what) => StopReason::Broken(words(&what)),
            other => other,
        }
    }
}

/// Stops a run: first gently, then at once.
#[derive(Debug)]
pub struct StopSwitch {
    pace: Arc<Pace>,
    reason: OnceLock<StopReason>,
    halted: watch::Sender<bool>,
}

impl StopSwitch {
    /// A switch over the calls that `pace` admits.
    #[must_use]
    pub fn new(pace: Arc<Pace>) -> Self {
        StopSwitch {
            pace,
            reason: OnceLock::new(),
            halted: watch::Sender::new(false),
        }
    }

    /// Sends no new call; those in flight finish. The first reason counts.
    pub fn drain(&self, reason: StopReason) {
        // A second reason changes nothing: the run is stopping already.
        let _ = self.reason.set(reason);
        self.pace.close();
    }

    /// Waits for nothing any more.
    pub fn halt(&self) {
        self.halted.send_replace(true);
    }

    /// How the calls stand that it stops.
    #[must_use]
    pub fn pace(&self) -> PaceReport {
        PaceReport::of(&self.pace)
    }

    /// Why the run is stopping, if it is.
    #[must_use]
    pub fn reason(&self) -> Option<&StopReason> {
        self.reason.get()
    }

    /// Returns when [`drain`](Self::drain) is called.
    pub async fn drained(&self) {
        self.pace.closed().await;
    }

    /// Returns when [`halt`](Self::halt) is called.
    pub async fn halted(&self) {
        // The sender lives as long as `self`.
        let _ = self.halted.subscribe().wait_for(|halted| *halted).await;
    }
}
