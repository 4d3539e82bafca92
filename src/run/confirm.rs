//! Whether an account shows what was asked for. A node's yes is not enough: some say it and leave
//! an attribute as it was, or make something of their own of it.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

use crate::plan::Correction;
use crate::scim::{NewUser, User, same_id};

/// What of a correction an account does not show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Undone {
    /// Attributes that are as before, by the name that a person knows them by.
    pub(super) attributes: Vec<&'static str>,
    /// Attributes that are neither as before nor as asked. To ask again would change nothing.
    pub(super) otherwise: Vec<Otherwise>,
    /// Groups that the user is not in.
    pub(super) join: Vec<String>,
    /// Groups that the user is still in.
    pub(super) leave: Vec<String>,
    /// The account does not show its groups, so that nothing can be said of them.
    pub(super) groups_unseen: bool,
}

impl Undone {
    /// Whether nothing is left that could be asked for again.
    pub(super) fn is_nothing(&self) -> bool {
        let Undone {
            attributes,
            otherwise: _,
            join,
            leave,
            groups_unseen,
        } = self;
        attributes.is_empty() && join.is_empty() && leave.is_empty() && !groups_unseen
    }
}

/// An attribute of which the node has made something of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Otherwise {
    name: &'static str,
    shown: String,
}

impl fmt::Display for Otherwise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shows {} as {:?}", self.name, self.shown)
    }
}

/// Several of them, in words.
pub(super) fn in_words(all: &[Otherwise]) -> String {
    let words: Vec<String> = all.iter().map(ToString::to_string).collect();
    words.join(", ")
}

/// Whether a node means the same: it may write letters, their forms and spaces in its own way.
fn is_alike(asked: &str, shown: &str) -> bool {
    fn plain(text: &str) -> impl Iterator<Item = char> {
        let words = text.split_whitespace();
        let spaced = words.flat_map(|word| std::iter::once(' ').chain(word.chars()));
        spaced.nfkc().flat_map(char::to_lowercase)
    }
    asked == shown || plain(asked).eq(plain(shown))
}

/// An attribute that was asked for, where something else is shown. What is not shown is not known.
fn otherwise(name: &'static str, asked: Option<&str>, shown: Option<&str>) -> Option<Otherwise> {
    let (asked, shown) = (asked?, shown?);
    (!is_alike(asked, shown)).then(|| Otherwise {
        name,
        shown: shown.to_owned(),
    })
}

/// What of a new account the node has made otherwise.
pub(super) fn made_otherwise(asked: &NewUser, account: &User) -> Vec<Otherwise> {
    let display_name = chosen(
        asked.display_name.as_deref(),
        asked.given_name.as_deref(),
        asked.family_name.as_deref(),
    );
    let texts: [(_, Option<&str>, Text); 5] = [
        ("email", Some(&asked.user_name), |user| &user.user_name),
        ("first_name", asked.given_name.as_deref(), |user| {
            &user.given_name
        }),
        ("last_name", asked.family_name.as_deref(), |user| {
            &user.family_name
        }),
        ("display_name", display_name, |user| &user.display_name),
        ("external_id", asked.external_id.as_deref(), |user| {
            &user.external_id
        }),
    ];
    let all = texts.into_iter();
    all.filter_map(|(name, asked, text)| otherwise(name, asked, text(account).as_deref()))
        .collect()
}

/// A display name that somebody chose. One of first and last name is there since nobody did: a node may know better.
fn chosen<'t>(
    display_name: Option<&'t str>,
    first: Option<&str>,
    last: Option<&str>,
) -> Option<&'t str> {
    let names: Vec<&str> = [first, last].into_iter().flatten().collect();
    display_name.filter(|chosen| *chosen != names.join(" "))
}

/// An attribute of an account.
type Text = fn(&User) -> &Option<String>;

/// Compares what was asked for with what is shown.
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
    let changed = texts
        .into_iter()
        .filter(|(_, text)| text(before) != text(after));
    let (old, new): (Vec<_>, Vec<_>) = changed.partition(|(_, text)| text(shown) == text(before));
    let mut attributes: Vec<&'static str> = old.into_iter().map(|(name, _)| name).collect();
    let otherwise = new
        .into_iter()
        .filter_map(|(name, text)| otherwise(name, text(after).as_deref(), text(shown).as_deref()));
    if after.active != before.active && shown.active.is_some() && shown.active != after.active {
        attributes.push("active");
    }
    let mut undone = Undone {
        otherwise: otherwise.collect(),
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
        for alike in ["CHEN", " Ｃｈｅｎ "] {
            let undone = undone(&correction, &user(alike, false, Some(&["t1"])));
            assert!(
                undone.is_nothing() && undone.otherwise.is_empty(),
                "{alike}"
            );
        }
        let otherwise = undone(&correction, &user("Chen-Lee", false, Some(&["t1"])));
        assert!(otherwise.is_nothing());
        assert_eq!(
            in_words(&otherwise.otherwise),
            r#"shows last_name as "Chen-Lee""#
        );
        let nothing_done = undone(&correction, &user("Lee", true, Some(&["t2"])));
        assert_eq!(nothing_done.attributes, ["last_name", "active"]);
        assert_eq!(
            (nothing_done.join, nothing_done.leave),
            (vec!["t1".to_owned()], vec!["t2".to_owned()])
        );
        assert!(undone(&correction, &user("Chen", false, None)).groups_unseen);
    }
}
