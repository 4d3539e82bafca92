//! What a node may try: to have the token shown, to lead elsewhere, never to come to an end.

#[cfg(target_os = "linux")]
use crate::support::every_file;
use std::io::{Read, Write};
#[cfg(target_os = "linux")]
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use crate::support::scripted::{Call, Reply, Scripted, list, reply, user};
#[cfg(target_os = "linux")]
use harness::Desk;
use harness::{TOKEN, ended, until};
use headcount::scim::Client;
use headcount::transport::{self, HttpOptions, Pace, RateSetting, Transport};
use secrecy::SecretString;
use serde_json::json;

/// Says the token back wherever an answer has room for it.
fn telltale(call: &Call, status: u16) -> Reply {
    let sent = call.headers["authorization"].to_str().unwrap().to_owned();
    let body = match (status, call.path.as_str()) {
        (200, "/ServiceProviderConfig") => json!({"documentationUri": sent}),
        (200, "/Groups") => list(&[json!({"id": "g1", "displayName": format!("Team {sent}")})]),
        (200, _) => {
            let mut somebody = user("u1", "ann@example.com", true);
            somebody["displayName"] = sent.clone().into();
            somebody["externalId"] = sent.clone().into();
            somebody["groups"] = json!([{"value": "g1", "display": sent.clone()}]);
            if call.method == "GET" && call.path == "/Users" {
                list(&[somebody])
            } else {
                somebody
            }
        }
        _ => json!({"detail": format!("you sent {sent}"), "scimType": sent, "error": sent}),
    };
    let body = match status {
        // A stranger's page.
        203 => format!("<html>{sent}</html>"),
        _ => body.to_string(),
    };
    reply(status, body)
        .header("location", format!("http://127.0.0.1:9/{sent}"))
        .header("www-authenticate", &sent)
        .header("x-request", &sent)
}

/// Every command that talks to a node or looks at what others have done.
const COMMANDS: [&[&str]; 25] = [
    &["doctor"],
    &["import", "people.csv", "--yes"],
    &[
        "import",
        "people.csv",
        "--yes",
        "--bulk",
        "on",
        "--anew",
        "--replace",
    ],
    &["import", "people.csv", "--dry-run"],
    &["plan", "people.csv", "-o", "people.plan"],
    &["apply", "people.plan", "--yes"],
    &["lock", "who.csv", "--yes"],
    &["unlock", "who.csv"],
    &["export", "users", "-o", "users.csv"],
    &["export", "users"],
    &["export", "teams"],
    &["export", "members"],
    &["teams", "list"],
    &["teams", "create", "New"],
    &["teams", "delete", "New", "--yes"],
    &["roles", "list"],
    &["request", "GET", "Users"],
    &["request", "POST", "Users", "--data", "{}"],
    &["request", "GET", "Users", "--curl"],
    &["runs", "list"],
    &["runs", "show"],
    &["runs", "results", "-o", "again.csv"],
    &["runs", "retry", "--yes"],
    &["runs", "resume", "--yes"],
    &["runs", "undo", "--yes"],
];

fn holds_token(bytes: &[u8]) -> bool {
    let holds = |word: &[u8]| bytes.windows(word.len()).any(|window| window == word);
    holds(TOKEN.as_bytes()) || holds(&TOKEN.as_bytes()[..TOKEN.len() - 1])
}

#[test]
fn no_byte_that_is_written_holds_the_token_whatever_the_node_says() {
    let people = "action,email,first_name,teams,active\n\
        create,new@example.com,New,,\n\
        update,ann@example.com,Ann,,\n\
        lock,ann@example.com,,,\n\
        delete,other@example.com,,,\n";
    std::thread::scope(|scope| {
        for status in [200, 203, 302, 400, 401, 403, 404, 409, 428, 501] {
            scope.spawn(move || {
                let server = Scripted::start(move |call, _| telltale(call, status));
                let desk = server.desk();
                desk.file("people.csv", people);
                desk.file("who.csv", "email\nann@example.com\n");
                let mut understood = 0;
                for (at, args) in COMMANDS.iter().enumerate() {
                    let log = format!("{at}.log");
                    let args = [*args, &["-vv", "--log-file", &log]].concat();
                    let mut command = desk.command(&args);
                    let ended = ended(command.env("RUST_BACKTRACE", "full"));
                    let (out, err) = (ended.stdout.as_bytes(), ended.stderr.as_bytes());
                    assert!(!holds_token(out), "{status} {args:?}: {}", ended.stdout);
                    assert!(!holds_token(err), "{status} {args:?}: {}", ended.stderr);
                    assert!(
                        !ended.stderr.contains("panicked"),
                        "{status} {args:?}: {}",
                        ended.stderr
                    );
                    assert!(
                        !ended.stderr.contains("Usage:"),
                        "{args:?}: {}",
                        ended.stderr
                    );
                    understood += usize::from(ended.code == 0);
                }
                if status == 200 {
                    assert!(understood > 10, "only {understood} commands came through");
                }
                let files = every_file(&desk);
                assert!(files.len() > COMMANDS.len(), "with a log of each command");
                for (path, bytes) in files {
                    assert!(!holds_token(&bytes), "{status}: {}", path.display());
                }
            });
        }
    });
}

/// Answers each connection with the head, and then with the same piece again and again.
#[cfg(target_os = "linux")]
fn endless(head: &'static str, piece: &'static [u8]) -> Desk {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let mut client: TcpStream = client.unwrap();
            std::thread::spawn(move || {
                let _ = client.read(&mut [0; 4096]);
                let many = piece.repeat(64);
                let mut sent = client.write_all(head.as_bytes());
                while sent.is_ok() {
                    sent = client.write_all(&many);
                }
            });
        }
    });
    Desk::at(&format!("http://127.0.0.1:{port}/v2"))
}

/// Runs the program, and says how much memory it had at the most, in MiB. It must end by itself.
#[cfg(target_os = "linux")]
fn peak_memory(desk: &Desk, args: &[&str]) -> (i32, u64) {
    let mut child = desk.command(args).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    let mut ended = None;
    until("it ends", || {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.parse().ok());
        most = most.max(peak.unwrap_or_default());
        ended = child.try_wait().unwrap();
        ended.is_some()
    });
    assert!(most > 0, "its memory was never seen");
    (ended.unwrap().code().unwrap(), most >> 10)
}

#[test]
#[cfg(target_os = "linux")]
fn an_answer_without_an_end_is_an_error_and_not_in_memory() {
    const CHUNKED: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/scim+json\r\n\
        transfer-encoding: chunked\r\n\r\n";
    // 10 GB, by its own word.
    const LONG: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/scim+json\r\n\
        content-length: 10000000000\r\n\r\n";
    let piece: &'static [u8] = {
        let body = "[".repeat(0x400);
        format!("400\r\n{body}\r\n").into_bytes().leak()
    };
    for (head, piece) in [(CHUNKED, piece), (LONG, b" ")] {
        let desk = endless(head, piece);
        desk.file("people.csv", "action,email\nupdate,ann@example.com\n");
        let mut commands = vec![&["export", "users", "-q"][..], &["request", "GET", "Users"]];
        if head == LONG {
            commands.push(&["export", "teams", "-q"]);
            commands.push(&["import", "people.csv", "-q", "--bulk", "on"]);
        }
        for args in commands {
            let (code, peak) = peak_memory(&desk, args);
            assert_ne!(code, 0, "{args:?}");
            assert!(peak < 700, "{args:?}: {peak} MiB");
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_list_without_an_end_is_an_error_and_not_in_memory() {
    // Page after page of people whom nobody has seen before.
    let endless = |total: Option<u64>| {
        Scripted::start(move |call, _| {
            let start: u64 = call.query("startIndex").unwrap().parse().unwrap();
            let page: Vec<_> = (start..start + 1000)
                .map(|id| user(&id.to_string(), &format!("p{id}@x.com"), true))
                .collect();
            let mut body = json!({"Resources": page});
            body["totalResults"] = match total {
                Some(total) => total.into(),
                // Always more to come.
                None => (start + 5000).into(),
            };
            reply(200, body)
        })
    };
    for total in [None, Some(u64::MAX)] {
        let server = endless(total);
        let desk = server.desk();
        for args in [
            &["export", "users", "-q", "-o", "users.csv"][..],
            &["export", "users", "-q"],
        ] {
            let (code, peak) = peak_memory(&desk, args);
            assert_eq!(code, 4, "{total:?}");
            assert!(peak < 100, "{total:?}: {peak} MiB");
            assert!(!desk.path("users.csv").exists());
        }
        desk.headcount(&["export", "users", "-q"])
            .says("does not come to an end");
    }
}

#[test]
fn nothing_that_a_panic_could_show_holds_the_token() {
    let options = HttpOptions {
        timeout: Duration::from_secs(1),
        ..HttpOptions::to("http://127.0.0.1:9/v2".parse().unwrap())
    };
    let pace = Arc::new(Pace::new(1, RateSetting::Auto));
    let token = SecretString::from(TOKEN);
    let transport = Transport::new(transport::client(options).unwrap(), &token, pace).unwrap();
    let client = Client::new(transport, "http://127.0.0.1:9/v2".parse().unwrap());
    let shown = format!("{token:?} {client:?} {client:#?}");
    assert!(shown.contains("Transport"), "{shown}");
    assert!(!holds_token(shown.as_bytes()), "{shown}");
}
