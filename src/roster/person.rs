//! Who a row is about.

use super::email::Email;

/// The longest id, in bytes. Nodes have numbers or UUIDs; an address of a call has to have room for it.
const LONGEST_ID: usize = 256;

/// The node's id of an account, opaque.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UserId(String);

impl UserId {
    /// An id, unless it is empty, longer than any, or has characters that no id has.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let fits = (1..=LONGEST_ID).contains(&text.len());
        (fits && !text.chars().any(char::is_control)).then(|| UserId(text.to_owned()))
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id to compare with others: some nodes write an id now in upper and now in lower case.
    #[must_use]
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

/// Who a row is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Person {
    /// Whoever has this email.
    Email(Email),
    /// Whoever has this id.
    Id(UserId),
    /// Whoever has this id, who must have this email as well.
    Both {
        /// The email.
        email: Email,
        /// The id.
        id: UserId,
    },
}

impl Person {
    /// The email, if it is known.
    #[must_use]
    pub fn email(&self) -> Option<&Email> {
        match self {
            Person::Email(email) | Person::Both { email, .. } => Some(email),
            Person::Id(_) => None,
        }
    }

    /// The id, if it is known.
    #[must_use]
    pub fn id(&self) -> Option<&UserId> {
        match self {
            Person::Id(id) | Person::Both { id, .. } => Some(id),
            Person::Email(_) => None,
        }
    }
}
