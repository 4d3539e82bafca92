//! The address of a node.

use std::fmt;

use clap::ValueEnum;
use url::Url;

use crate::transport::is_loopback;

/// A data centre of the provider, as listed at the top of its page.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Region {
    /// United States
    Us,
    /// Europe
    Eu,
    /// Australia
    Au,
    /// Japan
    Jp,
    /// Canada
    Ca,
    /// United States, government cloud
    Gov,
}

impl Region {
    /// What people write for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Region::Us => "us",
            Region::Eu => "eu",
            Region::Au => "au",
            Region::Jp => "jp",
            Region::Ca => "ca",
            Region::Gov => "gov",
        }
    }

    fn host(self) -> &'static str {
        match self {
            Region::Us => "keepersecurity.com",
            Region::Eu => "keepersecurity.eu",
            Region::Au => "keepersecurity.com.au",
            Region::Jp => "keepersecurity.jp",
            Region::Ca => "keepersecurity.ca",
            Region::Gov => "govcloud.keepersecurity.us",
        }
    }
}

/// Where a node's SCIM endpoint is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    base: Url,
}

/// An address that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    /// Neither `--url` nor both of `--region` and `--node`.
    #[error(
        "which node? Give --region us|eu|au|jp|ca|gov and --node ID, or --url with the address from the SCIM page \
         of the admin console, or --profile (or --sandbox to try things out)"
    )]
    Missing,
    /// `--region` without `--node`.
    #[error(
        "which node of that region? Give --node ID as well: it is the number at the end of the SCIM address in the admin console"
    )]
    MissingId,
    /// `--node` without `--region`.
    #[error("in which region is the node {0}? Give --region us|eu|au|jp|ca|gov as well")]
    MissingRegion(String),
    /// Not an address.
    #[error(
        "--url {url:?} is not a web address ({why}); it looks like https://keepersecurity.com/api/rest/scim/v2/1234567890"
    )]
    NotAnAddress {
        /// What was given.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// The token would travel in clear text.
    #[error(
        "--url {0:?} is not encrypted: the token would be readable on the way. Use https:// (http:// is for this machine only)"
    )]
    NotEncrypted(String),
    /// A node id that is not one.
    #[error(
        "--node {0:?} is not a node id; it is the number at the end of the SCIM address in the admin console"
    )]
    BadNodeId(String),
}

impl Node {
    /// The node with this id in a region.
    ///
    /// # Errors
    /// When the id is not made of letters, digits, `-` and `_`.
    pub fn in_region(region: Region, id: &str) -> Result<Self, NodeError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if id.is_empty() || !id.chars().all(plain) {
            return Err(NodeError::BadNodeId(id.to_owned()));
        }
        Self::at(&format!("https://{}/api/rest/scim/v2/{id}", region.host()))
    }

    /// The node whose SCIM endpoint is at `url`. A copied address of `/Users` or `/Groups` is taken
    /// for what is meant.
    ///
    /// # Errors
    /// When it is no address, or not encrypted and not on this machine.
    pub fn at(url: &str) -> Result<Self, NodeError> {
        let wrong = |why: String| NodeError::NotAnAddress {
            url: url.to_owned(),
            why,
        };
        if !url.contains("://") {
            return Err(wrong("it does not begin with https://".to_owned()));
        }
        let mut base = Url::parse(url.trim()).map_err(|error| wrong(error.to_string()))?;
        if base.cannot_be_a_base() || base.host().is_none() {
            return Err(wrong("no host in it".to_owned()));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(wrong(
                "a user name or password in it; the token comes from HEADCOUNT_TOKEN".to_owned(),
            ));
        }
        match base.scheme() {
            "https" => {}
            "http" if is_loopback(&base) => {}
            "http" => return Err(NodeError::NotEncrypted(url.to_owned())),
            scheme => return Err(wrong(format!("{scheme}:// cannot be used"))),
        }
        base.set_query(None);
        base.set_fragment(None);
        let path = base.path().trim_end_matches('/').to_owned();
        let path = path
            .strip_suffix("/Users")
            .or_else(|| path.strip_suffix("/Groups"))
            .unwrap_or(&path);
        base.set_path(path);
        Ok(Node { base })
    }

    /// The base address, without a slash at the end.
    #[must_use]
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// The node's id, as far as the address tells: its last part.
    #[must_use]
    pub fn id(&self) -> &str {
        let parts = self.base.path_segments();
        parts
            .and_then(|mut parts| parts.next_back())
            .unwrap_or_default()
    }

    /// Whether it looks like the addresses of the provider's page.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        let hosts = Region::value_variants().iter().map(|region| region.host());
        let mut path = self.base.path_segments().into_iter().flatten();
        hosts
            .into_iter()
            .any(|host| self.base.host_str() == Some(host))
            && ["api", "rest", "scim", "v2"].map(Some) == [(); 4].map(|()| path.next())
            && path.next().is_some_and(|id| !id.is_empty())
            && path.next().is_none()
    }

    /// Whether it is on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.base)
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.base.host_str().unwrap_or_default();
        let id = self.id();
        match self.base.port() {
            Some(port) => write!(f, "node {id} at {host}:{port}"),
            None => write!(f, "node {id} at {host}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_as_people_copy_them() {
        for (given, meant) in [
            (
                "https://keepersecurity.eu/api/rest/scim/v2/12/",
                "https://keepersecurity.eu/api/rest/scim/v2/12",
            ),
            (
                " https://keepersecurity.eu/api/rest/scim/v2/12/Users?count=2 ",
                "https://keepersecurity.eu/api/rest/scim/v2/12",
            ),
            ("http://127.0.0.1:8080/v2", "http://127.0.0.1:8080/v2"),
            ("http://[::1]:8080/v2/Groups", "http://[::1]:8080/v2"),
            ("http://localhost/v2", "http://localhost/v2"),
        ] {
            assert_eq!(Node::at(given).unwrap().base().as_str(), meant);
        }
    }

    #[test]
    fn the_token_never_travels_in_clear_text() {
        for url in [
            "http://keepersecurity.com/v2",
            "http://127.0.0.1.example.com/v2",
            "http://10.0.0.1/v2",
        ] {
            assert!(
                matches!(Node::at(url), Err(NodeError::NotEncrypted(_))),
                "{url}"
            );
        }
        for url in [
            "ftp://x/y",
            "keepersecurity.com",
            "keepersecurity.com:443/v2",
            "https://user:pw@keepersecurity.com/",
            "",
            "mailto:a@b.c",
        ] {
            assert!(
                matches!(Node::at(url), Err(NodeError::NotAnAddress { .. })),
                "{url}"
            );
        }
    }

    #[test]
    fn a_node_in_a_region_has_the_address_of_the_providers_page() {
        let node = Node::in_region(Region::Gov, "1234567890").unwrap();
        assert_eq!(
            node.base().as_str(),
            "https://govcloud.keepersecurity.us/api/rest/scim/v2/1234567890"
        );
        assert_eq!(
            node.to_string(),
            "node 1234567890 at govcloud.keepersecurity.us"
        );
        assert!(node.is_usual());
        assert!(Node::in_region(Region::Us, "../x").is_err());
        for unusual in [
            "https://keepersecurity.de/api/rest/scim/v2/12",
            "https://keepersecurity.eu/api/rest/scim/v2",
            "https://keepersecurity.eu/api/rest/scim/v2/12/Schemas",
            "https://keepersecurity.eu/",
        ] {
            assert!(!Node::at(unusual).unwrap().is_usual(), "{unusual}");
        }
    }
}
