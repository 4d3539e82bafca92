//! Where tokens come from: the keyring, files, variables, standard input, Keeper Secrets Manager.

use crate::support::every_file;
use std::io::Write;
use std::process::Stdio;

use harness::{Desk, Ended, Node, TOKEN, ended};

/// A node with a profile, and a desk without a token anywhere.
struct Office {
    node: Node,
    desk: Desk,
}

fn office(keys: &str) -> Office {
    let node = Node::with_users(5);
    let desk = Desk::at("");
    let profile = format!("[profiles.sales]\nurl = '{}'\n{keys}\n", node.url());
    desk.file("config.toml", profile);
    Office { node, desk }
}

impl Office {
    fn command(&self, args: &[&str]) -> std::process::Command {
        self.desk.by_profile(args)
    }

    fn headcount(&self, args: &[&str]) -> Ended {
        ended(&mut self.command(args))
    }

    /// Whether the node was reached with the token that it wants.
    fn lists_teams(&self, variables: &[(&str, &str)], args: &[&str]) -> Ended {
        let args = [&["teams", "list"][..], args].concat();
        ended(self.command(&args).envs(variables.iter().copied()))
    }
}

const SALES: [&str; 2] = ["--profile", "sales"];

#[test]
fn a_token_of_a_profile_goes_before_the_variables_and_a_file_on_the_command_line_before_it() {
    let office = office("token_file = 'right'");
    office.desk.file("right", TOKEN);
    office.desk.file("wrong", "another");
    let variables = [
        ("HEADCOUNT_TOKEN", "another"),
        ("HEADCOUNT_TOKEN_FILE", "wrong"),
    ];
    office.lists_teams(&variables, &SALES).with(0);
    let by_flag = ["--profile", "sales", "--token-file", "wrong"];
    office.lists_teams(&variables, &by_flag).with(3);
    // Without a profile, the file goes before the variable.
    let url = office.node.url();
    let plain = ["--url", &url];
    office
        .lists_teams(&[("HEADCOUNT_TOKEN", TOKEN)], &plain)
        .with(0);
    let variables = [
        ("HEADCOUNT_TOKEN", "another"),
        ("HEADCOUNT_TOKEN_FILE", "right"),
    ];
    office.lists_teams(&variables, &plain).with(0);
}

#[test]
fn a_token_that_is_not_there_says_where_it_was_looked_for() {
    let says = |keys: &str, words: &str| {
        office(keys)
            .headcount(&["teams", "list", "--profile", "sales"])
            .with(2)
            .says(words);
    };
    says(
        "",
        "no token: keep one in the keyring with headcount login, or set HEADCOUNT_TOKEN",
    );
    says(
        "token_env = 'SALES'",
        "profile \"sales\": no token: the variable SALES is not set",
    );
    says("token_file = 'nowhere'", "nowhere: No such file");
    says(
        "ksm = 'UID'",
        if cfg!(feature = "ksm") {
            "set KSM_CONFIG"
        } else {
            "KSM_CONFIG"
        },
    );
    says(
        "token_keyring = true\ntoken_env = 'X'",
        "line 1: it has both token_env and token_keyring; keep one",
    );
}

#[test]
#[cfg(target_os = "linux")]
fn where_there_is_no_keyring_it_says_what_to_do_instead() {
    let office = office("token_keyring = true");
    for args in [&["teams", "list"][..], &["login"], &["logout"]] {
        office
            .headcount(&[args, &SALES].concat())
            .with(2)
            .says("there is no keyring on this machine")
            .says("name it with token_file in the profile or --token-file, or set HEADCOUNT_TOKEN");
    }
}

#[test]
#[cfg(not(feature = "ksm"))]
fn a_program_without_secrets_manager_says_how_to_build_one_with_it() {
    let office = office("ksm = 'UID'");
    let variables = [("KSM_CONFIG", "eyJ9")];
    office
        .lists_teams(&variables, &SALES)
        .with(2)
        .says("--features ksm");
}

#[test]
#[cfg(feature = "ksm")]
fn a_configuration_of_no_application_is_named_and_not_shown() {
    let office = office("ksm = 'UID'\nksm_config = 'ksm.json'");
    office
        .desk
        .file("ksm.json", format!("{{\"clientId\": \"{TOKEN}\"}}"));
    office
        .lists_teams(&[], &SALES)
        .with(2)
        .says("ksm.json holds no configuration of a Keeper Secrets Manager application");
}

/// The token given over standard input, as from another program.
fn with_input(mut command: std::process::Command, input: &str) -> Ended {
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(input.as_bytes()).unwrap();
    drop(writer);
    ended(command.stdin(Stdio::from(reader)))
}

#[test]
fn a_token_is_not_kept_for_a_node_that_ends_with_the_program() {
    let office = office("");
    let login = office.command(&["login", "--sandbox"]);
    with_input(login, TOKEN)
        .with(2)
        .says("unexpected argument '--sandbox'");
}

#[cfg(target_os = "linux")]
mod keyring {
    use super::*;
    use crate::support::keyring::Keyring;

    #[test]
    fn a_token_is_kept_used_and_removed() {
        let office = office("token_keyring = true");
        let keyring = Keyring::start();
        let address = keyring.address();
        let bus = ("DBUS_SESSION_BUS_ADDRESS", address.as_str());
        let command = |args: &[&str]| {
            let mut command = office.command(args);
            command.env(bus.0, bus.1);
            command
        };
        let missing = ended(&mut command(&["teams", "list", "--profile", "sales"]));
        missing.with(2).says("the keyring has none for this node");
        // The first is wrong, the second takes its place.
        for (token, exit) in [("another", 3), (TOKEN, 0)] {
            let login = with_input(command(&["login", "--profile", "sales"]), token);
            login.with(0).says("is in the keyring");
            assert_eq!(keyring.users(), [office.node.url()]);
            // A variable for another node does no harm.
            office
                .lists_teams(&[bus, ("HEADCOUNT_TOKEN", "another")], &SALES)
                .with(exit);
        }
        let shown = ended(&mut command(&["config", "show", "--profile", "sales"])).with(0);
        assert!(
            shown.stdout.contains("token_there      yes"),
            "{}",
            shown.stdout
        );
        // Whoever names the node finds its token, unless another is set.
        let plain = ["--url", &office.node.url()];
        office.lists_teams(&[bus], &plain).with(0);
        office
            .lists_teams(&[bus, ("HEADCOUNT_TOKEN", "another")], &plain)
            .with(3);
        let logout = |words: &str| {
            ended(&mut command(&["logout", "--profile", "sales"]))
                .with(0)
                .says(words);
        };
        logout("is no longer in the keyring");
        logout("There was no token");
        assert!(keyring.users().is_empty());
        let files = every_file(&office.desk);
        assert!(!files.is_empty());
        for (path, bytes) in files {
            let holds = bytes
                .windows(TOKEN.len())
                .any(|window| window == TOKEN.as_bytes());
            assert!(!holds, "{}", path.display());
        }
    }

    #[test]
    fn what_is_no_token_is_not_kept_and_not_shown() {
        let office = office("");
        let keyring = Keyring::start();
        for input in ["", "two words\n", "\n"] {
            let mut command = office.command(&["login", "--profile", "sales"]);
            command.env("DBUS_SESSION_BUS_ADDRESS", keyring.address());
            let refused = with_input(command, input).with(2).says("standard input");
            assert!(!refused.stderr.contains("two words"));
        }
        assert!(keyring.users().is_empty());
    }

    #[test]
    fn a_login_that_is_not_used_is_said() {
        let office = office("token_file = 'old'");
        office.desk.file("old", TOKEN);
        let keyring = Keyring::start();
        let bus = keyring.address();
        let mut command = office.command(&["login", "--profile", "sales", "--token-file", "old"]);
        ended(command.env("DBUS_SESSION_BUS_ADDRESS", &bus))
            .with(0)
            .says("the profile sales takes its token from the file old. Say token_keyring = true");
        let url = office.node.url();
        let mut command = office.command(&["login", "--url", &url]);
        command
            .env("DBUS_SESSION_BUS_ADDRESS", bus)
            .env("HEADCOUNT_TOKEN", "another");
        with_input(command, TOKEN)
            .with(0)
            .says("HEADCOUNT_TOKEN is set and goes before it");
    }
}
