//! Members of a group: looking at them, and changing them in the way that the node understands.

use std::collections::HashSet;

use tracing::warn;

use super::habits::Aspects;
use super::worker::Worker;
use crate::scim::{Error, Group, Operation, Patch, Reply};

impl Worker {
    /// The ids of a group's members; nothing if the node does not tell.
    pub(super) async fn members(&self, group: &str) -> Option<HashSet<String>> {
        let members = self.client.group(group).await.ok()?.value?.members?;
        Some(members.into_iter().map(|member| member.value).collect())
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
        let send = async |by_path| {
            let patch = Patch::new(operations(join, leave, by_path));
            self.client.patch_group(group, &patch).await
        };
        if leave.is_empty() || self.habits.removes_by_path() {
            return send(true).await;
        }
        let unproven = !self.habits.are_proven(Aspects::REMOVALS);
        let before = if unproven {
            self.members(group).await
        } else {
            None
        };
        let reply = match send(false).await {
            Err(Error::Refused(refusal)) if unproven && matches!(refusal.status, 400 | 501) => {
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
        self.client.patch_group(group, &add).await?;
        Ok(())
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
