//! Nodes behind a proxy, as in companies: who is asked, who is not, and what is said when the proxy says no.

use crate::support::every_file;
use crate::support::tls::trusting;
use std::process::Command;

use crate::support::forward::{Forward, Manner};
use crate::support::tls::Authority;
use harness::{Desk, Ended, Node, TOKEN, ended, nobody};
use headcount::sandbox::Options;

/// A name that only the proxy can find.
const HOST: &str = "node.example";

const PASSWORD: &str = "s3cret@word";

/// `ann:s3cret@word` as it is sent (RFC 7617).
const LOGIN: &str = "YW5uOnMzY3JldEB3b3Jk";

/// A node over TLS, a proxy that leads to it, and a desk that trusts the node and has heard of nothing else.
struct Company {
    _node: Node,
    proxy: Forward,
    desk: Desk,
    authority: Authority,
}

impl Company {
    fn with(manner: Manner) -> Self {
        let authority = Authority::new("the company's");
        let node = Node::start(Options {
            tls: Some(authority.sign(&[HOST, "127.0.0.1"])),
            users: 3,
            ..Options::default()
        });
        let url = node.url();
        let place = url.split('/').nth(2).unwrap();
        let proxy = Forward::to(place, manner);
        let desk = Desk::at(&url.replace(place, HOST));
        Company {
            _node: node,
            proxy,
            desk,
            authority,
        }
    }

    fn command(&self, args: &[&str]) -> Command {
        trusting(&self.desk, self.authority.pem(), args)
    }

    fn export(&self, variables: &[(&str, &str)]) -> Ended {
        self.run(&["export", "users"], variables)
    }

    fn run(&self, args: &[&str], variables: &[(&str, &str)]) -> Ended {
        ended(self.command(args).envs(variables.iter().copied()))
    }

    /// What an error says.
    fn said(&self, variables: &[(&str, &str)]) -> String {
        let ended = self.export(variables).with(3);
        let line = ended
            .stderr
            .lines()
            .find_map(|line| line.strip_prefix("error: "));
        line.unwrap_or_else(|| panic!("{}", ended.stderr))
            .replace(&self.proxy.place(), "PROXY")
    }
}

#[test]
fn the_usual_variables_and_our_own_name_the_proxy() {
    let company = Company::with(Manner::Open);
    let place = company.proxy.place();
    let http = format!("http://{place}");
    for (variables, asked) in [
        (
            [("HTTPS_PROXY", &*http), ("NO_PROXY", "other.example")],
            true,
        ),
        ([("https_proxy", &*place), ("no_proxy", "")], true),
        (
            [("ALL_PROXY", &*http), ("HTTP_PROXY", "http://127.0.0.1:9")],
            true,
        ),
        (
            [
                ("HEADCOUNT_PROXY", &*http),
                ("HTTPS_PROXY", "http://127.0.0.1:9"),
            ],
            true,
        ),
        // Who says it outright means it.
        ([("HEADCOUNT_PROXY", &*http), ("NO_PROXY", HOST)], true),
        ([("HTTPS_PROXY", &*http), ("NO_PROXY", ".example")], false),
        ([("HTTPS_PROXY", &*http), ("no_proxy", HOST)], false),
        (
            [("HTTPS_PROXY", &*http), ("HEADCOUNT_PROXY", "none")],
            false,
        ),
        ([("HTTP_PROXY", &*http), ("http_proxy", &*http)], false),
    ] {
        let before = company.proxy.asked().len();
        let ended = company.export(&variables);
        let asks = &company.proxy.asked()[before..];
        if asked {
            assert!(
                asks.iter().all(|place| *place == format!("{HOST}:443")),
                "{asks:?}"
            );
            assert!(!asks.is_empty(), "{variables:?}");
            assert_eq!(ended.with(0).stdout.lines().count(), 4, "{variables:?}");
        } else {
            assert!(asks.is_empty(), "{variables:?}: {asks:?}");
            ended
                .with(3)
                .says("node.example has no address that this machine can find");
        }
    }
}

#[test]
fn a_profile_names_its_proxy_and_a_flag_goes_before_it() {
    let company = Company::with(Manner::Open);
    let (url, place) = (company.desk.url(), company.proxy.place());
    let profile = format!("[profiles.lab]\nurl = '{url}'\nproxy = 'http://{place}'\n");
    company.desk.file("config.toml", profile);
    let export = [
        "export",
        "users",
        "--profile",
        "lab",
        "--config",
        "config.toml",
    ];
    company.run(&export, &[]).with(0);
    assert!(!company.proxy.asked().is_empty());
    let flag = [&export[..], &["--proxy", "none"]].concat();
    company.run(&flag, &[]).with(3).says("has no address");
    company.desk.file(
        "config.toml",
        format!("[profiles.lab]\nurl = '{url}'\nproxy = 'ftp://ann:s3cret@word'\n"),
    );
    let refused = company.run(&export, &[]).with(2);
    assert!(
        refused.stderr.contains("config.toml, line 3"),
        "{}",
        refused.stderr
    );
    assert!(
        refused.stderr.contains("begins with http://"),
        "{}",
        refused.stderr
    );
    assert!(!refused.stderr.contains("s3cret"), "{}", refused.stderr);
}

#[test]
fn socks_is_a_way_as_well() {
    let company = Company::with(Manner::Socks);
    let proxy = format!("socks5h://{}", company.proxy.place());
    for variable in ["HEADCOUNT_PROXY", "ALL_PROXY"] {
        company.export(&[(variable, &proxy)]).with(0);
    }
    let asked = company.proxy.asked();
    assert!(asked.len() >= 2, "{asked:?}");
    assert!(asked.iter().all(|place| *place == format!("{HOST}:443")));
}

#[test]
fn a_password_gets_to_the_proxy_and_to_nobody_else() {
    let company = Company::with(Manner::For(LOGIN));
    let place = company.proxy.place();
    let proxy = format!("http://ann:s3cret%40word@{place}");
    for variable in ["HTTPS_PROXY", "HEADCOUNT_PROXY"] {
        let file = format!("{variable}.csv");
        company
            .desk
            .file(&file, format!("email\n{variable}@example.com\n"));
        let args = ["import", &file, "-vv", "--log-file", "log.txt"];
        company.run(&args, &[(variable, &proxy)]).with(0);
    }
    let report = company
        .run(&["doctor"], &[("HEADCOUNT_PROXY", &proxy)])
        .with(0);
    let way = format!("calls go through the proxy http://{place}");
    assert!(report.stdout.contains(&way), "{}", report.stdout);
    company
        .run(&["runs", "show", "-vv"], &[("HEADCOUNT_PROXY", &proxy)])
        .with(0);

    let mut files = every_file(&company.desk);
    files.push(("doctor".into(), report.stdout.into_bytes()));
    assert!(files.iter().any(|(path, _)| path.ends_with("log.txt")));
    for (path, bytes) in files {
        for secret in ["s3cret", LOGIN] {
            let found = memchr::memmem::find(&bytes, secret.as_bytes());
            assert_eq!(found, None, "{}", path.display());
        }
    }
    // The run was told of the proxy, but does not know the password.
    company
        .run(&["runs", "undo", "--yes"], &[])
        .with(3)
        .says("wants a user name and password");
    company
        .run(&["runs", "undo", "--yes"], &[("HEADCOUNT_PROXY", &proxy)])
        .with(0);
}

#[test]
fn what_the_proxy_says_is_said_in_words() {
    let company = Company::with(Manner::For(LOGIN));
    let place = company.proxy.place();
    assert_eq!(
        company.said(&[("HTTPS_PROXY", &format!("http://{place}"))]),
        "the node cannot be reached: the proxy http://PROXY wants a user name and password; put them in front of its \
         address, in HEADCOUNT_PROXY or HTTPS_PROXY: http://USER:PASSWORD@HOST:PORT"
    );
    // Asked once: a second wrong password may lock somebody out.
    assert_eq!(company.proxy.asked().len(), 1);
    assert_eq!(
        company.said(&[("HTTPS_PROXY", &format!("http://ann:wrong@{place}"))]),
        "the node cannot be reached: the proxy http://PROXY does not accept the user name and password; correct them in \
         HEADCOUNT_PROXY or HTTPS_PROXY"
    );
    assert_eq!(company.proxy.asked().len(), 2);

    let closed = Company::with(Manner::Closed);
    assert_eq!(
        closed.said(&[("HTTPS_PROXY", &closed.proxy.place())]),
        "the node cannot be reached: the proxy http://PROXY makes no connection to node.example; check the address in \
         --url; ask whoever runs the proxy to allow it, or go without it by --proxy none"
    );
}

#[test]
fn a_proxy_that_is_not_there_is_told_from_a_node_that_is_not() {
    let company = Company::with(Manner::Open);
    let place = nobody();
    for scheme in ["http", "https"] {
        let said = company.said(&[("HEADCOUNT_PROXY", &format!("{scheme}://{place}"))]);
        assert_eq!(
            said,
            format!(
                "the node cannot be reached: nobody listens at the proxy {scheme}://{place}; correct --proxy (or \
                 HEADCOUNT_PROXY, HTTPS_PROXY), or go without a proxy by --proxy none"
            )
        );
    }
    let said = company.said(&[("HEADCOUNT_PROXY", &format!("socks5h://{place}"))]);
    assert!(
        said.contains(&format!("the proxy socks5h://{place} cannot be reached")),
        "{said}"
    );
    let proxy = format!("{}.example.com:8080", "k".repeat(70));
    let said = company.said(&[("HEADCOUNT_PROXY", &proxy)]);
    assert!(
        said.contains(&format!(
            "the proxy http://{proxy} has no address that this machine can find"
        )),
        "{said}"
    );
}

#[test]
fn an_address_that_is_none_is_refused_and_not_shown() {
    let desk = Desk::at("https://node.example/v2");
    let proxy = format!("http://ann:{PASSWORD}:x@:80");
    for args in [
        &["export", "users", "--proxy", &proxy][..],
        &["doctor", "--proxy", "ftp://ann:s3cret@proxy.example"],
    ] {
        let refused = desk.headcount(args).with(2);
        assert!(
            refused.stderr.contains("--proxy (or HEADCOUNT_PROXY):"),
            "{}",
            refused.stderr
        );
        assert!(!refused.stderr.contains("s3cret"), "{}", refused.stderr);
    }
}

#[test]
fn what_is_not_encrypted_never_goes_through_a_proxy() {
    let node = Node::with_users(2);
    let proxy = Forward::to("127.0.0.1:9", Manner::Open);
    let proxy_url = format!("http://{}", proxy.place());
    let desk = node.desk();
    for variable in ["HTTP_PROXY", "ALL_PROXY", "HEADCOUNT_PROXY"] {
        let mut command = desk.command(&["export", "users"]);
        ended(command.env(variable, &proxy_url)).with(0);
    }
    assert_eq!(proxy.asked(), [""; 0], "and so it never saw {TOKEN}");
}
