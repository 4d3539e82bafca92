//! The one table of what follows from how a call went: [`TABLE`]. `docs/reference.md` shows it, and a test holds one
//! against the other.
//!
//! "Look first" is for the caller: only it knows how to find out whether the create took effect. Which of the
//! node's words stop a run is for [`run`](crate::run). When so many calls fail that sending them again makes things
//! worse, the breaker steps in.

use std::time::Duration;

use reqwest::StatusCode;

use super::wait::{is_throttled, says_too_many};
use super::{Fault, Idempotency, Refused};

/// How a call went, as far as sending it again is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallStatus {
    /// The node refused to look at it: too many calls.
    Throttled,
    /// The node, or something before it, could not do it now.
    Unavailable,
    /// Something broke on the way; it may have taken effect.
    ServerError,
    /// The connection could not be made: nothing was sent.
    NotSent,
    /// The node closed the connection and said that it has not looked at it (RFC 9113, section 6.8).
    Untouched,
    /// The node refused the stream, and so has not looked at it (RFC 9113, section 8.7).
    Refused,
    /// It was sent, and no whole answer came back.
    Lost,
    /// It was answered with a yes that cannot be read: a damaged body, or a stranger's page.
    Unreadable,
    /// The node decided.
    Decided,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryDecision {
    /// Send it again, once it has waited as long as it was told, or backed off where nothing was told.
    Again,
    /// It may have taken effect: wait as well, and look before it is sent again.
    LookFirst,
    /// This is the answer.
    Done,
}

/// How long a call is worth trying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryLimit {
    /// It is sent so often, the first time included, and for no longer than [`PATIENCE`].
    Attempts(u32),
    /// It is refused so often while the node accepts others.
    Waits(u32),
    /// Until the node has been silent for [`OUTAGE`].
    Outage,
}

/// A line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// How the call went.
    pub what: CallStatus,
    /// The same in words.
    pub words: &'static str,
    /// What follows for a call that may be repeated.
    pub safe: RetryDecision,
    /// What follows for a call that must not simply be repeated.
    pub look_first: RetryDecision,
    /// How long that goes on.
    pub most: RetryLimit,
}

const fn rule(
    what: CallStatus,
    words: &'static str,
    safe: RetryDecision,
    look_first: RetryDecision,
    most: RetryLimit,
) -> Rule {
    Rule {
        what,
        words,
        safe,
        look_first,
        most,
    }
}

/// What follows from how a call went.
#[rustfmt::skip]
pub const TABLE: [Rule; 9] = [
    rule(CallStatus::Throttled, "429, or 403 whose body says throttled", RetryDecision::Again, RetryDecision::Again, RetryLimit::Waits(MAX_WAITS)),
    rule(CallStatus::Unavailable, "503, 408, 421, 425, or another 5xx that says there are too many calls", RetryDecision::Again, RetryDecision::LookFirst, RetryLimit::Waits(MAX_WAITS)),
    rule(CallStatus::ServerError, "other 5xx, but 501 and 505", RetryDecision::Again, RetryDecision::LookFirst, RetryLimit::Attempts(MAX_ATTEMPTS)),
    rule(CallStatus::NotSent, "no connection", RetryDecision::Again, RetryDecision::Again, RetryLimit::Outage),
    rule(CallStatus::Untouched, "not looked at, by HTTP/2 GOAWAY", RetryDecision::Again, RetryDecision::Again, RetryLimit::Attempts(MAX_ATTEMPTS)),
    rule(CallStatus::Refused, "not looked at, by HTTP/2 REFUSED_STREAM", RetryDecision::Again, RetryDecision::Again, RetryLimit::Attempts(MAX_ATTEMPTS)),
    rule(CallStatus::Lost, "answer lost, cut, timed out or not to be unpacked", RetryDecision::Again, RetryDecision::LookFirst, RetryLimit::Attempts(MAX_ATTEMPTS)),
    rule(CallStatus::Unreadable, "2xx that is not SCIM", RetryDecision::Again, RetryDecision::LookFirst, RetryLimit::Attempts(MAX_ATTEMPTS)),
    rule(CallStatus::Decided, "anything else", RetryDecision::Done, RetryDecision::Done, RetryLimit::Attempts(1)),
];

impl CallStatus {
    /// Whether the node answered, and that it would not or could not do it now.
    #[must_use]
    pub fn is_refusal(self) -> bool {
        matches!(
            self,
            CallStatus::Throttled
                | CallStatus::Unavailable
                | CallStatus::ServerError
                | CallStatus::Refused
        )
    }

    /// The line of the table.
    #[must_use]
    pub fn rule(self) -> &'static Rule {
        &TABLE[self as usize]
    }
}

/// Classifies an answer by its status and body.
#[must_use]
pub fn call_status(status: StatusCode, body: &[u8]) -> CallStatus {
    match status {
        StatusCode::TOO_MANY_REQUESTS => CallStatus::Throttled,
        StatusCode::FORBIDDEN if is_throttled(status, body) => CallStatus::Throttled,
        StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::REQUEST_TIMEOUT
        | StatusCode::MISDIRECTED_REQUEST
        | StatusCode::TOO_EARLY => CallStatus::Unavailable,
        StatusCode::NOT_IMPLEMENTED | StatusCode::HTTP_VERSION_NOT_SUPPORTED => CallStatus::Decided,
        status if status.is_server_error() && says_too_many(body) => CallStatus::Unavailable,
        status if status.is_server_error() => CallStatus::ServerError,
        _ => CallStatus::Decided,
    }
}

/// What follows, by the table.
#[must_use]
pub fn decide(call_status: CallStatus, idempotency: Idempotency) -> RetryDecision {
    let rule = call_status.rule();
    match idempotency {
        Idempotency::Safe => rule.safe,
        Idempotency::LookFirst => rule.look_first,
    }
}

/// How often a call is sent at the most when it fails, the first time included.
pub const MAX_ATTEMPTS: u32 = 8;

/// How long a call that fails may take in all its attempts, not counting its waits; and how long a node may refuse every
/// call of a class.
pub const PATIENCE: Duration = Duration::from_mins(10);

/// How often a call may be refused, while the node accepts others, before it counts as failed.
pub const MAX_WAITS: u32 = 60;

/// Each so many minutes that the node asks to wait count as one more refusal: a wait of an hour counts as 13.
const LONG_WAIT_MINUTES: u64 = 5;

/// How long a node may give no answer at all before the run stops.
pub const OUTAGE: Duration = Duration::from_mins(2);

/// How often the very first call is tried before the address is taken to be wrong.
pub const FIRST_ATTEMPTS: u32 = 4;

const FIRST_STEP: Duration = Duration::from_millis(200);
const LONGEST_STEP: Duration = Duration::from_secs(15);

/// So many look-ups in a row must find that a refused create had no effect before refusals are taken at their word.
pub const LOOK_UPS: u32 = 5;

/// After that, one refused create in so many is still looked up.
const SPOT_CHECK: u32 = 10;

/// Whether creates that the node refused with "not now" ([`CallStatus::Unavailable`]) had any effect, as far as was looked.
///
/// A look-up counts against the same limit as the create, so on a node that limits calls in this way look-ups would be
/// most of the traffic. Once they have found nothing a few times, such a refusal counts like 429: the create is sent
/// again, and should it be refused with 409, the account may be its own.
#[derive(Debug, Clone, Copy, Default)]
pub struct RefusedCreates {
    without_effect: u32,
    trusted: u32,
    had_effect: bool,
}

impl RefusedCreates {
    /// Whether look-ups may soon become needless: then no more than [`LOOK_UPS`] are worth making at a time.
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        !self.had_effect && self.without_effect < LOOK_UPS
    }

    /// Whether to look before another refused create is sent again.
    pub fn needs_look_up(&mut self) -> bool {
        if self.had_effect || self.is_undecided() {
            return true;
        }
        self.trusted += 1;
        self.trusted.is_multiple_of(SPOT_CHECK)
    }

    /// A look-up after a refusal has found the account, or not. One that was found ends the trust for good.
    pub fn looked_up(&mut self, found: bool) {
        self.had_effect |= found;
        self.without_effect += u32::from(!found);
    }
}

/// What has gone into a call that fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Effort {
    failures: u32,
    waits: u32,
    lasted: Duration,
}

impl Effort {
    /// It has failed once more, after so long.
    pub fn add(&mut self, lasted: Duration) {
        self.failures += 1;
        self.lasted = self.lasted.saturating_add(lasted);
    }

    /// It was refused once more, although others were accepted, and the node asked to wait. A long wait counts more.
    pub fn add_wait(&mut self, wait: Option<Duration>) {
        let minutes = wait.unwrap_or_default().as_secs() / 60;
        let more = u32::try_from(minutes / LONG_WAIT_MINUTES).unwrap_or(MAX_WAITS);
        self.waits = self.waits.saturating_add(1).saturating_add(more);
    }

    /// It ended in `fault`. Returns how long to wait before looking whether it worked.
    pub fn after(&mut self, fault: &Fault) -> Duration {
        match fault.refused {
            Refused::No => self.add(fault.lasted),
            Refused::Alone => self.add_wait(fault.wait),
            // That says nothing of this call.
            Refused::WithAll => {}
        }
        fault.wait.unwrap_or_else(|| self.back_off())
    }

    /// How often it has failed.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// How often it was refused.
    #[must_use]
    pub fn waits(&self) -> u32 {
        self.waits
    }

    /// Whether it has failed as often as `most`, or for as long as is reasonable, or was refused too often.
    #[must_use]
    pub fn is_spent(&self, most: u32) -> bool {
        self.failures >= most || self.waits >= MAX_WAITS || self.lasted >= PATIENCE
    }

    /// How long to wait where nothing was told.
    #[must_use]
    pub fn back_off(&self) -> Duration {
        back_off(self.failures + self.waits)
    }
}

/// Exponential back-off with full jitter: anything between nothing and the step of this failure.
#[must_use]
pub fn back_off(failures: u32) -> Duration {
    step(failures).mul_f64(fastrand::f64())
}

fn step(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    (FIRST_STEP * 2_u32.pow(doublings)).min(LONGEST_STEP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_trusted_after_a_few_look_ups_until_one_finds_something() {
        let mut refused = RefusedCreates::default();
        for _ in 0..LOOK_UPS {
            assert!(refused.is_undecided() && refused.needs_look_up());
            refused.looked_up(false);
        }
        assert!(!refused.is_undecided());
        let looked = (0..100).filter(|_| refused.needs_look_up()).count();
        assert_eq!(looked, 10);
        refused.looked_up(true);
        assert!((0..100).all(|_| refused.needs_look_up()));
    }

    #[test]
    fn a_create_that_may_have_worked_is_never_simply_repeated() {
        for status in [408, 500, 502, 503, 504, 520] {
            let what = call_status(StatusCode::from_u16(status).unwrap(), b"");
            assert_eq!(
                decide(what, Idempotency::LookFirst),
                RetryDecision::LookFirst,
                "{status}"
            );
            assert_ne!(
                decide(what, Idempotency::Safe),
                RetryDecision::Done,
                "{status}"
            );
        }
        assert_eq!(
            decide(CallStatus::Lost, Idempotency::LookFirst),
            RetryDecision::LookFirst
        );
    }

    #[test]
    fn what_the_node_never_looked_at_is_sent_again() {
        for idempotency in [Idempotency::Safe, Idempotency::LookFirst] {
            for what in [
                CallStatus::NotSent,
                CallStatus::Untouched,
                CallStatus::Refused,
            ] {
                assert_eq!(decide(what, idempotency), RetryDecision::Again);
            }
            assert_eq!(
                decide(CallStatus::Throttled, idempotency),
                RetryDecision::Again
            );
        }
        for not_now in [StatusCode::MISDIRECTED_REQUEST, StatusCode::TOO_EARLY] {
            assert_eq!(call_status(not_now, b""), CallStatus::Unavailable);
        }
        let throttled = call_status(StatusCode::FORBIDDEN, br#"{"error":"throttled"}"#);
        assert_eq!(throttled, CallStatus::Throttled);
    }

    #[test]
    fn the_nodes_word_stands() {
        for status in [200, 201, 204, 400, 401, 403, 404, 409, 412, 428, 501] {
            let what = call_status(StatusCode::from_u16(status).unwrap(), b"{}");
            assert_eq!(
                decide(what, Idempotency::Safe),
                RetryDecision::Done,
                "{status}"
            );
        }
    }

    fn in_words(decision: RetryDecision) -> &'static str {
        match decision {
            RetryDecision::Again => "wait, then again",
            RetryDecision::LookFirst => "wait, then look first",
            RetryDecision::Done => "the node's word",
        }
    }

    #[test]
    fn the_reference_shows_this_table() {
        let reference = include_str!("../../docs/reference.md");
        for (at, rule) in TABLE.iter().enumerate() {
            assert_eq!(
                rule.what as usize, at,
                "the lines are in the order of the enum"
            );
            let most = match rule.most {
                RetryLimit::Attempts(1) => "sent once".to_owned(),
                RetryLimit::Attempts(attempts) => {
                    format!("sent {attempts} times, {} minutes", PATIENCE.as_secs() / 60)
                }
                RetryLimit::Waits(waits) => format!("refused {waits} times"),
                RetryLimit::Outage => format!("silence of {} minutes", OUTAGE.as_secs() / 60),
            };
            let line = format!(
                "| {} | {} | {} | {most} |",
                rule.words,
                in_words(rule.safe),
                in_words(rule.look_first)
            );
            assert!(
                reference.contains(&line),
                "docs/reference.md lacks:\n{line}"
            );
        }
    }

    #[test]
    fn a_call_is_given_up_after_so_many_failures_or_so_long() {
        let mut quick = Effort::default();
        let failures = std::iter::repeat_with(|| {
            quick.add(Duration::from_secs(1));
            quick.is_spent(MAX_ATTEMPTS)
        });
        assert_eq!(failures.take_while(|spent| !spent).count(), 7);
        let mut slow = Effort::default();
        slow.add(Duration::from_mins(5));
        assert!(!slow.is_spent(MAX_ATTEMPTS));
        slow.add(Duration::from_mins(5));
        assert!(slow.is_spent(MAX_ATTEMPTS));
    }

    #[test]
    fn steps_double_up_to_the_longest() {
        assert_eq!(step(1), Duration::from_millis(200));
        assert_eq!(step(4), Duration::from_millis(1600));
        assert_eq!(step(40), LONGEST_STEP);
        assert!((0..100).all(|_| back_off(3) <= step(3)));
    }
}
