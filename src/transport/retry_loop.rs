//! The line to the node: sends a call when the pace admits it, and again when the table says so.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use secrecy::SecretString;
use tokio::time::Instant;
use tracing::{debug, warn};

use super::attempts::Attempts;
use super::fields::allowance;
use super::retry::{
    self, CallStatus, FIRST_ATTEMPTS, MAX_ATTEMPTS, OUTAGE, PATIENCE, RetryDecision, RetryLimit,
};
use super::sending::{BadToken, Response, Sender, Sending};
use super::trouble::Sent;
use super::{
    Answer, Call, CallSlot, Cause, Closed, Fault, FaultKind, Http, Pace, Refused, date_in_seconds,
    retry_after,
};

/// Sends calls to one node with one token.
pub struct Transport {
    pub(super) sender: Sender,
    pub(super) pace: Arc<Pace>,
    last_answer: Mutex<Option<Instant>>,
    /// When the wait ends that was last worth a line in the log.
    warned: Mutex<Option<Instant>>,
    /// The node's own time, as of the latest answer; [`NO_TIME`] before one said it.
    node_time: AtomicI64,
    /// Whether anything that came back could be read: then the address is right.
    understood: AtomicBool,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("pace", &self.pace)
            .finish_non_exhaustive()
    }
}

/// Stands for a node that has not said its time.
const NO_TIME: i64 = i64::MIN;

/// A wait of this length is worth a line in the log.
const WORTH_A_WARNING: Duration = Duration::from_secs(30);

/// A sending that has not decided the call.
struct Setback {
    what: CallStatus,
    cause: Cause,
    /// How long the node said to wait.
    wait: Option<Duration>,
}

impl Transport {
    /// A line that sends `token` as bearer token (RFC 6750).
    ///
    /// # Errors
    /// When the token cannot stand in a header.
    pub fn new(http: Http, token: &SecretString, pace: Arc<Pace>) -> Result<Self, BadToken> {
        Ok(Transport {
            sender: Sender::new(http, token)?,
            pace,
            last_answer: Mutex::new(None),
            warned: Mutex::new(None),
            node_time: AtomicI64::new(NO_TIME),
            understood: AtomicBool::new(false),
        })
    }

    /// The pace that this line obeys.
    #[must_use]
    pub fn pace(&self) -> &Arc<Pace> {
        &self.pace
    }

    /// The node's own time (`Date`) as of its latest answer, in seconds since 1970; none if it does not say it.
    #[must_use]
    pub fn node_time(&self) -> Option<i64> {
        let time = self.node_time.load(Ordering::Relaxed);
        (time != NO_TIME).then_some(time)
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
            let slot = self
                .pace
                .admit(call.class)
                .await
                .map_err(|Closed| so_far.fault(FaultKind::Stopped, None))?;
            if so_far.sent == 0 && call.is_withdrawn() {
                return Err(so_far.fault(FaultKind::Withdrawn, None));
            }
            let leaves = Instant::now();
            let sending = self.sender.once(call).await;
            so_far.count(leaves.elapsed());
            let setback = match sending {
                Sending::Answer(response) => {
                    match self.answered(call, slot, &mut so_far, response, &read) {
                        Ok(answer) => return Ok(answer),
                        Err(setback) => setback,
                    }
                }
                Sending::None {
                    sent,
                    status,
                    cause,
                } => {
                    let what = sent.into();
                    slot.with(status).back(what, None, None);
                    if sent == Sent::Never && !self.was_heard() {
                        return Err(so_far.fault(FaultKind::Unreachable, Some(cause)));
                    }
                    if sent == Sent::Perhaps {
                        so_far.status = status.map(|status| status.as_u16());
                    }
                    Setback {
                        what,
                        cause,
                        wait: None,
                    }
                }
                Sending::TooLarge(status) => {
                    slot.with(status).back(CallStatus::Decided, None, None);
                    return Err(so_far.too_large(status));
                }
            };
            let Setback { what, cause, .. } = &setback;
            debug!(call = %call, attempt = so_far.sent, ?what, cause = %cause.what, "the call did not come through");
            self.take_note(&mut so_far, call, setback).await?;
        }
    }

    /// Tells the pace what came back, and whether that is the last word.
    fn answered<T>(
        &self,
        call: &Call,
        slot: CallSlot<'_>,
        so_far: &mut Attempts,
        response: Response,
        read: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<Answer<T>, Setback> {
        let Response {
            status,
            headers,
            body,
            version: _,
        } = response;
        self.heard(&headers);
        so_far.status = Some(status.as_u16());
        let (what, content) = match read_if_success(status, &body, read) {
            Some(Ok(value)) => {
                self.understood.store(true, Ordering::Relaxed);
                (CallStatus::Decided, Ok(value))
            }
            Some(Err(())) => (CallStatus::Unreadable, Err(body)),
            None => (retry::call_status(status, &body), Err(body)),
        };
        let allowance = allowance(&headers);
        // No wait at all is no reason to come again at once, for ever.
        let wait = content
            .as_ref()
            .err()
            .and_then(|body| retry_after(&headers, body))
            .filter(|wait| !wait.is_zero());
        slot.with(status).back(what, wait, allowance);
        if retry::decide(what, call.idempotency) != RetryDecision::Done
            && (!so_far.spent(what) || self.refuses_all(call, what))
        {
            return Err(Setback {
                what,
                cause: format!("HTTP {status}").into(),
                wait,
            });
        }
        Ok(Answer {
            status,
            headers,
            content,
            attempts: so_far.sent,
            doubtful: so_far.doubtful,
            put_off: so_far.put_off,
        })
    }

    /// Waits as a setback demands before the next attempt, or ends the attempts.
    async fn take_note(
        &self,
        so_far: &mut Attempts,
        call: &Call,
        setback: Setback,
    ) -> Result<(), Fault> {
        let Setback { what, cause, wait } = setback;
        so_far.put_off |= what == CallStatus::Throttled;
        so_far.doubtful |= matches!(
            what,
            CallStatus::Lost | CallStatus::ServerError | CallStatus::Unavailable
        );
        let refused_for = self.pace.refused_for(call.class);
        if what.is_refusal() && refused_for.is_some_and(|time| time > PATIENCE) {
            let cause = format!(
                "it has refused every call of this kind for {} minutes ({})",
                PATIENCE.as_secs() / 60,
                cause.what
            );
            return Err(so_far.fault(FaultKind::Unreachable, Some(cause.into())));
        }
        if let Some(wait) = wait.filter(|wait| self.is_news(*wait)) {
            warn!(seconds = wait.as_secs(), "the node asks to wait");
        }
        let most = what.rule().most;
        match retry::decide(what, call.idempotency) {
            RetryDecision::Done => return Ok(()),
            RetryDecision::LookFirst => {
                return Err(Fault {
                    refused: match most {
                        _ if self.refuses_all(call, what) => Refused::WithAll,
                        RetryLimit::Waits(_) => Refused::Alone,
                        RetryLimit::Attempts(_) | RetryLimit::Outage => Refused::No,
                    },
                    wait,
                    ..so_far.fault(kind_of(what), Some(cause))
                });
            }
            RetryDecision::Again if self.refuses_all(call, what) => {}
            RetryDecision::Again if matches!(most, RetryLimit::Waits(_)) => {
                so_far.effort.add_wait(wait);
            }
            RetryDecision::Again => {
                so_far.effort.add(so_far.last);
                if self.pointless(what, so_far) {
                    return Err(so_far.fault(FaultKind::Unreachable, Some(cause)));
                }
                let strange =
                    what == CallStatus::Unreadable && !self.understood.load(Ordering::Relaxed);
                let attempts = if strange {
                    FIRST_ATTEMPTS
                } else {
                    MAX_ATTEMPTS
                };
                // What was never sent may wait for the node to come back.
                if most != RetryLimit::Outage && so_far.effort.is_spent(attempts) {
                    return Err(so_far.fault(kind_of(what), Some(cause)));
                }
            }
        }
        self.pace
            .rest(wait.unwrap_or_else(|| so_far.effort.back_off()))
            .await
            .map_err(|Closed| so_far.fault(FaultKind::Stopped, None))
    }

    /// Whether a wait is worth a line in the log: it is long, and does not end about when the last one does.
    fn is_news(&self, wait: Duration) -> bool {
        if wait < WORTH_A_WARNING {
            return false;
        }
        let until = Instant::now() + wait;
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = warned.is_none_or(|warned| until >= warned + WORTH_A_WARNING);
        if is_news {
            *warned = Some(until);
        }
        is_news
    }

    /// Whether the node refuses all calls like this one: then no single call is at fault.
    fn refuses_all(&self, call: &Call, what: CallStatus) -> bool {
        matches!(what.rule().most, RetryLimit::Waits(_)) && self.pace.refuses_all(call.class)
    }

    /// A node that never answered is a wrong address; one that is silent for long is gone.
    fn pointless(&self, what: CallStatus, so_far: &Attempts) -> bool {
        let last = *self
            .last_answer
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Where one call at a time is tried, it is not always the same.
        let tried = so_far.effort.failures().max(self.pace.probed_in_vain() + 1);
        match (what, last) {
            (CallStatus::NotSent | CallStatus::Lost, Some(last)) => {
                tried >= 3 && last.elapsed() >= OUTAGE
            }
            (CallStatus::NotSent, None) => tried >= FIRST_ATTEMPTS,
            _ => false,
        }
    }

    fn was_heard(&self) -> bool {
        let last = self.last_answer.lock();
        last.unwrap_or_else(PoisonError::into_inner).is_some()
    }

    pub(super) fn heard(&self, headers: &HeaderMap) {
        if let Some(time) = date_in_seconds(headers) {
            self.node_time.store(time, Ordering::Relaxed);
        }
        *self
            .last_answer
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
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

fn kind_of(what: CallStatus) -> FaultKind {
    match what {
        CallStatus::Unreadable => FaultKind::Unreadable,
        _ => FaultKind::AnswerLost,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::{Class, HttpOptions, Idempotency, RateSetting, client};

    #[tokio::test(start_paused = true)]
    async fn a_node_that_refuses_everything_for_ten_minutes_is_given_up() {
        let url: url::Url = "http://127.0.0.1:9/".parse().unwrap();
        for idempotency in [Idempotency::Safe, Idempotency::LookFirst] {
            let pace = Arc::new(Pace::new(4, RateSetting::Auto));
            let http = client(HttpOptions::to(url.clone())).unwrap();
            let transport =
                Transport::new(http, &SecretString::from("token"), Arc::clone(&pace)).unwrap();
            let call = Call {
                class: Class::UserWrite,
                method: reqwest::Method::POST,
                url: url.clone(),
                body: None,
                if_match: None,
                idempotency,
                longest_answer: 0,
                gzip: false,
                parts: 1,
                withdrawn: None,
            };
            let begun = Instant::now();
            let mut so_far = Attempts::default();
            let fault = loop {
                let what = CallStatus::Unavailable;
                let admitted = pace.admit(call.class).await.unwrap();
                admitted.back(what, None, None);
                let setback = Setback {
                    what,
                    cause: "HTTP 503".to_owned().into(),
                    wait: None,
                };
                match transport.take_note(&mut so_far, &call, setback).await {
                    Err(fault) if fault.kind == FaultKind::Unreachable => break fault,
                    // As the caller does.
                    Err(fault) => {
                        assert_ne!(fault.refused, Refused::No);
                        pace.rest(so_far.effort.after(&fault)).await.unwrap();
                    }
                    Ok(()) => {}
                }
            };
            let minutes = begun.elapsed().as_secs_f64() / 60.0;
            assert!((10.0..11.0).contains(&minutes), "{minutes}");
            assert_eq!(
                fault.to_string(),
                "the node cannot be reached: it has refused every call of this kind for 10 minutes (HTTP 503)"
            );
        }
    }
}
