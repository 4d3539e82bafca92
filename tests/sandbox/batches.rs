//! Many people into few teams: as few calls as can be, and a row that is refused spoils no other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use crate::support::odd::{Odd, Quirks, Takes};
use crate::support::scripted::{Call, Reply, Scripted, list, reply, user};
use harness::{Node, at_once, column};
use headcount::sandbox::{Options, UserSnapshot};
use serde_json::{Value, json};

/// The emails of so many people of a node who are in none of these teams.
fn emails(node: &Node, people: usize, teams: &[&str]) -> Vec<String> {
    let snapshot = node.sandbox().snapshot();
    let outside = |user: &&UserSnapshot| {
        let groups = snapshot.groups_of(&user.user_name);
        !groups.iter().any(|group| teams.contains(group))
    };
    let emails = snapshot.users.iter().filter(outside);
    let emails: Vec<String> = emails
        .take(people)
        .map(|user| user.user_name.clone())
        .collect();
    assert_eq!(emails.len(), people);
    emails
}

/// A file that puts people into teams.
fn into_teams(emails: &[String], teams: &str) -> String {
    let rows: String = emails
        .iter()
        .map(|email| format!("{email},{teams}\n"))
        .collect();
    format!("email,teams\n{rows}")
}

/// The emails of a team's members.
fn members(node: &Node, team: &str) -> BTreeSet<String> {
    let snapshot = node.sandbox().snapshot();
    let group = snapshot.group(team).unwrap();
    let email = |id: &String| {
        let user = snapshot.users.iter().find(|user| user.id == *id);
        user.unwrap().user_name.clone()
    };
    group.members.iter().map(email).collect()
}

#[test]
fn many_people_get_into_their_teams_by_few_calls() {
    let node = Node::start(Options {
        users: 3_000,
        ..Options::default()
    });
    let desk = node.desk();
    let teams = ["Sales", "Legal", "Finance"];
    let people = emails(&node, 350, &teams);
    let before: Vec<usize> = teams.map(|team| members(&node, team).len()).into();
    desk.file("people.csv", into_teams(&people, "Sales;Legal;Finance"));
    desk.headcount(&["import", "people.csv", "--action", "add-teams"])
        .with(0)
        .says("350 updated");
    let calls = node.sandbox().calls();
    assert_eq!(calls.of("PATCH /Groups/{id}"), 12);
    assert_eq!(calls.of("PATCH /Users/{id}"), 0);
    for (team, before) in teams.into_iter().zip(before) {
        let members = members(&node, team);
        assert_eq!(members.len(), before + 350);
        assert!(people.iter().all(|email| members.contains(email)));
    }
    let rows = desk.rows("people.results.csv");
    assert_eq!(column(&rows, "email"), people);
    assert!(
        column(&rows, "result_status")
            .iter()
            .all(|status| status == "200")
    );

    // The other way; one of them gets a name as well, which takes the teams along.
    let rest: String = people[1..]
        .iter()
        .map(|email| format!("{email},Legal,\n"))
        .collect();
    let renamed = format!("{},Legal,Renamed\n", people[0]);
    desk.file(
        "leave.csv",
        format!("email,remove_teams,last_name\n{renamed}{rest}"),
    );
    desk.headcount(&["import", "leave.csv", "--action", "update"])
        .with(0);
    assert!(
        people
            .iter()
            .all(|email| !members(&node, "Legal").contains(email))
    );
    let after = node.sandbox().calls();
    let more = |kind: &str| after.of(kind) - calls.of(kind);
    assert_eq!(
        (more("PATCH /Groups/{id}"), more("PATCH /Users/{id}")),
        (4, 1)
    );

    // Once more: nothing is left to do.
    desk.headcount(&["import", "leave.csv", "--action", "update"])
        .with(0)
        .says("350 unchanged");
    assert_eq!(
        node.sandbox().calls().of("PATCH /Groups/{id}"),
        after.of("PATCH /Groups/{id}")
    );
}

#[test]
fn rows_of_one_person_are_carried_out_in_their_order_also_by_batches() {
    let node = Node::start(Options {
        users: 300,
        ..Options::default()
    });
    let desk = node.desk();
    let people = emails(&node, 120, &["Sales"]);
    let before = members(&node, "Sales").len();
    let row = |action: &str| -> String {
        people
            .iter()
            .map(|email| format!("{action},{email},Sales\n"))
            .collect()
    };
    // By person in the first half, by action in the second.
    let mut rows: String = people
        .iter()
        .map(|email| format!("add-teams,{email},Sales\nremove-teams,{email},Sales\n"))
        .collect();
    rows.push_str(&row("add-teams"));
    rows.push_str(&row("remove-teams"));
    rows.push_str(&row("add-teams"));
    desk.file("people.csv", format!("action,email,teams\n{rows}"));
    desk.headcount(&["import", "people.csv"])
        .with(0)
        .says("600 updated");
    let members = members(&node, "Sales");
    assert_eq!(members.len(), before + 120);
    assert!(people.iter().all(|email| members.contains(email)));
    assert!(node.sandbox().calls().total() < 30);
}

#[test]
fn faults_neither_lose_nor_double_anybody() {
    at_once(0..3, |seed| {
        let node = Node::start(Options {
            users: 500,
            faults: "500=10%,500@after=15%,reset@after=15%,503=5%"
                .parse()
                .unwrap(),
            seed,
            ..Options::default()
        });
        let desk = node.desk();
        let people = emails(&node, 230, &["Sales", "Legal"]);
        desk.file("people.csv", into_teams(&people, "Sales;Legal"));
        desk.headcount(&[
            "import",
            "people.csv",
            "--action",
            "add-teams",
            "--batch",
            "20",
        ])
        .with(0);
        for team in ["Sales", "Legal"] {
            let members = members(&node, team);
            assert!(people.iter().all(|email| members.contains(email)), "{seed}");
        }
    });
}

/// A node with one team, on which some people may not be; it answers with nothing but a status.
#[derive(Default)]
struct Picky {
    users: BTreeMap<String, String>,
    members: BTreeSet<String>,
    refused: BTreeSet<String>,
    /// Says yes and does nothing.
    deaf: bool,
    /// Takes a removal without a path for that of everybody.
    literal: bool,
}

impl Picky {
    fn with(people: usize) -> Self {
        Picky {
            users: (0..people)
                .map(|i| (format!("u{i}"), format!("p{i}@example.com")))
                .collect(),
            ..Picky::default()
        }
    }

    fn answer(&mut self, call: &Call) -> Reply {
        let path: Vec<&str> = call.path.trim_matches('/').split('/').collect();
        match (call.method.as_str(), path.as_slice()) {
            ("GET", ["Users"]) => {
                let shown: Vec<Value> = self
                    .users
                    .iter()
                    .map(|(id, email)| self.user(id, email))
                    .collect();
                reply(200, list(&shown))
            }
            ("GET", ["Users", id]) => reply(200, self.user(id, &self.users[*id])),
            ("PATCH", ["Users", id]) => {
                let id = (*id).to_owned();
                self.members.insert(id);
                reply(204, "")
            }
            ("GET", ["Groups"]) => reply(200, list(&[self.group()])),
            ("GET", ["Groups", _]) => reply(200, self.group()),
            ("PATCH", ["Groups", _]) => self.patch(&call.json()),
            _ => reply(405, ""),
        }
    }

    fn user(&self, id: &str, email: &str) -> Value {
        let mut shown = user(id, email, true);
        let groups = if self.members.contains(id) {
            json!([{"value": "g1"}])
        } else {
            json!([])
        };
        shown["groups"] = groups;
        shown
    }

    fn group(&self) -> Value {
        let members: Vec<Value> = self.members.iter().map(|id| json!({"value": id})).collect();
        json!({"id": "g1", "displayName": "Sales", "members": members})
    }

    fn patch(&mut self, body: &Value) -> Reply {
        let mut after = self.members.clone();
        for operation in body["Operations"].as_array().unwrap() {
            let path = operation["path"].as_str().unwrap();
            let named = operation["value"].as_array().cloned().unwrap_or_default();
            let named: BTreeSet<String> = named
                .iter()
                .map(|member| member["value"].as_str().unwrap().to_owned())
                .collect();
            if let Some(guilty) = named.intersection(&self.refused).next() {
                return reply(
                    400,
                    json!({"status": "400", "detail": format!("{guilty} may not be in this team")}),
                );
            }
            match operation["op"].as_str().unwrap() {
                "add" => after.extend(named),
                _ if path != "members" => {
                    let id = path.split('"').nth(1).unwrap();
                    after.remove(id);
                }
                _ if self.literal => after.clear(),
                _ => after.retain(|id| !named.contains(id)),
            }
        }
        if !self.deaf {
            self.members = after;
        }
        reply(204, "")
    }

    fn start(self) -> (Scripted, Arc<Mutex<Picky>>) {
        let held = Arc::new(Mutex::new(self));
        let state = Arc::clone(&held);
        let server = Scripted::start(move |call, _| state.lock().unwrap().answer(call));
        (server, held)
    }
}

fn everybody(people: usize, teams: &str) -> String {
    let emails: Vec<String> = (0..people).map(|i| format!("p{i}@example.com")).collect();
    into_teams(&emails, teams)
}

#[test]
fn a_refused_batch_is_halved_until_the_guilty_are_alone() {
    let mut node = Picky::with(64);
    node.refused = ["u7".to_owned(), "u40".to_owned()].into();
    let (server, held) = node.start();
    let desk = server.desk();
    desk.file("people.csv", everybody(64, "Sales"));
    desk.headcount(&["import", "people.csv", "--action", "add-teams"])
        .with(4)
        .says("62 updated, 2 failed");
    let rows = desk.rows("people.results.csv");
    let outcomes = column(&rows, "result_outcome");
    let errors = column(&rows, "result_error");
    for row in 0..64 {
        let guilty = row == 7 || row == 40;
        assert_eq!(outcomes[row], if guilty { "failed" } else { "updated" });
        assert_eq!(errors[row].contains("may not be in this team"), guilty);
    }
    assert_eq!(column(&rows, "result_status")[7], "400");
    assert_eq!(held.lock().unwrap().members.len(), 62);
    // Two lines down from 64 to 1, and no more.
    let patches = server
        .calls()
        .iter()
        .filter(|call| call.is("PATCH", "/Groups/g1"))
        .count();
    assert!(patches <= 25, "{patches}");
}

/// Every fifth of 200 new people is in Sales, the others are in Legal. How many group changes they take, and how many of these
/// came before the last new account.
fn group_changes_of_new_people(quirks: Quirks) -> (usize, usize) {
    let odd = Odd::start(quirks);
    let desk = odd.server.desk();
    let team = |i| if i % 5 == 0 { "Sales" } else { "Legal" };
    let rows: String = (0..200)
        .map(|i| format!("p{i}@example.com,{}\n", team(i)))
        .collect();
    desk.file("people.csv", format!("email,teams\n{rows}"));
    desk.headcount(&["import", "people.csv", "--bulk", "auto"])
        .with(0)
        .says("200 created");
    let in_teams = odd
        .people()
        .into_values()
        .filter(|person| person.4.len() == 1);
    assert_eq!(in_teams.count(), 200);
    let emails = column(&desk.rows("people.results.csv"), "email");
    assert!((0..200).all(|i| emails[i] == format!("p{i}@example.com")));
    let calls = odd.server.calls();
    let changes = |calls: &[Call]| {
        let changes = calls.iter();
        changes
            .filter(|call| call.method == "PATCH" && call.path.starts_with("/Groups"))
            .count()
    };
    let last = calls.iter().rposition(|call| call.is("POST", "/Users"));
    (changes(&calls), changes(&calls[..last.unwrap_or(0)]))
}

#[test]
fn groups_are_changed_while_users_are_still_made() {
    let by_group = Quirks {
        groups_of_users: Takes::Refuses,
        ..Quirks::default()
    };
    // Sales, when its last row has an account; the first 100 of Legal; and in the end the other 60.
    let (changes, early) = group_changes_of_new_people(by_group);
    assert_eq!(changes, 3);
    assert!(early >= 1, "all changes of groups waited for the last user");
    assert_eq!(group_changes_of_new_people(Quirks::default()), (0, 0));
}

#[test]
fn how_many_members_of_a_team_may_change_is_found_out_once() {
    let few = Quirks {
        groups_of_users: Takes::Refuses,
        most_members: 30,
        ..Quirks::default()
    };
    let (changes, _) = group_changes_of_new_people(few);
    // Sales: 40, then 20 twice. Legal: 100, 50 twice, 25 four times; then 25 twice and 10.
    assert_eq!(changes, 3 + 7 + 3);
}

#[test]
fn who_is_left_out_of_a_batch_is_sent_alone() {
    let mut node = Picky::with(30);
    node.deaf = true;
    let (server, held) = node.start();
    let desk = server.desk();
    desk.file("people.csv", everybody(30, "Sales"));
    desk.headcount(&["import", "people.csv", "--action", "add-teams"])
        .with(0)
        .says("30 updated");
    assert_eq!(held.lock().unwrap().members.len(), 30);
}

#[test]
fn a_node_that_empties_the_team_gets_the_others_back() {
    let mut node = Picky::with(50);
    node.literal = true;
    node.members = node.users.keys().cloned().collect();
    let (server, held) = node.start();
    let desk = server.desk();
    desk.file("people.csv", everybody(20, "Sales"));
    desk.headcount(&[
        "import",
        "people.csv",
        "--action",
        "remove-teams",
        "--batch",
        "10",
    ])
    .with(0)
    .says("20 updated");
    let expected: BTreeSet<String> = (20..50).map(|i| format!("u{i}")).collect();
    assert_eq!(held.lock().unwrap().members, expected);
}

#[test]
fn rows_whose_people_are_named_in_two_ways_go_one_by_one_to_their_end() {
    let node = Node::start(Options {
        users: 2_000,
        page_max: 50,
        latency: std::time::Duration::from_millis(10),
        // Of two calls at once, one is refused.
        limits: "all=1/once".parse().unwrap(),
        ..Options::default()
    });
    let people = node.sandbox().snapshot().users;
    let rows = people[..6]
        .iter()
        .enumerate()
        .map(|(at, user)| match at % 2 {
            0 => format!("{},,Night shift\n", user.id),
            _ => format!(",{},Night shift\n", user.user_name),
        });
    let desk = node.desk();
    desk.file(
        "people.csv",
        "id,email,teams\n".to_owned() + &rows.collect::<String>(),
    );
    desk.headcount(&[
        "import",
        "people.csv",
        "--action",
        "update",
        "--create-teams",
        "--bulk",
        "off",
    ])
    .with(0)
    .says("6 updated");
    let calls = node.sandbox().calls();
    assert_eq!(calls.answered(429), 0, "two rows were on their way at once");
    assert_eq!(
        node.sandbox()
            .snapshot()
            .group("Night shift")
            .unwrap()
            .members
            .len(),
        6
    );
}
