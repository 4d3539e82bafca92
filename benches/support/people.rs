//! New people, as a spreadsheet and as the bodies of the calls that create them.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// The sandbox's first team, which is [`TEAM_ID`] there: everybody joins it.
const TEAM: &str = "Sales";
const TEAM_ID: &str = "611107205120001";

/// A person by number. Each domain has people of its own.
pub struct Person {
    pub email: String,
    pub first: String,
    pub last: String,
    pub number: String,
}

impl Person {
    pub fn new(i: usize, domain: &str) -> Self {
        Person {
            email: format!("first{i}.last{i}@{domain}.example"),
            first: format!("First{i}"),
            last: format!("Last{i}"),
            number: format!("N{i}"),
        }
    }

    /// The body that creates this person: the same that the program sends for the person's row.
    pub fn body(&self) -> Value {
        let Person {
            email,
            first,
            last,
            number,
        } = self;
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": email,
            "displayName": format!("{first} {last}"),
            "externalId": number,
            "name": {"givenName": first, "familyName": last},
            "emails": [{"value": email, "primary": true}],
            "groups": [{"value": TEAM_ID}],
        })
    }
}

/// A spreadsheet of so many people.
pub fn spreadsheet(folder: &Path, rows: usize, domain: &str) -> PathBuf {
    let path = folder.join(format!("{domain}.csv"));
    let mut file = BufWriter::new(File::create(&path).expect("a file"));
    let header = "Employee ID,First Name,Last Name,Work Email,Department,Teams";
    writeln!(file, "{header}").expect("a disk");
    for i in 0..rows {
        let Person {
            email,
            first,
            last,
            number,
        } = Person::new(i, domain);
        writeln!(file, "{number},{first},{last},{email},Somewhere,{TEAM}").expect("a disk");
    }
    file.flush().expect("a disk");
    path
}
