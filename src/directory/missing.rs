//! Groups that are not there yet: which names may be given to new ones, and which the rows of a file
//! need. Making them is for [`teams`](crate::teams).

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::teams::{TeamProblem, Teams};
use crate::roster::{GroupKind, GroupName, Mentions};

/// What a name for a new group comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewName {
    /// It is free; the group would be called this on the node, a role with its prefix.
    Free(String),
    /// There is a group of just this name already, or several.
    Taken {
        /// The ids of all of them.
        ids: Vec<String>,
    },
}

/// Why a name cannot be given to a new group.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// Nothing is left of it.
    #[error("the name is empty")]
    Empty,
    /// Nobody could type it.
    #[error("the name has line breaks, tabs or other characters that cannot be seen")]
    Unprintable,
    /// A team by this name would become a role.
    #[error(
        "a name that begins with {prefix:?} makes a role, not a team; use headcount roles create {role:?}, or the \
         column roles of a spreadsheet"
    )]
    IsRole {
        /// What names of roles begin with.
        prefix: String,
        /// The role that it would become.
        role: String,
    },
    /// In a spreadsheet one would be taken for the other.
    #[error(
        "it differs from {there:?} only in upper and lower case, and one would be taken for the other; use {there:?}, \
         or choose another name"
    )]
    OtherCase {
        /// The name that is there.
        there: String,
    },
    /// Whose name it is cannot be told.
    #[error(transparent)]
    Problem(#[from] TeamProblem),
}

/// Something to say of a team or role that rows name.
#[derive(Debug)]
pub struct GroupRemark<'c> {
    /// What the rows call it.
    pub name: &'c GroupName,
    /// Where.
    pub mentions: &'c Mentions,
    /// What is wrong with it or becomes of it, and what to do.
    pub words: String,
}

/// What becomes of the teams and roles that rows name and that the node does not have.
#[derive(Debug, Default)]
pub struct Expected<'c> {
    /// They cannot be used.
    pub wrong: Vec<GroupRemark<'c>>,
    /// They are to be made.
    pub new: Vec<GroupRemark<'c>>,
}

impl Teams {
    /// Whether a new group may have this name.
    ///
    /// # Errors
    /// [`BadName`], which says what to do instead.
    pub fn check_new(&self, name: &GroupName) -> Result<NewName, BadName> {
        if name.name.chars().any(char::is_control) {
            return Err(BadName::Unprintable);
        }
        let full = self.full_name(name)?;
        let own = self.role_of(&full).unwrap_or(&full);
        if own.trim().is_empty() {
            return Err(BadName::Empty);
        }
        if let (GroupKind::Team, Some(prefix), Some(role)) =
            (name.kind, self.role_prefix(), self.role_of(&full))
        {
            return Err(BadName::IsRole {
                prefix: prefix.to_owned(),
                role: role.to_owned(),
            });
        }
        match (self.called(&full), self.called_alike(&full)) {
            ([], []) => Ok(NewName::Free(full)),
            ([], [alike, ..]) => {
                let there = self.name(alike);
                Err(BadName::OtherCase {
                    there: self.role_of(there).unwrap_or(there).to_owned(),
                })
            }
            (ids, _) => Ok(NewName::Taken { ids: ids.to_vec() }),
        }
    }

    /// Finds the teams and roles that rows name and that cannot be used.
    #[must_use]
    pub fn wrong<'c>(&self, named: &'c BTreeMap<GroupName, Mentions>) -> Vec<GroupRemark<'c>> {
        let wrong = |(name, mentions): (&'c GroupName, &'c Mentions)| {
            let problem = self.resolve(name).err()?;
            let words = match &problem {
                TeamProblem::Unknown { nearest, .. } if mentions.is_joined() => match nearest {
                    Some(_) => format!("{problem} If not, create it with --create-teams"),
                    None => format!("{problem}; correct it, or create it with --create-teams"),
                },
                _ => problem.to_string(),
            };
            Some(GroupRemark {
                name,
                mentions,
                words,
            })
        };
        named.iter().filter_map(wrong).collect()
    }

    /// Takes those that rows are to join and that are not there for groups that are to be made: from
    /// now on their names stand for them.
    ///
    /// Of names that differ in case only, the one in the earliest row counts.
    pub fn expect_missing<'c>(&mut self, named: &'c BTreeMap<GroupName, Mentions>) -> Expected<'c> {
        let mut missing = self.wrong(named);
        missing.sort_by_key(|group| group.mentions.first());
        let mut expected = Expected::default();
        for mut group in missing {
            let nearest = match self.resolve(group.name) {
                // An earlier row names it in another case.
                Ok(_) => continue,
                Err(TeamProblem::Unknown { nearest, .. }) if group.mentions.is_joined() => nearest,
                Err(_) => {
                    expected.wrong.push(group);
                    continue;
                }
            };
            match self.admit(group.name) {
                Ok(()) => {
                    group.words = format!(
                        "the node has no {} of this name yet; it is created for these rows{}",
                        group.name.kind_word(),
                        nearest
                            .map(|name| format!(" (most like it: {name:?})"))
                            .unwrap_or_default()
                    );
                    expected.new.push(group);
                }
                Err(why) => {
                    group.words = why;
                    expected.wrong.push(group);
                }
            }
        }
        expected
    }

    /// From now on `name` stands for a group that is to be made, unless there is one already.
    pub fn expect(&mut self, name: &GroupName) {
        if let Ok(NewName::Free(full)) = self.check_new(name) {
            let stand_in = stand_in(&full);
            self.created.insert(stand_in.clone(), OnceLock::new());
            self.insert(stand_in, full);
            self.missing.push(name.clone());
        }
    }

    fn admit(&mut self, name: &GroupName) -> Result<(), String> {
        if looks_like_an_id(&name.name) {
            return Err(format!(
                "the node has no {} of this id, and none is created whose name looks like an id",
                name.kind_word()
            ));
        }
        self.check_new(name)
            .map_err(|bad| format!("it cannot be created: {bad}"))?;
        self.expect(name);
        Ok(())
    }

    /// Those that are to be made before the first row is carried out, or with it.
    #[must_use]
    pub fn missing(&self) -> &[GroupName] {
        &self.missing
    }

    /// Whether this stands for a group that did not exist when the run began.
    #[must_use]
    pub fn is_stand_in(&self, id: &str) -> bool {
        self.created.contains_key(id)
    }

    /// Whether this stands for a group that is still to be made.
    #[must_use]
    pub fn awaits(&self, id: &str) -> bool {
        self.created
            .get(id)
            .is_some_and(|made| made.get().is_none())
    }

    /// The id itself, or the one that has come in place of a placeholder.
    #[must_use]
    pub fn now<'i>(&'i self, id: &'i str) -> &'i str {
        let made = self.created.get(id).and_then(OnceLock::get);
        made.map_or(id, String::as_str)
    }

    /// A group was made while rows are carried out: its placeholder stands for this id from now on.
    pub fn set_created(&self, stand_in: &str, id: String) {
        if let Some(made) = self.created.get(stand_in) {
            // Whoever comes second has the same id.
            let _ = made.set(id);
        }
    }

    /// How many were made while rows were carried out.
    #[must_use]
    pub fn count_founded(&self) -> usize {
        let made = self.created.values();
        made.filter(|made| made.get().is_some()).count()
    }

    /// One of them was made before the rows: from now on its name stands for this id.
    pub fn made(&mut self, name: &GroupName, full: &str, id: String) {
        self.no_longer_missing(name, full);
        self.insert(id, full.to_owned());
    }

    /// One of them could not be made: rows that name it get to hear why.
    pub fn give_up(&mut self, name: &GroupName, full: &str, reason: String) {
        self.no_longer_missing(name, full);
        self.given_up.insert(full.to_lowercase(), reason);
    }

    fn no_longer_missing(&mut self, name: &GroupName, full: &str) {
        let stand_in = stand_in(full);
        self.remove(&stand_in);
        self.created.remove(&stand_in);
        self.missing.retain(|missing| missing != name);
    }
}

/// No node gives such an id; it only has to be different for each.
fn stand_in(full: &str) -> String {
    format!("(new) {full}")
}

/// Whether a name is rather an id than what somebody would call a team: a long number, a UUID, or the
/// 22 characters of a Keeper UID (16 bytes in base64url).
fn looks_like_an_id(name: &str) -> bool {
    let all = |allowed: fn(&u8) -> bool| name.bytes().all(|byte| allowed(&byte));
    let any = |wanted: fn(&u8) -> bool| name.bytes().any(|byte| wanted(&byte));
    let number = name.len() >= 9 && all(u8::is_ascii_digit);
    let uuid = name.len() == 36 && all(|byte| byte.is_ascii_hexdigit() || *byte == b'-');
    let team_uid = name.len() == 22
        && all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        && any(u8::is_ascii_digit)
        && any(u8::is_ascii_uppercase)
        && any(u8::is_ascii_lowercase);
    number || uuid || team_uid
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::Group;

    fn teams() -> Teams {
        let groups = [
            ("1", "Sales"),
            ("2", "ROLE_Auditor"),
            ("3", "Twin"),
            ("4", "Twin"),
        ];
        let groups = groups.map(|(id, name)| Group {
            id: id.into(),
            display_name: Some(name.into()),
            members: None,
        });
        Teams::of(groups.into(), Some("ROLE_".into()))
    }

    fn name(kind: GroupKind, name: &str) -> GroupName {
        GroupName {
            kind,
            name: name.into(),
        }
    }

    #[test]
    fn names_of_new_groups_are_free_taken_or_bad() {
        let teams = teams();
        let check = |kind, text| teams.check_new(&name(kind, text));
        let free = |full: &str| Ok(NewName::Free(full.into()));
        assert_eq!(check(GroupKind::Team, "Kitchen"), free("Kitchen"));
        assert_eq!(check(GroupKind::Role, "Clerk"), free("ROLE_Clerk"));
        assert_eq!(check(GroupKind::Role, "ROLE_Clerk"), free("ROLE_Clerk"));
        assert_eq!(check(GroupKind::Role, "Sales"), free("ROLE_Sales"));
        let taken = |ids: &[&str]| {
            let ids = ids.iter().map(|id| (*id).to_owned()).collect();
            Ok(NewName::Taken { ids })
        };
        assert_eq!(check(GroupKind::Team, "Sales"), taken(&["1"]));
        assert_eq!(check(GroupKind::Team, "Twin"), taken(&["3", "4"]));
        assert_eq!(check(GroupKind::Role, "Auditor"), taken(&["2"]));
        assert_eq!(check(GroupKind::Team, ""), Err(BadName::Empty));
        assert_eq!(check(GroupKind::Role, ""), Err(BadName::Empty));
        assert_eq!(check(GroupKind::Team, "A\nB"), Err(BadName::Unprintable));
        for (kind, text, there) in [
            (GroupKind::Team, "SALES", "Sales"),
            (GroupKind::Role, "auditor", "Auditor"),
        ] {
            let there = there.to_owned();
            assert_eq!(check(kind, text), Err(BadName::OtherCase { there }));
        }
        assert!(matches!(
            check(GroupKind::Team, "ROLE_Clerk"),
            Err(BadName::IsRole { role, .. }) if role == "Clerk"
        ));
    }

    #[test]
    fn a_missing_group_has_a_stand_in_until_it_is_made_or_given_up() {
        let mut teams = teams();
        let kitchen = name(GroupKind::Team, "Kitchen");
        teams.expect(&kitchen);
        assert_eq!(teams.resolve(&kitchen), Ok("(new) Kitchen"));
        let mut failed = teams.clone();
        teams.made(&kitchen, "Kitchen", "9".into());
        assert_eq!(teams.resolve(&name(GroupKind::Team, "kitchen")), Ok("9"));
        assert!(teams.missing().is_empty());
        failed.give_up(&kitchen, "Kitchen", "no".into());
        let problem = failed.resolve(&kitchen).unwrap_err();
        assert_eq!(problem.to_string(), "it could not be created: no");
    }

    #[test]
    fn ids_are_told_from_names() {
        for id in [
            "611107205120001",
            "dfe9166c-57f9-417d-83a6-072b5a56a4fe",
            "tKv3x0_7LwZq8RtYp1-BcA",
        ] {
            assert!(looks_like_an_id(id), "{id}");
        }
        for name in ["Sales", "2026", "20260101", "Sales-and-Marketing-EU", ""] {
            assert!(!looks_like_an_id(name), "{name}");
        }
    }
}
