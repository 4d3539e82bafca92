//! What a run has learnt of how its node carries things out, so that each thing is found out once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{PoisonError, RwLock};

use tokio::sync::{Mutex, MutexGuard, Semaphore, SemaphorePermit};
use tracing::info;

use crate::attribute::Attribute;
use crate::plan::AccountPatch;
use crate::scim::{ActiveAs, Capabilities, ChangesBy, LeaversIn, MembershipsBy};
use crate::transport::retry::{LOOK_UPS, RefusedCreates};

/// Something that a call can ask for, and that a node might ignore although it says yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct CapabilitySet(u32);

impl CapabilitySet {
    /// Teams given with a new account.
    const TEAMS_OF_NEW: CapabilitySet = CapabilitySet(1);
    pub(super) const ACTIVE: CapabilitySet = CapabilitySet(2);
    pub(super) const GROUPS: CapabilitySet = CapabilitySet(4);
    const NAMES: CapabilitySet = CapabilitySet(8);
    const EMAIL: CapabilitySet = CapabilitySet(16);
    const EXTERNAL_ID: CapabilitySet = CapabilitySet(32);
    /// Many members of a group changed at once.
    pub(super) const BATCHES: CapabilitySet = CapabilitySet(64);
    /// Members taken out of a group, and nobody else with them.
    pub(super) const REMOVALS: CapabilitySet = CapabilitySet(128);
    /// A new account that is locked from the start.
    const LOCK_OF_NEW: CapabilitySet = CapabilitySet(256);
    /// Answers to creations leave out what the node has kept.
    pub(super) const SHORT_ANSWERS: CapabilitySet = CapabilitySet(512);
    /// What answers to creations leave out, the node has not kept.
    pub(super) const WHOLE_ANSWERS: CapabilitySet = CapabilitySet(1024);

    /// What a new account asks for that a node might leave aside.
    pub(super) fn of_new(user: &crate::scim::NewUser) -> Self {
        Self::those([
            (Self::TEAMS_OF_NEW, !user.groups.is_empty()),
            (Self::LOCK_OF_NEW, user.active == Some(false)),
        ])
    }

    fn those(all: impl IntoIterator<Item = (CapabilitySet, bool)>) -> Self {
        let asked = all.into_iter().filter(|(_, asked)| *asked);
        CapabilitySet(asked.fold(0, |set, (each, _)| set | each.0))
    }

    /// What a correction asks for.
    pub(super) fn of(account_patch: &AccountPatch) -> Self {
        let (before, after) = (&account_patch.before, &account_patch.after);
        let differs = |attribute| before.texts[attribute] != after.texts[attribute];
        let texts =
            Attribute::all().map(|attribute| (Self::of_text(attribute), differs(attribute)));
        let others = [
            (Self::ACTIVE, before.active != after.active),
            (Self::GROUPS, account_patch.changes_memberships()),
        ];
        Self::those(texts.chain(others))
    }

    fn of_text(attribute: Attribute) -> Self {
        match attribute {
            Attribute::UserName => Self::EMAIL,
            Attribute::ExternalId => Self::EXTERNAL_ID,
            _ => Self::NAMES,
        }
    }
}

/// A turn to look whether a refused create had an effect. Dropped without a result, it is somebody else's.
pub(super) struct LookUpTurn<'h> {
    capabilities: &'h ObservedCapabilities,
    permit: Option<SemaphorePermit<'h>>,
}

impl LookUpTurn<'_> {
    /// The account was found, or not.
    pub(super) fn found(self, found: bool) {
        self.capabilities.learn_of_refused_create(found);
        if let Some(permit) = self.permit {
            permit.forget();
        }
    }
}

/// What one node was seen to do.
#[derive(Debug, Default)]
pub(super) struct ObservedCapabilities {
    proven: AtomicU32,
    /// How changes are put, as far as it was set beforehand or found out.
    known: RwLock<Capabilities>,
    looking: Mutex<()>,
    shows_at_once: AtomicBool,
    /// How many members of a group may change at once, where more were refused.
    members_at_once: RwLock<HashMap<String, usize>>,
    refused_creates: std::sync::Mutex<RefusedCreates>,
    /// Held by those who look for a refused create while that is undecided.
    looking_up: LookUps,
}

/// As many look-ups at a time as decide the matter.
#[derive(Debug)]
struct LookUps(Semaphore);

impl Default for LookUps {
    fn default() -> Self {
        LookUps(Semaphore::new(LOOK_UPS as usize))
    }
}

impl ObservedCapabilities {
    /// What was set beforehand is where a run begins; what the node refuses is left again.
    pub(super) fn of(known: Capabilities) -> Self {
        let capabilities = ObservedCapabilities {
            known: RwLock::new(known),
            ..ObservedCapabilities::default()
        };
        if known.leavers.is_some() {
            capabilities.prove(CapabilitySet::REMOVALS);
        }
        capabilities
    }

    /// Whether all of these were seen to be carried out.
    pub(super) fn are_proven(&self, needed: CapabilitySet) -> bool {
        self.proven.load(Ordering::Relaxed) & needed.0 == needed.0
    }

    /// Lets one at a time look whether something was carried out: what the first one sees, the others
    /// need not look for. Whoever holds this waits for nobody else's calls: what it sends is a call of its own
    /// ([`SendMode::Alone`](super::writer::SendMode)).
    pub(super) async fn one_looks(&self) -> MutexGuard<'_, ()> {
        self.looking.lock().await
    }

    /// These were seen to be carried out.
    pub(super) fn prove(&self, needed: CapabilitySet) {
        self.proven.fetch_or(needed.0, Ordering::Relaxed);
    }

    /// Whether a change that is not shown at once is not shown later either, as far as was seen.
    pub(super) fn shows_at_once(&self) -> bool {
        self.shows_at_once.load(Ordering::Relaxed)
    }

    /// A change that was not shown at once was not shown later either.
    pub(super) fn show_at_once(&self) {
        self.shows_at_once.store(true, Ordering::Relaxed);
    }

    /// How many members of a group may change at once, as far as was seen.
    pub(super) fn members_at_once(&self, group: &str) -> usize {
        let known = self.members_at_once.read();
        let known = known.unwrap_or_else(PoisonError::into_inner);
        known.get(group).copied().unwrap_or(usize::MAX)
    }

    /// More than so many members of a group are changed in parts from now on.
    pub(super) fn change_at_once(&self, group: &str, most: usize) {
        let known = self.members_at_once.write();
        let mut known = known.unwrap_or_else(PoisonError::into_inner);
        known.insert(group.to_owned(), most.max(1));
    }

    fn refused_creates(&self) -> std::sync::MutexGuard<'_, RefusedCreates> {
        let known = self.refused_creates.lock();
        known.unwrap_or_else(PoisonError::into_inner)
    }

    /// A turn to look whether a refused create had an effect; none if the refusal is taken at its word. As long as that
    /// is undecided, no more look at a time than can decide it.
    pub(super) async fn look_up_turn(&self) -> Option<LookUpTurn<'_>> {
        let permit = self.looking_up.0.acquire().await.ok();
        let is_needed = self.refused_creates().needs_look_up();
        is_needed.then_some(LookUpTurn {
            capabilities: self,
            permit,
        })
    }

    /// A refused create had an effect, or had none.
    pub(super) fn learn_of_refused_create(&self, had_effect: bool) {
        let mut known = self.refused_creates();
        known.looked_up(had_effect);
        if !known.is_undecided() {
            self.looking_up.0.close();
        }
    }

    fn known(&self) -> Capabilities {
        *self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn learn(&self, learnt: impl FnOnce(&mut Capabilities)) -> bool {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let before = *known;
        learnt(&mut known);
        *known != before
    }

    /// Whether memberships change with the group only, not with the user.
    pub(super) fn memberships_by_group(&self) -> bool {
        self.known().memberships == Some(MembershipsBy::Group)
    }

    /// Memberships change with the group only.
    pub(super) fn use_groups(&self) {
        if self.learn(|known| known.memberships = Some(MembershipsBy::Group)) {
            info!(
                "the node does not change memberships with the user; changing them with the group"
            );
        }
    }

    /// Whether members who leave a group are named in the path.
    pub(super) fn removes_by_path(&self) -> bool {
        self.known().leavers == Some(LeaversIn::Path)
    }

    /// Members who leave a group are named in the path from now on.
    pub(super) fn remove_by_path(&self) {
        if self.learn(|known| known.leavers = Some(LeaversIn::Path)) {
            info!("the node wants those who leave a group named in the path");
        }
    }

    /// How `active` is sent.
    pub(super) fn active(&self) -> ActiveAs {
        self.known().active.unwrap_or(ActiveAs::Boolean)
    }

    /// Whether that is only a guess.
    pub(super) fn is_active_a_guess(&self) -> bool {
        self.known().active.is_none() && !self.are_proven(CapabilitySet::ACTIVE)
    }

    /// `active` is sent in this way from now on.
    pub(super) fn send_active_as(&self, form: ActiveAs) {
        if self.learn(|known| known.active = Some(form)) && form != ActiveAs::Boolean {
            info!(?form, "the node wants `active` in another way");
        }
    }

    /// Whether resources are read, changed and put back.
    pub(super) fn replaces(&self) -> bool {
        self.known().changes == Some(ChangesBy::Put)
    }

    /// Resources are changed like this from now on.
    pub(super) fn change_by(&self, changes: ChangesBy) {
        if self.learn(|known| known.changes = Some(changes)) {
            info!(?changes, "the node takes changes by one method only");
        }
    }
}
