//! What the node holds: users and groups, with an index for each way they are looked up.
//!
//! Users are never destroyed (DELETE locks them), so a user's place in the list is also its place in the order of
//! creation, and its id. Groups leave a gap when they are deleted; `live` is the list without the gaps. Membership is
//! kept on both sides. So every look-up takes constant or logarithmic time, however many users there are.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use super::attribute::{Attr, Kind, Sub, Top};
use super::error::ScimError;
use super::filter::Filter;
use super::groups::{self, Change, Group};
use super::held;
use super::json::Fields;
use super::paging::Start;
use super::patch::{self, Patch};
use super::snapshot::{GroupSnapshot, Snapshot, UserSnapshot};
use super::users::{self, User};

/// Ids look like the provider's: long decimal numbers, users and groups from different ranges.
const FIRST_USER_ID: u64 = 894_448_414_228_481;
const FIRST_GROUP_ID: u64 = 611_107_205_120_001;

/// The users and groups of a node.
#[derive(Debug)]
pub(super) struct Store {
    /// The node's address, for locations.
    pub(super) base: Box<str>,
    role_prefix: Box<str>,
    seats: Option<usize>,
    users: Vec<User>,
    /// Places of users by lower-cased `userName`.
    names: HashTable<u32>,
    hasher: RandomState,
    groups: Vec<Option<Group>>,
    /// Places of the groups that exist, in ascending order.
    live: Vec<u32>,
}

impl Store {
    pub(super) fn new(base: &str, role_prefix: &str, seats: Option<usize>) -> Self {
        Self {
            base: base.into(),
            role_prefix: role_prefix.into(),
            seats,
            users: Vec::new(),
            names: HashTable::new(),
            hasher: RandomState::new(),
            groups: Vec::new(),
            live: Vec::new(),
        }
    }

    pub(super) fn reserve(&mut self, users: usize) {
        self.users.reserve_exact(users);
        let Self {
            names,
            hasher,
            users: held,
            ..
        } = self;
        names.reserve(users, |place| {
            hash(hasher, &held[*place as usize].user_name)
        });
    }

    // Looking up.

    pub(super) fn user(&self, place: u32) -> &User {
        &self.users[place as usize]
    }

    /// The group at `place`, which must exist.
    pub(super) fn group(&self, place: u32) -> Option<&Group> {
        self.groups.get(place as usize)?.as_ref()
    }

    pub(super) fn user_place(&self, id: &str) -> Option<u32> {
        place(id, FIRST_USER_ID).filter(|place| (*place as usize) < self.users.len())
    }

    pub(super) fn group_place(&self, id: &str) -> Option<u32> {
        place(id, FIRST_GROUP_ID).filter(|place| self.group(*place).is_some())
    }

    /// The place of the resource with this id, or the refusal that there is none.
    pub(super) fn place(&self, kind: Kind, id: &str) -> Result<u32, ScimError> {
        let place = match kind {
            Kind::User => self.user_place(id),
            Kind::Group => self.group_place(id),
        };
        place.ok_or_else(|| ScimError::unknown(kind, id))
    }

    pub(super) fn is_role(&self, group: &Group) -> bool {
        !self.role_prefix.is_empty() && group.display_name.starts_with(&*self.role_prefix)
    }

    /// How many members the group at `place` has.
    pub(super) fn size(&self, place: u32) -> usize {
        self.group(place).map_or(0, |group| group.members.len())
    }

    fn named(&self, user_name: &str) -> Option<u32> {
        let folded = user_name.to_lowercase();
        let hash = self.hasher.hash_one(folded.as_str());
        let same = |place: &u32| self.user(*place).user_name.to_lowercase() == folded;
        self.names.find(hash, same).copied()
    }

    /// The places of all resources that match, from `start` on and at most `take`, and how many match in all.
    pub(super) fn page(
        &self,
        kind: Kind,
        filter: Option<&Filter>,
        start: Start,
        take: usize,
    ) -> (Vec<u32>, usize) {
        let Some(filter) = filter else {
            return match kind {
                Kind::User => {
                    // No node holds more users than places can count: see `create_user`.
                    let total = u32::try_from(self.users.len()).unwrap_or(u32::MAX);
                    let skip = start.skipped(|place| place as usize + 1);
                    ((0..total).skip(skip).take(take).collect(), self.users.len())
                }
                Kind::Group => {
                    let up_to = |place| self.live.partition_point(|live| *live <= place);
                    let skip = start.skipped(up_to);
                    let live = self.live.iter().copied();
                    (live.skip(skip).take(take).collect(), self.live.len())
                }
            };
        };
        let mut total = 0;
        let mut page = Vec::new();
        let mut consider = |place: u32| {
            if held::matches(self, kind, place, filter) {
                if start.is_before(place, total) && page.len() < take {
                    page.push(place);
                }
                total += 1;
            }
        };
        match (self.candidates(kind, filter), kind) {
            (Some(mut few), _) => {
                few.sort_unstable();
                few.into_iter().for_each(&mut consider);
            }
            (None, Kind::User) => (0u32..)
                .zip(&self.users)
                .for_each(|(place, _)| consider(place)),
            (None, Kind::Group) => self.live.iter().copied().for_each(&mut consider),
        }
        (page, total)
    }

    /// The places that can match at all, where an index knows.
    fn candidates(&self, kind: Kind, filter: &Filter) -> Option<Vec<u32>> {
        let lone = |place: Option<u32>| Some(place.into_iter().collect());
        filter.pinned(
            &mut |attr: Attr, want: &str| match (kind, attr.top, attr.sub) {
                (Kind::User, Top::Id, _) => lone(self.user_place(want)),
                (Kind::Group, Top::Id, _) => lone(self.group_place(want)),
                (Kind::User, Top::UserName, _) => lone(self.named(want)),
                (Kind::User, Top::Groups, Some(Sub::Value)) => {
                    let group = self.group_place(want).and_then(|place| self.group(place));
                    Some(
                        group
                            .map_or_else(Vec::new, |group| group.members.iter().copied().collect()),
                    )
                }
                (Kind::Group, Top::Members, Some(Sub::Value)) => {
                    let user = self.user_place(want).map(|place| self.user(place));
                    Some(user.map_or_else(Vec::new, |user| user.groups.clone()))
                }
                _ => None,
            },
        )
    }

    // Users.

    pub(super) fn create_user(&mut self, document: &Fields, now: i64) -> Result<u32, ScimError> {
        let mut draft = users::Draft::new(self, User::new(now));
        patch::fill(&mut draft, document)?;
        let user = draft.user;
        super::email::check(&user.user_name)?;
        if self.named(&user.user_name).is_some() {
            return Err(ScimError::taken(&user.user_name));
        }
        if let Some(seats) = self.seats.filter(|seats| self.users.len() >= *seats) {
            return Err(ScimError::seats(seats));
        }
        self.push_user(user)
    }

    /// Holds a user whose name is known to be free.
    pub(super) fn push_user(&mut self, user: User) -> Result<u32, ScimError> {
        let place =
            u32::try_from(self.users.len()).map_err(|_| ScimError::seats(self.users.len()))?;
        self.users.push(user);
        self.index(place);
        for at in 0..self.user(place).groups.len() {
            let group = self.user(place).groups[at];
            if let Some(group) = &mut self.groups[group as usize] {
                group.members.insert(place);
            }
        }
        Ok(place)
    }

    pub(super) fn replace_user(
        &mut self,
        place: u32,
        document: &Fields,
        now: i64,
    ) -> Result<(), ScimError> {
        let mut draft = users::Draft::new(self, self.user(place).emptied());
        patch::fill(&mut draft, document)?;
        super::email::check(&draft.user.user_name)?;
        let user = draft.user;
        self.commit_user(place, user, now)
    }

    pub(super) fn patch_user(
        &mut self,
        place: u32,
        patch: &Patch,
        now: i64,
    ) -> Result<(), ScimError> {
        let mut draft = users::Draft::new(self, self.user(place).clone());
        patch.apply(&mut draft)?;
        let user = draft.user;
        self.commit_user(place, user, now)
    }

    /// What DELETE does to a user: the account is locked and kept.
    pub(super) fn lock_user(&mut self, place: u32, now: i64) {
        let user = &mut self.users[place as usize];
        user.active = false;
        user.modified = now;
    }

    fn commit_user(&mut self, place: u32, mut new: User, now: i64) -> Result<(), ScimError> {
        if self
            .named(&new.user_name)
            .is_some_and(|other| other != place)
        {
            return Err(ScimError::taken(&new.user_name));
        }
        self.unindex(place);
        new.modified = now;
        let old = std::mem::replace(&mut self.users[place as usize], new);
        self.index(place);
        for group in &old.groups {
            if self.user(place).groups.binary_search(group).is_err()
                && let Some(group) = &mut self.groups[*group as usize]
            {
                group.members.remove(&place);
                group.modified = now;
            }
        }
        for at in 0..self.user(place).groups.len() {
            let group = self.user(place).groups[at];
            if let Some(group) = &mut self.groups[group as usize]
                && group.members.insert(place)
            {
                group.modified = now;
            }
        }
        Ok(())
    }

    fn index(&mut self, place: u32) {
        let Self {
            names,
            hasher,
            users,
            ..
        } = self;
        let of = |place: &u32| hash(hasher, &users[*place as usize].user_name);
        names.insert_unique(of(&place), place, of);
    }

    fn unindex(&mut self, place: u32) {
        let hash = hash(&self.hasher, &self.user(place).user_name);
        if let Ok(entry) = self.names.find_entry(hash, |held| *held == place) {
            entry.remove();
        }
    }

    // Groups.

    pub(super) fn create_group(&mut self, document: &Fields, now: i64) -> Result<u32, ScimError> {
        let empty = Group::default();
        let mut draft = groups::Draft::new(self, &empty);
        patch::fill(&mut draft, document)?;
        let change = draft.finish()?;
        let place = self.push_group(Group {
            created: now,
            ..Group::default()
        });
        self.commit_group(place, change, now);
        Ok(place)
    }

    /// Holds a group that has no members yet.
    pub(super) fn push_group(&mut self, group: Group) -> u32 {
        // Memory is gone long before the places are.
        let place = u32::try_from(self.groups.len()).unwrap_or(u32::MAX);
        self.groups.push(Some(group));
        self.live.push(place);
        place
    }

    pub(super) fn replace_group(
        &mut self,
        place: u32,
        document: &Fields,
        now: i64,
    ) -> Result<(), ScimError> {
        self.change_group(place, now, |draft| {
            draft.empty();
            patch::fill(draft, document)
        })
    }

    pub(super) fn patch_group(
        &mut self,
        place: u32,
        patch: &Patch,
        now: i64,
    ) -> Result<(), ScimError> {
        self.change_group(place, now, |draft| patch.apply(draft))
    }

    fn change_group(
        &mut self,
        place: u32,
        now: i64,
        work: impl FnOnce(&mut groups::Draft<'_>) -> Result<(), ScimError>,
    ) -> Result<(), ScimError> {
        if let Some(group) = self.group(place) {
            let mut draft = groups::Draft::new(self, group);
            work(&mut draft)?;
            let change = draft.finish()?;
            self.commit_group(place, change, now);
        }
        Ok(())
    }

    /// What DELETE does to a group: it is gone, and nobody is in it any more.
    pub(super) fn delete_group(&mut self, place: u32) {
        let gone = self.groups[place as usize].take();
        for member in gone.iter().flat_map(|group| &group.members) {
            self.users[*member as usize].leave(place);
        }
        if let Ok(at) = self.live.binary_search(&place) {
            self.live.remove(at);
        }
    }

    /// Carries a change out on both sides of each membership; it touches those who join or leave, and nobody else.
    fn commit_group(&mut self, place: u32, change: Change, now: i64) {
        let Some(group) = &mut self.groups[place as usize] else {
            return;
        };
        group.display_name = change.display_name;
        group.external_id = change.external_id;
        group.modified = now;
        for member in change.leaving {
            group.members.remove(&member);
            self.users[member as usize].leave(place);
        }
        for member in change.joining {
            group.members.insert(member);
            self.users[member as usize].join(place);
        }
    }

    // Inspecting.

    pub(super) fn snapshot(&self) -> Snapshot {
        let groups = self.live.iter().filter_map(|place| {
            let group = self.group(*place)?;
            Some(GroupSnapshot::new(*place, group, self.is_role(group)))
        });
        let users = (0u32..).zip(&self.users);
        Snapshot {
            users: users
                .map(|(place, user)| UserSnapshot::new(place, user))
                .collect(),
            groups: groups.collect(),
        }
    }
}

pub(super) fn user_id(place: u32) -> u64 {
    FIRST_USER_ID + u64::from(place)
}

pub(super) fn group_id(place: u32) -> u64 {
    FIRST_GROUP_ID + u64::from(place)
}

/// Reads an id back; only the one way of writing it counts.
fn place(id: &str, first: u64) -> Option<u32> {
    if !id.bytes().all(|byte| byte.is_ascii_digit()) || id.starts_with('0') {
        return None;
    }
    u32::try_from(id.parse::<u64>().ok()?.checked_sub(first)?).ok()
}

fn hash(hasher: &RandomState, user_name: &str) -> u64 {
    hasher.hash_one(user_name.to_lowercase().as_str())
}
