//! Members of a group: looking at them, and changing them in the way that the node understands.

use tracing::warn;

use super::change_method::after_refusals;
use super::concurrent_removals::RemovalWatch;
use super::observed_capabilities::CapabilitySet;
use super::worker::Worker;
use crate::plan::AccountPatch;
use crate::scim::{
    Attribute, ChangesBy, Error, Group, Members, OVERTAKEN, Operation, Patch, Reply, User, same_id,
};

const GROUP_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// Why a team is left as it is.
const NOT_SHOWN: &str = "the node takes no PATCH and does not show who is in the team; putting the team back would \
                         empty it, so it was left alone";

/// Who joins and who leaves a group.
#[derive(Debug, Clone, Copy)]
pub(super) struct Movement<'a> {
    pub(super) group: &'a str,
    pub(super) join: &'a [&'a str],
    pub(super) leave: &'a [&'a str],
}

impl Movement<'_> {
    /// One PATCH for all of it; whoever leaves is named in the path or in the value.
    fn patch(self, by_path: bool) -> Patch {
        let Movement { join, leave, .. } = self;
        let mut operations = Vec::new();
        if !join.is_empty() {
            operations.push(Operation::add("members", join.iter().copied()));
        }
        if by_path {
            operations.extend(leave.iter().map(|id| Operation::remove_member(id)));
        } else if !leave.is_empty() {
            operations.push(Operation::remove("members", leave.iter().copied()));
        }
        Patch::new(operations)
    }

    fn leaves(self, id: &str) -> bool {
        self.leave.iter().any(|left| same_id(left, id))
    }
}

impl Worker {
    /// The ids of a group's members; nothing if the node does not tell.
    pub(super) async fn members(&self, group: &str) -> Option<Members> {
        self.members_after(group, false).await
    }

    /// The same after somebody was said to have joined, if `joined`.
    pub(super) async fn members_after(&self, group: &str, joined: bool) -> Option<Members> {
        let group = self.client.group(group).await.ok()?.value?;
        let teams = &self.directory.teams;
        if joined {
            teams.membership_cache().members_after_joining(&group)
        } else {
            teams.membership_cache().members_of(&group)
        }
    }

    /// An account is now as `shown`, after a correction was carried out.
    pub(super) fn remember(&self, account_patch: &AccountPatch, shown: &User) {
        self.directory.people.remember(shown);
        let AccountPatch { join, leave, .. } = account_patch;
        let teams = &self.directory.teams;
        teams.note_memberships(&shown.id, join, leave);
    }

    /// Whether the user is in the group; nothing if the node does not tell.
    pub(super) async fn is_member(&self, user: &str, group: &str) -> Option<bool> {
        if self.directory.teams.awaits(group) {
            return Some(false);
        }
        Some(self.members(group).await?.has(user))
    }

    /// Lets people join and leave a group, in one call where the node takes a PATCH.
    pub(super) async fn change_members(
        &self,
        movement: Movement<'_>,
    ) -> Result<Reply<Option<Group>>, Error> {
        let usual = if self.capabilities.replaces() {
            ChangesBy::Put
        } else {
            ChangesBy::Patch
        };
        match self.change_members_by(usual, movement).await {
            Err(Error::Refused(refusal)) if refusal.is_about_method() => {
                let other = match usual {
                    ChangesBy::Put => ChangesBy::Patch,
                    ChangesBy::Patch => ChangesBy::Put,
                };
                let sent = self.change_members_by(other, movement).await;
                if sent.is_ok() {
                    self.capabilities.change_by(other);
                }
                sent.map_err(|error| error.after(refusal.attempts, false))
            }
            sent => sent,
        }
    }

    async fn change_members_by(
        &self,
        way: ChangesBy,
        movement: Movement<'_>,
    ) -> Result<Reply<Option<Group>>, Error> {
        match way {
            ChangesBy::Put => Box::pin(self.put_members(movement)).await,
            ChangesBy::Patch => Box::pin(self.patch_members(movement)).await,
        }
    }

    /// Whom to remove stands in the value, as on the provider's page. RFC 7644, section 3.5.2.2,
    /// knows only the path for that: a node may refuse the value, or overlook it and empty the whole
    /// group. So the first time somebody leaves a group in a run, the others are counted.
    async fn patch_members(&self, movement: Movement<'_>) -> Result<Reply<Option<Group>>, Error> {
        let is_certain = || {
            movement.leave.is_empty()
                || self.capabilities.removes_by_path()
                || self.capabilities.are_proven(CapabilitySet::REMOVALS)
        };
        if !is_certain() {
            let _one = self.capabilities.one_looks().await;
            if !is_certain() {
                return self.remove_first(movement).await;
            }
        }
        let patch = movement.patch(self.capabilities.removes_by_path());
        self.writer.patch_group(movement.group, &patch).await
    }

    /// Lets people leave a group while it is not known whether the node takes the others out as well. Nobody may join
    /// it meanwhile, whom nobody would miss; and whoever leaves it with their own account is not missed.
    async fn remove_first(&self, movement: Movement<'_>) -> Result<Reply<Option<Group>>, Error> {
        let group = movement.group;
        let _turn = self.writer.turn(group).await;
        let watch = self.removals.watch();
        let before = self.members(group).await;
        let send = async |by_path| {
            let patch = movement.patch(by_path);
            self.client.patch_group(group, &patch).await
        };
        let reply = match send(false).await {
            Err(Error::Refused(refusal)) if refusal.is_about_form() => {
                let reply = send(true).await?;
                self.capabilities.remove_by_path();
                reply
            }
            answered => answered?,
        };
        if let Some(before) = before {
            self.put_back(movement, &before, &watch).await?;
        }
        Ok(reply)
    }

    /// Puts those back who were not meant to leave, and those in again who joined just now. Whoever calls this has the
    /// turn.
    async fn put_back(
        &self,
        movement: Movement<'_>,
        before: &Members,
        watch: &RemovalWatch<'_>,
    ) -> Result<(), Error> {
        let Some(after) = self.members(movement.group).await else {
            return Ok(());
        };
        let mut vanished: Vec<&str> = before
            .ids()
            .filter(|id| !after.has(id) && !movement.leaves(id))
            .filter(|id| !watch.has_seen(id, movement.group))
            .collect();
        if vanished.is_empty() {
            self.capabilities.prove(CapabilitySet::REMOVALS);
            return Ok(());
        }
        warn!(
            group = movement.group,
            people = vanished.len(),
            "the node removed more people from a team than it was asked to; putting them back"
        );
        self.capabilities.remove_by_path();
        let joined = movement.join.iter().copied();
        vanished.extend(joined.filter(|id| !after.has(id)));
        self.put_in(movement.group, &vanished).await
    }

    /// Puts people into a group, in parts where the node does not take so many at once: nobody is to stay outside.
    async fn put_in(&self, group: &str, people: &[&str]) -> Result<(), Error> {
        let mut parts: Vec<&[&str]> = people.chunks(self.settings.batch.max(1)).collect();
        while let Some(part) = parts.pop() {
            let back = Movement {
                group,
                join: part,
                leave: &[],
            };
            match self.client.patch_group(group, &back.patch(true)).await {
                Err(Error::Refused(refusal))
                    if part.len() > 1 && (refusal.is_about_form() || refusal.status == 413) =>
                {
                    let (one, other) = part.split_at(part.len() / 2);
                    parts.extend([one, other]);
                }
                sent => drop(sent?),
            }
        }
        Ok(())
    }

    /// Changes members where the node takes no PATCH: the group is read and put back, and read again if
    /// somebody else changes it meanwhile. A group that does not show its members would lose them.
    async fn put_members(&self, movement: Movement<'_>) -> Result<Reply<Option<Group>>, Error> {
        let Movement { group, join, leave } = movement;
        let _turn = self.writer.turn(group).await;
        let mut versions = Vec::new();
        loop {
            let Some(document) = self.client.document::<Group>(group).await?.value else {
                return Err(Error::Unmet("the team is not there any more".to_owned()));
            };
            let may_be_empty = self.members_are_shown().await;
            let document = document
                .with_members(join, leave, may_be_empty)
                .ok_or_else(|| Error::Unmet(NOT_SHOWN.to_owned()))?;
            let document = after_refusals(document, &versions);
            match self.client.put::<Group>(group, &document).await {
                Err(Error::Refused(refusal))
                    if refusal.status == 412 && versions.len() < OVERTAKEN =>
                {
                    versions.push(document.version().cloned());
                }
                sent => return sent,
            }
        }
    }

    /// Whether a group that shows no members has none: some group has shown members, or the node's
    /// schema says that groups do (RFC 7643, section 7).
    async fn members_are_shown(&self) -> bool {
        if self.directory.teams.membership_cache().has_shown_members() {
            return true;
        }
        let schema = self.client.schema(GROUP_SCHEMA).await;
        let members = schema
            .as_ref()
            .and_then(|schema| schema.attribute("members"));
        let shown = members.is_some_and(Attribute::is_returned);
        if shown {
            self.directory.teams.membership_cache().members_were_shown();
        }
        shown
    }
}
