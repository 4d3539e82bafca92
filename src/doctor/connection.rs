//! Whether calls get to the node and the token is taken: address, DNS, connection, token, clock.

use std::fmt::Write;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use reqwest::StatusCode;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use url::Host;

use super::ask::{NoAnswer, TimedAnswer, why_not};
use super::clock::{self, Skew};
use super::{Check, Examination, State};
use crate::scim::{Cursor, PageStart, Raw, RequestTarget, User};
use crate::settings::Node;
use crate::transport::{FaultKind, Route, date};
use crate::wording::duration;

/// How long the look-up of a name may take.
const LOOK_UP: Duration = Duration::from_secs(5);

/// How long a bare connection may take, to find out why a call did not get through.
const CONNECT: Duration = Duration::from_secs(3);

/// How many addresses of a host are shown and tried.
const ADDRESSES: usize = 4;

const NEW_TOKEN: &str = "Put the token of this very node in HEADCOUNT_TOKEN, or in the file of --token-file. The SCIM \
     page of the node in the admin console makes a new one. A token belongs to one node in one \
     region: its child nodes have their own, and editing the provisioning method replaces it.";

pub(super) const LATER: &str =
    "Try again in some minutes. If it stays so, ask the provider, with the node's own words.";

const CHECK_ADDRESS: &str = "Compare the address with that on the node's SCIM page in the admin console: --region and \
     --node, or --url.";

impl Examination<'_> {
    /// The address itself. One that cannot be used at all never gets here.
    pub(super) fn address(&mut self) {
        let base = self.asker.client().base();
        let node = Node::at(base.as_str());
        if node.as_ref().is_ok_and(Node::is_loopback) {
            let found = format!("{base} (on this machine)");
            self.found(Check::Address, State::Ok, found);
        } else if node.is_ok_and(|node| node.is_usual()) {
            self.found(Check::Address, State::Ok, format!("{base} (encrypted)"));
        } else {
            let found = format!(
                "{base} is not what the provider's addresses look like: \
                 https://HOST-OF-THE-REGION/api/rest/scim/v2/NODE-ID"
            );
            self.found(Check::Address, State::Note, found);
        }
    }

    /// The first call: `GET /Users` for one. Says why it brought no list, if it did not.
    pub(super) async fn connection(&mut self) -> Result<(), NoAnswer> {
        let host = match self.setup.route {
            Route::Straight => self.look_up().await,
            // The proxy looks it up.
            Route::Through(_) => Ok(Vec::new()),
        };
        let first = |place| RequestTarget::new(&["Users"]).at(place).with("count", "1");
        let is_list = |raw: &Raw| raw.page::<User>().is_some();
        let mut heard = self.asker.hear(&first(&self.first), is_list).await;
        if heard
            .as_ref()
            .is_ok_and(|heard| heard.raw.status == StatusCode::BAD_REQUEST)
        {
            // It may know lists by cursor only.
            let place = PageStart::Cursor(Cursor::FIRST);
            let again = self.asker.hear(&first(&place), is_list).await;
            if again.as_ref().is_ok_and(|again| is_list(&again.raw)) {
                heard = again;
                self.first = place;
            }
        }
        let heard = match heard {
            Ok(heard) => heard,
            Err(why) => {
                self.dns(&host, false);
                self.no_connection(&host, &why).await;
                return Err(why);
            }
        };
        self.dns(&host, true);
        self.connected(&heard);
        self.clock(&heard);
        self.token(&heard.raw);
        if heard.raw.status.is_success() && is_list(&heard.raw) {
            Ok(())
        } else {
            Err(why_not(&heard.raw))
        }
    }

    /// The addresses of the host.
    async fn look_up(&self) -> io::Result<Vec<SocketAddr>> {
        let base = self.asker.client().base();
        let port = base.port_or_known_default().unwrap_or(443);
        let name = match base.host() {
            Some(Host::Ipv4(address)) => return Ok(vec![(address, port).into()]),
            Some(Host::Ipv6(address)) => return Ok(vec![(address, port).into()]),
            Some(Host::Domain(name)) => name,
            None => return Ok(Vec::new()),
        };
        let found = timeout(LOOK_UP, lookup_host((name, port))).await;
        let found = found.map_err(|_| io::Error::other("no answer in time"))??;
        let mut addresses: Vec<SocketAddr> = Vec::new();
        for address in found {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        Ok(addresses)
    }

    fn dns(&mut self, host: &io::Result<Vec<SocketAddr>>, connected: bool) {
        let base = self.asker.client().base();
        let name = base.host_str().unwrap_or_default();
        if let Route::Through(proxy) = &self.setup.route {
            let found = format!("not needed: calls go through the proxy {proxy}");
            return self.found(Check::Dns, State::Ok, found);
        }
        match host {
            Ok(_) if !matches!(base.host(), Some(Host::Domain(_))) => {
                let found = format!("not needed: {name} is an address itself");
                self.found(Check::Dns, State::Ok, found);
            }
            Ok(addresses) if !addresses.is_empty() => {
                let shown = addresses.iter().take(ADDRESSES);
                let mut found = shown
                    .map(|address| address.ip().to_string())
                    .collect::<Vec<_>>()
                    .join(", ");
                if addresses.len() > ADDRESSES {
                    let _ = write!(found, " and {} more", addresses.len() - ADDRESSES);
                }
                self.found(Check::Dns, State::Ok, format!("{name} is at {found}"));
            }
            _ => {
                let cause = host.as_ref().err();
                let cause = cause.map(|cause| format!(" ({cause})")).unwrap_or_default();
                let found = format!("{name} has no address that this machine can find{cause}");
                if connected {
                    let found = format!("{found}, but calls get through");
                    self.found(Check::Dns, State::Note, found);
                } else {
                    let mend = format!(
                        "Look for a typing error in {name:?} (--region or --url), and check this machine's network and \
                         DNS. If calls have to go through a proxy, name it with --proxy."
                    );
                    self.mend(Check::Dns, State::Problem, found, mend);
                }
            }
        }
    }

    /// Says why nothing came back, and that the rest cannot be checked.
    async fn no_connection(&mut self, host: &io::Result<Vec<SocketAddr>>, why: &NoAnswer) {
        let addresses = host.as_deref().unwrap_or_default();
        let is_straight = self.setup.route == Route::Straight;
        match why {
            NoAnswer::Silence(fault) if fault.kind == FaultKind::Unreachable => {
                if is_straight && addresses.is_empty() {
                    self.skip(&[Check::Connection], "the host has no address");
                } else {
                    let mut found = fault.kind.to_string();
                    let (what, mend) = match &fault.cause {
                        Some(cause) => (cause.what.as_str(), cause.mend.as_deref()),
                        None => ("nothing more is known", None),
                    };
                    let _ = write!(found, ": {what}");
                    let probed = if is_straight {
                        probe(addresses).await
                    } else {
                        Vec::new()
                    };
                    // Of a single address the words of the call say as much.
                    if probed != [REFUSED] {
                        for (address, how) in addresses.iter().zip(&probed) {
                            let _ = write!(found, "; {address}: {how}");
                        }
                    }
                    let mend = sentence(mend.unwrap_or(CHECK_ADDRESS));
                    self.mend(Check::Connection, State::Problem, found, mend);
                }
            }
            _ => {
                let mend = "Try again in some minutes. If it stays so: is there really a node at this address?";
                let found = format!("a connection could be made, but no whole answer came: {why}");
                self.mend(Check::Connection, State::Problem, found, mend);
            }
        }
        self.asker.give_up("no connection");
        self.skip(&[Check::Token, Check::Clock], "no connection");
    }

    fn connected(&mut self, heard: &TimedAnswer) {
        let base = self.asker.client().base();
        let with = match base.scheme() {
            "https" => "making the connection and its encryption included",
            _ => "making the connection included",
        };
        let took = short(heard.raw.took);
        let status = heard.raw.status;
        if status.is_redirection() {
            let found = heard.raw.refusal().to_string();
            self.mend(Check::Connection, State::Problem, found, CHECK_ADDRESS);
        } else {
            let how = match &self.setup.route {
                Route::Straight => String::new(),
                Route::Through(proxy) => format!(", through the proxy {proxy}"),
            };
            let version = version(heard.raw.version);
            let found = format!("answered by {version} after {took}, {with}{how}");
            self.found(Check::Connection, State::Ok, found);
        }
    }

    fn clock(&mut self, heard: &TimedAnswer) {
        let Some(date) = date(&heard.raw.headers) else {
            let found = "the node does not tell its time (no Date). An account that is found after a lost answer is then \
                         taken for this run's own if it is exactly what the row asks for";
            self.found(Check::Clock, State::Note, found);
            return;
        };
        let skew = clock::skew(date, heard.sent, heard.answered);
        let apart = duration(skew.length());
        let found = match skew {
            Skew::None => "both clocks agree".to_owned(),
            Skew::Ahead(_) => format!("the node's clock is {apart} ahead of this machine's"),
            Skew::Behind(_) => format!("the node's clock is {apart} behind this machine's"),
        };
        if skew.length() <= clock::TOLERABLE {
            self.found(Check::Clock, State::Ok, found);
            return;
        }
        let found = format!(
            "{found}. Results and the node's own records do not show the same times; nothing is decided by comparing the two"
        );
        let mend = "Set the clock of this machine by a time server (NTP), unless it is the node's that is wrong.";
        self.mend(Check::Clock, State::Note, found, mend);
    }

    fn token(&mut self, raw: &Raw) {
        const CHECK: Check = Check::Token;
        if raw.status.is_success() && raw.page::<User>().is_some() {
            return self.found(CHECK, State::Ok, "accepted; it may read users");
        }
        match why_not(raw) {
            NoAnswer::Busy(..) => self.skip(&[CHECK], "the node takes no calls just now"),
            NoAnswer::Refused(refusal) if refusal.status == 401 => {
                self.mend(CHECK, State::Problem, refusal.to_string(), NEW_TOKEN);
            }
            NoAnswer::Refused(refusal) if refusal.status == 403 => {
                let found = format!("{refusal}: it may not read users");
                self.mend(CHECK, State::Problem, found, NEW_TOKEN);
            }
            _ => {
                let status = raw.status.as_u16();
                let why = format!("GET /Users was answered with HTTP {status} and no list");
                self.skip(&[CHECK], &why);
            }
        }
    }

    /// Says why no list of users came.
    pub(super) fn no_users(&mut self, why: &NoAnswer) {
        const CHECK: Check = Check::Users;
        let found = why.to_string();
        match why {
            NoAnswer::Silence(_) if self.asker.is_cut_off() => self.skip(&[CHECK], "no connection"),
            NoAnswer::Silence(_) => self.mend(CHECK, State::Problem, found, LATER),
            NoAnswer::Hopeless(_) => self.skip(&[CHECK], &found),
            NoAnswer::Busy(..) => {
                let mend =
                    "Wait and try again. Is something else using this token at the same time?";
                self.mend(CHECK, State::Problem, found, mend);
            }
            NoAnswer::Strange(_) => {
                let mend = format!(
                    "{CHECK_ADDRESS} If it is right, something in between answers for the node: a proxy's or network's \
                     sign-in page."
                );
                let found = format!("not a SCIM list: {why}");
                self.mend(CHECK, State::Problem, found, mend);
            }
            NoAnswer::Refused(refusal) => match refusal.status {
                300..=399 => self.skip(&[CHECK], &found),
                404 | 405 | 501 => self.mend(CHECK, State::Problem, found, CHECK_ADDRESS),
                _ => self.mend(CHECK, State::Problem, found, LATER),
            },
        }
    }
}

/// Whether the node says that the token may not be used, and not only that there are too many
/// calls.
pub(super) fn is_token_refused(why: &NoAnswer) -> bool {
    matches!(why, NoAnswer::Refused(refusal) if refusal.status == 401 || refusal.status == 403)
}

const REFUSED: &str = "nobody is listening there";

/// Whether a bare connection can be made to the first addresses of the host, in words.
async fn probe(addresses: &[SocketAddr]) -> Vec<String> {
    let mut words = Vec::new();
    for address in addresses.iter().take(ADDRESSES) {
        let how = match timeout(CONNECT, TcpStream::connect(address)).await {
            Ok(Ok(_)) => "a bare connection can be made".to_owned(),
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                REFUSED.to_owned()
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer".to_owned(),
        };
        words.push(how);
    }
    words
}

/// Words as a sentence of their own.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    let sentence: String = first.chain(letters).collect();
    if sentence.ends_with('.') {
        sentence
    } else {
        format!("{sentence}.")
    }
}

/// A version of HTTP as people write it.
fn version(version: reqwest::Version) -> &'static str {
    if version == reqwest::Version::HTTP_2 {
        "HTTP/2"
    } else {
        "HTTP/1.1"
    }
}

/// A length of time that may be very short.
pub(super) fn short(length: Duration) -> String {
    if length < Duration::from_millis(1) {
        "less than 1 ms".to_owned()
    } else {
        duration(length)
    }
}
