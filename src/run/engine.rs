//! One loop that owns every row: who goes next, what is set aside, and the outcome of each.
//!
//! ```text
//!  entries ─▶ lanes ─▶ ready ─▶ tasks ─────────────▶ settle ─▶ emitter (journal, events)
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
use super::course::Course;
use super::emitter::Emitter;
use super::lanes::{Lanes, Ticket};
use super::memberships::{MembershipProgress, MembershipResult, MembershipRow, halted};
use super::outcome::{Outcome, Verdict};
use super::parcel::Parcel;
use super::past::{Asked, Assignment, Past};
use super::pool::{Flush, Pool};
use super::post::Post;
use super::read_ahead::ReadAhead;
use super::rows::{Rows, Sequence, failed_within};
use super::shipment::Arrival;
use super::stop::StopReason;
use super::worker::Worker;
use super::{ROWS_PER_CALL, Settings, WINDOW};
use crate::roster::{Census, Change, Entry, Problem};
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
    Bulk { parcels: usize, groups: Vec<String> },
}

/// What came of a task.
#[derive(Debug)]
enum Done {
    /// Of a row.
    Row(Course),
    /// Of a row that was set aside.
    Alone(Box<Outcome>),
    /// Of each membership in a batch.
    Batch(Vec<MembershipEnd>),
    /// Of a bulk request.
    Bulk(Box<Arrival>),
}

/// Where tasks hand over what goes in bulk requests, and where that waits for others.
#[derive(Debug)]
pub(super) struct Parcels {
    pub(super) receiver: mpsc::UnboundedReceiver<Parcel>,
    pub(super) post: Post,
}

/// A row that waits for its turn.
#[derive(Debug)]
struct Waiting {
    sequence: Sequence,
    asked: Box<Asked>,
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
    census: Arc<Census>,
    window: Arc<Semaphore>,
    rows: Rows,
    lanes: Lanes<Waiting>,
    ready: BTreeMap<Rank, (Ticket, Waiting)>,
    pool: Pool,
    /// Batches that wait for one of the same group.
    behind: HashMap<String, VecDeque<Batch>>,
    parcels: Option<Parcels>,
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
        census: Arc<Census>,
        window: Arc<Semaphore>,
        emitter: Emitter,
        one_by_one: bool,
        parcels: Option<Parcels>,
    ) -> Self {
        let most = most_tasks(&worker.settings);
        Engine {
            most: if one_by_one { 1 } else { most },
            pooling: !one_by_one && worker.settings.batch > 1,
            pool: Pool::new(worker.settings.batch),
            behind: HashMap::new(),
            parcels,
            worker,
            census,
            window,
            rows: Rows::new(emitter),
            lanes: Lanes::default(),
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
            while self.active < self.most
                && let Some((_, (ticket, row))) = self.ready.pop_first()
            {
                self.begin(ticket, row);
            }
            self.send_open_post();
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
            let has_room = self.active < self.most && self.ready.is_empty();
            // Once rows are set aside, others of their groups are looked for in the whole window.
            let wants_more = !self.over && (has_room || self.pool.is_used);
            tokio::select! {
                biased;
                Some(parcel) = next_parcel(&mut self.parcels) => self.at_post(|post| post.take(parcel)),
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
                    Some(Done::Row(Course::Memberships(pending))) => {
                        self.set_aside(MembershipRow { sequence, pending });
                    }
                    Some(Done::Row(Course::Settled(outcome))) => self.settle(sequence, outcome),
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
            (Some(Task::Bulk { parcels, groups }), done) => self.at_post(|post| match done {
                Some(Done::Bulk(arrival)) => post.arrive(*arrival),
                _ => post.fail(parcels, &groups),
            }),
            (None, _) => {}
        }
    }

    /// Gives a row its outcome: the only place where a row is done with. The next of the person may go.
    fn settle(&mut self, sequence: Sequence, outcome: Outcome) {
        if let Some(ticket) = self.rows.settle(sequence, outcome) {
            let free = self.lanes.leave(&ticket);
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
        } else {
            self.send(Flush::alone(row));
        }
    }

    /// Sends the bulk request that is being filled when nobody moves any more who could add to it:
    /// all tasks wait for an answer, and no further one can begin.
    fn send_open_post(&mut self) {
        let is_full = self.active >= self.most || self.window.available_permits() == 0;
        let Some(Parcels { post, .. }) = &self.parcels else {
            return;
        };
        if post.waiting() >= self.active + self.sending && (self.over || is_full) {
            self.at_post(Post::close);
        }
    }

    /// Does something at the post, and sends the requests that are to leave then.
    fn at_post(&mut self, act: impl FnOnce(&mut Post)) {
        let Some(Parcels { post, .. }) = &mut self.parcels else {
            return;
        };
        act(post);
        let mut leaving = Vec::new();
        while let Some(shipment) = post.depart() {
            leaving.push(shipment);
        }
        for shipment in leaving {
            let worker = Arc::clone(&self.worker);
            let task = Task::Bulk {
                parcels: shipment.parcels.len(),
                groups: shipment.groups().cloned().collect(),
            };
            self.spawn(task, async move {
                let arrival = shipment.send(&worker.client, &worker.writer).await;
                Done::Bulk(Box::new(arrival))
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
        let Assignment { entry, past } = assignment;
        let Entry {
            number,
            cells,
            change,
        } = entry;
        let action = change.as_ref().ok().map(Change::action);
        let sequence = self.rows.enter(number, cells, action);
        let doubt = match past {
            Past::Settled(outcome) => {
                if let Ok(change) = &change {
                    self.worker.carried_out_before(change, &outcome);
                }
                return self.rows.settle_again(sequence, *outcome);
            }
            Past::Doubtful(doubt) => Some(doubt),
            Past::Fresh => None,
        };
        let change = match self.admit(number, change) {
            Ok(change) => change,
            Err(outcome) => return self.settle(sequence, outcome),
        };
        let asked = Asked {
            number,
            change,
            repeats: self.census.repeats.contains_key(&number),
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
        let free = self.lanes.enter(sequence, keys, row);
        self.ready.extend(free.map(ranked));
    }

    /// The groups that a row names, and how many rows of the file do; the fewest first.
    fn groups(&self, change: &Change) -> Vec<(u64, String)> {
        let group = |name| {
            let id = self.worker.directory.teams.resolve(name).ok()?;
            let mentions = self.census.groups.get(name)?;
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
        if self.census.rejected.contains(&number) {
            return Err(Outcome::new(Verdict::Invalid)
                .because("another row of the file asks for something else"));
        }
        Ok(change)
    }

    /// What a row's person is known by: rows that share a key are carried out one after the other. Whoever gets a new
    /// email in one row is known by id where a later row uses that email.
    fn keys(&mut self, change: &Change) -> Vec<String> {
        let person = change.person();
        let by_email = |folded: &str| format!("email {folded}");
        let by_id = |id: &str| format!("{ID}{}", id.to_ascii_lowercase());
        let new_email = change.new_email().map(|email| by_email(&email.folded()));
        let mut keys = Vec::with_capacity(2);
        keys.extend(person.email().map(|email| by_email(&email.folded())));
        keys.extend(person.id().map(|id| by_id(id.as_str())));
        keys.extend(new_email.clone());
        if self.census.people_by_id == 0 {
            return keys;
        }
        for (email, id) in self.worker.directory.people.possible_names(&person) {
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

    fn begin(&mut self, ticket: Ticket, row: Waiting) {
        let Waiting {
            sequence,
            asked,
            groups,
        } = row;
        self.rows.begin(sequence, ticket);
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
        let by_group = self.worker.habits.memberships_by_group();
        let flush = self.pool.all(to_come, by_group);
        self.send(flush);
    }

    /// Sends what of a group need not wait for other rows. In a bulk request it would take room from them.
    fn send_ripe(&mut self, group: &str) {
        if self.parcels.is_none() {
            let by_group = self.worker.habits.memberships_by_group();
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
        let together = self.parcels.is_some();
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
async fn carry_out(worker: &Worker, asked: &Asked) -> Course {
    if let Some(reason) = worker.stop.reason() {
        return asked.not_reached(reason).into();
    }
    let course = tokio::select! {
        course = worker.carry_out(asked) => course,
        () = worker.stop.halted() => halted().into(),
    };
    if let Course::Settled(outcome) = &course {
        worker.count(outcome, &asked.change.emails());
        worker.may_be_made(&asked.change, outcome);
    }
    course
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
async fn next_parcel(parcels: &mut Option<Parcels>) -> Option<Parcel> {
    parcels.as_mut()?.receiver.recv().await
}

fn ranked((ticket, row): (Ticket, Waiting)) -> (Rank, (Ticket, Waiting)) {
    let first = row.groups.first().cloned();
    let (rows, group) = first.unwrap_or((u64::MAX, String::new()));
    ((rows, group, row.sequence), (ticket, row))
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
