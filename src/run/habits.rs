//! What a run has learnt of how its node carries things out, so that each thing is found out once.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::plan::Correction;

/// Something that a call can ask for, and that a node might ignore although it says yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Aspects(u32);

impl Aspects {
    /// Teams given with a new account.
    pub(super) const TEAMS_OF_NEW: Aspects = Aspects(1);
    const ACTIVE: Aspects = Aspects(2);
    const GROUPS: Aspects = Aspects(4);
    const NAMES: Aspects = Aspects(8);
    const EMAIL: Aspects = Aspects(16);
    const EXTERNAL_ID: Aspects = Aspects(32);
    /// Many members of a group changed at once.
    pub(super) const BATCHES: Aspects = Aspects(64);
    /// Members taken out of a group, and nobody else with them.
    pub(super) const REMOVALS: Aspects = Aspects(128);

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
        Aspects(
            all.into_iter()
                .filter(|(_, asked)| *asked)
                .map(|(aspect, _)| aspect.0)
                .sum(),
        )
    }
}

/// The habits of one node.
#[derive(Debug, Default)]
pub(super) struct Habits {
    proven: AtomicU32,
    by_group: AtomicBool,
    by_path: AtomicBool,
}

impl Habits {
    /// Whether all of these were seen to be carried out.
    pub(super) fn are_proven(&self, aspects: Aspects) -> bool {
        self.proven.load(Ordering::Relaxed) & aspects.0 == aspects.0
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
