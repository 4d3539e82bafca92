//! Memberships of many rows, sent with the groups: one PATCH for many people.
//!
//! A batch that the node refuses is halved until the rows that are to blame are alone. Batches of
//! one group are sent one behind the other: a node that reads a group, changes it and writes it
//! back would lose one of two that come at once.

use std::collections::HashSet;
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tracing::{debug, info};

use super::habits::{Aspects, Habits};
use super::joint::{Joint, halted, in_part};
use super::members::Movement;
use super::not_attempted;
use super::outcome::{Outcome, Verdict};
use super::worker::Worker;
use crate::pace::FaultKind;
use crate::plan::{Memberships, Shares, Ways, share};
use crate::scim::{Error, Group, Members, Reply};

/// What is to be sent for the rows that were set aside.
pub(super) struct Flush {
    /// Rows that go on their own.
    pub(super) alone: Vec<Joint>,
    /// Batches, by group.
    pub(super) groups: Vec<GroupBatches>,
}

impl Flush {
    /// One row that goes on its own.
    pub(super) fn alone(joint: Joint) -> Self {
        Flush {
            alone: vec![joint],
            groups: Vec::new(),
        }
    }

    pub(super) fn of(joints: Vec<Joint>, batch: usize, habits: &Habits) -> Self {
        let people: Vec<Memberships<'_>> = joints
            .iter()
            .map(|joint| Memberships {
                join: &joint.memberships.correction.join,
                leave: &joint.memberships.correction.leave,
            })
            .collect();
        let ways = if habits.memberships_by_group() {
            Ways::GroupsOnly
        } else {
            Ways::Both
        };
        let Shares { by_user, batches } = share(&people, batch, ways);
        let alone: HashSet<usize> = by_user.into_iter().collect();
        let (mut flush, mut members) = (Vec::new(), Vec::new());
        for (place, joint) in joints.into_iter().enumerate() {
            if alone.contains(&place) {
                flush.push(joint);
                members.push(None);
            } else {
                members.push(Some(Arc::new(Member::new(joint))));
            }
        }
        let mut groups: Vec<GroupBatches> = Vec::new();
        for batch in batches {
            let named = |places: Vec<usize>, joins| {
                let member = |place: usize| members[place].clone();
                let ask = move |member| Ask::new(member, joins);
                places.into_iter().filter_map(member).map(ask)
            };
            let asks = named(batch.join, true).chain(named(batch.leave, false));
            let asks: Vec<Ask> = asks.collect();
            match groups.last_mut() {
                Some(last) if last.group == batch.group => last.batches.push(asks),
                _ => groups.push(GroupBatches {
                    group: batch.group,
                    batches: vec![asks],
                }),
            }
        }
        Flush {
            alone: flush,
            groups,
        }
    }
}

impl Flush {
    /// How many batches there are.
    pub(super) fn calls(&self) -> usize {
        self.groups.iter().map(|group| group.batches.len()).sum()
    }

    /// The rows, whichever way they would go.
    pub(super) fn into_rows(self) -> Vec<Joint> {
        let asks = self.groups.into_iter().flat_map(|group| group.batches);
        let batched = asks.flatten().filter_map(|ask| {
            let mut state = ask
                .member
                .state
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            state.joint.take()
        });
        let mut rows = self.alone;
        rows.extend(batched);
        rows
    }
}

/// A row some of whose memberships are in batches.
#[derive(Debug)]
struct Member {
    id: String,
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
enum Word {
    Done { status: u16 },
    Ignored,
    Failed(Outcome),
}

impl Member {
    fn new(joint: Joint) -> Self {
        let correction = &joint.memberships.correction;
        Member {
            id: correction.before.id.clone(),
            state: Mutex::new(State {
                left: correction.join.len() + correction.leave.len(),
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
}

/// One person to join or to leave a group.
#[derive(Debug)]
struct Ask {
    member: Arc<Member>,
    joins: bool,
    attempts: AtomicU32,
    told: AtomicBool,
}

impl Ask {
    fn new(member: Arc<Member>, joins: bool) -> Self {
        Ask {
            member,
            joins,
            attempts: AtomicU32::new(0),
            told: AtomicBool::new(false),
        }
    }

    async fn tell(&self, worker: &Worker, word: Word) {
        if !self.told.swap(true, Ordering::Relaxed) {
            let attempts = self.attempts.load(Ordering::Relaxed);
            self.member.tell(worker, word, attempts).await;
        }
    }

    /// Whether the group's members are as this asks.
    fn is_met(&self, members: &Members) -> bool {
        members.has(&self.member.id) == self.joins
    }
}

/// All batches of one group.
#[derive(Debug)]
pub(super) struct GroupBatches {
    group: String,
    batches: Vec<Vec<Ask>>,
}

impl GroupBatches {
    /// Each batch for itself, if they are to go together in bulk requests: these are carried out in
    /// their order.
    pub(super) fn apart(self, together: bool) -> Vec<GroupBatches> {
        if !together {
            return vec![self];
        }
        let alone = |batch| GroupBatches {
            group: self.group.clone(),
            batches: vec![batch],
        };
        self.batches.into_iter().map(alone).collect()
    }

    pub(super) async fn carry_out(mut self, worker: &Worker) {
        let mut largest = usize::MAX;
        for batch in mem::take(&mut self.batches) {
            if let Some(reason) = worker.stop.reason() {
                for ask in &batch {
                    ask.tell(worker, Word::Failed(not_attempted(reason))).await;
                }
                continue;
            }
            tokio::select! {
                () = self.send(worker, &batch, &mut largest) => {}
                () = worker.stop.halted() => for ask in &batch {
                    ask.tell(worker, Word::Failed(halted())).await;
                },
            }
        }
    }

    /// Sends a batch, in parts if need be, until everybody in it was told.
    async fn send(&self, worker: &Worker, batch: &[Ask], largest: &mut usize) {
        let whole: Vec<&Ask> = batch.iter().collect();
        let mut parts: Vec<Vec<&Ask>> = whole
            .chunks((*largest).max(1))
            .map(<[&Ask]>::to_vec)
            .collect();
        let mut losses = 0;
        while let Some(part) = parts.pop() {
            let error = match self.patch(worker, &part).await {
                Ok(reply) => {
                    self.confirm(worker, &part, reply).await;
                    continue;
                }
                Err(error) => error,
            };
            let part = self.still_to_do(worker, part, &error).await;
            let is_lost =
                matches!(&error, Error::Fault(fault) if fault.kind == FaultKind::AnswerLost);
            if is_lost && losses == 0 && !part.is_empty() {
                losses += 1;
                parts.push(part);
            } else if part.len() > 1 && self.is_about_one(worker, &error).await {
                if matches!(&error, Error::Refused(refusal) if refusal.status == 413) {
                    *largest = (part.len() / 2).max(1);
                }
                debug!(group = self.group, people = part.len(), %error, "a batch was refused and is halved");
                let (one, other) = part.split_at(part.len() / 2);
                parts.extend([other.to_vec(), one.to_vec()]);
            } else {
                for ask in part {
                    let outcome = worker.failed(&error);
                    ask.tell(worker, Word::Failed(outcome)).await;
                }
            }
        }
    }

    async fn patch(&self, worker: &Worker, part: &[&Ask]) -> Result<Reply<Option<Group>>, Error> {
        let those = |joins: bool| -> Vec<&str> {
            let those = part.iter().filter(|ask| ask.joins == joins);
            those.map(|ask| ask.member.id.as_str()).collect()
        };
        let sent = worker
            .change_members(Movement {
                group: &self.group,
                join: &those(true),
                leave: &those(false),
            })
            .await;
        let attempts = match &sent {
            Ok(reply) => reply.attempts,
            Err(error) => error.attempts(),
        };
        for ask in part {
            ask.attempts.fetch_add(attempts, Ordering::Relaxed);
        }
        sent
    }

    /// Whether the refusal may be about one of many, so that the others should be tried without.
    async fn is_about_one(&self, worker: &Worker, error: &Error) -> bool {
        let Error::Refused(refusal) = error else {
            return false;
        };
        match refusal.status {
            401 | 403 | 429 | 503 => false,
            // Who is not there: a member, or the group itself?
            404 => !matches!(
                worker.client.group(&self.group).await,
                Ok(Reply { value: None, .. })
            ),
            _ => true,
        }
    }

    /// Those whose membership is not as asked after a call that may have worked.
    async fn still_to_do<'a>(
        &self,
        worker: &Worker,
        part: Vec<&'a Ask>,
        error: &Error,
    ) -> Vec<&'a Ask> {
        let doubtful = match error {
            Error::Fault(fault) => fault.may_have_worked,
            Error::Refused(refusal) => refusal.doubtful,
            _ => false,
        };
        if !doubtful {
            return part;
        }
        let Some(members) = worker.members(&self.group).await else {
            return part;
        };
        let mut missing = Vec::new();
        for ask in part {
            if ask.is_met(&members) {
                ask.tell(worker, Word::Done { status: 200 }).await;
            } else {
                missing.push(ask);
            }
        }
        missing
    }

    /// A node's yes is believed after it was once seen to be true.
    async fn confirm(&self, worker: &Worker, part: &[&Ask], reply: Reply<Option<Group>>) {
        let status = reply.status;
        let shown = reply.value.and_then(|group| group.members);
        let shown: Option<Members> =
            shown.map(|members| members.into_iter().map(|member| member.value).collect());
        let all_met = |members: &Members| part.iter().all(|ask| ask.is_met(members));
        let mut ignored = None;
        if !worker.habits.are_proven(Aspects::BATCHES) {
            let _one = worker.habits.one_looks().await;
            if worker.habits.are_proven(Aspects::BATCHES) {
                // Somebody has seen it meanwhile.
            } else if shown.as_ref().is_some_and(all_met) {
                worker.habits.prove(Aspects::BATCHES);
            } else {
                match worker
                    .members_after(&self.group, part.iter().any(|ask| ask.joins))
                    .await
                {
                    Some(members) if !all_met(&members) => ignored = Some(members),
                    Some(_) => worker.habits.prove(Aspects::BATCHES),
                    // Where members are not shown, the node's yes has to do.
                    None => {}
                }
            }
        }
        for ask in part {
            let word = match &ignored {
                Some(members) if !ask.is_met(members) => {
                    info!(
                        group = self.group,
                        user = ask.member.id,
                        "a batch left somebody out"
                    );
                    Word::Ignored
                }
                _ => Word::Done { status },
            };
            ask.tell(worker, word).await;
        }
    }
}
