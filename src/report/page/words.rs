//! Times, codes and outcomes in words.

use std::time::Duration;

use jiff::Timestamp;

use crate::run::Verdict;
use crate::transport::Class;
use crate::wording::duration;

/// "2026-11-24 09:07:00 UTC"
pub(super) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A time that may be very short: "0.4 ms", "12 ms", "3.4 s".
pub(super) fn short(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1000.0;
    match millis {
        ..9.95 => format!("{millis:.1} ms"),
        ..999.5 => format!("{millis:.0} ms"),
        _ => duration(time),
    }
}

/// A share of a whole: "12.5 %", "under 0.1 %".
pub(super) fn share(count: u64, of: u64) -> String {
    let percent = ratio(count, of) * 100.0;
    match percent {
        0.0 => "0 %".to_owned(),
        ..0.1 => "under 0.1 %".to_owned(),
        // What is not all of it does not look like it.
        99.9..100.0 => "over 99.9 %".to_owned(),
        100.0 => "100 %".to_owned(),
        _ => format!("{percent:.1} %"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
pub(super) fn ratio(count: u64, of: u64) -> f64 {
    if of == 0 {
        return 0.0;
    }
    count as f64 / of as f64
}

/// How many there are in a second.
pub(super) fn rate(count: u64, time: Duration) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
    let rate = count as f64 / time.as_secs_f64().max(0.001);
    match rate {
        0.0 => "0".to_owned(),
        ..0.05 => "under 0.1".to_owned(),
        ..100.0 => format!("{rate:.1}"),
        _ => format!("{rate:.0}"),
    }
}

/// What an outcome means.
pub(super) fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Created => "the account was made",
        Verdict::Updated => "the account was changed",
        Verdict::Unchanged => "was as asked already",
        Verdict::Locked => "can no longer sign in",
        Verdict::Unlocked => "can sign in again",
        Verdict::Deleted => "the account is gone",
        Verdict::Exists => "is there already, which is all right",
        Verdict::Invalid => "the row makes no sense; nothing was sent",
        Verdict::Failed => "was refused",
        Verdict::NotAttempted => "nothing was sent",
        Verdict::Unknown => "was sent; whether it worked could not be found out",
    }
}

/// The word for an outcome.
pub(super) fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::NotAttempted => "not attempted",
        verdict => verdict.as_str(),
    }
}

/// What a status code means for whoever does not know them.
pub(super) fn status(code: u16) -> &'static str {
    match code {
        200 => "answered",
        201 => "made",
        202 => "accepted",
        400 => "not understood, or not allowed",
        401 => "the token is refused",
        403 => "not allowed",
        404 => "not there",
        408 => "took too long; sent again later",
        409 => "the email, or the name, is taken",
        412 => "changed by somebody else meanwhile",
        413 => "too large",
        428 => "no licensed seats are left",
        429 => "too many calls; sent again later",
        501 => "the node does not do that",
        503 => "the node is busy; sent again later",
        500 | 502 | 504..=599 => "something broke in the node",
        203..=299 => "done",
        _ => "refused",
    }
}

pub(super) fn class(class: Class) -> &'static str {
    match class {
        Class::Read => "questions",
        Class::UserWrite => "changes of accounts",
        Class::GroupWrite => "changes of teams and roles",
        Class::Bulk => "bulk requests",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_for_people() {
        assert_eq!(short(Duration::from_micros(420)), "0.4 ms");
        assert_eq!(short(Duration::from_millis(42)), "42 ms");
        assert_eq!(short(Duration::from_millis(4_200)), "4.2 s");
        assert_eq!(share(1, 8), "12.5 %");
        assert_eq!(share(0, 0), "0 %");
        assert_eq!(share(999_999, 1_000_000), "over 99.9 %");
        assert_eq!(share(1, 1_000_000), "under 0.1 %");
        assert_eq!(share(5, 5), "100 %");
        assert_eq!(rate(1, Duration::from_secs(100)), "under 0.1");
        assert_eq!(rate(250, Duration::from_secs(2)), "125");
    }
}
