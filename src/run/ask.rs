//! Memberships of one row in several batches: how each of them ends, and how the row does after the last.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::joint::{Joint, in_part};
use super::outcome::{Outcome, Verdict};
use super::worker::Worker;
use crate::scim::Members;

/// A row some of whose memberships are in batches.
#[derive(Debug)]
pub(super) struct Member {
    id: String,
    /// The row's place in the order of the file.
    pub(super) sequence: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    joint: Option<Joint>,
    /// Memberships that have not been decided.
    left: usize,
    /// Memberships that are as asked.
    done: usize,
    status: u16,
    attempts: u32,
    /// The first that went wrong.
    trouble: Option<Outcome>,
    /// The node said yes and did nothing: to be sent on its own.
    ignored: bool,
}

/// How one membership ended.
pub(super) enum Word {
    Done { status: u16 },
    Ignored,
    Failed(Outcome),
}

impl Member {
    pub(super) fn new(joint: Joint) -> Self {
        let correction = &joint.memberships.correction;
        Member {
            id: correction.before.id.clone(),
            sequence: joint.sequence,
            state: Mutex::new(State {
                left: joint.groups().count(),
                joint: Some(joint),
                done: 0,
                status: 200,
                attempts: 0,
                trouble: None,
                ignored: false,
            }),
        }
    }

    /// Notes how a membership ended; after the last one the row is settled.
    async fn tell(&self, worker: &Worker, word: Word, attempts: u32) {
        let (joint, outcome) = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.left -= 1;
            state.attempts += attempts;
            match word {
                Word::Done { status } => {
                    state.status = status;
                    state.done += 1;
                }
                Word::Ignored => state.ignored = true,
                Word::Failed(outcome) => {
                    state.trouble.get_or_insert(outcome);
                }
            }
            if state.left > 0 {
                return;
            }
            let Some(joint) = state.joint.take() else {
                return;
            };
            let outcome = match state.trouble.take() {
                Some(trouble) if state.done > 0 => Some(in_part(trouble).attempts(state.attempts)),
                Some(trouble) => Some(trouble.attempts(state.attempts)),
                None if state.ignored => None,
                None => Some(
                    Outcome::new(Verdict::Updated)
                        .status(state.status)
                        .attempts(state.attempts),
                ),
            };
            (joint, outcome)
        };
        match outcome {
            Some(outcome) => {
                if outcome.verdict == Verdict::Updated {
                    let correction = &joint.memberships.correction;
                    worker.remember(correction, &correction.after);
                }
                joint.settle(worker, outcome.user(self.id.clone()));
            }
            None => joint.carry_out(worker).await,
        }
    }

    /// A membership is sent from now on.
    pub(super) fn begin(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(joint) = &mut state.joint {
            joint.place.begin();
        }
    }

    /// The row, unless somebody has it already.
    pub(super) fn take(&self) -> Option<Joint> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.joint.take()
    }
}

/// One person to join or to leave a group.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) member: Arc<Member>,
    pub(super) joins: bool,
    attempts: AtomicU32,
    told: AtomicBool,
}

impl Ask {
    pub(super) fn new(member: Arc<Member>, joins: bool) -> Self {
        Ask {
            member,
            joins,
            attempts: AtomicU32::new(0),
            told: AtomicBool::new(false),
        }
    }

    /// The id of the person.
    pub(super) fn user(&self) -> &str {
        &self.member.id
    }

    /// Counts the calls that were sent for it.
    pub(super) fn count(&self, attempts: u32) {
        self.attempts.fetch_add(attempts, Ordering::Relaxed);
    }

    /// Notes how it ended; what is told later changes nothing.
    pub(super) async fn tell(&self, worker: &Worker, word: Word) {
        if !self.told.swap(true, Ordering::Relaxed) {
            let attempts = self.attempts.load(Ordering::Relaxed);
            self.member.tell(worker, word, attempts).await;
        }
    }

    /// Whether the group's members are as this asks.
    pub(super) fn is_met(&self, members: &Members) -> bool {
        members.has(&self.member.id) == self.joins
    }
}
