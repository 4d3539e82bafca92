//! Where Commander takes people and teams from, and what a node must hold after they were pushed.

use std::collections::BTreeMap;

use headcount::sandbox::Snapshot;
use serde_json::{Value, json};

/// Who and what is to be on the node.
#[derive(Debug, Clone, Default)]
pub struct Source {
    pub people: Vec<Person>,
    /// Names by id.
    pub teams: BTreeMap<String, String>,
}

/// A person of the source.
#[derive(Debug, Clone)]
pub struct Person {
    pub id: String,
    pub email: String,
    pub first: String,
    pub last: String,
    pub active: bool,
    /// Ids of teams.
    pub teams: Vec<String>,
}

/// What a node holds, by names instead of ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// By email.
    pub people: BTreeMap<String, Account>,
    /// External ids by name.
    pub teams: BTreeMap<String, String>,
}

/// An account on the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub external_id: String,
    pub display: String,
    pub first: String,
    pub last: String,
    pub active: bool,
    /// Names of teams, sorted.
    pub teams: Vec<String>,
}

impl Person {
    pub fn new(n: usize, teams: &[&str]) -> Self {
        Person {
            id: format!("person-{n}"),
            email: format!("Person.{n}@example.com"),
            first: format!("Zoë {n}"),
            last: "O'Neill, \"Jr.\"".to_owned(),
            active: true,
            teams: teams.iter().map(ToString::to_string).collect(),
        }
    }

    fn display(&self) -> String {
        format!("{} {}", self.first, self.last)
    }
}

impl Source {
    /// What a node holds, with a name for each team's id.
    pub fn of(snapshot: &Snapshot) -> Self {
        let known = |text: &Option<String>| text.clone().unwrap();
        let people = snapshot.users.iter().map(|user| {
            let teams = snapshot.groups_of(&user.user_name).into_iter();
            Person {
                id: known(&user.external_id),
                email: user.user_name.clone(),
                first: known(&user.given_name),
                last: known(&user.family_name),
                active: user.active,
                teams: teams.map(str::to_owned).collect(),
            }
        });
        let names = snapshot.groups.iter().map(|group| &group.display_name);
        Source {
            people: people.collect(),
            teams: names.map(|name| (name.clone(), name.clone())).collect(),
        }
    }

    /// As Commander's source of the kind `record` has it.
    pub fn json(&self) -> Value {
        let user = |person: &Person| {
            json!({
                "id": person.id,
                "email": person.email,
                "full_name": person.display(),
                "first_name": person.first,
                "last_name": person.last,
                "active": person.active,
                "groups": person.teams,
            })
        };
        let group = |(id, name): (&String, &String)| json!({"id": id, "name": name});
        json!({
            "users": self.people.iter().map(user).collect::<Vec<_>>(),
            "groups": self.teams.iter().map(group).collect::<Vec<_>>(),
        })
    }

    /// What a node holds that holds just this.
    pub fn state(&self) -> State {
        let account = |person: &Person| {
            let names = person.teams.iter().map(|id| self.teams[id].clone());
            let mut teams: Vec<String> = names.collect();
            teams.sort_unstable();
            let account = Account {
                external_id: person.id.clone(),
                display: person.display(),
                first: person.first.clone(),
                last: person.last.clone(),
                active: person.active,
                teams,
            };
            (person.email.clone(), account)
        };
        let team = |(id, name): (&String, &String)| (name.clone(), id.clone());
        State {
            people: self.people.iter().map(account).collect(),
            teams: self.teams.iter().map(team).collect(),
        }
    }

    pub fn person(&mut self, n: usize) -> &mut Person {
        let id = format!("person-{n}");
        let mut people = self.people.iter_mut();
        people.find(|person| person.id == id).unwrap()
    }
}

impl State {
    /// What the node holds. Two people or teams of one name would be seen as one, so there must be none.
    #[track_caller]
    pub fn of(snapshot: &Snapshot) -> Self {
        let told = |text: &Option<String>| text.clone().unwrap_or_default();
        let people = snapshot.users.iter().map(|user| {
            let mut teams = snapshot.groups_of(&user.user_name);
            teams.sort_unstable();
            let account = Account {
                external_id: told(&user.external_id),
                display: told(&user.display_name),
                first: told(&user.given_name),
                last: told(&user.family_name),
                active: user.active,
                teams: teams.into_iter().map(str::to_owned).collect(),
            };
            (user.user_name.clone(), account)
        });
        let teams = snapshot.groups.iter();
        let state = State {
            people: people.collect(),
            teams: teams
                .map(|group| (group.display_name.clone(), told(&group.external_id)))
                .collect(),
        };
        assert_eq!(state.people.len(), snapshot.users.len());
        assert_eq!(state.teams.len(), snapshot.groups.len());
        state
    }
}
