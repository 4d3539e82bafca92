//! Memberships of many rows, sent with the groups: one PATCH for many people.
//!
//! A batch that the node refuses is halved until the rows that are to blame are alone. Batches of
//! one group are sent one behind the other: a node that reads a group, changes it and writes it
//! back would lose one of two that come at once.

use std::mem;

use tracing::{debug, info};

use super::ask::{Ask, Word};
use super::habits::Aspects;
use super::joint::halted;
use super::members::Movement;
use super::not_attempted;
use super::worker::Worker;
use crate::pace::FaultKind;
use crate::scim::{Error, Group, Members, Reply};

/// All batches of one group.
#[derive(Debug)]
pub(super) struct GroupBatches {
    pub(super) group: String,
    pub(super) batches: Vec<Vec<Ask>>,
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

    /// Sends them all, until everybody in them was told.
    pub(super) async fn carry_out(mut self, worker: &Worker) {
        for batch in mem::take(&mut self.batches) {
            if let Some(reason) = worker.stop.reason() {
                for ask in &batch {
                    ask.tell(worker, Word::Failed(not_attempted(reason))).await;
                }
                continue;
            }
            tokio::select! {
                () = self.send(worker, &batch) => {}
                () = worker.stop.halted() => for ask in &batch {
                    ask.tell(worker, Word::Failed(halted())).await;
                },
            }
        }
    }

    /// Sends a batch, in parts if need be, until everybody in it was told.
    async fn send(&self, worker: &Worker, batch: &[Ask]) {
        let whole: Vec<&Ask> = batch.iter().collect();
        let mut parts: Vec<Vec<&Ask>> = whole
            .chunks(worker.habits.members_at_once(&self.group))
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
                    worker.habits.change_at_once(&self.group, part.len() / 2);
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
            those.map(|ask| ask.user()).collect()
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
            ask.count(attempts);
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
                        user = ask.user(),
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
