//! What a node's header fields say of how many calls may still come.
//!
//! - `RateLimit` and `RateLimit-Policy` as structured fields (draft-ietf-httpapi-ratelimit-headers, from its
//!   revision 8 on): `"minute";r=50;t=30`, and up to its revision 7: `limit=100, remaining=50, reset=30`
//! - `RateLimit-Limit`, `-Remaining` and `-Reset`, and the same with `X-` before them, as they were in use before. A
//!   reset is in so many seconds; a number too large for that is a time, in seconds or milliseconds since 1970,
//!   by the clock of the node

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::header::{HeaderMap, HeaderName};
use sfv::{Dictionary, GenericBareItem, List, ListEntry, Parameters, Parser};

use super::limiter::Allowance;
use super::wait::time_of;

/// A reset of more seconds than this is a time: nobody waits for ten years.
const LONGEST: f64 = 315_576_000.0;

static LIMIT: HeaderName = HeaderName::from_static("ratelimit");
static POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Fields with one number each.
struct Apart {
    remaining: HeaderName,
    reset: HeaderName,
}

static APART: [Apart; 2] = [
    Apart {
        remaining: HeaderName::from_static("ratelimit-remaining"),
        reset: HeaderName::from_static("ratelimit-reset"),
    },
    Apart {
        remaining: HeaderName::from_static("x-ratelimit-remaining"),
        reset: HeaderName::from_static("x-ratelimit-reset"),
    },
];

/// What the fields of an answer allow; where they name several limits, the narrowest one.
pub(super) fn allowance(headers: &HeaderMap) -> Option<Allowance> {
    let text = |name: &HeaderName| headers.get(name)?.to_str().ok();
    if let Some(field) = text(&LIMIT) {
        return structured(field, text(&POLICY));
    }
    APART.iter().find_map(|fields| {
        let number = |name: &HeaderName| leading_number(text(name)?);
        let reset = number(&fields.reset)?;
        Some(Allowance {
            left: number(&fields.remaining)?,
            reset: reset_in(reset, time_of(headers))?,
        })
    })
}

fn structured(field: &str, policy: Option<&str>) -> Option<Allowance> {
    if let Ok(limits) = Parser::new(field).parse::<List>() {
        let policies = policy.and_then(|policy| Parser::new(policy).parse::<List>().ok());
        let limits = limits.iter().filter_map(|limit| {
            let ListEntry::Item(limit) = limit else {
                return None;
            };
            let policy = policies.iter().flatten().find_map(|policy| match policy {
                ListEntry::Item(policy) if policy.bare_item == limit.bare_item => {
                    Some(&policy.params)
                }
                _ => None,
            });
            let window = || number(policy?, "w");
            let reset = number(&limit.params, "t").or_else(window)?;
            Some(Allowance {
                left: number(&limit.params, "r")?,
                reset: Duration::try_from_secs_f64(reset).ok()?,
            })
        });
        return limits.reduce(|one, other| if other.left < one.left { other } else { one });
    }
    let limit = Parser::new(field).parse::<Dictionary>().ok()?;
    let number = |key: &str| match limit.get(key)? {
        ListEntry::Item(item) => value(&item.bare_item),
        ListEntry::InnerList(_) => None,
    };
    Some(Allowance {
        left: number("remaining")?,
        reset: Duration::try_from_secs_f64(number("reset")?).ok()?,
    })
}

fn number(params: &Parameters, key: &str) -> Option<f64> {
    value(params.get(key)?)
}

/// A number that is not negative.
fn value<S, B, T, D>(item: &GenericBareItem<S, B, T, D>) -> Option<f64> {
    let number = match item {
        GenericBareItem::Integer(number) => number.to_string().parse().ok()?,
        GenericBareItem::Decimal(number) => number.to_string().parse().ok()?,
        _ => return None,
    };
    Some(number).filter(|number: &f64| *number >= 0.0)
}

/// `100` of `100, 100;w=60`.
fn leading_number(text: &str) -> Option<f64> {
    let number = text.split([',', ';']).next()?.trim();
    number
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite() && *number >= 0.0)
}

fn reset_in(reset: f64, now: SystemTime) -> Option<Duration> {
    if reset <= LONGEST {
        return Duration::try_from_secs_f64(reset).ok();
    }
    let seconds = if reset > LONGEST * 1000.0 {
        reset / 1000.0
    } else {
        reset
    };
    let when = UNIX_EPOCH + Duration::try_from_secs_f64(seconds).ok()?;
    Some(when.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    /// Read from an answer of a node whose clock shows 1,800,000,000 seconds since 1970.
    fn read(fields: &[(&'static str, &'static str)]) -> Option<(f64, u64)> {
        let date = ("date", "Fri, 15 Jan 2027 08:00:00 GMT");
        let fields = fields.iter().chain([&date]).map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        let read = allowance(&fields.collect())?;
        Some((read.left, read.reset.as_secs()))
    }

    #[test]
    fn every_way_of_writing_them_is_read() {
        for fields in [
            &[
                ("ratelimit", "\"minute\";r=50;t=30"),
                (
                    "ratelimit-policy",
                    "\"day\";q=9000;w=86400, \"minute\";q=100;w=60",
                ),
            ][..],
            &[("ratelimit", "limit=100, remaining=50, reset=30")],
            &[
                ("ratelimit-limit", "100, 100;w=60"),
                ("ratelimit-remaining", "50"),
                ("ratelimit-reset", "30"),
            ],
            &[
                ("x-ratelimit-limit", "100"),
                ("x-ratelimit-remaining", "50"),
                ("x-ratelimit-reset", "1800000030"),
            ],
            &[
                ("x-ratelimit-limit", "100"),
                ("x-ratelimit-remaining", "50"),
                ("x-ratelimit-reset", "1800000030000"),
            ],
        ] {
            assert_eq!(read(fields), Some((50.0, 30)), "{fields:?}");
        }
    }

    #[test]
    fn a_time_counts_from_the_clock_of_the_node() {
        let hour = Duration::from_hours(1);
        let here = SystemTime::now();
        for node in [here - hour, here, here + hour] {
            let since_1970 = node.duration_since(UNIX_EPOCH).unwrap().as_secs();
            let fields = [
                ("x-ratelimit-remaining", "0".to_owned()),
                ("x-ratelimit-reset", (since_1970 + 30).to_string()),
                ("date", httpdate::fmt_http_date(node)),
            ];
            let fields =
                fields.map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
            let read = allowance(&HeaderMap::from_iter(fields)).unwrap();
            assert_eq!(read.reset, Duration::from_secs(30));
        }
    }

    #[test]
    fn of_several_limits_the_narrowest_counts() {
        let two = ("ratelimit", "\"day\";r=8000;t=40000, \"minute\";r=3;t=12");
        assert_eq!(read(&[two]), Some((3.0, 12)));
        let policy = ("ratelimit-policy", "\"minute\";q=10;w=60");
        assert_eq!(
            read(&[("ratelimit", "\"minute\";r=0"), policy]),
            Some((0.0, 60))
        );
    }

    #[test]
    fn what_makes_no_sense_is_passed_over() {
        for field in [
            "",
            "soon",
            "\"a\";r=-1;t=3",
            "\"a\";r=1",
            "(1 2)",
            "\"a\";r=x;t=1",
        ] {
            assert_eq!(read(&[("ratelimit", field)]), None, "{field:?}");
        }
        assert_eq!(read(&[("x-ratelimit-remaining", "3")]), None);
        assert_eq!(
            read(&[("x-ratelimit-remaining", "NaN"), ("x-ratelimit-reset", "1")]),
            None
        );
    }
}
