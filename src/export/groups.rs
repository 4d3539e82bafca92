//! Which groups a user is in, where users do not say it themselves.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::scim::{Client, Error, Group, Listing, Overlap, Query, User};

/// What has to be asked of the groups where users do not say it themselves.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// Name by id, once somebody's group came without its name.
    names: Option<BTreeMap<String, String>>,
    /// Groups by member, once somebody came without groups.
    by_member: Option<BTreeMap<String, Vec<String>>>,
}

impl Groups {
    /// Asks for the groups if one of these users makes it necessary; once in an export.
    pub(super) async fn learn_for(
        &mut self,
        client: &Arc<Client>,
        users: &[User],
    ) -> Result<(), Error> {
        let silent = self.by_member.is_none() && users.iter().any(|user| user.groups.is_none());
        let nameless = |user: &User| {
            user.groups
                .iter()
                .flatten()
                .any(|group| group.display.is_none())
        };
        if !silent && (self.names.is_some() || !users.iter().any(nameless)) {
            return Ok(());
        }
        let excluded = if silent { None } else { Some("members") };
        let query = Query {
            excluded,
            ..Query::default()
        };
        let groups = Listing::<Group>::new(client, query, Overlap::One)
            .all()
            .await?;
        let groups = if silent {
            with_members(client, groups).await?
        } else {
            groups
        };
        let learnt = Groups::told_by(&groups);
        self.names = learnt.names;
        if silent {
            self.by_member = learnt.by_member;
        }
        Ok(())
    }

    /// What the groups say, with their members.
    pub(super) fn told_by(groups: &[Group]) -> Self {
        let mut by_member: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut names = BTreeMap::new();
        for group in groups {
            for member in group.members.iter().flatten() {
                let groups = by_member.entry(member.value.clone()).or_default();
                groups.push(group.id.clone());
            }
            let name = group.display_name.clone().unwrap_or_default();
            names.insert(group.id.clone(), name);
        }
        Groups {
            names: Some(names),
            by_member: Some(by_member),
        }
    }

    /// Ids of the groups that a user is in, with their names as far as known.
    pub(super) fn of<'g>(&'g self, user: &'g User) -> Vec<(&'g str, Option<&'g str>)> {
        match (&user.groups, &self.by_member) {
            (Some(groups), _) => groups
                .iter()
                .map(|group| {
                    (
                        &*group.value,
                        group.display.as_deref().or_else(|| self.name(&group.value)),
                    )
                })
                .collect(),
            (None, Some(by_member)) => by_member
                .get(&user.id)
                .into_iter()
                .flatten()
                .map(|id| (&**id, self.name(id)))
                .collect(),
            (None, None) => Vec::new(),
        }
    }
    /// The same, with what the groups say and what the user says put together.
    pub(super) fn with_own<'g>(&'g self, user: &'g User) -> Vec<(&'g str, Option<&'g str>)> {
        let mut all = self.of(user);
        let told = self.by_member.iter().filter_map(|by| by.get(&user.id));
        for id in told.flatten() {
            if !all.iter().any(|(known, _)| known == id) {
                all.push((id, self.name(id)));
            }
        }
        all
    }

    fn name(&self, id: &str) -> Option<&str> {
        let name = self.names.as_ref()?.get(id)?;
        (!name.is_empty()).then_some(name)
    }
}

/// The groups with their members, each asked for by itself if the list shows nobody in any of them: some nodes leave
/// members out of lists.
pub(super) async fn with_members(
    client: &Client,
    mut groups: Vec<Group>,
) -> Result<Vec<Group>, Error> {
    let mut shown = groups
        .iter()
        .flat_map(|group| group.members.iter().flatten());
    if shown.next().is_some() {
        return Ok(groups);
    }
    // A group has a name (RFC 7643, section 4.2); what has none is something else.
    let named = |group: &&mut Group| group.display_name.is_some();
    for group in groups.iter_mut().filter(named) {
        match client.group(&group.id).await {
            Ok(reply) => group.members = reply.value.and_then(|whole| whole.members),
            // What the list says has to do.
            Err(Error::Refused(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(groups)
}
