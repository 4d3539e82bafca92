//! What the record of a run says of it, for its report.

use super::JobError;
use super::document::next;
use crate::ledger::{About, NodeAbout, RunKind, RunRecord, RunState, RunStore};
use crate::report::page::{Calls, End, Facts, Mask, Part, Setting};
use crate::roster::Mapping;
use crate::sheet::{Reading, is_standard_input, shown};
use crate::spec::ImportSpec;
use crate::transport::RateSetting;

/// The run from when it began, or went on, each time. What cannot be understood of it is not known.
pub(super) fn parts(record: &RunRecord) -> Result<Vec<Part>, JobError> {
    let part = |part: crate::ledger::RunPart| {
        let calls: Option<Calls> = part
            .calls
            .and_then(|calls| serde_json::from_str(&calls).ok());
        Part {
            begun: calls.as_ref().map_or(part.begun, Calls::begun),
            calls,
        }
    };
    Ok(record.parts()?.into_iter().map(part).collect())
}

/// What its record says of a run.
pub(super) fn facts(
    record: &RunRecord,
    run_store: &RunStore,
    mask: Mask,
) -> Result<Facts, JobError> {
    let about = record.about();
    let state = record.state()?;
    let is_going = state == RunState::Open && run_store.is_going(record.id());
    let next = next(record, is_going)?;
    let file = &about.input.path;
    let name = if is_standard_input(file) {
        shown(file)
    } else {
        let name = file.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    };
    Ok(Facts {
        what: match &about.kind {
            RunKind::Import => about.word().to_owned(),
            kind => kind.to_string(),
        },
        run: record.id().to_string(),
        file: name,
        sha256: about.input.sha256.clone(),
        nodes: about
            .nodes
            .iter()
            .map(|node| (node.name.clone(), node.identity.address.clone()))
            .collect(),
        begun: about.begun,
        end: match state {
            RunState::Open if is_going => End::Going,
            RunState::Open => End::CutShort,
            RunState::Stopped { at, why } => End::Stopped { at, why },
            RunState::Discarded { at } => End::Stopped {
                at,
                why: "discarded".to_owned(),
            },
            RunState::Finished { at } => End::Finished(at),
        },
        rows: about.rows,
        results: about.results.clone(),
        settings: settings(about),
        next: next.map(|next| format!("headcount runs {next} {}", record.id())),
        parts: parts(record)?,
        mask,
    })
}

fn settings(about: &About) -> Vec<Setting> {
    let ImportSpec {
        reading,
        map,
        action,
        only_action,
        on_conflict,
        skip_invalid,
        create_teams,
        batch,
        bulk,
        replace,
    } = &about.import;
    let (flag, what) = if *only_action {
        ("", "The only action")
    } else {
        ("--action", "Rows without an action")
    };
    let limit = about
        .max_errors
        .map_or_else(|| "no limit".to_owned(), |limit| limit.to_string());
    let yes = |is: bool| if is { "yes" } else { "no" };
    let mut all = vec![
        set(flag, what, action),
        set("--on-conflict", "When an email is taken", on_conflict),
        set(
            "--skip-invalid",
            "Rows with errors are left out",
            yes(*skip_invalid),
        ),
        set(
            "--create-teams",
            "Missing teams are created",
            yes(*create_teams),
        ),
        set("--batch", "People in one change of a team", batch),
        set("--bulk", "Bulk requests", bulk),
        set(
            "--replace",
            "Accounts are replaced as a whole",
            yes(*replace),
        ),
        set("--max-errors", "Failed rows before it stops", &limit),
    ];
    all.extend(read_as(reading));
    all.extend(map.iter().map(|Mapping { heading, to, .. }| {
        set("--map", "Heading", &format!("{heading} = {}", to.name()))
    }));
    let several = about.nodes.len() > 1;
    all.extend(about.nodes.iter().flat_map(|node| held_to(node, several)));
    all
}

fn set(flag: &'static str, about: &'static str, value: &(impl ToString + ?Sized)) -> Setting {
    Setting {
        flag,
        about,
        value: value.to_string(),
    }
}

/// What somebody said of how the file is to be read.
fn read_as(reading: &Reading) -> impl Iterator<Item = Setting> {
    let Reading {
        sheet,
        encoding,
        delimiter,
        header_row,
    } = reading;
    let said = [
        sheet.as_ref().map(|name| set("--sheet", "Sheet", name)),
        encoding.map(|name| set("--encoding", "Encoding", &name)),
        delimiter.map(|sign| set("--delimiter", "Between cells", &String::from(sign))),
        header_row.map(|row| set("--header-row", "Row with the headings", &row)),
    ];
    said.into_iter().flatten()
}

/// What the calls to a node are held to.
fn held_to(node: &NodeAbout, several: bool) -> [Setting; 2] {
    let rate = match node.rate {
        RateSetting::Auto => "as fast as the node allows".to_owned(),
        RateSetting::Off => "as the node answers (off)".to_owned(),
        RateSetting::AtMost(_) => node.rate.into(),
    };
    let of_node = |value: String| {
        if several {
            format!("{}: {value}", node.name)
        } else {
            value
        }
    };
    [
        set("--rate", "Calls leave at most", &of_node(rate)),
        set(
            "--concurrency",
            "Calls in flight at most",
            &of_node(node.concurrency.to_string()),
        ),
    ]
}
