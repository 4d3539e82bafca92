//! The one table of what follows from how a call went.
//!
//! | what happened | a call that may be repeated | a create |
//! |---|---|---|
//! | 429, or 403 whose body says throttled | everybody waits, then again | everybody waits, then again |
//! | 503, 408 | everybody waits if told how long, then again | look first |
//! | 500, 502, 504, other 5xx | back off, then again | look first |
//! | no connection | back off, then again | back off, then again |
//! | answer lost, cut, timed out, or 2xx with a body that is not SCIM | back off, then again | look first |
//! | anything else | the node's word | the node's word |
//!
//! "Look first" is for the caller: only it knows how to find out whether the create took effect.

use std::time::Duration;

use reqwest::StatusCode;

use super::wait::is_throttled;

/// Whether a call may simply be sent a second time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Twice is the same as once (RFC 9110, section 9.2.2; and every PATCH this program sends).
    Safe,
    /// A second one may be refused, or make a second thing: find out first.
    LookFirst,
}

/// How a call went, as far as sending it again is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happened {
    /// The node refused to look at it: too many calls.
    Throttled,
    /// The node, or something before it, could not do it now.
    Unavailable,
    /// Something broke on the way; it may have taken effect.
    ServerError,
    /// The connection could not be made: nothing was sent.
    NotSent,
    /// It was sent, and no whole answer came back.
    Lost,
    /// It was answered with a yes that cannot be read: a damaged body, or a stranger's page.
    Unreadable,
    /// The node decided.
    Decided,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Send it again when every call has waited.
    AllWait,
    /// Send it again after its own back-off.
    BackOff,
    /// It may have taken effect: look before it is sent again.
    LookFirst,
    /// This is the answer.
    Done,
}

/// Classifies an answer by its status and body.
#[must_use]
pub fn happened(status: StatusCode, body: &[u8]) -> Happened {
    match status {
        StatusCode::TOO_MANY_REQUESTS => Happened::Throttled,
        StatusCode::FORBIDDEN if is_throttled(status, body) => Happened::Throttled,
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::REQUEST_TIMEOUT => Happened::Unavailable,
        StatusCode::NOT_IMPLEMENTED | StatusCode::HTTP_VERSION_NOT_SUPPORTED => Happened::Decided,
        status if status.is_server_error() => Happened::ServerError,
        _ => Happened::Decided,
    }
}

/// The table above.
#[must_use]
#[expect(clippy::match_same_arms, reason = "one arm a line of the table")]
pub fn verdict(happened: Happened, repeat: Repeat) -> Verdict {
    match (happened, repeat) {
        (Happened::Decided, _) => Verdict::Done,
        (Happened::Throttled, _) => Verdict::AllWait,
        (Happened::NotSent, _) => Verdict::BackOff,
        (_, Repeat::LookFirst) => Verdict::LookFirst,
        (Happened::Unavailable, Repeat::Safe) => Verdict::AllWait,
        (_, Repeat::Safe) => Verdict::BackOff,
    }
}

/// How often a call is sent at the most when it fails, the first time included.
pub const MAX_ATTEMPTS: u32 = 8;

/// How often a call may be told to wait before it counts as failed.
pub const MAX_WAITS: u32 = 60;

/// How long a node may give no answer at all before the run stops.
pub const OUTAGE: Duration = Duration::from_mins(2);

/// How often the very first call is tried before the address is taken to be wrong.
pub const FIRST_ATTEMPTS: u32 = 4;

const FIRST_STEP: Duration = Duration::from_millis(200);
const LONGEST_STEP: Duration = Duration::from_secs(15);

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
    fn a_create_that_may_have_worked_is_never_simply_repeated() {
        for status in [408, 500, 502, 503, 504, 520] {
            let what = happened(StatusCode::from_u16(status).unwrap(), b"");
            assert_eq!(
                verdict(what, Repeat::LookFirst),
                Verdict::LookFirst,
                "{status}"
            );
            assert_ne!(verdict(what, Repeat::Safe), Verdict::Done, "{status}");
        }
        assert_eq!(
            verdict(Happened::Lost, Repeat::LookFirst),
            Verdict::LookFirst
        );
    }

    #[test]
    fn what_the_node_never_looked_at_is_sent_again() {
        for repeat in [Repeat::Safe, Repeat::LookFirst] {
            assert_eq!(verdict(Happened::NotSent, repeat), Verdict::BackOff);
            assert_eq!(verdict(Happened::Throttled, repeat), Verdict::AllWait);
        }
        let throttled = happened(StatusCode::FORBIDDEN, br#"{"error":"throttled"}"#);
        assert_eq!(throttled, Happened::Throttled);
    }

    #[test]
    fn the_nodes_word_stands() {
        for status in [200, 201, 204, 400, 401, 403, 404, 409, 412, 428, 501] {
            let what = happened(StatusCode::from_u16(status).unwrap(), b"{}");
            assert_eq!(verdict(what, Repeat::Safe), Verdict::Done, "{status}");
        }
    }

    #[test]
    fn steps_double_up_to_the_longest() {
        assert_eq!(step(1), Duration::from_millis(200));
        assert_eq!(step(4), Duration::from_millis(1600));
        assert_eq!(step(40), LONGEST_STEP);
        assert!((0..100).all(|_| back_off(3) <= step(3)));
    }
}
