//! Commander, the provider's own client: what it pushes is there, and what is there is not pushed again.

use std::collections::BTreeMap;

use headcount::sandbox::{Calls, Options};
use serde_json::Value;

use super::python;
use super::source::{Person, Source, State};
use harness::{Node, TOKEN};

/// What a push did.
#[derive(Debug)]
struct Push {
    warnings: Vec<String>,
    /// Calls by their kind.
    calls: BTreeMap<String, u64>,
    statuses: BTreeMap<u16, u64>,
}

impl Push {
    fn writes(&self) -> BTreeMap<&str, u64> {
        let writes = self
            .calls
            .iter()
            .filter(|(kind, _)| !kind.starts_with("GET "));
        writes.map(|(kind, count)| (&**kind, *count)).collect()
    }

    fn pages_of_users(&self) -> u64 {
        self.calls.get("GET /Users").copied().unwrap_or(0)
    }

    /// Nothing was refused, and Commander is content.
    #[track_caller]
    fn went_well(&self) {
        assert_eq!(self.warnings, [""; 0]);
        let refused: Vec<_> = self.statuses.range(300..).collect();
        assert!(refused.is_empty(), "{refused:?}");
    }
}

fn node(users: usize, page_max: usize) -> Node {
    Node::start(Options {
        users,
        page_max,
        teams: 0,
        ..Options::default()
    })
}

#[track_caller]
fn push(node: &Node, source: &Source) -> Push {
    let before = node.sandbox().calls();
    let told = python::run("commander.py", &[], (&node.url(), TOKEN), &source.json());
    let after = node.sandbox().calls();
    let warnings = told["warnings"].as_array().unwrap().iter();
    Push {
        warnings: warnings.map(Value::to_string).collect(),
        calls: since(&after, &before, |calls| &calls.by_kind),
        statuses: since(&after, &before, |calls| &calls.by_status),
    }
}

fn since<K: Ord + Clone>(
    after: &Calls,
    before: &Calls,
    part: fn(&Calls) -> &BTreeMap<K, u64>,
) -> BTreeMap<K, u64> {
    let before = part(before);
    let counts = part(after).iter().map(|(key, count)| {
        let already = before.get(key).copied().unwrap_or(0);
        (key.clone(), count - already)
    });
    counts.filter(|(_, count)| *count > 0).collect()
}

#[track_caller]
fn assert_holds(node: &Node, state: &State) {
    let held = State::of(&node.sandbox().snapshot());
    assert_eq!(held.teams, state.teams);
    // One at a time: two maps of a thousand people side by side tell nobody anything.
    for (email, account) in &state.people {
        assert_eq!(held.people.get(email), Some(account), "{email}");
    }
    assert_eq!(held.people.len(), state.people.len());
}

/// More people than two of Commander's pages, in no, one and several teams.
fn company() -> Source {
    let teams = [
        ("t-sales", "Sales"),
        ("t-research", "Forschung & Entwicklung"),
        ("t-interns", "Interns"),
        ("t-visitors", "Visitors"),
        ("t-audit", "ROLE_Auditor"),
    ];
    let people = (1..=1203).map(|n| {
        let mut teams = Vec::new();
        if n % 2 == 0 {
            teams.push("t-sales");
        }
        if n % 3 == 0 {
            teams.push("t-research");
        }
        if n % 10 == 1 {
            teams.extend(["t-interns", "t-visitors"]);
        }
        if n % 100 == 7 {
            teams.push("t-audit");
        }
        Person::new(n, &teams)
    });
    Source {
        people: people.collect(),
        teams: named(&teams),
    }
}

fn named(teams: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(id, name): &(&str, &str)| ((*id).to_owned(), (*name).to_owned());
    teams.iter().map(owned).collect()
}

#[test]
#[ignore = "needs Python and packages: tests/interop/set-up-clients"]
fn what_commander_pushes_is_there_and_is_not_pushed_again() {
    let node = node(0, 1000);
    let company = company();
    let in_teams = company.people.iter().filter(|one| !one.teams.is_empty());
    let in_teams = in_teams.count() as u64;

    let first = push(&node, &company);
    first.went_well();
    assert_holds(&node, &company.state());
    let writes = BTreeMap::from([
        ("POST /Groups", 5),
        ("POST /Users", 1203),
        ("PATCH /Users/{id}", in_teams),
    ]);
    assert_eq!(first.writes(), writes);
    let snapshot = node.sandbox().snapshot();
    assert!(snapshot.group("ROLE_Auditor").unwrap().is_role);

    let second = push(&node, &company);
    second.went_well();
    assert_eq!(second.writes(), BTreeMap::new());
    assert_eq!(second.pages_of_users(), 3);
    assert_holds(&node, &company.state());
}

#[test]
#[ignore = "needs Python and packages: tests/interop/set-up-clients"]
fn what_changed_at_the_source_changes_on_the_node() {
    let node = node(0, 1000);
    let mut company = company();
    company.people.truncate(40);
    push(&node, &company).went_well();
    let interns = node
        .sandbox()
        .snapshot()
        .group("Interns")
        .unwrap()
        .id
        .clone();

    "Maria".clone_into(&mut company.person(2).first);
    "Peña".clone_into(&mut company.person(2).last);
    company.person(3).active = false;
    company.person(4).teams = vec!["t-audit".into(), "t-research".into()];
    company.person(6).teams = Vec::new();
    company.people.push(Person::new(41, &["t-sales"]));
    let mut on_leave = Person::new(42, &["t-sales"]);
    on_leave.active = false;
    company.people.push(on_leave);
    company.teams.insert("t-sales".into(), "Field Sales".into());
    // Commander gives the first team that is gone to the first that is new, and deletes the other.
    company.teams.remove("t-interns");
    company.teams.remove("t-visitors");
    let new = named(&[("t-trainees", "Trainees")]);
    company.teams.extend(new);
    for person in &mut company.people {
        person
            .teams
            .retain(|id| !["t-interns", "t-visitors"].contains(&id.as_str()));
    }
    company.person(1).teams.push("t-trainees".into());
    company.person(5).teams.push("t-trainees".into());
    let gone = company.people.remove(7);

    let mut expected = company.state();
    // Nobody who is not active is created.
    expected.people.remove(&company.person(42).email);
    // Whom the source no longer has is deleted, and that locks the account.
    let with_gone = Source {
        people: vec![Person {
            active: false,
            ..gone.clone()
        }],
        teams: company.teams.clone(),
    };
    expected.people.extend(with_gone.state().people);

    let changes = push(&node, &company);
    changes.went_well();
    assert_holds(&node, &expected);
    let snapshot = node.sandbox().snapshot();
    assert_eq!(snapshot.group("Trainees").unwrap().id, interns);
    for (kind, count) in [
        ("DELETE /Users/{id}", 1),
        ("DELETE /Groups/{id}", 1),
        ("POST /Users", 1),
    ] {
        assert_eq!(changes.writes().get(kind), Some(&count), "{kind}");
    }

    let again = push(&node, &company);
    again.went_well();
    assert_eq!(again.writes(), BTreeMap::new());

    // Somebody who comes back gets the old account.
    company.people.push(gone);
    expected.people.extend(company.state().people);
    expected.people.remove(&company.person(42).email);
    let back = push(&node, &company);
    back.went_well();
    assert_eq!(back.writes(), BTreeMap::from([("PATCH /Users/{id}", 1)]));
    assert_holds(&node, &expected);
}

#[test]
#[ignore = "needs Python and packages: tests/interop/set-up-clients"]
fn teams_that_were_there_before_are_taken_over_with_their_members() {
    let node = Node::start(Options::default());
    let before = node.sandbox().snapshot();
    let source = Source::of(&before);
    assert!(source.people.iter().any(|one| one.teams.len() > 1));

    let taken_over = push(&node, &source);
    taken_over.went_well();
    let writes = BTreeMap::from([("PATCH /Groups/{id}", before.groups.len() as u64)]);
    assert_eq!(taken_over.writes(), writes);
    assert_holds(&node, &source.state());
    assert_eq!(node.sandbox().snapshot().users, before.users);
}

/// Commander stops reading when the next page would begin at the last person, and so never sees somebody who is alone
/// on the last page. It takes that person for new, and hears that the email is taken.
#[test]
#[ignore = "needs Python and packages: tests/interop/set-up-clients"]
fn pages_join_without_a_gap_but_for_the_one_that_commander_leaves() {
    for (users, page_max, pages, overlooked) in [
        (499, 1000, 1, false),
        (500, 1000, 1, false),
        (501, 1000, 1, true),
        (502, 1000, 2, false),
        (1000, 1000, 2, false),
        (1001, 1000, 2, true),
        (1203, 1000, 3, false),
        // A node that gives less than it is asked for.
        (600, 200, 3, false),
        (601, 200, 3, true),
        (602, 200, 4, false),
    ] {
        let node = node(users, page_max);
        let mut source = Source::of(&node.sandbox().snapshot());
        let mut read = source.clone();
        // Whoever is read gets a new name. These stand where pages begin and end.
        let changed: Vec<usize> = (0..users)
            .filter(|n| matches!(n % 100, 0 | 99) || n + 1 == users)
            .collect();
        let seen = &changed[..changed.len() - usize::from(overlooked)];
        for n in &changed {
            source.people[*n].last.push_str(" (new)");
        }
        for n in seen {
            read.people[*n].last.push_str(" (new)");
        }
        let mut writes = BTreeMap::from([("PATCH /Users/{id}", seen.len() as u64)]);

        let pushed = push(&node, &source);
        let what = format!("{users} people by {page_max}: {pushed:#?}");
        assert_eq!(pushed.pages_of_users(), pages, "{what}");
        if overlooked {
            writes.insert("POST /Users", 1);
            assert_eq!(pushed.statuses.get(&409), Some(&1), "{what}");
            assert_eq!(pushed.warnings.len(), 1, "{what}");
            let last = &source.people[users - 1].email;
            assert!(pushed.warnings[0].contains(last), "{what}");
        } else {
            pushed.went_well();
        }
        assert_eq!(pushed.writes(), writes, "{what}");
        assert_holds(&node, &read.state());
    }
}
