//! One loop that owns every row: who goes next, what is set aside, and the outcome of each.
//!
//! ```text
//!  entries ─▶ queues ─▶ ready ─▶ tasks ─────────────▶ settle ─▶ emitter (journal, events)
//!                ▲               │  └─▶ pool ─▶ batches ─▶ │
//!                └──── row left ◀┴──────────────────────────┘
//! ```
//!
//! Rows that are ready begin group by group, so that changes of groups can be sent while other rows go on. A task gets all that
//! it needs and gives back what came of it ([`Done`]); it decides nothing about other rows, and holds nothing of its row. So a
//! row is settled in one place, here, and one whose task panics is settled as unknown.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::{self, JoinError, JoinSet};
use tracing::error;

use super::batch::{Batch, MembershipEnd};
use super::bulk_batch::BulkReply;
use super::bulk_queue::BulkQueue;
use super::emitter::Emitter;
use super::keyed_queue::{KeyedQueue, QueueGuard};
use super::memberships::{MembershipProgress, MembershipResult, MembershipRow, halted};
use super::outcome::{Outcome, Verdict};
use super::pool::{Flush, Pool};
use super::prior_state::{Assignment, PriorState, RequestedChange};
use super::queued_operation::QueuedOperation;
use super::read_ahead::ReadAhead;
use super::row_progress::RowProgress;
use super::rows::{Rows, Sequence, failed_within};
use super::stop::StopReason;
use super::worker::Worker;
use super::{ROWS_PER_CALL, Settings, WINDOW};
use crate::roster::{Change, CheckedRow, InputSummary, Problem};
use crate::sheet::{RowNumber, SheetError};

/// How a key begins that is an id.
const ID: &str = "id ";

/// What a task is about, for when it ends, however it does.
#[derive(Debug)]
enum Task {
    /// A row.
    Row(Sequence),
    /// A row that was set aside and goes on its own.
    Alone(Sequence),
    /// A batch of a group, and whose memberships are in it.
    Batch {
        group: String,
        sequences: Vec<Sequence>,
    },
    /// A bulk request with so many operations that somebody waits for, and the groups that it makes or changes.
    Bulk { items: usize, groups: Vec<String> },
}

/// What came of a task.
#[derive(Debug)]
enum Done {
    /// Of a row.
    Row(RowProgress),
    /// Of a row that was set aside.
    Alone(Box<Outcome>),
    /// Of each membership in a batch.
    Batch(Vec<MembershipEnd>),
    /// Of a bulk request.
    Bulk(Box<BulkReply>),
}

/// Where tasks hand over what goes in bulk requests, and where that waits for others.
#[derive(Debug)]
pub(super) struct Parcels {
    pub(super) receiver: mpsc::UnboundedReceiver<QueuedOperation>,
    pub(super) bulk_queue: BulkQueue,
}

/// A row that waits for its turn.
#[derive(Debug)]
struct Waiting {
    sequence: Sequence,
    asked: Box<RequestedChange>,
    /// The groups that it names, the one that the fewest rows of the file name first, and how many these are.
    groups: Vec<(u64, String)>,
}

/// How many tasks may run at once: enough to keep calls in flight while some rows wait out a
/// back-off, and where the node takes bulk requests, enough to fill one while others are on their way,
/// within bounds that memory sets.
fn most_tasks(settings: &Settings) -> usize {
    let calls = settings.concurrency.max(1);
    let one = settings.bulk.map_or(0, |bulk| bulk.max_operations);
    let bulk = one.saturating_mul(calls + 1).min(WINDOW / 8);
    let bulk = bulk.max(one.saturating_mul(2)).min(WINDOW / 2);
    bulk.max(calls * ROWS_PER_CALL)
}

/// In which order rows are carried out that may go at once: those of a group together, so that one group after the other
/// can be changed while rows go on; the smallest groups first, rows without a group last.
type Rank = (u64, String, u64);

/// The loop.
pub(super) struct Engine {
    worker: Arc<Worker>,
    summary: Arc<InputSummary>,
    window: Arc<Semaphore>,
    rows: Rows,
    person_queue: KeyedQueue<Waiting>,
    ready: BTreeMap<Rank, (QueueGuard, Waiting)>,
    pool: Pool,
    /// Batches that wait for one of the same group.
    behind: HashMap<String, VecDeque<Batch>>,
    items: Option<Parcels>,
    tasks: JoinSet<Done>,
    /// What they are about.
    running: HashMap<task::Id, Task>,
    /// The groups that running rows name.
    named: HashMap<Sequence, Vec<(u64, String)>>,
    /// The ids of the people who get another email, by that email; all as keys.
    renamed: HashMap<String, Vec<String>>,
    /// Tasks of rows that run now.
    active: usize,
    /// Tasks that send what was set aside.
    sending: usize,
    /// How many may.
    most: usize,
    /// Whether what goes together is set aside.
    pooling: bool,
    over: bool,
}

impl Engine {
    /// `one_by_one`: who is who cannot be told before each row was looked up.
    pub(super) fn new(
        worker: Arc<Worker>,
        summary: Arc<InputSummary>,
        window: Arc<Semaphore>,
        emitter: Emitter,
        one_by_one: bool,
        items: Option<Parcels>,
    ) -> Self {
        let most = most_tasks(&worker.settings);
        Engine {
            most: if one_by_one { 1 } else { most },
            pooling: !one_by_one && worker.settings.batch > 1,
            pool: Pool::new(worker.settings.batch),
            behind: HashMap::new(),
            items,
            worker,
            summary,
            window,
            rows: Rows::new(emitter),
            person_queue: KeyedQueue::default(),
            ready: BTreeMap::new(),
            tasks: JoinSet::new(),
            running: HashMap::new(),
            named: HashMap::new(),
            renamed: HashMap::new(),
            active: 0,
            sending: 0,
            over: false,
        }
    }

    /// Returns when every row is settled.
    pub(super) async fn carry_out<E>(mut self, entries: E)
    where
        E: Iterator<Item = Result<Assignment, SheetError>> + Send + 'static,
    {
        let mut entries = Admission {
            entries: ReadAhead::new(entries),
            window: Arc::clone(&self.window),
            admitted: false,
        };
        loop {
            while self.has_room()
                && let Some((_, (guard, row))) = self.ready.pop_first()
            {
                self.begin(guard, row);
            }
            self.send_open_batch();
            if self.active + self.sending == 0 && self.ready.is_empty() {
                match self.pool.oldest() {
                    Some(oldest) if self.is_due(oldest) => {
                        self.flush();
                        continue;
                    }
                    None if self.over => return,
                    _ => {}
                }
            }
            let has_room = self.has_room() && self.ready.is_empty();
            // Once rows are set aside, others of their groups are looked for in the whole window.
            let wants_more = !self.over && (has_room || self.pool.is_used);
            tokio::select! {
                biased;
                Some(item) = next_parcel(&mut self.items) => self.with_bulk_queue(|bulk_queue| bulk_queue.take(item)),
                Some(ended) = self.tasks.join_next_with_id() => self.ended(ended),
                entry = entries.next(), if wants_more => self.enter(entry),
            }
        }
    }

    /// A task has ended: takes what came of it.
    fn ended(&mut self, ended: Result<(task::Id, Done), JoinError>) {
        let (id, done) = match ended {
            Ok((id, done)) => (id, Some(done)),
            Err(failed) => {
                error!(%failed, "a task has failed");
                (failed.id(), None)
            }
        };
        match (self.running.remove(&id), done) {
            (Some(Task::Row(sequence)), done) => {
                self.active -= 1;
                match done {
                    Some(Done::Row(RowProgress::Memberships(pending))) => {
                        self.set_aside(MembershipRow { sequence, pending });
                    }
                    Some(Done::Row(RowProgress::Settled(outcome))) => {
                        self.settle(sequence, outcome);
                    }
                    _ => self.settle(sequence, failed_within()),
                }
                for (_, group) in self.named.remove(&sequence).unwrap_or_default() {
                    self.pool.queues.came(&group);
                    self.send_ripe(&group);
                }
            }
            (Some(Task::Alone(sequence)), done) => {
                self.sending -= 1;
                let outcome = match done {
                    Some(Done::Alone(outcome)) => *outcome,
                    _ => failed_within(),
                };
                self.settle(sequence, outcome);
            }
            (Some(Task::Batch { group, sequences }), done) => {
                self.sending -= 1;
                let ended = match done {
                    Some(Done::Batch(ended)) => ended,
                    _ => sequences.into_iter().map(failed_in_batch).collect(),
                };
                self.batch_ended(&group, ended);
            }
            (Some(Task::Bulk { items, groups }), done) => {
                self.with_bulk_queue(|bulk_queue| match done {
                    Some(Done::Bulk(reply)) => bulk_queue.receive(*reply),
                    _ => bulk_queue.fail(items, &groups),
                });
            }
            (None, _) => {}
        }
    }

    /// Gives a row its outcome: the only place where a row is done with. The next of the person may go.
    fn settle(&mut self, sequence: Sequence, outcome: Outcome) {
        if let Some(guard) = self.rows.settle(sequence, outcome) {
            let free = self.person_queue.leave(&guard);
            self.ready.extend(free.into_iter().map(ranked));
        }
    }

    fn batch_ended(&mut self, group: &str, ended: Vec<MembershipEnd>) {
        for MembershipEnd {
            sequence,
            result,
            attempts,
        } in ended
        {
            let Some(progress) = self.pool.progress.get_mut(&sequence) else {
                continue;
            };
            if progress.note(result, attempts)
                && let Some(progress) = self.pool.progress.remove(&sequence)
            {
                match progress.end(&self.worker) {
                    Ok(outcome) => self.settle(sequence, outcome),
                    Err(row) => self.send_alone(row),
                }
            }
        }
        match self.behind.get_mut(group).and_then(VecDeque::pop_front) {
            Some(next) => self.send_batch(next),
            None => {
                self.behind.remove(group);
                self.pool.queues.sent(group);
                self.send_ripe(group);
            }
        }
    }

    fn set_aside(&mut self, row: MembershipRow) {
        if self.pooling {
            self.pool.put(row);
        } else if self.worker.rehearsal.is_some() {
            self.rehearse(Flush::alone(row));
        } else {
            self.send_alone(row);
        }
    }

    /// Whether another row may begin. Where rows are not set aside, one is carried out to its end before the next.
    fn has_room(&self) -> bool {
        let on_their_way = if self.pooling { 0 } else { self.sending };
        self.active + on_their_way < self.most
    }

    /// Sends the bulk request that is being filled when nobody moves any more who could add to it:
    /// all tasks wait for an answer, and no further one can begin.
    fn send_open_batch(&mut self) {
        let is_full = !self.has_room() || self.window.available_permits() == 0;
        let Some(Parcels { bulk_queue, .. }) = &self.items else {
            return;
        };
        if bulk_queue.waiting() >= self.active + self.sending && (self.over || is_full) {
            self.with_bulk_queue(BulkQueue::close);
        }
    }

    /// Does something at the post, and sends the requests that are to leave then.
    fn with_bulk_queue(&mut self, act: impl FnOnce(&mut BulkQueue)) {
        let Some(Parcels { bulk_queue, .. }) = &mut self.items else {
            return;
        };
        act(bulk_queue);
        let mut leaving = Vec::new();
        while let Some(batch) = bulk_queue.next_batch() {
            leaving.push(batch);
        }
        for batch in leaving {
            let worker = Arc::clone(&self.worker);
            let task = Task::Bulk {
                items: batch.items.len(),
                groups: batch.groups().cloned().collect(),
            };
            self.spawn(task, async move {
                let reply = batch.send(&worker.client, &worker.writer).await;
                Done::Bulk(Box::new(reply))
            });
        }
    }

    fn enter(&mut self, next: Option<Result<Assignment, SheetError>>) {
        let assignment = match next {
            None => {
                self.over = true;
                for group in self.pool.groups() {
                    self.send_ripe(&group);
                }
                return;
            }
            Some(Err(error)) => {
                error!(%error, "the input cannot be read any further");
                self.worker
                    .stop
                    .drain(StopReason::Broken(error.to_string()));
                self.over = true;
                return;
            }
            Some(Ok(assignment)) => assignment,
        };
        let Assignment { entry, prior_state } = assignment;
        let CheckedRow {
            number,
            cells,
            change,
        } = entry;
        let action = change.as_ref().ok().map(|change| change.action);
        let sequence = self.rows.enter(number, cells, action);
        let doubt = match prior_state {
            PriorState::Settled(outcome) => {
                if let Ok(change) = &change {
                    self.worker.carried_out_before(change, &outcome);
                }
                return self.rows.settle_again(sequence, *outcome);
            }
            PriorState::InDoubt(doubt) => Some(doubt),
            PriorState::Fresh => None,
        };
        let change = match self.admit(number, change) {
            Ok(change) => change,
            Err(outcome) => return self.settle(sequence, outcome),
        };
        let asked = RequestedChange {
            number,
            change,
            repeats: self.summary.repeats.contains_key(&number),
            doubt,
        };
        if let Some(reason) = self.worker.stop.reason() {
            return self.settle(sequence, asked.not_reached(reason));
        }
        let keys = self.keys(&asked.change);
        let groups = self.groups(&asked.change);
        for (_, group) in &groups {
            self.pool.queues.expect(group);
        }
        let row = Waiting {
            sequence,
            asked: Box::new(asked),
            groups,
        };
        let free = self.person_queue.enter(sequence, keys, row);
        self.ready.extend(free.map(ranked));
    }

    /// The groups that a row names, and how many rows of the file do; the fewest first.
    fn groups(&self, change: &Change) -> Vec<(u64, String)> {
        let group = |name| {
            let id = self.worker.directory.teams.resolve(name).ok()?;
            let mentions = self.summary.groups.get(name)?;
            Some((mentions.rows(), id.to_owned()))
        };
        let mut groups: Vec<_> = change.groups().filter_map(group).collect();
        groups.sort_unstable();
        groups
    }

    /// The change that a row asks for, or why it makes no sense.
    fn admit(
        &self,
        number: RowNumber,
        change: Result<Change, Vec<Problem>>,
    ) -> Result<Change, Outcome> {
        let change = change.map_err(|problems| {
            let words: Vec<String> = problems.iter().map(Problem::in_row).collect();
            Outcome::new(Verdict::Invalid).because(words.join(" "))
        })?;
        if self.summary.rejected.contains(&number) {
            return Err(Outcome::new(Verdict::Invalid)
                .because("another row of the file asks for something else"));
        }
        Ok(change)
    }

    /// What a row's person is known by: rows that share a key are carried out one after the other. Whoever gets a new
    /// email in one row is known by id where a later row uses that email.
    fn keys(&mut self, change: &Change) -> Vec<String> {
        let person = &change.person;
        let by_email = |folded: &str| format!("email {folded}");
        let by_id = |id: &str| format!("{ID}{}", id.to_ascii_lowercase());
        let new_email = change.new_email().map(|email| by_email(&email.folded()));
        let mut keys = Vec::with_capacity(2);
        keys.extend(person.email().map(|email| by_email(&email.folded())));
        keys.extend(person.id().map(|id| by_id(id.as_str())));
        keys.extend(new_email.clone());
        if self.summary.people_by_id == 0 {
            return keys;
        }
        for (email, id) in self.worker.directory.people.possible_names(person) {
            keys.extend([by_email(&email), by_id(&id)]);
        }
        let earlier = keys.iter().filter_map(|key| self.renamed.get(key));
        let earlier: Vec<String> = earlier.flatten().cloned().collect();
        keys.extend(earlier);
        keys.sort_unstable();
        keys.dedup();
        if let Some(new_email) = new_email {
            let ids = keys.iter().filter(|key| key.starts_with(ID));
            self.renamed.insert(new_email, ids.cloned().collect());
        }
        keys
    }

    fn begin(&mut self, guard: QueueGuard, row: Waiting) {
        let Waiting {
            sequence,
            asked,
            groups,
        } = row;
        self.rows.begin(sequence, guard);
        self.named.insert(sequence, groups);
        self.active += 1;
        let worker = Arc::clone(&self.worker);
        self.spawn(Task::Row(sequence), async move {
            Done::Row(carry_out(&worker, &asked).await)
        });
    }

    fn spawn(&mut self, task: Task, work: impl Future<Output = Done> + Send + 'static) {
        // In a box, it is not kept twice: there may be thousands.
        let id = self.tasks.spawn(Box::pin(work)).id();
        self.running.insert(id, task);
    }

    /// Whether what was set aside is to be sent although it may cost a call more than it would later: nothing is going on,
    /// and no further row can come, since there is none or because the oldest one set aside holds the window.
    fn is_due(&self, oldest: u64) -> bool {
        self.over || self.rows.read() - oldest >= WINDOW as u64
    }

    /// Sends what was set aside.
    fn flush(&mut self) {
        let to_come = !self.over && self.worker.stop.reason().is_none();
        let by_group = self.worker.capabilities.memberships_by_group();
        let flush = self.pool.all(to_come, by_group);
        self.send(flush);
    }

    /// Sends what of a group need not wait for other rows. In a bulk request it would take room from them.
    fn send_ripe(&mut self, group: &str) {
        if self.items.is_none() {
            let by_group = self.worker.capabilities.memberships_by_group();
            let flush = self.pool.ripe(group, self.over, by_group);
            self.send(flush);
        }
    }

    fn send(&mut self, flush: Flush) {
        for sequence in flush.sequences() {
            self.rows.begin_again(sequence);
        }
        if self.worker.rehearsal.is_some() {
            return self.rehearse(flush);
        }
        let Flush { alone, groups } = flush;
        for row in alone {
            self.send_alone(row);
        }
        // In bulk requests they are carried out in their order.
        let together = self.items.is_some();
        for (group, batches) in groups {
            let mut batches = VecDeque::from(batches);
            let now = if together { batches.len() } else { 1 };
            let now: Vec<Batch> = batches.drain(..now.min(batches.len())).collect();
            self.behind.entry(group).or_default().extend(batches);
            for batch in now {
                self.send_batch(batch);
            }
        }
    }

    fn send_alone(&mut self, row: MembershipRow) {
        self.sending += 1;
        let worker = Arc::clone(&self.worker);
        self.spawn(Task::Alone(row.sequence), async move {
            Done::Alone(Box::new(row.carry_out(&worker).await))
        });
    }

    fn send_batch(&mut self, batch: Batch) {
        self.sending += 1;
        let worker = Arc::clone(&self.worker);
        let task = Task::Batch {
            group: batch.group.clone(),
            sequences: batch.sequences().collect(),
        };
        self.spawn(
            task,
            async move { Done::Batch(batch.carry_out(&worker).await) },
        );
    }

    /// Counts the calls of what was set aside, and settles its rows.
    fn rehearse(&mut self, flush: Flush) {
        let worker = Arc::clone(&self.worker);
        let Flush { alone, groups } = flush;
        let batches = groups.iter().map(|(_, batches)| batches.len()).sum();
        if let Some(rehearsal) = &worker.rehearsal {
            rehearsal.count_memberships(alone.len(), batches);
        }
        let mut rows = alone;
        for (group, batches) in groups {
            self.pool.queues.sent(&group);
            let sequences = batches.iter().flat_map(Batch::sequences);
            let progress = sequences.filter_map(|sequence| self.pool.progress.remove(&sequence));
            rows.extend(progress.map(MembershipProgress::into_row));
        }
        for row in rows {
            let sequence = row.sequence;
            let outcome = row.rehearse(&worker);
            self.settle(sequence, outcome);
        }
    }
}

/// Carries a row out, up to what may go together with others.
async fn carry_out(worker: &Worker, asked: &RequestedChange) -> RowProgress {
    if let Some(reason) = worker.stop.reason() {
        return asked.not_reached(reason).into();
    }
    let progress = tokio::select! {
        progress = worker.carry_out(asked) => progress,
        () = worker.stop.halted() => halted().into(),
    };
    if let RowProgress::Settled(outcome) = &progress {
        worker.count(outcome, &asked.change.emails());
        worker.may_be_made(&asked.change, outcome);
    }
    progress
}

/// How a membership ended that was in a batch whose task has failed.
fn failed_in_batch(sequence: Sequence) -> MembershipEnd {
    MembershipEnd {
        sequence,
        result: MembershipResult::Failed(failed_within()),
        attempts: 0,
    }
}

/// What a task hands over next; nothing where there are no bulk requests.
async fn next_parcel(items: &mut Option<Parcels>) -> Option<QueuedOperation> {
    items.as_mut()?.receiver.recv().await
}

fn ranked((guard, row): (QueueGuard, Waiting)) -> (Rank, (QueueGuard, Waiting)) {
    let first = row.groups.first().cloned();
    let (rows, group) = first.unwrap_or((u64::MAX, String::new()));
    ((rows, group, row.sequence), (guard, row))
}

/// Rows as they come, each when there is room for it in the window.
struct Admission {
    entries: ReadAhead<Result<Assignment, SheetError>>,
    window: Arc<Semaphore>,
    admitted: bool,
}

impl Admission {
    /// Can be dropped while it waits: nothing is lost.
    async fn next(&mut self) -> Option<Result<Assignment, SheetError>> {
        if !self.admitted {
            // Given back by the emitter when the row was told.
            self.window.acquire().await.expect("never closed").forget();
            self.admitted = true;
        }
        let entry = self.entries.next().await;
        self.admitted = false;
        entry
    }
}
