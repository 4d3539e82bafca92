//! Flags of how calls get to a node: whom to trust, through which proxy, how patiently.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use serde::{Deserialize, Serialize};

use crate::cli::Failure;
use crate::pace::{Authorities, HttpVersion, ProxyChoice};
use crate::request::CurlWay;
use crate::settings::{Config, Explained, Layers, Named, Profile};

/// How long a connection may take to be made, unless somebody says otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How calls get to a node. A ledger keeps it, without the user name and password of a proxy.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
pub(in crate::cli) struct NetworkArgs {
    /// Trust these certificate authorities (PEM) beside those of this machine
    #[arg(long, value_name = "FILE", env = "HEADCOUNT_CA_CERT")]
    ca_cert: Option<PathBuf>,
    /// Call through this proxy, http://HOST:PORT or socks5h://…, or none; else as `HTTPS_PROXY` and `NO_PROXY` say
    #[arg(long, value_name = "URL|none", value_parser = ProxyParser, env = "HEADCOUNT_PROXY", hide_env_values = true)]
    proxy: Option<ProxyChoice>,
    /// How long a connection may take to be made, in seconds; 10 unless given, and no more than half of
    /// --timeout
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=Profile::CONNECT_TIMEOUT), env = "HEADCOUNT_CONNECT_TIMEOUT")]
    connect_timeout: Option<u64>,
    /// The version of HTTP: auto is HTTP/2 where the node offers it; 1.1 for something in between that cannot cope
    #[arg(
        long,
        value_enum,
        value_name = "auto|1.1",
        hide_possible_values = true,
        env = "HEADCOUNT_HTTP_VERSION"
    )]
    http_version: Option<HttpVersion>,
}

/// Reads a proxy's address, and never shows what it could not read: there may be a password in it.
#[derive(Debug, Clone)]
struct ProxyParser;

impl TypedValueParser for ProxyParser {
    type Value = ProxyChoice;

    fn parse_ref(
        &self,
        command: &clap::Command,
        _: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<ProxyChoice, clap::Error> {
        let read = value.to_str().unwrap_or_default().parse();
        read.map_err(|error: crate::pace::BadProxy| {
            let words = format!("--proxy (or HEADCOUNT_PROXY): {error}\n");
            clap::Error::raw(ErrorKind::ValueValidation, words).with_cmd(command)
        })
    }
}

/// How calls get to a node, whoever said so.
#[derive(Debug, Clone, Default)]
pub(in crate::cli) struct Network {
    ca_cert: Option<PathBuf>,
    pub(in crate::cli) proxy: Option<ProxyChoice>,
    connect_timeout: Option<Duration>,
    pub(in crate::cli) http_version: HttpVersion,
}

impl NetworkArgs {
    /// The same with what an earlier run was told, where nothing else is said.
    pub(in crate::cli) fn or(self, earlier: Self) -> Self {
        NetworkArgs {
            ca_cert: self.ca_cert.or(earlier.ca_cert),
            proxy: self.proxy.or(earlier.proxy),
            connect_timeout: self.connect_timeout.or(earlier.connect_timeout),
            http_version: self.http_version.or(earlier.http_version),
        }
    }

    /// The same for another working directory.
    pub(in crate::cli) fn anywhere(&self) -> Self {
        let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        NetworkArgs {
            ca_cert: self.ca_cert.as_ref().map(absolute),
            ..self.clone()
        }
    }

    /// What the flags say, and a profile where they do not.
    pub(in crate::cli) fn with(&self, profile: Option<(&Config, &Profile)>) -> Network {
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

impl NetworkArgs {
    /// Adds who said what; the password of a proxy is not shown.
    pub(in crate::cli) fn explain(&self, layers: &Layers<'_>, shown: &mut Explained) {
        let path = |path: &PathBuf| path.display().to_string();
        let of_profile = |profile: &Profile| {
            let Named { config, .. } = layers.profile?;
            config.ca_cert_of(profile).as_ref().map(path)
        };
        let ca_cert = self.ca_cert.as_ref().map(path);
        shown.say_if("ca_cert", layers.settle("ca_cert", ca_cert, of_profile));
        let proxy = layers.settle("proxy", self.proxy.clone(), |profile| profile.proxy.clone());
        shown.say_if("proxy", proxy);
        let seconds = layers.settle("connect_timeout", self.connect_timeout, |profile| {
            profile.connect_timeout
        });
        let seconds = seconds.map(|setting| setting.map(|seconds| format!("{seconds} s")));
        shown.say_if("connect_timeout", seconds);
        let version = layers.settle("http_version", self.http_version, |_| None);
        let word = |version: HttpVersion| {
            let value = clap::ValueEnum::to_possible_value(&version);
            value.map_or(String::new(), |value| value.get_name().to_owned())
        };
        shown.say_if("http_version", version.map(|setting| setting.map(word)));
    }
}

impl Network {
    /// How `curl` is told the same.
    pub(in crate::cli) fn for_curl(&self) -> CurlWay<'_> {
        CurlWay {
            ca_cert: self.ca_cert.as_deref(),
            proxy: self.proxy.as_ref(),
        }
    }

    /// Whom to trust beside the authorities of the platform.
    pub(in crate::cli) fn authorities(&self) -> Result<Authorities, Failure> {
        let Some(path) = &self.ca_cert else {
            return Ok(Authorities::default());
        };
        Authorities::read(path).map_err(Failure::usage)
    }

    /// How long a connection may take where a call may take `timeout`. Unless somebody says so it is less: a call that
    /// is given up while it connects would count as one that may have been carried out.
    pub(in crate::cli) fn connect_timeout(&self, timeout: Duration) -> Duration {
        self.connect_timeout
            .unwrap_or_else(|| CONNECT_TIMEOUT.min(timeout / 2))
    }
}
