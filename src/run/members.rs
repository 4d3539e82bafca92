//! Members of a group: looking at them, and changing them in the way that the node understands.

use std::collections::HashSet;

use tracing::warn;

use super::habits::Aspects;
use super::manner::after_refusals;
use super::worker::Worker;
use crate::plan::Correction;
use crate::scim::{Attribute, Error, Group, Operation, Patch, Reply, User};

impl Worker {
    /// The ids of a group's members; nothing if the node does not tell.
    pub(super) async fn members(&self, group: &str) -> Option<HashSet<String>> {
        self.members_after(group, false).await
    }

    /// The same after somebody was said to have joined, if `joined`.
    pub(super) async fn members_after(&self, group: &str, joined: bool) -> Option<HashSet<String>> {
        let group = self.client.group(group).await.ok()?.value?;
        let teams = &self.directory.teams;
        if joined {
            teams.members_after_joining(&group)
        } else {
            teams.members_of(&group)
        }
    }

    /// An account is now as `shown`, after a correction was carried out.
    pub(super) fn remember(&self, correction: &Correction, shown: &User) {
        self.directory.people.remember(shown);
        let Correction { join, leave, .. } = correction;
        self.directory
            .teams
            .note_memberships(&shown.id, join, leave);
    }

    /// Whether the user is in the group; nothing if the node does not tell.
    pub(super) async fn is_member(&self, user: &str, group: &str) -> Option<bool> {
        Some(self.members(group).await?.contains(user))
    }

    /// Lets people join and leave a group, in one PATCH.
    ///
    /// Whom to remove stands in the value, as on the provider's page. RFC 7644, section 3.5.2.2,
    /// knows only the path for that: a node may refuse the value, or overlook it and empty the whole
    /// group. So the first time somebody leaves a group in a run, the others are counted.
    pub(super) async fn change_members(
        &self,
        group: &str,
        join: &[&str],
        leave: &[&str],
    ) -> Result<Reply<Option<Group>>, Error> {
        if self.habits.replaces() {
            return Box::pin(self.put_members(group, join, leave)).await;
        }
        match self.patch_members(group, join, leave).await {
            Err(Error::Refused(refusal)) if refusal.is_about_method() => {
                let sent = Box::pin(self.put_members(group, join, leave)).await;
                if sent.is_ok() {
                    self.habits.replace();
                }
                sent.map_err(|error| error.after(refusal.attempts, false))
            }
            sent => sent,
        }
    }

    async fn patch_members(
        &self,
        group: &str,
        join: &[&str],
        leave: &[&str],
    ) -> Result<Reply<Option<Group>>, Error> {
        let patch = |by_path| Patch::new(operations(join, leave, by_path));
        let is_certain = || {
            leave.is_empty()
                || self.habits.removes_by_path()
                || self.habits.are_proven(Aspects::REMOVALS)
        };
        if !is_certain() {
            let _one = self.habits.one_looks().await;
            if !is_certain() {
                return self.remove_first(group, patch, leave).await;
            }
        }
        let patch = patch(self.habits.removes_by_path());
        self.writer.patch_group(group, &patch).await
    }

    /// Lets people leave a group while it is not known whether the node takes the others out as well.
    async fn remove_first(
        &self,
        group: &str,
        patch: impl Fn(bool) -> Patch,
        leave: &[&str],
    ) -> Result<Reply<Option<Group>>, Error> {
        let before = self.members(group).await;
        let send = async |by_path| self.writer.patch_group_alone(group, &patch(by_path)).await;
        let reply = match send(false).await {
            Err(Error::Refused(refusal)) if refusal.is_about_form() => {
                let reply = send(true).await?;
                self.habits.remove_by_path();
                reply
            }
            answered => answered?,
        };
        if let Some(before) = before {
            self.put_back(group, &before, leave).await?;
        }
        Ok(reply)
    }

    /// Puts those back who were not meant to leave.
    async fn put_back(
        &self,
        group: &str,
        before: &HashSet<String>,
        leave: &[&str],
    ) -> Result<(), Error> {
        let Some(after) = self.members(group).await else {
            return Ok(());
        };
        let vanished: Vec<&str> = before
            .iter()
            .map(String::as_str)
            .filter(|id| !after.contains(*id) && !leave.contains(id))
            .collect();
        if vanished.is_empty() {
            self.habits.prove(Aspects::REMOVALS);
            return Ok(());
        }
        warn!(
            group,
            people = vanished.len(),
            "the node removed more people from a team than it was asked to; putting them back"
        );
        self.habits.remove_by_path();
        let add = Patch::new(operations(&vanished, &[], true));
        self.writer.patch_group_alone(group, &add).await?;
        Ok(())
    }
}

/// Why a team is left as it is.
const NOT_SHOWN: &str = "the node takes no PATCH and does not show who is in the team; putting the team back would \
                         empty it, so it was left alone";

const GROUP_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

impl Worker {
    /// Changes members where the node takes no PATCH: the group is read and put back, and read again if
    /// somebody else changes it meanwhile. A group that does not show its members would lose them.
    async fn put_members(
        &self,
        group: &str,
        join: &[&str],
        leave: &[&str],
    ) -> Result<Reply<Option<Group>>, Error> {
        const TRIES: usize = 3;
        let _turn = self.writer.turn(group).await;
        let mut versions = Vec::new();
        loop {
            let reply = self.client.document::<Group>(group).await?;
            let Some(document) = reply.value else {
                return Err(Error::Unmet("the team is not there any more".to_owned()));
            };
            let may_be_empty = self.members_are_shown().await;
            let document = document
                .with_members(join, leave, may_be_empty)
                .ok_or_else(|| Error::Unmet(NOT_SHOWN.to_owned()))?;
            let document = after_refusals(document, &versions);
            match self.client.put::<Group>(group, &document).await {
                Err(Error::Refused(refusal)) if refusal.status == 412 && versions.len() < TRIES => {
                    versions.push(document.version().cloned());
                }
                sent => return sent,
            }
        }
    }

    /// Whether a group that shows no members has none: some group has shown members, or the node's
    /// schema says that groups do (RFC 7643, section 7).
    async fn members_are_shown(&self) -> bool {
        if self.directory.teams.has_shown_members() {
            return true;
        }
        let schema = self.client.schema(GROUP_SCHEMA).await;
        let shown = schema.is_some_and(|schema| {
            schema
                .attribute("members")
                .is_some_and(Attribute::is_returned)
        });
        if shown {
            self.directory.teams.members_were_shown();
        }
        shown
    }
}

fn operations(join: &[&str], leave: &[&str], by_path: bool) -> Vec<Operation> {
    let mut operations = Vec::new();
    if !join.is_empty() {
        operations.push(Operation::add("members", join.iter().copied()));
    }
    if by_path {
        operations.extend(leave.iter().map(|id| Operation::remove_member(id)));
    } else if !leave.is_empty() {
        operations.push(Operation::remove("members", leave.iter().copied()));
    }
    operations
}
