//! Memberships of many rows, sent with their group: one PATCH for many people.
//!
//! A batch that the node refuses is halved until the rows that are to blame are alone. Batches of
//! one group are sent one behind the other: a node that reads a group, changes it and writes it
//! back would lose one of two that come at once.

use tracing::{debug, info};

use super::members::Movement;
use super::memberships::{MembershipOperation, MembershipResult, halted};
use super::not_attempted;
use super::observed_capabilities::CapabilitySet;
use super::rows::Sequence;
use super::worker::Worker;
use crate::scim::{Error, Group, Members, Reply};
use crate::transport::FaultKind;

/// Memberships of one group that are sent together.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) group: String,
    members: Vec<Member>,
}

/// One of them, and how it ended.
#[derive(Debug)]
struct Member {
    operation: MembershipOperation,
    attempts: u32,
    result: Option<MembershipResult>,
}

/// How one membership of a batch ended.
#[derive(Debug)]
pub(super) struct MembershipEnd {
    pub(super) sequence: Sequence,
    pub(super) result: MembershipResult,
    /// How many calls were sent for it.
    pub(super) attempts: u32,
}

impl Batch {
    pub(super) fn new(group: String, operations: Vec<MembershipOperation>) -> Self {
        let members = operations.into_iter().map(|operation| Member {
            operation,
            attempts: 0,
            result: None,
        });
        Batch {
            group,
            members: members.collect(),
        }
    }

    /// The rows whose memberships these are.
    pub(super) fn sequences(&self) -> impl Iterator<Item = Sequence> {
        self.members.iter().map(|member| member.operation.sequence)
    }

    /// Sends them, and tells how each ended.
    pub(super) async fn carry_out(mut self, worker: &Worker) -> Vec<MembershipEnd> {
        let rest = match worker.stop.reason() {
            Some(reason) => not_attempted(reason),
            None => {
                tokio::select! {
                    () = self.send(worker) => {}
                    () = worker.stop.halted() => {}
                }
                halted()
            }
        };
        let ended = self.members.into_iter().map(|member| MembershipEnd {
            sequence: member.operation.sequence,
            attempts: member.attempts,
            result: member
                .result
                .unwrap_or_else(|| MembershipResult::Failed(rest.clone())),
        });
        ended.collect()
    }

    /// Sends them, in parts if need be, until each has ended.
    async fn send(&mut self, worker: &Worker) {
        let all: Vec<usize> = (0..self.members.len()).collect();
        let mut parts: Vec<Vec<usize>> = all
            .chunks(worker.capabilities.members_at_once(&self.group))
            .map(<[usize]>::to_vec)
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
                    worker
                        .capabilities
                        .change_at_once(&self.group, part.len() / 2);
                }
                debug!(group = self.group, people = part.len(), %error, "a batch was refused and is halved");
                let (one, other) = part.split_at(part.len() / 2);
                parts.extend([other.to_vec(), one.to_vec()]);
            } else {
                for place in part {
                    let outcome = worker.failed(&error);
                    self.end(place, MembershipResult::Failed(outcome));
                }
            }
        }
    }

    fn end(&mut self, place: usize, result: MembershipResult) {
        self.members[place].result.get_or_insert(result);
    }

    /// Whether the group's members are as a part of the batch asks.
    fn is_met(&self, place: usize, members: &Members) -> bool {
        let operation = &self.members[place].operation;
        members.has(&operation.user) == operation.joins
    }

    async fn patch(
        &mut self,
        worker: &Worker,
        part: &[usize],
    ) -> Result<Reply<Option<Group>>, Error> {
        let those = |joins: bool| -> Vec<&str> {
            let those = part.iter().map(|place| &self.members[*place].operation);
            let those = those.filter(|operation| operation.joins == joins);
            those.map(|operation| &*operation.user).collect()
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
        for place in part {
            self.members[*place].attempts += attempts;
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
    async fn still_to_do(
        &mut self,
        worker: &Worker,
        part: Vec<usize>,
        error: &Error,
    ) -> Vec<usize> {
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
        for place in part {
            if self.is_met(place, &members) {
                self.end(place, MembershipResult::Done { status: 200 });
            } else {
                missing.push(place);
            }
        }
        missing
    }

    /// A node's yes is believed after it was once seen to be true.
    async fn confirm(&mut self, worker: &Worker, part: &[usize], reply: Reply<Option<Group>>) {
        let status = reply.status;
        let shown = reply.value.and_then(|group| group.members);
        let shown: Option<Members> =
            shown.map(|members| members.into_iter().map(|member| member.value).collect());
        let all_met = |members: &Members| part.iter().all(|place| self.is_met(*place, members));
        let joins = part
            .iter()
            .any(|place| self.members[*place].operation.joins);
        let mut ignored = None;
        if !worker.capabilities.are_proven(CapabilitySet::BATCHES) {
            let _one = worker.capabilities.one_looks().await;
            if worker.capabilities.are_proven(CapabilitySet::BATCHES) {
                // Somebody has seen it meanwhile.
            } else if shown.as_ref().is_some_and(all_met) {
                worker.capabilities.prove(CapabilitySet::BATCHES);
            } else {
                match worker.members_after(&self.group, joins).await {
                    Some(members) if !all_met(&members) => ignored = Some(members),
                    Some(_) => worker.capabilities.prove(CapabilitySet::BATCHES),
                    // Where members are not shown, the node's yes has to do.
                    None => {}
                }
            }
        }
        for place in part {
            let result = match &ignored {
                Some(members) if !self.is_met(*place, members) => {
                    info!(
                        group = self.group,
                        user = self.members[*place].operation.user,
                        "a batch left somebody out"
                    );
                    MembershipResult::Ignored
                }
                _ => MembershipResult::Done { status },
            };
            self.end(*place, result);
        }
    }
}
