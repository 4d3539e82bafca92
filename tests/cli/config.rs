//! Settings in layers, and the file with the profiles.

use std::io::Write;
use std::process::Stdio;

use harness::{Desk, Ended, TOKEN, ended};
use headcount::settings::KEYS;

const FILE: &str = "\
[profiles.sales]
region = 'eu'
node = '1234567890'
token_file = 'sales.token'
rate = '180/min'
concurrency = 4
protected = ['ceo@example.com']

[profiles.berlin]
url = 'https://keepersecurity.eu/api/rest/scim/v2/1234567890'
protected = ['611107205120001']
";

fn desk() -> Desk {
    let desk = Desk::at("");
    desk.file("config.toml", FILE);
    desk
}

/// What is shown of a setting: its value, and who said so. Several of one name are put together.
#[track_caller]
fn shown(ended: &Ended, name: &str) -> (String, String) {
    let json: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let settings = json["nodes"][0]["settings"].as_array().unwrap();
    let rows = settings.iter().filter(|row| row["name"] == name);
    let text = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap_or("-").to_owned();
    let (values, from): (Vec<_>, Vec<_>) = rows
        .map(|row| (text(row, "value"), text(row, "from")))
        .unzip();
    (values.join(" + "), from.join(" + "))
}

#[test]
fn each_setting_says_who_said_it() {
    let desk = desk();
    desk.file("sales.token", TOKEN);
    let args = [
        "config",
        "show",
        "--format",
        "json",
        "--profile",
        "sales",
        "--concurrency",
        "2",
    ];
    let mut command = desk.by_profile(&args);
    let ended = ended(
        command
            .env("HEADCOUNT_ROLE_PREFIX", "R-")
            .env("HEADCOUNT_CONCURRENCY", "3"),
    )
    .with(0);
    let said = |name: &str, value: &str, from: &str| {
        assert_eq!(shown(&ended, name), (value.to_owned(), from.to_owned()));
    };
    said("profile", "sales", "--profile");
    said("region", "eu", "profile sales in config.toml, line 2");
    said(
        "address",
        "https://keepersecurity.eu/api/rest/scim/v2/1234567890",
        "from these",
    );
    said(
        "token",
        "the file sales.token",
        "profile sales in config.toml, line 4",
    );
    said("token_there", "yes", "looked at");
    said("role_prefix", "R-", "HEADCOUNT_ROLE_PREFIX");
    said("rate", "180/min", "profile sales in config.toml, line 5");
    said("concurrency", "2", "--concurrency");
    said("timeout", "60 s", "default");
    said(
        "protected",
        "611107205120001 + ceo@example.com",
        "profile berlin in config.toml, line 11 + profile sales in config.toml, line 7",
    );
    let json: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let note = "does not count: --concurrency is on the command line";
    let variables = json["variables"].as_array().unwrap();
    assert!(
        variables
            .iter()
            .any(|set| set["name"] == "HEADCOUNT_CONCURRENCY" && set["note"] == note)
    );
}

#[test]
fn a_token_that_is_missing_and_a_variable_that_means_nothing_are_said() {
    let desk = desk();
    let mut command = desk.by_profile(&["config", "show", "--profile", "sales"]);
    let ended = ended(
        command
            .env("HEADCOUNT_REGOIN", "eu")
            .env("HEADCOUNT_TOKEN", TOKEN)
            .env("HEADCOUNT_URL", "https://elsewhere.example/v2/1"),
    )
    .with(0);
    for words in [
        "File: config.toml, by HEADCOUNT_CONFIG (profiles: berlin, sales)",
        "token_there      no: the token cannot be read from sales.token",
        "HEADCOUNT_REGOIN  is no variable of this program; did you mean HEADCOUNT_REGION?",
        "HEADCOUNT_TOKEN  does not count: the token comes from elsewhere",
        "HEADCOUNT_URL  does not count: the command line names the node",
    ] {
        assert!(ended.stdout.contains(words), "{words}\n{}", ended.stdout);
    }
}

#[test]
fn without_a_profile_the_environment_counts_and_no_node_is_no_error() {
    let desk = desk();
    let args = ["config", "show", "--format", "json"];
    let mut named = desk.by_profile(&args);
    named
        .env("HEADCOUNT_REGION", "us")
        .env("HEADCOUNT_NODE", "7")
        .env("HEADCOUNT_TOKEN", TOKEN);
    let named = ended(&mut named).with(0);
    assert_eq!(
        shown(&named, "node"),
        ("7".to_owned(), "HEADCOUNT_NODE".to_owned())
    );
    let token = (
        "the variable HEADCOUNT_TOKEN".to_owned(),
        "HEADCOUNT_TOKEN".to_owned(),
    );
    assert_eq!(shown(&named, "token"), token);
    let nobody = ended(&mut desk.by_profile(&args)).with(0);
    assert_eq!(
        shown(&nobody, "address"),
        ("-".to_owned(), "default".to_owned())
    );
    let half = ended(desk.by_profile(&args).env("HEADCOUNT_NODE", "7")).with(2);
    assert_eq!(shown(&half, "address").0, "none");
    let half = half.says("in which region is the node 7?");
    assert!(!half.stderr.contains("--url"), "{}", half.stderr);
    ended(desk.by_profile(&args).env("HEADCOUNT_REGION", "us"))
        .with(2)
        .says("which node of that region? Give --node");
}

#[test]
fn a_mistake_in_the_file_is_named_with_its_line() {
    let says = |text: &str, words: &str| {
        let desk = desk();
        desk.file("config.toml", text);
        let args = ["config", "show", "--profile", "a"];
        ended(&mut desk.by_profile(&args)).with(2).says(words);
    };
    says(
        "[profiles.a]\nurl = 'https://x/y'\n\nrole_perfix = 'R'\n",
        "config.toml, line 4: unknown key \"role_perfix\"; did you mean \"role_prefix\"?",
    );
    says("[profiles.a]\nrate = 'fast'\n", "config.toml, line 2: ");
    says("[profiles.a]\nnode = '1\n", "config.toml, line 2: ");
    says(
        "[profiles.b]\n",
        "there is no profile \"a\" in config.toml; there is only b",
    );
    says(
        &format!("[profiles.a]\ntoken = '{TOKEN}'\n"),
        "line 2: unknown key \"token\". A token does not belong",
    );
}

#[test]
fn the_path_is_printed_whether_or_not_there_is_a_file() {
    let desk = Desk::at("");
    let mut given = desk.command(&["config", "path", "--config", "here.toml"]);
    assert_eq!(ended(&mut given).with(0).stdout, "here.toml\n");
    let mut usual = desk.command(&["config", "path"]);
    let usual = ended(
        usual
            .env("HOME", desk.path(""))
            .env("XDG_CONFIG_HOME", desk.path("cfg")),
    )
    .with(0);
    assert!(usual.stdout.ends_with("config.toml\n"), "{}", usual.stdout);
}

/// `config init`, with answers over standard input.
fn init(desk: &Desk, args: &[&str], answers: &str) -> Ended {
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(answers.as_bytes()).unwrap();
    drop(writer);
    let args = [&["config", "init"][..], args].concat();
    ended(desk.by_profile(&args).stdin(Stdio::from(reader)))
}

fn file(desk: &Desk) -> String {
    std::fs::read_to_string(desk.path("config.toml")).unwrap_or_default()
}

#[test]
fn flags_make_a_profile_without_a_question() {
    let desk = desk();
    let args = [
        "--profile",
        "paris",
        "--region",
        "us",
        "--node",
        "99",
        "--token-keyring",
    ];
    // What stands in standard input is somebody else's.
    init(&desk, &args, "not\nan\nanswer\n")
        .with(0)
        .says("headcount login --profile paris");
    let added = "\n[profiles.paris]\nregion = \"us\"\nnode = \"99\"\ntoken_keyring = true\n";
    assert_eq!(file(&desk), format!("{FILE}{added}"));
    let desk = Desk::at("");
    init(&desk, &["--profile", "vault", "--ksm", "UID"], "")
        .with(0)
        .says("KSM_CONFIG");
    assert_eq!(file(&desk), "[profiles.vault]\nksm = \"UID\"\n");
}

#[test]
fn what_cannot_be_written_leaves_the_file_as_it_was() {
    let desk = desk();
    let refuses = |args: &[&str], answers: &str, words: &str| {
        init(&desk, args, answers).with(2).says(words);
        assert_eq!(file(&desk), FILE);
    };
    let sales = ["--profile", "sales", "--region", "us", "--node", "1"];
    refuses(
        &sales,
        "",
        "config.toml, line 1: there is a profile \"sales\" already",
    );
    refuses(&[], "x\nmars\n", "\"mars\" is neither a region");
    refuses(&[], "x\neu\n", "Node id. Give it with --node");
    refuses(&[], "x\neu\n12/3\n", "is not a node id");
    refuses(&[], "a,b\n", "cannot be the name of a profile");
    // Somebody pastes the token itself.
    refuses(
        &[],
        &format!("x\neu\n1\n{TOKEN}\n"),
        "the token itself is not asked for here",
    );
    refuses(&["--profile", "x", "--region", "eu"], "", "belong together");
    let twice = [
        "--profile",
        "x",
        "--url",
        "https://x/y",
        "--ksm",
        "U",
        "--token-keyring",
    ];
    refuses(&twice, "", "Give only one of");
    let replaced = [&sales[..], &["--replace"]].concat();
    init(&desk, &replaced, "").with(0);
    let text = file(&desk);
    assert!(
        text.starts_with("[profiles.sales]\nregion = \"us\"\nnode = \"1\"\nconcurrency = 4\n"),
        "{text}"
    );
    assert!(
        text.contains("ceo@example.com") && text.contains("[profiles.berlin]"),
        "{text}"
    );
}

#[test]
fn the_reference_has_every_key() {
    let reference = include_str!("../../docs/reference.md");
    for key in KEYS {
        assert!(
            reference.contains(&format!("| `{key}`")),
            "{key} has no row in a table of docs/reference.md"
        );
    }
}
