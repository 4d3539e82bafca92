//! Who would lose access, whether that is in proportion, and whether somebody agrees to it.

use std::fmt;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::node_job::PreparedNode;
use super::origin::RowsOrigin;
use super::{Exit, Job, JobError, caller, telling_waits, unless_stopped};
use crate::directory::AccountLookup;
use crate::guard::{Distinct, Harm, LockLimit, allowed};
use crate::plan::{self, AccountPatch, Impossible, PlannedOperation};
use crate::report::grouped;
use crate::roster::{Action, Ask, Change, InputSummary};
use crate::run::{Assignment, OnConflict, PriorState};

/// What a row takes from an account.
enum Loss {
    Lock { id: String },
    Delete { id: String, is_active: bool },
}

impl Job {
    /// Finds out from how many people of each node access would be taken, and refuses what is out of
    /// proportion. The file alone tells how many it can be at the most; only where that is too many, or
    /// would make a wrong question, people are looked up.
    pub(super) async fn assess(&self, prepared: &mut [PreparedNode]) -> Result<(), JobError> {
        let is_alone = prepared.len() == 1;
        for each in prepared {
            let stop = each.node_job.stop.clone();
            let name = each.node.name.clone();
            let assessed = async {
                let assessed = self.assess_node(each).await;
                assessed.map_err(|error| if is_alone { error } else { error.about(&name) })
            };
            let assessed = telling_waits(&*self.caller, || stop.pace(), assessed);
            unless_stopped(&stop, assessed).await?;
        }
        Ok(())
    }

    async fn assess_node(&self, prepared: &mut PreparedNode) -> Result<(), JobError> {
        if let Some(limit) = self.recorded_limit(prepared) {
            prepared.lock_limit = Some(limit);
            return Ok(());
        }
        let said = self.spec.options.allow_locks;
        let summary = &prepared.node_job.summary;
        let most = self.most_harm(summary);
        let active = if most.needs_count(said) {
            Some(prepared.directory.people.count_active().await?)
        } else {
            None
        };
        prepared.lock_limit = Some(LockLimit::AtMost(allowed(active, said)));
        // A run that goes on was agreed to when it began.
        if self.origin.is_resumed() {
            return Ok(());
        }
        let may_be_new = summary.inactive_upserts + self.locking_creates(summary) > 0;
        // Where everyone is listed, a question with the right numbers costs no call.
        let is_worth_it = may_be_new || prepared.directory.people.is_listed();
        let asks = self.asks(prepared) && !most.is_nothing();
        prepared.harm = if most.check(active, said).is_err() || (asks && is_worth_it) {
            self.planned_harm(prepared).await?
        } else {
            most
        };
        if prepared.harm.is_nothing() && said.is_none() && self.asks(prepared) {
            prepared.lock_limit = Some(LockLimit::NoneAgreed);
        }
        let checked = prepared.harm.check(active, said);
        checked.map_err(|refused| JobError::new(Exit::Guard, refused))
    }

    /// From how many people a run that goes on may take access: as it was when it began, unless the command line says
    /// otherwise now.
    fn recorded_limit(&self, prepared: &PreparedNode) -> Option<LockLimit> {
        let RowsOrigin::Resumed(earlier) = &self.origin else {
            return None;
        };
        let address = prepared.node_job.destination.address();
        let mut nodes = earlier.record.about().nodes.iter();
        let limit = nodes
            .find(|node| node.identity.address == address)?
            .allowed_locks?;
        let is_overruled = match limit {
            LockLimit::AtMost(_) => self.spec.options.allow_locks.is_some(),
            LockLimit::NoneAgreed => {
                self.spec.options.allow_locks.is_some() || self.spec.options.yes
            }
        };
        (!is_overruled).then_some(limit)
    }

    /// The most that the rows can do, whatever the node holds.
    fn most_harm(&self, summary: &InputSummary) -> Harm {
        Harm::at_most(summary, self.spec.import.on_conflict == OnConflict::Update)
    }

    /// How many creates lock an account if there is one.
    fn locking_creates(&self, summary: &InputSummary) -> u64 {
        match self.spec.import.on_conflict {
            OnConflict::Update => summary.inactive_creates,
            OnConflict::Fail | OnConflict::Skip => 0,
        }
    }

    /// How many creates [`assess`](Self::assess) may have to look up.
    pub(super) fn creates_to_look_up(&self, summary: &InputSummary) -> u64 {
        let said = self.spec.options.allow_locks;
        let is_harmless =
            self.spec.options.yes && self.most_harm(summary).check(None, said).is_ok();
        if is_harmless || self.origin.is_resumed() {
            return 0;
        }
        self.locking_creates(summary)
    }

    /// What the rows would do to the accounts that there are, each counted once.
    async fn planned_harm(&self, prepared: &PreparedNode) -> Result<Harm, JobError> {
        let rows = self
            .origin
            .assignments(&prepared.node_job.roster, &self.spec.file)?;
        let summary = &prepared.node_job.summary;
        let harmful = rows.filter_map(|row| match row {
            Ok(Assignment { entry, prior_state }) => {
                let change = entry.change.ok()?;
                let is_open = !matches!(prior_state, PriorState::Settled(_));
                let counts = is_open && !summary.rejected.contains(&entry.number);
                (counts && self.may_take_access(&change)).then_some(Ok(change))
            }
            Err(error) => Some(Err(JobError::unexpected(error))),
        });
        let mut losses = stream::iter(harmful)
            .map(async |change| self.loss(prepared, &change?).await)
            .buffer_unordered(prepared.node_job.destination.concurrency.max(1));
        let (mut harm, mut people) = (Harm::default(), Distinct::default());
        while let Some(loss) = losses.try_next().await? {
            match loss {
                Some(Loss::Lock { id }) if people.add(&id) => harm.add_lock(),
                Some(Loss::Delete { id, is_active }) if people.add(&id) => {
                    harm.add_delete(is_active);
                }
                _ => {}
            }
        }
        Ok(harm)
    }

    fn may_take_access(&self, change: &Change) -> bool {
        match &change.ask {
            Ask::Create(new_account) => {
                self.spec.import.on_conflict == OnConflict::Update
                    && new_account.active == Some(false)
            }
            _ => change.takes_access(),
        }
    }

    /// What a row takes from whom.
    async fn loss(
        &self,
        prepared: &PreparedNode,
        change: &Change,
    ) -> Result<Option<Loss>, JobError> {
        let directory = &prepared.directory;
        let lookup = directory.people.find(&change.person).await?;
        let planned = match (&change.ask, &lookup) {
            (Ask::Create(new_account), AccountLookup::Account(account)) => {
                plan::adopt(new_account, account, &directory.teams)
            }
            (Ask::Create(_), _) => return Ok(None),
            _ => plan::plan(change, &lookup, &directory.teams),
        };
        let account = match lookup {
            AccountLookup::Account(account) => Some(account),
            _ => None,
        };
        let email = account.as_ref().and_then(|user| user.user_name());
        let is_protected = |id: &str| {
            prepared
                .node_job
                .destination
                .protected
                .recognises(id, email)
        };
        Ok(match planned {
            PlannedOperation::Patch(account_patch) if account_patch.locks() => {
                let AccountPatch { before, .. } = *account_patch;
                (!is_protected(&before.id)).then_some(Loss::Lock { id: before.id })
            }
            PlannedOperation::Delete { id } if !is_protected(&id) => Some(Loss::Delete {
                is_active: account.is_some_and(|account| account.active != Some(false)),
                id,
            }),
            // An earlier row may make the account, or give it its email.
            PlannedOperation::Impossible(
                Impossible::Nobody(_) | Impossible::SomeoneElse { .. },
            ) if may_be_met_later(&prepared.node_job.summary) => {
                let person = &change.person;
                let id = person.id().map(|id| id.as_str().to_owned());
                let email = person.email().map(ToString::to_string);
                id.or(email).map(|id| Loss::Lock { id })
            }
            _ => None,
        })
    }

    /// Whether somebody is to be asked before people of this node lose access.
    fn asks(&self, prepared: &PreparedNode) -> bool {
        !self.spec.options.yes && !prepared.node_job.destination.is_sandbox()
    }

    /// Asks before people lose their access, for each node.
    pub(super) async fn confirm(&self, prepared: &[PreparedNode]) -> Result<(), JobError> {
        for each in prepared {
            let (node, harm) = (&each.node.name, each.harm);
            if harm.is_nothing() || !self.asks(each) {
                continue;
            }
            if !self.can_ask() {
                return Err(nowhere_to_ask(&harm, node));
            }
            let question = match each.directory.people.counts() {
                Some((_, active)) if harm.are_all_losses() && harm.losses() <= active => {
                    format!("{harm} of {} active users on {node}?", grouped(active))
                }
                // Some are locked already, or are made by this run, or may be.
                Some((_, active)) => format!(
                    "{harm} on {node}, which has {} active users?",
                    grouped(active)
                ),
                None => format!("{harm} on {node}?"),
            };
            caller::confirm(&self.caller, question).await?;
        }
        Ok(())
    }
}

/// There is nobody to ask, so it is not done.
pub fn nowhere_to_ask(what: &impl fmt::Display, node: &str) -> JobError {
    JobError::usage(format_args!(
        "this would {what} on {node}, and there is no terminal to ask at; nothing was sent. Add --yes to go on without asking."
    ))
}

/// Whether a file may make or rename an account and take its access in a later row.
fn may_be_met_later(summary: &InputSummary) -> bool {
    let made = summary.by_action(Action::Create) + summary.by_action(Action::Upsert);
    (summary.recurring && made > 0) || summary.renames > 0
}
