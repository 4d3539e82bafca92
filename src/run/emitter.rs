//! What the engine has to say, said without keeping it waiting: outcomes are written down, and events told, by a task of its
//! own.

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use super::event::{Event, RowRecord};
use super::journal::Journal;
use super::outcome::Outcome;
use super::stop::{StopReason, StopSwitch};
use crate::roster::Action;
use crate::sheet::RowNumber;

/// Something to write down or to tell. What is said first is told first.
#[derive(Debug)]
pub(super) enum Message {
    /// A row has an outcome.
    Settled {
        number: RowNumber,
        action: Option<Action>,
        outcome: Box<Outcome>,
        /// Whether it is to be written down; not where it had this outcome before the run.
        is_new: bool,
    },
    /// A row that comes next in the order of the file, with its outcome.
    Row(Box<RowRecord>),
}

/// Takes what the engine has to say.
#[derive(Debug, Clone)]
pub(super) struct Emitter(mpsc::UnboundedSender<Message>);

impl Emitter {
    /// Each row told gives its place in `window` back, which bounds what waits here. The task ends when every clone of the
    /// emitter is gone.
    pub(super) fn start(
        window: Arc<Semaphore>,
        events: mpsc::Sender<Event>,
        stop: Arc<StopSwitch>,
        journal: Journal,
    ) -> (Self, JoinHandle<()>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let outlet = Outlet {
            window,
            events,
            stop,
            journal,
        };
        (Emitter(sender), tokio::spawn(outlet.run(receiver)))
    }

    pub(super) fn say(&self, message: Message) {
        // The other end lives until the last emitter is gone.
        let _ = self.0.send(message);
    }
}

struct Outlet {
    window: Arc<Semaphore>,
    events: mpsc::Sender<Event>,
    stop: Arc<StopSwitch>,
    journal: Journal,
}

impl Outlet {
    async fn run(self, mut messages: mpsc::UnboundedReceiver<Message>) {
        while let Some(message) = messages.recv().await {
            match message {
                Message::Settled {
                    number,
                    action,
                    outcome,
                    is_new,
                } => {
                    let verdict = outcome.verdict;
                    if is_new
                        && let Err(error) = self.journal.settled(number, action, outcome).await
                    {
                        self.stop.drain(StopReason::Broken(error.to_string()));
                    }
                    self.tell(Event::Settled(verdict)).await;
                }
                Message::Row(record) => {
                    self.tell(Event::Row(record)).await;
                    self.window.add_permits(1);
                }
            }
        }
    }

    async fn tell(&self, event: Event) {
        if self.events.send(event).await.is_err() {
            // The reporter says itself what went wrong; the rows go on being counted.
            self.stop.drain(StopReason::Broken(
                "the results cannot be written any more".to_owned(),
            ));
        }
    }
}
