//! The servers: how each is started, and where.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use harness::TOKEN;

/// A server to be started, and how the program is to speak to it.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// What the table calls it.
    pub name: &'static str,
    /// `--bulk` of every command.
    pub bulk: &'static str,
    /// A deleted account is locked, as on a Keeper node, and keeps its vault.
    pub keeps_accounts: bool,
    /// Display names are made of first and last names, whatever is asked for.
    pub makes_display_names: bool,
    program: Program,
}

#[derive(Debug, Clone, Copy)]
enum Program {
    /// The sandbox of this program, for comparison.
    Sandbox,
    /// scim2-server from `PyPI`; without what it need not have if `bare`.
    Scim2Server { bare: bool },
    /// SCIMMY from npm.
    Scimmy { bulk: bool },
    /// django-scim2 from `PyPI`.
    Django,
}

/// In the order of the table.
pub fn every_one() -> Vec<Kind> {
    let kind = |name, bulk, program| Kind {
        name,
        bulk,
        keeps_accounts: matches!(program, Program::Sandbox),
        makes_display_names: matches!(program, Program::Django),
        program,
    };
    let scim2_server = Program::Scim2Server { bare: false };
    let scimmy = Program::Scimmy { bulk: true };
    let all = vec![
        kind("the sandbox", "off", Program::Sandbox),
        kind("scim2-server", "off", scim2_server),
        kind("scim2-server, in bulk", "on", scim2_server),
        kind(
            "scim2-server without PATCH, filters and bulk, pages of 10",
            "auto",
            Program::Scim2Server { bare: true },
        ),
        kind("SCIMMY", "off", scimmy),
        kind("SCIMMY, in bulk", "on", scimmy),
        kind(
            "SCIMMY without bulk",
            "auto",
            Program::Scimmy { bulk: false },
        ),
        kind("django-scim2", "auto", Program::Django),
    ];
    let wanted = std::env::var("HEADCOUNT_INTEROP").unwrap_or_default();
    all.into_iter()
        .filter(|kind| kind.name.contains(&wanted))
        .collect()
}

/// A running server; it ends with this.
pub struct Server {
    pub kind: Kind,
    pub url: String,
    child: Child,
    _folder: tempfile::TempDir,
}

impl Server {
    pub fn start(kind: Kind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let (mut command, path) = match kind.program {
            Program::Sandbox => sandbox(port),
            Program::Scim2Server { bare } => scim2_server(port, bare, &folder),
            Program::Scimmy { bulk } => scimmy(port, bulk),
            Program::Django => django(port, &folder),
        };
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut server = Server {
            kind,
            url: format!("http://127.0.0.1:{port}{path}"),
            child,
            _folder: folder,
        };
        server.wait_for(port);
        server
    }

    fn wait_for(&mut self, port: u16) {
        let what = format!("{} listens", self.kind.name);
        harness::until_it(&mut self.child, &what, || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
    }

    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Where `set-up` has installed the servers.
fn installed() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let usual = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target"));
    target.unwrap_or_else(usual).join("interop")
}

fn sandbox(port: u16) -> (Command, &'static str) {
    let mut command = Command::new(harness::program());
    let listen = format!("127.0.0.1:{port}");
    command.args(["sandbox", "--listen", &listen, "--node", "1"]);
    command.args(["--users", "0", "--token", TOKEN]);
    (command, "/api/rest/scim/v2/1")
}

fn scim2_server(port: u16, bare: bool, folder: &tempfile::TempDir) -> (Command, &'static str) {
    let mut command = Command::new(installed().join("pypi/bin/scim2-server"));
    command.args(["--bearer-token", TOKEN, "--port", &port.to_string()]);
    if bare {
        let path = folder.path().join("config.json");
        fs::write(&path, bare_config().to_string()).unwrap();
        command.arg("--service-provider-config").arg(path);
    }
    (command, "/v2")
}

fn bare_config() -> Value {
    let no = json!({"supported": false});
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": no,
        "bulk": {"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": false, "maxResults": 10},
        "changePassword": no,
        "sort": no,
        "etag": {"supported": true},
        "authenticationSchemes": []
    })
}

fn scimmy(port: u16, bulk: bool) -> (Command, &'static str) {
    let mut command = Command::new("node");
    command.arg(installed().join("npm/scimmy.mjs"));
    command.args([&port.to_string(), TOKEN]);
    if !bulk {
        command.arg("no-bulk");
    }
    (command, "/scim/v2")
}

fn django(port: u16, folder: &tempfile::TempDir) -> (Command, &'static str) {
    let mut command = Command::new(installed().join("pypi/bin/python"));
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command.arg(format!("{}/servers/django/host.py", super::HERE));
    command.args([&port.to_string(), TOKEN]);
    command.arg(folder.path().join("people.sqlite3"));
    (command, "/scim/v2")
}
