//! Times and numbers of rows as `SQLite` has them: integers with a sign.

use std::time::Duration;

use jiff::Timestamp;

use crate::sheet::RowNumber;

pub(super) fn time(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

pub(super) fn milliseconds(took: Duration) -> i64 {
    i64::try_from(took.as_millis()).unwrap_or(i64::MAX)
}

pub(super) fn signed(row: RowNumber) -> i64 {
    i64::try_from(row.0).unwrap_or(i64::MAX)
}
