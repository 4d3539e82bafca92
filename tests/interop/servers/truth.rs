//! What a server holds, read with plain HTTP and without a line of the program.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use reqwest::Method;
use serde_json::Value;
use tokio::runtime::Runtime;

use harness::TOKEN;

/// Everybody and every group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// By email, in lower case.
    pub people: BTreeMap<String, Person>,
    /// The emails of those in each group, by its name.
    pub groups: BTreeMap<String, BTreeSet<String>>,
}

impl State {
    /// What differs, a line each.
    pub fn difference(&self, wanted: &State) -> Vec<String> {
        let people = difference("", &self.people, &wanted.people);
        let groups = difference("group ", &self.groups, &wanted.groups);
        [people, groups].concat()
    }
}

fn difference<T: Debug + PartialEq>(
    what: &str,
    there: &BTreeMap<String, T>,
    wanted: &BTreeMap<String, T>,
) -> Vec<String> {
    let names: BTreeSet<&String> = there.keys().chain(wanted.keys()).collect();
    names
        .into_iter()
        .map(|name| (name, there.get(name), wanted.get(name)))
        .filter(|(_, there, wanted)| there != wanted)
        .map(|(name, there, wanted)| format!("{what}{name}: {there:?} instead of {wanted:?}"))
        .collect()
}

/// What is compared of an account; empty for what it does not have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    pub first_name: String,
    pub last_name: String,
    pub display_name: String,
    pub external_id: String,
    pub locked: bool,
}

/// Speaks to a server.
pub struct Plain {
    runtime: Runtime,
    client: reqwest::Client,
    base: String,
}

impl Plain {
    pub fn to(base: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Plain {
            runtime: Runtime::new().unwrap(),
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            base: base.to_owned(),
        }
    }

    /// The status code, and the body where it is JSON.
    pub fn call(&self, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        let url = format!("{}{path}", self.base);
        let mut request = self.client.request(method, url).bearer_auth(TOKEN);
        if let Some(body) = body {
            request = request
                .header("content-type", "application/scim+json")
                .body(body.to_string());
        }
        self.runtime.block_on(async {
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            let body = answer.bytes().await.unwrap();
            (status, serde_json::from_slice(&body).unwrap_or_default())
        })
    }

    fn all(&self, endpoint: &str) -> Vec<Value> {
        let mut all = Vec::new();
        loop {
            let start = all.len() + 1;
            let path = format!("/{endpoint}?startIndex={start}&count=50");
            let (status, page) = self.call(Method::GET, &path, None);
            assert_eq!(status, 200, "{page}");
            all.extend(page["Resources"].as_array().cloned().unwrap_or_default());
            if all.len() as u64 >= page["totalResults"].as_u64().unwrap() {
                return all;
            }
        }
    }

    pub fn state(&self) -> State {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut emails = BTreeMap::new();
        let mut state = State::default();
        for user in self.all("Users") {
            let email = text(&user["userName"]).to_lowercase();
            emails.insert(text(&user["id"]), email.clone());
            let person = Person {
                first_name: text(&user["name"]["givenName"]),
                last_name: text(&user["name"]["familyName"]),
                display_name: text(&user["displayName"]),
                external_id: text(&user["externalId"]),
                locked: user["active"] == false,
            };
            assert!(
                state.people.insert(email, person).is_none(),
                "twice: {user}"
            );
        }
        for group in self.all("Groups") {
            let members = group["members"].as_array().cloned().unwrap_or_default();
            // Some servers leave members behind whose accounts are gone.
            let there = members.iter().filter_map(|member| {
                let id = text(&member["value"]);
                emails.get(&id).cloned()
            });
            state
                .groups
                .insert(text(&group["displayName"]), there.collect());
        }
        state
    }

    /// Gives an account another email, behind the program's back.
    pub fn rename(&self, email: &str, other: &str) {
        let is_meant =
            |user: &Value| user["userName"].as_str().unwrap_or_default().to_lowercase() == email;
        let mut user = self.all("Users").into_iter().find(is_meant).unwrap();
        user["userName"] = Value::from(other);
        user["emails"] = serde_json::json!([{"value": other, "primary": true}]);
        let path = format!("/Users/{}", user["id"].as_str().unwrap());
        let (status, body) = self.call(Method::PUT, &path, Some(&user));
        assert_eq!(status, 200, "{body}");
    }
}
