//! The way to a node: straight, or through a proxy. A proxy's password is never shown, logged or kept.

use std::fmt;
use std::str::FromStr;

use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::{Host, Url};

/// The word for no proxy.
const NONE: &str = "none";

/// The port of a SOCKS proxy of which nobody says it (RFC 1928).
const SOCKS_PORT: u16 = 1080;

/// What somebody said about proxies. Kept and shown without user name and password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProxyChoice {
    /// None is asked, whatever the environment says.
    Never,
    /// This one.
    Through(ProxyAddress),
}

/// The address of a proxy.
#[derive(Clone)]
pub struct ProxyAddress {
    /// Scheme, host and port.
    place: Url,
    login: Login,
}

/// Who one is to a proxy.
#[derive(Clone)]
enum Login {
    Nobody,
    /// `user:password`, percent-encoded.
    User(SecretString),
    /// What to send as `Proxy-Authorization`; it is marked as sensitive.
    Field(HeaderValue),
}

/// Not the address of a proxy. Says nothing of what was given: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadProxy {
    /// It cannot be read as an address.
    #[error(
        "this is not the address of a proxy; it looks like http://proxy.example.com:8080, or \
         http://USER:PASSWORD@proxy.example.com:8080 (with %40 for an @ in the password and the like), or is the word none"
    )]
    NotAnAddress,
    /// It names a kind of proxy that cannot be used.
    #[error("a proxy's address begins with http://, https://, socks5:// or socks5h://")]
    UnknownScheme,
    /// It leads to a place on the proxy.
    #[error("a proxy's address ends with its host or port; nothing may follow that")]
    TooLong,
}

/// How calls get to a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Route {
    /// Straight.
    #[default]
    Straight,
    /// Through a proxy.
    Through(ProxyAddress),
}

impl Route {
    /// The way to `node`: as was said, or else as the usual variables (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`, in
    /// upper or lower case) and the system say.
    ///
    /// What is not encrypted is for this machine only and never given to a proxy, which would read the token. Variables
    /// are meant for the world outside: a node on this machine goes through a proxy only if somebody says so.
    #[must_use]
    pub fn to(node: &Url, said: Option<&ProxyChoice>) -> Self {
        if node.scheme() != "https" {
            return Route::Straight;
        }
        match said {
            Some(ProxyChoice::Never) => Route::Straight,
            Some(ProxyChoice::Through(proxy)) => Route::Through(proxy.clone()),
            None if is_loopback(node) => Route::Straight,
            None => {
                let node = node.as_str().parse().ok();
                let proxy = node.and_then(|node| Matcher::from_system().intercept(&node));
                proxy
                    .and_then(|found| ProxyAddress::of_system(&found))
                    .map_or(Route::Straight, Route::Through)
            }
        }
    }
}

/// Whether an address is on this machine.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl ProxyAddress {
    fn of_system(found: &Intercept) -> Option<Self> {
        let mut place = Url::parse(&found.uri().to_string()).ok()?;
        complete(&mut place);
        let login = match (found.basic_auth(), found.raw_auth()) {
            (Some(field), _) => Login::Field(field.clone()),
            (_, Some((user, password))) => {
                let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
                Login::User(format!("{}:{}", encoded(user), encoded(password)).into())
            }
            (None, None) => Login::Nobody,
        };
        Some(ProxyAddress { place, login })
    }

    /// Whether it is told who one is.
    #[must_use]
    pub fn has_login(&self) -> bool {
        !matches!(self.login, Login::Nobody)
    }

    /// Whether the way to it is encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        self.place.scheme() == "https"
    }

    /// As the HTTP client wants it. It goes for every call: whether there is to be one is decided before.
    pub(super) fn for_client(&self) -> reqwest::Result<reqwest::Proxy> {
        let place = self.place.as_str();
        match &self.login {
            Login::Nobody => reqwest::Proxy::all(place),
            Login::Field(field) => Ok(reqwest::Proxy::all(place)?.custom_http_auth(field.clone())),
            Login::User(login) => {
                let whole = place.replacen("://", &format!("://{}@", login.expose_secret()), 1);
                reqwest::Proxy::all(whole.as_str()).map_err(reqwest::Error::without_url)
            }
        }
    }
}

/// Puts the port where none is given.
fn complete(place: &mut Url) {
    if place.scheme().starts_with("socks") && place.port().is_none() {
        // Fails only without a host, and there is one.
        let _ = place.set_port(Some(SOCKS_PORT));
    }
}

impl FromStr for ProxyAddress {
    type Err = BadProxy;

    fn from_str(text: &str) -> Result<Self, BadProxy> {
        let text = text.trim();
        // As other programs read it: without a scheme it is one for HTTP.
        let mut place = if text.contains("://") {
            Url::parse(text)
        } else {
            Url::parse(&format!("http://{text}"))
        }
        .map_err(|_| BadProxy::NotAnAddress)?;
        if !matches!(place.scheme(), "http" | "https" | "socks5" | "socks5h") {
            return Err(BadProxy::UnknownScheme);
        }
        if place.host_str().is_none_or(str::is_empty) {
            return Err(BadProxy::NotAnAddress);
        }
        let is_bare = matches!(place.path(), "" | "/");
        if !is_bare || place.query().is_some() || place.fragment().is_some() {
            return Err(BadProxy::TooLong);
        }
        let login = match (place.username(), place.password()) {
            ("", None) => Login::Nobody,
            (user, password) => {
                Login::User(format!("{user}:{}", password.unwrap_or_default()).into())
            }
        };
        // Both fail only without a host.
        let _ = place.set_username("");
        let _ = place.set_password(None);
        complete(&mut place);
        Ok(ProxyAddress { place, login })
    }
}

/// Without user name and password.
impl fmt::Display for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.place.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialEq for ProxyAddress {
    fn eq(&self, other: &Self) -> bool {
        let login = match (&self.login, &other.login) {
            (Login::Nobody, Login::Nobody) => true,
            (Login::User(one), Login::User(other)) => one.expose_secret() == other.expose_secret(),
            (Login::Field(one), Login::Field(other)) => one == other,
            _ => false,
        };
        login && self.place == other.place
    }
}

impl Eq for ProxyAddress {}

impl FromStr for ProxyChoice {
    type Err = BadProxy;

    fn from_str(text: &str) -> Result<Self, BadProxy> {
        if text.trim().eq_ignore_ascii_case(NONE) {
            Ok(ProxyChoice::Never)
        } else {
            text.parse().map(ProxyChoice::Through)
        }
    }
}

impl fmt::Display for ProxyChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProxyChoice::Never => f.write_str(NONE),
            ProxyChoice::Through(proxy) => proxy.fmt(f),
        }
    }
}

impl Serialize for ProxyChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ProxyChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> ProxyAddress {
        text.parse().unwrap()
    }

    #[test]
    fn a_password_is_sent_and_never_shown() {
        for text in [
            "http://ann:s3cret%40x@proxy.example.com:8080",
            "ann:s3cret%40x@proxy.example.com:8080",
        ] {
            let proxy = address(text);
            assert!(proxy.has_login());
            let choice = ProxyChoice::Through(proxy);
            let kept = serde_json::to_string(&choice).unwrap();
            assert_eq!(kept, r#""http://proxy.example.com:8080""#);
            let shown = format!("{choice} {choice:?} {kept}");
            assert!(
                !shown.contains("s3cret") && !shown.contains("ann"),
                "{shown}"
            );
            let again: ProxyChoice = serde_json::from_str(&kept).unwrap();
            assert_ne!(again, choice);
        }
    }

    #[test]
    fn addresses_are_taken_as_people_write_them() {
        for (text, shown) in [
            ("proxy.example.com:8080", "http://proxy.example.com:8080"),
            (" https://proxy.example.com/ ", "https://proxy.example.com"),
            ("socks5h://[::1]", "socks5h://[::1]:1080"),
            ("[::1]:3128", "http://[::1]:3128"),
        ] {
            assert_eq!(address(text).to_string(), shown);
        }
        assert_eq!("None".parse(), Ok(ProxyChoice::Never));
    }

    #[test]
    fn what_is_no_address_is_refused_without_being_shown() {
        for text in [
            "",
            "http://",
            "http://ann:s3cret@",
            "ftp://ann:s3cret@proxy",
            "http://ann:s3cret@proxy/path",
            "http://ann:s3cret@proxy:port",
            "http://ann:s3/cret@proxy:8080",
        ] {
            let error = text.parse::<ProxyChoice>().unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3"), "{text}");
        }
    }

    #[test]
    fn what_is_not_encrypted_never_goes_through_a_proxy() {
        let proxy = ProxyChoice::Through(address("proxy.example.com:8080"));
        let to = |url: &str| Route::to(&url.parse().unwrap(), Some(&proxy));
        assert_eq!(to("http://127.0.0.1:8080/v2"), Route::Straight);
        assert!(matches!(to("https://127.0.0.1:8080/v2"), Route::Through(_)));
        let never = Route::to(
            &"https://keepersecurity.eu/".parse().unwrap(),
            Some(&ProxyChoice::Never),
        );
        assert_eq!(never, Route::Straight);
    }
}
