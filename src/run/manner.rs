//! Puts a change of an account so that the node takes it.
//!
//! A node that refuses what was sent is asked again in the other ways that there are; what it takes is
//! remembered for the run. The provider's own way comes first.

use reqwest::header::HeaderValue;

use super::confirm::Undone;
use super::habits::Aspects;
use super::leavers::Leaves;
use super::worker::Worker;
use super::writer::Route;
use crate::plan::Correction;
use crate::scim::{
    ActiveAs, ChangesBy, Document, Error, OVERTAKEN, Operation, Patch, Refusal, Reply, User,
};

/// What the calls for one correction have come to.
pub(super) struct Progress {
    pub(super) status: u16,
    pub(super) attempts: u32,
    /// The account as the last answer shows it, if it shows it whole.
    pub(super) shown: Option<User>,
    /// How `active` was sent, if it was sent in a PATCH.
    pub(super) active: Option<ActiveAs>,
    /// Whether it was to be looked at, and the run was stopped before.
    pub(super) is_unseen: bool,
}

impl Progress {
    /// Nothing had to be sent.
    fn nothing() -> Self {
        Progress {
            status: 200,
            attempts: 0,
            shown: None,
            active: None,
            is_unseen: false,
        }
    }

    fn of(id: &str, reply: Reply<Option<User>>) -> Self {
        let shown = reply.value;
        Progress {
            status: reply.status,
            attempts: reply.attempts,
            active: None,
            is_unseen: false,
            shown: shown
                .filter(|user| user.user_name.is_some() && user.id.eq_ignore_ascii_case(id)),
        }
    }

    pub(super) fn count<T>(&mut self, reply: &Reply<T>) {
        self.status = reply.status;
        self.attempts += reply.attempts;
    }
}

/// A way to put a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// PATCH: with the memberships or without, and with `active` in this way.
    Patch { groups: bool, active: ActiveAs },
    /// PUT of the whole account. Memberships go with the groups.
    Put,
}

impl Worker {
    /// Sends what goes with the user; memberships as well unless the node is known not to take them.
    pub(super) async fn send(&self, correction: &Correction) -> Result<Progress, Error> {
        let manner = self.manner(correction);
        match self.send_in(manner, correction, Route::Together).await {
            Err(Error::Refused(refusal)) if may_be_about_manner(&refusal) => {
                Box::pin(self.send_otherwise(manner, correction, refusal)).await
            }
            sent => sent,
        }
    }

    /// The way that is best, as far as is known.
    fn manner(&self, correction: &Correction) -> Manner {
        if (self.settings.replace && !correction.operations.is_empty()) || self.habits.replaces() {
            return Manner::Put;
        }
        Manner::Patch {
            groups: correction.changes_memberships() && !self.habits.memberships_by_group(),
            active: self.habits.active(),
        }
    }

    async fn send_in(
        &self,
        manner: Manner,
        correction: &Correction,
        route: Route,
    ) -> Result<Progress, Error> {
        let id = &correction.before.id;
        match manner {
            Manner::Put if correction.operations.is_empty() => Ok(Progress::nothing()),
            Manner::Put => Box::pin(self.put(correction, route)).await,
            Manner::Patch { groups, active } => {
                let whole = correction.patch();
                let attributes = correction.operations.len();
                let shown = |(at, operation): (usize, Operation)| {
                    (groups || at < attributes).then(|| operation.with_active(active))
                };
                let operations = whole.operations.into_iter().enumerate();
                let _leaving = (groups && !correction.leave.is_empty()).then(|| {
                    let leaves = Leaves::These(correction.leave.clone());
                    self.leavers.leave(id, leaves)
                });
                let sent = self.patch(id, operations.filter_map(shown).collect(), route);
                Ok(Progress {
                    active: Some(active),
                    ..sent.await?
                })
            }
        }
    }

    async fn patch(
        &self,
        id: &str,
        operations: Vec<Operation>,
        route: Route,
    ) -> Result<Progress, Error> {
        if operations.is_empty() {
            return Ok(Progress::nothing());
        }
        let patch = Patch::new(operations);
        let reply = self.writer.patch_user(id, &patch, route).await?;
        Ok(Progress::of(id, reply))
    }

    /// Sends what was refused in every other way that there is, and remembers the one that the node
    /// takes. If there is none, the first refusal is the answer.
    async fn send_otherwise(
        &self,
        refused: Manner,
        correction: &Correction,
        first: Refusal,
    ) -> Result<Progress, Error> {
        let _one = self.habits.one_looks().await;
        let mut tried = vec![refused];
        let mut attempts = first.attempts;
        let mut no_method = lacks_method(&first);
        while let Some(manner) = self.other_manner(&tried, correction, no_method) {
            match self.send_in(manner, correction, Route::Alone).await {
                Ok(progress) => {
                    self.learn(manner, correction);
                    return Ok(Progress {
                        attempts: progress.attempts + attempts,
                        ..progress
                    });
                }
                Err(Error::Refused(refusal)) if may_be_about_manner(&refusal) => {
                    attempts += refusal.attempts;
                    no_method |= lacks_method(&refusal);
                    tried.push(manner);
                }
                Err(error) => return Err(error.after(attempts, false)),
            }
        }
        Err(Error::Refused(Refusal { attempts, ..first }))
    }

    /// A way that was not tried yet and that may make a difference.
    fn other_manner(
        &self,
        tried: &[Manner],
        correction: &Correction,
        no_method: bool,
    ) -> Option<Manner> {
        // Somebody may have found out meanwhile.
        let mut others = vec![self.manner(correction)];
        if !self.settings.replace && !self.habits.replaces() {
            let active = self.habits.active();
            let groups_taken = self.habits.are_proven(Aspects::GROUPS);
            if correction.changes_memberships() && !groups_taken {
                others.push(Manner::Patch {
                    groups: false,
                    active,
                });
            }
            let locks = correction.operations.iter().any(Operation::is_active);
            if locks && self.habits.is_active_a_guess() {
                let groups = groups_taken && correction.changes_memberships();
                let forms = ActiveAs::ALL.into_iter();
                others.extend(forms.map(|active| Manner::Patch { groups, active }));
            }
            if no_method {
                others.push(Manner::Put);
            }
        } else if no_method && !self.settings.replace {
            others.push(Manner::Patch {
                groups: false,
                active: self.habits.active(),
            });
        }
        others.into_iter().find(|other| !tried.contains(other))
    }

    fn learn(&self, manner: Manner, correction: &Correction) {
        match manner {
            Manner::Put => {
                self.habits.change_by(ChangesBy::Put);
                if correction.changes_memberships() {
                    self.habits.use_groups();
                }
            }
            Manner::Patch { groups, active } => {
                if self.habits.replaces() {
                    self.habits.change_by(ChangesBy::Patch);
                }
                if !groups && correction.changes_memberships() {
                    self.habits.use_groups();
                }
                if active != self.habits.active() {
                    self.habits.send_active_as(active);
                }
            }
        }
    }

    /// The node says yes, and has neither locked nor unlocked: `active` is sent in the other ways, or
    /// in the one that somebody has found meanwhile.
    pub(super) async fn lock_otherwise(
        &self,
        correction: &Correction,
        progress: &mut Progress,
        mut left: Undone,
    ) -> Result<Undone, Error> {
        let Some(sent) = progress.active else {
            return Ok(left);
        };
        let _one = self.habits.one_looks().await;
        let others = if self.habits.is_active_a_guess() {
            ActiveAs::ALL.to_vec()
        } else {
            vec![self.habits.active()]
        };
        for form in others.into_iter().filter(|form| *form != sent) {
            let operations = correction.operations.iter();
            let lock = operations.filter(|operation| operation.is_active());
            let patch = Patch::new(lock.map(|lock| lock.with_active(form)).collect());
            let id = &correction.before.id;
            let reply = match self.writer.patch_user(id, &patch, Route::Alone).await {
                Err(Error::Refused(refusal)) if may_be_about_manner(&refusal) => continue,
                reply => reply?,
            };
            progress.count(&reply);
            left = self.look(correction, progress, None, true).await;
            if !left.attributes.contains(&"active") {
                self.habits.send_active_as(form);
                break;
            }
        }
        Ok(left)
    }

    /// Puts the whole account back as it is to be; what the row does not name is carried over. If
    /// somebody else changes it meanwhile, it is read again.
    async fn put(&self, correction: &Correction, route: Route) -> Result<Progress, Error> {
        let id = &correction.before.id;
        let mut versions = Vec::new();
        loop {
            let Some(document) = self.client.document::<User>(id).await?.value else {
                // Gone since it was looked up: the node says so itself.
                return self.patch(id, correction.operations.clone(), route).await;
            };
            let document = document.changed(&correction.before, &correction.after);
            let document = after_refusals(document, &versions);
            match self.writer.put_user(id, &document, route).await {
                Err(Error::Refused(refusal))
                    if refusal.status == 412 && versions.len() < OVERTAKEN =>
                {
                    versions.push(document.version().cloned());
                }
                sent => return Ok(Progress::of(id, sent?)),
            }
        }
    }
}

/// A version that a node refuses although nothing has changed meanwhile is not asked for: some compare
/// weak versions with others, as RFC 9110, section 13.1.1, has it, so that none ever fits.
pub(super) fn after_refusals(document: Document, refused: &[Option<HeaderValue>]) -> Document {
    let same = |last: &Option<HeaderValue>| document.version() == last.as_ref();
    if refused.last().is_some_and(same) {
        document.whatever_version()
    } else {
        document
    }
}

fn may_be_about_manner(refusal: &Refusal) -> bool {
    refusal.is_about_form() || lacks_method(refusal)
}

/// Whether the node may not know the method. Some say 404 then, as they do for an address that there is not, and not in
/// the words of the protocol. If it is the account that is gone, reading it tells.
fn lacks_method(refusal: &Refusal) -> bool {
    refusal.is_about_method()
        || (refusal.status == 404 && refusal.scim_type.is_none() && refusal.detail.is_none())
}
