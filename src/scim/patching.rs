//! How a PATCH is put to a node (RFC 7644, section 3.5.2), as far as the whole of it is concerned.
//!
//! Most nodes take it as the RFC has it. Some were made for one caller and know `Replace` with a capital letter only, and
//! some take one operation at a time. What a node says of that is the only sign: it is asked in the other ways where it
//! refuses a PATCH and speaks of operations.

use std::sync::atomic::{AtomicBool, Ordering};

use tracing::info;

use super::error::Refusal;

/// How the operations of a PATCH are written and sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    /// `Replace` instead of `replace`.
    pub(super) capital: bool,
    /// Each in a call of its own.
    pub(super) apart: bool,
}

/// The form that a node takes, as far as that is known.
#[derive(Debug, Default)]
pub(super) struct Patching {
    capital: AtomicBool,
    apart: AtomicBool,
    /// Whether it has taken any PATCH: then it knows how operations are written.
    taken: AtomicBool,
}

impl Patching {
    pub(super) fn form(&self) -> Form {
        Form {
            capital: self.capital.load(Ordering::Relaxed),
            apart: self.apart.load(Ordering::Relaxed),
        }
    }

    pub(super) fn learn(&self, form: Form) {
        if form != self.form() {
            info!(?form, "the node takes a PATCH in another form");
            self.capital.store(form.capital, Ordering::Relaxed);
            self.apart.store(form.apart, Ordering::Relaxed);
        }
        self.taken.store(true, Ordering::Relaxed);
    }

    /// What else may be tried after this refusal of one form. Somebody may have found out meanwhile.
    pub(super) fn others(&self, tried: Form, refusal: &Refusal, operations: usize) -> Vec<Form> {
        let usual = self.form();
        let is_written = self.taken.load(Ordering::Relaxed);
        let may_be_many = operations > 1 && refusal.speaks_of_many_operations();
        let forms = [(true, false), (false, true), (true, true)];
        let forms = forms.map(|(capital, apart)| Form { capital, apart });
        let may_help = |form: &Form| {
            *form != usual
                && (form.capital == usual.capital || !is_written)
                && (form.apart == usual.apart || may_be_many)
        };
        let others = forms.into_iter().filter(may_help);
        let all = std::iter::once(usual).chain(others);
        all.filter(|form| *form != tried).collect()
    }
}
