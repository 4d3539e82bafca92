//! What is written down of a run while it goes on, so that it can be taken up again, or back.
//!
//! That a row may have been sent is durable before its first byte leaves. Who keeps the notes, and
//! where, is not known here.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use super::outcome::Outcome;
use crate::plan::{AccountPatch, Difference, of_attributes};
use crate::roster::Action;
use crate::sheet::RowNumber;

/// What was there before a row was carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "was", rename_all = "snake_case")]
pub enum Before {
    /// Nobody: the row makes the account.
    Nobody {
        /// The email that it gets, if that is known.
        email: Option<String>,
        /// The id of the account that the row has made, once that is known.
        made: Option<String>,
        /// Whether it is proven that the row has made it.
        #[serde(default)]
        proven: bool,
    },
    /// An account, which the row changes.
    Account(PriorAccount),
    /// An account, which the row deletes.
    Deleted {
        /// Its id.
        id: String,
        /// Its email, if the node shows one.
        email: Option<String>,
        /// Whether it could be used.
        #[serde(default)]
        active: Option<bool>,
    },
}

/// An account as it was, as far as a row changes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriorAccount {
    /// The account's id.
    pub id: String,
    /// The email that it has afterwards, if the node shows one.
    pub email: Option<String>,
    /// What changes of its attributes, by the names of columns.
    pub changes: Vec<Difference>,
    /// Ids of the groups that it joins.
    pub joined: Vec<String>,
    /// Ids of the groups that it leaves.
    pub left: Vec<String>,
    /// Whether it was seen in which of them it was before.
    pub groups_seen: bool,
}

impl Before {
    /// Nobody, for a row of which no more is known.
    #[must_use]
    pub fn nobody() -> Self {
        Before::Nobody {
            email: None,
            made: None,
            proven: false,
        }
    }
}

impl PriorAccount {
    /// What a correction takes away.
    pub(super) fn of(account_patch: &AccountPatch) -> Self {
        PriorAccount {
            id: account_patch.before.id.clone(),
            email: account_patch.after.user_name().map(str::to_owned),
            changes: of_attributes(account_patch),
            joined: account_patch.join.clone(),
            left: account_patch.leave.clone(),
            groups_seen: account_patch.memberships_seen,
        }
    }
}

/// Something to write down.
#[derive(Debug)]
pub enum Note {
    /// A row may be sent from now on; the answer is whether that is durable.
    MayBeSent {
        /// Which.
        row: RowNumber,
        /// To which of the nodes of the run.
        node: u16,
        /// When.
        at: Timestamp,
        /// When by the node's own clock, in seconds since 1970; none if it does not say its time.
        node_time: Option<i64>,
        /// What is there before.
        before: Before,
        /// Where the answer goes.
        written: oneshot::Sender<Result<(), NotWritten>>,
    },
    /// What became of a row.
    Settled {
        /// Which.
        row: RowNumber,
        /// What it asked for, if that could be read.
        action: Option<Action>,
        /// What became of it.
        outcome: Box<Outcome>,
    },
}

/// A note cannot be made durable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotWritten {
    /// The disk, or the database, refuses it.
    #[error("the ledger cannot be written any more ({0})")]
    Failed(String),
    /// Somebody has deleted the file of this name, or put another in its place.
    #[error("the record of this run was deleted or replaced: {}", .0.display())]
    Gone(PathBuf),
}

/// Where notes go.
#[derive(Debug, Clone, Default)]
pub struct Journal {
    notes: Option<mpsc::Sender<Note>>,
    /// Which of the nodes of the run they are about.
    node: u16,
}

impl Journal {
    /// Notes go to whoever holds the receiver.
    #[must_use]
    pub fn to(notes: mpsc::Sender<Note>) -> Self {
        Journal {
            notes: Some(notes),
            node: 0,
        }
    }

    /// Nothing is written down.
    #[must_use]
    pub fn none() -> Self {
        Journal::default()
    }

    /// The same for another one of the nodes of the run.
    #[must_use]
    pub fn of_node(&self, node: u16) -> Self {
        Journal {
            node,
            ..self.clone()
        }
    }

    /// Returns when it is durable that a row may be sent.
    pub(super) async fn may_be_sent(
        &self,
        row: RowNumber,
        node_time: Option<i64>,
        before: Before,
    ) -> Result<(), NotWritten> {
        let Some(notes) = &self.notes else {
            return Ok(());
        };
        let gone = || NotWritten::Failed("it was closed".to_owned());
        let (written, answer) = oneshot::channel();
        let note = Note::MayBeSent {
            row,
            node: self.node,
            at: Timestamp::now(),
            node_time,
            before,
            written,
        };
        notes.send(note).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// Writes down what became of a row, sooner or later: until then, it is looked for.
    pub(super) async fn settled(
        &self,
        row: RowNumber,
        action: Option<Action>,
        outcome: Box<Outcome>,
    ) -> Result<(), NotWritten> {
        let Some(notes) = &self.notes else {
            return Ok(());
        };
        let note = Note::Settled {
            row,
            action,
            outcome,
        };
        let sent = notes.send(note).await;
        sent.map_err(|_| NotWritten::Failed("it was closed".to_owned()))
    }
}
