//! A create whose email is taken: what becomes of the row is for whoever sends it to choose.

use super::outcome::{Outcome, Verdict};
use super::worker::{Worker, impossible};
use crate::directory::Holder;
use crate::plan::{Correction, Impossible, Work, adopt};
use crate::roster::Newcomer;
use crate::scim::{Error, User};

/// What to do with a create whose email is taken (409).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum OnConflict {
    /// The row has failed.
    #[default]
    Fail,
    /// The row is done: the account exists.
    Skip,
    /// The account that exists is made as the row asks.
    Update,
}

/// The email of a create is that of an account that can be found.
const EXISTS_HERE: &str =
    "an account with this email exists on this node; see --on-conflict skip or update";

/// What becomes of a create whose email is taken.
pub(super) enum Taken {
    Settled(Outcome),
    /// The account that exists is to be made as the row asks.
    Adopt(Box<Correction>),
}

impl Worker {
    /// The email of a create is taken (409): what then is the user's choice.
    pub(super) async fn taken(
        &self,
        newcomer: &Newcomer,
        refused: Option<Error>,
        holder: Option<User>,
        repeats: bool,
    ) -> Taken {
        let status = refused.as_ref().and_then(Error::status).unwrap_or(409);
        let words = refused.map_or_else(|| "already taken".to_owned(), |error| error.to_string());
        let choice = self.settings.on_conflict;
        let holder = match holder {
            _ if !repeats && choice == OnConflict::Fail => {
                let outcome = self.refused(newcomer, holder, &words).await;
                return Taken::Settled(outcome.status(status));
            }
            None if !repeats => match self.who_has(newcomer, &words).await {
                Ok(account) => Some(account),
                Err(outcome) => return Taken::Settled(outcome),
            },
            holder => holder,
        };
        let known = holder.as_ref().map(|user| user.id.clone());
        let outcome = |verdict| Outcome::new(verdict).status(status).user(known.clone());
        let outcome = match (choice, holder) {
            (OnConflict::Update, Some(account)) if !repeats => {
                let groups = newcomer.join.iter();
                self.directory.see_memberships(&account, groups).await;
                match adopt(newcomer, &account, &self.directory.teams) {
                    Work::Patch(correction) => return Taken::Adopt(correction),
                    Work::Impossible(reason) => outcome(Verdict::Failed).because(reason),
                    _ => Outcome::new(Verdict::Unchanged)
                        .status(200)
                        .user(account.id),
                }
            }
            _ => outcome(Verdict::Exists),
        };
        Taken::Settled(outcome)
    }

    /// A row that has failed since its email is taken, with words on where.
    async fn refused(&self, newcomer: &Newcomer, holder: Option<User>, words: &str) -> Outcome {
        let failed = Outcome::new(Verdict::Failed).status(409);
        let holder = match holder {
            Some(account) => Some(Holder::Account(Box::new(account))),
            // The row has failed, whatever comes of this question.
            None => {
                let asked = self.directory.people.taken_by(&newcomer.email).await;
                asked.ok().flatten()
            }
        };
        match holder {
            None => failed.because(words),
            Some(Holder::Account(account)) => failed
                .user(account.id)
                .because(format!("{words}; {EXISTS_HERE}")),
            Some(Holder::Several { ids }) => failed.because(format!(
                "{words}; the node has {} accounts of this email: {}",
                ids.len(),
                ids.join(", ")
            )),
            Some(Holder::Nobody | Holder::SomeoneElse { .. }) => {
                failed.because(format!("{words}; {}", elsewhere(newcomer)))
            }
        }
    }

    /// The account that has a newcomer's email, or what becomes of the row.
    async fn who_has(&self, newcomer: &Newcomer, words: &str) -> Result<User, Outcome> {
        let holder = self.directory.people.find_now(&newcomer.email).await;
        match holder.map_err(|error| self.not_found_out(&error))?.value {
            Holder::Account(account) => Ok(*account),
            Holder::Nobody | Holder::SomeoneElse { .. } => Err(Outcome::new(Verdict::Failed)
                .status(409)
                .because(format!("{words}; {}", elsewhere(newcomer)))),
            Holder::Several { ids } => Err(impossible(&Impossible::Several { ids }).status(409)),
        }
    }

    /// The same in a rehearsal, where the account is known.
    pub(super) fn would_be_taken(
        &self,
        newcomer: &Newcomer,
        account: &User,
        repeats: bool,
    ) -> Result<Work, Outcome> {
        let outcome = |verdict| Outcome::new(verdict).status(409).user(account.id.clone());
        match self.settings.on_conflict {
            _ if repeats => Err(outcome(Verdict::Exists)),
            OnConflict::Skip => Err(outcome(Verdict::Exists)),
            OnConflict::Update => Ok(adopt(newcomer, account, &self.directory.teams)),
            OnConflict::Fail => Err(outcome(Verdict::Failed).because(EXISTS_HERE)),
        }
    }
}

/// Why a create is refused although nobody on the node has the email.
fn elsewhere(newcomer: &Newcomer) -> &'static str {
    if newcomer.external_id.is_some() {
        "nobody on this node has this email, so it belongs to another node or tenant, or the external id is taken"
    } else {
        "nobody on this node has this email, so it belongs to another node or tenant"
    }
}
