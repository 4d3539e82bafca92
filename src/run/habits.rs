//! What a run has learnt of how its node carries things out, so that each thing is found out once.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use tokio::sync::{Mutex, MutexGuard};

use crate::plan::Correction;

/// Something that a call can ask for, and that a node might ignore although it says yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Aspects(u32);

impl Aspects {
    /// Teams given with a new account.
    const TEAMS_OF_NEW: Aspects = Aspects(1);
    const ACTIVE: Aspects = Aspects(2);
    const GROUPS: Aspects = Aspects(4);
    const NAMES: Aspects = Aspects(8);
    const EMAIL: Aspects = Aspects(16);
    const EXTERNAL_ID: Aspects = Aspects(32);
    /// Many members of a group changed at once.
    pub(super) const BATCHES: Aspects = Aspects(64);
    /// Members taken out of a group, and nobody else with them.
    pub(super) const REMOVALS: Aspects = Aspects(128);
    /// A new account that is locked from the start.
    const LOCK_OF_NEW: Aspects = Aspects(256);

    /// What a new account asks for that a node might leave aside.
    pub(super) fn of_new(user: &crate::scim::NewUser) -> Self {
        let all = [
            (Self::TEAMS_OF_NEW, !user.groups.is_empty()),
            (Self::LOCK_OF_NEW, user.active == Some(false)),
        ];
        Self::those(&all)
    }

    fn those(all: &[(Aspects, bool)]) -> Self {
        let asked = all.iter().filter(|(_, asked)| *asked);
        Aspects(asked.map(|(aspect, _)| aspect.0).sum())
    }

    /// What a correction asks for.
    pub(super) fn of(correction: &Correction) -> Self {
        let (before, after) = (&correction.before, &correction.after);
        let names = |user: &crate::scim::User| {
            (
                user.given_name.clone(),
                user.family_name.clone(),
                user.display_name.clone(),
            )
        };
        let all = [
            (Self::ACTIVE, before.active != after.active),
            (Self::GROUPS, correction.changes_memberships()),
            (Self::NAMES, names(before) != names(after)),
            (Self::EMAIL, before.user_name != after.user_name),
            (Self::EXTERNAL_ID, before.external_id != after.external_id),
        ];
        Self::those(&all)
    }
}

/// The habits of one node.
#[derive(Debug, Default)]
pub(super) struct Habits {
    proven: AtomicU32,
    by_group: AtomicBool,
    by_path: AtomicBool,
    looking: Mutex<()>,
}

impl Habits {
    /// Whether all of these were seen to be carried out.
    pub(super) fn are_proven(&self, aspects: Aspects) -> bool {
        self.proven.load(Ordering::Relaxed) & aspects.0 == aspects.0
    }

    /// Lets one at a time look whether something was carried out: what the first one sees, the others
    /// need not look for. Whoever holds this waits for nobody else's calls.
    pub(super) async fn one_looks(&self) -> MutexGuard<'_, ()> {
        self.looking.lock().await
    }

    /// These were seen to be carried out.
    pub(super) fn prove(&self, aspects: Aspects) {
        self.proven.fetch_or(aspects.0, Ordering::Relaxed);
    }

    /// Whether memberships change with the group only, not with the user.
    pub(super) fn memberships_by_group(&self) -> bool {
        self.by_group.load(Ordering::Relaxed)
    }

    /// Memberships change with the group only.
    pub(super) fn use_groups(&self) {
        if !self.by_group.swap(true, Ordering::Relaxed) {
            tracing::info!(
                "the node does not change memberships with the user; changing them with the group"
            );
        }
    }

    /// Whether members who leave a group are named in the path.
    pub(super) fn removes_by_path(&self) -> bool {
        self.by_path.load(Ordering::Relaxed)
    }

    /// Members who leave a group are named in the path from now on.
    pub(super) fn remove_by_path(&self) {
        self.by_path.store(true, Ordering::Relaxed);
    }
}
