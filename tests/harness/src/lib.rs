//! What the test programs share: a desk with files on it, a node to work with, the real program, and waiting for what it
//! does.
//!
//! It is a crate of its own so that it is compiled once and not in each of them. What only one of them uses is not here.

pub mod mixed;
pub mod proxy;
pub mod workbook;

mod at_once;
mod program;
mod waiting;

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use headcount_sandbox::{Options, Sandbox, UserSnapshot};
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub use at_once::at_once;
pub use program::program;
pub use waiting::{signal, until, until_it};

use waiting::LONGEST;

/// The token of every node here. It must never be seen in anything that the program writes.
pub const TOKEN: &str = "t0ken-never-to-be-seen";

/// A sandbox on a runtime of its own.
pub struct Node {
    _runtime: Runtime,
    sandbox: Sandbox,
}

impl Node {
    pub fn start(options: Options) -> Self {
        Self::with_token(TOKEN, options)
    }

    pub fn with_token(token: &str, options: Options) -> Self {
        let runtime = Runtime::new().unwrap();
        let options = Options {
            token: Some(token.to_owned()),
            ..options
        };
        let sandbox = runtime.block_on(Sandbox::start(options)).unwrap();
        Node {
            _runtime: runtime,
            sandbox,
        }
    }

    /// A node with this many users, and nothing odd about it.
    pub fn with_users(users: usize) -> Self {
        Self::start(Options {
            users,
            ..Options::default()
        })
    }

    /// The same, which takes so many milliseconds for each answer.
    pub fn slow(users: usize, latency: u64) -> Self {
        Self::start(Options {
            users,
            latency: Duration::from_millis(latency),
            ..Options::default()
        })
    }

    /// Starts a command, and returns when it has created so many people.
    #[track_caller]
    pub fn until_created(&self, people: usize, command: &mut Command) -> Child {
        let count = || self.sandbox.snapshot().users.len();
        let before = count();
        let mut child = command.spawn().unwrap();
        until_it(&mut child, "some people are created", || {
            count() >= before + people
        });
        child
    }

    pub fn url(&self) -> String {
        self.sandbox.base_url()
    }

    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// Those who are not locked now.
    pub fn active(&self) -> Vec<UserSnapshot> {
        let users = self.sandbox.snapshot().users.into_iter();
        users.filter(|user| user.active).collect()
    }

    pub fn desk(&self) -> Desk {
        Desk::at(&self.url())
    }
}

/// A place where nobody listens: its port was free a moment ago.
pub fn nobody() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// A folder, and a node's address.
pub struct Desk {
    dir: TempDir,
    url: String,
}

/// How the program ended.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// Checks the exit code; shows everything that was said if it is another.
    #[track_caller]
    pub fn with(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout, self.stderr
        );
        assert!(
            !self.stdout.contains(TOKEN) && !self.stderr.contains(TOKEN),
            "the token was shown"
        );
        self
    }

    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        assert!(
            self.stderr.contains(words),
            "{words:?} was not said:\n{}",
            self.stderr
        );
        self
    }
}

/// A row of a spreadsheet, by heading.
pub type Row = BTreeMap<String, String>;

impl Desk {
    pub fn at(url: &str) -> Self {
        Desk {
            dir: tempfile::tempdir().unwrap(),
            url: url.to_owned(),
        }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The program in this folder, with the node's address and token in its environment.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program());
        command
            .args(args)
            .current_dir(self.dir.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            // No keyring, not even that of whoever runs the tests.
            .env(
                "DBUS_SESSION_BUS_ADDRESS",
                format!("unix:path={}", self.path("no-bus").display()),
            )
            .env("HEADCOUNT_STATE_DIR", self.dir.path().join("state"))
            .env("HEADCOUNT_URL", &self.url)
            .env("HEADCOUNT_TOKEN", TOKEN)
            .stdin(Stdio::null());
        if cfg!(windows) {
            // Without these it has neither networks, nor random numbers, nor a folder for temporary files.
            for name in ["SystemRoot", "TEMP"] {
                command.envs(std::env::var_os(name).map(|value| (name, value)));
            }
        }
        command
    }

    /// The program where no node is named.
    pub fn without_node(&self, args: &[&str]) -> Command {
        let mut command = self.command(args);
        command
            .env_remove("HEADCOUNT_URL")
            .env_remove("HEADCOUNT_TOKEN");
        command
    }

    /// The program where nodes are named by the profiles in `config.toml` here.
    pub fn by_profile(&self, args: &[&str]) -> Command {
        let mut command = self.without_node(args);
        command.env("HEADCOUNT_CONFIG", "config.toml");
        command
    }

    pub fn headcount(&self, args: &[&str]) -> Ended {
        ended(&mut self.command(args))
    }

    /// A spreadsheet read back, comma-separated. There is at least one row: whatever is asked of all rows, none pass.
    #[track_caller]
    pub fn rows(&self, name: &str) -> Vec<Row> {
        let bytes =
            std::fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let rows = rows(&bytes);
        assert!(!rows.is_empty(), "{name} has no rows");
        rows
    }

    /// What became of each row, as the results in a file say.
    #[track_caller]
    pub fn outcomes(&self, name: &str) -> Vec<String> {
        column(&self.rows(name), "result_outcome")
    }
}

#[track_caller]
pub fn rows(csv: &[u8]) -> Vec<Row> {
    let mut reader = csv::Reader::from_reader(csv);
    reader.deserialize().map(Result::unwrap).collect()
}

/// Runs a command to its end; one that does not come to it is a failure, and not a test that never ends.
#[track_caller]
pub fn ended(command: &mut Command) -> Ended {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let pid = child.id();
    let (ended, waited) = std::sync::mpsc::channel();
    std::thread::spawn(move || ended.send(child.wait_with_output()));
    let output = waited.recv_timeout(LONGEST).unwrap_or_else(|_| {
        let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
        panic!("{command:?} has not come to its end");
    });
    let output = output.unwrap();
    Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// One column of all rows.
pub fn column(rows: &[Row], name: &str) -> Vec<String> {
    rows.iter().map(|row| row[name].clone()).collect()
}

/// A spreadsheet with the emails of these people, and nothing else.
pub fn emails(users: &[UserSnapshot]) -> String {
    let rows = users.iter().map(|user| format!("{}\n", user.user_name));
    format!("email\n{}", rows.collect::<String>())
}

/// A spreadsheet of so many new people, who are called p0@example.com and so on.
pub fn newcomers(people: usize) -> String {
    let rows = (0..people).map(|at| format!("p{at}@example.com,Pat,No {at}\n"));
    format!("email,first name,last name\n{}", rows.collect::<String>())
}

/// How many of these words are this one.
pub fn count(words: &[String], word: &str) -> usize {
    words.iter().filter(|each| *each == word).count()
}
