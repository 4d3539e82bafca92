//! What a row changes, in words: before and after.

use std::fmt;

use super::AccountPatch;
use crate::attribute::Attribute;
use crate::directory::Teams;
use crate::scim::{NewUser, User};

/// One thing that changes.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Difference {
    /// What changes, by the name of its column.
    pub what: String,
    /// What was there; empty for nothing.
    pub before: String,
    /// What will be there; empty for nothing.
    pub after: String,
}

/// A membership: nothing before and the group's name after, or the other way round.
const TEAM: &str = "team";

impl Difference {
    fn new(what: &str, before: Option<&str>, after: Option<&str>) -> Option<Self> {
        let [before, after] = [before, after].map(|text| text.unwrap_or_default().to_owned());
        (before != after).then(|| Difference {
            what: what.to_owned(),
            before,
            after,
        })
    }
}

impl Difference {
    /// Whether it is about a group that somebody joins or leaves.
    #[must_use]
    pub fn is_membership(&self) -> bool {
        self.what == TEAM
    }

    /// Whether a text is there, and another is asked for.
    pub(crate) fn is_other_text(&self) -> bool {
        let is_text = Attribute::all().any(|attribute| attribute.column() == self.what);
        is_text && !self.before.is_empty()
    }

    /// What is wrong with an account that exists, where this is what a row asks of it.
    #[must_use]
    pub fn as_found(&self) -> String {
        let Difference {
            what,
            before,
            after,
        } = self;
        match before.is_empty() {
            true if what == TEAM => format!("team {after} is missing"),
            true => format!("{what} is empty, the row asks for {after:?}"),
            false => format!("{what} is {before:?}, the row asks for {after:?}"),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference {
            what,
            before,
            after,
        } = self;
        match (before.is_empty(), after.is_empty()) {
            (true, _) if what == TEAM => write!(f, "joins {after:?}"),
            (false, true) if what == TEAM => write!(f, "leaves {before:?}"),
            (true, _) => write!(f, "{what} {after:?}"),
            (false, true) => write!(f, "{what} {before:?} -> nothing"),
            (false, false) => write!(f, "{what} {before:?} -> {after:?}"),
        }
    }
}

/// What a correction changes of the account itself.
#[must_use]
pub fn of_attributes(account_patch: &AccountPatch) -> Vec<Difference> {
    between(&account_patch.before, &account_patch.after)
}

/// What differs between two accounts themselves.
fn between(before: &User, after: &User) -> Vec<Difference> {
    let text = |attribute: Attribute| {
        let [before, after] = [before, after].map(|user| user.texts.get(attribute));
        Difference::new(attribute.column(), before, after)
    };
    let active = Difference::new("active", yes_no(before.active), yes_no(after.active));
    let all = Attribute::all().map(text).chain([active]);
    all.flatten().collect()
}

/// What a correction changes.
#[must_use]
pub fn of_correction(account_patch: &AccountPatch, teams: &Teams) -> Vec<Difference> {
    let joined = account_patch
        .join
        .iter()
        .filter_map(|id| Difference::new(TEAM, None, Some(teams.name(id))));
    let left = account_patch
        .leave
        .iter()
        .filter_map(|id| Difference::new(TEAM, Some(teams.name(id)), None));
    of_attributes(account_patch)
        .into_iter()
        .chain(joined)
        .chain(left)
        .collect()
}

/// What a new account has.
#[must_use]
pub fn of_newcomer(user: &NewUser, teams: &Teams) -> Vec<Difference> {
    let attributes = between(&User::default(), &user.account(String::new()));
    let teams = user
        .groups
        .iter()
        .filter_map(|id| Difference::new(TEAM, None, Some(teams.name(id))));
    attributes.into_iter().chain(teams).collect()
}

fn yes_no(active: Option<bool>) -> Option<&'static str> {
    active.map(|active| if active { "yes" } else { "no" })
}
