//! Nodes that are reached over TLS: whom the program trusts, what it says of those whom it does not, and which version
//! of HTTP they agree on.

use crate::support::tls::Authority;
use crate::support::tls::trusting;
use harness::{Node, TOKEN, ended};
use headcount::sandbox::{Options, Tls, Versions};

const PEOPLE: &str = "email,first_name,last_name\n\
    ann@example.com,Ann,Lee\nben@example.com,Ben,Ray\ncat@example.com,Cat,Poe\n";

fn node(tls: Tls, versions: Versions) -> Node {
    Node::start(Options {
        tls: Some(tls),
        versions,
        users: 3,
        ..Options::default()
    })
}

fn made(versions: Versions) -> (Node, String) {
    let node = node(Tls::Made { names: Vec::new() }, versions);
    let authority = node.sandbox().authority().unwrap().to_owned();
    (node, authority)
}

#[test]
fn http_2_is_spoken_where_it_is_offered_and_http_1_1_elsewhere() {
    for (versions, flags, expected) in [
        (Versions::Both, &[][..], "HTTP/2"),
        (Versions::Two, &[], "HTTP/2"),
        (Versions::One, &[], "HTTP/1.1"),
        (Versions::Both, &["--http-version", "1.1"], "HTTP/1.1"),
    ] {
        let (node, authority) = made(versions);
        let desk = node.desk();
        desk.file("people.csv", PEOPLE);
        let import = [&["import", "people.csv"], flags].concat();
        ended(&mut trusting(&desk, &authority, &import)).with(0);
        let calls = node.sandbox().calls();
        let over_2 = if expected == "HTTP/2" {
            calls.total()
        } else {
            0
        };
        assert_eq!(
            calls.over_http_2, over_2,
            "{versions:?} {flags:?} {calls:?}"
        );
        assert_eq!(calls.of("POST /Users"), 3);

        let doctor = [&["doctor"], flags].concat();
        let report = ended(&mut trusting(&desk, &authority, &doctor))
            .with(0)
            .stdout;
        assert!(
            report.contains(&format!("answered by {expected}")),
            "{report}"
        );
    }
}

#[test]
fn a_profile_names_the_authority_beside_itself() {
    let (node, authority) = made(Versions::Both);
    let desk = node.desk();
    // What else is in the file does not matter, nor how many certificates there are.
    let other = Authority::new("somebody else");
    desk.file("ours.pem", format!("ours:\n{}{authority}", other.pem()));
    let profile = format!(
        "[profiles.lab]\nurl = '{}'\nca_cert = 'ours.pem'\n",
        node.url()
    );
    let config = desk.file("config.toml", profile);
    let mut command = desk.command(&["export", "users", "--profile", "lab", "--config"]);
    let ended = ended(command.arg(config).env_remove("HEADCOUNT_URL")).with(0);
    assert_eq!(ended.stdout.lines().count(), 4);
}

/// What the one line of an error says behind what every such line begins with.
fn said(stderr: &str) -> String {
    let line = stderr.lines().find_map(|line| line.strip_prefix("error: "));
    let line = line.unwrap_or_else(|| panic!("{stderr}"));
    let host = line.find("127.0.0.1").expect("it names the host");
    let port = line[host..].find([' ', ';']).unwrap() + host;
    format!("{}HOST{}", &line[..host], &line[port..])
}

#[test]
fn nobody_is_trusted_without_reason_and_the_words_say_what_to_do() {
    let ours = Authority::new("ours");
    let others = Authority::new("others");
    for (tls, words) in [
        (
            others.sign(&["127.0.0.1"]),
            "the node cannot be reached: the certificate of HOST is from an authority that this machine does not trust; if \
             that is your company's own, or that of a proxy that opens encrypted connections, get its certificate from your \
             IT and name it with --ca-cert FILE; else do not go on: somebody may be listening",
        ),
        (
            ours.sign(&["node.example", "other.example"]),
            "the node cannot be reached: the certificate of HOST is for other names (node.example, other.example); use a \
             name that it is for in --url; if the address is right, something in between answers for the node",
        ),
        (
            ours.sign_expired(&["127.0.0.1"]),
            "the node cannot be reached: the certificate of HOST has expired; check this machine's clock; if it is right, \
             whoever runs the node has to renew the certificate",
        ),
    ] {
        let node = node(tls, Versions::Both);
        let desk = node.desk();
        let ended = ended(&mut trusting(&desk, ours.pem(), &["export", "users"])).with(3);
        assert_eq!(said(&ended.stderr), words);
        assert_eq!(node.sandbox().calls().total(), 0, "the token was not sent");
    }
}

#[test]
fn the_doctor_says_what_to_mend_of_a_certificate() {
    let (node, _) = made(Versions::Both);
    let report = node.desk().headcount(&["doctor"]).with(3).stdout;
    assert!(
        report.contains("from an authority that this machine does not trust"),
        "{report}"
    );
    assert!(report.contains("name it with --ca-cert FILE"), "{report}");
}

#[test]
fn what_does_not_speak_tls_is_told_from_what_is_not_trusted() {
    let node = Node::with_users(1);
    let desk = harness::Desk::at(&node.url().replace("http:", "https:"));
    let said = said(&desk.headcount(&["export", "users"]).with(3).stderr);
    assert_eq!(
        said,
        "the node cannot be reached: what listens at HOST does not speak TLS; check the port in --url"
    );
}

#[test]
fn a_connection_is_not_waited_for_longer_than_was_said() {
    // It takes connections, and then says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let place = silent.local_addr().unwrap();
    let desk = harness::Desk::at(&format!("https://{place}/v2"));
    desk.headcount(&["request", "GET", "Users", "--connect-timeout", "1"])
        .with(3)
        .says(&format!(
            "the node cannot be reached: no connection to {place} within 1 s; "
        ));
}

#[test]
fn a_file_that_holds_no_certificates_is_refused_before_anything_is_sent() {
    let (node, _) = made(Versions::Both);
    let desk = node.desk();
    desk.file("people.csv", PEOPLE);
    desk.file(
        "key.pem",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    );
    desk.headcount(&["import", "people.csv", "--ca-cert", "key.pem"])
        .with(2)
        .says("key.pem: there is none in it; a certificate in PEM form begins with -----BEGIN CERTIFICATE-----");
    desk.headcount(&["import", "people.csv", "--ca-cert", "gone.pem"])
        .with(2)
        .says("gone.pem: No such file");
    assert_eq!(node.sandbox().calls().total(), 0);
}

#[test]
fn a_machine_without_authorities_says_so_and_can_still_try_things_out() {
    let (node, authority) = made(Versions::Both);
    let desk = node.desk();
    let nothing = desk.file("nothing.pem", "");
    let nowhere = |command: &mut std::process::Command| {
        command
            .env("SSL_CERT_FILE", &nothing)
            .env("SSL_CERT_DIR", desk.path("no-such-folder"));
        ended(command)
    };
    nowhere(&mut desk.command(&["export", "users"]))
        .with(3)
        .says("install the package ca-certificates, or name a file with certificates by --ca-cert");
    nowhere(&mut trusting(&desk, &authority, &["export", "users"])).with(0);
    let mut command = desk.command(&["export", "users", "--sandbox"]);
    nowhere(&mut command).with(0);
}

#[test]
fn a_run_that_goes_on_remembers_whom_it_trusts() {
    let (node, authority) = made(Versions::Both);
    let desk = node.desk();
    desk.file("people.csv", PEOPLE);
    desk.file("ca.pem", &authority);
    desk.headcount(&["import", "people.csv", "--ca-cert", "ca.pem"])
        .with(0);
    // Undoing asks the same node, and nobody says again whom to trust.
    let mut command = desk.command(&["runs", "undo", "--yes"]);
    ended(command.env_remove("HEADCOUNT_URL")).with(0);
    assert_eq!(
        node.sandbox().calls().total(),
        node.sandbox().calls().over_http_2
    );
}

#[test]
fn a_sandbox_of_its_own_encrypts_and_says_whom_to_trust() {
    use std::io::BufRead;
    use std::process::Stdio;

    let desk = harness::Desk::at("");
    let mut command = desk.command(&[
        "sandbox",
        "--tls",
        "--ca-out",
        "sandbox.pem",
        "--users",
        "2",
    ]);
    let mut sandbox = command
        .env("HEADCOUNT_SANDBOX_TOKEN", TOKEN)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut url = String::new();
    let stdout = sandbox.stdout.take().unwrap();
    std::io::BufReader::new(stdout).read_line(&mut url).unwrap();
    let export = [
        "export",
        "users",
        "--ca-cert",
        "sandbox.pem",
        "--url",
        url.trim(),
    ];
    let exported = ended(&mut desk.command(&export));
    let _ = sandbox.kill();
    let _ = sandbox.wait();
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    assert_eq!(exported.with(0).stdout.lines().count(), 3);
}
