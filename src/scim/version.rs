//! Versions of resources, for nodes that let a resource be changed only by whoever knows how it is now
//! (RFC 7644, section 3.14; RFC 6585, section 3).

use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::Method;
use reqwest::header::{ETAG, HeaderMap, HeaderValue};
use tracing::info;

use super::client::{Client, LONGEST_PAGE, Reply};
use super::error::Error;
use super::lenient::Object;
use super::resource::Resource;
use crate::pace::Call;
use crate::pace::Repeat;

/// How often a change is sent anew after somebody else was faster. Each time somebody got theirs through, so that
/// many who change one resource at once all come to their turn; who loses more often than that has met something
/// else.
pub const OVERTAKEN: usize = 8;

/// Whether the node insists on versions.
#[derive(Debug, Default)]
pub(super) struct Versions {
    needed: AtomicBool,
    /// It refused a change in spite of its version: it means something else by its refusal.
    useless: AtomicBool,
}

/// The version of a resource: `meta.version`, or else that of the answer that it came in.
pub(super) fn version(headers: &HeaderMap, said: Option<&str>) -> Option<HeaderValue> {
    let tag = || headers.get(ETAG).cloned();
    match said {
        Some(said) if said.ends_with('"') => HeaderValue::from_str(said).ok(),
        Some(said) => tag().or_else(|| HeaderValue::from_str(&format!("\"{said}\"")).ok()),
        None => tag(),
    }
}

/// `meta.version` of a resource.
pub(super) fn version_said(resource: &mut Object) -> Option<String> {
    resource.object("meta")?.text("version")
}

impl Versions {
    pub(super) fn are_needed(&self) -> bool {
        self.needed.load(Ordering::Relaxed)
    }
}

impl Client {
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
            let may_be_needed = || !needed && !self.versions.useless.load(Ordering::Relaxed);
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
            self.learn(&sent, needed);
        }
        match sent {
            Ok(reply) => Ok(Reply {
                attempts: reply.attempts + earlier,
                ..reply
            }),
            Err(error) => Err(error),
        }
    }

    fn learn<T>(&self, sent: &Result<T, Error>, needed: bool) {
        match sent {
            Ok(_) if !needed => {
                info!("the node changes only what the caller knows the version of");
                self.versions.needed.store(true, Ordering::Relaxed);
            }
            Err(Error::Refused(refusal)) if refusal.speaks_of_versions() => {
                self.versions.useless.store(true, Ordering::Relaxed);
            }
            _ => {}
        }
    }

    async fn version_of<R: Resource>(&self, id: &str) -> Result<Option<HeaderValue>, Error> {
        let mut call = self.call(Method::GET, &[R::ENDPOINT, id], Repeat::Safe)?;
        call.longest_answer = LONGEST_PAGE;
        let read = |body: &[u8]| Some(version_said(&mut Object::parse(body)?));
        let answer = self.line.send(&call, read).await?;
        Ok(match &answer.content {
            Ok(said) => version(&answer.headers, said.as_deref()),
            Err(_) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_what_the_resource_says_or_the_answer() {
        let mut headers = HeaderMap::new();
        let of = |headers: &HeaderMap, said| {
            let found = version(headers, said);
            found.map(|version| version.to_str().unwrap().to_owned())
        };
        assert_eq!(of(&headers, None), None);
        assert_eq!(of(&headers, Some("7")).as_deref(), Some("\"7\""));
        headers.insert(ETAG, HeaderValue::from_static("W/\"a\""));
        assert_eq!(of(&headers, None).as_deref(), Some("W/\"a\""));
        let said = of(&headers, Some("W/\"b\""));
        assert_eq!(said.as_deref(), Some("W/\"b\""));
        assert_eq!(of(&headers, Some("7")).as_deref(), Some("W/\"a\""));
    }
}
