//! What a row can ask for.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use strum::{EnumCount, VariantArray};

use super::column::plain;
use super::heading;
use crate::wording::nearest;

/// What a row asks for.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumCount,
    VariantArray,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Make an account.
    Create,
    /// Change what the row names of an account.
    Update,
    /// Make an account, or change it if it is there.
    Upsert,
    /// Lock an account.
    Lock,
    /// Unlock an account.
    Unlock,
    /// Delete an account.
    Delete,
    /// Put somebody in teams or roles.
    AddTeams,
    /// Take somebody out of teams or roles.
    RemoveTeams,
}

/// Other names of actions. None for deleting, and none that may mean two things, such as *remove*: from
/// a team, or for good?
const ACTIONS: &[(Action, &[&str])] = &[
    (Action::Create, &["add", "new", "add user", "create user"]),
    (Action::Update, &["change", "modify", "edit"]),
    (Action::Lock, &["disable", "deactivate", "suspend"]),
    (Action::Unlock, &["enable", "activate", "reactivate"]),
];

/// An action that there is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} {}", self.words())]
pub struct ActionError {
    name: String,
    nearest: Option<&'static str>,
}

impl ActionError {
    /// What is wrong, without the name itself.
    pub(super) fn words(&self) -> String {
        let nearest = self
            .nearest
            .map(|nearest| format!(" (did you mean {nearest}?)"));
        format!(
            "is not an action{}; there are {}",
            nearest.unwrap_or_default(),
            Action::ALL.map(Action::as_str).join(", ")
        )
    }
}

impl Action {
    /// All of them.
    pub const ALL: [Action; Action::COUNT] = *Self::VARIANTS.first_chunk().unwrap();

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Create => "create",
            Action::Update => "update",
            Action::Upsert => "upsert",
            Action::Lock => "lock",
            Action::Unlock => "unlock",
            Action::Delete => "delete",
            Action::AddTeams => "add-teams",
            Action::RemoveTeams => "remove-teams",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Action {
    type Err = ActionError;

    fn from_str(name: &str) -> Result<Self, ActionError> {
        let wanted = plain(name);
        Action::ALL
            .into_iter()
            .find(|action| plain(action.as_str()) == wanted)
            .or_else(|| named_otherwise(name))
            .ok_or_else(|| ActionError {
                name: name.to_owned(),
                nearest: nearest(name, Action::ALL.map(Action::as_str)),
            })
    }
}

/// The action that a word is another name of.
fn named_otherwise(word: &str) -> Option<Action> {
    static WORDS: LazyLock<HashMap<String, Action>> = LazyLock::new(|| {
        let words = ACTIONS.iter().flat_map(|(action, names)| {
            let of_this = |name: &&str| (heading::key(name), *action);
            names.iter().map(of_this)
        });
        words.collect()
    });
    WORDS.get(&heading::key(word)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_names_of_actions_are_none_of_another_action() {
        for (action, names) in ACTIONS {
            for name in *names {
                assert_eq!(name.parse::<Action>(), Ok(*action), "{name}");
            }
        }
        for word in [
            "remove",
            "terminate",
            "block",
            "leave",
            "löschen",
            "none",
            "",
        ] {
            assert!(word.parse::<Action>().is_err(), "{word}");
        }
    }
}
