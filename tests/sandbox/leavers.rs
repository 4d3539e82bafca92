//! Members who leave a team in several ways at once.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use crate::support::scripted::{Call, Reply, Scripted, list, reply, user};
use serde_json::{Value, json};

/// How long a call waits for another one.
const PATIENCE: Duration = Duration::from_mins(1);

/// The team of a server that takes memberships with the user and with the group, and how far things have come.
struct Team {
    members: BTreeSet<String>,
    counted: bool,
    dan_has_left: bool,
}

impl Team {
    fn shown(&self) -> Value {
        let members: Vec<Value> = self
            .members
            .iter()
            .map(|id| json!({ "value": id }))
            .collect();
        json!({"id": "sales", "displayName": "Sales", "members": members})
    }
}

/// Dan leaves with his own account, after the members were counted and before the others have left: the worst
/// moment. His change waits for the count, and that of the others for his.
#[test]
fn whoever_leaves_with_their_account_is_not_put_back() {
    let members = ["ann", "bob", "cat", "dan", "eve"].map(str::to_owned);
    let team = Team {
        members: members.into(),
        counted: false,
        dan_has_left: false,
    };
    let state = Arc::new((Mutex::new(team), Condvar::new()));
    let shared = Arc::clone(&state);
    // Whoever waits keeps no other call from being answered.
    let server =
        Scripted::start(move |call, _| tokio::task::block_in_place(|| answer(call, &shared)));
    let desk = server.desk();
    desk.file(
        "changes.csv",
        "action,email,teams,remove_teams\n\
         remove-teams,ann@x.com,,Sales\nremove-teams,bob@x.com,,Sales\nremove-teams,cat@x.com,,Sales\n\
         update,dan@x.com,Legal;Support,Sales\n",
    );
    desk.headcount(&["import", "changes.csv", "--bulk", "off"])
        .with(0)
        .says("4 updated");
    let team = state.0.lock().unwrap();
    assert!(team.counted && team.dan_has_left);
    assert_eq!(team.members, ["eve".to_owned()].into());
}

fn answer(call: &Call, state: &(Mutex<Team>, Condvar)) -> Reply {
    let (team, changed) = state;
    let mut team = team.lock().unwrap();
    let reply = match (call.method.as_str(), call.path.as_str()) {
        ("GET", "/Users") => {
            let people = ["ann", "bob", "cat", "dan", "eve"];
            let people = people.map(|id| account(id, &team));
            reply(200, list(&people))
        }
        ("GET", "/Groups") => {
            let group = |name: &str| json!({"id": name.to_lowercase(), "displayName": name});
            reply(200, list(&["Sales", "Legal", "Support"].map(group)))
        }
        ("GET", "/Groups/sales") => {
            team.counted = true;
            reply(200, team.shown())
        }
        ("PATCH", "/Users/dan") => {
            team = until(changed, team, |team| team.counted);
            team.members.remove("dan");
            team.dan_has_left = true;
            let mut shown = account("dan", &team);
            shown["groups"] = json!([{"value": "legal"}, {"value": "support"}]);
            reply(200, shown)
        }
        ("PATCH", "/Groups/sales") => {
            team = until(changed, team, |team| team.dan_has_left);
            let operation = &call.json()["Operations"][0];
            let named = operation["value"].as_array().unwrap();
            for id in named.iter().map(|member| member["value"].as_str().unwrap()) {
                if operation["op"] == "add" {
                    team.members.insert(id.to_owned());
                } else {
                    team.members.remove(id);
                }
            }
            reply(200, team.shown())
        }
        _ => reply(404, ""),
    };
    changed.notify_all();
    reply
}

/// Waits for a change; without it, the call is never answered.
fn until<'t>(
    changed: &Condvar,
    team: MutexGuard<'t, Team>,
    happened: impl Fn(&Team) -> bool,
) -> MutexGuard<'t, Team> {
    let waited = changed.wait_timeout_while(team, PATIENCE, |team| !happened(team));
    let (team, waited) = waited.unwrap();
    assert!(!waited.timed_out(), "what it waits for never came");
    team
}

fn account(id: &str, team: &Team) -> Value {
    let mut shown = user(id, &format!("{id}@x.com"), true);
    let groups: &[Value] = if team.members.contains(id) {
        &[json!({"value": "sales"})]
    } else {
        &[]
    };
    shown["groups"] = groups.into();
    shown
}
