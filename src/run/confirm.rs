//! Whether an account shows what was asked for. A node's yes is not enough: some say it and leave
//! an attribute as it was.

use crate::plan::Correction;
use crate::scim::{User, same_id};

/// What of a correction an account does not show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Undone {
    /// Attributes that are as before, by the name that a person knows them by.
    pub(super) attributes: Vec<&'static str>,
    /// Groups that the user is not in.
    pub(super) join: Vec<String>,
    /// Groups that the user is still in.
    pub(super) leave: Vec<String>,
    /// The account does not show its groups, so that nothing can be said of them.
    pub(super) groups_unseen: bool,
}

impl Undone {
    /// Whether everything was seen to be done.
    pub(super) fn is_nothing(&self) -> bool {
        *self == Undone::default()
    }
}

/// An attribute of an account.
type Text = fn(&User) -> &Option<String>;

/// Compares what was asked for with what is shown. An attribute counts as undone only if it shows
/// the old value: a node may write a new one differently.
pub(super) fn undone(correction: &Correction, shown: &User) -> Undone {
    let Correction {
        before,
        after,
        join,
        leave,
        ..
    } = correction;
    let texts: [(&'static str, Text); 5] = [
        ("email", |user| &user.user_name),
        ("first_name", |user| &user.given_name),
        ("last_name", |user| &user.family_name),
        ("display_name", |user| &user.display_name),
        ("external_id", |user| &user.external_id),
    ];
    let mut attributes: Vec<&'static str> = texts
        .into_iter()
        .filter(|(_, text)| text(before) != text(after) && text(shown) == text(before))
        .map(|(name, _)| name)
        .collect();
    if after.active != before.active && shown.active.is_some() && shown.active != after.active {
        attributes.push("active");
    }
    let mut undone = Undone {
        attributes,
        ..Undone::default()
    };
    match &shown.groups {
        None => undone.groups_unseen = correction.changes_memberships(),
        Some(groups) => {
            let is_in = |id: &String| groups.iter().any(|group| same_id(&group.value, id));
            undone.join = join.iter().filter(|id| !is_in(id)).cloned().collect();
            undone.leave = leave.iter().filter(|id| is_in(id)).cloned().collect();
        }
    }
    undone
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::Reference;

    fn user(last_name: &str, active: bool, groups: Option<&[&str]>) -> User {
        let reference = |id: &&str| Reference {
            value: (*id).to_owned(),
            display: None,
        };
        User {
            id: "1".into(),
            family_name: Some(last_name.into()),
            active: Some(active),
            groups: groups.map(|groups| groups.iter().map(reference).collect()),
            ..User::default()
        }
    }

    #[test]
    fn what_shows_the_old_value_is_undone() {
        let correction = Correction {
            before: user("Lee", true, Some(&["t2"])),
            after: user("Chen", false, Some(&["t1"])),
            operations: Vec::new(),
            join: vec!["t1".into()],
            leave: vec!["t2".into()],
            memberships_seen: true,
        };
        assert!(undone(&correction, &user("Chen", false, Some(&["t1"]))).is_nothing());
        assert!(undone(&correction, &user("CHEN", false, Some(&["t1"]))).is_nothing());
        let nothing_done = undone(&correction, &user("Lee", true, Some(&["t2"])));
        assert_eq!(nothing_done.attributes, ["last_name", "active"]);
        assert_eq!(
            (nothing_done.join, nothing_done.leave),
            (vec!["t1".to_owned()], vec!["t2".to_owned()])
        );
        assert!(undone(&correction, &user("Chen", false, None)).groups_unseen);
    }
}
