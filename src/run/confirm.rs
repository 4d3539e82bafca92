//! Whether an account shows what was asked for. A node's yes is not enough: some say it and leave
//! an attribute as it was, or make something of their own of it.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

use crate::attribute::Attribute;
use crate::plan::AccountPatch;
use crate::scim::{NewUser, User, same_id};

/// What of a correction an account does not show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Drift {
    /// Attributes that are as before, by the name that a person knows them by.
    pub(super) attributes: Vec<&'static str>,
    /// Attributes that are neither as before nor as asked. To ask again would change nothing.
    pub(super) unexpected: Vec<UnexpectedValue>,
    /// Groups that the user is not in.
    pub(super) join: Vec<String>,
    /// Groups that the user is still in.
    pub(super) leave: Vec<String>,
    /// The account does not show its groups, so that nothing can be said of them.
    pub(super) groups_unseen: bool,
}

impl Drift {
    /// Whether nothing is left that could be asked for again.
    pub(super) fn is_nothing(&self) -> bool {
        let Drift {
            attributes,
            unexpected: _,
            join,
            leave,
            groups_unseen,
        } = self;
        attributes.is_empty() && join.is_empty() && leave.is_empty() && !groups_unseen
    }
}

/// An attribute of which the node has made something of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UnexpectedValue {
    attribute: Attribute,
    shown: String,
}

impl fmt::Display for UnexpectedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shows {} as {:?}", self.attribute.column(), self.shown)
    }
}

/// Several of them, in words.
pub(super) fn in_words(all: &[UnexpectedValue]) -> String {
    let words: Vec<String> = all.iter().map(ToString::to_string).collect();
    words.join(", ")
}

/// Whether a node means the same: it may write letters, their forms and spaces in its own way.
pub(super) fn is_alike(asked: &str, shown: &str) -> bool {
    fn plain(text: &str) -> impl Iterator<Item = char> {
        let words = text.split_whitespace();
        let spaced = words.flat_map(|word| std::iter::once(' ').chain(word.chars()));
        spaced.nfkc().flat_map(char::to_lowercase)
    }
    asked == shown || plain(asked).eq(plain(shown))
}

/// An attribute that was asked for, where something else is shown. What is not shown is not known.
fn unexpected_value(attribute: Attribute, asked: &User, shown: &User) -> Option<UnexpectedValue> {
    let (asked, shown) = (asked.texts.get(attribute)?, shown.texts.get(attribute)?);
    (!is_alike(asked, shown)).then(|| UnexpectedValue {
        attribute,
        shown: shown.to_owned(),
    })
}

/// What of a new account the node has made otherwise.
pub(super) fn unexpected_values(asked: &NewUser, account: &User) -> Vec<UnexpectedValue> {
    let wanted = chosen(asked, account);
    Attribute::all()
        .filter_map(|attribute| unexpected_value(attribute, &wanted, account))
        .collect()
}

/// Whether an account shows a name or an external id other than those that were asked for.
pub(super) fn is_another(asked: &NewUser, account: &User) -> bool {
    let unexpected = unexpected_values(asked, account);
    unexpected
        .iter()
        .any(|value| value.attribute != Attribute::UserName)
}

/// What was asked for with a new account and is not shown at all.
pub(super) fn left_out(asked: &NewUser, account: &User) -> Vec<&'static str> {
    let wanted = chosen(asked, account);
    let is_shown = |user: &User, attribute| user.texts[attribute].is_some();
    Attribute::all()
        .filter(|attribute| is_shown(&wanted, *attribute) && !is_shown(account, *attribute))
        .map(Attribute::column)
        .collect()
}

/// The account that was asked for, as far as somebody chose: a display name of first and last name is there since nobody
/// chose another, and a node may know better.
fn chosen(asked: &NewUser, account: &User) -> User {
    let mut wanted = asked.account(account.id.clone());
    let names = [Attribute::GivenName, Attribute::FamilyName];
    let names: Vec<&str> = names
        .into_iter()
        .filter_map(|name| asked.texts.get(name))
        .collect();
    wanted.texts[Attribute::DisplayName].take_if(|name| *name == names.join(" "));
    wanted
}

/// Compares what was asked for with what is shown.
pub(super) fn drift(account_patch: &AccountPatch, shown: &User) -> Drift {
    let AccountPatch {
        before,
        after,
        join,
        leave,
        ..
    } = account_patch;
    let is_as_before = |user: &User, attribute| user.texts[attribute] == before.texts[attribute];
    let (old, new): (Vec<_>, Vec<_>) = Attribute::all()
        .filter(|attribute| !is_as_before(after, *attribute))
        .partition(|attribute| is_as_before(shown, *attribute));
    let mut attributes: Vec<&'static str> = old.into_iter().map(Attribute::column).collect();
    let unexpected = new
        .into_iter()
        .filter_map(|attribute| unexpected_value(attribute, after, shown));
    if after.active != before.active && shown.active.is_some() && shown.active != after.active {
        attributes.push("active");
    }
    let mut drift = Drift {
        unexpected: unexpected.collect(),
        attributes,
        ..Drift::default()
    };
    match &shown.groups {
        None => drift.groups_unseen = account_patch.changes_memberships(),
        Some(groups) => {
            let is_in = |id: &String| groups.iter().any(|group| same_id(&group.value, id));
            drift.join = join.iter().filter(|id| !is_in(id)).cloned().collect();
            drift.leave = leave.iter().filter(|id| is_in(id)).cloned().collect();
        }
    }
    drift
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::Texts;
    use crate::scim::Reference;

    fn user(last_name: &str, active: bool, groups: Option<&[&str]>) -> User {
        let reference = |id: &&str| Reference::to((*id).to_owned());
        User {
            id: "1".into(),
            texts: Texts::from([(Attribute::FamilyName, Some(last_name.into()))]),
            active: Some(active),
            groups: groups.map(|groups| groups.iter().map(reference).collect()),
            ..User::default()
        }
    }

    #[test]
    fn what_shows_the_old_value_is_undone() {
        let account_patch = AccountPatch {
            before: user("Lee", true, Some(&["t2"])),
            after: user("Chen", false, Some(&["t1"])),
            operations: Vec::new(),
            join: vec!["t1".into()],
            leave: vec!["t2".into()],
            memberships_seen: true,
        };
        assert!(drift(&account_patch, &user("Chen", false, Some(&["t1"]))).is_nothing());
        for alike in ["CHEN", " Ｃｈｅｎ "] {
            let drift = drift(&account_patch, &user(alike, false, Some(&["t1"])));
            assert!(drift.is_nothing() && drift.unexpected.is_empty(), "{alike}");
        }
        let unexpected = drift(&account_patch, &user("Chen-Lee", false, Some(&["t1"])));
        assert!(unexpected.is_nothing());
        assert_eq!(
            in_words(&unexpected.unexpected),
            r#"shows last_name as "Chen-Lee""#
        );
        let nothing_done = drift(&account_patch, &user("Lee", true, Some(&["t2"])));
        assert_eq!(nothing_done.attributes, ["last_name", "active"]);
        assert_eq!(
            (nothing_done.join, nothing_done.leave),
            (vec!["t1".to_owned()], vec!["t2".to_owned()])
        );
        assert!(drift(&account_patch, &user("Chen", false, None)).groups_unseen);
    }

    #[test]
    fn a_node_may_put_a_name_together_and_not_change_one_that_was_chosen() {
        let mut asked = NewUser {
            texts: Texts::from([
                (Attribute::UserName, Some("ann@example.com".into())),
                (Attribute::GivenName, Some("Ann".into())),
                (Attribute::FamilyName, Some("Lee".into())),
                (Attribute::DisplayName, Some("Ann Lee".into())),
            ]),
            ..NewUser::default()
        };
        let mut shown = asked.account("1".into());
        shown.texts[Attribute::DisplayName] = Some("Lee, Ann".into());
        shown.texts[Attribute::ExternalId] = Some("7".into());
        assert_eq!(unexpected_values(&asked, &shown), []);
        asked.texts[Attribute::DisplayName] = Some("Annie".into());
        assert_eq!(
            in_words(&unexpected_values(&asked, &shown)),
            r#"shows display_name as "Lee, Ann""#
        );
    }
}
