//! Operations that wait for each other, to go together in bulk requests (RFC 7644, section 3.7).
//!
//! Whoever has something to change hands in a [`QueuedOperation`] and waits for what became of it. A request
//! leaves when it is full, or when nobody moves any more who could add to it: that is for
//! [`engine`](super::engine) to see. Groups that rows need and that are not there yet are made in
//! the same request, and referred to by their `bulkId`.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use tracing::info;

use super::bulk_batch::{BulkBatch, BulkReply, BulkStatus};
use super::group_provisioner::GroupProvisioner;
use super::queued_operation::{Payload, QueuedOperation, QueuedResult};
use crate::scim::{BulkId, BulkLimits, BulkResult, Error, Reply};

/// After so many requests in a row whose answers were lost, no more are sent.
const LOSSES: u32 = 3;

/// Collects operations into requests.
#[derive(Debug)]
pub(super) struct BulkQueue {
    provisioner: Arc<GroupProvisioner>,
    limits: BulkLimits,
    /// The request that is being filled.
    open: BulkBatch,
    /// Requests that may leave.
    ready: VecDeque<BulkBatch>,
    /// Operations that wait for a request on its way.
    held: Vec<QueuedOperation>,
    /// Groups that requests on their way make or change.
    groups_in_flight: HashSet<String>,
    /// How many requests are on their way.
    in_flight: usize,
    /// Operations without an answer.
    waiting: usize,
    losses: u32,
    capability: BulkCapability,
}

/// What is known of how the node takes bulk requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BulkCapability {
    /// Nothing: only one leaves at a time.
    Unknown,
    /// It has taken one.
    Supported,
    /// It takes none.
    Unsupported,
}

impl BulkQueue {
    pub(super) fn new(provisioner: Arc<GroupProvisioner>, limits: BulkLimits) -> Self {
        BulkQueue {
            provisioner,
            limits,
            open: BulkBatch::new(limits),
            ready: VecDeque::new(),
            held: Vec::new(),
            groups_in_flight: HashSet::new(),
            in_flight: 0,
            waiting: 0,
            losses: 0,
            capability: BulkCapability::Unknown,
        }
    }

    /// How many operations are without an answer.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Takes an operation in.
    pub(super) fn take(&mut self, item: QueuedOperation) {
        self.waiting += 1;
        self.put(item);
    }

    /// A request that is to leave now.
    pub(super) fn next_batch(&mut self) -> Option<BulkBatch> {
        if self.capability == BulkCapability::Unknown && self.in_flight > 0 {
            return None;
        }
        let batch = self.ready.pop_front()?;
        self.in_flight += 1;
        Some(batch)
    }

    fn put(&mut self, item: QueuedOperation) {
        let mut item = item;
        loop {
            if self.capability == BulkCapability::Unsupported || self.waits_for_group(&item) {
                return self.answer(item, QueuedResult::Alone);
            }
            if self.is_held_up(&item) {
                return self.held.push(item);
            }
            let provisioner = Arc::clone(&self.provisioner);
            match self.open.add(item, provisioner.teams()) {
                Ok(()) => break,
                Err(refused) if self.open.items.is_empty() => {
                    self.open = BulkBatch::new(self.limits);
                    return self.answer(refused, QueuedResult::Alone);
                }
                Err(refused) => {
                    item = refused;
                    self.close();
                }
            }
        }
        if self.open.request.len() >= self.limits.max_operations {
            self.close();
        }
    }

    /// Whether it needs a group that is to be made by a call of its own.
    fn waits_for_group(&self, item: &QueuedOperation) -> bool {
        self.provisioner.makes_alone() && !item.needs(self.provisioner.teams()).is_empty()
    }

    /// Whether a request on its way has to come back first.
    fn is_held_up(&self, item: &QueuedOperation) -> bool {
        match &*item.payload {
            Payload::Members { group, .. } => self.groups_in_flight.contains(group),
            _ => {
                let needs = item.needs(self.provisioner.teams());
                needs
                    .iter()
                    .any(|stand_in| self.groups_in_flight.contains(*stand_in))
            }
        }
    }

    /// Lets the request that is being filled leave, however full it is.
    pub(super) fn close(&mut self) {
        let batch = std::mem::replace(&mut self.open, BulkBatch::new(self.limits));
        if batch.request.len() < 2 || batch.is_abandoned() {
            for (item, _) in batch.items {
                self.answer(item, QueuedResult::Alone);
            }
            return;
        }
        self.groups_in_flight.extend(batch.groups().cloned());
        self.ready.push_back(batch);
    }

    /// Tells everybody what became of a request.
    pub(super) fn receive(&mut self, reply: BulkReply) {
        let BulkReply { batch, status } = reply;
        self.in_flight -= 1;
        for group in batch.groups() {
            self.groups_in_flight.remove(group);
        }
        let operations = batch.request.len();
        match status {
            BulkStatus::Answered(results) => {
                self.losses = 0;
                self.capability = BulkCapability::Supported;
                self.deliver(batch, results);
            }
            BulkStatus::Lost(fault) => {
                let is_sent = !fault.kind.is_of_the_unsent();
                if is_sent || fault.may_have_worked {
                    self.note_loss(operations);
                    self.provisioner.doubt(!batch.new_groups.is_empty());
                }
                for (item, _) in batch.items {
                    self.answer(item, QueuedResult::Lost(fault.clone()));
                }
            }
            BulkStatus::TooLarge => {
                self.shrink(operations);
                self.requeue(batch.items);
            }
            BulkStatus::Declined => {
                self.capability = BulkCapability::Unsupported;
                self.requeue(batch.items);
            }
        }
        self.requeue(Vec::new());
    }

    /// A request has come to nothing, since its task has failed; whoever waited for it knows that by now. No more are sent.
    pub(super) fn fail(&mut self, items: usize, groups: &[String]) {
        self.in_flight -= 1;
        self.waiting -= items;
        for group in groups {
            self.groups_in_flight.remove(group);
        }
        self.provisioner.doubt(true);
        self.capability = BulkCapability::Unsupported;
        self.requeue(Vec::new());
    }

    fn deliver(
        &mut self,
        batch: BulkBatch,
        mut results: Vec<Option<Result<Reply<BulkResult>, Error>>>,
    ) {
        for (stand_in, id) in &batch.new_groups {
            self.note_group(stand_in, results[id.place()].take());
        }
        let teams = self.provisioner.teams();
        let queued_result = |(item, id): (QueuedOperation, Option<BulkId>)| {
            let queued_result = match id.and_then(|id| results[id.place()].take()) {
                None => QueuedResult::Alone,
                Some(Ok(reply)) if !item.needs(teams).is_empty() => {
                    QueuedResult::WithoutGroups(reply)
                }
                Some(result) => QueuedResult::Answered(result),
            };
            (item, queued_result)
        };
        // All before the first is told: whoever hears that a group is not there goes and makes it.
        let queued_result: Vec<_> = batch.items.into_iter().map(queued_result).collect();
        for (item, queued_result) in queued_result {
            self.answer(item, queued_result);
        }
    }

    /// Puts operations in again, and with them those that were held up, or are in requests that turn out
    /// too large.
    fn requeue(&mut self, items: Vec<(QueuedOperation, Option<BulkId>)>) {
        let mut again: Vec<QueuedOperation> = items.into_iter().map(|(item, _)| item).collect();
        let is_too_large = |batch: &BulkBatch| batch.request.len() > self.limits.max_operations;
        if self.capability == BulkCapability::Unsupported || self.ready.iter().any(is_too_large) {
            let ready = std::mem::take(&mut self.ready);
            let open = std::mem::replace(&mut self.open, BulkBatch::new(self.limits));
            for batch in ready {
                for group in batch.groups() {
                    self.groups_in_flight.remove(group);
                }
                again.extend(batch.items.into_iter().map(|(item, _)| item));
            }
            again.extend(open.items.into_iter().map(|(item, _)| item));
        }
        again.append(&mut self.held);
        for item in again {
            self.put(item);
        }
    }

    /// Whether a group was made; if not, the first who needs it makes it alone, as all others from then on.
    fn note_group(&self, stand_in: &str, result: Option<Result<Reply<BulkResult>, Error>>) {
        match result {
            Some(Ok(reply)) => match reply.value.id() {
                Some(id) => self.provisioner.teams().set_created(stand_in, id),
                None => self.provisioner.doubt(true),
            },
            Some(Err(Error::Fault(_))) | None => self.provisioner.doubt(true),
            Some(Err(error)) => {
                info!(stand_in, %error, "a group was not made by a bulk request");
                self.provisioner.make_alone();
            }
        }
    }

    fn note_loss(&mut self, operations: usize) {
        self.losses += 1;
        self.shrink(operations);
        if self.losses >= LOSSES {
            info!("no answers to bulk requests; going on with single calls");
            self.capability = BulkCapability::Unsupported;
        }
    }

    /// From now on, requests are half as large as this one.
    fn shrink(&mut self, operations: usize) {
        let most = &mut self.limits.max_operations;
        *most = (operations / 2).clamp(1, *most);
        if *most == 1 {
            self.capability = BulkCapability::Unsupported;
        }
    }

    fn answer(&mut self, item: QueuedOperation, queued_result: QueuedResult) {
        self.waiting -= 1;
        // A row that was halted has no ears any more.
        let _ = item.answer.send(queued_result);
    }
}
