//! Faults: a share of calls that go wrong, before or after they take effect.
//!
//! The specification is a list with commas between, each entry `KIND[@before|@after][:MS]=SHARE`, the share as `5%` or
//! `0.05`. A fault *before* means that the node never carries the call out; one *after*, that the call takes effect
//! and only its answer goes wrong.
//!
//! | kind | what the client sees | default |
//! |---|---|---|
//! | `500` | an error of that status | before |
//! | `503` | the same, with `Retry-After: 1` | before |
//! | `429` | the same, with `Retry-After: 1` | before only |
//! | `throttled` | the provider's other way of throttling: 403 with `"error": "throttled"` and the wait in its message | before only |
//! | `reset` | no answer, the connection is reset (TCP RST) | before |
//! | `cut` | an answer whose body breaks off in the middle | after |
//! | `delay` | the right answer, late: `delay:500` for 500 ms, 2000 ms by default | after |
//! | `html` | 200 with an HTML error page, as a proxy makes it | before |
//! | `empty` | the right status, no body | after |
//! | `malformed` | the right status, JSON that ends too early | after |
//! | `content-type` | the right answer as `text/plain` | after |
//!
//! `cut`, `empty`, `malformed` and `content-type` *before* spoil an answer 500 in the same way: there is no right
//! answer to a call that was not carried out. An answer without a body (204) cannot be spoilt by `empty`,
//! `malformed` or `content-type`; `cut` closes the connection without one.
//!
//! A call that is refused for its token or its pace meets no fault, and does not use up a throw of the dice.

use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const DEFAULT_DELAY: Duration = Duration::from_secs(2);

/// Which calls go wrong, how, and how many of them. The default is none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Faults(Vec<Entry>);

/// Why a fault specification could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultsError {
    /// An entry without `=`.
    #[error(
        "fault {0:?} has no share: write KIND[@before|@after]=SHARE, for example 503=5% or reset@after=0.02"
    )]
    NoShare(String),
    /// A kind that does not exist.
    #[error("unknown fault {0:?}: the kinds are {KINDS}")]
    UnknownKind(String),
    /// Something else than `before` or `after` behind the `@`.
    #[error(
        "fault {0:?} is neither @before nor @after: a fault comes before or after the call takes effect"
    )]
    UnknownMoment(String),
    /// `429` or `throttled` after taking effect.
    #[error(
        "fault {0:?} cannot come after the call took effect: a throttled call is never carried out"
    )]
    BeforeOnly(String),
    /// A delay that is not a whole number of milliseconds, or on a kind that takes none.
    #[error(
        "fault {0:?}: only delay takes a time, as a whole number of milliseconds: delay:500=5%"
    )]
    BadDelay(String),
    /// A share that is not between 0 and 1.
    #[error("fault share {0:?} is not a share: write 5% or 0.05, between 0 and 1")]
    BadShare(String),
    /// All shares together are more than all calls.
    #[error("the fault shares add up to more than 100 %")]
    TooMuch,
}

const KINDS: &str =
    "500, 503, 429, throttled, reset, cut, delay, html, empty, malformed, content-type";

#[derive(Debug, Clone, Copy, PartialEq)]
struct Entry {
    fault: Fault,
    share: f64,
}

/// One way of going wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) kind: FaultKind,
    pub(super) moment: Moment,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    Before,
    After,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FaultKind {
    InternalError,
    Unavailable,
    TooManyRequests,
    Throttled,
    Reset,
    Cut,
    Delay(Duration),
    Html,
    Empty,
    Malformed,
    ContentType,
}

impl FaultKind {
    fn read(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "500" => Self::InternalError,
            "503" => Self::Unavailable,
            "429" => Self::TooManyRequests,
            "throttled" => Self::Throttled,
            "reset" => Self::Reset,
            "cut" => Self::Cut,
            "delay" => Self::Delay(DEFAULT_DELAY),
            "html" => Self::Html,
            "empty" => Self::Empty,
            "malformed" => Self::Malformed,
            "content-type" => Self::ContentType,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::InternalError => "500",
            Self::Unavailable => "503",
            Self::TooManyRequests => "429",
            Self::Throttled => "throttled",
            Self::Reset => "reset",
            Self::Cut => "cut",
            Self::Delay(_) => "delay",
            Self::Html => "html",
            Self::Empty => "empty",
            Self::Malformed => "malformed",
            Self::ContentType => "content-type",
        }
    }

    fn usual_moment(self) -> Moment {
        match self {
            Self::Cut | Self::Delay(_) | Self::Empty | Self::Malformed | Self::ContentType => {
                Moment::After
            }
            _ => Moment::Before,
        }
    }
}

impl FromStr for Faults {
    type Err = FaultsError;

    fn from_str(spec: &str) -> Result<Self, FaultsError> {
        let entries = spec
            .split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
            .map(Entry::read)
            .collect::<Result<Vec<_>, _>>()?;
        // A little more than 1, for shares such as ten times 0.1 that do not add up exactly.
        if entries.iter().map(|entry| entry.share).sum::<f64>() > 1.000_001 {
            return Err(FaultsError::TooMuch);
        }
        Ok(Self(entries))
    }
}

impl Entry {
    fn read(entry: &str) -> Result<Self, FaultsError> {
        let (what, share) = entry
            .split_once('=')
            .ok_or_else(|| FaultsError::NoShare(entry.to_owned()))?;
        let what = what.trim();
        let (what_and_moment, delay) = match what.split_once(':') {
            Some((front, delay)) => (front, Some(delay)),
            None => (what, None),
        };
        let (name, moment) = match what_and_moment.split_once('@') {
            Some((name, moment)) => (name, Some(moment)),
            None => (what_and_moment, None),
        };
        let mut kind =
            FaultKind::read(name).ok_or_else(|| FaultsError::UnknownKind(name.to_owned()))?;
        if let Some(delay) = delay {
            let milliseconds = delay.parse().ok();
            match (&mut kind, milliseconds) {
                (FaultKind::Delay(time), Some(ms)) => *time = Duration::from_millis(ms),
                _ => return Err(FaultsError::BadDelay(what.to_owned())),
            }
        }
        let moment = match moment.map(str::to_ascii_lowercase).as_deref() {
            None => kind.usual_moment(),
            Some("before") => Moment::Before,
            Some("after") => Moment::After,
            Some(_) => return Err(FaultsError::UnknownMoment(what.to_owned())),
        };
        if moment == Moment::After
            && matches!(kind, FaultKind::TooManyRequests | FaultKind::Throttled)
        {
            return Err(FaultsError::BeforeOnly(what.to_owned()));
        }
        Ok(Self {
            fault: Fault { kind, moment },
            share: read_share(share)?,
        })
    }
}

fn read_share(text: &str) -> Result<f64, FaultsError> {
    let text = text.trim();
    let number = match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().map(|percent| percent / 100.0),
        None => text.parse::<f64>(),
    };
    match number {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err(FaultsError::BadShare(text.to_owned())),
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, Entry { fault, share }) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            let moment = match fault.moment {
                Moment::Before => "before",
                Moment::After => "after",
            };
            write!(f, "{comma}{}@{moment}", fault.kind.name())?;
            if let FaultKind::Delay(time) = fault.kind {
                write!(f, ":{}", time.as_millis())?;
            }
            write!(f, "={share}")?;
        }
        Ok(())
    }
}

impl Faults {
    /// Whether every call goes as it should.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Decides call by call, from one seed: the same calls in the same order meet the same faults.
#[derive(Debug)]
pub(super) struct FaultPicker(Mutex<PickerState>);

#[derive(Debug)]
struct PickerState {
    faults: Faults,
    random: fastrand::Rng,
}

impl FaultPicker {
    pub(super) fn new(faults: Faults, seed: u64) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        Self(Mutex::new(PickerState { faults, random }))
    }

    /// Decides by other shares from here on.
    pub(super) fn exchange(&self, faults: Faults) {
        self.cup().faults = faults;
    }

    fn cup(&self) -> MutexGuard<'_, PickerState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The fault that the next call meets.
    pub(super) fn throw(&self) -> Option<Fault> {
        let mut cup = self.cup();
        if cup.faults.is_empty() {
            return None;
        }
        let mut left = cup.random.f64();
        for Entry { fault, share } in &cup.faults.0 {
            if left < *share {
                return Some(*fault);
            }
            left -= share;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn specifications_are_read_with_their_defaults() {
        for (spec, shown) in [
            ("", ""),
            ("500=5%", "500@before=0.05"),
            (
                "503=0.05, reset@after=2 %",
                "503@before=0.05,reset@after=0.02",
            ),
            ("cut=1%,delay=1%", "cut@after=0.01,delay@after:2000=0.01"),
            ("delay@before:250=1,", "delay@before:250=1"),
            ("delay:0=0.5", "delay@after:0=0.5"),
            ("HTML@After=0", "html@after=0"),
            (
                "429=10%,throttled=10%,empty=10%,malformed=10%,content-type=60%",
                "429@before=0.1,throttled@before=0.1,empty@after=0.1,malformed@after=0.1,content-type@after=0.6",
            ),
        ] {
            let faults: Faults = spec.parse().expect(spec);
            assert_eq!(faults.to_string(), shown);
            assert_eq!(shown.parse::<Faults>().unwrap(), faults);
        }
    }

    #[test]
    fn bad_specifications_are_refused_with_the_reason() {
        for (spec, error) in [
            ("500", FaultsError::NoShare("500".into())),
            ("404=5%", FaultsError::UnknownKind("404".into())),
            ("=5%", FaultsError::UnknownKind(String::new())),
            (
                "500@during=5%",
                FaultsError::UnknownMoment("500@during".into()),
            ),
            ("429@after=5%", FaultsError::BeforeOnly("429@after".into())),
            (
                "throttled@after=5%",
                FaultsError::BeforeOnly("throttled@after".into()),
            ),
            ("500:10=5%", FaultsError::BadDelay("500:10".into())),
            ("delay:soon=5%", FaultsError::BadDelay("delay:soon".into())),
            ("500=much", FaultsError::BadShare("much".into())),
            ("500=120%", FaultsError::BadShare("120%".into())),
            ("500=-1%", FaultsError::BadShare("-1%".into())),
            ("500=NaN", FaultsError::BadShare("NaN".into())),
            ("500=60%,503=60%", FaultsError::TooMuch),
        ] {
            assert_eq!(spec.parse::<Faults>().unwrap_err(), error, "{spec}");
        }
        let unknown = "404=5%".parse::<Faults>().unwrap_err().to_string();
        assert!(unknown.contains("throttled, reset, cut"), "{unknown}");
    }

    #[test]
    fn the_same_seed_throws_the_same_faults_in_the_right_share() {
        let throws = |seed| {
            let fault_picker = FaultPicker::new("500=10%,reset@after=20%".parse().unwrap(), seed);
            (0..10_000)
                .map(|_| fault_picker.throw())
                .collect::<Vec<_>>()
        };
        assert_eq!(throws(7), throws(7));
        assert_ne!(throws(7), throws(8));
        let of = |kind| {
            let hits = throws(7).into_iter().flatten();
            hits.filter(|fault| fault.kind == kind).count()
        };
        assert!((800..1200).contains(&of(FaultKind::InternalError)));
        assert!((1800..2200).contains(&of(FaultKind::Reset)));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(spec in "\\PC*") {
            let _ = spec.parse::<Faults>();
        }
    }
}
