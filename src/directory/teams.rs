//! Names of teams and roles to ids.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use super::members::MembershipCache;
use crate::roster::{GroupKind, GroupName};
use crate::scim::{Client, Error, Group, Listing, Overlap, Query, same_id};
use crate::wording::nearest;

/// The groups of a node. A group is a role when its name begins with the role prefix, else a team.
#[derive(Debug, Clone, Default)]
pub struct Teams {
    ids: HashMap<String, String>,
    by_name: HashMap<String, Vec<String>>,
    by_folded_name: HashMap<String, Vec<String>>,
    role_prefix: Option<String>,
    /// Groups that are to be made, and have a placeholder for an id until then.
    pub(super) missing: Vec<GroupName>,
    /// The ids of those that are made while rows are carried out, by their placeholders.
    pub(super) created: HashMap<String, OnceLock<String>>,
    /// Why a group could not be made, by its name.
    pub(super) given_up: HashMap<String, String>,
    /// Who is in them, as far as that was asked.
    membership_cache: Arc<MembershipCache>,
}

/// Why a name stands for no group.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TeamProblem {
    /// No group is called that.
    #[error("the node has no {kind} of this name{}", did_you_mean(nearest.as_deref()))]
    Unknown {
        /// `team` or `role`.
        kind: &'static str,
        /// The name most like it.
        nearest: Option<String>,
    },
    /// More than one group is called that.
    #[error("the node has {} of this name; write one of their ids instead: {}", ids.len(), ids.join(", "))]
    Ambiguous {
        /// The ids of all of them.
        ids: Vec<String>,
    },
    /// A role is named, but what role names begin with is not known.
    #[error("roles need the node's role mapping prefix; give it with --role-prefix")]
    NoRolePrefix,
    /// It was to be created.
    #[error("it could not be created: {reason}")]
    NotCreated {
        /// Why not.
        reason: String,
    },
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest
        .map(|name| format!("; did you mean {name:?}?"))
        .unwrap_or_default()
}

impl Teams {
    /// Reads all groups of the node, without their members where the node can leave them out.
    ///
    /// # Errors
    /// What can go wrong with a call.
    pub async fn list(client: &Arc<Client>, role_prefix: Option<String>) -> Result<Self, Error> {
        let lean = Query {
            excluded: Some("members"),
            ..Query::default()
        };
        let groups = match Listing::<Group>::new(client, lean, Overlap::None)
            .all()
            .await
        {
            // A node that does not know `excludedAttributes` may refuse it.
            Err(Error::Refused(refusal)) if refusal.status == 400 => {
                Listing::new(client, Query::default(), Overlap::None)
                    .all()
                    .await?
            }
            groups => groups?,
        };
        Ok(Self::of(groups, role_prefix))
    }

    /// An index of these groups.
    #[must_use]
    pub fn of(groups: Vec<Group>, role_prefix: Option<String>) -> Self {
        let mut teams = Teams {
            role_prefix,
            ..Teams::default()
        };
        for group in groups {
            teams.insert(group.id, group.display_name.unwrap_or_default());
        }
        teams
    }

    pub(super) fn insert(&mut self, id: String, name: String) {
        self.by_folded_name
            .entry(name.to_lowercase())
            .or_default()
            .push(id.clone());
        self.by_name
            .entry(name.clone())
            .or_default()
            .push(id.clone());
        self.ids.insert(id, name);
    }

    pub(super) fn remove(&mut self, id: &str) {
        let Some(name) = self.ids.remove(id) else {
            return;
        };
        let names = [
            (&mut self.by_folded_name, name.to_lowercase()),
            (&mut self.by_name, name),
        ];
        for (index, name) in names {
            if let Some(ids) = index.get_mut(&name) {
                ids.retain(|each| each != id);
                if ids.is_empty() {
                    index.remove(&name);
                }
            }
        }
    }

    /// The ids of the groups that are called just so on the node.
    #[must_use]
    pub fn called(&self, full_name: &str) -> &[String] {
        self.by_name.get(full_name).map_or(&[], Vec::as_slice)
    }

    /// The ids of the groups that are called so but for upper and lower case.
    #[must_use]
    pub fn called_alike(&self, full_name: &str) -> &[String] {
        let alike = self.by_folded_name.get(&full_name.to_lowercase());
        alike.map_or(&[], Vec::as_slice)
    }

    /// The id of the group that `name` stands for: an id, or a name, or a name in another case.
    ///
    /// # Errors
    /// [`TeamProblem`] when it stands for none or for several.
    pub fn resolve(&self, name: &GroupName) -> Result<&str, TeamProblem> {
        if let Some((id, _)) = self.ids.get_key_value(&name.name) {
            return Ok(id);
        }
        let full = self.full_name(name)?;
        let found = self
            .by_name
            .get(&full)
            .or_else(|| self.by_folded_name.get(&full.to_lowercase()));
        match found.map(Vec::as_slice) {
            Some([id]) => Ok(self.now(id)),
            Some(ids) => Err(TeamProblem::Ambiguous { ids: ids.to_vec() }),
            None => match self.given_up.get(&full.to_lowercase()) {
                Some(reason) => Err(TeamProblem::NotCreated {
                    reason: reason.clone(),
                }),
                None => Err(self.unknown(name, &full)),
            },
        }
    }

    /// Who is in them, as far as that was asked.
    #[must_use]
    pub fn membership_cache(&self) -> &MembershipCache {
        &self.membership_cache
    }

    /// Somebody has joined and left groups.
    pub fn note_memberships(&self, user: &str, joined: &[String], left: &[String]) {
        let joined = joined.iter().map(|group| self.now(group));
        let left = left.iter().map(|group| self.now(group));
        self.membership_cache.note(user, joined, left);
    }

    /// The same groups, with nothing known of who is in them.
    #[must_use]
    pub fn afresh(&self) -> Self {
        Teams {
            membership_cache: Arc::default(),
            ..self.clone()
        }
    }

    /// Whether the node has a group of this id; some nodes write ids now in upper and now in lower case.
    pub(super) fn has_id(&self, id: &str) -> bool {
        self.ids.contains_key(id) || self.ids.keys().any(|known| same_id(known, id))
    }

    /// What the group of an id is called; the id itself where that is not known.
    #[must_use]
    pub fn name<'n>(&'n self, id: &'n str) -> &'n str {
        self.ids.get(id).map_or(id, String::as_str)
    }

    /// What the group is called on the node: roles have the prefix in front.
    ///
    /// # Errors
    /// [`TeamProblem::NoRolePrefix`] when a role is named and the prefix is not known.
    pub fn full_name(&self, name: &GroupName) -> Result<String, TeamProblem> {
        match (name.kind, self.role_prefix.as_deref()) {
            (GroupKind::Team, _) => Ok(name.name.clone()),
            (GroupKind::Role, None) => Err(TeamProblem::NoRolePrefix),
            (GroupKind::Role, Some(prefix)) if name.name.starts_with(prefix) => {
                Ok(name.name.clone())
            }
            (GroupKind::Role, Some(prefix)) => Ok(format!("{prefix}{}", name.name)),
        }
    }

    fn unknown(&self, name: &GroupName, full: &str) -> TeamProblem {
        let prefix = self.role_prefix.as_deref().unwrap_or_default();
        let role = name.kind == GroupKind::Role;
        let alike = self
            .by_name
            .keys()
            .map(String::as_str)
            .filter(|candidate| prefix.is_empty() || candidate.starts_with(prefix) == role);
        let nearest =
            nearest(full, alike).map(|name| name.strip_prefix(prefix).unwrap_or(name).to_owned());
        TeamProblem::Unknown {
            kind: if role { "role" } else { "team" },
            nearest,
        }
    }

    /// What role names begin with on the node, if it is known and not empty.
    #[must_use]
    pub fn role_prefix(&self) -> Option<&str> {
        self.role_prefix
            .as_deref()
            .filter(|prefix| !prefix.is_empty())
    }

    /// The role that a group of this name is, without the prefix; `None` for a team.
    #[must_use]
    pub fn role_of<'n>(&self, name: &'n str) -> Option<&'n str> {
        self.role_prefix()
            .and_then(|prefix| name.strip_prefix(prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn teams(groups: &[(&str, &str)]) -> Teams {
        let groups = groups
            .iter()
            .map(|(id, name)| Group {
                id: (*id).into(),
                display_name: Some((*name).into()),
                members: None,
            })
            .collect();
        Teams::of(groups, Some("ROLE_".into()))
    }

    fn team(name: &str) -> GroupName {
        GroupName {
            kind: GroupKind::Team,
            name: name.into(),
        }
    }

    fn role(name: &str) -> GroupName {
        GroupName {
            kind: GroupKind::Role,
            name: name.into(),
        }
    }

    #[test]
    fn a_name_finds_its_id_exactly_or_in_another_case() {
        let teams = teams(&[
            ("1", "Sales"),
            ("2", "SALES"),
            ("3", "Legal"),
            ("4", "ROLE_Auditor"),
        ]);
        assert_eq!(teams.resolve(&team("Sales")), Ok("1"));
        assert_eq!(teams.resolve(&team("SALES")), Ok("2"));
        assert_eq!(teams.resolve(&team("legal")), Ok("3"));
        assert_eq!(teams.resolve(&team("3")), Ok("3"));
        assert_eq!(teams.resolve(&role("auditor")), Ok("4"));
        assert_eq!(teams.resolve(&role("ROLE_Auditor")), Ok("4"));
        let both = TeamProblem::Ambiguous {
            ids: vec!["1".into(), "2".into()],
        };
        assert_eq!(teams.resolve(&team("sales")), Err(both));
    }

    #[test]
    fn an_unknown_name_gets_the_nearest_of_its_kind() {
        let teams = teams(&[("1", "Sales"), ("2", "ROLE_Sales")]);
        let problem = teams.resolve(&team("Saels")).unwrap_err();
        assert_eq!(
            problem.to_string(),
            "the node has no team of this name; did you mean \"Sales\"?"
        );
        let problem = teams.resolve(&role("Saels")).unwrap_err();
        assert_eq!(
            problem.to_string(),
            "the node has no role of this name; did you mean \"Sales\"?"
        );
        let problem = teams.resolve(&team("Kitchen")).unwrap_err();
        assert_eq!(problem.to_string(), "the node has no team of this name");
    }

    #[test]
    fn roles_need_a_prefix() {
        assert_eq!(
            Teams::of(vec![], None).resolve(&role("x")),
            Err(TeamProblem::NoRolePrefix)
        );
    }
}
