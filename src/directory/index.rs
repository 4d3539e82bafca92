//! All people of a node in memory, at about a hundred bytes each.
//!
//! A record is a few length-prefixed strings in one long buffer; two tables of offsets find it by
//! email and by id, both in any case. A changed person gets a new record, the old one is left behind: a run changes
//! each person a few times at the most.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use jiff::Timestamp;

use crate::attribute::{Attribute, Attributes};
use crate::scim::{Reference, User, same_id};

/// People, found by id or by folded email.
#[derive(Debug, Default)]
pub(super) struct Index {
    records: Records,
    by_id: HashTable<usize>,
    by_email: HashTable<usize>,
    hasher: RandomState,
}

impl Index {
    /// Puts a person in, or puts the new state in place of the old one.
    pub(super) fn insert(&mut self, user: &User) {
        if let Some(former) = self.by_id(&user.id) {
            self.forget_email(&former);
        }
        let at = self.records.push(user);
        let Index {
            records,
            by_id,
            by_email,
            hasher,
        } = self;
        let id_at = |at: usize| records.field(at, ID).unwrap_or_default();
        let folded = user.id.to_ascii_lowercase();
        match by_id.find_mut(hasher.hash_one(&*folded), |at| {
            same_id(id_at(*at), &user.id)
        }) {
            Some(former) => *former = at,
            None => {
                by_id.insert_unique(hasher.hash_one(&*folded), at, |at| {
                    hasher.hash_one(&*id_at(*at).to_ascii_lowercase())
                });
            }
        }
        let Some(email) = user.user_name().map(str::to_lowercase) else {
            return;
        };
        // Two accounts may have emails that differ in case only: both are kept.
        by_email.insert_unique(hasher.hash_one(&*email), at, |at| {
            let email = records.field(*at, EMAIL).unwrap_or_default();
            hasher.hash_one(&*email.to_lowercase())
        });
    }

    /// Takes a person out.
    pub(super) fn remove(&mut self, id: &str) {
        let Some(former) = self.by_id(id) else { return };
        self.forget_email(&former);
        let Index {
            records,
            by_id,
            hasher,
            ..
        } = self;
        let is_it = |at: &usize| {
            records
                .field(*at, ID)
                .is_some_and(|other| same_id(other, id))
        };
        if let Ok(entry) = by_id.find_entry(hasher.hash_one(&*id.to_ascii_lowercase()), is_it) {
            entry.remove();
        }
    }

    fn forget_email(&mut self, former: &User) {
        let Some(email) = former.user_name().map(str::to_lowercase) else {
            return;
        };
        let Index {
            records,
            by_email,
            hasher,
            ..
        } = self;
        let found = by_email.find_entry(hasher.hash_one(&*email), |at| {
            records.field(*at, ID) == Some(&*former.id)
        });
        if let Ok(entry) = found {
            entry.remove();
        }
    }

    pub(super) fn by_id(&self, id: &str) -> Option<User> {
        Some(self.records.get(self.at_id(id)?))
    }

    fn at_id(&self, id: &str) -> Option<usize> {
        let folded = id.to_ascii_lowercase();
        let at = self.by_id.find(self.hasher.hash_one(&*folded), |at| {
            let other = self.records.field(*at, ID);
            other.is_some_and(|other| same_id(other, id))
        })?;
        Some(*at)
    }

    /// Finds by email; `folded` is in lower case. More than one where the node keeps apart what
    /// differs in case only.
    pub(super) fn by_email(&self, folded: &str) -> Vec<User> {
        let called = |at: usize| {
            self.records
                .field(at, EMAIL)
                .is_some_and(|email| email.to_lowercase() == folded)
        };
        let hits = self.by_email.iter_hash(self.hasher.hash_one(folded));
        hits.filter(|at| called(**at))
            .map(|at| self.records.get(*at))
            .collect()
    }

    /// Whether there is a person with this id.
    pub(super) fn has(&self, id: &str) -> bool {
        self.at_id(id).is_some()
    }

    /// How many people there are of those whose ids are `wanted`, and how many of them are not locked.
    pub(super) fn counts(&self, wanted: impl Fn(&str) -> bool) -> (u64, u64) {
        let (mut all, mut active) = (0, 0);
        for at in &self.by_id {
            if wanted(self.records.field(*at, ID).unwrap_or_default()) {
                all += 1;
                active += u64::from(self.records.get(*at).active != Some(false));
            }
        }
        (all, active)
    }
}

/// The records, one behind the other.
#[derive(Debug, Default)]
struct Records(Vec<u8>);

const ID: usize = 0;
const EMAIL: usize = 1 + Attribute::UserName as usize;

/// More than nearly every record needs.
const ROOM: usize = 4 << 10;

/// A time in whole seconds since 1970; 0 for none.
fn seconds(time: Option<Timestamp>) -> u32 {
    time.and_then(|time| u32::try_from(time.as_second()).ok())
        .unwrap_or_default()
}

/// Stands for "absent" where the length of a string stands.
const ABSENT: u16 = u16::MAX;

impl Records {
    fn push(&mut self, user: &User) -> usize {
        if self.0.capacity() - self.0.len() < ROOM {
            // Not by doubling: that is half a node's worth of memory for nobody.
            self.0.reserve_exact((self.0.len() / 8).max(16 * ROOM));
        }
        let at = self.0.len();
        self.push_text(Some(&user.id));
        for attribute in Attribute::all() {
            self.push_text(user.texts.get(attribute));
        }
        self.0.push(match user.active {
            None => 0,
            Some(false) => 1,
            Some(true) => 2,
        });
        self.0
            .extend_from_slice(&seconds(user.created).to_le_bytes());
        let groups = user.groups.as_deref();
        self.push_length(groups.map(<[_]>::len));
        for group in groups
            .unwrap_or_default()
            .iter()
            .take(usize::from(ABSENT - 1))
        {
            self.push_text(Some(&group.value));
        }
        at
    }

    fn push_text(&mut self, text: Option<&str>) {
        // A longer attribute than 64 KiB is cut: it is compared, never sent back.
        let text = text.map(|text| &text[..text.floor_char_boundary(usize::from(ABSENT - 1))]);
        self.push_length(text.map(str::len));
        self.0
            .extend_from_slice(text.unwrap_or_default().as_bytes());
    }

    fn push_length(&mut self, length: Option<usize>) {
        let length = length.map_or(ABSENT, |length| {
            u16::try_from(length).unwrap_or(ABSENT - 1).min(ABSENT - 1)
        });
        self.0.extend_from_slice(&length.to_le_bytes());
    }

    fn field(&self, at: usize, field: usize) -> Option<&str> {
        let mut cursor = Cursor { bytes: &self.0, at };
        for _ in 0..field {
            cursor.text();
        }
        cursor.text()
    }

    fn get(&self, at: usize) -> User {
        let mut cursor = Cursor { bytes: &self.0, at };
        let id = cursor.text().unwrap_or_default().to_owned();
        let texts = Attributes::of(|_| cursor.text().map(str::to_owned));
        let active = match cursor.byte() {
            0 => None,
            active => Some(active == 2),
        };
        let created = cursor.seconds();
        let groups = cursor.length().map(|groups| {
            let one = |_| Reference::to(cursor.text().unwrap_or_default().to_owned());
            (0..groups).map(one).collect()
        });
        User {
            id,
            texts,
            active,
            groups,
            created,
        }
    }
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn byte(&mut self) -> u8 {
        self.at += 1;
        self.bytes[self.at - 1]
    }

    fn seconds(&mut self) -> Option<Timestamp> {
        let seconds = u32::from_le_bytes(std::array::from_fn(|_| self.byte()));
        Timestamp::from_second(seconds.into())
            .ok()
            .filter(|_| seconds != 0)
    }

    fn length(&mut self) -> Option<usize> {
        let length = u16::from_le_bytes([self.byte(), self.byte()]);
        (length != ABSENT).then_some(usize::from(length))
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = self.length()?;
        let text = &self.bytes[self.at..self.at + length];
        self.at += length;
        Some(std::str::from_utf8(text).expect("only whole strings were written"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: &str, email: &str) -> User {
        User {
            id: id.into(),
            texts: Attributes::from([
                (Attribute::UserName, Some(email.into())),
                (Attribute::GivenName, Some("Zoë".into())),
            ]),
            active: Some(true),
            groups: Some(vec![Reference::to("t1".into())]),
            created: Timestamp::from_second(1_800_000_000).ok(),
        }
    }

    #[test]
    fn what_goes_in_comes_out() {
        let mut index = Index::default();
        for i in 0..1_000 {
            index.insert(&user(&i.to_string(), &format!("P{i}@Example.com")));
        }
        assert_eq!(index.by_id("17"), Some(user("17", "P17@Example.com")));
        assert_eq!(
            index.by_email("p999@example.com"),
            [user("999", "P999@Example.com")]
        );
        assert_eq!(index.by_email("p1000@example.com"), []);
        assert_eq!(index.counts(|_| true), (1_000, 1_000));
    }

    #[test]
    fn a_changed_person_is_found_in_the_new_state_only() {
        let mut index = Index::default();
        index.insert(&user("1", "ann@example.com"));
        index.insert(&User {
            active: Some(false),
            ..user("1", "ann.lee@example.com")
        });
        assert_eq!(index.by_email("ann@example.com"), []);
        assert_eq!(index.by_email("ann.lee@example.com")[0].active, Some(false));
        assert_eq!(index.counts(|_| true), (1, 0));
        index.remove("1");
        assert_eq!(index.by_id("1"), None);
        assert_eq!(index.by_email("ann.lee@example.com"), []);
    }

    #[test]
    fn accounts_that_differ_in_case_only_are_kept_apart() {
        let mut index = Index::default();
        index.insert(&user("1", "Ann@example.com"));
        index.insert(&user("2", "ann@example.com"));
        assert_eq!(index.by_email("ann@example.com").len(), 2);
        index.remove("1");
        assert_eq!(
            index.by_email("ann@example.com"),
            [user("2", "ann@example.com")]
        );
    }

    #[test]
    fn a_person_takes_about_a_hundred_bytes() {
        let mut records = Records::default();
        let at = records.push(&User {
            id: "4290574019123".into(),
            texts: Attributes::from([
                (
                    Attribute::UserName,
                    Some("firstname.lastname@example.com".into()),
                ),
                (Attribute::GivenName, Some("Firstname".into())),
                (Attribute::FamilyName, Some("Lastname".into())),
                (Attribute::DisplayName, Some("Firstname Lastname".into())),
                (Attribute::ExternalId, Some("E01234".into())),
            ]),
            active: Some(true),
            groups: None,
            created: Timestamp::from_second(1_800_000_000).ok(),
        });
        assert!(records.0.len() - at <= 110, "{}", records.0.len() - at);
    }
}
