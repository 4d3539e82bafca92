//! How a PATCH is put to a node (RFC 7644, section 3.5.2), as far as the whole of it is concerned.
//!
//! Most nodes take it as the RFC has it. Some were made for one caller and know `Replace` with a capital letter only, and
//! some take one operation at a time. What a node says of that is the only sign: it is asked in the other ways where it
//! refuses a PATCH and speaks of operations.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::Method;
use tracing::info;

use super::client::{Client, LONGEST_PAGE, Reply, with_body};
use super::error::{Error, Refusal};
use super::message::Patch;
use super::resource::{Group, Resource, User};
use crate::pace::Repeat;

/// How the operations of a PATCH are written and sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Form {
    /// `Replace` instead of `replace`.
    capital: bool,
    /// Each in a call of its own.
    apart: bool,
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
    fn form(&self) -> Form {
        Form {
            capital: self.capital.load(Ordering::Relaxed),
            apart: self.apart.load(Ordering::Relaxed),
        }
    }

    fn learn(&self, form: Form) {
        if form != self.form() {
            info!(?form, "the node takes a PATCH in another form");
            self.capital.store(form.capital, Ordering::Relaxed);
            self.apart.store(form.apart, Ordering::Relaxed);
        }
        self.taken.store(true, Ordering::Relaxed);
    }

    /// What else may be tried after this refusal of one form. Somebody may have found out meanwhile.
    fn others(&self, tried: Form, refusal: &Refusal, operations: usize) -> Vec<Form> {
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

/// A change of which nothing, or only a part, was carried out.
struct Undone {
    done: usize,
    error: Error,
}

impl Client {
    /// `PATCH /Users/{id}`.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn patch_user(&self, id: &str, patch: &Patch) -> Result<Reply<Option<User>>, Error> {
        self.patch(id, patch).await
    }

    /// `PATCH /Groups/{id}`. The group need not come back: it may have many members.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn patch_group(
        &self,
        id: &str,
        patch: &Patch,
    ) -> Result<Reply<Option<Group>>, Error> {
        self.patch(id, patch).await
    }

    /// A PATCH as the node is known to want it in a bulk request; nothing if it has to go in several calls.
    #[must_use]
    pub fn in_one<'p>(&self, patch: &'p Patch) -> Option<Cow<'p, Patch>> {
        let Form { capital, apart } = self.patching.form();
        (!apart || patch.operations.len() < 2).then(|| patch.written(capital))
    }

    async fn patch<R: Resource>(&self, id: &str, patch: &Patch) -> Result<Reply<Option<R>>, Error> {
        let usual = self.patching.form();
        let refusal = match self.patch_in(usual, id, patch).await {
            Ok(reply) => {
                self.patching.learn(usual);
                return Ok(reply);
            }
            Err(Undone {
                done: 0,
                error: Error::Refused(refusal),
            }) if refusal.speaks_of_operations() => refusal,
            Err(undone) => return Err(undone.error),
        };
        let mut attempts = refusal.attempts;
        for form in self
            .patching
            .others(usual, &refusal, patch.operations.len())
        {
            match self.patch_in(form, id, patch).await {
                Ok(reply) => {
                    self.patching.learn(form);
                    return Ok(Reply {
                        attempts: reply.attempts + attempts,
                        ..reply
                    });
                }
                Err(Undone {
                    done: 0,
                    error: Error::Refused(other),
                }) if other.is_about_form() => attempts += other.attempts,
                Err(undone) => return Err(undone.error.after(attempts, false)),
            }
        }
        Err(Error::Refused(Refusal {
            attempts,
            ..refusal
        }))
    }

    async fn patch_in<R: Resource>(
        &self,
        form: Form,
        id: &str,
        patch: &Patch,
    ) -> Result<Reply<Option<R>>, Undone> {
        let patch = patch.written(form.capital);
        let all = patch.operations.len();
        let in_one = if form.apart { 1 } else { all.max(1) };
        let (mut done, mut attempts) = (0, 0);
        loop {
            let part = if in_one >= all {
                Cow::Borrowed(&*patch)
            } else {
                Cow::Owned(Patch::new(vec![patch.operations[done].clone()]))
            };
            match self.patch_once(id, &part).await {
                Ok(reply) if done + in_one >= all => {
                    return Ok(Reply {
                        attempts: reply.attempts + attempts,
                        ..reply
                    });
                }
                Ok(reply) => attempts += reply.attempts,
                Err(error) => {
                    let error = error.after(attempts, false).after_some(done, all);
                    return Err(Undone { done, error });
                }
            }
            done += in_one;
        }
    }

    async fn patch_once<R: Resource>(
        &self,
        id: &str,
        patch: &Patch,
    ) -> Result<Reply<Option<R>>, Error> {
        let mut call = self.call(Method::PATCH, &[R::ENDPOINT, id], Repeat::Safe)?;
        call.longest_answer = LONGEST_PAGE;
        self.change(id, with_body(call, patch)).await
    }
}
