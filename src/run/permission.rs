//! Whether a 403 is about the token or about one account only.
//!
//! A node may protect some accounts, or take no email of some domain, and says 403 to that as it does to a token that may not
//! change anything. Where changes of the same kind came through before, it is the row that is refused; several refusals
//! in a row are about the token all the same: it may have been taken back meanwhile.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// What may be allowed and refused apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Create,
    Change,
    Delete,
    Members,
}

impl Kind {
    /// So many in a row are about the token. A batch of members that is refused is halved: one person in it makes for
    /// several refusals.
    fn most(self) -> u32 {
        match self {
            Kind::Members => 10,
            _ => 3,
        }
    }
}

/// What came of the calls of one kind.
#[derive(Debug, Default)]
struct Record {
    given: AtomicBool,
    refused: AtomicU32,
}

/// What the node has allowed so far in a run.
#[derive(Debug, Default)]
pub(super) struct Permissions([Record; 4]);

impl Permissions {
    fn record(&self, kind: Kind) -> &Record {
        &self.0[kind as usize]
    }

    /// A call of this kind was carried out.
    pub(super) fn given(&self, kind: Kind) {
        let record = self.record(kind);
        record.given.store(true, Ordering::Relaxed);
        record.refused.store(0, Ordering::Relaxed);
    }

    /// One was refused. Says whether it is about this one only.
    pub(super) fn refused(&self, kind: Kind) -> bool {
        let record = self.record(kind);
        let in_a_row = record.refused.fetch_add(1, Ordering::Relaxed) + 1;
        record.given.load(Ordering::Relaxed) && in_a_row < kind.most()
    }

    /// Whether any call of this kind was carried out.
    pub(super) fn has_given(&self, kind: Kind) -> bool {
        self.record(kind).given.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_about_one_account_between_others_that_are_carried_out() {
        let permissions = Permissions::default();
        let refused = || permissions.refused(Kind::Change);
        assert!(!refused(), "nothing was carried out yet");
        permissions.given(Kind::Create);
        assert!(!refused(), "other kinds tell nothing");
        permissions.given(Kind::Change);
        assert!(refused() && refused());
        permissions.given(Kind::Change);
        assert!(refused() && refused());
        assert!(!refused(), "the token was taken back");
    }
}
