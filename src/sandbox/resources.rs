//! A user and a group as the node holds them.

use std::collections::BTreeSet;

use super::email::Email;

/// A user account as the node holds it. Its id follows from its place in the store.
#[derive(Debug, Clone, Default)]
#[expect(
    clippy::struct_field_names,
    reason = "userName is what the attribute is called"
)]
pub(super) struct User {
    pub(super) user_name: Box<str>,
    pub(super) display_name: Option<Box<str>>,
    pub(super) external_id: Option<Box<str>>,
    pub(super) formatted: Option<Box<str>>,
    pub(super) given_name: Option<Box<str>>,
    pub(super) family_name: Option<Box<str>>,
    pub(super) emails: Vec<Email>,
    pub(super) active: bool,
    /// Places of the groups, in ascending order.
    pub(super) groups: Vec<u32>,
    /// Milliseconds since 1970.
    pub(super) created: i64,
    /// Milliseconds since 1970.
    pub(super) modified: i64,
}

impl User {
    pub(super) fn new(now: i64) -> Self {
        Self {
            active: true,
            created: now,
            modified: now,
            ..Self::default()
        }
    }

    /// What a PUT leaves when its document says nothing: the account, its lock and its memberships.
    pub(super) fn emptied(&self) -> Self {
        Self {
            active: self.active,
            groups: self.groups.clone(),
            ..Self::new(self.created)
        }
    }

    /// Puts the user in the group at `place`, or not if there already; whether that changed anything.
    pub(super) fn join(&mut self, place: u32) -> bool {
        match self.groups.binary_search(&place) {
            Ok(_) => false,
            Err(at) => {
                self.groups.insert(at, place);
                true
            }
        }
    }

    /// Takes the user out of the group at `place`.
    pub(super) fn leave(&mut self, place: u32) {
        if let Ok(at) = self.groups.binary_search(&place) {
            self.groups.remove(at);
        }
    }
}

/// A team or role as the node holds it. Its id follows from its place in the store.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) display_name: Box<str>,
    pub(super) external_id: Option<Box<str>>,
    /// Places of the users.
    pub(super) members: BTreeSet<u32>,
    /// Milliseconds since 1970.
    pub(super) created: i64,
    /// Milliseconds since 1970.
    pub(super) modified: i64,
}

/// What is to become of a group.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) display_name: Box<str>,
    pub(super) external_id: Option<Box<str>>,
    pub(super) joining: BTreeSet<u32>,
    pub(super) leaving: BTreeSet<u32>,
}
