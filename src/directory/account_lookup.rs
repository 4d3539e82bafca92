//! Who is found under an email or an id.

use crate::roster::Email;
use crate::scim::{User, same_id};

/// Who the node holds under a person's email or id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountLookup {
    /// Nobody.
    NotFound,
    /// This account.
    Account(Box<User>),
    /// More than one account has the email, and none of them spells it just so.
    Ambiguous {
        /// Their ids.
        ids: Vec<String>,
    },
    /// The id belongs to an account with another email.
    IdMismatch {
        /// The email that the id belongs to.
        email: String,
    },
}

impl From<Option<User>> for AccountLookup {
    fn from(user: Option<User>) -> Self {
        user.map_or(AccountLookup::NotFound, |user| {
            AccountLookup::Account(Box::new(user))
        })
    }
}

impl AccountLookup {
    /// Of accounts with the same email but for upper and lower case: the one that spells it as
    /// asked, if it is the only one.
    pub(super) fn among(mut accounts: Vec<User>, email: &Email) -> Self {
        // Some nodes show the same account twice.
        accounts.dedup_by(|one, other| same_id(&one.id, &other.id));
        if accounts.len() > 1 {
            let spelt: Vec<User> = accounts
                .iter()
                .filter(|user| user.user_name() == Some(email.as_str()))
                .cloned()
                .collect();
            if spelt.len() != 1 {
                return AccountLookup::Ambiguous {
                    ids: accounts.into_iter().map(|user| user.id).collect(),
                };
            }
            accounts = spelt;
        }
        accounts.pop().into()
    }
}

/// Whether an account has an email.
pub(super) fn is_called(user: &User, email: &Email) -> bool {
    user.user_name()
        .is_some_and(|name| name.to_lowercase() == email.folded())
}
