//! Flags of how calls get to a node: whom to trust, through which proxy, how patiently.

use std::path::PathBuf;

use clap::Args;
use clap::builder::TypedValueParser;
use clap::error::ErrorKind;

use crate::job::NetworkRef;
use crate::settings::Profile;
use crate::transport::{HttpVersion, ProxyChoice};

/// How calls get to a node.
#[derive(Debug, Clone, Args)]
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
        read.map_err(|error: crate::transport::BadProxy| {
            let words = format!("--proxy (or HEADCOUNT_PROXY): {error}\n");
            clap::Error::raw(ErrorKind::ValueValidation, words).with_cmd(command)
        })
    }
}

impl NetworkArgs {
    /// The same for a job.
    pub(super) fn to_ref(&self) -> NetworkRef {
        NetworkRef {
            ca_cert: self.ca_cert.clone(),
            proxy: self.proxy.clone(),
            connect_timeout: self.connect_timeout,
            http_version: self.http_version,
        }
    }
}
