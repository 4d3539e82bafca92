//! What the node holds: users and groups, with an index for each way they are looked up.
//!
//! Users are never destroyed (DELETE locks them), so a user's place in the list is also its place in the order of
//! creation, and its id. Groups leave a gap when they are deleted; `live` is the list without the gaps. Membership is
//! kept on both sides. So every look-up takes constant or logarithmic time, however many users there are.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use super::attribute::Kind;
use super::error::ScimError;
use super::resources::{Change, Group, User};

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

    pub(super) fn users(&self) -> &[User] {
        &self.users
    }

    /// The places of the groups that exist, in ascending order.
    pub(super) fn live(&self) -> &[u32] {
        &self.live
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

    pub(super) fn named(&self, user_name: &str) -> Option<u32> {
        let folded = user_name.to_lowercase();
        let hash = self.hasher.hash_one(folded.as_str());
        let same = |place: &u32| self.user(*place).user_name.to_lowercase() == folded;
        self.names.find(hash, same).copied()
    }

    // Users.

    /// Holds a new user, if there is room and the name is free.
    pub(super) fn add_user(&mut self, user: User) -> Result<u32, ScimError> {
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

    /// What DELETE does to a user: the account is locked and kept.
    pub(super) fn lock_user(&mut self, place: u32, now: i64) {
        let user = &mut self.users[place as usize];
        user.active = false;
        user.modified = now;
    }

    pub(super) fn commit_user(
        &mut self,
        place: u32,
        mut new: User,
        now: i64,
    ) -> Result<(), ScimError> {
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

    /// Holds a group that has no members yet.
    pub(super) fn push_group(&mut self, group: Group) -> u32 {
        // Memory is gone long before the places are.
        let place = u32::try_from(self.groups.len()).unwrap_or(u32::MAX);
        self.groups.push(Some(group));
        self.live.push(place);
        place
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
    pub(super) fn commit_group(&mut self, place: u32, change: Change, now: i64) {
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
