//! Servers that do what the sandbox does not, and what else only these tests use.

pub mod forward;
pub mod http2;
#[cfg(target_os = "linux")]
pub mod keyring;
pub mod odd;
pub mod scripted;
pub mod tls;

use std::path::PathBuf;

use harness::Desk;

/// The same command, started by a shell that did something before.
#[cfg(unix)]
pub fn after(script: &str, command: &std::process::Command) -> std::process::Command {
    let mut shell = std::process::Command::new("sh");
    let set = command.get_envs();
    shell
        .args(["-c", &format!("{script}; exec \"$0\" \"$@\"")])
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir(command.get_current_dir().unwrap())
        .envs(set.filter_map(|(name, value)| Some((name, value?))));
    shell
}

/// Every file on a desk and in the folders there, and what is in it.
pub fn every_file(desk: &Desk) -> Vec<(PathBuf, Vec<u8>)> {
    let mut folders = vec![desk.path(".")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = std::fs::read(&path).unwrap();
                files.push((path, bytes));
            }
        }
    }
    files
}

/// A workbook with these sheets: the name of each, and its rows with the headings before them.
#[cfg(unix)]
pub fn write_sheets(path: &std::path::Path, sheets: &[(&str, Vec<Vec<String>>)]) {
    let mut book = rust_xlsxwriter::Workbook::new();
    for (name, rows) in sheets {
        let sheet = book.add_worksheet().set_name(*name).unwrap();
        for (row, at) in rows.iter().zip(0..) {
            sheet.write_row(at, 0, row).unwrap();
        }
    }
    book.save(path).unwrap();
}
