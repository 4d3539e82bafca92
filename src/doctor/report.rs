//! Findings as data, and how they are written down for people.

use std::fmt;

use serde_json::{Value, json};

use crate::report::{Style, paragraph};

/// How wide the written report is at the most.
const WIDTH: usize = 100;

/// What programs know the report by.
const SCHEMA: &str = "urn:headcount:schema:doctor:1";

/// What is checked, in the order of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// Whether the address is one, and encrypted.
    Address,
    /// Whether the host has addresses.
    Dns,
    /// Whether anything answers.
    Connection,
    /// Whether the node takes the token.
    Token,
    /// Whether both clocks agree.
    Clock,
    /// What the node says it can do.
    Config,
    /// What the node says of users.
    UserType,
    /// What the node says of groups.
    GroupType,
    /// Which schemas there are.
    Schemas,
    /// The schema of users.
    UserSchema,
    /// How many users there are.
    Users,
    /// How many groups there are.
    Groups,
    /// Whether people are found by email.
    FilterEmail,
    /// Whether people are found by id.
    FilterId,
    /// Whether the locked are found.
    FilterActive,
    /// How many come at once.
    PageSize,
    /// Whether members can be left out.
    WithoutMembers,
    /// Whether every call was answered.
    Answers,
    /// How long answers take.
    Latency,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Check::Address => "address",
            Check::Dns => "DNS",
            Check::Connection => "connection",
            Check::Token => "token",
            Check::Clock => "clock",
            Check::Config => "ServiceProviderConfig",
            Check::UserType => "ResourceTypes/User",
            Check::GroupType => "ResourceTypes/Group",
            Check::Schemas => "Schemas",
            Check::UserSchema => "schema of users",
            Check::Users => "users",
            Check::Groups => "groups",
            Check::FilterEmail => "filter userName eq",
            Check::FilterId => "filter id eq",
            Check::FilterActive => "filter active eq",
            Check::PageSize => "page size",
            Check::WithoutMembers => "excludedAttributes",
            Check::Answers => "answers",
            Check::Latency => "latency",
        })
    }
}

impl Check {
    /// The word for it in a report for programs.
    fn key(self) -> &'static str {
        match self {
            Check::Address => "address",
            Check::Dns => "dns",
            Check::Connection => "connection",
            Check::Token => "token",
            Check::Clock => "clock",
            Check::Config => "service_provider_config",
            Check::UserType => "user_type",
            Check::GroupType => "group_type",
            Check::Schemas => "schemas",
            Check::UserSchema => "user_schema",
            Check::Users => "users",
            Check::Groups => "groups",
            Check::FilterEmail => "filter_email",
            Check::FilterId => "filter_id",
            Check::FilterActive => "filter_active",
            Check::PageSize => "page_size",
            Check::WithoutMembers => "without_members",
            Check::Answers => "answers",
            Check::Latency => "latency",
        }
    }
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// As it should be.
    Ok,
    /// Worth knowing; the node can be used.
    Note,
    /// The node cannot be used like this.
    Problem,
    /// It could not be made.
    Skipped,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            State::Ok => "ok",
            State::Note => "note",
            State::Problem => "problem",
            State::Skipped => "-",
        })
    }
}

impl State {
    /// The word for it in a report for programs.
    fn key(self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::Note => "note",
            State::Problem => "problem",
            State::Skipped => "skipped",
        }
    }

    fn tint(self) -> Style {
        match self {
            State::Ok => Style::Good,
            State::Note => Style::Care,
            State::Problem => Style::Bad,
            State::Skipped => Style::Faint,
        }
    }
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which check.
    pub check: Check,
    /// How it ended.
    pub state: State,
    /// What was found, in words.
    pub found: String,
    /// What to do about it.
    pub mend: Option<String>,
}

/// Everything that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    node: String,
    findings: Vec<Finding>,
    usage: Vec<(&'static str, String)>,
}

impl Report {
    /// Findings in the order of the checks, and what will be used of the node: none if it cannot be
    /// used.
    pub(super) fn new(
        node: String,
        mut findings: Vec<Finding>,
        usage: Vec<(&'static str, String)>,
    ) -> Self {
        findings.sort_by_key(|finding| finding.check);
        Report {
            node,
            findings,
            usage,
        }
    }

    /// Whether nothing keeps the node from being used.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        !self
            .findings
            .iter()
            .any(|finding| finding.state == State::Problem)
    }

    /// What to do, the most pressing first, nothing twice.
    fn to_mend(&self) -> Vec<&str> {
        let of = |state| {
            self.findings
                .iter()
                .filter(move |finding| finding.state == state)
                .filter_map(|finding| finding.mend.as_deref())
        };
        let mut all = Vec::new();
        for mend in of(State::Problem).chain(of(State::Note)) {
            if !all.contains(&mend) {
                all.push(mend);
            }
        }
        all
    }
}

impl Report {
    /// The report for a person, in colours, in lines of at most `width` columns, and never more than 100.
    #[must_use]
    pub fn lines(&self, width: Option<usize>) -> String {
        let width = width.unwrap_or(WIDTH).min(WIDTH);
        let mut lines = format!("Checks of {}\n\n", self.node);
        for Finding {
            check,
            state,
            found,
            ..
        } in &self.findings
        {
            let state = state.tint().on(format_args!("{state:<7}"));
            lines += &paragraph(&format!("  {state}  {check:<21}  "), found, width);
        }
        lines += "\nWhat headcount will use\n\n";
        if self.is_usable() {
            for (what, how) in &self.usage {
                lines += &paragraph(&format!("  {what:<14}  "), how, width);
            }
        } else {
            lines += "  nothing: the node cannot be used as it is\n";
        }
        let mend = self.to_mend();
        lines += "\nWhat to mend\n\n";
        if mend.is_empty() {
            lines += "  nothing\n";
        }
        for (i, mend) in mend.iter().enumerate() {
            lines += &paragraph(&format!("  {}. ", i + 1), mend, width);
        }
        lines
    }

    /// The report for a program; described in docs/schema/doctor.schema.json.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let findings = self.findings.iter().map(|finding| {
            json!({
                "check": finding.check.key(),
                "state": finding.state.key(),
                "found": finding.found,
                "mend": finding.mend,
            })
        });
        let usage = self
            .usage
            .iter()
            .map(|(what, how)| json!({ "what": what, "how": how }));
        json!({
            "schema": SCHEMA,
            "node": self.node,
            "usable": self.is_usable(),
            "findings": findings.collect::<Vec<_>>(),
            "usage": if self.is_usable() { usage.collect() } else { Vec::new() },
            "to_mend": self.to_mend(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::plain;

    fn finding(check: Check, state: State, found: &str, mend: Option<&str>) -> Finding {
        Finding {
            check,
            state,
            found: found.to_owned(),
            mend: mend.map(str::to_owned),
        }
    }

    #[test]
    fn a_report_is_in_the_order_of_the_checks_and_mends_problems_first() {
        let long = "a note that is too long for one line of the report, so that it goes on below its beginning and nowhere else";
        let report = Report::new(
            "node 7 at example.com".to_owned(),
            vec![
                finding(Check::Token, State::Problem, "refused", Some("Make one.")),
                finding(Check::Address, State::Note, long, Some("Look at it.")),
                finding(Check::Users, State::Skipped, "not checked: refused", None),
            ],
            Vec::new(),
        );
        assert!(!report.is_usable());
        insta::assert_snapshot!(plain(&report.lines(None)), @r"
        Checks of node 7 at example.com

          note     address                a note that is too long for one line of the report, so that it
                                          goes on below its beginning and nowhere else
          problem  token                  refused
          -        users                  not checked: refused

        What headcount will use

          nothing: the node cannot be used as it is

        What to mend

          1. Make one.
          2. Look at it.
        ");
    }

    #[test]
    fn notes_do_not_keep_a_node_from_being_used() {
        let note = finding(Check::Clock, State::Note, "two minutes apart", None);
        let usage = vec![("people", "asked for one by one".to_owned())];
        let report = Report::new("node 7".to_owned(), vec![note], usage);
        assert!(report.is_usable());
        insta::assert_snapshot!(plain(&report.lines(None)), @r"
        Checks of node 7

          note     clock                  two minutes apart

        What headcount will use

          people          asked for one by one

        What to mend

          nothing
        ");
    }
}
