//! Hands rows out to workers: one row a person at a time, changes of memberships set aside until
//! they can go together.
//!
//! ```text
//!  entries ─▶ lanes ─▶ ready ─▶ tasks ──────────▶ settled
//!                ▲             ▲ │ └─▶ pool ─▶ batches ─▶ settled
//!                │        post ◀─┼───────────────┤
//!                └── row left ◀──┴───────────────┘
//! ```
//!
//! Rows that are ready begin group by group, so that changes of groups can be sent while other rows go on.
//! All decisions are made by one loop that owns lanes, pool, post and counts; tasks tell it by
//! [`Step`]s how far they are.

use std::collections::{BTreeMap, HashMap};
use std::mem;
use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};
use tracing::error;

use super::joint::Joint;
use super::lanes::{Lanes, Ticket};
use super::order::Order;
use super::outcome::{Outcome, Verdict};
use super::parcel::Parcel;
use super::past::{Asked, Assignment, Past};
use super::pool::{Flush, Pool};
use super::post::Post;
use super::read_ahead::ReadAhead;
use super::rehearse::count_and_settle;
use super::row::{Row, Turn};
use super::shipment::Arrival;
use super::stop::StopReason;
use super::worker::Worker;
use super::{ROWS_PER_CALL, Settings, WINDOW};
use crate::roster::{Census, Change, Entry, Problem};
use crate::sheet::{RowNumber, SheetError};

/// How a key begins that is an id.
const ID: &str = "id ";

/// What a task tells the loop.
#[derive(Debug)]
pub(super) enum Step {
    /// A row is done, the next of the person may go.
    Left(Ticket),
    /// A row only changes memberships.
    Joint(Box<Joint>),
    /// A task has something to send together with others, and waits until it is answered.
    Parcel(Parcel),
    /// A bulk request has come back.
    Arrived(Box<Arrival>),
    /// The task of a row that names these groups has ended.
    Ended(Vec<(u64, String)>),
    /// What was set aside has been sent; if it was batches, those of this group.
    Sent(Option<String>),
}

/// Where tasks tell how far they are, and where what they send waits for others.
#[derive(Debug)]
pub(super) struct Steps {
    pub(super) sender: mpsc::UnboundedSender<Step>,
    pub(super) receiver: mpsc::UnboundedReceiver<Step>,
    pub(super) post: Option<Post>,
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

/// Tells the loop that a task has ended, however it did.
struct Task {
    steps: mpsc::UnboundedSender<Step>,
    end: Option<Step>,
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            // A loop that is gone waits for nobody.
            let _ = self.steps.send(end);
        }
    }
}

/// In which order rows are carried out that may go at once: those of a group together, so that one group after the other
/// can be changed while rows go on; the smallest groups first, rows without a group last.
type Rank = (u64, String, u64);

/// The loop.
pub(super) struct Dispatch {
    worker: Arc<Worker>,
    census: Arc<Census>,
    window: Arc<Semaphore>,
    order: Order,
    lanes: Lanes<Row>,
    ready: BTreeMap<Rank, (Ticket, Row)>,
    pool: Pool,
    post: Option<Post>,
    sender: mpsc::UnboundedSender<Step>,
    steps: mpsc::UnboundedReceiver<Step>,
    sequence: u64,
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

impl Dispatch {
    /// `one_by_one`: who is who cannot be told before each row was looked up. `steps` is where tasks
    /// tell how far they are.
    pub(super) fn new(
        worker: Arc<Worker>,
        census: Arc<Census>,
        window: Arc<Semaphore>,
        order: Order,
        one_by_one: bool,
        steps: Steps,
    ) -> Self {
        let Steps {
            sender,
            receiver: steps,
            post,
        } = steps;
        let most = most_tasks(&worker.settings);
        Dispatch {
            most: if one_by_one { 1 } else { most },
            pooling: !one_by_one && worker.settings.batch > 1,
            pool: Pool::new(worker.settings.batch),
            post,
            worker,
            census,
            window,
            order,
            lanes: Lanes::default(),
            ready: BTreeMap::new(),
            sender,
            steps,
            sequence: 0,
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
                    Some(oldest) if self.is_due(oldest) => self.flush(),
                    None if self.over => return,
                    _ => {}
                }
            }
            let has_room = self.active < self.most && self.ready.is_empty();
            // Once rows are set aside, others of their groups are looked for in the whole window.
            let wants_more = !self.over && (has_room || self.pool.is_used);
            tokio::select! {
                biased;
                // The loop holds a sender itself: this never ends.
                Some(step) = self.steps.recv() => self.take(step),
                entry = entries.next(), if wants_more => self.enter(entry),
            }
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Left(ticket) => {
                let free = self.lanes.leave(&ticket);
                self.ready.extend(free.into_iter().map(ranked));
            }
            Step::Joint(joint) => self.pool.put(*joint),
            Step::Parcel(parcel) => self.at_post(|post| post.take(parcel)),
            Step::Arrived(arrival) => self.at_post(|post| post.arrive(*arrival)),
            Step::Ended(groups) => {
                self.active -= 1;
                for (_, group) in groups {
                    self.pool.queues.came(&group);
                    self.send_ripe(&group);
                }
            }
            Step::Sent(group) => {
                self.sending -= 1;
                if let Some(group) = group {
                    self.pool.queues.sent(&group);
                    self.send_ripe(&group);
                }
            }
        }
    }

    /// Sends the bulk request that is being filled when nobody moves any more who could add to it:
    /// all tasks wait for an answer, and no further one can begin.
    fn send_open_post(&mut self) {
        let is_full = self.active >= self.most || self.window.available_permits() == 0;
        let Some(post) = &mut self.post else { return };
        if post.waiting() >= self.active + self.sending && (self.over || is_full) {
            self.at_post(Post::close);
        }
    }

    /// Does something at the post, and sends the requests that are to leave then.
    fn at_post(&mut self, act: impl FnOnce(&mut Post)) {
        let Some(post) = &mut self.post else { return };
        act(post);
        while let Some(shipment) = post.depart() {
            let (worker, steps) = (Arc::clone(&self.worker), self.sender.clone());
            tokio::spawn(async move {
                let arrival = shipment.send(&worker.client, &worker.writer).await;
                // A loop that is gone waits for nobody.
                let _ = steps.send(Step::Arrived(Box::new(arrival)));
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
        let sequence = self.sequence;
        self.sequence += 1;
        let Entry {
            number,
            cells,
            change,
        } = entry;
        let action = change.as_ref().ok().map(Change::action);
        let place = self.order.place(sequence, number, cells, action);
        let doubt = match past {
            Past::Settled(outcome) => {
                if let Ok(change) = &change {
                    self.worker.carried_out_before(change, &outcome);
                }
                return place.settle_again(*outcome);
            }
            Past::Doubtful(doubt) => Some(doubt),
            Past::Fresh => None,
        };
        let change = match self.admit(number, change) {
            Ok(change) => change,
            Err(outcome) => return place.settle(outcome),
        };
        let asked = Asked {
            number,
            change,
            repeats: self.census.repeats.contains_key(&number),
            doubt,
        };
        if let Some(reason) = self.worker.stop.reason() {
            return place.settle(asked.not_reached(reason));
        }
        let keys = self.keys(&asked.change);
        let groups = self.groups(&asked.change);
        for (_, group) in &groups {
            self.pool.queues.expect(group);
        }
        let row = Row {
            sequence,
            asked,
            place,
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

    fn begin(&mut self, ticket: Ticket, mut row: Row) {
        row.place.begin();
        self.active += 1;
        let turn = Turn::new(ticket, self.sender.clone());
        let (worker, pooling) = (Arc::clone(&self.worker), self.pooling);
        let end = Step::Ended(mem::take(&mut row.groups));
        self.spawn(
            end,
            async move { row.carry_out(&worker, turn, pooling).await },
        );
    }

    /// `end`: what the loop is told when the task has ended.
    fn spawn(&self, end: Step, task: impl Future<Output = ()> + Send + 'static) {
        let ended = Task {
            steps: self.sender.clone(),
            end: Some(end),
        };
        // In a box, it is not kept twice: there may be thousands.
        let task = Box::pin(task);
        tokio::spawn(async move {
            task.await;
            drop(ended);
        });
    }

    /// Whether what was set aside is to be sent although it may cost a call more than it would later: nothing is going on,
    /// and no further row can come, since there is none or because the oldest one set aside holds the window.
    fn is_due(&self, oldest: u64) -> bool {
        self.over || self.sequence - oldest >= WINDOW as u64
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
        if self.post.is_none() {
            let by_group = self.worker.habits.memberships_by_group();
            let flush = self.pool.ripe(group, self.over, by_group);
            self.send(flush);
        }
    }

    fn send(&mut self, mut flush: Flush) {
        flush.begin();
        let together = self.post.is_some();
        if let Some(rehearsal) = &self.worker.rehearsal {
            for group in &flush.groups {
                self.pool.queues.sent(&group.group);
            }
            return count_and_settle(rehearsal, &self.worker, flush);
        }
        let Flush { alone, groups } = flush;
        for joint in alone {
            self.sending += 1;
            let worker = Arc::clone(&self.worker);
            self.spawn(
                Step::Sent(None),
                async move { joint.carry_out(&worker).await },
            );
        }
        for batches in groups.into_iter().flat_map(|group| group.apart(together)) {
            self.sending += 1;
            let worker = Arc::clone(&self.worker);
            let end = Step::Sent(Some(batches.group.clone()));
            self.spawn(end, async move { batches.carry_out(&worker).await });
        }
    }
}

fn ranked((ticket, row): (Ticket, Row)) -> (Rank, (Ticket, Row)) {
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
            // Given back by `order` when the row was told.
            self.window.acquire().await.expect("never closed").forget();
            self.admitted = true;
        }
        let entry = self.entries.next().await;
        self.admitted = false;
        entry
    }
}
