//! Asking a node in a few attempts and within seconds: an examination is no run.

use std::fmt;
use std::time::{Duration, Instant, SystemTime};

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;

use crate::scim::{Client, Raw, Refusal, RequestTarget};
use crate::transport::retry::{CallStatus, back_off, call_status};
use crate::transport::{Fault, FaultKind, retry_after};
use crate::wording::duration;

/// How often one thing is asked.
const ATTEMPTS: u32 = 3;

/// The longest "wait" of a node that is waited out before it is asked again.
const LONGEST_WAIT: Duration = Duration::from_secs(3);

/// All waits of an examination together.
const ALL_WAITS: Duration = Duration::from_secs(12);

/// A call that was lost after so long is not sent again: the node is silent, not unlucky.
const SILENCE: Duration = Duration::from_secs(4);

/// After so many silences nothing more is asked.
const MOST_SILENCES: u32 = 2;

/// Asks, and remembers how it went.
pub(super) struct Asker<'a> {
    client: &'a Client,
    calls: usize,
    answers: usize,
    /// How long each call took that was answered to the purpose, and what was asked. The first
    /// includes making the connection.
    took: Vec<(Duration, String)>,
    /// Calls that failed at first and were answered when they were sent again.
    pub(super) stumbles: Vec<String>,
    waited: Duration,
    silences: u32,
    hopeless: Option<String>,
}

/// An answer, and between which times of our clock it came.
pub(super) struct TimedAnswer {
    pub(super) raw: Raw,
    pub(super) sent: SystemTime,
    pub(super) answered: SystemTime,
}

/// Why nothing came that says anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// The node's no.
    Refused(Refusal),
    /// It takes no calls just now, and says how long that lasts if it does.
    Busy(Refusal, Option<Duration>),
    /// A yes that cannot be read: of this media type.
    Strange(String),
    /// No answer, for this reason.
    Silence(Fault),
    /// It was not asked: calls are pointless.
    Hopeless(String),
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoAnswer::Refused(refusal) | NoAnswer::Busy(refusal, None) => refusal.fmt(f),
            NoAnswer::Busy(refusal, Some(wait)) => {
                write!(f, "{refusal}; it asks to wait for {}", duration(*wait))
            }
            NoAnswer::Strange(media_type) => {
                write!(f, "the answer ({media_type}) is not what was asked for")
            }
            NoAnswer::Silence(fault) => fault.fmt(f),
            NoAnswer::Hopeless(why) => f.write_str(why),
        }
    }
}

impl<'a> Asker<'a> {
    pub(super) fn new(client: &'a Client) -> Self {
        Asker {
            client,
            calls: 0,
            answers: 0,
            took: Vec::new(),
            stumbles: Vec::new(),
            waited: Duration::ZERO,
            silences: 0,
            hopeless: None,
        }
    }

    pub(super) fn client(&self) -> &'a Client {
        self.client
    }

    /// Asks nothing more, for this reason.
    pub(super) fn give_up(&mut self, why: &str) {
        self.hopeless = Some(why.to_owned());
    }

    /// How many calls were sent.
    pub(super) fn calls(&self) -> usize {
        self.calls
    }

    /// Whether nothing ever came back.
    pub(super) fn is_cut_off(&self) -> bool {
        self.answers == 0
    }

    /// Whether it went silent, so that nothing more was asked.
    pub(super) fn went_silent(&self) -> bool {
        self.silences >= MOST_SILENCES
    }

    /// How long each call took that was answered to the purpose.
    pub(super) fn took(&self) -> &[(Duration, String)] {
        &self.took
    }

    /// `GET` of what `read` can make something of.
    pub(super) async fn get<T>(
        &mut self,
        target: &RequestTarget,
        read: impl Fn(&Raw) -> Option<T>,
    ) -> Result<T, NoAnswer> {
        let heard = self.hear(target, |raw| read(raw).is_some()).await?;
        let read = if heard.raw.status.is_success() {
            read(&heard.raw)
        } else {
            None
        };
        read.ok_or_else(|| why_not(&heard.raw))
    }

    /// `GET`, whatever is answered. What went wrong by chance is asked again: no answer, a fault of
    /// the node, a short "wait", or a yes that `readable` does not know.
    pub(super) async fn hear(
        &mut self,
        target: &RequestTarget,
        readable: impl Fn(&Raw) -> bool,
    ) -> Result<TimedAnswer, NoAnswer> {
        if let Some(why) = &self.hopeless {
            return Err(NoAnswer::Hopeless(why.clone()));
        }
        let url = target.on(self.client.base());
        let base = self.client.base().path().trim_end_matches('/');
        let path = url.path().strip_prefix(base).unwrap_or(url.path());
        let what = format!("GET {path}");
        let mut attempt = 1;
        loop {
            let (began, sent) = (Instant::now(), SystemTime::now());
            let asked = self.client.ask(Method::GET, target, None).await;
            let took = began.elapsed();
            self.calls += 1;
            let (stumble, wait) = match asked {
                Ok(raw) => {
                    let stumble = stumble(&raw, readable(&raw));
                    self.answers += 1;
                    if stumble.is_none() {
                        self.took.push((raw.took, what.clone()));
                    }
                    let heard = TimedAnswer {
                        raw,
                        sent,
                        answered: SystemTime::now(),
                    };
                    match stumble {
                        Some((stumble, wait)) if self.again(attempt, wait) => (stumble, wait),
                        _ => {
                            if call_status(heard.raw.status, &heard.raw.body)
                                == CallStatus::Throttled
                            {
                                self.give_up("the node takes no calls just now");
                            }
                            return Ok(heard);
                        }
                    }
                }
                Err(fault) => {
                    let wait = back_off(attempt);
                    if !self.lost(&fault, took) || !self.again(attempt, wait) {
                        return Err(NoAnswer::Silence(fault));
                    }
                    (fault.to_string(), wait)
                }
            };
            self.stumbles.push(format!("{what}: {stumble}"));
            self.waited += wait;
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }

    fn again(&self, attempt: u32, wait: Duration) -> bool {
        attempt < ATTEMPTS && wait <= LONGEST_WAIT && self.waited + wait <= ALL_WAITS
    }

    /// Takes note of a call without an answer; says whether it is worth sending again.
    fn lost(&mut self, fault: &Fault, took: Duration) -> bool {
        if fault.kind == FaultKind::TooLarge {
            return false;
        }
        if took >= SILENCE {
            self.silences += 1;
            if self.went_silent() {
                self.give_up("the node no longer answers");
            }
            return false;
        }
        // What was refused at the first attempt will be at the next.
        fault.kind == FaultKind::AnswerLost || self.calls > 1
    }
}

/// Why an answer does not bring what was asked for.
pub(super) fn why_not(raw: &Raw) -> NoAnswer {
    if raw.status.is_success() {
        return NoAnswer::Strange(media_type(raw));
    }
    match call_status(raw.status, &raw.body) {
        CallStatus::Throttled | CallStatus::Unavailable => {
            NoAnswer::Busy(raw.refusal(), retry_after(&raw.headers, &raw.body))
        }
        _ => NoAnswer::Refused(raw.refusal()),
    }
}

/// What went wrong by chance, and how long to wait before asking again.
fn stumble(raw: &Raw, readable: bool) -> Option<(String, Duration)> {
    if raw.status.is_success() {
        return (!readable).then(|| ("an answer that is not SCIM".to_owned(), back_off(1)));
    }
    let told = retry_after(&raw.headers, &raw.body);
    let wait = match call_status(raw.status, &raw.body) {
        CallStatus::Throttled | CallStatus::Unavailable => told.unwrap_or(Duration::from_secs(1)),
        CallStatus::ServerError => told.unwrap_or_else(|| back_off(1)),
        _ => return None,
    };
    Some((format!("HTTP {}", raw.status.as_u16()), wait))
}

/// The media type of an answer, in words.
fn media_type(raw: &Raw) -> String {
    if raw.body.trim_ascii().is_empty() {
        return "an empty body".to_owned();
    }
    let header = raw.headers.get(CONTENT_TYPE);
    let value = header.and_then(|value| value.to_str().ok());
    let name = value.and_then(|value| value.split(';').next());
    name.map_or("no media type", str::trim).to_owned()
}
