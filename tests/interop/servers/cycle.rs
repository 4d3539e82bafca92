//! Everything that the program does, one step after the other, each looked at when it is done.

use std::collections::BTreeSet;

use super::server::Server;
use super::table::{Cell, Column};
use super::truth::{Person, Plain, State};
use harness::{Desk, Ended, rows};

/// How many people are taken on.
const PEOPLE: usize = 24;

pub struct Cycle<'s> {
    server: &'s Server,
    plain: Plain,
    desk: Desk,
    /// What the server is to hold by now.
    expected: State,
    column: Column,
}

/// What came of a step: how many calls it took where the program says so, or why it was not done.
type Step = Result<Option<u64>, String>;

impl<'s> Cycle<'s> {
    pub fn new(server: &'s Server) -> Self {
        let plain = Plain::to(&server.url);
        Cycle {
            server,
            desk: Desk::at(&server.url),
            // The sandbox has teams from the start.
            expected: plain.state(),
            plain,
            column: Column::new(server.kind.name),
        }
    }

    pub fn go_through(mut self) -> Column {
        self.step("doctor", Self::doctor);
        self.step("teams and roles made", Self::make_teams);
        self.step("24 people with teams and roles taken on", Self::take_on);
        self.step("the same file again, `--on-conflict skip`", Self::skip);
        self.step(
            "the same file again, `upsert`: all `unchanged`",
            Self::upsert,
        );
        self.step("export of users", Self::export_users);
        self.step("export of members", Self::export_members);
        self.step("names, display name and external id changed", Self::update);
        self.step("external id cleared", Self::clear);
        self.step("email changed", Self::new_email);
        self.step("teams added for 12 people", Self::add_teams);
        self.step("teams added again: all `unchanged`", Self::add_teams_again);
        self.step("teams removed for 6 people", Self::remove_teams);
        self.step("12 people locked", Self::lock);
        self.step("locked again: all `unchanged`", Self::lock_again);
        self.step("unlocked", Self::unlock);
        self.step("locked from the start", Self::take_on_locked);
        self.step(
            "new people in new teams, `--create-teams`",
            Self::take_on_in_new_teams,
        );
        self.step("replaced as a whole, `--replace`", Self::replace);
        self.step("`runs retry` of a row that had failed", Self::retry);
        self.step("`runs undo` of changes, teams and locks", Self::undo);
        self.step("4 people deleted", Self::delete);
        self.step("teams deleted", Self::delete_teams);
        self.column
    }

    /// Carries out a step, and compares what the server holds with what it is to hold. What was not
    /// done has to have left everything as it was.
    fn step(&mut self, name: &'static str, step: fn(&mut Self) -> Step) {
        let before = self.expected.clone();
        let outcome = step(self);
        if outcome.is_err() {
            self.expected = before;
        }
        if self.server.kind.makes_display_names {
            for person in self.expected.people.values_mut() {
                person.display_name = format!("{} {}", person.first_name, person.last_name);
            }
        }
        let wrong = self.plain.state().difference(&self.expected);
        assert!(
            wrong.is_empty(),
            "{}: {name}: {outcome:?}, but:\n{}",
            self.server.kind.name,
            wrong.join("\n")
        );
        let cell = match outcome {
            Ok(calls) => Cell::Done { calls },
            Err(why) => Cell::Missing { why },
        };
        self.column.add(name, cell);
    }

    fn headcount(&self, args: &[&str]) -> Ended {
        let mut command = self.desk.command(args);
        command
            .env("HEADCOUNT_BULK", self.server.kind.bulk)
            .env("HEADCOUNT_ROLE_PREFIX", "ROLE_");
        if std::env::var_os("HEADCOUNT_INTEROP").is_some() {
            command.args(["-vv", "--log-file"]).arg("/dev/stderr");
        }
        let ended = harness::ended(&mut command);
        if std::env::var_os("HEADCOUNT_INTEROP").is_some() {
            eprintln!("$ headcount {}\n{}", args.join(" "), ended.stderr);
        }
        ended
    }

    /// A run over a file: every row has to come out as `outcome`.
    fn run(&self, args: &[&str], content: &str, outcome: &str) -> Step {
        self.desk.file("people.csv", content);
        let ended = self.headcount(&[args, &["--yes", "--allow-locks", "100"]].concat());
        self.outcomes(
            ended,
            "people.results.csv",
            content.lines().count() - 1,
            outcome,
        )
    }

    fn outcomes(&self, ended: Ended, results: &str, count: usize, outcome: &str) -> Step {
        if ended.code != 0 && ended.code != 4 {
            return Err(ended.stderr);
        }
        let rows = self.desk.rows(results);
        assert_eq!(rows.len(), count, "every row has its line");
        if let Some(row) = rows.iter().find(|row| row["result_outcome"] != outcome) {
            return Err(format!(
                "{}: {}",
                row["result_outcome"], row["result_error"]
            ));
        }
        Ok(calls(&ended.with(0).stderr))
    }

    fn doctor(&mut self) -> Step {
        let ended = self.headcount(&["doctor"]);
        if ended.code == 0 {
            Ok(None)
        } else {
            Err(ended.stdout + &ended.stderr)
        }
    }

    fn make_teams(&mut self) -> Step {
        let ended = self.headcount(&["teams", "create", "Sales & Co", "Legal & Tax", "Team \"C\""]);
        let roles = self.headcount(&["roles", "create", "Reader"]);
        if ended.code != 0 || roles.code != 0 {
            return Err(ended.stderr + &roles.stderr);
        }
        for name in ["Sales & Co", "Legal & Tax", "Team \"C\"", "ROLE_Reader"] {
            self.expected
                .groups
                .insert(name.to_owned(), BTreeSet::new());
        }
        Ok(None)
    }

    fn onboarding() -> String {
        let person = |at: usize| {
            let (team, role) = match at % 4 {
                0 => ("Sales & Co", ""),
                1 => ("Sales & Co;Legal & Tax", ""),
                2 => ("\"Team \"\"C\"\"\"", "Reader"),
                _ => ("", ""),
            };
            format!(
                "{},Zoë {at},\"O'Neil, jr. {at}\",E{at},{team},{role}\n",
                email(at)
            )
        };
        let heading = "email,first name,last name,external id,teams,roles\n".to_owned();
        heading + &(0..PEOPLE).map(person).collect::<String>()
    }

    fn take_on(&mut self) -> Step {
        for at in 0..PEOPLE {
            let person = Person {
                first_name: format!("Zoë {at}"),
                last_name: format!("O'Neil, jr. {at}"),
                display_name: format!("Zoë {at} O'Neil, jr. {at}"),
                external_id: format!("E{at}"),
                locked: false,
            };
            self.expected.people.insert(key(at), person);
            let groups: &[&str] = match at % 4 {
                0 => &["Sales & Co"],
                1 => &["Sales & Co", "Legal & Tax"],
                2 => &["Team \"C\"", "ROLE_Reader"],
                _ => &[],
            };
            for group in groups {
                self.joins(at, group);
            }
        }
        self.run(&["import", "people.csv"], &Self::onboarding(), "created")
    }

    fn skip(&mut self) -> Step {
        let args = ["import", "people.csv", "--on-conflict", "skip"];
        self.run(&args, &Self::onboarding(), "exists")
    }

    fn upsert(&mut self) -> Step {
        let args = ["import", "people.csv", "--action", "upsert"];
        self.run(&args, &Self::onboarding(), "unchanged")
    }

    #[expect(clippy::unnecessary_wraps, reason = "a step like the others")]
    fn export_users(&mut self) -> Step {
        let ended = self.headcount(&["export", "users"]).with(0);
        let exported = rows(ended.stdout.as_bytes());
        let people = self.expected.people.iter();
        for (email, person) in people {
            let row = exported
                .iter()
                .find(|row| row["email"].to_lowercase() == *email);
            let row = row.unwrap_or_else(|| panic!("{email} is not in the export"));
            let said = ["first_name", "last_name", "display_name", "external_id"];
            let said = said.map(|name| row[name].clone());
            let Person {
                first_name,
                last_name,
                display_name,
                external_id,
                ..
            } = person.clone();
            assert_eq!(said, [first_name, last_name, display_name, external_id]);
        }
        assert_eq!(exported.len(), self.expected.people.len());
        assert!(!exported.is_empty(), "nobody is expected");
        Ok(None)
    }

    #[expect(clippy::unnecessary_wraps, reason = "a step like the others")]
    fn export_members(&mut self) -> Step {
        let ended = self.headcount(&["export", "members"]).with(0);
        let exported = rows(ended.stdout.as_bytes());
        let said: BTreeSet<(String, String)> = exported
            .iter()
            .map(|row| {
                let prefix = if row["kind"] == "role" { "ROLE_" } else { "" };
                let team = format!("{prefix}{}", row["team"]);
                (team, row["email"].to_lowercase())
            })
            .collect();
        let groups = self.expected.groups.iter();
        let there: BTreeSet<(String, String)> = groups
            .flat_map(|(name, emails)| emails.iter().map(|email| (name.clone(), email.clone())))
            .collect();
        assert_eq!(said, there);
        Ok(None)
    }

    fn update(&mut self) -> Step {
        let mut file = "email,first name,external id,display name\n".to_owned();
        for at in 0..8 {
            let asked = if self.server.kind.makes_display_names {
                String::new()
            } else {
                format!("Ann the {at}")
            };
            file += &format!("{},Ann {at},F{at},{asked}\n", key(at));
            let person = self.expected.people.get_mut(&key(at)).unwrap();
            person.first_name = format!("Ann {at}");
            person.external_id = format!("F{at}");
            person.display_name = asked;
        }
        self.run(
            &["import", "people.csv", "--action", "update"],
            &file,
            "updated",
        )
    }

    fn clear(&mut self) -> Step {
        let file = format!("email,external id\n{},<clear>\n", key(1));
        self.expected
            .people
            .get_mut(&key(1))
            .unwrap()
            .external_id
            .clear();
        self.run(
            &["import", "people.csv", "--action", "update"],
            &file,
            "updated",
        )
    }

    fn new_email(&mut self) -> Step {
        let file = format!("email,new email\n{},chosen@example.com\n", key(23));
        let person = self.expected.people.remove(&key(23)).unwrap();
        self.expected
            .people
            .insert("chosen@example.com".to_owned(), person);
        self.run(
            &["import", "people.csv", "--action", "update"],
            &file,
            "updated",
        )
    }

    fn teams_of(people: impl Iterator<Item = usize>) -> String {
        let rows = people.map(|at| format!("{},Legal & Tax;\"Team \"\"C\"\"\"\n", key(at)));
        let rows = rows.map(|row| {
            row.replace(
                "Legal & Tax;\"Team \"\"C\"\"\"",
                "\"Legal & Tax;Team \"\"C\"\"\"",
            )
        });
        "email,teams\n".to_owned() + &rows.collect::<String>()
    }

    fn add_teams(&mut self) -> Step {
        for at in 3..15 {
            self.joins(at, "Legal & Tax");
            self.joins(at, "Team \"C\"");
        }
        let args = ["import", "people.csv", "--action", "add-teams"];
        self.run(&args, &Self::teams_of(3..15), "updated")
    }

    fn add_teams_again(&mut self) -> Step {
        let args = ["import", "people.csv", "--action", "add-teams"];
        self.run(&args, &Self::teams_of(3..15), "unchanged")
    }

    fn remove_teams(&mut self) -> Step {
        for at in 3..9 {
            self.leaves(at, "Legal & Tax");
            self.leaves(at, "Team \"C\"");
        }
        let args = ["import", "people.csv", "--action", "remove-teams"];
        self.run(&args, &Self::teams_of(3..9), "updated")
    }

    fn some_emails() -> String {
        let emails = (0..12).map(|at| email(at) + "\n");
        "email\n".to_owned() + &emails.collect::<String>()
    }

    fn lock(&mut self) -> Step {
        for at in 0..12 {
            self.expected.people.get_mut(&key(at)).unwrap().locked = true;
        }
        self.run(&["lock", "people.csv"], &Self::some_emails(), "locked")
    }

    fn lock_again(&mut self) -> Step {
        self.run(&["lock", "people.csv"], &Self::some_emails(), "unchanged")
    }

    fn unlock(&mut self) -> Step {
        for at in 0..12 {
            self.expected.people.get_mut(&key(at)).unwrap().locked = false;
        }
        self.run(&["unlock", "people.csv"], &Self::some_emails(), "unlocked")
    }

    fn take_on_locked(&mut self) -> Step {
        let person = Person {
            first_name: "Later".to_owned(),
            last_name: "Lee".to_owned(),
            display_name: "Later Lee".to_owned(),
            locked: true,
            ..Person::default()
        };
        self.expected
            .people
            .insert("later@example.com".to_owned(), person);
        let file = "email,first name,last name,active\nlater@example.com,Later,Lee,no\n";
        self.run(&["import", "people.csv"], file, "created")
    }

    fn take_on_in_new_teams(&mut self) -> Step {
        let mut file = "email,first name,last name,teams,roles\n".to_owned();
        for (name, teams, role) in [
            ("ida", "Kitchen", "Cook"),
            ("jon", "Kitchen;Garden", ""),
            ("kim", "Garden;Legal & Tax", ""),
        ] {
            let email = format!("{name}@example.com");
            file += &format!("{email},{name},Green,{teams},{role}\n");
            let person = Person {
                first_name: name.to_owned(),
                last_name: "Green".to_owned(),
                display_name: format!("{name} Green"),
                ..Person::default()
            };
            self.expected.people.insert(email.clone(), person);
            let role = (!role.is_empty()).then(|| format!("ROLE_{role}"));
            for group in teams.split(';').map(str::to_owned).chain(role) {
                let members = self.expected.groups.entry(group).or_default();
                members.insert(email.clone());
            }
        }
        let args = ["import", "people.csv", "--create-teams"];
        self.run(&args, &file, "created")
    }

    fn replace(&mut self) -> Step {
        let file = format!("email,last name,active\n{},Replaced,no\n", key(2));
        let person = self.expected.people.get_mut(&key(2)).unwrap();
        "Replaced".clone_into(&mut person.last_name);
        person.locked = true;
        let args = ["import", "people.csv", "--action", "update", "--replace"];
        self.run(&args, &file, "updated")
    }

    /// Somebody has the email of a new person, gets another by hand, and the row that had failed is sent
    /// again.
    fn retry(&mut self) -> Step {
        let file = format!(
            "email,first name,last name,teams\n{},New,Person,Sales & Co\nnew@example.com,Very,New,Sales & Co\n",
            email(20)
        );
        self.desk.file("retry.csv", &file);
        let ended = self.headcount(&["import", "retry.csv"]);
        let words = self.desk.outcomes("retry.results.csv");
        assert_eq!(words, ["failed", "created"], "{}", ended.stderr);
        self.plain.rename(&key(20), "former@example.com");
        let former = self.expected.people.remove(&key(20)).unwrap();
        let former_email = "former@example.com".to_owned();
        self.expected.people.insert(former_email.clone(), former);
        for group in self.expected.groups.values_mut() {
            if group.remove(&key(20)) {
                group.insert(former_email.clone());
            }
        }
        for (email, first, last) in [
            (key(20), "New", "Person"),
            ("new@example.com".into(), "Very", "New"),
        ] {
            let person = Person {
                first_name: first.to_owned(),
                last_name: last.to_owned(),
                display_name: format!("{first} {last}"),
                ..Person::default()
            };
            self.expected.people.insert(email.clone(), person);
            self.expected
                .groups
                .get_mut("Sales & Co")
                .unwrap()
                .insert(email);
        }
        let ended = self.headcount(&["runs", "retry", "--yes"]);
        self.outcomes(ended, "retry.results.csv", 2, "created")
    }

    /// Everything that a run did to people who were there before is taken back.
    fn undo(&mut self) -> Step {
        let file = format!(
            "email,action,last name,teams,remove teams\n\
             {},update,Undone,Legal & Tax,Sales & Co\n{},lock,,,\n{},remove-teams,,,Sales & Co\n{},update,Undone,,\n",
            key(0),
            key(12),
            key(13),
            key(14)
        );
        self.desk.file("undo.csv", &file);
        let ended = self.headcount(&["import", "undo.csv", "--yes", "--allow-locks", "100"]);
        let words = self.desk.outcomes("undo.results.csv");
        assert_eq!(
            words,
            ["updated", "locked", "updated", "updated"],
            "{}",
            ended.stderr
        );
        assert_ne!(self.plain.state(), self.expected);
        let ended = self.headcount(&["runs", "undo", "--yes", "--allow-locks", "100"]);
        if ended.code == 0 {
            Ok(calls(&ended.stderr))
        } else {
            Err(ended.stderr)
        }
    }

    fn delete(&mut self) -> Step {
        let mut file = "email\n".to_owned();
        for at in 16..20 {
            file += &format!("{}\n", email(at));
            if self.server.kind.keeps_accounts {
                self.expected.people.get_mut(&key(at)).unwrap().locked = true;
                continue;
            }
            self.expected.people.remove(&key(at));
            for group in self.expected.groups.values_mut() {
                group.remove(&key(at));
            }
        }
        self.run(
            &["import", "people.csv", "--action", "delete"],
            &file,
            "deleted",
        )
    }

    fn delete_teams(&mut self) -> Step {
        let ended = self.headcount(&["teams", "delete", "Sales & Co", "Legal & Tax", "--yes"]);
        if ended.code != 0 {
            return Err(ended.stderr);
        }
        self.expected.groups.remove("Sales & Co");
        self.expected.groups.remove("Legal & Tax");
        Ok(None)
    }

    fn joins(&mut self, at: usize, group: &str) {
        self.expected.groups.get_mut(group).unwrap().insert(key(at));
    }

    fn leaves(&mut self, at: usize, group: &str) {
        self.expected
            .groups
            .get_mut(group)
            .unwrap()
            .remove(&key(at));
    }
}

/// An email as HR writes it.
fn email(at: usize) -> String {
    format!("Zoe.ONeil{at}@Example.com")
}

/// The same person, as they are compared.
fn key(at: usize) -> String {
    email(at).to_lowercase()
}

/// `45 calls in 0.3 s.` of a summary.
fn calls(summary: &str) -> Option<u64> {
    let line = summary
        .lines()
        .find(|line| line.contains(" in ") && line.contains(" call"))?;
    line.split(' ').next()?.replace(',', "").parse().ok()
}
