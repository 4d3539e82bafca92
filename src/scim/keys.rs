//! Which resources of a list have come, in as little memory as that takes.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

/// Which resources came: of each a key, made of its id with a secret of this process, so that no node can choose ids
/// that meet in one place.
#[derive(Debug, Default)]
pub(super) struct Keys(HashTable<u64>);

impl Keys {
    /// Whether it is new.
    pub(super) fn insert(&mut self, key: u64) -> bool {
        // A key is its own hash.
        match self.0.entry(key, |known| *known == key, |known| *known) {
            Entry::Occupied(_) => false,
            Entry::Vacant(place) => {
                place.insert(key);
                true
            }
        }
    }

    /// Whether it was there, and now is there no more.
    pub(super) fn remove(&mut self, key: u64) -> bool {
        let found = self.0.find_entry(key, |known| *known == key);
        found.is_ok_and(|place| {
            place.remove();
            true
        })
    }

    pub(super) fn append(&mut self, other: Keys) {
        for key in other.0 {
            self.insert(key);
        }
    }

    pub(super) fn len(&self) -> u64 {
        self.0.len() as u64
    }
}
