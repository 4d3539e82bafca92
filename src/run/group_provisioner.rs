//! Teams and roles that are made while rows are carried out: with the rows that need them, in bulk
//! requests, or else by a call of their own.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Mutex;

use crate::directory::{Directory, Teams};
use crate::scim::{Client, Error};
use crate::teams::{self, NotCreated};

/// Makes each group once.
#[derive(Debug)]
pub(super) struct GroupProvisioner {
    directory: Arc<Directory>,
    /// Why one could not be made, by its placeholder. Whoever makes one holds this.
    failed: Mutex<HashMap<String, NotCreated>>,
    /// Whether a bulk request has failed to make a group.
    alone: AtomicBool,
    /// Whether a group may have been made without anybody having heard of it.
    in_doubt: AtomicBool,
}

impl GroupProvisioner {
    pub(super) fn new(directory: Arc<Directory>) -> Self {
        GroupProvisioner {
            directory,
            failed: Mutex::new(HashMap::new()),
            alone: AtomicBool::new(false),
            in_doubt: AtomicBool::new(false),
        }
    }

    pub(super) fn teams(&self) -> &Teams {
        &self.directory.teams
    }

    /// Groups may be there without anybody having heard of it, if `doubtful`.
    pub(super) fn doubt(&self, doubtful: bool) {
        self.in_doubt.fetch_or(doubtful, Ordering::Relaxed);
    }

    /// From now on, groups are made by calls of their own.
    pub(super) fn make_alone(&self) {
        self.alone.store(true, Ordering::Relaxed);
    }

    /// Whether groups are made by calls of their own, and not together with the rows that need them.
    pub(super) fn makes_alone(&self) -> bool {
        self.alone.load(Ordering::Relaxed) || self.is_in_doubt()
    }

    /// Whether it has to be looked first before a group is made.
    fn is_in_doubt(&self) -> bool {
        self.in_doubt.load(Ordering::Relaxed)
    }

    /// Makes the group of a placeholder, unless somebody has.
    pub(super) async fn create(&self, client: &Arc<Client>, stand_in: &str) -> Result<(), Error> {
        let mut failed = self.failed.lock().await;
        let teams = self.teams();
        if !teams.awaits(stand_in) {
            return Ok(());
        }
        let name = teams.name(stand_in);
        if !failed.contains_key(stand_in) {
            let made = if self.is_in_doubt() {
                teams::find_or_create(client, name).await
            } else {
                teams::create(client, name).await
            };
            match made {
                Ok(id) => {
                    teams.set_created(stand_in, id);
                    return Ok(());
                }
                Err(why) => {
                    failed.insert(stand_in.to_owned(), why);
                }
            }
        }
        let why = &failed[stand_in];
        Err(match why.hopeless() {
            Some(error) => error.clone(),
            None => Error::Unmet(format!("{name:?} could not be created: {why}")),
        })
    }
}
