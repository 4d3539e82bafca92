//! Why a call got no answer, in words for people who are no network engineers, and whether it was sent at all.
//!
//! What follows from that is for [`retry`](super::retry).

use std::error::Error;
use std::io;
use std::time::Duration;

use rustls::{AlertDescription, CertificateError};
use url::Url;

use super::Cause;
use super::retry::CallStatus;
use super::route::{ProxyAddress, Route, is_loopback};

/// Whom calls go to, as far as words about trouble need it.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    /// The host, with its port unless it is the usual one.
    host: String,
    route: Route,
    patience: Duration,
    is_local: bool,
}

/// A call that brought no answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    /// Whether the call got to the node.
    pub(super) sent: Sent,
    /// What happened, and what to do about it.
    pub(super) cause: Cause,
}

/// Whether a call got to the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// There was no connection.
    No,
    /// There was none, and there will not be: somebody has to mend something first.
    Never,
    /// It was on its way when the node closed the connection, which has not looked at it and will not.
    Untouched,
    /// The node has not looked at it: it takes no more calls at once.
    Refused,
    /// It may have been carried out.
    Perhaps,
}

impl From<Sent> for CallStatus {
    fn from(sent: Sent) -> Self {
        match sent {
            Sent::No | Sent::Never => CallStatus::NotSent,
            Sent::Untouched => CallStatus::Untouched,
            Sent::Refused => CallStatus::Refused,
            Sent::Perhaps => CallStatus::Lost,
        }
    }
}

impl Peer {
    pub(super) fn new(node: &Url, route: Route, patience: Duration) -> Self {
        let host = node.host_str().unwrap_or_default();
        Peer {
            host: match node.port() {
                Some(port) => format!("{host}:{port}"),
                None => host.to_owned(),
            },
            route,
            patience,
            is_local: is_loopback(node),
        }
    }

    /// What an error of the HTTP client means.
    pub(super) fn trouble(&self, error: &reqwest::Error) -> Trouble {
        if error.is_connect() || error.is_builder() {
            return self.no_connection(error);
        }
        let (sent, what) = match causes(error).find_map(not_looked_at) {
            Some(Sent::Refused) => (Sent::Refused, "it takes no more calls at once".to_owned()),
            Some(sent) => {
                let what = "it closed the connection before it looked at the call";
                (sent, what.to_owned())
            }
            None if error.is_timeout() => (Sent::Perhaps, "no answer in time".to_owned()),
            None => (Sent::Perhaps, innermost(error)),
        };
        let cause = what.into();
        Trouble { sent, cause }
    }

    fn no_connection(&self, error: &reqwest::Error) -> Trouble {
        if let Some(error) = causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>()) {
            return self.not_encrypted(error);
        }
        if let Route::Through(proxy) = &self.route
            && let Some(trouble) = self.proxy_said(proxy, error)
        {
            return trouble;
        }
        let (peer, mend) = match &self.route {
            Route::Straight if self.is_local => (
                self.host.clone(),
                "start the node on this machine, or correct the port in --url",
            ),
            Route::Straight => (
                self.host.clone(),
                "check the address (--region and --node, or --url) and this machine's network; where calls have to go \
                 through a proxy, name it with --proxy",
            ),
            Route::Through(proxy) => (format!("the proxy {proxy}"), CHECK_PROXY),
        };
        let io = causes(error).find_map(|cause| cause.downcast_ref::<io::Error>());
        let what = match io.map(io::Error::kind) {
            _ if error.is_dns() => format!("{peer} has no address that this machine can find"),
            _ if error.is_timeout() => {
                let seconds = self.patience.as_secs_f64();
                let mend = format!(
                    "{mend}; ask whether a firewall lets this machine out, or wait longer by --connect-timeout"
                );
                return no(format!("no connection to {peer} within {seconds} s"), mend);
            }
            Some(io::ErrorKind::ConnectionRefused) => format!("nobody listens at {peer}"),
            Some(io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof) => {
                format!("{peer} closed the connection while it was being made")
            }
            _ => format!("no connection to {peer}: {}", innermost(error)),
        };
        no(what, mend)
    }

    /// What went wrong between the proxy and the node, as far as the proxy tells.
    fn proxy_said(&self, proxy: &ProxyAddress, error: &reqwest::Error) -> Option<Trouble> {
        let host = &self.host;
        // The type of these errors is not public; tests/sandbox/proxy.rs sees to it that the words are still these.
        let says = |words: &str| causes(error).any(|cause| cause.to_string().contains(words));
        let wants_login = [
            "proxy authorization required",
            "user/pass authentication",
            "credentials not accepted",
        ];
        Some(if wants_login.into_iter().any(says) {
            if proxy.has_login() {
                never(
                    format!("the proxy {proxy} does not accept the user name and password"),
                    "correct them in HEADCOUNT_PROXY or HTTPS_PROXY",
                )
            } else {
                never(
                    format!("the proxy {proxy} wants a user name and password"),
                    "put them in front of its address, in HEADCOUNT_PROXY or HTTPS_PROXY: http://USER:PASSWORD@HOST:PORT",
                )
            }
        } else if says("tunnel error: unsuccessful") {
            no(
                format!("the proxy {proxy} makes no connection to {host}"),
                "check the address in --url; ask whoever runs the proxy to allow it, or go without it by --proxy none",
            )
        } else if says("tunnel error: unexpected end of file") {
            no(
                format!("{proxy} closed the connection instead of passing it on to {host}"),
                format!("is it a proxy, and one for encrypted connections? {CHECK_PROXY}"),
            )
        } else if says("SOCKS error: failed to create underlying connection") {
            no(format!("the proxy {proxy} cannot be reached"), CHECK_PROXY)
        } else if says("SOCKS error") {
            no(
                format!(
                    "the proxy {proxy} makes no connection to {host} ({})",
                    innermost(error)
                ),
                CHECK_PROXY,
            )
        } else {
            return None;
        })
    }

    /// What kept a connection from being encrypted, or from being trusted.
    fn not_encrypted(&self, error: &rustls::Error) -> Trouble {
        let host = match &self.route {
            Route::Through(proxy) if proxy.is_encrypted() => {
                format!("{} (or of the proxy {proxy})", self.host)
            }
            _ => self.host.clone(),
        };
        match error {
            rustls::Error::InvalidCertificate(error) => not_trusted(&host, error),
            rustls::Error::InvalidMessage(_) => no(
                format!("what listens at {host} does not speak TLS"),
                "check the port in --url",
            ),
            rustls::Error::PeerIncompatible(_)
            | rustls::Error::AlertReceived(AlertDescription::ProtocolVersion) => no(
                format!(
                    "{host} knows no encryption that this program does, which is TLS 1.2 and 1.3 ({error})"
                ),
                "ask whoever runs the node",
            ),
            rustls::Error::AlertReceived(AlertDescription::UnrecognisedName) => no(
                format!("there is no node of this name at {host}"),
                "check the address in --url",
            ),
            error => no(
                format!("the connection to {host} could not be encrypted ({error})"),
                "ask whoever runs the node, or the network between",
            ),
        }
    }
}

const CHECK_PROXY: &str =
    "correct --proxy (or HEADCOUNT_PROXY, HTTPS_PROXY), or go without a proxy by --proxy none";

fn not_trusted(host: &str, error: &CertificateError) -> Trouble {
    let of = format!("the certificate of {host}");
    match error {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => never(
            format!("{of} is from an authority that this machine does not trust"),
            "if that is your company's own, or that of a proxy that opens encrypted connections, get its certificate from \
             your IT and name it with --ca-cert FILE; else do not go on: somebody may be listening",
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => never(
            format!("{of} has expired"),
            "check this machine's clock; if it is right, whoever runs the node has to renew the certificate",
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => never(
            format!("{of} is not valid yet"),
            "check this machine's clock",
        ),
        CertificateError::NotValidForName => never(
            format!("{of} is for another name"),
            "check the address in --url",
        ),
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names: Vec<&str> = presented.iter().map(|name| bare(name)).collect();
            let names = match names.as_slice() {
                [] => "no name at all".to_owned(),
                names => format!("other names ({})", names.join(", ")),
            };
            never(
                format!("{of} is for {names}"),
                "use a name that it is for in --url; if the address is right, something in between answers for the node",
            )
        }
        CertificateError::Revoked => never(
            format!("{of} was revoked"),
            "do not go on, and ask whoever runs the node",
        ),
        other => {
            let why = match other {
                CertificateError::Other(error) => error.to_string(),
                other => rustls::Error::InvalidCertificate(other.clone()).to_string(),
            };
            if why.contains("CaUsedAsEndEntity") {
                return never(
                    format!("{of} is that of an authority and not of a server"),
                    "the node needs one of its own, which the authority has signed",
                );
            }
            never(
                format!("{of} cannot be used ({why})"),
                "ask whoever runs the node",
            )
        }
    }
}

/// There is no connection, but there may be one when it is tried again.
fn no(what: impl Into<String>, mend: impl Into<String>) -> Trouble {
    Trouble {
        sent: Sent::No,
        cause: Cause {
            what: what.into(),
            mend: Some(mend.into()),
        },
    }
}

/// There is no connection before somebody has mended something.
fn never(what: impl Into<String>, mend: impl Into<String>) -> Trouble {
    Trouble {
        sent: Sent::Never,
        ..no(what, mend)
    }
}

/// A name of a certificate without the kind in front: `DnsName("node.example")`.
fn bare(name: &str) -> &str {
    let inner = name.split_once('(').map_or(name, |(_, inner)| inner);
    inner.trim_matches(|c| matches!(c, '"' | ')'))
}

/// What a part of an error proves, if it proves that the node has not looked at the call.
fn not_looked_at(cause: &(dyn Error + 'static)) -> Option<Sent> {
    if let Some(error) = cause.downcast_ref::<hyper::Error>() {
        // Never given to the connection.
        return error.is_canceled().then_some(Sent::Untouched);
    }
    // RFC 9113, sections 6.8 and 8.7: streams above the last one that a GOAWAY names, and those that are refused, were
    // not processed. The library gives the error of a GOAWAY only to these.
    let error = cause.downcast_ref::<h2::Error>()?;
    if !error.is_remote() {
        None
    } else if error.is_go_away() {
        Some(Sent::Untouched)
    } else if error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM) {
        Some(Sent::Refused)
    } else {
        None
    }
}

/// An error and what is behind it. An [`io::Error`] hides what it was made of from [`Error::source`].
fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'e (dyn Error + 'static)| {
        let error: &'e (dyn Error + 'static) = *error;
        let hidden = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        match hidden {
            Some(hidden) => Some(hidden as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}

/// The innermost cause: the outer ones repeat the address, which everybody knows.
fn innermost(error: &reqwest::Error) -> String {
    causes(error)
        .last()
        .map(ToString::to_string)
        .unwrap_or_default()
}
