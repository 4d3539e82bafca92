//! scim2-tester: every check succeeds, but for habits of the provider.

use std::collections::BTreeMap;

use headcount::sandbox::Options;
use serde_json::Value;

use super::python;
use harness::{Node, TOKEN};

/// A check that does not succeed, because the sandbox does as the provider does.
#[derive(Debug)]
struct Habit {
    about: &'static str,
    check: &'static str,
    status: &'static str,
    /// Stands in the tester's reason.
    reason: &'static str,
    /// Where the provider says so, in its own words, or what is known of it.
    why: &'static str,
}

const DELETE_LOCKS: &str = "known of the provider, unconfirmed: \"DELETE on a user locks the account and keeps the \
    vault; it does not destroy it\". The tester looks for a 404 afterwards";

const ALWAYS_ACTIVE_OR_LOCKED: &str = "the provider's page, on active: \"Be sure to set the \"value\" to true \
    (unlocked) or false (locked)\". There is no third state, as removing the attribute would be";

const LINKS_ARE_COMPLETED: &str = "the provider's page, on links: \"This is the only required information to add the \
    user to a group. \"$ref\" and \"display\" are optional\". The node says the name and the kind itself, as \
    read-only parts; the tester takes whatever it did not send for a change";

const NO_SEARCH_BY_POST: &str = "the provider's page: \"We also support filter for users\", with GET alone. RFC 7644, \
    section 3.12, has 501 for what is not supported, and the tester leaves the check out then";

/// Every check that does not succeed.
const HABITS: [Habit; 8] = [
    Habit {
        about: "User",
        check: "object_deletion",
        status: "ERROR",
        reason: "still exists after deletion",
        why: DELETE_LOCKS,
    },
    Habit {
        about: "User",
        check: "check_remove_attribute",
        status: "ERROR",
        reason: "Failed to remove attribute 'active': active cannot be removed",
        why: ALWAYS_ACTIVE_OR_LOCKED,
    },
    Habit {
        about: "User",
        check: "check_add_attribute",
        status: "ERROR",
        reason: "unexpected value for 'groups'",
        why: LINKS_ARE_COMPLETED,
    },
    Habit {
        about: "User",
        check: "check_replace_attribute",
        status: "ERROR",
        reason: "unexpected value for 'groups'",
        why: LINKS_ARE_COMPLETED,
    },
    Habit {
        about: "Group",
        check: "check_add_attribute",
        status: "ERROR",
        reason: "unexpected value for 'members'",
        why: LINKS_ARE_COMPLETED,
    },
    Habit {
        about: "Group",
        check: "check_replace_attribute",
        status: "ERROR",
        reason: "unexpected value for 'members'",
        why: LINKS_ARE_COMPLETED,
    },
    Habit {
        about: "User",
        check: "search_with_attributes",
        status: "SKIPPED",
        reason: "is not supported by the server",
        why: NO_SEARCH_BY_POST,
    },
    Habit {
        about: "Group",
        check: "search_with_attributes",
        status: "SKIPPED",
        reason: "is not supported by the server",
        why: NO_SEARCH_BY_POST,
    },
];

/// How many checks of each kind succeed: what was not checked has not succeeded.
const SUCCESSES: [(&str, &str, usize); 31] = [
    ("", "access_invalid_resource_type", 1),
    ("", "access_invalid_schema", 1),
    ("", "access_schema_by_id", 2),
    ("", "query_all_resource_types", 1),
    ("", "query_all_schemas", 1),
    ("", "query_resource_type_by_id", 2),
    ("", "random_url", 1),
    ("", "resource_types_endpoint_methods", 4),
    ("", "resource_types_schema_validation", 2),
    ("", "schemas_endpoint_methods", 4),
    ("", "service_provider_config_endpoint", 1),
    ("", "service_provider_config_endpoint_methods", 4),
    ("Group", "check_add_attribute", 1),
    ("Group", "check_remove_attribute", 2),
    ("Group", "check_replace_attribute", 2),
    ("Group", "object_creation", 1),
    ("Group", "object_deletion", 1),
    ("Group", "object_list_with_attributes", 2),
    ("Group", "object_query", 1),
    ("Group", "object_query_with_attributes", 2),
    ("Group", "object_query_without_id", 1),
    ("Group", "object_replacement", 1),
    ("User", "check_add_attribute", 5),
    ("User", "check_remove_attribute", 5),
    ("User", "check_replace_attribute", 6),
    ("User", "object_creation", 1),
    ("User", "object_list_with_attributes", 2),
    ("User", "object_query", 1),
    ("User", "object_query_with_attributes", 2),
    ("User", "object_query_without_id", 1),
    ("User", "object_replacement", 1),
];

/// What the tester says of one check.
#[derive(Debug)]
struct Verdict {
    about: String,
    check: String,
    status: String,
    reason: String,
}

impl Verdict {
    fn shows(&self, habit: &Habit) -> bool {
        self.about == habit.about
            && self.check == habit.check
            && self.status == habit.status
            && self.reason.contains(habit.reason)
    }
}

/// Runs the tester on a node with a few people; `args` as in `tester.py`.
fn checks(args: &[&str]) -> Vec<Verdict> {
    let node = Node::start(Options {
        users: 5,
        teams: 2,
        ..Options::default()
    });
    let told = python::run("tester.py", args, (&node.url(), TOKEN), &Value::Null);
    let text = |check: &Value, key: &str| check[key].as_str().unwrap().to_owned();
    let checks = told["checks"].as_array().unwrap().iter();
    checks
        .map(|check| Verdict {
            about: text(check, "about"),
            check: text(check, "check"),
            status: text(check, "status"),
            reason: text(check, "reason"),
        })
        .collect()
}

/// The value of `key='…'` in each line of a reason that shows what was sent and what came back.
fn shown<'a>(reason: &'a str, key: &str) -> Vec<&'a str> {
    let key = format!("{key}='");
    let after = |line: &'a str| line.split_once(&key)?.1.split('\'').next();
    reason.lines().filter_map(after).collect()
}

#[test]
#[ignore = "needs Python and packages: tests/interop/set-up-clients"]
fn whatever_fails_is_a_habit_of_the_provider() {
    let checks = checks(&["emails"]);
    let mut successes: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for check in &checks {
        if check.status == "SUCCESS" {
            *successes.entry((&check.about, &check.check)).or_default() += 1;
            continue;
        }
        let known = HABITS.iter().filter(|habit| check.shows(habit)).count();
        assert_eq!(known, 1, "this is no habit: {check:#?}");
    }
    for habit in &HABITS {
        let seen = checks.iter().filter(|check| check.shows(habit)).count();
        assert_eq!(seen, 1, "no longer seen: {habit:#?}\nIt was: {}", habit.why);
    }
    let expected = SUCCESSES.map(|(about, check, count)| ((about, check), count));
    assert_eq!(successes, BTreeMap::from(expected));
}

#[test]
#[ignore = "needs Python and packages: tests/interop/set-up-clients"]
fn a_link_comes_back_as_it_was_sent_but_for_what_the_node_adds() {
    let checks = checks(&["emails"]);
    let links = |check: &&Verdict| check.reason.contains("unexpected value for");
    let links: Vec<&Verdict> = checks.iter().filter(links).collect();
    assert_eq!(links.len(), 4);
    for check in links {
        for part in ["value", "ref"] {
            let both = shown(&check.reason, part);
            assert_eq!(both.len(), 2, "{}", check.reason);
            assert_eq!(both[0], both[1], "{}", check.reason);
        }
        // What was sent has neither; so one each is the node's.
        assert_eq!(shown(&check.reason, "display").len(), 1);
        assert_eq!(shown(&check.reason, "type").len(), 1);
    }
}

/// The provider's page: `"userName": "email@domain.com"`. A schema cannot say so, and the tester makes names up.
#[test]
#[ignore = "needs Python and packages: tests/interop/set-up-clients"]
fn a_user_name_that_is_no_email_address_is_all_that_a_tester_trips_over() {
    let checks = checks(&[]);
    let (users, others): (Vec<&Verdict>, Vec<&Verdict>) =
        checks.iter().partition(|check| check.about == "User");
    assert_eq!(users.len(), 11);
    let reason = "userName must be an email address, not \"RANDOM\"";
    for check in users {
        assert_eq!(
            (&*check.status, &*check.reason),
            ("ERROR", reason),
            "{check:#?}"
        );
    }
    let failed = others.iter().filter(|check| check.status != "SUCCESS");
    // Groups need a member for these.
    let failed: Vec<&str> = failed
        .inspect(|check| assert_eq!(check.reason, reason))
        .map(|check| &*check.check)
        .collect();
    let with_members = [
        "object_query_with_attributes",
        "object_list_with_attributes",
        "search_with_attributes",
        "object_replacement",
        "check_add_attribute",
        "check_remove_attribute",
        "check_replace_attribute",
    ];
    assert_eq!(failed, with_members);
}
