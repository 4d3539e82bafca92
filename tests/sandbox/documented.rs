//! Every command in the docs, as it stands there: each section on a desk of its own, with the files that it speaks of.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use crate::support::keyring::Keyring;
use crate::support::tls::Authority;
use harness::{Desk, Node, TOKEN, ended};
use headcount::sandbox::Options;

/// A command of a page, and under which heading it stands.
struct Shown {
    section: String,
    command: String,
}

/// The commands in the blocks of shell of a page, without what is said about them.
fn commands(page: &str) -> Vec<Shown> {
    let mut section = String::new();
    let mut shown = Vec::new();
    let mut in_shell = false;
    let page = page.replace("\\\n", " ");
    for line in page.lines() {
        match line {
            "```sh" => in_shell = true,
            line if line.starts_with("```") => in_shell = false,
            line if !in_shell && line.starts_with('#') => line.clone_into(&mut section),
            line if in_shell && line.starts_with("headcount ") => {
                let command = line.split("  #").next().unwrap_or(line).trim();
                shown.push(Shown {
                    section: section.clone(),
                    command: command.to_owned(),
                });
            }
            _ => {}
        }
    }
    shown
}

/// What a section finds when it begins.
struct Scene {
    desk: Desk,
    node: Node,
    /// Those of the profiles.
    _others: Vec<Node>,
    keyring: Keyring,
}

/// What somebody answers to the questions of `config init`: name, region, node, where the token is, role prefix, rate.
const ANSWERS: &str = "lisbon\neu\n1234567890\nkeyring\n\n\n";

const HEADING: &str = "email,first_name,last_name,teams";

const PROFILES: [&str; 4] = ["sales", "berlin", "eu", "us"];

impl Scene {
    fn of(section: &str) -> Self {
        let authority = Authority::new("Company");
        let of_company = section.contains("certificate authority");
        let node = Node::start(Options {
            users: 60,
            tls: of_company.then(|| authority.sign(&["127.0.0.1"])),
            seats: section.contains("seats run out").then_some(62),
            ..Options::default()
        });
        let desk = node.desk();
        let mut profiles = String::new();
        let mut others = Vec::new();
        for name in PROFILES {
            let other = Node::with_users(60);
            profiles.push_str(&format!(
                "[profiles.{name}]\nurl = '{}'\ntoken_file = 'token'\n",
                other.url()
            ));
            others.push(other);
        }
        desk.file("config.toml", profiles);
        desk.file("token", TOKEN);
        desk.file("company-ca.pem", authority.pem());
        let scene = Scene {
            desk,
            node,
            _others: others,
            keyring: Keyring::start(),
        };
        scene.lay_out(section);
        scene
    }

    fn lay_out(&self, section: &str) {
        let desk = &self.desk;
        let people = |nodes: [&str; 3]| {
            let names = [("Ann", "Lee"), ("Bob", "Ito"), ("Zoë", "Ruiz")];
            let rows = names.iter().zip(nodes).map(|((first, last), node)| {
                let email = format!("{first}@new.example").replace('ë', "e");
                format!("{email},{first},{last},Sales{node}\n")
            });
            rows.collect::<String>()
        };
        desk.file("people.csv", format!("{HEADING}\n{}", people(["", "", ""])));
        let of_nodes = people([",eu", ",us", ",eu"]);
        desk.file("joiners.csv", format!("{HEADING},node\n{of_nodes}"));
        let active = self.node.active().into_iter().take(4);
        let active: Vec<String> = active.map(|user| user.user_name).collect();
        let leavers = active.iter().take(3).map(|email| {
            if section.contains("several nodes") {
                format!("{email},sales\n")
            } else {
                format!("{email}\n")
            }
        });
        let leavers: String = leavers.collect();
        let heading = if section.contains("several nodes") {
            "email,node\n"
        } else {
            "email\n"
        };
        desk.file("leavers.csv", format!("{heading}{leavers}"));
        let changed = &active[3];
        desk.file(
            "changes.csv",
            format!("email,last_name\n{changed},Anders\n"),
        );
        let (text, _, _) = encoding_rs::WINDOWS_1250
            .encode("List of joiners\n\n\nemail;last_name\nx@new.example;Dvořák\n");
        desk.file("export.csv", &text);
        joiners(&desk.path("people.xlsx"));
        let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/samples");
        fs::create_dir(desk.path("samples")).unwrap();
        for name in ["onboarding.csv", "offboarding.csv"] {
            fs::copy(format!("{samples}/{name}"), desk.path("samples").join(name)).unwrap();
        }
        if section.contains("some rows failed") {
            // One of them is there already.
            let there = people(["", "", ""]).replace("Bob@new.example", changed);
            desk.file("people.csv", format!("{HEADING}\n{there}"));
            desk.headcount(&["import", "people.csv"]).with(4);
            let results = fs::read_to_string(desk.path("people.results.csv")).unwrap();
            desk.file(
                "people.results.csv",
                results.replace(changed, "bob@new.example"),
            );
        }
        if section.contains("seats run out") {
            desk.headcount(&["import", "people.csv"]).with(5);
        }
        if section.contains("Take back") {
            desk.headcount(&["import", "people.csv"]).with(0);
        }
    }

    /// The command as it is typed here: no node but those of the sandbox, and the run that there is.
    fn typed(&self, command: &str) -> Command {
        // One that is written down is not called.
        let writes = command.contains("config init");
        let mut line = command.replace("https://scim.example.com/v2", &self.node.url());
        if !writes {
            line = line.replace("--region eu --node 1234567890", "");
        }
        if let Some(id) = line.split(' ').find(|word| word.starts_with("2026-")) {
            let runs = self.desk.headcount(&["runs", "list"]).with(0).stdout;
            let latest = runs.split_whitespace().find(|word| word.starts_with("20"));
            line = line.replace(id, latest.expect("a run"));
        }
        let program = self.desk.command(&[]);
        let mut typed = Command::new("sh");
        // In the shell's place: whoever ends it ends the program, and not a shell that has left it running.
        let script = line.replacen(
            "headcount",
            &format!("exec '{}'", program.get_program().display()),
            1,
        );
        typed.args(["-c", &script]).env_clear();
        for (name, value) in program.get_envs() {
            typed.env(name, value.unwrap_or_default());
        }
        typed.current_dir(self.desk.path("."));
        // The profiles of the desk stay as they are.
        let config = if writes { "new.toml" } else { "config.toml" };
        typed.env("HEADCOUNT_CONFIG", config);
        typed.env("DBUS_SESSION_BUS_ADDRESS", self.keyring.address());
        // Where a terminal would be asked.
        typed.env("HEADCOUNT_YES", "true");
        if writes || names_nodes(command) || self.has_nodes(command) || command.contains(" runs ") {
            // A run knows where it was.
            typed.env_remove("HEADCOUNT_URL");
        }
        typed.stdin(if writes {
            said(ANSWERS)
        } else if command.contains(" login ") {
            said(TOKEN)
        } else {
            Stdio::null()
        });
        typed
    }

    /// Whether the rows say to which node they go.
    fn has_nodes(&self, command: &str) -> bool {
        command.split(' ').any(|name| {
            let text = fs::read_to_string(self.desk.path(name)).unwrap_or_default();
            text.lines().next().unwrap_or_default().ends_with(",node")
        })
    }
}

/// What is typed at a question.
fn said(words: &str) -> Stdio {
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(words.as_bytes()).unwrap();
    Stdio::from(reader)
}

fn names_nodes(command: &str) -> bool {
    command.contains("--profile") || command.contains("--sandbox")
}

fn joiners(path: &std::path::Path) {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    workbook.add_worksheet().set_name("Notes").unwrap();
    let sheet = workbook.add_worksheet();
    sheet.set_name("Joiners").unwrap();
    for (column, (heading, value)) in [("email", "kim@new.example"), ("last_name", "Park")]
        .into_iter()
        .enumerate()
    {
        let column = u16::try_from(column).unwrap();
        sheet.write(0, column, heading).unwrap();
        sheet.write(1, column, value).unwrap();
    }
    workbook.save(path).unwrap();
}

/// A node that is a program of its own runs until it is told to end.
fn serves(mut command: Command) {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut child = child.unwrap();
    let mut address = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut address)
        .unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(address.starts_with("http"), "{address}");
    let host = address.split('/').nth(2).unwrap();
    assert!(
        TcpStream::connect(host).is_err(),
        "the node at {address} has outlived its test"
    );
}

/// Runs every command of a page, and says all that went wrong.
fn try_out(name: &str, page: &str) {
    let shown = commands(page);
    let mut wrong = Vec::new();
    let mut scene: Option<(String, Scene)> = None;
    for Shown { section, command } in &shown {
        if scene.as_ref().is_none_or(|(of, _)| of != section) {
            scene = Some((section.clone(), Scene::of(section)));
        }
        let (_, scene) = scene.as_ref().expect("it was just made");
        if command.starts_with("headcount template") {
            let made = command.rsplit(' ').next().expect("it ends with a file");
            // The page begins with it.
            let _ = fs::remove_file(scene.desk.path(made));
        }
        let typed = scene.typed(command);
        if command.starts_with("headcount sandbox") {
            serves(typed);
            continue;
        }
        let mut typed = typed;
        let ended = ended(&mut typed);
        // There is nothing that was cut short: how going on works is in tests/slow/killed.rs and tests/sandbox/interrupt.rs.
        let idle = command == "headcount runs resume" && ended.stderr.contains("no run");
        // Nobody buys any here.
        let no_seats = section.contains("seats run out") && ended.code == 5;
        if ended.code != 0 && !idle && !no_seats {
            wrong.push(format!(
                "{name}, {section}: {command}\nended with {}: {}{}",
                ended.code, ended.stdout, ended.stderr
            ));
        }
    }
    assert!(!shown.is_empty(), "{name} shows no command");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_commands_of_the_readme_work() {
    try_out("README.md", include_str!("../../README.md"));
}

#[test]
fn the_commands_of_the_tutorial_work() {
    try_out("docs/tutorial.md", include_str!("../../docs/tutorial.md"));
}

#[test]
fn the_commands_about_scale_work() {
    try_out("docs/scale.md", include_str!("../../docs/scale.md"));
}

#[test]
fn the_commands_of_the_guides_work() {
    try_out("docs/how-to.md", include_str!("../../docs/how-to.md"));
}
