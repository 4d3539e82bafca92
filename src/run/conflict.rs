//! A create whose email is taken: what becomes of the row is for whoever sends it to choose.

use serde::{Deserialize, Serialize};

use super::likeness::Read;
use super::outcome::{Outcome, Verdict, impossible};
use super::ownership::{Claim, Likeness, Owner, owner};
use super::worker::Worker;
use crate::attribute::Attribute;
use crate::directory::AccountLookup;
use crate::plan::{AccountPatch, Difference, Impossible, PlannedOperation, adopt};
use crate::roster::NewAccount;
use crate::scim::{Error, User};

/// What to do with a create whose email is taken (409).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    clap::ValueEnum,
    Serialize,
    Deserialize,
    strum::Display,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum OnConflict {
    /// The row is done if the account is exactly as it asks, and has failed otherwise.
    #[default]
    Fail,
    /// The row is done: the account exists.
    Skip,
    /// The account that exists is made as the row asks.
    Update,
}

/// What becomes of a create whose email is taken.
pub(super) enum ConflictOutcome {
    Settled(Outcome),
    /// The account that exists is to be made as the row asks.
    Adopt(Box<AccountPatch>),
}

/// A create whose email is taken, and what is known of it.
#[derive(Debug)]
pub(super) struct Conflict {
    /// The node's no, if there was one.
    pub(super) refused: Option<Error>,
    /// The account that has the email, if it was looked for.
    pub(super) holder: Option<Box<User>>,
    /// How that compares with what the row asks for, if it was compared.
    pub(super) likeness: Option<Likeness>,
}

impl Worker {
    /// The email of a create is taken (409): what then is the user's choice.
    pub(super) async fn taken(
        &self,
        new_account: &NewAccount,
        conflict: Conflict,
        repeats: bool,
    ) -> ConflictOutcome {
        let Conflict {
            refused,
            holder,
            likeness,
        } = conflict;
        // Nobody has refused it where it may have been sent and what became of it cannot be seen.
        let in_doubt = refused.is_none() && matches!(likeness, Some(Likeness::Unseen(_)));
        let status = refused.as_ref().and_then(Error::status).unwrap_or(409);
        let words = refused.map_or_else(|| "already taken".to_owned(), |error| error.to_string());
        let choice = self.settings.on_conflict;
        if !repeats && choice == OnConflict::Fail {
            let outcome = match self.owner_of(new_account, holder, &words).await {
                Ok(account) => {
                    self.compared(new_account, &account, likeness, Some(&words))
                        .await
                }
                Err(outcome) => outcome,
            };
            return ConflictOutcome::Settled(if in_doubt {
                outcome.status(None)
            } else {
                outcome.status(status)
            });
        }
        let holder = match holder {
            None if !repeats => match self.who_has(new_account, &words).await {
                Ok(account) => Some(account),
                Err(outcome) => return ConflictOutcome::Settled(outcome),
            },
            holder => holder,
        };
        let known = holder.as_ref().map(|user| user.id.clone());
        let outcome = |verdict| Outcome::new(verdict).status(status).user(known.clone());
        let outcome = match (choice, holder) {
            (OnConflict::Update, Some(account)) if !repeats => {
                let groups = new_account.join.iter();
                self.directory.see_memberships(&account, groups).await;
                match adopt(new_account, &account, &self.directory.teams) {
                    PlannedOperation::Patch(account_patch) => {
                        return ConflictOutcome::Adopt(account_patch);
                    }
                    PlannedOperation::Impossible(reason) => {
                        outcome(Verdict::Failed).because(reason)
                    }
                    _ => Outcome::new(Verdict::Unchanged)
                        .status(200)
                        .user(account.id),
                }
            }
            _ => outcome(Verdict::Exists),
        };
        ConflictOutcome::Settled(outcome)
    }

    /// The account that has the email of a refused create, or what becomes of the row without it.
    async fn owner_of(
        &self,
        new_account: &NewAccount,
        holder: Option<Box<User>>,
        words: &str,
    ) -> Result<Box<User>, Outcome> {
        if let Some(account) = holder {
            return Ok(account);
        }
        Err(
            match self.directory.people.taken_by(&new_account.email).await {
                Ok(Some(AccountLookup::Account(account))) => return Ok(account),
                Ok(Some(AccountLookup::Ambiguous { ids })) => unclear(Some(words), &several(&ids)),
                Ok(Some(AccountLookup::NotFound | AccountLookup::IdMismatch { .. })) => {
                    Outcome::new(Verdict::Failed)
                        .because(format!("{words}; {}", elsewhere(new_account)))
                }
                Ok(None) => unclear(Some(words), "the list of users cannot be relied on"),
                // Whose token or network is at fault, other calls tell.
                Err(error) => unclear(Some(words), &error.to_string()),
            },
        )
    }

    /// What becomes of a row whose email belongs to an account that this job has not made.
    async fn compared(
        &self,
        new_account: &NewAccount,
        account: &User,
        likeness: Option<Likeness>,
        words: Option<&str>,
    ) -> Outcome {
        let likeness = match likeness {
            Some(likeness) => likeness,
            None => {
                let compared = self.compare(new_account, account, Read::IfItDiffers);
                compared.await.likeness
            }
        };
        let outcome = match (owner(Claim::None, &likeness), &likeness) {
            (Owner::Differs, Likeness::Differs(differences)) => {
                Outcome::new(Verdict::Failed).because(prefixed(words, &differing(differences)))
            }
            (Owner::Unclear, Likeness::Unseen(why)) => unclear(words, why),
            _ => Outcome::new(Verdict::Exists),
        };
        outcome.status(409).user(account.id.clone())
    }

    /// The account that has a new account's email, or what becomes of the row.
    async fn who_has(&self, new_account: &NewAccount, words: &str) -> Result<Box<User>, Outcome> {
        let failed = || Outcome::new(Verdict::Failed);
        let outcome = match self.directory.people.find_now(&new_account.email).await {
            Ok(reply) => match reply.value {
                AccountLookup::Account(account) => return Ok(account),
                AccountLookup::NotFound | AccountLookup::IdMismatch { .. } => {
                    failed().because(format!("{words}; {}", elsewhere(new_account)))
                }
                AccountLookup::Ambiguous { ids } => impossible(&Impossible::Several { ids }),
            },
            Err(error) => {
                self.note(&error);
                unclear(Some(words), &error.to_string())
            }
        };
        Err(outcome.status(409))
    }

    /// The same in a rehearsal, where the account is known.
    pub(super) async fn would_be_taken(
        &self,
        new_account: &NewAccount,
        account: &User,
        repeats: bool,
    ) -> Result<PlannedOperation, Outcome> {
        match self.settings.on_conflict {
            OnConflict::Update if !repeats => {
                Ok(adopt(new_account, account, &self.directory.teams))
            }
            OnConflict::Fail if !repeats => {
                Err(self.compared(new_account, account, None, None).await)
            }
            _ => Err(Outcome::new(Verdict::Exists)
                .status(409)
                .user(account.id.clone())),
        }
    }

    /// The same where more than one account has the email.
    pub(super) fn would_be_unclear(&self, ids: Vec<String>) -> Outcome {
        let outcome = match self.settings.on_conflict {
            OnConflict::Fail => unclear(None, &several(&ids)),
            OnConflict::Skip | OnConflict::Update => impossible(&Impossible::Several { ids }),
        };
        outcome.status(409)
    }
}

/// The email of a create is that of an account, and whether that is as asked cannot be found out.
fn unclear(words: Option<&str>, why: &str) -> Outcome {
    let what = format!(
        "whether the account with this email is as the row asks could not be found out: {why}"
    );
    Outcome::new(Verdict::Unknown).because(prefixed(words, &what))
}

fn prefixed(words: Option<&str>, what: &str) -> String {
    words.map_or_else(|| what.to_owned(), |words| format!("{words}; {what}"))
}

fn several(ids: &[String]) -> String {
    let (count, ids) = (ids.len(), ids.join(", "));
    format!("the node has {count} accounts with this email: {ids}")
}

fn differing(differences: &[Difference]) -> String {
    let differences: Vec<String> = differences.iter().map(Difference::as_found).collect();
    format!(
        "an account with this email exists and differs: {}; see --on-conflict skip or update",
        differences.join("; ")
    )
}

/// Why a create is refused although nobody on the node has the email.
fn elsewhere(new_account: &NewAccount) -> &'static str {
    if new_account.texts[Attribute::ExternalId].is_some() {
        "no account on this node has this email, so it belongs to another node or tenant, or the external id is taken"
    } else {
        "no account on this node has this email, so it belongs to another node or tenant"
    }
}
