//! The latest calls: how many the node was working on when one came.

use std::collections::VecDeque;

use crate::transport::Class;

/// How many calls are kept.
const KEPT: usize = 256;

/// What part of its latency a call may be on the way, there or back.
const WAY: f64 = 0.1;

/// Times are in seconds.
#[derive(Debug, Default)]
pub(super) struct CallLog {
    calls: VecDeque<Call>,
    /// The number of the first of them.
    first: u64,
}

#[derive(Debug, Clone, Copy)]
struct Call {
    class: Class,
    sent: f64,
    /// When it came back; infinite while it is in flight.
    back: f64,
    is_accepted: bool,
}

/// How many calls the node was working on when one came, itself included: of its class, and of all. Calls that were
/// refused were not inside.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inside {
    pub(super) of_class: u32,
    pub(super) of_all: u32,
}

impl CallLog {
    /// A call leaves; returns its number.
    pub(super) fn sent(&mut self, class: Class, now: f64) -> u64 {
        if self.calls.len() == KEPT {
            self.calls.pop_front();
            self.first += 1;
        }
        self.calls.push_back(Call {
            class,
            sent: now,
            back: f64::INFINITY,
            is_accepted: false,
        });
        self.first + self.calls.len() as u64 - 1
    }

    /// A call came back. Returns how many were inside, unless that was too long ago.
    pub(super) fn back(
        &mut self,
        number: u64,
        now: f64,
        is_accepted: bool,
        latency: f64,
    ) -> Option<Inside> {
        let at = usize::try_from(number.checked_sub(self.first)?).ok()?;
        let call = self.calls.get_mut(at)?;
        (call.back, call.is_accepted) = (now, is_accepted);
        let (class, arrived) = (call.class, call.sent + WAY * latency);
        let mut inside = Inside {
            of_class: 1,
            of_all: 1,
        };
        for earlier in self.calls.range(..at) {
            let may_count = earlier.is_accepted || earlier.back.is_infinite();
            if earlier.back > arrived && may_count {
                inside.of_all += 1;
                inside.of_class += u32::from(earlier.class == class);
            }
        }
        Some(inside)
    }
}
