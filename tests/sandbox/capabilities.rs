//! Servers with habits: whatever they are, people end up as the files ask, or the rows say that they do
//! not.

use std::collections::BTreeMap;

use crate::support::odd::{Active, Odd, Person, Quirks, Takes, Versions};
use harness::{Desk, at_once, column};

const PEOPLE: &str = "email,first name,last name,external id,teams\n\
    Ann@Example.com,Ann,Lee,E1,Sales;Legal\n\
    bob@example.com,Bob,Ray,E2,Sales\n\
    cat@example.com,Cat,Fox,E3,\n\
    dan@example.com,Dan,Fox,E4,Legal\n";

fn person(first: &str, last: &str, id: &str, active: bool, teams: &[&str]) -> Person {
    let mut teams: Vec<String> = teams.iter().map(|team| (*team).to_owned()).collect();
    teams.sort_by_key(|team| std::cmp::Reverse(team.clone()));
    (first.into(), last.into(), id.into(), active, teams)
}

/// Runs a file through the program; every row has to come out as `outcome`.
#[track_caller]
fn all_become(desk: &Desk, args: &[&str], content: &str, outcome: &str) {
    let bulk = if desk.path("bulk").exists() {
        "on"
    } else {
        "off"
    };
    desk.file("people.csv", content);
    let flags = ["--yes", "--allow-locks", "9", "--bulk", bulk];
    let ended = desk.headcount(&[args, &flags].concat());
    let rows = desk.rows("people.results.csv");
    let outcomes = column(&rows, "result_outcome");
    let errors = column(&rows, "result_error");
    assert!(
        ended.code == 0 && outcomes.iter().all(|word| word == outcome),
        "{args:?}: {outcomes:?} {errors:?}\n{}",
        ended.stderr
    );
}

/// Onboarding, changes, teams, locks and the end of it, on a server with these habits.
#[track_caller]
fn goes_well_with(quirks: Quirks) -> Odd {
    // Each change as a call of its own; then together, where that may make a difference.
    one_by_one_or_together(Quirks {
        bulk: true,
        ..quirks
    });
    one_by_one_or_together(quirks)
}

#[track_caller]
fn one_by_one_or_together(quirks: Quirks) -> Odd {
    println!("{quirks:?}");
    let odd = Odd::start(quirks);
    let desk = odd.server.desk();
    if quirks.bulk {
        desk.file("bulk", "");
    }
    let import = ["import", "people.csv"];
    let with = |action| ["import", "people.csv", "--action", action];
    all_become(&desk, &import, PEOPLE, "created");
    let mut people: BTreeMap<String, Person> = [
        (
            "ann@example.com",
            person("Ann", "Lee", "E1", true, &["Sales", "Legal"]),
        ),
        (
            "bob@example.com",
            person("Bob", "Ray", "E2", true, &["Sales"]),
        ),
        ("cat@example.com", person("Cat", "Fox", "E3", true, &[])),
        (
            "dan@example.com",
            person("Dan", "Fox", "E4", true, &["Legal"]),
        ),
    ]
    .map(|(email, person)| (email.to_owned(), person))
    .into();
    assert_eq!(odd.people(), people);
    all_become(&desk, &with("upsert"), PEOPLE, "unchanged");

    let changes = "email,last name,teams,remove teams\n\
        ann@example.com,Chen,,Sales\nbob@example.com,,Legal,\ncat@example.com,Wolf,Sales,\n";
    all_become(&desk, &with("update"), changes, "updated");
    all_become(&desk, &with("update"), changes, "unchanged");
    people.insert(
        "ann@example.com".into(),
        person("Ann", "Chen", "E1", true, &["Legal"]),
    );
    people.insert(
        "bob@example.com".into(),
        person("Bob", "Ray", "E2", true, &["Legal", "Sales"]),
    );
    people.insert(
        "cat@example.com".into(),
        person("Cat", "Wolf", "E3", true, &["Sales"]),
    );
    assert_eq!(odd.people(), people);

    let leavers =
        "email,teams\nann@example.com,Legal\nbob@example.com,Legal\ndan@example.com,Legal\n";
    all_become(&desk, &with("remove-teams"), leavers, "updated");
    for email in ["ann@example.com", "bob@example.com", "dan@example.com"] {
        people
            .get_mut(email)
            .unwrap()
            .4
            .retain(|team| team != "Legal");
    }
    assert_eq!(odd.people(), people);

    let locked = "email\nann@example.com\nBOB@example.com\ncat@example.com\n";
    all_become(&desk, &["lock", "people.csv"], locked, "locked");
    for email in ["ann@example.com", "bob@example.com", "cat@example.com"] {
        people.get_mut(email).unwrap().3 = false;
    }
    assert_eq!(odd.people(), people);
    all_become(&desk, &["lock", "people.csv"], locked, "unchanged");
    all_become(&desk, &["unlock", "people.csv"], locked, "unlocked");
    all_become(
        &desk,
        &with("delete"),
        "email\ndan@example.com\n",
        "deleted",
    );
    people.remove("dan@example.com");
    for person in people.values_mut() {
        person.3 = true;
    }
    assert_eq!(odd.people(), people);
    odd
}

#[test]
fn lists_and_answers_may_be_loose() {
    for terse in [false, true] {
        let odd = goes_well_with(Quirks {
            terse,
            loose_lists: true,
            page: 3,
            ..Quirks::default()
        });
        assert!(odd.has_kept_others());
    }
}

#[test]
fn ids_may_change_their_case() {
    for hides_groups in [false, true] {
        goes_well_with(Quirks {
            shouts_ids: true,
            hides_groups,
            ..Quirks::default()
        });
    }
}

#[test]
fn memberships_go_with_whichever_resource_takes_them() {
    let mut servers = Vec::new();
    for groups_of_users in [Takes::Ignores, Takes::Refuses] {
        for hides_groups in [false, true] {
            for omits_empty in [false, true] {
                servers.push(Quirks {
                    groups_of_users,
                    hides_groups,
                    omits_empty,
                    leavers_by_value: Takes::Refuses,
                    ..Quirks::default()
                });
            }
        }
    }
    at_once(servers, goes_well_with);
}

#[test]
fn a_server_that_empties_a_team_gets_its_members_back() {
    for most_members in [0, 1] {
        let odd = goes_well_with(Quirks {
            groups_of_users: Takes::Ignores,
            leavers_by_value: Takes::Ignores,
            most_members,
            ..Quirks::default()
        });
        assert!(odd.has_kept_others());
    }
}

#[test]
fn active_is_sent_until_it_is_understood() {
    let mut servers = Vec::new();
    for active in [Active::String, Active::Object] {
        for other_active in [Takes::Ignores, Takes::Refuses] {
            for terse in [false, true] {
                servers.push(Quirks {
                    active,
                    other_active,
                    terse,
                    ..Quirks::default()
                });
            }
        }
    }
    at_once(servers, goes_well_with);
}

#[test]
fn a_server_without_patch_gets_whole_resources() {
    for versions in [Versions::None, Versions::Demanded, Versions::NeverFit] {
        for omits_empty in [false, true] {
            goes_well_with(Quirks {
                no_patch: true,
                groups_of_users: Takes::Ignores,
                hides_groups: true,
                versions,
                omits_empty,
                ..Quirks::default()
            });
        }
    }
}

#[test]
fn versions_are_named_where_they_are_demanded() {
    for versions in [Versions::Demanded, Versions::DemandedInWords] {
        for groups_of_users in [Takes::Yes, Takes::Refuses] {
            goes_well_with(Quirks {
                groups_of_users,
                versions,
                ..Quirks::default()
            });
        }
    }
}

#[test]
fn operations_are_written_and_sent_as_the_server_wants_them() {
    let mut servers = Vec::new();
    for (capital_operations, one_operation) in [(true, false), (false, true), (true, true)] {
        for groups_of_users in [Takes::Yes, Takes::Refuses] {
            let quirks = Quirks {
                groups_of_users,
                capital_operations,
                one_operation,
                ..Quirks::default()
            };
            servers.push(quirks);
            servers.push(Quirks {
                leavers_by_value: Takes::Refuses,
                ..quirks
            });
        }
    }
    at_once(servers, goes_well_with);
}

/// Everything that one row can ask for, in one row.
#[test]
fn a_change_of_many_parts_is_made_one_by_one_where_it_must() {
    let odd = Odd::start(Quirks {
        one_operation: true,
        ..Quirks::default()
    });
    let desk = odd.server.desk();
    all_become(&desk, &["import", "people.csv"], PEOPLE, "created");
    let all = "email,first name,last name,external id,active,teams,remove teams\n\
               ann@example.com,Anna,Chen,E9,no,,Sales\ncat@example.com,Cath,Wolf,E8,no,Legal,\n";
    let update = ["import", "people.csv", "--action", "update"];
    all_become(&desk, &update, all, "updated");
    let people = odd.people();
    let ann = person("Anna", "Chen", "E9", false, &["Legal"]);
    let cat = person("Cath", "Wolf", "E8", false, &["Legal"]);
    assert_eq!(people["ann@example.com"], ann);
    assert_eq!(people["cat@example.com"], cat);
    assert!(odd.has_kept_others());
}

#[test]
fn what_a_server_forgets_of_a_new_account_is_said() {
    for (forgets, short_answers, said) in [
        (Some("name"), false, "shows no first_name, no last_name"),
        (Some("externalId"), false, "shows no external_id"),
        (None, true, ""),
        (None, false, ""),
    ] {
        let odd = Odd::start(Quirks {
            forgets,
            short_answers,
            ..Quirks::default()
        });
        let desk = odd.server.desk();
        desk.file("people.csv", PEOPLE);
        desk.headcount(&["import", "people.csv", "--concurrency", "1"])
            .with(0);
        for row in desk.rows("people.results.csv") {
            assert_eq!(row["result_outcome"], "created");
            let error = &row["result_error"];
            assert!(
                error.contains(said) && error.is_empty() == said.is_empty(),
                "{row:?}"
            );
        }
        // A look tells for all of them.
        let is_look = |call: &crate::support::scripted::Call| {
            call.method == "GET" && call.path.starts_with("/Users/")
        };
        let looks = odd.server.calls().into_iter().filter(is_look).count();
        assert_eq!(looks, usize::from(!said.is_empty() || short_answers));
    }
}

/// A request in which the teams are refused and those who are to join them are not.
#[test]
fn whoever_joins_a_new_team_is_in_it_whatever_its_creation_met() {
    for core_schema in [false, true] {
        for groups_of_users in [Takes::Yes, Takes::Ignores, Takes::Refuses] {
            for hides_groups in [false, true] {
                let odd = Odd::start(Quirks {
                    bulk: true,
                    core_schema,
                    groups_of_users,
                    hides_groups,
                    ..Quirks::default()
                });
                let desk = odd.server.desk();
                desk.file("bulk", "");
                let newcomers = "email,teams\n\
                    ann@example.com,Sales;Kitchen\nbob@example.com,Kitchen\ncat@example.com,Garden\n\
                    dan@example.com,Legal\n";
                let import = ["import", "people.csv", "--create-teams"];
                all_become(&desk, &import, newcomers, "created");
                let more =
                    "email,teams\neve@example.com,Kitchen;Garden;Attic\nfay@example.com,Attic\n";
                all_become(&desk, &import, more, "created");
                let people = odd.people();
                let teams_of = |email: &str| {
                    let mut teams = people[email].4.clone();
                    teams.sort();
                    teams
                };
                assert_eq!(teams_of("ann@example.com"), ["Kitchen", "Sales"]);
                assert_eq!(teams_of("bob@example.com"), ["Kitchen"]);
                assert_eq!(teams_of("cat@example.com"), ["Garden"]);
                assert_eq!(teams_of("dan@example.com"), ["Legal"]);
                assert_eq!(teams_of("eve@example.com"), ["Attic", "Garden", "Kitchen"]);
                assert_eq!(teams_of("fay@example.com"), ["Attic"]);
                let each_once = ["Attic", "Garden", "Kitchen", "Legal", "Sales"];
                assert_eq!(odd.teams(), each_once);
            }
        }
    }
}

/// Where neither users nor teams show it, the server's word has to do, and `unchanged` is out of reach.
#[test]
fn a_server_that_shows_no_memberships_is_believed() {
    let odd = Odd::start(Quirks {
        hides_groups: true,
        hides_members: true,
        ..Quirks::default()
    });
    let desk = odd.server.desk();
    all_become(&desk, &["import", "people.csv"], PEOPLE, "created");
    assert_eq!(odd.people()["ann@example.com"].4, ["Sales", "Legal"]);
    let teams = "email,teams\ncat@example.com,Sales\n";
    let args = ["import", "people.csv", "--action", "add-teams"];
    all_become(&desk, &args, teams, "updated");
    assert_eq!(odd.people()["cat@example.com"].4, ["Sales"]);
    let args = ["import", "people.csv", "--action", "remove-teams"];
    all_become(&desk, &args, teams, "updated");
    assert!(odd.people()["cat@example.com"].4.is_empty());
    assert!(odd.has_kept_others());
}

/// Putting back a team that does not show its members would empty it.
#[test]
fn a_team_that_hides_its_members_is_not_put_back() {
    let odd = Odd::start(Quirks {
        no_patch: true,
        hides_groups: true,
        hides_members: true,
        groups_of_users: Takes::Ignores,
        ..Quirks::default()
    });
    let desk = odd.server.desk();
    desk.file("people.csv", PEOPLE);
    desk.headcount(&["import", "people.csv"]).with(4);
    let rows = desk.rows("people.results.csv");
    assert_eq!(
        column(&rows, "result_outcome"),
        ["failed", "failed", "created", "failed"]
    );
    assert!(rows[0]["result_error"].contains("does not show who is in the team"));
    assert_eq!(odd.server.count("PUT"), 0);
}

#[test]
fn what_a_server_makes_otherwise_than_asked_is_said() {
    let odd = Odd::start(Quirks {
        makes_names: true,
        ..Quirks::default()
    });
    let desk = odd.server.desk();
    desk.file(
        "people.csv",
        "email,first name,last name,display name\n\
         ann@x.com,Ann,Lee,Annie\nbob@x.com,Bob,Roe,\"ROE,  bob\"\ncy@x.com,Cy,Poe,\n",
    );
    desk.headcount(&["import", "people.csv"])
        .with(0)
        .says("3 created")
        .says("1 row is done, but the node has made something else of it");
    let rows = desk.rows("people.results.csv");
    assert_eq!(
        column(&rows, "result_error"),
        [
            r#"created, but the node shows display_name as "Lee, Ann""#,
            "",
            ""
        ]
    );
    desk.file(
        "names.csv",
        "action,email,first name,display name\nupdate,ann@x.com,Anna,Anna\nupdate,bob@x.com,Bobby,\n",
    );
    desk.headcount(&["import", "names.csv"])
        .with(4)
        .says("1 updated, 1 failed");
    let rows = desk.rows("names.results.csv");
    assert_eq!(
        column(&rows, "result_error"),
        [
            r#"the node says yes, but shows display_name as "Lee, Anna""#,
            ""
        ]
    );
}

/// What a plan has thought through is not what has happened.
#[test]
fn whoever_a_plan_puts_into_a_team_is_put_there_when_it_is_applied() {
    let odd = Odd::start(Quirks {
        hides_groups: true,
        ..Quirks::default()
    });
    let desk = odd.server.desk();
    all_become(&desk, &["import", "people.csv"], PEOPLE, "created");
    desk.file(
        "plan.csv",
        "action,email,last name,teams,remove teams\n\
         update,cat@example.com,Wolf,Sales,\nupdate,bob@example.com,Roe,,Sales\n",
    );
    desk.headcount(&["plan", "plan.csv", "-o", "team.plan"])
        .with(0);
    desk.headcount(&["apply", "team.plan"]).with(0);
    let teams = |email: &str| odd.people()[email].4.clone();
    assert_eq!(teams("cat@example.com"), ["Sales"]);
    assert_eq!(teams("bob@example.com"), [""; 0]);
}
