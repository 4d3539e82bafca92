//! A small SCIM server with habits to choose from: those that servers were met with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value, json};

use super::scripted::{Call, Reply, Scripted, reply};

/// What a server does with something that it does not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Takes {
    #[default]
    Yes,
    /// It says yes and does nothing.
    Ignores,
    /// 400
    Refuses,
}

/// The form of `active` that it understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Active {
    #[default]
    Any,
    String,
    Object,
}

/// Whether a change has to name the version of what it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Versions {
    #[default]
    None,
    /// 428 without one, 412 with another.
    Demanded,
    /// The same, but 400 and a sentence without one.
    DemandedInWords,
    /// No version ever fits.
    NeverFit,
}

/// The habits of a server. The default has none.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each habit is there or not, whatever the others are"
)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Quirks {
    /// Teams of a user, in POST and PATCH of the user.
    pub groups_of_users: Takes,
    /// Whether users are shown with their groups.
    pub hides_groups: bool,
    /// Whether groups are shown without their members.
    pub hides_members: bool,
    /// `remove` of `members` with a value.
    pub leavers_by_value: Takes,
    pub active: Active,
    /// What it does with the other forms.
    pub other_active: Takes,
    /// 405 to every PATCH.
    pub no_patch: bool,
    /// 501 to every PUT.
    pub no_put: bool,
    pub versions: Versions,
    /// Changes are answered with 204 and nothing; creates with 200.
    pub terse: bool,
    /// No `Resources` in an empty list, and totals are strings.
    pub loose_lists: bool,
    /// How many resources a page has at the most; 0 for all.
    pub page: usize,
    /// Ids in lists are in upper case, elsewhere in lower case.
    pub shouts_ids: bool,
    /// Everything that is empty is left out (RFC 7643, section 2.5).
    pub omits_empty: bool,
    /// `POST /Bulk`: each operation as if it had come alone, but without its header fields.
    pub bulk: bool,
    /// New teams by the core schema only.
    pub core_schema: bool,
    /// Display names are made of the last and the first name, whatever was asked for.
    pub makes_names: bool,
    /// `Replace`, `Add` and `Remove` only.
    pub capital_operations: bool,
    /// A PATCH of more than one operation is refused.
    pub one_operation: bool,
    /// How many members one operation may name at the most; 0 for all.
    pub most_members: usize,
    /// Which attributes of a new account it forgets.
    pub forgets: Option<&'static str>,
    /// New accounts are answered with id and email only.
    pub short_answers: bool,
}

#[derive(Debug, Default)]
struct State {
    users: BTreeMap<String, Map<String, Value>>,
    groups: BTreeMap<String, Team>,
    /// How often anything was changed.
    version: u64,
}

#[derive(Debug, Default)]
struct Team {
    name: String,
    members: BTreeSet<String>,
}

/// A running server, and what it holds.
pub struct Odd {
    pub server: Scripted,
    state: Arc<Mutex<State>>,
}

/// Somebody on it: first name, last name, external id, whether active, and the teams they are in.
pub type Person = (String, String, String, bool, Vec<String>);

impl Odd {
    pub fn start(quirks: Quirks) -> Self {
        let mut state = State::default();
        for (id, name) in [("g-a1", "Sales"), ("g-b2", "Legal")] {
            let team = Team {
                name: name.to_owned(),
                members: ["somebody-else".to_owned()].into(),
            };
            state.groups.insert(id.to_owned(), team);
        }
        if quirks.omits_empty || quirks.no_patch {
            // Nobody tells in advance whether groups show their members.
            state
                .groups
                .values_mut()
                .for_each(|team| team.members.clear());
        }
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        let server = Scripted::start(move |call, _| {
            let mut state = shared.lock().unwrap();
            Answering {
                quirks,
                state: &mut state,
            }
            .answer(call)
        });
        Odd { server, state }
    }

    /// Who is there, by email in lower case.
    pub fn people(&self) -> BTreeMap<String, Person> {
        let state = self.state.lock().unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let person = |(id, user): (&String, &Map<String, Value>)| {
            let user = Value::Object(user.clone());
            let teams = state
                .groups
                .values()
                .filter(|team| team.members.contains(id));
            let person = (
                text(&user["name"]["givenName"]),
                text(&user["name"]["familyName"]),
                text(&user["externalId"]),
                user["active"] != false,
                teams.map(|team| team.name.clone()).collect(),
            );
            (text(&user["userName"]).to_lowercase(), person)
        };
        state.users.iter().map(person).collect()
    }

    /// The names of the teams, in order.
    pub fn teams(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let mut names: Vec<String> = state
            .groups
            .values()
            .map(|team| team.name.clone())
            .collect();
        names.sort();
        names
    }

    /// Whether the member that was there from the start still is.
    pub fn has_kept_others(&self) -> bool {
        let state = self.state.lock().unwrap();
        let mut teams = state.groups.values();
        teams.all(|team| team.members.contains("somebody-else"))
    }
}

struct Answering<'s> {
    quirks: Quirks,
    state: &'s mut State,
}

impl Answering<'_> {
    fn answer(&mut self, call: &Call) -> Reply {
        let path: Vec<&str> = call.path.trim_matches('/').split('/').collect();
        let id = path.get(1).map(|id| id.to_lowercase()).unwrap_or_default();
        match (call.method.as_str(), path.as_slice()) {
            ("GET", ["Users" | "Groups"]) => self.list(call, path[0]),
            ("GET", ["Users" | "Groups", _]) => match self.shown(path[0], &id) {
                Some(shown) => reply(200, shown),
                None => reply(404, ""),
            },
            ("GET", ["Schemas", _]) => self.schema(),
            ("POST", ["Bulk"]) if self.quirks.bulk => self.bulk(call),
            ("POST", ["Users"]) => self.create(&call.json()),
            ("POST", ["Groups"]) => self.create_team(&call.json()),
            ("PATCH", _) if self.quirks.no_patch => reply(405, ""),
            ("PUT", _) if self.quirks.no_put => reply(501, ""),
            ("PATCH" | "PUT" | "DELETE", ["Users" | "Groups", _]) => {
                self.change(call, path[0], &id)
            }
            _ => reply(404, ""),
        }
    }

    fn shown(&self, endpoint: &str, id: &str) -> Option<Value> {
        let mut shown = if endpoint == "Users" {
            let mut user = self.state.users.get(id)?.clone();
            if self.quirks.makes_names {
                let name = |part| user["name"][part].as_str().unwrap_or_default();
                let made = format!("{}, {}", name("familyName"), name("givenName"));
                user.insert("displayName".into(), made.into());
            }
            if !self.quirks.hides_groups {
                let groups = self.state.groups.iter();
                let within = groups.filter(|(_, team)| team.members.contains(id));
                user.insert(
                    "groups".into(),
                    within.map(|(id, _)| json!({"value": id})).collect(),
                );
            }
            user
        } else {
            let team = self.state.groups.get(id)?;
            let members: Vec<Value> = team.members.iter().map(|id| json!({"value": id})).collect();
            let mut group = Map::new();
            group.insert("displayName".into(), json!(team.name));
            if !self.quirks.hides_members {
                group.insert("members".into(), members.into());
            }
            group
        };
        if self.quirks.omits_empty {
            shown.retain(|_, value| !matches!(value.as_array(), Some(list) if list.is_empty()));
        }
        shown.insert("id".into(), id.into());
        if self.quirks.versions != Versions::None {
            let version = format!("W/\"{}\"", self.state.version);
            shown.insert("meta".into(), json!({ "version": version }));
        }
        Some(shown.into())
    }

    fn list(&self, call: &Call, endpoint: &str) -> Reply {
        let number = |name| call.query(name).and_then(|text| text.parse::<usize>().ok());
        let ids: Vec<&String> = match endpoint {
            "Users" => self.state.users.keys().collect(),
            _ => self.state.groups.keys().collect(),
        };
        let mut all: Vec<Value> = ids
            .iter()
            .filter_map(|id| self.shown(endpoint, id))
            .collect();
        if let Some(filter) = call.query("filter") {
            let wanted = filter.split('"').nth(1).unwrap_or_default().to_lowercase();
            all.retain(|user| {
                user["userName"].as_str().unwrap_or_default().to_lowercase() == wanted
            });
        }
        let total = all.len();
        let most = if self.quirks.page == 0 {
            usize::MAX
        } else {
            self.quirks.page
        };
        let start = number("startIndex").unwrap_or(1) - 1;
        let count = number("count").unwrap_or(most).min(most);
        let mut page: Vec<Value> = all.into_iter().skip(start).take(count).collect();
        if self.quirks.shouts_ids {
            for each in &mut page {
                each["id"] = each["id"].as_str().unwrap().to_uppercase().into();
            }
        }
        if !self.quirks.loose_lists {
            return reply(200, json!({"totalResults": total, "Resources": page}));
        }
        let mut body = json!({"totalResults": total.to_string()});
        if !page.is_empty() {
            body["Resources"] = page.into();
        }
        reply(200, body)
    }

    fn schema(&self) -> Reply {
        if self.quirks.hides_members {
            return reply(404, "");
        }
        let members = json!({"name": "members", "multiValued": true, "returned": "default"});
        reply(200, json!({"id": "Group", "attributes": [members]}))
    }

    fn bulk(&mut self, call: &Call) -> Reply {
        let body = call.json();
        let operations = body["Operations"].as_array().unwrap().iter();
        let mut made: Vec<(String, String)> = Vec::new();
        let results: Vec<Value> = operations
            .map(|operation| {
                let text = |name: &str| operation[name].as_str().unwrap().to_owned();
                let mut data = operation["data"].to_string();
                for (reference, id) in &made {
                    data = data.replace(reference, id);
                }
                let answer = self.answer(&Call {
                    method: text("method").parse().unwrap(),
                    path: text("path"),
                    body: data,
                    ..call.clone()
                });
                let body: Value = serde_json::from_str(answer.body()).unwrap_or_default();
                let id = body["id"].as_str().unwrap_or_default().to_owned();
                if let ("POST", false) = (&*text("method"), id.is_empty()) {
                    let reference = format!("\"bulkId:{}\"", text("bulkId"));
                    made.push((reference, format!("\"{id}\"")));
                }
                json!({
                    "method": operation["method"], "bulkId": operation["bulkId"],
                    "status": answer.status().to_string(), "response": body,
                    "location": format!("http://127.0.0.1/v2{}/{id}", text("path")),
                })
            })
            .collect();
        reply(200, json!({ "Operations": results }))
    }

    fn create(&mut self, user: &Value) -> Reply {
        let groups = user["groups"].as_array().cloned().unwrap_or_default();
        if !groups.is_empty() && self.quirks.groups_of_users == Takes::Refuses {
            return reply(
                400,
                json!({"scimType": "mutability", "detail": "groups is readOnly"}),
            );
        }
        let email = user["userName"].as_str().unwrap().to_lowercase();
        let is_taken = |other: &Map<String, Value>| {
            other["userName"].as_str().unwrap().to_lowercase() == email
        };
        if self.state.users.values().any(is_taken) {
            return reply(409, json!({"scimType": "uniqueness"}));
        }
        let id = format!("u-{:x}", 0xa0 + self.state.users.len());
        let mut kept = user.as_object().unwrap().clone();
        kept.remove("groups");
        kept.entry("active").or_insert(true.into());
        if let Some(forgotten) = self.quirks.forgets {
            kept.remove(forgotten);
        }
        self.state.users.insert(id.clone(), kept);
        if self.quirks.groups_of_users == Takes::Yes {
            self.join(&id, &groups);
        }
        self.state.version += 1;
        let status = if self.quirks.terse { 200 } else { 201 };
        let mut shown = self.shown("Users", &id).unwrap();
        if self.quirks.short_answers {
            shown = json!({"id": id, "userName": shown["userName"]});
        }
        reply(status, shown)
    }

    fn create_team(&mut self, team: &Value) -> Reply {
        if self.quirks.core_schema && team["schemas"].as_array().unwrap().len() > 1 {
            return reply(400, json!({"detail": "Unknown extension schemas"}));
        }
        let id = format!("g-{:x}", 0xc3 + self.state.groups.len());
        let team = Team {
            name: team["displayName"].as_str().unwrap().to_owned(),
            members: BTreeSet::new(),
        };
        self.state.groups.insert(id.clone(), team);
        reply(201, self.shown("Groups", &id).unwrap())
    }

    /// Groups that are not there are passed over.
    fn join(&mut self, user: &str, groups: &[Value]) {
        for group in groups {
            let group = group["value"].as_str().unwrap().to_lowercase();
            if let Some(team) = self.state.groups.get_mut(&group) {
                team.members.insert(user.to_owned());
            }
        }
    }

    fn change(&mut self, call: &Call, endpoint: &str, id: &str) -> Reply {
        if self.shown(endpoint, id).is_none() {
            return reply(404, "");
        }
        let wanted = call
            .headers
            .get("if-match")
            .map(|tag| tag.to_str().unwrap().to_owned());
        let now = format!("W/\"{}\"", self.state.version);
        match (self.quirks.versions, wanted) {
            (Versions::Demanded, None) => {
                return reply(428, json!({"detail": "If-Match is needed"}));
            }
            (Versions::DemandedInWords, None) => {
                return reply(400, json!({"detail": "The header If-Match is missing"}));
            }
            (Versions::Demanded | Versions::DemandedInWords, Some(wanted)) if wanted != now => {
                return reply(412, "");
            }
            (Versions::NeverFit, Some(_)) => return reply(412, ""),
            _ => {}
        }
        let refusal = match (call.method.as_str(), endpoint) {
            ("DELETE", _) => {
                self.state.users.remove(id);
                None
            }
            ("PUT", "Users") => self.put_user(id, &call.json()),
            ("PUT", _) => self.put_group(id, &call.json()),
            (_, "Users") => self.patch(id, &call.json(), Self::patch_user),
            _ => self.patch(id, &call.json(), Self::patch_group),
        };
        self.state.version += 1;
        match (refusal, self.shown(endpoint, id)) {
            (Some(refusal), _) => refusal,
            (None, Some(shown)) if !self.quirks.terse => reply(200, shown),
            _ => reply(204, ""),
        }
    }

    fn put_user(&mut self, id: &str, body: &Value) -> Option<Reply> {
        let mut kept = body.as_object().unwrap().clone();
        kept.remove("groups");
        self.state.users.insert(id.to_owned(), kept);
        None
    }

    fn put_group(&mut self, id: &str, body: &Value) -> Option<Reply> {
        let members = body["members"].as_array().cloned().unwrap_or_default();
        let ids = members
            .iter()
            .map(|member| member["value"].as_str().unwrap().to_lowercase());
        self.state.groups.get_mut(id).unwrap().members = ids.collect();
        None
    }

    /// All operations or none.
    fn patch(
        &mut self,
        id: &str,
        body: &Value,
        one: fn(&mut Self, &str, &Value) -> Option<Reply>,
    ) -> Option<Reply> {
        let before = (
            self.state.users.get(id).cloned(),
            self.state.groups.get(id).map(|team| team.members.clone()),
        );
        let operations = body["Operations"].as_array().unwrap();
        if self.quirks.one_operation && operations.len() > 1 {
            let words = "Only a single operation is supported";
            return Some(reply(400, json!({"detail": words})));
        }
        for operation in operations {
            let name = operation["op"].as_str().unwrap();
            if self.quirks.capital_operations && name.starts_with(char::is_lowercase) {
                let words = format!("unknown operation {name}");
                return Some(reply(400, json!({"detail": words})));
            }
            let mut operation = operation.clone();
            operation["op"] = name.to_lowercase().into();
            if let Some(refusal) = one(self, id, &operation) {
                if let Some(user) = before.0 {
                    self.state.users.insert(id.to_owned(), user);
                }
                if let Some(members) = before.1 {
                    self.state.groups.get_mut(id).unwrap().members = members;
                }
                return Some(refusal);
            }
        }
        None
    }

    fn patch_user(&mut self, id: &str, operation: &Value) -> Option<Reply> {
        let value = &operation["value"];
        let path = operation["path"].as_str().unwrap_or_default();
        let form = match (path, value) {
            ("active", Value::Bool(_)) => Active::Any,
            ("active", _) => Active::String,
            _ => Active::Object,
        };
        let user = self.state.users.get_mut(id).unwrap();
        match path {
            "active" | "" if ![Active::Any, form].contains(&self.quirks.active) => {
                return match self.quirks.other_active {
                    Takes::Refuses => Some(reply(400, json!({"scimType": "invalidValue"}))),
                    _ => None,
                };
            }
            "active" => {
                let active = value.as_bool().unwrap_or_else(|| value == "true");
                user.insert("active".into(), active.into());
            }
            "" => user.extend(value.as_object().unwrap().clone()),
            "groups" => return self.patch_groups_of(id, operation),
            path => match path.split_once('.') {
                Some((name, part)) => user.entry(name).or_insert(json!({}))[part] = value.clone(),
                None => {
                    user.insert(path.to_owned(), value.clone());
                }
            },
        }
        None
    }

    fn patch_groups_of(&mut self, id: &str, operation: &Value) -> Option<Reply> {
        let groups = operation["value"].as_array().unwrap();
        match self.quirks.groups_of_users {
            Takes::Refuses => return Some(reply(400, json!({"scimType": "mutability"}))),
            Takes::Ignores => {}
            Takes::Yes if operation["op"] == "add" => self.join(id, groups),
            Takes::Yes => {
                for group in groups {
                    let group = group["value"].as_str().unwrap().to_lowercase();
                    self.state
                        .groups
                        .get_mut(&group)
                        .unwrap()
                        .members
                        .remove(id);
                }
            }
        }
        None
    }

    fn patch_group(&mut self, id: &str, operation: &Value) -> Option<Reply> {
        let path = operation["path"].as_str().unwrap();
        let most = self.quirks.most_members;
        if most > 0
            && operation["value"]
                .as_array()
                .is_some_and(|all| all.len() > most)
        {
            return Some(reply(413, json!({"detail": "too many members"})));
        }
        let members = &mut self.state.groups.get_mut(id).unwrap().members;
        let named = operation["value"].as_array().into_iter().flatten();
        let named = named.map(|member| member["value"].as_str().unwrap().to_lowercase());
        if operation["op"] == "add" {
            members.extend(named);
        } else if let Some(user) = path.split('"').nth(1) {
            members.remove(&user.to_lowercase());
        } else {
            match self.quirks.leavers_by_value {
                Takes::Refuses => return Some(reply(400, json!({"scimType": "invalidPath"}))),
                // Without a filter everybody is meant (RFC 7644, section 3.5.2.2).
                Takes::Ignores => members.clear(),
                Takes::Yes => named.for_each(|user| {
                    members.remove(&user);
                }),
            }
        }
        None
    }
}
