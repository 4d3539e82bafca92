//! The licences of everything that is built in, against the list in .ci/deny.toml: what `cargo deny` checks in the
//! workflow, where there is no `cargo deny`.

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

/// Every crate that these systems need for whatever feature, with what it says of its licence.
fn crates(targets: &Item) -> Vec<(String, String)> {
    let targets = targets.as_array().expect("a list of systems").iter();
    let targets = targets.map(|target| target.as_str().expect("a name"));
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
    let rules: DocumentMut = include_str!("../.ci/deny.toml").parse().expect("TOML");
    let crates = crates(&rules["graph"]["targets"]);
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
