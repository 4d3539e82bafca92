//! The line to the node: sends a call when the pace admits it, and again when the table says so.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, IF_MATCH,
};
use reqwest::{StatusCode, Version};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;
use tracing::{debug, warn};

use super::body::{GZIP, NoBody, receive};
use super::fields::allowance;
use super::limiter::Allowance;
use super::retry::{
    self, Effort, FIRST_ATTEMPTS, Happened, MAX_ATTEMPTS, Most, OUTAGE, Repeat, Verdict, back_off,
};
use super::trouble::{Sent, Trouble};
use super::veil::Veil;
use super::{Answer, Call, Cause, Closed, Fault, FaultKind, Http, Pace, retry_after};

/// The media type of every body (RFC 7644, section 3.1).
const SCIM_JSON: HeaderValue = HeaderValue::from_static("application/scim+json");

/// What is accepted: some servers know only plain JSON.
const ACCEPTED: HeaderValue =
    HeaderValue::from_static("application/scim+json, application/json;q=0.9");

/// Sends calls to one node with one token.
pub struct Line {
    http: Http,
    authorization: HeaderValue,
    veil: Veil,
    pub(super) pace: Arc<Pace>,
    last_answer: Mutex<Option<Instant>>,
    /// Whether anything that came back could be read: then the address is right.
    understood: AtomicBool,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line")
            .field("pace", &self.pace)
            .finish_non_exhaustive()
    }
}

/// The token has characters that no HTTP header may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the token has characters that cannot be sent (line breaks, accents or spaces inside it?)")]
pub struct BadToken;

/// How one sending of a call ended.
pub(super) enum Sending {
    Answer {
        status: StatusCode,
        headers: HeaderMap,
        body: Bytes,
        version: Version,
    },
    /// No answer, and what is known of the call.
    None {
        sent: Sent,
        status: Option<StatusCode>,
        cause: Cause,
    },
    TooLarge(StatusCode),
}

/// What is remembered of the attempts at one call.
#[derive(Default)]
pub(super) struct Attempts {
    pub(super) sent: u32,
    effort: Effort,
    /// How long the last one took.
    last: Duration,
    /// How long all of them took.
    lasted: Duration,
    waits: u32,
    pub(super) doubtful: bool,
    pub(super) status: Option<u16>,
}

impl Attempts {
    pub(super) fn fault(&self, kind: FaultKind, cause: Option<Cause>) -> Fault {
        Fault {
            kind,
            cause,
            status: self.status,
            attempts: self.sent,
            may_have_worked: self.doubtful,
            lasted: self.lasted,
        }
    }

    /// One more was sent, and came back after so long.
    fn count(&mut self, lasted: Duration) {
        self.sent += 1;
        self.last = lasted;
        self.lasted = self.lasted.saturating_add(lasted);
    }
}

impl Line {
    /// A line that sends `token` as bearer token (RFC 6750).
    ///
    /// # Errors
    /// When the token cannot stand in a header.
    pub fn new(http: Http, token: &SecretString, pace: Arc<Pace>) -> Result<Self, BadToken> {
        let mut authorization = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))
            .map_err(|_| BadToken)?;
        authorization.set_sensitive(true);
        Ok(Line {
            http,
            authorization,
            veil: Veil::of(token.expose_secret()),
            pace,
            last_answer: Mutex::new(None),
            understood: AtomicBool::new(false),
        })
    }

    /// The pace that this line obeys.
    #[must_use]
    pub fn pace(&self) -> &Arc<Pace> {
        &self.pace
    }

    /// Sends `call` until the node decides, as the table in [`retry`] says.
    ///
    /// `read` makes something of the body of a 2xx answer. A body of which it makes nothing comes
    /// from something in between, or was damaged, and counts as a lost answer.
    ///
    /// # Errors
    /// [`Fault`] when there is no decision; it says whether the call may have taken effect.
    pub async fn send<T>(
        &self,
        call: &Call,
        read: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<Answer<T>, Fault> {
        let mut so_far = Attempts::default();
        loop {
            let place = self
                .pace
                .admit(call.class)
                .await
                .map_err(|Closed| so_far.fault(FaultKind::Stopped, None))?;
            let leaves = Instant::now();
            let sent = self.once(call).await;
            so_far.count(leaves.elapsed());
            let (what, cause, wait) = match sent {
                Sending::Answer {
                    status,
                    headers,
                    body,
                    version: _,
                } => {
                    self.heard();
                    so_far.status = Some(status.as_u16());
                    let (what, content) = match read_if_success(status, &body, &read) {
                        Some(Ok(value)) => {
                            self.understood.store(true, Ordering::Relaxed);
                            (Happened::Decided, Ok(value))
                        }
                        Some(Err(())) => (Happened::Unreadable, Err(body)),
                        None => (retry::happened(status, &body), Err(body)),
                    };
                    let allowance = allowance(&headers, SystemTime::now());
                    let wait = content
                        .as_ref()
                        .err()
                        .and_then(|body| retry_after(&headers, body))
                        .or_else(|| used_up(allowance).filter(|_| what == Happened::Throttled));
                    let told = so_far.told(wait);
                    if what == Happened::Throttled {
                        warn_of(told);
                    }
                    place.with(status).back(what, told, allowance);
                    if retry::verdict(what, call.repeat) == Verdict::Done || so_far.spent(what) {
                        let Attempts {
                            sent: attempts,
                            doubtful,
                            ..
                        } = so_far;
                        return Ok(Answer {
                            status,
                            headers,
                            content,
                            attempts,
                            doubtful,
                        });
                    }
                    (what, format!("HTTP {status}").into(), wait)
                }
                Sending::None {
                    sent,
                    status,
                    cause,
                } => {
                    let what = sent.into();
                    place.with(status).back(what, Duration::ZERO, None);
                    if sent == Sent::Never && !self.was_heard() {
                        return Err(so_far.fault(FaultKind::Unreachable, Some(cause)));
                    }
                    if sent == Sent::Perhaps {
                        so_far.status = status.map(|status| status.as_u16());
                    }
                    (what, cause, None)
                }
                Sending::TooLarge(status) => {
                    place
                        .with(status)
                        .back(Happened::Decided, Duration::ZERO, None);
                    so_far.status = Some(status.as_u16());
                    so_far.doubtful = true;
                    return Err(so_far.fault(FaultKind::TooLarge, None));
                }
            };
            debug!(call = %call, attempt = so_far.sent, ?what, cause = %cause.what, "the call did not come through");
            self.take_note(&mut so_far, what, call.repeat, wait, cause)
                .await?;
        }
    }

    /// Waits as `what` demands before the next attempt, or ends the attempts.
    async fn take_note(
        &self,
        so_far: &mut Attempts,
        what: Happened,
        repeat: Repeat,
        wait: Option<Duration>,
        cause: Cause,
    ) -> Result<(), Fault> {
        so_far.doubtful |= matches!(
            what,
            Happened::Lost | Happened::ServerError | Happened::Unavailable
        );
        match retry::verdict(what, repeat) {
            Verdict::Done => {}
            Verdict::LookFirst => {
                if let Some(wait) = wait {
                    self.hold(wait);
                }
                return Err(so_far.fault(kind_of(what), Some(cause)));
            }
            // The pace knows already that this class waits.
            Verdict::ClassWaits => so_far.waits += 1,
            Verdict::AllWait => {
                let told = so_far.told(wait);
                so_far.waits += 1;
                self.hold(told);
            }
            Verdict::BackOff => {
                so_far.effort.add(so_far.last);
                if self.pointless(what, so_far) {
                    return Err(so_far.fault(FaultKind::Unreachable, Some(cause)));
                }
                let strange =
                    what == Happened::Unreadable && !self.understood.load(Ordering::Relaxed);
                let most = if strange {
                    FIRST_ATTEMPTS
                } else {
                    MAX_ATTEMPTS
                };
                // What was never sent may wait for the node to come back.
                if what.rule().most != Most::Outage && so_far.effort.is_spent(most) {
                    return Err(so_far.fault(kind_of(what), Some(cause)));
                }
                self.pace
                    .rest(back_off(so_far.effort.failures()))
                    .await
                    .map_err(|Closed| so_far.fault(FaultKind::Stopped, None))?;
            }
        }
        Ok(())
    }

    fn hold(&self, wait: Duration) {
        warn_of(wait);
        self.pace.hold(wait);
    }

    /// A node that never answered is a wrong address; one that is silent for long is gone.
    fn pointless(&self, what: Happened, so_far: &Attempts) -> bool {
        let last = *self
            .last_answer
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Where one call at a time is tried, it is not always the same.
        let tried = so_far.effort.failures().max(self.pace.probed_in_vain() + 1);
        match (what, last) {
            (Happened::NotSent | Happened::Lost, Some(last)) => {
                tried >= 3 && last.elapsed() >= OUTAGE
            }
            (Happened::NotSent, None) => tried >= FIRST_ATTEMPTS,
            _ => false,
        }
    }

    fn was_heard(&self) -> bool {
        let last = self.last_answer.lock();
        last.unwrap_or_else(PoisonError::into_inner).is_some()
    }

    pub(super) fn heard(&self) {
        *self
            .last_answer
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    pub(super) async fn once(&self, call: &Call) -> Sending {
        let mut request = self
            .http
            .client
            .request(call.method.clone(), call.url.clone())
            .timeout(self.http.patience(call.parts))
            .header(AUTHORIZATION, self.authorization.clone())
            .header(ACCEPT, ACCEPTED);
        if call.gzip {
            request = request.header(ACCEPT_ENCODING, GZIP);
        }
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, SCIM_JSON).body(body.clone());
        }
        if let Some(version) = &call.if_match {
            request = request.header(IF_MATCH, version.clone());
        }
        let mut response = match request.send().await {
            Ok(response) => response,
            Err(error) => return self.without_answer(None, &error),
        };
        let status = response.status();
        let (body, packed) = match receive(&mut response, call.longest_answer).await {
            Ok(received) => received,
            Err(NoBody::TooLarge) => return Sending::TooLarge(status),
            Err(NoBody::Broken(error)) => return self.without_answer(Some(status), &error),
            Err(NoBody::Damaged(error)) => {
                return Sending::None {
                    sent: Sent::Perhaps,
                    status: Some(status),
                    cause: format!("its gzip cannot be unpacked: {error}").into(),
                };
            }
        };
        let version = response.version();
        // The connection is given back by a task of its own. The next call waits for that, and makes no new one.
        tokio::task::yield_now().await;
        let mut headers = std::mem::take(response.headers_mut());
        self.veil.over_fields(&mut headers);
        debug!(call = %call, status = status.as_u16(), bytes = body.len(), packed, ?version, "answered");
        Sending::Answer {
            status,
            headers,
            body: self.veil.over(body),
            version,
        }
    }

    fn without_answer(&self, status: Option<StatusCode>, error: &reqwest::Error) -> Sending {
        let Trouble { sent, cause } = self.http.peer.trouble(error);
        Sending::None {
            sent,
            status,
            cause,
        }
    }
}

/// What `read` makes of a body, if the status is one of success.
fn read_if_success<T>(
    status: StatusCode,
    body: &[u8],
    read: impl Fn(&[u8]) -> Option<T>,
) -> Option<Result<T, ()>> {
    status.is_success().then(|| read(body).ok_or(()))
}

fn warn_of(wait: Duration) {
    if wait >= Duration::from_secs(30) {
        warn!(seconds = wait.as_secs(), "the node asks to wait");
    }
}

/// How long to wait where nothing is left.
fn used_up(allowance: Option<Allowance>) -> Option<Duration> {
    allowance
        .filter(|allowance| allowance.left < 1.0)
        .map(|allowance| allowance.reset)
}

fn kind_of(what: Happened) -> FaultKind {
    match what {
        Happened::Unreadable => FaultKind::Unreadable,
        _ => FaultKind::AnswerLost,
    }
}

impl Attempts {
    /// How long to wait, if so long was told. No wait at all, or none told: not again at once for ever.
    pub(super) fn told(&self, wait: Option<Duration>) -> Duration {
        wait.filter(|wait| !wait.is_zero())
            .unwrap_or_else(|| back_off(self.waits + 2))
    }

    /// Whether the attempts that this kind of failure is worth are used up.
    fn spent(&self, what: Happened) -> bool {
        match what.rule().most {
            // An unreadable body is no word of the node's, however often it comes.
            _ if what == Happened::Unreadable => false,
            Most::Waits(waits) => self.waits + 1 >= waits,
            Most::Attempts(attempts) => {
                let mut effort = self.effort;
                effort.add(self.last);
                effort.is_spent(attempts)
            }
            Most::Outage => false,
        }
    }
}
