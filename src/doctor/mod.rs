//! Looks at a node, by reading only, and says in plain words what it found and what to mend.
//!
//! [`examine`] makes the checks in order, from the address to the page size. None of them stops the
//! others: one that cannot be made says why. What comes out is a [`Report`]: findings as data, what
//! headcount will use on this node, and what to mend. Asking in a few attempts and in seconds is
//! done by `ask`; the calls themselves are those of [`scim`](crate::scim).

mod ask;
mod clock;
mod connection;
mod discovery;
mod filters;
mod lists;
mod report;
mod usage;

use std::time::Duration;

pub use report::{Check, Finding, Report, State};

use crate::scim::{Client, PageStart, ServiceProviderConfig, User};
use crate::transport::{RateSetting, Route};
use ask::{Asker, NoAnswer};

/// How long a node may think about one call before it counts as silent. An examination is to end in
/// seconds, not to wait as long as a run would.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// How the node would be used: what the examination cannot find out by itself.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// The node in words.
    pub name: String,
    /// What names of roles begin with.
    pub role_prefix: Option<String>,
    /// How many calls may be in flight.
    pub concurrency: usize,
    /// How fast calls may leave.
    pub rate: RateSetting,
    /// The way to it.
    pub route: Route,
}

/// Examines the node. Nothing is changed on it.
pub async fn examine(client: &Client, setup: &Setup) -> Report {
    let mut examination = Examination {
        asker: Asker::new(client),
        setup,
        findings: Vec::new(),
        first: PageStart::FIRST,
        facts: Facts::default(),
    };
    examination.address();
    let first = examination.connection().await;
    examination.discovery(&first).await;
    examination.lists(first).await;
    examination.filters().await;
    examination.answers();
    examination.report()
}

/// An examination under way.
struct Examination<'a> {
    asker: Asker<'a>,
    setup: &'a Setup,
    findings: Vec<Finding>,
    /// Where lists begin, by the way that the node takes.
    first: PageStart,
    facts: Facts,
}

/// What is known of the node, as far as it decides how the node is used. What could not be found
/// out is absent.
#[derive(Debug, Default)]
struct Facts {
    config: Option<ServiceProviderConfig>,
    /// The first page of users.
    users: Option<Listed<User>>,
    /// How many come at once when as many are asked for as headcount asks for.
    page: Option<Granted>,
    /// Whether further pages are asked for by cursor.
    by_cursor: bool,
    /// Whether somebody is found by email, in upper or lower case.
    finds_by_email: Option<bool>,
    /// Whether groups can be listed without their members.
    lean_groups: Option<bool>,
    /// Whether the schema says that memberships do not change with the user.
    groups_read_only: bool,
    latency: Option<Duration>,
}

/// The first page of a list.
#[derive(Debug)]
struct Listed<R> {
    total: Option<u64>,
    first: Vec<R>,
}

impl<R> Listed<R> {
    fn count(&self) -> u64 {
        self.total.unwrap_or(self.first.len() as u64)
    }
}

/// How many resources a page holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Granted {
    /// As many as were asked for, or fewer.
    Limit(u64),
    /// Everyone came at once: the limit does not show.
    Everyone(u64),
}

impl Examination<'_> {
    fn found(&mut self, check: Check, state: State, found: impl Into<String>) {
        let found = found.into();
        self.findings.push(Finding {
            check,
            state,
            found,
            mend: None,
        });
    }

    /// As [`found`](Self::found), with what to do about it.
    fn mend(
        &mut self,
        check: Check,
        state: State,
        found: impl Into<String>,
        mend: impl Into<String>,
    ) {
        self.found(check, state, found);
        if let Some(finding) = self.findings.last_mut() {
            finding.mend = Some(mend.into());
        }
    }

    fn skip(&mut self, checks: &[Check], why: &str) {
        for check in checks {
            self.found(*check, State::Skipped, format!("not checked: {why}"));
        }
    }

    /// Says that a check could not be made, or that what it asks for is missing: neither keeps the
    /// node from being used.
    fn missed(&mut self, check: Check, why: &NoAnswer) {
        match why {
            NoAnswer::Refused(refusal) if matches!(refusal.status, 404 | 501) => {
                let found = format!("the node does not have it (HTTP {})", refusal.status);
                self.found(check, State::Note, found);
            }
            NoAnswer::Hopeless(why) => self.skip(&[check], why),
            _ => self.found(check, State::Note, why.to_string()),
        }
    }

    fn report(self) -> Report {
        let usage = usage::usage(&self.facts, self.setup);
        Report::new(self.setup.name.clone(), self.findings, usage)
    }
}
