//! Versions of resources, for nodes that let a resource be changed only by whoever knows how it is now
//! (RFC 7644, section 3.14; RFC 6585, section 3).

use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::header::{ETAG, HeaderMap, HeaderValue};
use tracing::info;

use super::error::Error;
use super::loose::Object;

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

    /// Whether a refusal of a change that was sent with a version speaks against versions.
    pub(super) fn are_useless(&self) -> bool {
        self.useless.load(Ordering::Relaxed)
    }

    /// A change was sent with a version; `needed` says whether that was known to be needed.
    pub(super) fn learn<T>(&self, sent: &Result<T, Error>, needed: bool) {
        match sent {
            Ok(_) if !needed => {
                info!("the node changes only what the caller knows the version of");
                self.needed.store(true, Ordering::Relaxed);
            }
            Err(Error::Refused(refusal)) if refusal.speaks_of_versions() => {
                self.useless.store(true, Ordering::Relaxed);
            }
            _ => {}
        }
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
