//! How long a node asks its clients to wait.

use std::time::{Duration, SystemTime};

use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// After so long it is worth a call to see whether the wait is over, whatever the node said: some give milliseconds for
/// seconds, or a date in another century.
const LONGEST: Duration = Duration::from_hours(1);

/// The wait that an answer asks for, but no longer than an hour: `Retry-After` in seconds or as an HTTP date (RFC 9110,
/// section 10.2.3), else the wait named in the message of a throttling body. A date counts from the answer's own `Date`.
#[must_use]
pub fn retry_after(headers: &HeaderMap, body: &[u8]) -> Option<Duration> {
    headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| from_header(value, time_of(headers)))
        .or_else(|| from_message(body))
        .map(|wait| wait.min(LONGEST))
}

/// The node's time of day, if the answer tells it (`Date`, RFC 9110, section 6.6.1).
#[must_use]
pub fn date(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()
}

/// The same in seconds since 1970.
#[must_use]
pub fn date_in_seconds(headers: &HeaderMap) -> Option<i64> {
    let since = date(headers)?.duration_since(SystemTime::UNIX_EPOCH);
    i64::try_from(since.ok()?.as_secs()).ok()
}

/// What every absolute time in an answer is relative to: the node's clock, since this machine's may be hours off. Only
/// where the answer has no `Date` does this machine's clock count.
pub(super) fn time_of(headers: &HeaderMap) -> SystemTime {
    date(headers).unwrap_or_else(SystemTime::now)
}

fn from_header(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        let seconds = seconds.min(LONGEST.as_secs_f64());
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let when = httpdate::parse_http_date(value).ok()?;
    Some(when.duration_since(now).unwrap_or(Duration::ZERO))
}

/// Words for calls that come too fast, which mean the same in a refusal of any kind.
const TOO_FAST: [&str; 4] = ["throttl", "too many requests", "rate limit", "slow down"];

/// Words that mean it in a server error. A 403 with one of them may be about licences, or about a person.
const OVERLOADED: [&str; 5] = ["too many", "overload", "busy", "try again later", "quota"];

/// How much of a body is searched for words.
const SEARCHED: usize = 16 << 10;

/// Whether the body of a server error says that there were too many calls, or that the node is overloaded: in a field of
/// a JSON document, or in a page for people.
pub(super) fn says_too_many(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&body[..body.len().min(SEARCHED)]).to_lowercase();
    let mut signs = TOO_FAST.iter().chain(&OVERLOADED);
    signs.any(|sign| text.contains(sign))
}

/// Whether a 403 is the provider's way of saying "too fast" and not "you may not": its other
/// endpoints throttle with 403 and `error: "throttled"` in the body. Where there is no such code, a sentence may say it.
pub(super) fn is_throttled(status: StatusCode, body: &[u8]) -> bool {
    if status != StatusCode::FORBIDDEN {
        return false;
    }
    let Some(body) = object(body) else {
        return false;
    };
    let text = |keys: [&str; 3]| {
        let text = keys.into_iter().find_map(|key| body.get(key)?.as_str());
        text.map(str::to_ascii_lowercase)
    };
    match text(["error", "result_code", "scimType"]) {
        Some(code) => code == "throttled",
        None => text(["detail", "message", "error_description"])
            .is_some_and(|words| TOO_FAST.iter().any(|sign| words.contains(sign))),
    }
}

fn object(body: &[u8]) -> Option<serde_json::Value> {
    // A byte order mark is not JSON, and some servers send one.
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    serde_json::from_slice(body).ok()
}

/// "Try again in 2 minutes" in any field of the body that holds a sentence.
fn from_message(body: &[u8]) -> Option<Duration> {
    let value = object(body)?;
    ["message", "detail", "error"]
        .into_iter()
        .find_map(|key| length_in_words(value.get(key)?.as_str()?))
}

fn length_in_words(text: &str) -> Option<Duration> {
    let mut words = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    while let Some(word) = words.next() {
        let Ok(number) = word.parse::<u32>() else {
            continue;
        };
        let unit = match words
            .clone()
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase()
        {
            unit if unit.starts_with("sec") || unit == "s" => 1,
            unit if unit.starts_with("min") => 60,
            unit if unit.starts_with("hour") => 3600,
            _ => continue,
        };
        return Some(Duration::from_secs(u64::from(number) * unit));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_seconds_or_as_a_date() {
        let now = httpdate::parse_http_date("Mon, 23 Nov 2026 10:00:00 GMT").unwrap();
        for (value, seconds) in [
            ("3", Some(3)),
            (" 120 ", Some(120)),
            ("Mon, 23 Nov 2026 10:00:30 GMT", Some(30)),
            ("Mon, 23 Nov 2026 09:00:00 GMT", Some(0)),
            ("99999999999", Some(3600)),
            ("1e300", Some(3600)),
            ("-5", None),
            ("soon", None),
        ] {
            assert_eq!(
                from_header(value, now),
                seconds.map(Duration::from_secs),
                "{value:?}"
            );
        }
    }

    #[test]
    fn a_date_counts_from_the_clock_of_the_node() {
        let hour = Duration::from_hours(1);
        let here = SystemTime::now();
        for node in [here - hour, here, here + hour] {
            let mut headers = HeaderMap::new();
            let mut put = |name, time| {
                headers.insert(name, httpdate::fmt_http_date(time).parse().unwrap());
            };
            put(RETRY_AFTER, node + Duration::from_secs(30));
            put(DATE, node);
            let wait = retry_after(&headers, b"");
            assert_eq!(wait, Some(Duration::from_secs(30)), "{headers:?}");
        }
    }

    #[test]
    fn a_date_that_is_none_is_not_taken_for_one() {
        let mut headers = HeaderMap::new();
        assert_eq!(date(&headers), None);
        headers.insert(DATE, "yesterday".parse().unwrap());
        assert_eq!(date(&headers), None);
        headers.insert(DATE, "Thu, 01 Jan 1970 00:00:05 GMT".parse().unwrap());
        let then = SystemTime::UNIX_EPOCH + Duration::from_secs(5);
        assert_eq!(date(&headers), Some(then));
        // A date to wait for is then relative to this machine's clock: long ago.
        let (name, past) = (RETRY_AFTER, "Thu, 01 Jan 1970 00:01:00 GMT");
        let headers = HeaderMap::from_iter([(name, past.parse().unwrap())]);
        assert_eq!(retry_after(&headers, b""), Some(Duration::ZERO));
    }

    #[test]
    fn a_wait_is_found_in_the_message() {
        for (body, seconds) in [
            (
                r#"{"error":"throttled","message":"Please try again in 1 minute"}"#,
                Some(60),
            ),
            (
                r#"{"error":"throttled","message":"Repeated 3 times, wait 10 seconds."}"#,
                Some(10),
            ),
            (r#"{"error":"throttled","message":"later"}"#, None),
            ("<html>", None),
        ] {
            assert_eq!(
                from_message(body.as_bytes()),
                seconds.map(Duration::from_secs),
                "{body}"
            );
        }
    }

    #[test]
    fn a_server_error_may_say_in_any_words_that_there_were_too_many_calls() {
        for body in [
            r#"{"detail":"Rate limit exceeded"}"#,
            r#"{"Errors":[{"description":"Request was throttled."}]}"#,
            "Too many connections",
            "<html><h1>The server is temporarily overloaded</h1></html>",
            "Server busy. Please TRY AGAIN LATER.",
            r#"{"error":"quota_exceeded"}"#,
            "please slow down",
        ] {
            assert!(says_too_many(body.as_bytes()), "{body}");
        }
        for body in [
            "",
            "<html><h1>Bad Gateway</h1></html>",
            r#"{"detail":"database error"}"#,
        ] {
            assert!(!says_too_many(body.as_bytes()), "{body}");
        }
    }

    #[test]
    fn only_a_body_that_says_so_makes_a_403_a_wait() {
        let forbidden = StatusCode::FORBIDDEN;
        assert!(is_throttled(forbidden, br#"{"error":"throttled"}"#));
        assert!(!is_throttled(
            forbidden,
            br#"{"error":"access_denied","message":"throttled"}"#
        ));
        assert!(is_throttled(
            forbidden,
            br#"{"status":"403","detail":"Request was throttled. Expected available in 1 second."}"#
        ));
        assert!(!is_throttled(
            forbidden,
            br#"{"status":"403","detail":"You may not change the rate of pay"}"#
        ));
        for licence in ["License quota exceeded", "Too many users in this node"] {
            let body = format!(r#"{{"status":"403","detail":"{licence}"}}"#);
            assert!(!is_throttled(forbidden, body.as_bytes()), "{licence}");
        }
        assert!(!is_throttled(forbidden, b""));
        assert!(!is_throttled(
            StatusCode::BAD_REQUEST,
            br#"{"error":"throttled"}"#
        ));
    }
}
