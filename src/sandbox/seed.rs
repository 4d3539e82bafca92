//! The people, teams and roles a node holds at the start: invented, plausible, and the same every time.

use super::email::Email;
use super::resources::{Group, User};
use super::store::Store;

/// 2025-01-06T08:00:00Z: the first account; each later one is a minute younger.
const FIRST_DAY: i64 = 1_736_150_400_000;
const MINUTE: i64 = 60_000;

const TEAMS: [&str; 8] = [
    "Sales",
    "Engineering",
    "Finance",
    "Human Resources",
    "Marketing",
    "Support",
    "Legal",
    "Operations",
];

/// What follows the role prefix.
const ROLES: [&str; 2] = ["Auditor", "Helpdesk"];

const FIRST_NAMES: [&str; 60] = [
    "Ada",
    "Adam",
    "Aisha",
    "Alice",
    "André",
    "Anna",
    "Ben",
    "Björn",
    "Carla",
    "Carlos",
    "Chloé",
    "Chris",
    "Clara",
    "Daniel",
    "David",
    "Elena",
    "Emma",
    "Erik",
    "Fatima",
    "Felix",
    "François",
    "Grace",
    "Hana",
    "Henry",
    "Ines",
    "Ivan",
    "Jack",
    "Jana",
    "José",
    "Julia",
    "Karim",
    "Kate",
    "Kenji",
    "Laura",
    "Leila",
    "Liam",
    "Lucía",
    "Marco",
    "Maria",
    "Mei",
    "Mia",
    "Mohamed",
    "Nina",
    "Noah",
    "Olga",
    "Oscar",
    "Paul",
    "Priya",
    "Rachel",
    "Ravi",
    "René",
    "Rosa",
    "Sam",
    "Sofia",
    "Søren",
    "Thomas",
    "Uma",
    "Victor",
    "Yuki",
    "Zoë",
];

const LAST_NAMES: [&str; 71] = [
    "Adams", "Ali", "Allen", "Andersen", "Baker", "Bauer", "Bianchi", "Brown", "Carter", "Chen",
    "Clark", "Costa", "Davis", "Diaz", "Dubois", "Evans", "Fischer", "García", "Gomez", "Green",
    "Gupta", "Hall", "Hansen", "Hill", "Hoffmann", "Hughes", "Ito", "Ivanov", "Jackson", "Jensen",
    "Johnson", "Jones", "Khan", "Kim", "King", "Kowalski", "Larsen", "Lee", "Lewis", "Lopez",
    "Martin", "Meyer", "Moore", "Moreau", "Müller", "Murphy", "Nakamura", "Nguyen", "Novák",
    "O'Brien", "Park", "Patel", "Peña", "Popescu", "Reed", "Rossi", "Santos", "Sato", "Schmidt",
    "Silva", "Singh", "Smith", "Tanaka", "Taylor", "Torres", "Walker", "Weber", "White", "Wilson",
    "Wójcik", "Young",
];

/// Spreads people over the names; has no divisor in common with the number of pairs.
const STEP: usize = 1601;

/// Fills an empty store.
pub(super) fn fill(store: &mut Store, users: usize, teams: usize, role_prefix: &str) {
    let roles = if teams == 0 || role_prefix.is_empty() {
        0
    } else {
        ROLES.len()
    };
    for n in 0..teams {
        let name = TEAMS
            .get(n)
            .map_or_else(|| format!("Team {}", n + 1), ToString::to_string);
        store.push_group(group(&name));
    }
    for role in &ROLES[..roles] {
        store.push_group(group(&format!("{role_prefix}{role}")));
    }
    store.reserve(users);
    for n in 0..users {
        // The names are distinct, and a store that is full says so by taking no more.
        if store.push_user(person(n, teams, roles)).is_err() {
            return;
        }
    }
}

fn group(name: &str) -> Group {
    Group {
        display_name: name.into(),
        created: FIRST_DAY,
        modified: FIRST_DAY,
        ..Group::default()
    }
}

fn person(n: usize, teams: usize, roles: usize) -> User {
    let pairs = FIRST_NAMES.len() * LAST_NAMES.len();
    let pair = (n % pairs) * STEP % pairs;
    let (first, last) = (
        FIRST_NAMES[pair % FIRST_NAMES.len()],
        LAST_NAMES[pair / FIRST_NAMES.len()],
    );
    let mut address = String::with_capacity(40);
    push_ascii(&mut address, first);
    address.push('.');
    push_ascii(&mut address, last);
    if n >= pairs {
        address.push_str(&(n / pairs + 1).to_string());
    }
    address.push_str("@example.com");
    let created = i64::try_from(n).map_or(FIRST_DAY, |n| FIRST_DAY + n * MINUTE);
    let mut user = User::new(created);
    user.emails = vec![Email {
        value: address.as_str().into(),
        primary: Some(true),
        ..Email::default()
    }];
    user.user_name = address.into();
    user.display_name = Some(format!("{first} {last}").into());
    user.external_id = Some(format!("E{:05}", n + 1).into());
    user.given_name = Some(first.into());
    user.family_name = Some(last.into());
    user.active = n % 10 != 9;
    user.groups = memberships(n, teams, roles);
    user
}

/// Two in three people are in a team, some in two, and a few have a role.
fn memberships(n: usize, teams: usize, roles: usize) -> Vec<u32> {
    let mut places = Vec::new();
    if teams > 0 && n % 3 != 2 {
        places.push(n % teams);
        if n.is_multiple_of(7) {
            places.push((n / 7) % teams);
        }
    }
    if roles > 0 && n % 25 == 4 {
        places.push(teams + (n / 25) % roles);
    }
    places.sort_unstable();
    places.dedup();
    let places = places.into_iter();
    places
        .filter_map(|place| u32::try_from(place).ok())
        .collect()
}

/// Appends a name as it stands in an address: lower case, without accents.
fn push_ascii(address: &mut String, name: &str) {
    for c in name.chars().flat_map(char::to_lowercase) {
        match c {
            'á' | 'ä' | 'à' | 'â' => address.push('a'),
            'ç' => address.push('c'),
            'é' | 'è' | 'ë' | 'ê' => address.push('e'),
            'í' | 'ï' => address.push('i'),
            'ñ' => address.push('n'),
            'ó' | 'ö' | 'ø' => address.push('o'),
            'ú' | 'ü' => address.push('u'),
            c if c.is_ascii_alphanumeric() => address.push(c),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn people_are_distinct_plausible_and_always_the_same() {
        let people: Vec<User> = (0..20_000).map(|n| person(n, 8, 2)).collect();
        let names: HashSet<&str> = people.iter().map(|user| &*user.user_name).collect();
        assert_eq!(names.len(), people.len());
        assert!(
            names
                .iter()
                .all(|name| name.is_ascii() && crate::email::check(name).is_ok())
        );
        assert!(people.iter().any(|user| {
            user.display_name
                .as_deref()
                .is_some_and(|name| !name.is_ascii())
        }));
        assert_eq!(people.iter().filter(|user| !user.active).count(), 2_000);
        assert_eq!(people[41].external_id.as_deref(), Some("E00042"));
        assert_eq!(person(41, 8, 2).user_name, people[41].user_name);
    }
}
