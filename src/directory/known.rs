//! What is known of a node's people without asking: a list of everyone, and above it what the run
//! changed or read since.
//!
//! A list can be older than it looks. It may have been started before a change and finished after
//! it, and some nodes show changes late. So a list never overrides newer knowledge, whenever it
//! arrives.

use std::collections::{HashMap, HashSet};

use super::account_lookup::{AccountLookup, is_called};
use super::index::Index;
use crate::roster::Email;
use crate::scim::User;

/// The list, and what is newer.
#[derive(Debug, Default)]
pub(super) struct Known {
    list: Option<Index>,
    /// Accounts as the run left them or read them one by one. They hide the list's entries of the
    /// same ids.
    newer: Index,
    /// Accounts that `newer` does not have and whose list entries do not count, by id in lower case.
    overruled: HashMap<String, Overruled>,
    /// Emails that an earlier row may have given to an account, in lower case, and the account's id
    /// if it is known.
    expected: HashMap<String, Option<String>>,
    /// Emails, in lower case, of which an earlier row says that an account has them or may have them, and that were not
    /// seen with one since.
    awaited: HashSet<String>,
}

/// Why the list does not count for an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Overruled {
    /// The run deleted the account.
    Deleted,
    /// The run may have changed the account, and its state was not seen afterwards.
    Doubtful,
}

/// Who has an email, as far as that is known.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum CachedLookup {
    /// This is the answer.
    Known(AccountLookup),
    /// The account with this id should have it.
    Expected(String),
    /// Only the node can tell.
    Unknown,
}

impl Known {
    /// Takes a list, in place of the one before.
    pub(super) fn list(&mut self, list: Index) {
        self.list = Some(list);
    }

    /// Whether there is a list.
    pub(super) fn is_listed(&self) -> bool {
        self.list.is_some()
    }

    /// The state of an account after a change.
    pub(super) fn changed(&mut self, user: &User) {
        self.overruled.remove(&folded(&user.id));
        if let Some(email) = user.user_name() {
            self.awaited.remove(&email.to_lowercase());
        }
        self.newer.insert(user);
    }

    /// An account that was read on its own. What the run made of it counts more.
    pub(super) fn read(&mut self, user: &User) {
        if !self.newer.has(&user.id) && !self.is_deleted(&user.id) {
            self.changed(user);
        }
    }

    /// The account is gone.
    pub(super) fn deleted(&mut self, id: &str) {
        self.newer.remove(id);
        self.overruled.insert(folded(id), Overruled::Deleted);
    }

    /// The account may have been changed: what is known of it does not count any more.
    pub(super) fn doubt(&mut self, id: &str) {
        self.newer.remove(id);
        self.overruled.insert(folded(id), Overruled::Doubtful);
    }

    /// An account may have got this email.
    pub(super) fn expect(&mut self, email: &Email, id: Option<&str>) {
        let email = email.folded();
        if self.newer.by_email(&email).is_empty() {
            self.expected
                .insert(email.into_owned(), id.map(str::to_owned));
        }
    }

    /// An earlier row may have made an account with this email.
    pub(super) fn await_account(&mut self, email: &Email) {
        let email = email.folded();
        if self.newer.by_email(&email).is_empty() {
            self.awaited.insert(email.into_owned());
        }
    }

    /// The account with this email was seen.
    pub(super) fn shows(&mut self, email: &Email) {
        self.awaited.remove(&*email.folded());
    }

    /// Whether an earlier row may have made an account with this email that was not seen yet.
    pub(super) fn awaits(&self, email: &Email) -> bool {
        self.awaited.contains(&*email.folded())
    }

    /// Who has an email when the node says that this account does: some nodes show for a while who was
    /// renamed or is gone.
    pub(super) fn reconcile(&self, shown: User, email: &Email) -> AccountLookup {
        match self.newer.by_id(&shown.id) {
            Some(newer) => Some(newer).filter(|user| is_called(user, email)).into(),
            None if self.is_deleted(&shown.id) => AccountLookup::NotFound,
            None => Some(shown).into(),
        }
    }

    /// Whether the run deleted the account.
    fn is_deleted(&self, id: &str) -> bool {
        self.overruled.get(&folded(id)) == Some(&Overruled::Deleted)
    }

    /// Who has an id; nothing if only the node can tell.
    pub(super) fn by_id(&self, id: &str) -> Option<AccountLookup> {
        if let Some(user) = self.newer.by_id(id) {
            return Some(Some(user).into());
        }
        match self.overruled.get(&folded(id)) {
            Some(Overruled::Deleted) => Some(AccountLookup::NotFound),
            Some(Overruled::Doubtful) => None,
            // Some lists leave out who is locked.
            None => Some(Some(self.list.as_ref()?.by_id(id)?).into()),
        }
    }

    /// Who has an email.
    pub(super) fn by_email(&self, email: &Email) -> CachedLookup {
        let folded_email = email.folded();
        let mut accounts = self.newer.by_email(&folded_email);
        let listed = self
            .list
            .iter()
            .flat_map(|list| list.by_email(&folded_email));
        accounts.extend(listed.filter(|user| !self.hides(&user.id)));
        match (accounts.is_empty(), self.expected.get(&*folded_email)) {
            (false, _) => CachedLookup::Known(AccountLookup::among(accounts, email)),
            (true, Some(Some(id))) => CachedLookup::Expected(id.clone()),
            (true, None) if self.is_listed() => CachedLookup::Known(AccountLookup::NotFound),
            (true, _) => CachedLookup::Unknown,
        }
    }

    /// Emails (folded) and ids of accounts that have an email, had it when they were listed, or may have got it.
    pub(super) fn names_by_email(&self, email: &Email) -> Vec<(String, String)> {
        let folded = email.folded();
        let mut accounts = self.newer.by_email(&folded);
        accounts.extend(self.list.iter().flat_map(|list| list.by_email(&folded)));
        let expected = self.expected.get(&*folded).cloned().flatten();
        let names = accounts.into_iter().map(names).collect::<Vec<_>>();
        let expected = expected.map(|id| (folded.into_owned(), id));
        names.into_iter().chain(expected).collect()
    }

    /// Emails (folded) and ids of the account with an id, as it is and as it was listed.
    pub(super) fn names_by_id(&self, id: &str) -> Vec<(String, String)> {
        let listed = self.list.iter().filter_map(|list| list.by_id(id));
        self.newer
            .by_id(id)
            .into_iter()
            .chain(listed)
            .map(names)
            .collect()
    }

    /// How many people there are, and how many of them are not locked; nothing without a list.
    pub(super) fn counts(&self) -> Option<(u64, u64)> {
        let list = self.list.as_ref()?;
        let hidden = |id: &str| self.newer.has(id) || self.is_deleted(id);
        let (listed, active) = list.counts(|id| !hidden(id));
        let (newer, newer_active) = self.newer.counts(|_| true);
        Some((listed + newer, active + newer_active))
    }

    fn hides(&self, id: &str) -> bool {
        self.newer.has(id) || self.overruled.contains_key(&folded(id))
    }
}

fn names(user: User) -> (String, String) {
    (user.user_name().unwrap_or_default().to_lowercase(), user.id)
}

/// Some nodes write an id now in upper and now in lower case.
fn folded(id: &str) -> String {
    id.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::{Attribute, Texts};

    fn user(id: &str, email: &str, active: bool) -> User {
        User {
            id: id.to_owned(),
            texts: Texts::from([(Attribute::UserName, Some(email.to_owned()))]),
            active: Some(active),
            ..User::default()
        }
    }

    fn list(users: &[User]) -> Index {
        let mut index = Index::default();
        for user in users {
            index.insert(user);
        }
        index
    }

    fn email(text: &str) -> Email {
        Email::try_from(text).unwrap()
    }

    fn account(user: &User) -> CachedLookup {
        CachedLookup::Known(Some(user.clone()).into())
    }

    #[test]
    fn a_list_that_arrives_late_does_not_override_a_change() {
        let mut known = Known::default();
        let locked = user("1", "ann@example.com", false);
        known.changed(&locked);
        known.list(list(&[
            user("1", "ann@example.com", true),
            user("2", "bob@example.com", true),
        ]));
        assert_eq!(known.by_email(&email("Ann@example.com")), account(&locked));
        assert_eq!(known.by_id("1"), Some(Some(locked).into()));
        assert_eq!(known.counts(), Some((2, 1)));
    }

    #[test]
    fn after_a_rename_the_old_email_is_nobodys() {
        let mut known = Known::default();
        known.list(list(&[user("a1", "ann@example.com", true)]));
        let renamed = user("A1", "lee@example.com", true);
        known.changed(&renamed);
        assert_eq!(
            known.by_email(&email("ann@example.com")),
            CachedLookup::Known(AccountLookup::NotFound)
        );
        assert_eq!(known.by_email(&email("lee@example.com")), account(&renamed));
        assert_eq!(known.counts(), Some((1, 1)));
    }

    #[test]
    fn who_was_deleted_stays_deleted() {
        let mut known = Known::default();
        let ann = user("1", "ann@example.com", true);
        known.deleted("1");
        known.list(list(std::slice::from_ref(&ann)));
        known.read(&ann);
        assert_eq!(
            known.by_email(&email("ann@example.com")),
            CachedLookup::Known(AccountLookup::NotFound)
        );
        assert_eq!(known.by_id("1"), Some(AccountLookup::NotFound));
        assert_eq!(known.counts(), Some((0, 0)));
        let again = user("2", "ann@example.com", true);
        known.changed(&again);
        assert_eq!(known.by_email(&email("ann@example.com")), account(&again));
    }

    #[test]
    fn what_may_have_changed_is_asked_for_and_what_was_read_counts() {
        let mut known = Known::default();
        known.list(list(&[user("1", "ann@example.com", true)]));
        known.doubt("1");
        known.expect(&email("Ann@example.com"), Some("1"));
        assert_eq!(known.by_id("1"), None);
        assert_eq!(
            known.by_email(&email("ann@example.com")),
            CachedLookup::Expected("1".to_owned())
        );
        let read = user("1", "ann@example.com", false);
        known.read(&read);
        assert_eq!(known.by_email(&email("ann@example.com")), account(&read));
    }

    #[test]
    fn an_email_that_a_row_may_have_given_is_asked_for() {
        let mut known = Known::default();
        known.list(Index::default());
        known.expect(&email("ann@example.com"), None);
        assert_eq!(
            known.by_email(&email("ann@example.com")),
            CachedLookup::Unknown
        );
        assert_eq!(
            known.by_email(&email("bob@example.com")),
            CachedLookup::Known(AccountLookup::NotFound)
        );
    }
}
