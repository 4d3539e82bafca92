//! One call as it stands: sent once, answered with whatever comes. For looking at a node.

use std::time::Duration;

use bytes::Bytes;
use percent_encoding::percent_decode_str;
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode, Version};
use url::Url;

use super::client::{Client, LONGEST_PAGE, class, parse};
use super::error::Refusal;
use super::loose::Object;
use super::message::{Page, detail};
use super::page_start::PageStart;
use super::resource::Resource;
use crate::transport::Idempotency;
use crate::transport::{Call, Class, Fault, RawResponse};

/// A place below a node's address, with a query. It cannot lead anywhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestTarget {
    /// Not percent-encoded.
    segments: Vec<String>,
    /// A query as somebody wrote it, percent-encoded where need be.
    written: Option<String>,
    /// Names and values, not percent-encoded.
    pairs: Vec<(String, String)>,
}

/// A path that is none below the node's address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRequestTarget {
    /// A whole address.
    #[error(
        "{0:?} is a whole address; give the path below the node's, such as /Users: the token is sent to no host but the node's"
    )]
    Elsewhere(String),
    /// `.` or `..`, however written.
    #[error("{0:?} leads out of the node's address; . and .. cannot be part of a path here")]
    Climbing(String),
    /// Two slashes side by side, or nothing at all.
    #[error("{0:?} has an empty part; a path looks like /Users or /Users/123")]
    Empty(String),
    /// Percent-encoded bytes that are no text.
    #[error("{0:?} is not text in UTF-8 once its %-sequences are decoded")]
    NotText(String),
}

impl RequestTarget {
    /// A path of these parts, which are not percent-encoded.
    #[must_use]
    pub fn new(segments: &[&str]) -> Self {
        RequestTarget {
            segments: segments.iter().map(|&segment| segment.into()).collect(),
            written: None,
            pairs: Vec::new(),
        }
    }

    /// Reads a path as it stands in an address, with or without a slash in front and a query
    /// behind.
    ///
    /// # Errors
    /// When it leads anywhere but below the node's address.
    pub fn read(text: &str) -> Result<Self, BadRequestTarget> {
        let (path, written) = match text.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (text, None),
        };
        if path.contains("://") || path.starts_with("//") {
            return Err(BadRequestTarget::Elsewhere(text.to_owned()));
        }
        let trimmed = path.strip_prefix('/').unwrap_or(path);
        let trimmed = trimmed.strip_suffix('/').unwrap_or(trimmed);
        let mut segments = Vec::new();
        if path != "/" {
            for part in trimmed.split('/') {
                let part = percent_decode_str(part)
                    .decode_utf8()
                    .map_err(|_| BadRequestTarget::NotText(text.to_owned()))?;
                match &*part {
                    "" => return Err(BadRequestTarget::Empty(text.to_owned())),
                    // A server may take a backslash, or a second round of decoding, for a way up.
                    part if climbs(part) => {
                        return Err(BadRequestTarget::Climbing(text.to_owned()));
                    }
                    part => segments.push(part.to_owned()),
                }
            }
        }
        Ok(RequestTarget {
            segments,
            written,
            pairs: Vec::new(),
        })
    }

    /// The same with a parameter more, not percent-encoded.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.pairs.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same for the page of a list that begins there.
    #[must_use]
    pub fn at(self, page_start: &PageStart) -> Self {
        let (name, value) = page_start.parameter();
        self.with(name, &value)
    }

    /// The whole address on the node at `base`.
    #[must_use]
    pub fn on(&self, base: &Url) -> Url {
        let mut url = base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(&self.segments);
        }
        url.set_query(self.written.as_deref());
        if !self.pairs.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.pairs);
        }
        url
    }
}

fn climbs(part: &str) -> bool {
    let decoded = percent_decode_str(part).decode_utf8_lossy();
    decoded
        .split(['/', '\\'])
        .any(|part| matches!(part, "." | ".."))
}

/// What a node answered, whatever it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raw {
    /// The status code.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// How long it took.
    pub took: Duration,
    /// The version of HTTP.
    pub version: Version,
}

impl Raw {
    /// The body as a page of a list, if it is one.
    #[must_use]
    pub fn page<R: Resource>(&self) -> Option<Page<R>> {
        Page::parse(&self.body)
    }

    /// The body as one resource, if it is one.
    #[must_use]
    pub fn resource<R: Resource>(&self) -> Option<R> {
        parse(&self.body)
    }

    /// The answer as the node's no.
    #[must_use]
    pub fn refusal(&self) -> Refusal {
        Refusal {
            status: self.status.as_u16(),
            detail: detail(&self.body),
            scim_type: Object::parse(&self.body).and_then(|mut body| body.text("scimType")),
            attempts: 1,
            doubtful: false,
            put_off: false,
        }
    }
}

impl Client {
    /// Sends one call once, and gives whatever is answered.
    ///
    /// # Errors
    /// When no whole answer comes.
    pub async fn ask(
        &self,
        method: Method,
        target: &RequestTarget,
        body: Option<Bytes>,
    ) -> Result<Raw, Fault> {
        let url = target.on(&self.base);
        let below = url
            .path()
            .strip_prefix(self.base.path())
            .unwrap_or_default();
        let endpoint = below.split('/').find(|part| !part.is_empty());
        let class = class(&method, endpoint);
        let call = Call {
            // It may be a list.
            gzip: class == Class::Read,
            class,
            if_match: None,
            method,
            url,
            body,
            idempotency: Idempotency::LookFirst,
            longest_answer: LONGEST_PAGE,
            parts: 1,
            withdrawn: None,
        };
        let RawResponse {
            status,
            headers,
            body,
            took,
            version,
        } = self.transport.ask(&call).await?;
        Ok(Raw {
            status,
            headers,
            body,
            took,
            version,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(text: &str) -> String {
        let base = Url::parse("https://keepersecurity.eu/api/rest/scim/v2/12").unwrap();
        let url = RequestTarget::read(text).unwrap().on(&base);
        url.as_str()
            .strip_prefix(base.as_str())
            .expect("below the base")
            .to_owned()
    }

    #[test]
    fn paths_are_taken_as_they_stand_in_an_address() {
        for (written, sent) in [
            ("/", ""),
            ("/Users", "/Users"),
            ("Users/", "/Users"),
            ("Users/123?count=5", "/Users/123?count=5"),
            ("/Users/a%2Fb", "/Users/a%2Fb"),
            ("/Users/a b", "/Users/a%20b"),
            (
                "Schemas/urn:ietf:params:scim:schemas:core:2.0:User",
                "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User",
            ),
            ("Users?filter=id+eq+%221%22", "/Users?filter=id+eq+%221%22"),
            (
                r#"Users?filter=id eq "1""#,
                "/Users?filter=id%20eq%20%221%22",
            ),
            ("Users?next=https://x/..", "/Users?next=https://x/.."),
        ] {
            assert_eq!(on(written), sent, "{written}");
        }
        let target = RequestTarget::read("Users?count=2").unwrap();
        let base = Url::parse("http://localhost/v2/").unwrap();
        let url = target
            .with("filter", r#"userName eq "a+b@x.com""#)
            .on(&base);
        assert_eq!(
            url.as_str(),
            "http://localhost/v2/Users?count=2&filter=userName+eq+%22a%2Bb%40x.com%22"
        );
    }

    #[test]
    fn no_path_leads_anywhere_else() {
        for path in [
            "https://example.com/Users",
            "//example.com/Users",
            "/../Users",
            "Users/..",
            "./Users",
            "Users/%2e%2E/x",
            "Users/%252e%252e/x",
            "Users/..\\x",
            "Users/..%2Fx",
            "Users//1",
            "",
            "Users/%FF",
        ] {
            assert!(RequestTarget::read(path).is_err(), "{path}");
        }
    }
}
