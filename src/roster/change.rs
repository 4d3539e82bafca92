//! What a row asks of the node.

use super::action::Action;
use super::email::Email;
use super::person::Person;
use crate::attribute::{Attribute, Attributes, Texts};

/// What happens to one attribute.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash)]
pub enum Edit<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// It is emptied.
    Clear,
    /// It becomes this.
    Set(T),
}

/// A team, or a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupKind {
    /// A team.
    Team,
    /// A group whose name has the node's role prefix.
    Role,
}

impl GroupKind {
    /// "team" or "role".
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            GroupKind::Team => "team",
            GroupKind::Role => "role",
        }
    }
}

/// A team or role as the row names it: by name or id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupName {
    /// Which of the two.
    pub kind: GroupKind,
    /// As it stands in the cell; a role without the prefix.
    pub name: String,
}

impl GroupName {
    /// "team" or "role".
    #[must_use]
    pub fn kind_word(&self) -> &'static str {
        self.kind.word()
    }
}

/// What an update asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash)]
pub struct AccountUpdate {
    /// What happens to the attributes; a new email is apart.
    pub attributes: Attributes<Edit<String>>,
    /// True to unlock, false to lock.
    pub active: Option<bool>,
    /// The new email.
    pub new_email: Option<Email>,
    /// Teams and roles to be in.
    pub join: Vec<GroupName>,
    /// Teams and roles not to be in.
    pub leave: Vec<GroupName>,
}

/// Somebody who is to get an account.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NewAccount {
    /// The email.
    pub email: Email,
    /// All else that is a text. The name shown to others is first and last name unless the row says otherwise.
    pub texts: Texts,
    /// Whether the display name was put together from first and last name, since the row names none.
    pub display_name_is_derived: bool,
    /// Whether the account is usable from the start.
    pub active: Option<bool>,
    /// Teams and roles to be in from the start.
    pub join: Vec<GroupName>,
}

impl NewAccount {
    /// Whom it is for.
    #[must_use]
    pub fn person(&self) -> Person {
        Person::Email(self.email.clone())
    }

    /// The same, without what the row leaves to the program.
    #[must_use]
    pub fn as_named(&self) -> Self {
        let mut named = self.clone();
        named.texts[Attribute::DisplayName].take_if(|_| self.display_name_is_derived);
        named
    }

    /// The same as changes to an account that exists: what is not named stays.
    #[must_use]
    pub fn edits(&self) -> Attributes<Edit<String>> {
        Attributes::of(|attribute| {
            let text = self.texts[attribute].clone();
            text.map_or(Edit::Keep, Edit::Set)
        })
    }
}

/// What a row asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Change {
    /// The action it comes from.
    pub action: Action,
    /// Whom it is about.
    pub person: Person,
    /// What becomes of the account.
    pub ask: Ask,
}

/// What a row asks for an account.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Ask {
    /// Create it.
    Create(NewAccount),
    /// Change it.
    Revise(AccountUpdate),
    /// Create it, or change it if it exists.
    CreateOrRevise(NewAccount, AccountUpdate),
    /// Delete it.
    Delete,
}

impl Change {
    /// Who is to get an account, if somebody is.
    #[must_use]
    pub fn new_account(&self) -> Option<&NewAccount> {
        match &self.ask {
            Ask::Create(new_account) | Ask::CreateOrRevise(new_account, _) => Some(new_account),
            Ask::Revise(_) | Ask::Delete => None,
        }
    }

    /// What is to change of an account that exists.
    #[must_use]
    pub fn update(&self) -> Option<&AccountUpdate> {
        match &self.ask {
            Ask::Revise(update) | Ask::CreateOrRevise(_, update) => Some(update),
            Ask::Create(_) | Ask::Delete => None,
        }
    }

    /// The teams and roles that an account joins or leaves.
    pub fn groups(&self) -> impl Iterator<Item = &GroupName> {
        self.joins().iter().chain(self.leaves())
    }

    /// Whether somebody is to leave a group.
    #[must_use]
    pub fn leaves_groups(&self) -> bool {
        !self.leaves().is_empty()
    }

    /// The email that the person is to get.
    #[must_use]
    pub fn new_email(&self) -> Option<&Email> {
        self.update().and_then(|update| update.new_email.as_ref())
    }

    /// The emails that the account may have afterwards, as far as the row says.
    #[must_use]
    pub fn emails(&self) -> Vec<Email> {
        let emails = [self.person.email(), self.new_email()];
        emails.into_iter().flatten().cloned().collect()
    }

    /// Whether the person loses the use of the account, without its being deleted.
    #[must_use]
    pub fn locks(&self) -> bool {
        self.update()
            .is_some_and(|update| update.active == Some(false))
    }

    /// Whether the person loses the use of the account, in whatever way.
    #[must_use]
    pub fn takes_access(&self) -> bool {
        self.locks() || self.ask == Ask::Delete
    }

    /// The teams and roles that are to be joined.
    #[must_use]
    pub fn joins(&self) -> &[GroupName] {
        match &self.ask {
            Ask::Create(new_account) => &new_account.join,
            Ask::Revise(update) | Ask::CreateOrRevise(_, update) => &update.join,
            Ask::Delete => &[],
        }
    }

    /// The teams and roles that are to be left.
    #[must_use]
    pub fn leaves(&self) -> &[GroupName] {
        self.update().map_or(&[], |update| &update.leave)
    }
}
