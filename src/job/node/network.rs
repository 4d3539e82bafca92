//! How calls get to a node: whom to trust, through which proxy, how patiently.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::JobError;
use crate::request::CurlWay;
use crate::settings::{Config, Profile};
use crate::transport::{CaCerts, HttpVersion, ProxyChoice};

/// How long a connection may take to be made by default.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What a caller says of how calls get to a node. A ledger keeps it, without the user name and password of a proxy.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NetworkRef {
    /// The file with certificate authorities (PEM) to trust beside those of the platform.
    pub ca_cert: Option<PathBuf>,
    /// The proxy, or that there is none.
    pub proxy: Option<ProxyChoice>,
    /// How long a connection may take to be made, in seconds.
    pub connect_timeout: Option<u64>,
    /// The versions of HTTP that may be used.
    pub http_version: Option<HttpVersion>,
}

impl NetworkRef {
    /// The same with what was said earlier, where nothing is said now.
    pub(super) fn or(self, earlier: Self) -> Self {
        NetworkRef {
            ca_cert: self.ca_cert.or(earlier.ca_cert),
            proxy: self.proxy.or(earlier.proxy),
            connect_timeout: self.connect_timeout.or(earlier.connect_timeout),
            http_version: self.http_version.or(earlier.http_version),
        }
    }

    /// What the caller says, and a profile where they do not.
    pub(super) fn with(&self, profile: Option<(&Config, &Profile)>) -> Network {
        let profiles = profile.map(|(_, profile)| profile);
        let ca_cert = self.ca_cert.clone();
        let seconds = self
            .connect_timeout
            .or_else(|| profiles.and_then(|profile| profile.connect_timeout));
        Network {
            ca_cert: ca_cert
                .or_else(|| profile.and_then(|(config, profile)| config.ca_cert_of(profile))),
            proxy: self
                .proxy
                .clone()
                .or_else(|| profiles.and_then(|profile| profile.proxy.clone())),
            connect_timeout: seconds.map(|seconds| Duration::from_secs(seconds.max(1))),
            http_version: self.http_version.unwrap_or_default(),
        }
    }
}

/// How calls get to a node, whoever said so.
#[derive(Debug, Clone, Default)]
pub struct Network {
    ca_cert: Option<PathBuf>,
    pub(super) proxy: Option<ProxyChoice>,
    connect_timeout: Option<Duration>,
    pub(super) http_version: HttpVersion,
}

impl Network {
    /// How `curl` is told the same.
    pub fn for_curl(&self) -> CurlWay<'_> {
        CurlWay {
            ca_cert: self.ca_cert.as_deref(),
            proxy: self.proxy.as_ref(),
        }
    }

    /// Whom to trust beside the authorities of the platform.
    pub(super) fn ca_certs(&self) -> Result<CaCerts, JobError> {
        let Some(path) = &self.ca_cert else {
            return Ok(CaCerts::default());
        };
        CaCerts::read(path).map_err(JobError::usage)
    }

    /// How long a connection may take where a call may take `timeout`. Unless the user says so it is less: a call that
    /// is given up while it connects would count as one that may have been carried out.
    pub(super) fn connect_timeout(&self, timeout: Duration) -> Duration {
        self.connect_timeout
            .unwrap_or_else(|| CONNECT_TIMEOUT.min(timeout / 2))
    }
}
