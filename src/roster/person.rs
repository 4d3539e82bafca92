//! Who a row is about.

use std::borrow::Cow;
use std::fmt;

use email_address::{EmailAddress, Options};

use crate::sheet::is_blank;

/// An email address as it was written. Two that differ in case only are the same.
#[derive(Debug, Clone, Eq)]
pub struct Email(String);

/// Not an email address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not an email address ({0}); write it like name@example.com")]
pub struct EmailError(String);

/// The longest address that mail can be sent to (RFC 5321, section 4.5.3.1.3).
const LONGEST_EMAIL: usize = 254;

impl Email {
    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// In lower case, for comparing.
    #[must_use]
    pub fn folded(&self) -> Cow<'_, str> {
        if self.0.chars().any(char::is_uppercase) {
            self.0.to_lowercase().into()
        } else {
            Cow::Borrowed(&self.0)
        }
    }
}

impl TryFrom<&str> for Email {
    type Error = EmailError;

    fn try_from(text: &str) -> Result<Self, EmailError> {
        if text.len() > LONGEST_EMAIL {
            return Err(EmailError(format!(
                "longer than {LONGEST_EMAIL} characters"
            )));
        }
        if text.contains(is_blank) {
            return Err(EmailError(
                "there is a blank or an invisible character in it".to_owned(),
            ));
        }
        let options = Options::default()
            .with_required_tld()
            .without_display_text()
            .without_domain_literal();
        EmailAddress::parse_with_options(text, options)
            .map_err(|error| EmailError(in_passing(&error.to_string())))?;
        Ok(Email(text.to_owned()))
    }
}

/// A sentence as it stands between brackets.
fn in_passing(sentence: &str) -> String {
    let sentence = sentence.trim_end_matches('.');
    let mut letters = sentence.chars();
    let first = letters.next().into_iter().flat_map(char::to_lowercase);
    first.chain(letters).collect()
}

impl PartialEq for Email {
    fn eq(&self, other: &Self) -> bool {
        self.folded() == other.folded()
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The node's id of an account, opaque.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserId(String);

impl UserId {
    /// An id, unless it is empty or has characters that no id has.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        (!text.is_empty() && !text.chars().any(char::is_control)).then(|| UserId(text.to_owned()))
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Who a row is about.
#[derive(Debug, Clone, PartialEq, Eq)]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emails_are_compared_without_regard_to_case() {
        let email = |text| Email::try_from(text).unwrap();
        assert_eq!(email("Ann.Lee@Example.com"), email("ann.lee@example.COM"));
        assert_eq!(email("Ann@Example.com").to_string(), "Ann@Example.com");
        assert_ne!(email("ann@example.com"), email("ann@example.org"));
        assert_eq!(
            email("JÜRGEN@müller.example").folded(),
            "jürgen@müller.example"
        );
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "ann",
            "ann@",
            "@example.com",
            "ann@localhost",
            "a b@example.com",
            "ann@example.com, bob@example.com",
            "Ann <ann@example.com>",
            "ann@exa mple.com",
            "ann@@example.com",
            "an\u{200b}n@example.com",
            "ann\u{a0}lee@example.com",
            "ann@exam\u{ad}ple.com",
        ] {
            assert!(Email::try_from(text).is_err(), "{text:?}");
        }
        assert!(Email::try_from(format!("ann@{}.com", "x".repeat(300)).as_str()).is_err());
        for text in [
            "o'hara+tag@sub.example.co.uk",
            "zoë@example.com",
            "a@xn--bcher-kva.example",
        ] {
            assert!(Email::try_from(text).is_ok(), "{text:?}");
        }
    }
}
