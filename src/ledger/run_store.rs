//! Where the records of runs stand: the state directory.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use sha2::{Digest, Sha256};

use super::about::{About, RunKind};
use super::carried::Carried;
use super::chain::Chain;
use super::lock::{LockGuard, acquire_lock, acquire_lock_patiently, is_locked};
use super::run_id::RunId;
use super::run_record::RunRecord;
use super::{LedgerError, recovery};
use crate::private;

/// The folder with the records of all runs.
#[derive(Debug, Clone)]
pub struct RunStore {
    dir: PathBuf,
}

impl RunStore {
    /// The one in `dir`, or at the platform's place. It need not be there yet.
    ///
    /// # Errors
    /// When the platform knows no such place.
    pub fn at(dir: Option<&Path>) -> Result<Self, LedgerError> {
        let dir = match dir {
            Some(dir) => std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned()),
            None => {
                let places = directories::ProjectDirs::from("", "", "headcount");
                let places = places.ok_or(LedgerError::NoPlace)?;
                let state = places.state_dir().unwrap_or(places.data_local_dir());
                state.to_owned()
            }
        };
        Ok(RunStore { dir })
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn path(&self, id: &RunId) -> PathBuf {
        self.dir.join("runs").join(format!("{id}.db"))
    }

    fn lock_path(&self, id: &RunId) -> PathBuf {
        self.dir.join("runs").join(format!("{id}.lock"))
    }

    /// Begins the record of a run, with a copy of its input and the rows that it takes over from the run that it retries.
    ///
    /// # Errors
    /// When it cannot be written, or the rows cannot be read.
    pub fn begin(
        &self,
        about: &About,
        input: impl Read,
        carried: impl Iterator<Item = Result<Carried, LedgerError>>,
    ) -> Result<RunRecord, LedgerError> {
        let runs = self.dir.join("runs");
        private::folder(&runs).map_err(LedgerError::io(&runs))?;
        // Whatever the clock says: runs are in order by their names.
        let latest = self.runs()?.first().and_then(RunId::begun);
        let mut begun = match latest {
            Some(latest) if latest >= about.begun => latest + SignedDuration::from_millis(1),
            _ => about.begun,
        };
        let (id, lock) = loop {
            let id = RunId::new(begun);
            match self.take(&id, acquire_lock) {
                Ok(lock) if !self.path(&id).exists() => break (id, lock),
                Err(error) if !matches!(error, LedgerError::Busy(_)) => return Err(error),
                // Another one began in the same moment.
                _ => begun += SignedDuration::from_millis(1),
            }
        };
        RunRecord::begin(id.clone(), &self.path(&id), lock, about, input, carried)
    }

    fn take(
        &self,
        id: &RunId,
        by: fn(&Path, &str) -> io::Result<Result<LockGuard, String>>,
    ) -> Result<LockGuard, LedgerError> {
        let path = self.lock_path(id);
        let who = format!("process {}", std::process::id());
        let held = by(&path, &who).map_err(LedgerError::io(&path))?;
        held.map_err(|_| LedgerError::Busy(id.clone()))
    }

    /// The record of a run, to be gone on with. If it is damaged, what can be read of it is copied
    /// into a new one; then `true`.
    ///
    /// # Errors
    /// When another process writes it, or nothing can be read of it.
    pub fn open(&self, id: &RunId) -> Result<(RunRecord, bool), LedgerError> {
        let lock = self.take(id, acquire_lock_patiently)?;
        recovery::open(id.clone(), &self.path(id), lock)
    }

    /// The record of a run, to be read only; it may be still going.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self, id: &RunId) -> Result<RunRecord, LedgerError> {
        RunRecord::read(id.clone(), &self.path(id))
    }

    /// The record of a run, to be read only. A damaged one is recovered first, as far as that is possible; then `true`.
    ///
    /// # Errors
    /// When nothing can be read of it, or another process writes it.
    pub fn recover(&self, id: &RunId) -> Result<(RunRecord, bool), LedgerError> {
        match self
            .read(id)
            .and_then(|record| record.look_over().map(|()| record))
        {
            Ok(record) => Ok((record, false)),
            Err(error) if self.is_going(id) => Err(error),
            Err(_) => {
                let (record, is_recovered) = self.open(id)?;
                Ok((record.reader()?, is_recovered))
            }
        }
    }

    /// A run and all retries of it and of these, the oldest first.
    ///
    /// # Errors
    /// When the records of the run, or of a retry of it, cannot be read.
    pub fn chain(&self, id: &RunId) -> Result<Chain, LedgerError> {
        let mut chain = Chain::of(self.read(id)?);
        // A retry begins after the run that it retries.
        let mut newer = self.runs()?;
        newer.retain(|run| run > id);
        for run in newer.into_iter().rev() {
            if let Ok(record) = self.read(&run) {
                chain.extend(record);
            }
        }
        Ok(chain)
    }

    /// The run that a run retries, and that this one retries, and so on; itself if it retries none that is known.
    ///
    /// # Errors
    /// When the record of the run cannot be read.
    pub fn first_of(&self, id: &RunId) -> Result<RunId, LedgerError> {
        let mut first = id.clone();
        let mut record = self.read(id)?;
        while let Some(of) = record.about().retries() {
            let of = RunId(of.to_owned());
            match self.read(&of) {
                Ok(earlier) if of < first => (first, record) = (of, earlier),
                _ => break,
            }
        }
        Ok(first)
    }

    /// The latest undo of a run that has changed something.
    ///
    /// # Errors
    /// When the records cannot be listed.
    pub fn undone_by(&self, id: &RunId) -> Result<Option<RunId>, LedgerError> {
        for run in self.runs()?.into_iter().take_while(|run| run > id) {
            let Ok(record) = self.read(&run) else {
                continue;
            };
            let is_undo = matches!(&record.about().kind, RunKind::Undo { of } if of == id.as_str());
            if is_undo && record.counts()?.sent > 0 {
                return Ok(Some(run));
            }
        }
        Ok(None)
    }

    /// The latest retry of a run, or of a retry of it.
    ///
    /// # Errors
    /// When the record of the run cannot be read.
    pub fn retry_of(&self, id: &RunId) -> Result<Option<RunId>, LedgerError> {
        let latest = self.chain(id)?.latest().id().clone();
        Ok((latest != *id).then_some(latest))
    }

    /// Whether a process is writing the record of a run.
    #[must_use]
    pub fn is_going(&self, id: &RunId) -> bool {
        is_locked(&self.lock_path(id))
    }

    /// All runs, the newest first.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn runs(&self) -> Result<Vec<RunId>, LedgerError> {
        let runs = self.dir.join("runs");
        let failed = LedgerError::io(&runs);
        let entries = match fs::read_dir(&runs) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        let mut ids = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".db"));
            ids.extend(id.map(|id| RunId(id.to_owned())));
        }
        ids.sort_unstable();
        ids.reverse();
        Ok(ids)
    }

    /// The run of a name, of which the beginning or the end is enough if no other has it.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub fn find(&self, name: &str) -> Result<RunId, LedgerError> {
        let mut alike = self.runs()?;
        alike.retain(|id| id.0.starts_with(name) || id.0.ends_with(name));
        if let Some(exact) = alike.iter().find(|id| id.0 == name) {
            return Ok(exact.clone());
        }
        match alike.as_slice() {
            [one] => Ok(one.clone()),
            [] => Err(LedgerError::Unknown(format!(
                "there is no run {name:?} in {}; headcount runs list shows those that there are",
                self.dir.display()
            ))),
            several => Err(LedgerError::Unknown(format!(
                "{name:?} is the name of {} runs: {}",
                several.len(),
                several
                    .iter()
                    .map(RunId::as_str)
                    .collect::<Vec<_>>()
                    .join(", ")
            ))),
        }
    }

    /// Takes a record that cannot be read out of the way, and says what it is called now.
    ///
    /// # Errors
    /// When it is being written, or cannot be renamed.
    pub fn set_aside(&self, id: &RunId) -> Result<PathBuf, LedgerError> {
        let _lock = self.take(id, acquire_lock_patiently)?;
        let (path, aside) = (self.path(id), self.path(id).with_extension("damaged"));
        fs::rename(&path, &aside).map_err(LedgerError::io(&path))?;
        Ok(aside)
    }

    /// Removes the record of a run.
    ///
    /// # Errors
    /// When it is being written, or cannot be removed.
    pub fn remove(&self, id: &RunId) -> Result<(), LedgerError> {
        let _lock = self.take(id, acquire_lock_patiently)?;
        let path = self.path(id);
        for ending in ["db-wal", "db-shm", "new", "damaged", "holder", "lock", "db"] {
            let path = path.with_extension(ending);
            match fs::remove_file(&path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(LedgerError::Io { path, source });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Takes the lock of a node, so that no other run works on it; if one does: which.
    ///
    /// # Errors
    /// When the lock cannot be taken for another reason.
    pub fn hold_node(
        &self,
        address: &str,
        who: &str,
    ) -> Result<Result<LockGuard, String>, LedgerError> {
        let digest = Sha256::digest(address.as_bytes());
        let name: String = digest[..12].iter().map(|b| format!("{b:02x}")).collect();
        let path = self.dir.join("nodes").join(format!("{name}.lock"));
        acquire_lock(&path, who).map_err(LedgerError::io(&path))
    }
}
