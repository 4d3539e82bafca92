//! From a change and what the node holds to work: the fewest calls that bring it about.
//!
//! Everything here is a pure function. Asking the node what it holds belongs to
//! [`directory`](crate::directory), sending the work to [`run`](crate::run).

mod diff;
mod difference;
mod one_by_one;
mod share;
#[cfg(test)]
mod tests;

pub use difference::{Difference, of_attributes, of_correction, of_newcomer};
pub use one_by_one::one_by_one;
pub use share::{Memberships, alone};

use crate::attribute::Attribute;
use crate::directory::{AccountLookup, TeamProblem, Teams};
use crate::roster::{AccountUpdate, Ask, Change, GroupName, NewAccount};
use crate::scim::{NewUser, Operation, Patch, User};

/// What has to be sent for one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlannedOperation {
    /// `POST /Users`, teams included.
    Create(NewUser),
    /// One `PATCH /Users/{id}` with everything that differs.
    Patch(Box<AccountPatch>),
    /// `DELETE /Users/{id}`.
    Delete {
        /// Who.
        id: String,
    },
    /// The node is as the row asks.
    Nothing {
        /// Who.
        id: String,
    },
    /// It cannot be done.
    Impossible(Impossible),
}

/// A PATCH and what it makes of the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountPatch {
    /// The account as it was.
    pub before: User,
    /// The account as it will be.
    pub after: User,
    /// What to send for its attributes.
    pub operations: Vec<Operation>,
    /// Ids of groups to join.
    pub join: Vec<String>,
    /// Ids of groups to leave.
    pub leave: Vec<String>,
    /// Whether it is known that the account is not in the former and is in the latter.
    pub memberships_seen: bool,
}

impl AccountPatch {
    /// Whether the person loses the use of the account.
    #[must_use]
    pub fn locks(&self) -> bool {
        self.after.active == Some(false) && self.before.active != Some(false)
    }

    /// Whether an account that is locked gets its use back.
    #[must_use]
    pub fn unlocks(&self) -> bool {
        self.before.active == Some(false) && self.after.active != Some(false)
    }

    /// All of it in one PATCH of the user.
    #[must_use]
    pub fn patch(&self) -> Patch {
        let mut operations = self.operations.clone();
        if !self.join.is_empty() {
            operations.push(Operation::add(
                "groups",
                self.join.iter().map(String::as_str),
            ));
        }
        if !self.leave.is_empty() {
            operations.push(Operation::remove(
                "groups",
                self.leave.iter().map(String::as_str),
            ));
        }
        Patch::new(operations)
    }

    /// Whether the account joins or leaves a group.
    #[must_use]
    pub fn changes_memberships(&self) -> bool {
        !self.join.is_empty() || !self.leave.is_empty()
    }

    /// First what concerns the account itself, then its memberships.
    #[must_use]
    pub fn apart(&self) -> (AccountPatch, AccountPatch) {
        let with_groups = |groups: &User, rest: &User| User {
            groups: groups.groups.clone(),
            ..rest.clone()
        };
        let between = with_groups(&self.before, &self.after);
        let attributes = AccountPatch {
            before: self.before.clone(),
            after: between.clone(),
            operations: self.operations.clone(),
            join: Vec::new(),
            leave: Vec::new(),
            memberships_seen: true,
        };
        let memberships = AccountPatch {
            before: between,
            after: self.after.clone(),
            operations: Vec::new(),
            join: self.join.clone(),
            leave: self.leave.clone(),
            memberships_seen: self.memberships_seen,
        };
        (attributes, memberships)
    }

    fn is_nothing(&self) -> bool {
        self.operations.is_empty() && !self.changes_memberships()
    }
}

/// Why a row cannot be carried out on this node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Impossible {
    /// There is nobody to change.
    #[error("the node has nobody of this {0}; was the account deleted, or is it on another node?")]
    Nobody(&'static str),
    /// Email and id name two people.
    #[error(
        "the id belongs to {email}, not to the email of this row; one of the two is wrong, nothing was changed"
    )]
    SomeoneElse {
        /// Whose id it is.
        email: String,
    },
    /// More than one account has the email.
    #[error("the node has {} accounts of this email; write the id of the one that is meant: {}", ids.len(), ids.join(", "))]
    Several {
        /// Their ids.
        ids: Vec<String>,
    },
    /// A team or role that the node does not have.
    #[error("{kind} {name:?}: {problem}", kind = name.kind_word(), name = name.name)]
    Team {
        /// What the row calls it.
        name: GroupName,
        /// What is wrong with it.
        problem: TeamProblem,
    },
}

/// The work for `change`. `lookup` is who the node holds under the change's person; a create asks
/// for nobody, since the node itself refuses the second account of one email.
#[must_use]
pub fn plan(change: &Change, lookup: &AccountLookup, teams: &Teams) -> PlannedOperation {
    planned(change, lookup, teams).unwrap_or_else(PlannedOperation::Impossible)
}

fn planned(
    change: &Change,
    lookup: &AccountLookup,
    teams: &Teams,
) -> Result<PlannedOperation, Impossible> {
    let nobody = || {
        Impossible::Nobody(if change.person.email().is_some() {
            "email"
        } else {
            "id"
        })
    };
    let account = match (&change.ask, lookup) {
        (Ask::Create(new_account), _)
        | (Ask::CreateOrRevise(new_account, _), AccountLookup::NotFound) => {
            return create(new_account, teams).map(PlannedOperation::Create);
        }
        (_, AccountLookup::NotFound) => return Err(nobody()),
        (_, AccountLookup::IdMismatch { email }) => {
            return Err(Impossible::SomeoneElse {
                email: email.clone(),
            });
        }
        (_, AccountLookup::Ambiguous { ids }) => {
            return Err(Impossible::Several { ids: ids.clone() });
        }
        (_, AccountLookup::Account(account)) => account,
    };
    match change.update() {
        Some(update) => revise(account, update, teams),
        None => Ok(PlannedOperation::Delete {
            id: account.id.clone(),
        }),
    }
}

/// The work that makes an account that exists already what `new_account` asks for
/// (`--on-conflict update`).
#[must_use]
pub fn adopt(new_account: &NewAccount, account: &User, teams: &Teams) -> PlannedOperation {
    revise(account, &revision_of(new_account), teams).unwrap_or_else(PlannedOperation::Impossible)
}

fn revision_of(new_account: &NewAccount) -> AccountUpdate {
    AccountUpdate {
        attributes: new_account.edits(),
        active: new_account.active,
        new_email: None,
        join: new_account.join.clone(),
        leave: Vec::new(),
    }
}

fn revise(
    account: &User,
    update: &AccountUpdate,
    teams: &Teams,
) -> Result<PlannedOperation, Impossible> {
    let join = ids(&update.join, teams)?;
    let leave = ids(&update.leave, teams)?;
    let account_patch = diff::diff(account, update, &join, &leave, teams);
    if account_patch.is_nothing() {
        return Ok(PlannedOperation::Nothing {
            id: account.id.clone(),
        });
    }
    Ok(PlannedOperation::Patch(Box::new(account_patch)))
}

fn create(new_account: &NewAccount, teams: &Teams) -> Result<NewUser, Impossible> {
    let mut texts = new_account.texts.clone();
    texts[Attribute::UserName] = Some(new_account.email.as_str().to_owned());
    Ok(NewUser {
        texts,
        active: new_account.active,
        groups: ids(&new_account.join, teams)?
            .into_iter()
            .map(str::to_owned)
            .collect(),
    })
}

fn ids<'t>(names: &[GroupName], teams: &'t Teams) -> Result<Vec<&'t str>, Impossible> {
    let id = |name: &GroupName| {
        teams.resolve(name).map_err(|problem| Impossible::Team {
            name: name.clone(),
            problem,
        })
    };
    let mut ids = names.iter().map(id).collect::<Result<Vec<_>, _>>()?;
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}
