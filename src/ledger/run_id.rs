//! What a run is called.

use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The name of a run: when it began, to the thousandth of a second. So they are in order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub(super) String);

impl RunId {
    pub(super) fn new(begun: Timestamp) -> Self {
        RunId(begun.strftime("%Y-%m-%d-%H%M%S-%3f").to_string())
    }

    pub(super) fn begun(&self) -> Option<Timestamp> {
        let (seconds, thousandth) = self.0.rsplit_once('-')?;
        let begun = DateTime::strptime("%Y-%m-%d-%H%M%S", seconds).ok()?;
        let begun = TimeZone::UTC.to_timestamp(begun).ok()?;
        let thousandth: i64 = thousandth.parse().ok()?;
        begun
            .checked_add(SignedDuration::from_millis(thousandth))
            .ok()
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
