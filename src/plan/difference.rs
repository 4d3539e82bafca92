//! What a row changes, in words: before and after.

use std::fmt;

use super::Correction;
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
pub fn of_attributes(correction: &Correction) -> Vec<Difference> {
    let (before, after) = (&correction.before, &correction.after);
    let text = |what, text: fn(&User) -> &Option<String>| {
        Difference::new(what, text(before).as_deref(), text(after).as_deref())
    };
    let attributes = [
        text("email", |user| &user.user_name),
        text("first_name", |user| &user.given_name),
        text("last_name", |user| &user.family_name),
        text("display_name", |user| &user.display_name),
        text("external_id", |user| &user.external_id),
        Difference::new("active", yes_no(before.active), yes_no(after.active)),
    ];
    attributes.into_iter().flatten().collect()
}

/// What a correction changes.
#[must_use]
pub fn of_correction(correction: &Correction, teams: &Teams) -> Vec<Difference> {
    let joined = correction
        .join
        .iter()
        .filter_map(|id| Difference::new(TEAM, None, Some(teams.name(id))));
    let left = correction
        .leave
        .iter()
        .filter_map(|id| Difference::new(TEAM, Some(teams.name(id)), None));
    of_attributes(correction)
        .into_iter()
        .chain(joined)
        .chain(left)
        .collect()
}

/// What a new account has.
#[must_use]
pub fn of_newcomer(user: &NewUser, teams: &Teams) -> Vec<Difference> {
    let attributes = [
        Difference::new("email", None, Some(&user.user_name)),
        Difference::new("first_name", None, user.given_name.as_deref()),
        Difference::new("last_name", None, user.family_name.as_deref()),
        Difference::new("display_name", None, user.display_name.as_deref()),
        Difference::new("external_id", None, user.external_id.as_deref()),
        Difference::new("active", None, yes_no(user.active)),
    ];
    let teams = user
        .groups
        .iter()
        .filter_map(|id| Difference::new(TEAM, None, Some(teams.name(id))));
    attributes.into_iter().flatten().chain(teams).collect()
}

fn yes_no(active: Option<bool>) -> Option<&'static str> {
    active.map(|active| if active { "yes" } else { "no" })
}
