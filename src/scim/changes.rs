//! Changes of resources that are there, put to a node in the way that it takes: the form of a PATCH, and the version
//! of what is changed.

use std::borrow::Cow;

use reqwest::Method;
use reqwest::header::HeaderValue;

use super::client::{Client, LONGEST_PAGE, with_body};
use super::error::{Error, Refusal};
use super::loose::Object;
use super::message::Patch;
use super::patching::Form;
use super::reply::Reply;
use super::resource::{Group, Resource, User};
use super::version::{OVERTAKEN, version, version_said};
use crate::transport::{Call, Idempotency};

/// A change of which nothing, or only a part, was carried out.
struct PartialPatch {
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
            Err(PartialPatch {
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
                Err(PartialPatch {
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
    ) -> Result<Reply<Option<R>>, PartialPatch> {
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
                    return Err(PartialPatch { done, error });
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
        let mut call = self.call(Method::PATCH, &[R::ENDPOINT, id], Idempotency::Safe)?;
        call.longest_answer = LONGEST_PAGE;
        self.change(id, with_body(call, patch)).await
    }

    /// `DELETE /Users/{id}`. A node may lock the account instead of destroying it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn delete_user(&self, id: &str) -> Result<Reply<Option<User>>, Error> {
        let call = self.call(Method::DELETE, &[User::ENDPOINT, id], Idempotency::Safe)?;
        self.change(id, call).await
    }

    /// `DELETE /Groups/{id}`, as under "Deleting a team" on the provider's page (RFC 7644, section
    /// 3.6).
    ///
    /// # Errors
    /// 404 when there is no such group, also when an earlier attempt has deleted it; see [`Error`].
    pub async fn delete_group(&self, id: &str) -> Result<Reply<Option<Group>>, Error> {
        let call = self.call(Method::DELETE, &[Group::ENDPOINT, id], Idempotency::Safe)?;
        self.change(id, call).await
    }

    /// Sends a change of the resource with this id, under the condition that the resource is as it was
    /// last read, where the node insists on that (428, or 412).
    pub(super) async fn change<R: Resource>(
        &self,
        id: &str,
        mut call: Call,
    ) -> Result<Reply<Option<R>>, Error> {
        let needed = self.versions.are_needed();
        if needed {
            call.if_match = self.version_of::<R>(id).await?;
        }
        let mut sent = self.changed(call.clone()).await;
        let mut earlier = 0;
        for _ in 0..OVERTAKEN {
            let Err(Error::Refused(refusal)) = &sent else {
                break;
            };
            let may_be_needed = || !needed && !self.versions.are_useless();
            let wants = refusal.status == 412 || (refusal.speaks_of_versions() && may_be_needed());
            if !wants {
                break;
            }
            earlier += refusal.attempts;
            let now = self.version_of::<R>(id).await?;
            if now.is_none() || now == call.if_match {
                break;
            }
            call.if_match = now;
            sent = self.changed(call.clone()).await;
            self.versions.learn(&sent, needed);
        }
        match sent {
            Ok(reply) => Ok(Reply {
                attempts: reply.attempts + earlier,
                ..reply
            }),
            Err(error) => Err(error),
        }
    }

    async fn version_of<R: Resource>(&self, id: &str) -> Result<Option<HeaderValue>, Error> {
        let mut call = self.call(Method::GET, &[R::ENDPOINT, id], Idempotency::Safe)?;
        call.longest_answer = LONGEST_PAGE;
        let read = |body: &[u8]| Some(version_said(&mut Object::parse(body)?));
        let answer = self.transport.send(&call, read).await?;
        Ok(match &answer.content {
            Ok(said) => version(&answer.headers, said.as_deref()),
            Err(_) => None,
        })
    }
}
