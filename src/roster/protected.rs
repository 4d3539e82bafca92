//! People who keep their access, whatever a file says.

use std::collections::HashSet;
use std::str::FromStr;
use std::sync::{Arc, PoisonError, RwLock};

use super::email::{Email, EmailError};
use super::person::{Person, UserId};

/// People whom nobody locks or deletes.
///
/// Copies share what they know: that of a protected person who gets another email, the id.
#[derive(Debug, Clone, Default)]
pub struct Protected(Arc<RwLock<Known>>);

#[derive(Debug, Default)]
struct Known {
    /// Folded.
    emails: HashSet<String>,
    /// In lower case, as some nodes write them in either.
    ids: HashSet<String>,
}

/// Neither an email nor an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PersonError {
    /// There is an `@` in it, and yet it is no email.
    #[error("{text:?} {source}")]
    Email {
        /// What it is.
        text: String,
        /// Why it is none.
        source: EmailError,
    },
    /// Nothing, or with characters that no id has.
    #[error("{0:?} is neither an email nor the id of a user")]
    Neither(String),
}

impl FromStr for Person {
    type Err = PersonError;

    /// An email if there is an `@` in it, else an id.
    fn from_str(text: &str) -> Result<Self, PersonError> {
        let text = text.trim();
        if text.contains('@') {
            let email = Email::try_from(text).map_err(|source| PersonError::Email {
                text: text.to_owned(),
                source,
            })?;
            return Ok(Person::Email(email));
        }
        let id = UserId::new(text).ok_or_else(|| PersonError::Neither(text.to_owned()))?;
        Ok(Person::Id(id))
    }
}

impl FromIterator<Person> for Protected {
    fn from_iter<T: IntoIterator<Item = Person>>(people: T) -> Self {
        let mut known = Known::default();
        for person in people {
            let email = person.email().map(|email| email.folded().into_owned());
            known.emails.extend(email);
            known
                .ids
                .extend(person.id().map(|id| id.as_str().to_ascii_lowercase()));
        }
        Protected(Arc::new(RwLock::new(known)))
    }
}

impl Protected {
    /// Whether whoever has this id or email is protected.
    #[must_use]
    pub fn has(&self, id: Option<&str>, email: Option<&str>) -> bool {
        let (by_id, by_email) = self.known(id, email);
        by_id || by_email
    }

    /// The same; and whoever is protected by their email stays so when they get another one.
    #[must_use]
    pub fn recognises(&self, id: &str, email: Option<&str>) -> bool {
        let (by_id, by_email) = self.known(Some(id), email);
        if by_email && !by_id {
            let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
            known.ids.insert(id.to_ascii_lowercase());
        }
        by_id || by_email
    }

    /// The same people and those of these names as well.
    #[must_use]
    pub fn with(&self, names: &[String]) -> Self {
        let all = self.names();
        let all = all.iter().chain(names);
        // What is no name was refused when it was said.
        all.flat_map(|name| name.parse::<Person>()).collect()
    }

    /// Everyone who is protected, by email and by id, in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut names: Vec<String> = known.emails.iter().chain(&known.ids).cloned().collect();
        names.sort_unstable();
        names
    }

    fn known(&self, id: Option<&str>, email: Option<&str>) -> (bool, bool) {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let by_id = id.is_some_and(|id| known.ids.contains(&id.to_ascii_lowercase()));
        let by_email = !known.emails.is_empty()
            && email.is_some_and(|email| known.emails.contains(&email.to_lowercase()));
        (by_id, by_email)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_known_by_email_or_id_and_stay_known_under_a_new_email() {
        let people = ["Boss@Example.com", " 77 "].map(|text| text.parse::<Person>().unwrap());
        let protected: Protected = people.into_iter().collect();
        let copy = protected.clone();
        assert!(protected.has(None, Some("boss@example.COM")));
        assert!(protected.has(Some("77"), Some("whoever@example.com")));
        assert!(!protected.has(Some("5"), Some("chief@example.com")));
        assert!(copy.recognises("5", Some("boss@example.com")));
        assert!(protected.has(Some("5"), Some("chief@example.com")));
        assert!(!Protected::default().has(Some("5"), Some("boss@example.com")));
    }

    #[test]
    fn what_names_nobody_is_refused() {
        for text in ["", "a@b", "x\ny"] {
            let error = text.parse::<Person>().unwrap_err().to_string();
            assert!(error.contains(&format!("{text:?}")), "{error}");
        }
    }
}
