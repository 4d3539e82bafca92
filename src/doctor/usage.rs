//! What headcount will use of a node: what follows from the findings.

use std::time::Duration;

use super::connection::{LATER, short};
use super::{Check, Examination, Facts, Granted, Setup, State};
use crate::scim::{BulkLimits, PAGE};
use crate::transport::RateSetting;
use crate::wording::grouped;

/// Answers that take longer than this make runs slow.
const SLOW: Duration = Duration::from_secs(1);

/// How many stumbles are named.
const NAMED: usize = 3;

impl Examination<'_> {
    /// How the calls went: whether all were answered, and how fast.
    pub(super) fn answers(&mut self) {
        let calls = self.asker.calls();
        if self.asker.is_cut_off() {
            return self.skip(&[Check::Answers, Check::Latency], "no connection");
        }
        let stumbles = &self.asker.stumbles;
        if self.asker.went_silent() {
            let found = "calls were left without any answer; nothing more was asked then";
            self.mend(Check::Answers, State::Problem, found, LATER);
        } else if stumbles.is_empty() {
            let found = format!("{calls} calls, none had to be sent again");
            self.found(Check::Answers, State::Ok, found);
        } else {
            let named = stumbles[..stumbles.len().min(NAMED)].join("; ");
            let found = format!(
                "{} of {} calls came to nothing and had to be sent again ({named}). Runs do so, too, and take longer",
                stumbles.len(),
                calls
            );
            self.found(Check::Answers, State::Note, found);
        }
        self.latency();
    }

    fn latency(&mut self) {
        // The first call includes making the connection.
        let took = self.asker.took();
        let settled = if took.len() > 1 { &took[1..] } else { took };
        let mut sorted: Vec<_> = settled.to_vec();
        sorted.sort();
        let (Some((median, _)), Some((slowest, what))) =
            (sorted.get(sorted.len() / 2), sorted.last())
        else {
            return self.skip(&[Check::Latency], "no call was answered at once");
        };
        let state = if *median > SLOW {
            State::Note
        } else {
            State::Ok
        };
        let found = format!(
            "{} a call (median of {}); the slowest took {} ({what})",
            short(*median),
            sorted.len(),
            short(*slowest)
        );
        self.facts.latency = Some(*median);
        self.found(Check::Latency, state, found);
    }
}

/// What will be used, in words.
pub(super) fn usage(facts: &Facts, setup: &Setup) -> Vec<(&'static str, String)> {
    vec![
        ("finding people", finding(facts)),
        ("page size", page_size(facts)),
        ("changes", changes(facts).to_owned()),
        ("memberships", memberships(facts)),
        ("list of teams", teams(facts).to_owned()),
        ("bulk", bulk(facts)),
        ("calls", calls(facts, setup)),
    ]
}

fn pages(facts: &Facts) -> Option<u64> {
    let users = facts.users.as_ref()?.count();
    Some(match facts.page? {
        Granted::Everyone(_) => 1,
        Granted::Limit(size) => users.div_ceil(size.max(1)).max(1),
    })
}

fn finding(facts: &Facts) -> String {
    let list = match pages(facts) {
        Some(1) => "by listing everyone (one call)".to_owned(),
        Some(pages) => format!("by listing everyone ({} calls)", grouped(pages)),
        None => "by listing everyone".to_owned(),
    };
    match facts.finds_by_email {
        Some(true) => {
            format!("one by one with a filter, or {list}, whichever is fewer calls for the file")
        }
        Some(false) => format!("{list}: the filter cannot be relied on"),
        None => format!(
            "one by one with a filter, or {list}, whichever is fewer calls for the file; whether the filter can be \
             relied on is tried out before it is believed"
        ),
    }
}

fn page_size(facts: &Facts) -> String {
    let asked = grouped(PAGE);
    let size = match facts.page {
        Some(Granted::Limit(size)) if size < PAGE => {
            format!(
                "{} at once, what the node grants ({asked} are asked for)",
                grouped(size)
            )
        }
        _ => format!("{asked} are asked for; what comes is taken"),
    };
    if facts.by_cursor {
        format!("{size}. Pages come one after the other, by cursor")
    } else {
        size
    }
}

/// Whether the node says that it takes no PATCH.
fn no_patch(facts: &Facts) -> bool {
    facts
        .config
        .as_ref()
        .is_some_and(|config| config.patch == Some(false))
}

fn changes(facts: &Facts) -> &'static str {
    if no_patch(facts) {
        "by PUT: whole accounts and teams are read and put back, since the node says that it takes no PATCH"
    } else {
        "by PATCH of what differs; where the node turns out not to take that, by PUT of the whole"
    }
}

fn memberships(facts: &Facts) -> String {
    if no_patch(facts) {
        return "with the group, whose members are read and put back".to_owned();
    }
    let mut words = "in one call with the user, new or existing; where the node turns out not to take them so, with \
                     the group"
        .to_owned();
    if facts.groups_read_only {
        words.push_str(", which its schema suggests");
    }
    words
}

fn teams(facts: &Facts) -> &'static str {
    match facts.lean_groups {
        Some(true) => "without members",
        Some(false) => "with members, since the node does not leave them out",
        None => "without members, where the node leaves them out",
    }
}

fn bulk(facts: &Facts) -> String {
    let said = facts
        .config
        .as_ref()
        .and_then(|config| config.bulk.as_ref());
    let Some(offered) = said.filter(|bulk| bulk.supported) else {
        return "one call for each change: the node does not offer bulk requests".to_owned();
    };
    match BulkLimits::of(offered) {
        None => format!(
            "one call for each change, since the node offers bulk requests and does not say how large they may be; \
             with --bulk on, up to {} changes in one call",
            grouped(BulkLimits::MODEST.max_operations as u64)
        ),
        Some(limits) if limits.max_operations == 1 => {
            "one call for each change: the node takes one operation in a bulk request".to_owned()
        }
        Some(limits) => format!(
            "up to {} changes in one call, in {} bytes at the most (--bulk auto)",
            grouped(limits.max_operations as u64),
            grouped(limits.max_payload as u64)
        ),
    }
}

fn calls(facts: &Facts, setup: &Setup) -> String {
    let most = setup.concurrency;
    let ceiling = match setup.rate {
        RateSetting::AtMost(rate) => format!("never more than {rate} (--rate)"),
        RateSetting::Auto => "without a ceiling (--rate)".to_owned(),
        RateSetting::Off => "without rate control (--rate off)".to_owned(),
    };
    let mut words = format!("at most {most} in flight (--concurrency), {ceiling}");
    let latency = facts.latency.filter(|latency| !latency.is_zero());
    if let (Some(latency), None) = (latency, setup.rate.ceiling()) {
        let in_flight = u32::try_from(most).unwrap_or(u32::MAX);
        let a_second = f64::from(in_flight) / latency.as_secs_f64();
        // Faster than that, it is not the latency that counts.
        if a_second < 1000.0 {
            words = format!("{words}: some {} a second at this latency", a_second.ceil());
        }
    }
    format!("{words}; more slowly once the node says that there are too many")
}
