//! Writes the licences of everything that is built in, for packages: who made what, and the texts.
//!
//! `cargo run --locked --manifest-path .ci/third-party/Cargo.toml -- TARGET > THIRD-PARTY.txt`
//!
//! The texts are those in the crates' own folders. Of a crate that holds none it is the standard text of the licence
//! that it names; one that does not name any, either, is an error. Which licences may be built in at all is settled in
//! `.ci/deny.toml`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use serde_json::Value;
use spdx::{Expression, ParseMode};

/// Built in, and no crate: what it is, its licence, and whose it is.
const OTHERS: [(&str, &str, &str); 3] = [
    (
        "Rust standard library",
        "MIT OR Apache-2.0",
        "The Rust Project Developers",
    ),
    (
        "musl libc (in programs for any Linux)",
        "MIT",
        "Rich Felker and others",
    ),
    (
        "SQLite (in libsqlite3-sys)",
        "blessing",
        "in the public domain",
    ),
];

/// How names of files with texts begin, in lower case.
const NAMES: [&str; 5] = ["licen", "copying", "copyright", "notice", "unlicense"];

/// A text with fewer bytes only names a licence.
const SHORTEST: usize = 200;

/// Folders of what is not built in.
const ELSEWHERE: [&str; 6] = ["tests", "benches", "examples", "fuzz", "target", "docs"];

/// Something that is built in.
struct Part {
    name: String,
    licence: String,
    whose: String,
    texts: BTreeSet<String>,
}

fn main() -> ExitCode {
    let Some(target) = std::env::args().nth(1) else {
        eprintln!("usage: third-party TARGET > THIRD-PARTY.txt");
        return ExitCode::from(2);
    };
    match parts(&target).and_then(|parts| Ok(write(&parts)?)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// All that is built in for a system.
fn parts(target: &str) -> Result<Vec<Part>, Box<dyn Error>> {
    let metadata = metadata(target)?;
    let packages: HashMap<&str, &Value> = list(&metadata["packages"])
        .map(|package| (text(&package["id"]), package))
        .collect();
    let mut parts = Vec::new();
    for id in built_in(&metadata["resolve"]) {
        let package = packages[id];
        // The program itself brings its own.
        if package["source"].is_null() {
            continue;
        }
        let authors: Vec<&str> = list(&package["authors"]).map(text).collect();
        let folder = Path::new(text(&package["manifest_path"])).parent();
        let mut files = BTreeSet::new();
        texts(folder.ok_or("a crate without a folder")?, &mut files)?;
        parts.push(Part::of(
            format!("{} {}", text(&package["name"]), text(&package["version"])),
            text(&package["license"]),
            authors.join(", "),
            files,
        )?);
    }
    for (name, licence, whose) in OTHERS {
        let (name, whose) = (name.to_owned(), whose.to_owned());
        parts.push(Part::of(name, licence, whose, BTreeSet::new())?);
    }
    parts.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(parts)
}

fn metadata(target: &str) -> Result<Value, Box<dyn Error>> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "metadata",
            "--format-version=1",
            "--locked",
            "--all-features",
        ])
        .args(["--filter-platform", target, "--manifest-path"])
        .arg(program)
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The ids of all packages that end up in the program, and not only in what builds or tests it.
fn built_in(resolve: &Value) -> BTreeSet<&str> {
    let nodes: HashMap<&str, &Value> = list(&resolve["nodes"])
        .map(|node| (text(&node["id"]), node))
        .collect();
    let is_normal = |needed: &&Value| list(&needed["dep_kinds"]).any(|kind| kind["kind"].is_null());
    let mut found = BTreeSet::new();
    let mut open = vec![text(&resolve["root"])];
    while let Some(id) = open.pop() {
        if found.insert(id) {
            let needs = list(&nodes[id]["deps"]).filter(is_normal);
            open.extend(needs.map(|needed| text(&needed["pkg"])));
        }
    }
    found
}

/// The texts in a folder and those within it: crates may hold code of others.
fn texts(folder: &Path, found: &mut BTreeSet<String>) -> io::Result<()> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<_>>()?;
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.to_lowercase();
        if path.is_dir() {
            if !name.starts_with('.') && !ELSEWHERE.contains(&&*name) {
                texts(&path, found)?;
            }
        } else if is_text(&name) {
            let bytes = fs::read(&path)?;
            found.insert(even(&String::from_utf8_lossy(&bytes)));
        }
    }
    Ok(())
}

/// Whether a file of this name, in lower case, holds a licence or a notice.
fn is_text(name: &str) -> bool {
    let is_code = [".rs", ".c", ".h", ".py", ".html", ".toml"]
        .iter()
        .any(|ending| name.ends_with(ending));
    !is_code && NAMES.iter().any(|begin| name.starts_with(begin))
}

/// A text without what makes the same ones look different.
fn even(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

impl Part {
    /// If nobody has put a text beside it, it gets those of the licences that it names.
    fn of(
        name: String,
        licence: &str,
        whose: String,
        mut texts: BTreeSet<String>,
    ) -> Result<Self, Box<dyn Error>> {
        if texts.iter().all(|text| text.len() < SHORTEST) {
            let wrong = |why: &dyn std::fmt::Display| {
                format!("{name} holds no text of a licence, and names {licence:?}: {why}")
            };
            let named = Expression::parse_mode(licence, ParseMode::LAX);
            for requirement in named.map_err(|error| wrong(&error.reason))?.requirements() {
                let id = requirement
                    .req
                    .license
                    .id()
                    .ok_or_else(|| wrong(&"that is no licence of which the text is known"))?;
                texts.insert(even(id.text()));
            }
        }
        Ok(Part {
            name,
            licence: licence.to_owned(),
            whose,
            texts,
        })
    }
}

fn write(parts: &[Part]) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    writeln!(
        out,
        "What is built into headcount that others have made, and under which licence. The texts follow.\n"
    )?;
    let mut of_texts: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for part in parts {
        let licence = match &*part.licence {
            "" => "see its text",
            named => named,
        };
        write!(out, "{}: {licence}", part.name)?;
        if !part.whose.is_empty() {
            write!(out, "; {}", part.whose)?;
        }
        writeln!(out)?;
        for text in &part.texts {
            of_texts.entry(text).or_default().push(&part.name);
        }
    }
    let mut texts: Vec<(&str, Vec<&str>)> = of_texts.into_iter().collect();
    texts.sort_by(|(_, one), (_, other)| one.cmp(other));
    for (text, names) in texts {
        let names = names.join(", ");
        writeln!(out, "\n{}\nText of: {names}\n\n{text}", "=".repeat(80))?;
    }
    out.flush()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
