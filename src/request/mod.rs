//! One call as it stands, for the curious: its body checked before it is sent, its answer made
//! readable, and the same call written for a shell.
//!
//! Nothing here sends anything: that is [`scim::Client::ask`](crate::scim::Client::ask). Nothing here
//! knows what a call means.

mod curl;
mod json;

use std::path::PathBuf;

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName};

pub use curl::{CurlBody, CurlWay, curl};
pub use json::pretty;

/// Where a body comes from: the text itself, `@file`, or `@-` for standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// The text itself.
    Text(String),
    /// A file.
    File(PathBuf),
    /// Standard input.
    StandardInput,
}

/// A body that is not sent.
#[derive(Debug, thiserror::Error)]
pub enum BadData {
    /// It cannot be read.
    #[error("the body cannot be read from {from}: {source}")]
    Unreadable {
        /// Where from.
        from: String,
        /// Why.
        source: std::io::Error,
    },
    /// It is not text.
    #[error("{0} is not JSON: it is not text in UTF-8")]
    NotText(String),
    /// It is not JSON.
    #[error("{from} is not JSON: {error}; nothing was sent")]
    NotJson {
        /// Where from.
        from: String,
        /// What is wrong, with line and column.
        error: serde_json::Error,
    },
}

impl From<&str> for Data {
    fn from(text: &str) -> Self {
        match text.strip_prefix('@') {
            None => Data::Text(text.to_owned()),
            Some("-") => Data::StandardInput,
            Some(path) => Data::File(path.into()),
        }
    }
}

impl Data {
    /// Reads the body and sees that it is JSON. It is sent as it was written, but for a byte order
    /// mark.
    ///
    /// # Errors
    /// When it cannot be read or is not JSON.
    pub fn read(&self) -> Result<Bytes, BadData> {
        let (from, bytes) = match self {
            Data::Text(text) => ("--data".to_owned(), Ok(text.clone().into_bytes())),
            Data::File(path) => (path.display().to_string(), std::fs::read(path)),
            Data::StandardInput => {
                let mut bytes = Vec::new();
                let read = std::io::Read::read_to_end(&mut std::io::stdin().lock(), &mut bytes);
                ("standard input".to_owned(), read.map(|_| bytes))
            }
        };
        let bytes = match bytes {
            Ok(bytes) => bytes,
            Err(source) => return Err(BadData::Unreadable { from, source }),
        };
        let text = std::str::from_utf8(&bytes).map_err(|_| BadData::NotText(from.clone()))?;
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        json::check(text).map_err(|error| BadData::NotJson { from, error })?;
        Ok(Bytes::copy_from_slice(text.as_bytes()))
    }
}

/// Header fields that say something about a call, as they are written.
const TELLING: [&str; 6] = [
    "Content-Type",
    "Date",
    "ETag",
    "Location",
    "Retry-After",
    "WWW-Authenticate",
];

/// The header fields worth showing, one a line.
#[must_use]
pub fn telling(headers: &HeaderMap) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = |name: &str, value: &[u8]| {
        lines.push(format!("{name}: {}", String::from_utf8_lossy(value)));
    };
    for name in TELLING {
        for value in headers.get_all(name) {
            line(name, value.as_bytes());
        }
    }
    let is_limit = |name: &HeaderName| {
        let name = name.as_str();
        name.strip_prefix("x-")
            .unwrap_or(name)
            .starts_with("ratelimit")
    };
    for (name, value) in headers.iter().filter(|(name, _)| is_limit(name)) {
        line(name.as_str(), value.as_bytes());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_checked_and_left_as_it_is() {
        let read = |text: &str| Data::from(text).read();
        assert_eq!(
            read("{ \"a\" : 1.0 }\n").unwrap(),
            "{ \"a\" : 1.0 }\n".as_bytes()
        );
        let error = read("{\n  \"a\": nope }").unwrap_err().to_string();
        assert!(error.contains("line 2 column 9"), "{error}");
        assert!(read("").is_err());
        assert!(read("{} {}").is_err());
        let missing = read("@no-such-file.json").unwrap_err().to_string();
        assert!(missing.contains("no-such-file.json"), "{missing}");
    }

    #[test]
    fn a_file_may_begin_with_a_byte_order_mark() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("body.json");
        std::fs::write(&path, "\u{FEFF}{}").unwrap();
        assert_eq!(Data::File(path.clone()).read().unwrap(), "{}".as_bytes());
        std::fs::write(&path, b"\"\xFF\"").unwrap();
        assert!(matches!(Data::File(path).read(), Err(BadData::NotText(_))));
    }

    #[test]
    fn limits_are_told_by_any_of_their_names() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("set-cookie", "a=b"),
            ("x-ratelimit-remaining", "3"),
            ("ratelimit", "\"default\";r=3"),
            ("etag", "W/\"1\""),
        ] {
            headers.insert(HeaderName::from_static(name), value.parse().unwrap());
        }
        let mut lines = telling(&headers);
        assert_eq!(lines.remove(0), "ETag: W/\"1\"");
        lines.sort();
        assert_eq!(
            lines,
            ["ratelimit: \"default\";r=3", "x-ratelimit-remaining: 3"]
        );
    }
}
