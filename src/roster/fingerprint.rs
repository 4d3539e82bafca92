//! A row in 49 bytes: enough to see that two rows name the same person and whether they agree.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::action::Action;
use super::change::{AccountUpdate, Ask, Change, Edit, GroupKind, GroupName, NewAccount};
use super::column::Column;
use super::person::{Person, UserId};
use crate::attribute::Attribute;

/// What is compared beside the free texts. Teams count for new accounts only.
const OTHERS: [Column; 4] = [
    Column::Active,
    Column::NewEmail,
    Column::Teams,
    Column::Roles,
];

/// How many columns are compared.
pub(super) const FIELDS: usize = Attribute::FREE_TEXTS.len() + OTHERS.len();

/// The place of the new email among them.
const NEW_EMAIL: usize = Attribute::FREE_TEXTS.len() + 1;

/// The column of a field.
pub(super) fn column_of(field: usize) -> Column {
    let texts = Attribute::FREE_TEXTS.into_iter().map(Column::from);
    texts.chain(OTHERS).nth(field).expect("one of the fields")
}

/// The fields of a row: free texts, then the others.
fn fields(text: impl FnMut(Attribute) -> u32, others: [u32; OTHERS.len()]) -> [u32; FIELDS] {
    let mut all = Attribute::FREE_TEXTS.into_iter().map(text).chain(others);
    std::array::from_fn(|_| all.next().unwrap_or_default())
}

/// What stands for a row. Ordered by person, then action, then row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fingerprint {
    /// The person.
    pub(super) key: u64,
    /// What is asked for.
    pub(super) action: u8,
    /// Where.
    pub(super) row: u64,
    /// The contents, 0 where the row says nothing.
    pub(super) fields: [u32; FIELDS],
}

/// The action of a fingerprint that says "this person gets this email".
const CLAIMS_EMAIL: u8 = u8::MAX;

/// The action of a row that is done with: it agrees with all others.
const SETTLED: u8 = u8::MAX - 1;

/// Bytes of one in a file.
pub(super) const SIZE: usize = 8 + 1 + 8 + 4 * FIELDS;

impl Fingerprint {
    /// All fingerprints of a row: one for each way it names its person, so that it meets every row
    /// that names the person in one of them, and one for a new email.
    pub(super) fn all_of(change: &Change, row: u64) -> impl Iterator<Item = Self> {
        let asked = Self::asked(change, row);
        let person = &change.person;
        let about = |key| asked.about(key);
        let by_email = person
            .email()
            .map(|email| about(key_of_email(&email.folded())));
        let by_id = person.id().map(|id| about(key_of_id(id)));
        [by_email, by_id, Self::claim(change, row)]
            .into_iter()
            .flatten()
    }

    /// The same for a row that is done with since an earlier run.
    pub(super) fn settled(self) -> Self {
        Fingerprint {
            action: SETTLED,
            fields: [0; FIELDS],
            ..self
        }
    }

    /// Whether it stands for a row that is done with.
    pub(super) fn is_settled(&self) -> bool {
        self.action == SETTLED
    }

    fn about(self, key: u64) -> Self {
        Fingerprint { key, ..self }
    }

    /// What a row asks for, without the person.
    fn asked(change: &Change, row: u64) -> Self {
        let fields = match &change.ask {
            Ask::Create(new_account) => newcomer_fields(new_account),
            Ask::Revise(update) | Ask::CreateOrRevise(_, update) => revision_fields(update),
            Ask::Delete => [0; FIELDS],
        };
        Fingerprint {
            key: 0,
            action: change.action as u8,
            row,
            fields,
        }
    }

    /// That somebody gets a new email, if the row says so.
    fn claim(change: &Change, row: u64) -> Option<Self> {
        let email = change.new_email()?;
        let mut fields = [0; FIELDS];
        // In the place of the column that a problem is to name.
        fields[NEW_EMAIL] = small(&person(&change.person));
        Some(Fingerprint {
            key: key_of_email(&email.folded()),
            action: CLAIMS_EMAIL,
            row,
            fields,
        })
    }

    /// Whether it stands for a new email.
    pub(super) fn is_claim(&self) -> bool {
        self.action == CLAIMS_EMAIL
    }

    /// Whether it stands for a new account.
    pub(super) fn is_create(&self) -> bool {
        self.action == Action::Create as u8
    }

    pub(super) fn to_bytes(self) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        bytes[..8].copy_from_slice(&self.key.to_le_bytes());
        bytes[8] = self.action;
        bytes[9..17].copy_from_slice(&self.row.to_le_bytes());
        for (to, field) in bytes[17..].chunks_exact_mut(4).zip(self.fields) {
            to.copy_from_slice(&field.to_le_bytes());
        }
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8; SIZE]) -> Self {
        let long = |at: usize| {
            let mut long = [0; 8];
            long.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(long)
        };
        let mut fields = [0; FIELDS];
        for (field, from) in fields.iter_mut().zip(bytes[17..].as_chunks::<4>().0) {
            *field = u32::from_le_bytes(*from);
        }
        Fingerprint {
            key: long(0),
            action: bytes[8],
            row: long(9),
            fields,
        }
    }
}

fn newcomer_fields(new_account: &NewAccount) -> [u32; FIELDS] {
    let texts = &new_account.texts;
    // A display name that follows from the names is not a difference of its own.
    let names = [Attribute::GivenName, Attribute::FamilyName]
        .map(|name| texts.get(name).unwrap_or_default());
    let follows = texts.get(Attribute::DisplayName) == Some(names.join(" ").trim());
    let text = |attribute| match attribute {
        Attribute::DisplayName if follows => 0,
        attribute => texts[attribute].as_ref().map_or(0, small),
    };
    let groups = |kind| {
        let mut groups: Vec<&GroupName> = new_account.join.iter().collect();
        groups.retain(|group| group.kind == kind);
        groups.sort_unstable();
        if groups.is_empty() { 0 } else { small(&groups) }
    };
    let others = [
        new_account.active.as_ref().map_or(0, small),
        0,
        groups(GroupKind::Team),
        groups(GroupKind::Role),
    ];
    fields(text, others)
}

fn revision_fields(update: &AccountUpdate) -> [u32; FIELDS] {
    let edit = |attribute| match &update.attributes[attribute] {
        Edit::Keep => 0,
        Edit::Clear => small(&"<clear>"),
        Edit::Set(text) => small(text),
    };
    let new_email = update.new_email.as_ref();
    let others = [
        update.active.as_ref().map_or(0, small),
        new_email.map_or(0, |email| small(&email.folded())),
        0,
        0,
    ];
    fields(edit, others)
}

fn person(person: &Person) -> u64 {
    match person {
        Person::Email(email) | Person::Both { email, .. } => key_of_email(&email.folded()),
        Person::Id(id) => key_of_id(id),
    }
}

fn key_of_id(id: &UserId) -> u64 {
    hash(&("id", id.folded()))
}

fn key_of_email(folded: &str) -> u64 {
    hash(&("email", folded))
}

fn hash(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// Never 0, which stands for "nothing".
fn small(of: &impl Hash) -> u32 {
    let hash = hash(of);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the other half is folded in"
    )]
    let folded = (hash ^ (hash >> 32)) as u32;
    folded.max(1)
}
