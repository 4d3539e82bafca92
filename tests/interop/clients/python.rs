//! Installing the clients and running their scripts. `benches/peers` does so as well.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Once;

use serde_json::Value;

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop");

/// Runs a script of `tests/interop/clients` on the node of this address and token; gives the JSON that it prints.
#[track_caller]
pub fn run(script: &str, args: &[&str], (url, token): (&str, &str), input: &Value) -> Value {
    let python = python();
    // What a client keeps in a home folder, or reads from there, is not to be somebody's own.
    let home = tempfile::tempdir().unwrap();
    let mut child = Command::new(python)
        .arg(Path::new(HERE).join("clients").join(script))
        .args(args)
        .current_dir(home.path())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home.path())
        .env("PYTHONUTF8", "1")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("HEADCOUNT_URL", url)
        .env("HEADCOUNT_TOKEN", token)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let input = input.to_string();
    // Scripts that take no input may end before they have been given any.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {said}");
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{script} printed no JSON: {error}\n{said}"))
}

/// The interpreter with the clients, which are installed if they are not there yet.
fn python() -> PathBuf {
    static SET_UP: Once = Once::new();
    SET_UP.call_once(|| set_up().unwrap());
    interpreter()
}

/// Installs the clients, unless they are there.
pub fn set_up() -> Result<(), String> {
    let script = format!("{HERE}/set-up-clients");
    match Command::new(&script).stdout(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{script} failed ({status})")),
        Err(error) => Err(format!("{script} cannot be started: {error}")),
    }
}

/// Where they are installed.
pub fn interpreter() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let usual = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target"));
    let target = target.unwrap_or_else(usual);
    target.join("interop/clients/bin/python")
}
