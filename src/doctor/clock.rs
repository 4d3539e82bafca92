//! How far two clocks are apart, from one answer.

use std::time::{Duration, SystemTime};

/// Further apart than this is worth saying.
pub(super) const TOLERABLE: Duration = Duration::from_mins(1);

/// How the node's clock goes against ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Skew {
    /// As far as can be told, both say the same.
    None,
    /// The node's clock is later.
    Ahead(Duration),
    /// The node's clock is earlier.
    Behind(Duration),
}

impl Skew {
    pub(super) fn length(self) -> Duration {
        match self {
            Skew::None => Duration::ZERO,
            Skew::Ahead(length) | Skew::Behind(length) => length,
        }
    }
}

/// The least difference that explains a `date` in an answer to a call that left at `sent` and was
/// answered at `answered`, by our clock. `date` has whole seconds, and the call took its time: what
/// either of them explains is no skew.
pub(super) fn skew(date: SystemTime, sent: SystemTime, answered: SystemTime) -> Skew {
    let end_of_second = date + Duration::from_secs(1);
    if let Ok(ahead) = date.duration_since(answered)
        && !ahead.is_zero()
    {
        return Skew::Ahead(ahead);
    }
    match sent.duration_since(end_of_second) {
        Ok(behind) if !behind.is_zero() => Skew::Behind(behind),
        _ => Skew::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
    }

    #[test]
    fn whole_seconds_and_the_way_of_the_call_are_no_skew() {
        // Answered within the second that the node names.
        assert_eq!(skew(at(5000), at(5900), at(5990)), Skew::None);
        // A call of ten seconds: the node answered at some point in between.
        assert_eq!(skew(at(9000), at(2000), at(12_000)), Skew::None);
        assert_eq!(skew(at(2000), at(3000), at(3100)), Skew::None);
        assert_eq!(skew(at(3000), at(2000), at(3000)), Skew::None);
    }

    #[test]
    fn the_rest_is() {
        let ahead = skew(at(100_000), at(2000), at(3000));
        assert_eq!(ahead, Skew::Ahead(Duration::from_secs(97)));
        let behind = skew(at(1000), at(100_000), at(100_100));
        assert_eq!(behind, Skew::Behind(Duration::from_secs(98)));
        assert!(behind.length() > TOLERABLE);
        assert_eq!(Skew::None.length(), Duration::ZERO);
    }
}
