//! Puts a change of an account so that the node takes it.
//!
//! A node that refuses what was sent is asked again in the other ways that there are; what it takes is
//! remembered for the run. The provider's own way comes first.

use reqwest::header::HeaderValue;

use super::concurrent_removals::RemovedFrom;
use super::confirm::Drift;
use super::observed_capabilities::CapabilitySet;
use super::worker::Worker;
use super::writer::SendMode;
use crate::plan::AccountPatch;
use crate::scim::{
    ActiveAs, ChangesBy, Document, Error, OVERTAKEN, Operation, Patch, Refusal, Reply, User,
};

/// What the calls for one correction have come to.
pub(super) struct ChangeProgress {
    pub(super) status: u16,
    pub(super) attempts: u32,
    /// The account as the last answer shows it, if it shows it whole.
    pub(super) shown: Option<User>,
    /// How `active` was sent, if it was sent in a PATCH.
    pub(super) active: Option<ActiveAs>,
    /// Whether it was to be looked at, and the run was stopped before.
    pub(super) is_unseen: bool,
}

impl ChangeProgress {
    /// Nothing had to be sent.
    fn nothing() -> Self {
        ChangeProgress {
            status: 200,
            attempts: 0,
            shown: None,
            active: None,
            is_unseen: false,
        }
    }

    fn of(id: &str, reply: Reply<Option<User>>) -> Self {
        let shown = reply.value;
        ChangeProgress {
            status: reply.status,
            attempts: reply.attempts,
            active: None,
            is_unseen: false,
            shown: shown
                .filter(|user| user.user_name().is_some() && user.id.eq_ignore_ascii_case(id)),
        }
    }

    pub(super) fn count<T>(&mut self, reply: &Reply<T>) {
        self.status = reply.status;
        self.attempts += reply.attempts;
    }
}

/// A way to put a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ChangeMethod {
    /// PATCH: with the memberships or without, and with `active` in this way.
    Patch { groups: bool, active: ActiveAs },
    /// PUT of the whole account. Memberships go with the groups.
    Put,
}

impl Worker {
    /// Sends what goes with the user; memberships as well unless the node is known not to take them.
    pub(super) async fn send(&self, account_patch: &AccountPatch) -> Result<ChangeProgress, Error> {
        let method = self.method(account_patch);
        match self
            .send_in(method, account_patch, SendMode::Together)
            .await
        {
            Err(Error::Refused(refusal)) if may_be_about_method(&refusal) => {
                Box::pin(self.send_another_way(method, account_patch, refusal)).await
            }
            sent => sent,
        }
    }

    /// The way that is best, as far as is known.
    fn method(&self, account_patch: &AccountPatch) -> ChangeMethod {
        if (self.settings.replace && !account_patch.operations.is_empty())
            || self.capabilities.replaces()
        {
            return ChangeMethod::Put;
        }
        ChangeMethod::Patch {
            groups: account_patch.changes_memberships()
                && !self.capabilities.memberships_by_group(),
            active: self.capabilities.active(),
        }
    }

    async fn send_in(
        &self,
        method: ChangeMethod,
        account_patch: &AccountPatch,
        mode: SendMode,
    ) -> Result<ChangeProgress, Error> {
        let id = &account_patch.before.id;
        match method {
            ChangeMethod::Put if account_patch.operations.is_empty() => {
                Ok(ChangeProgress::nothing())
            }
            ChangeMethod::Put => Box::pin(self.put(account_patch, mode)).await,
            ChangeMethod::Patch { groups, active } => {
                let whole = account_patch.patch();
                let attributes = account_patch.operations.len();
                let shown = |(at, operation): (usize, Operation)| {
                    (groups || at < attributes).then(|| operation.with_active(active))
                };
                let operations = whole.operations.into_iter().enumerate();
                let _removal = (groups && !account_patch.leave.is_empty()).then(|| {
                    let leaves = RemovedFrom::These(account_patch.leave.clone());
                    self.removals.leave(id, leaves)
                });
                let sent = self.patch(id, operations.filter_map(shown).collect(), mode);
                Ok(ChangeProgress {
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
        mode: SendMode,
    ) -> Result<ChangeProgress, Error> {
        if operations.is_empty() {
            return Ok(ChangeProgress::nothing());
        }
        let patch = Patch::new(operations);
        let reply = self.writer.patch_user(id, &patch, mode).await?;
        Ok(ChangeProgress::of(id, reply))
    }

    /// Sends what was refused in every other way that there is, and remembers the one that the node
    /// takes. If there is none, the first refusal is the answer.
    async fn send_another_way(
        &self,
        refused: ChangeMethod,
        account_patch: &AccountPatch,
        first: Refusal,
    ) -> Result<ChangeProgress, Error> {
        let _one = self.capabilities.one_looks().await;
        let mut tried = vec![refused];
        let mut attempts = first.attempts;
        let mut no_method = lacks_method(&first);
        while let Some(method) = self.other_method(&tried, account_patch, no_method) {
            match self.send_in(method, account_patch, SendMode::Alone).await {
                Ok(progress) => {
                    self.learn(method, account_patch);
                    return Ok(ChangeProgress {
                        attempts: progress.attempts + attempts,
                        ..progress
                    });
                }
                Err(Error::Refused(refusal)) if may_be_about_method(&refusal) => {
                    attempts += refusal.attempts;
                    no_method |= lacks_method(&refusal);
                    tried.push(method);
                }
                Err(error) => return Err(error.after(attempts, false)),
            }
        }
        Err(Error::Refused(Refusal { attempts, ..first }))
    }

    /// A way that was not tried yet and that may make a difference.
    fn other_method(
        &self,
        tried: &[ChangeMethod],
        account_patch: &AccountPatch,
        no_method: bool,
    ) -> Option<ChangeMethod> {
        // Somebody may have found out meanwhile.
        let mut others = vec![self.method(account_patch)];
        if !self.settings.replace && !self.capabilities.replaces() {
            let active = self.capabilities.active();
            let groups_taken = self.capabilities.are_proven(CapabilitySet::GROUPS);
            if account_patch.changes_memberships() && !groups_taken {
                others.push(ChangeMethod::Patch {
                    groups: false,
                    active,
                });
            }
            let locks = account_patch.operations.iter().any(Operation::is_active);
            if locks && self.capabilities.is_active_a_guess() {
                let groups = groups_taken && account_patch.changes_memberships();
                let forms = ActiveAs::ALL.into_iter();
                others.extend(forms.map(|active| ChangeMethod::Patch { groups, active }));
            }
            if no_method {
                others.push(ChangeMethod::Put);
            }
        } else if no_method && !self.settings.replace {
            others.push(ChangeMethod::Patch {
                groups: false,
                active: self.capabilities.active(),
            });
        }
        others.into_iter().find(|other| !tried.contains(other))
    }

    fn learn(&self, method: ChangeMethod, account_patch: &AccountPatch) {
        match method {
            ChangeMethod::Put => {
                self.capabilities.change_by(ChangesBy::Put);
                if account_patch.changes_memberships() {
                    self.capabilities.use_groups();
                }
            }
            ChangeMethod::Patch { groups, active } => {
                if self.capabilities.replaces() {
                    self.capabilities.change_by(ChangesBy::Patch);
                }
                if !groups && account_patch.changes_memberships() {
                    self.capabilities.use_groups();
                }
                if active != self.capabilities.active() {
                    self.capabilities.send_active_as(active);
                }
            }
        }
    }

    /// The node says yes, and has neither locked nor unlocked: `active` is sent in the other ways, or
    /// in the one that somebody has found meanwhile.
    pub(super) async fn lock_another_way(
        &self,
        account_patch: &AccountPatch,
        progress: &mut ChangeProgress,
        mut left: Drift,
    ) -> Result<Drift, Error> {
        let Some(sent) = progress.active else {
            return Ok(left);
        };
        let _one = self.capabilities.one_looks().await;
        let others = if self.capabilities.is_active_a_guess() {
            ActiveAs::ALL.to_vec()
        } else {
            vec![self.capabilities.active()]
        };
        for form in others.into_iter().filter(|form| *form != sent) {
            let operations = account_patch.operations.iter();
            let lock = operations.filter(|operation| operation.is_active());
            let patch = Patch::new(lock.map(|lock| lock.with_active(form)).collect());
            let id = &account_patch.before.id;
            let reply = match self.writer.patch_user(id, &patch, SendMode::Alone).await {
                Err(Error::Refused(refusal)) if may_be_about_method(&refusal) => continue,
                reply => reply?,
            };
            progress.count(&reply);
            left = self.look(account_patch, progress, None, true).await;
            if !left.attributes.contains(&"active") {
                self.capabilities.send_active_as(form);
                break;
            }
        }
        Ok(left)
    }

    /// Puts the whole account back as it is to be; what the row does not name is carried over. If
    /// somebody else changes it meanwhile, it is read again.
    async fn put(
        &self,
        account_patch: &AccountPatch,
        mode: SendMode,
    ) -> Result<ChangeProgress, Error> {
        let id = &account_patch.before.id;
        let mut versions = Vec::new();
        loop {
            let Some(document) = self.client.document::<User>(id).await?.value else {
                // Gone since it was looked up: the node says so itself.
                return self.patch(id, account_patch.operations.clone(), mode).await;
            };
            let document = document.changed(&account_patch.before, &account_patch.after);
            let document = after_refusals(document, &versions);
            match self.writer.put_user(id, &document, mode).await {
                Err(Error::Refused(refusal))
                    if refusal.status == 412 && versions.len() < OVERTAKEN =>
                {
                    versions.push(document.version().cloned());
                }
                sent => return Ok(ChangeProgress::of(id, sent?)),
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

fn may_be_about_method(refusal: &Refusal) -> bool {
    refusal.is_about_form() || lacks_method(refusal)
}

/// Whether the node may not know the method. Some say 404 then, as they do for an address that there is not, and not in
/// the words of the protocol. If it is the account that is gone, reading it tells.
fn lacks_method(refusal: &Refusal) -> bool {
    refusal.is_about_method()
        || (refusal.status == 404 && refusal.scim_type.is_none() && refusal.detail.is_none())
}
