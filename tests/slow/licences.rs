//! The licences of everything that is built in, against the list in .ci/deny.toml: what `cargo deny` checks in the
//! workflow, where there is no `cargo deny`. And the texts of the licences, as packages have them.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;
use spdx::{Expression, Licensee, ParseMode};
use toml_edit::{DocumentMut, Item};

/// The licences in a list of the file.
fn licensees(list: &Item) -> Vec<Licensee> {
    let list = list.as_array().expect("a list of licences").iter();
    list.map(|id| Licensee::parse(id.as_str().expect("a name")).expect("a licence of SPDX"))
        .collect()
}

/// The systems that there are packages for.
fn targets(rules: &DocumentMut) -> impl Iterator<Item = &str> {
    let targets = rules["graph"]["targets"].as_array();
    let targets = targets.expect("a list of systems").iter();
    targets.map(|target| target.as_str().expect("a name"))
}

fn rules() -> DocumentMut {
    include_str!("../../.ci/deny.toml").parse().expect("TOML")
}

/// Every crate that these systems need for whatever feature, with what it says of its licence.
fn crates<'t>(targets: impl Iterator<Item = &'t str>) -> Vec<(String, String)> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version=1",
            "--locked",
            "--all-features",
        ])
        .args(targets.flat_map(|target| ["--filter-platform", target]))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages").iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    // The program itself comes from no registry.
    let others = packages.filter(|package| package["source"].is_string());
    others
        .map(|package| (text(&package["name"]), text(&package["license"])))
        .collect()
}

#[test]
#[ignore = "gets crates for other systems"]
fn every_crate_has_a_licence_that_is_allowed() {
    let rules = rules();
    let crates = crates(targets(&rules));
    let rules = &rules["licenses"];
    let allowed = licensees(&rules["allow"]);
    let exceptions = rules["exceptions"].as_array_of_tables().expect("tables");
    assert!(crates.len() > 300, "{} crates", crates.len());
    let forbidden: Vec<_> = crates
        .iter()
        .filter(|(name, licence)| {
            let exception = exceptions
                .iter()
                .find(|exception| exception["crate"].as_str() == Some(name))
                .map(|exception| licensees(&exception["allow"]));
            let Ok(licence) = Expression::parse_mode(licence, ParseMode::LAX) else {
                return true;
            };
            !licence.evaluate(|wanted| {
                let exception = exception.iter().flatten();
                allowed
                    .iter()
                    .chain(exception)
                    .any(|licence| licence.satisfies(wanted))
            })
        })
        .collect();
    assert!(
        forbidden.is_empty(),
        "licences that .ci/deny.toml does not know: {forbidden:#?}"
    );
}

/// What stands in a package about others' licences.
fn third_party(target: &str) -> String {
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--locked", "--manifest-path"])
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/.ci/third-party/Cargo.toml"
        ))
        .args(["--", target])
        .output()
        .expect("cargo");
    assert!(
        output.status.success(),
        "{target}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
#[ignore = "gets crates for other systems"]
fn a_package_has_the_text_of_every_licence() {
    for target in targets(&rules()) {
        let text = third_party(target);
        let rule = format!("\n{}\nText of: ", "=".repeat(80));
        let mut parts = text.split(&rule);
        let list = parts.next().expect("what is built in").trim_end();
        let mut with_text = BTreeSet::new();
        for part in parts {
            let (names, text) = part.split_once("\n\n").expect("names, and the text");
            // Some only say where the text is, or which.
            if text.len() >= 200 {
                with_text.extend(names.split(", "));
            }
        }
        let (_, list) = list.split_once("\n\n").expect("a heading");
        let names = list.lines().map(|line| line.split(": ").next());
        let names: BTreeSet<&str> = names.flatten().collect();
        assert_eq!(names, with_text, "{target}");
        assert!(names.len() > 200, "{target}: {}", names.len());
        // A C library in a crate has a licence of its own.
        assert!(text.contains("Daan Leijen"), "{target}: mimalloc");
    }
}
