//! What the node holds at a moment, for tests that compare it with what they expect.

use super::resources::{Group, User};
use super::store::{Store, group_id, user_id};

/// All users and groups that the node holds, in the order of their creation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Active and locked accounts.
    pub users: Vec<UserSnapshot>,
    /// Teams and roles.
    pub groups: Vec<GroupSnapshot>,
}

/// One user account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserSnapshot {
    /// The SCIM id.
    pub id: String,
    /// The email address the user signs in with, as it was written.
    pub user_name: String,
    /// `displayName`
    pub display_name: Option<String>,
    /// `externalId`
    pub external_id: Option<String>,
    /// `name.givenName`, the first name
    pub given_name: Option<String>,
    /// `name.familyName`, the last name
    pub family_name: Option<String>,
    /// The values of `emails`.
    pub emails: Vec<String>,
    /// False for a locked account.
    pub active: bool,
    /// Ids of the teams and roles, in the order of the groups' creation.
    pub groups: Vec<String>,
}

/// One team or role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSnapshot {
    /// The SCIM id.
    pub id: String,
    /// `displayName`, with the role prefix if it is a role.
    pub display_name: String,
    /// `externalId`
    pub external_id: Option<String>,
    /// Whether the name starts with the node's role prefix, so that the provider makes a role of it.
    pub is_role: bool,
    /// Ids of the members, in the order of the users' creation.
    pub members: Vec<String>,
}

impl Snapshot {
    pub(super) fn of(store: &Store) -> Self {
        let groups = store.live().iter().filter_map(|place| {
            let group = store.group(*place)?;
            Some(GroupSnapshot::new(*place, group, store.is_role(group)))
        });
        let users = (0u32..).zip(store.users());
        Self {
            users: users
                .map(|(place, user)| UserSnapshot::new(place, user))
                .collect(),
            groups: groups.collect(),
        }
    }

    /// The user with this `userName`, without regard to case.
    #[must_use]
    pub fn user(&self, user_name: &str) -> Option<&UserSnapshot> {
        let folded = user_name.to_lowercase();
        let mut users = self.users.iter();
        users.find(|user| user.user_name.to_lowercase() == folded)
    }

    /// The first group with this `displayName`.
    #[must_use]
    pub fn group(&self, display_name: &str) -> Option<&GroupSnapshot> {
        let mut groups = self.groups.iter();
        groups.find(|group| group.display_name == display_name)
    }

    /// The names of the groups that the user is in; empty if there is no such user.
    #[must_use]
    pub fn groups_of(&self, user_name: &str) -> Vec<&str> {
        let ids = self.user(user_name).map_or(&[][..], |user| &user.groups);
        let groups = self.groups.iter().filter(|group| ids.contains(&group.id));
        groups.map(|group| group.display_name.as_str()).collect()
    }
}

impl UserSnapshot {
    pub(super) fn new(place: u32, user: &User) -> Self {
        let emails = user.emails.iter().map(|email| email.value.to_string());
        let groups = user.groups.iter().map(|place| group_id(*place).to_string());
        Self {
            id: user_id(place).to_string(),
            user_name: user.user_name.to_string(),
            display_name: owned(user.display_name.as_deref()),
            external_id: owned(user.external_id.as_deref()),
            given_name: owned(user.given_name.as_deref()),
            family_name: owned(user.family_name.as_deref()),
            emails: emails.collect(),
            active: user.active,
            groups: groups.collect(),
        }
    }
}

impl GroupSnapshot {
    pub(super) fn new(place: u32, group: &Group, is_role: bool) -> Self {
        let members = group
            .members
            .iter()
            .map(|place| user_id(*place).to_string());
        Self {
            id: group_id(place).to_string(),
            display_name: group.display_name.to_string(),
            external_id: owned(group.external_id.as_deref()),
            is_role,
            members: members.collect(),
        }
    }
}

fn owned(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}
