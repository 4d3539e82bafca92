//! Teams and roles made and deleted, each once, whatever happens to answers.
//!
//! Here belongs what has to be known and done to change *which* groups there are. Which names may be
//! given is for [`directory`](crate::directory), who is in a group for [`run`](crate::run).

mod create;

pub use create::{NotCreated, create, find_or_create};

use std::sync::Arc;

use crate::directory::Teams;
use crate::roster::{GroupKind, GroupName};
use crate::scim::{Client, Error, Group, Listing, Overlap, Query};
use crate::transport::FaultKind;

/// A team or role as the node shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupEntry {
    /// Its name; that of a role without the prefix.
    pub name: String,
    /// Its id.
    pub id: String,
    /// How many are in it, if the node says.
    pub members: Option<usize>,
}

/// All teams, or all roles, by name.
///
/// # Errors
/// What can go wrong with a call.
pub async fn list(
    client: &Arc<Client>,
    role_prefix: Option<String>,
    kind: GroupKind,
) -> Result<Vec<GroupEntry>, Error> {
    let groups = Listing::<Group>::new(client, Query::default(), Overlap::One)
        .all()
        .await?;
    let names = Teams::of(Vec::new(), role_prefix);
    let entry = |group: Group| {
        let full = group.display_name.unwrap_or_default();
        let (its_kind, name) = match names.role_of(&full) {
            Some(role) => (GroupKind::Role, role.to_owned()),
            None => (GroupKind::Team, full),
        };
        (its_kind == kind).then(|| GroupEntry {
            name,
            id: group.id,
            members: group.members.map(|members| members.len()),
        })
    };
    let mut entries: Vec<GroupEntry> = groups.into_iter().filter_map(entry).collect();
    let key = |entry: &GroupEntry| {
        (
            entry.name.to_lowercase(),
            entry.name.clone(),
            entry.id.clone(),
        )
    };
    entries.sort_by_cached_key(key);
    Ok(entries)
}

/// The error, if every other call would meet it as well: no further call may leave, the token is
/// refused, or the node is gone.
#[must_use]
pub fn hopeless(error: &Error) -> Option<&Error> {
    let stopped = matches!(error, Error::Fault(fault) if fault.kind == FaultKind::Stopped);
    (stopped || error.is_hopeless()).then_some(error)
}

/// How a deletion ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// The group was deleted.
    Deleted,
    /// Somebody else had deleted it before.
    WasGone,
}

/// Deletes the group of this id.
///
/// # Errors
/// What can go wrong with a call.
pub async fn delete(client: &Arc<Client>, id: &str) -> Result<Deletion, Error> {
    match client.delete_group(id).await {
        Ok(_) => Ok(Deletion::Deleted),
        // Gone, and an earlier attempt may have been the one that did it.
        Err(Error::Refused(refusal)) if refusal.status == 404 && refusal.doubtful => {
            Ok(Deletion::Deleted)
        }
        Err(Error::Refused(refusal)) if refusal.status == 404 => Ok(Deletion::WasGone),
        Err(error) => Err(error),
    }
}

/// What became of the groups that rows need.
#[derive(Debug, Default)]
pub struct GroupsMade {
    /// They are there now.
    pub created: Vec<GroupName>,
    /// They are not, or nobody knows.
    pub failed: Vec<(GroupName, NotCreated)>,
}

impl GroupsMade {
    /// The error after which nothing else was tried, if there is one: every other call would have
    /// failed, too.
    #[must_use]
    pub fn hopeless(&self) -> Option<&Error> {
        self.failed.iter().find_map(|(_, why)| why.hopeless())
    }
}

/// Creates the groups that `teams` expects, one after the other, and tells `teams` of it.
pub async fn create_missing(client: &Arc<Client>, teams: &mut Teams) -> GroupsMade {
    let mut made = GroupsMade::default();
    for name in teams.missing().to_vec() {
        let Ok(full) = teams.full_name(&name) else {
            continue;
        };
        match create(client, &full).await {
            Ok(id) => {
                teams.made(&name, &full, id);
                made.created.push(name);
            }
            Err(why) => {
                teams.give_up(&name, &full, why.to_string());
                made.failed.push((name, why));
            }
        }
        if made.hopeless().is_some() {
            break;
        }
    }
    made
}
