//! Commander, the provider's own client: `ScimPushCommand`, as the tests drive it.

use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::python;
use crate::support::people::Person;
use crate::support::{Node, TOKEN, per_second};

/// Installs it, unless it is there; tells its version.
pub fn make_ready() -> Result<String, String> {
    python::set_up()?;
    let ask = "import importlib.metadata as m; print(m.version('keepercommander'))";
    let output = Command::new(python::interpreter())
        .args(["-c", ask])
        .output();
    let output = output.map_err(|error| error.to_string())?;
    let version = String::from_utf8_lossy(&output.stdout);
    Ok(format!("Commander {}", version.trim()))
}

/// Pushes so many users who are in no team, since Commander needs a second call for these; tells how many a second.
///
/// Its own start, a second or so, does not count.
pub fn push(node: &Node, users: usize, domain: &str) -> f64 {
    let people: Vec<_> = (0..users)
        .map(|i| {
            let Person {
                email,
                first,
                last,
                number,
            } = Person::new(i, domain);
            json!({
                "id": number, "email": email, "full_name": format!("{first} {last}"),
                "first_name": first, "last_name": last, "active": true, "groups": [],
            })
        })
        .collect();
    let source = json!({ "users": people, "groups": [] });
    let told = python::run("commander.py", &[], (node.url(), TOKEN), &source);
    assert_eq!(told["warnings"], json!([]), "Commander is not content");
    let seconds = told["seconds"].as_f64().expect("the script tells it");
    per_second(users, Duration::from_secs_f64(seconds))
}
