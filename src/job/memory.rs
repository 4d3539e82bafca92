//! The rates that nodes were found to allow, kept between runs in the state folder. They only help: whatever is wrong with
//! the file, a run begins as if there were none.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tracing::debug;

use crate::transport::LearnedRates;

/// What is older is not believed any more.
const FORGET_AFTER: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The paces of nodes, by their addresses.
#[derive(Debug)]
pub struct Memory {
    path: PathBuf,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    learned: LearnedRates,
    at: Timestamp,
}

type Entries = BTreeMap<String, Entry>;

impl Memory {
    /// The one in the state folder.
    pub fn within(folder: &Path) -> Self {
        Memory {
            path: folder.join("pace.json"),
        }
    }

    /// What was found out about the node at this address.
    pub fn of(&self, address: &str) -> LearnedRates {
        self.read()
            .remove(address)
            .map(|entry| entry.learned)
            .unwrap_or_default()
    }

    /// Keeps what was found out; nothing, where the node has no limit any more.
    pub fn keep(&self, address: &str, learned: LearnedRates) {
        let mut entries = self.read();
        let known = entries.remove(address).is_some();
        if learned.is_empty() && !known {
            return;
        }
        if !learned.is_empty() {
            let at = Timestamp::now();
            entries.insert(address.to_owned(), Entry { learned, at });
        }
        if let Err(error) = self.write(&entries) {
            debug!(%error, path = %self.path.display(), "the pace cannot be kept");
        }
    }

    fn read(&self) -> Entries {
        let mut entries: Entries = fs::read(&self.path)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let now = Timestamp::now();
        entries.retain(|_, entry| {
            let age = now.duration_since(entry.at);
            !age.is_negative() && age < FORGET_AFTER
        });
        entries
    }

    /// Whole or not at all, and for its owner only, as temporary files are.
    fn write(&self, entries: &Entries) -> std::io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&serde_json::to_vec_pretty(entries)?)?;
        file.persist(&self.path)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(rate: f64) -> LearnedRates {
        let learned = serde_json::json!({"rate": rate, "calls": 100});
        serde_json::from_value(serde_json::json!([null, learned, null, null])).unwrap()
    }

    #[test]
    fn what_was_found_out_is_there_next_time_and_is_the_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::within(folder.path());
        assert!(memory.of("http://a").is_empty());
        memory.keep("http://a", LearnedRates::default());
        assert!(!memory.path.exists());
        memory.keep("http://a", learned(3.0));
        memory.keep("http://b", learned(5.0));
        assert_eq!(memory.of("http://a"), learned(3.0));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&memory.path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        memory.keep("http://a", LearnedRates::default());
        assert!(memory.of("http://a").is_empty());
        assert_eq!(memory.of("http://b"), learned(5.0));
    }

    #[test]
    fn what_is_old_or_damaged_counts_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::within(folder.path());
        for text in [
            r#"{"http://a":{"learned":[null,{"rate":3.0,"calls":100},null,null],"at":"2020-01-01T00:00:00Z"}}"#,
            r#"{"http://a":{"learned":[null,{"rate":3.0,"calls":100},null,null],"at":"2120-01-01T00:00:00Z"}}"#,
            r#"{"http://a":{"learned":[null,3.0,null,null],"at":"2026-11-30T00:00:00Z"}}"#,
            r#"{"http://a":{"learnt":[null,3.0,null,null],"at":"2026-11-30T00:00:00Z"}}"#,
            "{",
        ] {
            fs::write(&memory.path, text).unwrap();
            assert!(memory.of("http://a").is_empty(), "{text}");
        }
    }
}
