//! A file that holds every kind of row, and what a node holds when it has been carried out.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use headcount_sandbox::Sandbox;

/// What the node holds, by names instead of ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// First name, last name and whether active, by email.
    pub people: BTreeMap<String, Person>,
    /// The members' emails, by the team's name.
    pub teams: BTreeMap<String, BTreeSet<String>>,
}

pub type Person = (Option<String>, Option<String>, bool);

impl State {
    pub fn of(sandbox: &Sandbox) -> State {
        let snapshot = sandbox.snapshot();
        let names: BTreeMap<&String, &String> = snapshot
            .users
            .iter()
            .map(|user| (&user.id, &user.user_name))
            .collect();
        State {
            people: snapshot
                .users
                .iter()
                .map(|user| {
                    let (given, family) = (user.given_name.clone(), user.family_name.clone());
                    (user.user_name.clone(), (given, family, user.active))
                })
                .collect(),
            teams: snapshot
                .groups
                .iter()
                .map(|group| {
                    let members = group.members.iter().map(|id| names[id].clone());
                    (group.display_name.clone(), members.collect())
                })
                .collect(),
        }
    }
}

/// A file with everything in it: new people with teams, changes, renames, locks, deletions, and many
/// people who join a team. Also how many people it creates.
pub fn file(sandbox: &Sandbox, newcomers: usize) -> (String, usize) {
    let snapshot = sandbox.snapshot();
    let teams: Vec<&str> = snapshot
        .groups
        .iter()
        .filter(|group| !group.is_role)
        .map(|group| group.display_name.as_str())
        .collect();
    let mut text = "action,email,first_name,last_name,new_email,teams\n".to_owned();
    let mut creates = 0;
    for at in 0..newcomers {
        creates += 1;
        let team = teams[at % teams.len()];
        writeln!(text, "create,new{at}@example.com,New,Person {at},,{team}").unwrap();
    }
    for (at, user) in snapshot.users.iter().enumerate() {
        let email = &user.user_name;
        match at % 6 {
            0 => writeln!(text, "update,{email},,Changed {at},,"),
            1 => writeln!(text, "lock,{email},,,,"),
            2 => writeln!(
                text,
                "update,{email},,,renamed{at}@example.com,{}",
                teams[0]
            ),
            3 => writeln!(text, "delete,{email},,,,"),
            4 => {
                creates += 1;
                writeln!(
                    text,
                    "upsert,upserted{at}@example.com,Up,Serted,,{}\nadd-teams,{email},,,,{}",
                    teams[2], teams[1]
                )
            }
            _ => writeln!(text, "add-teams,{email},,,,{}", teams[1]),
        }
        .unwrap();
    }
    (text, creates)
}
