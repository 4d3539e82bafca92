//! The users and groups of the node, in SCIM. Attributes are cut out of requests as they stand there, quotes and
//! escapes included, and given back the same way, so nothing here has to understand JSON as a whole.

use std::collections::HashMap;

/// The attributes of a user that are text and are given back as they came.
const TEXTS: [&str; 5] = [
    "userName",
    "displayName",
    "externalId",
    "givenName",
    "familyName",
];

const SCHEMAS: &str = "urn:ietf:params:scim:schemas:core:2.0:";

/// What is answered: a status and a body.
pub struct Answer {
    pub status: u16,
    pub body: String,
}

fn answer(status: u16, body: String) -> Answer {
    Answer { status, body }
}

pub fn error(status: u16, detail: &str) -> Answer {
    let body = format!(
        r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"{status}","detail":"{detail}"}}"#
    );
    answer(status, body)
}

/// A request without what HTTP adds to it.
pub struct Request {
    pub method: String,
    /// Below the base address: `Users/7`.
    pub path: String,
    /// Decoded.
    pub query: HashMap<String, String>,
    pub body: String,
}

#[derive(Default)]
struct User {
    /// In the order of [`TEXTS`].
    texts: [String; 5],
    active: bool,
    groups: Vec<String>,
}

struct Group {
    name: String,
    external_id: String,
}

/// Everyone on the node.
pub struct Directory {
    users: Vec<User>,
    /// Where each email stands in `users`.
    emails: HashMap<String, usize>,
    groups: Vec<Group>,
    /// Creates of an email that an earlier create of the same client had made.
    pub repeated: usize,
    /// How many users were there before anyone called.
    before: usize,
    /// Whether `groups` in a create is obeyed.
    pub joins_on_create: bool,
}

impl Directory {
    pub fn new(emails: impl Iterator<Item = String>, groups: usize) -> Self {
        let mut directory = Directory {
            users: Vec::new(),
            emails: HashMap::new(),
            groups: (0..groups)
                .map(|i| Group {
                    name: format!("Team {i}"),
                    external_id: String::new(),
                })
                .collect(),
            repeated: 0,
            before: 0,
            joins_on_create: true,
        };
        for email in emails {
            let mut user = User {
                active: true,
                ..User::default()
            };
            user.texts[0] = email;
            directory.add(user);
        }
        directory.before = directory.users.len();
        directory
    }

    /// How many users calls have created.
    pub fn created(&self) -> usize {
        self.users.len() - self.before
    }

    /// Those of them whose email starts so.
    pub fn created_like(&self, letter: char) -> usize {
        let created = self.users[self.before..].iter();
        created
            .filter(|user| user.texts[0].starts_with(letter))
            .count()
    }

    /// How many times someone is in a group.
    pub fn memberships(&self) -> usize {
        self.users.iter().map(|user| user.groups.len()).sum()
    }

    pub fn id_of(&self, email: &str) -> Option<String> {
        self.emails.get(email).map(|&at| id(at))
    }

    /// Whether each email is there once, and is found under its name.
    pub fn is_sound(&self) -> bool {
        self.emails.len() == self.users.len()
            && self
                .users
                .iter()
                .enumerate()
                .all(|(at, user)| self.emails.get(&user.texts[0].to_lowercase()) == Some(&at))
    }

    /// Whether this create would be refused with 409.
    pub fn is_taken(&self, request: &Request) -> bool {
        request.method == "POST"
            && request.path == "Users"
            && text(&request.body, "userName")
                .is_some_and(|name| self.emails.contains_key(&name.to_lowercase()))
    }

    fn add(&mut self, user: User) -> usize {
        let at = self.users.len();
        self.emails.insert(user.texts[0].to_lowercase(), at);
        self.users.push(user);
        at
    }

    pub fn handle(&mut self, request: &Request) -> Answer {
        let (kind, id) = request.path.split_once('/').unwrap_or((&request.path, ""));
        match (&*request.method, kind, id) {
            ("GET", "ServiceProviderConfig", "") => answer(200, config()),
            ("GET", "Users", "") => self.list(request, self.users.len(), Self::show_user),
            ("GET", "Groups", "") => self.list(request, self.groups.len(), Self::show_group),
            ("POST", "Users", "") => self.create_user(&request.body),
            ("POST", "Groups", "") => self.create_group(&request.body),
            (_, "Users", _) => match index(id, self.users.len()) {
                Some(at) => self.one_user(at, request),
                None => error(404, "no such user"),
            },
            (_, "Groups", _) => match index(id, self.groups.len()) {
                Some(at) => self.one_group(at, request),
                None => error(404, "no such group"),
            },
            _ => error(404, "nothing is here"),
        }
    }

    fn create_user(&mut self, body: &str) -> Answer {
        let Some(email) = text(body, "userName") else {
            return error(400, "userName is missing");
        };
        if let Some(&at) = self.emails.get(&email.to_lowercase()) {
            if at >= self.before {
                self.repeated += 1;
            }
            return error(409, "email already taken");
        }
        let mut user = User {
            active: !body.contains(r#""active":false"#),
            ..User::default()
        };
        user.change(body);
        if self.joins_on_create {
            user.groups = values(body, "groups");
        }
        let at = self.add(user);
        answer(201, self.show_user(at))
    }

    fn one_user(&mut self, at: usize, request: &Request) -> Answer {
        let body = &request.body;
        let user = &mut self.users[at];
        match &*request.method {
            "GET" => {}
            "PUT" => {
                user.change(body);
                user.active = !body.contains(r#""active":false"#);
            }
            "DELETE" => {
                user.active = false;
                return answer(204, String::new());
            }
            "PATCH" => {
                for operation in operations(body) {
                    match &*text(operation, "path").unwrap_or_default() {
                        "groups" => {
                            change_list(&mut user.groups, operation, &values(operation, "value"));
                        }
                        "active" => user.active = operation.contains("true"),
                        "" => {
                            user.change(operation);
                            if operation.contains(r#""active":"#) {
                                user.active = operation.contains(r#""active":true"#);
                            }
                        }
                        path => {
                            let name = path.rsplit('.').next().unwrap_or(path);
                            let place = TEXTS.iter().position(|each| *each == name);
                            if let (Some(place), Some(value)) = (place, text(operation, "value")) {
                                user.texts[place] = value;
                            }
                        }
                    }
                }
            }
            _ => return error(405, "not on a user"),
        }
        answer(200, self.show_user(at))
    }

    fn create_group(&mut self, body: &str) -> Answer {
        self.groups.push(Group {
            name: text(body, "displayName").unwrap_or_default(),
            external_id: text(body, "externalId").unwrap_or_default(),
        });
        answer(201, self.show_group(self.groups.len() - 1))
    }

    fn one_group(&mut self, at: usize, request: &Request) -> Answer {
        match &*request.method {
            "GET" => answer(200, self.show_group(at)),
            "PATCH" => {
                let group = vec![id(at)];
                for operation in operations(&request.body) {
                    for member in values(operation, "value") {
                        if let Some(user) = index(&member, self.users.len()) {
                            change_list(&mut self.users[user].groups, operation, &group);
                        }
                    }
                }
                answer(204, String::new())
            }
            _ => error(405, "not on a group"),
        }
    }

    /// A page of those that the filter lets pass.
    fn list(&self, request: &Request, all: usize, show: fn(&Self, usize) -> String) -> Answer {
        let found: Vec<usize> = match request.query.get("filter") {
            None => (0..all).collect(),
            Some(filter) => {
                let Some((name, value)) = filter.split_once(" eq ") else {
                    return error(400, "only eq is known here");
                };
                let value = value.trim_matches('"');
                if name == "userName" {
                    self.emails
                        .get(&value.to_lowercase())
                        .copied()
                        .into_iter()
                        .collect()
                } else {
                    let fits = |at: &usize| text(&show(self, *at), name).as_deref() == Some(value);
                    (0..all).filter(fits).collect()
                }
            }
        };
        let number = |name| request.query.get(name).and_then(|value| value.parse().ok());
        let start: usize = number("startIndex").unwrap_or(1).max(1);
        let count: usize = number("count").unwrap_or(100).min(1000);
        let page: Vec<String> = found
            .iter()
            .skip(start - 1)
            .take(count)
            .map(|&at| show(self, at))
            .collect();
        let body = format!(
            r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":{},"startIndex":{start},"itemsPerPage":{},"Resources":[{}]}}"#,
            found.len(),
            page.len(),
            page.join(",")
        );
        answer(200, body)
    }

    fn show_user(&self, at: usize) -> String {
        let user = &self.users[at];
        let [email, display, external, given, family] = &user.texts;
        let groups: Vec<String> = user
            .groups
            .iter()
            .map(|id| format!(r#"{{"value":"{id}"}}"#))
            .collect();
        format!(
            r#"{{"schemas":["{SCHEMAS}User"],"id":"{id}","userName":"{email}","displayName":"{display}","externalId":"{external}","name":{{"givenName":"{given}","familyName":"{family}"}},"emails":[{{"value":"{email}","primary":true}}],"active":{active},"groups":[{groups}],"meta":{{"resourceType":"User"}}}}"#,
            id = id(at),
            active = user.active,
            groups = groups.join(",")
        )
    }

    /// Without members: the node leaves out what may be long.
    fn show_group(&self, at: usize) -> String {
        let Group { name, external_id } = &self.groups[at];
        format!(
            r#"{{"schemas":["{SCHEMAS}Group"],"id":"{}","displayName":"{name}","externalId":"{external_id}","meta":{{"resourceType":"Group"}}}}"#,
            id(at)
        )
    }
}

impl User {
    /// Takes over the texts that `body` has.
    fn change(&mut self, body: &str) {
        for (place, name) in self.texts.iter_mut().zip(TEXTS) {
            // The provider's clients write `name.givenName`.
            let dotted = || text(body, &format!("name.{name}"));
            if let Some(value) = text(body, name).or_else(dotted) {
                *place = value;
            }
        }
    }
}

/// What a server without bulk and without `sort` tells about itself.
fn config() -> String {
    r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],"patch":{"supported":true},"bulk":{"supported":false,"maxOperations":0,"maxPayloadSize":0},"filter":{"supported":true,"maxResults":1000},"changePassword":{"supported":false},"sort":{"supported":false},"etag":{"supported":false},"authenticationSchemes":[]}"#.to_owned()
}

/// The id of the user or group at this place.
pub fn id(at: usize) -> String {
    (700_000 + at).to_string()
}

fn index(id: &str, all: usize) -> Option<usize> {
    let at = id.parse::<usize>().ok()?.checked_sub(700_000)?;
    (at < all).then_some(at)
}

/// The text of an attribute, as it stands between its quotes.
fn text(body: &str, name: &str) -> Option<String> {
    let from = body.find(&format!("\"{name}\":\""))? + name.len() + 4;
    let mut escaped = false;
    let end = body[from..].find(|sign| {
        let ends = sign == '"' && !escaped;
        escaped = sign == '\\' && !escaped;
        ends
    })?;
    Some(body[from..from + end].to_owned())
}

/// The `value` of each element of a list.
fn values(body: &str, name: &str) -> Vec<String> {
    let list = body.split_once(&format!("\"{name}\":["));
    let list = list.and_then(|(_, rest)| rest.split_once(']'));
    let Some((list, _)) = list else {
        return Vec::new();
    };
    list.split('}')
        .filter_map(|each| text(each, "value"))
        .collect()
}

/// Each operation of a PATCH.
fn operations(body: &str) -> impl Iterator<Item = &str> {
    let list = body
        .split_once("\"Operations\":")
        .map_or("", |(_, list)| list);
    list.split("{\"op\"").skip(1)
}

/// Adds to a list or removes from it, as the operation asks.
fn change_list(list: &mut Vec<String>, operation: &str, these: &[String]) {
    list.retain(|each| !these.contains(each));
    // The text starts behind `"op"`.
    if !operation.to_lowercase().starts_with(":\"remove") {
        list.extend_from_slice(these);
    }
}
