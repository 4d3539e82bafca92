//! A job as a plan or the record of a run keeps it, and made of that again.

use std::path::PathBuf;

use clap::ValueEnum;

use super::Job;
use super::origin::{Origin, whole};
use super::site::Site;
use crate::cli::Failure;
use crate::cli::args::{BATCH, BulkUse, InputArgs, NodeArgs, RunArgs, SpreadsheetArgs};
use crate::roster::{Action, Mapping, TargetError};
use crate::run::OnConflict;
use crate::sheet::Reading;
use crate::terms::Terms;

impl Job {
    /// A job as it was planned.
    pub(in crate::cli) fn of_terms(
        input: &Terms,
        run: RunArgs,
        node: NodeArgs,
        origin: Origin,
    ) -> Result<Self, Failure> {
        let strange = |what: &str| Failure::usage(format_args!("it names {what}"));
        Ok(Job {
            file: input.file.clone(),
            action: input.action.parse().map_err(Failure::usage)?,
            only_action: input.only_action,
            on_conflict: OnConflict::from_str(&input.on_conflict, true)
                .map_err(|_| strange("an --on-conflict that there is not"))?,
            input: InputArgs {
                spreadsheet: SpreadsheetArgs {
                    map: Self::map_of(input)?,
                    reading: input.reading.clone().into(),
                },
                skip_invalid: input.skip_invalid,
                create_teams: input.create_teams,
                batch: input.batch,
                bulk: BulkUse::from_str(&input.bulk, true)
                    .map_err(|_| strange("a --bulk that there is not"))?,
                replace: input.replace,
            },
            run,
            node,
            origin,
            replaces: Vec::new(),
            input_is_told: false,
        })
    }

    /// What headings were said to stand for.
    pub(in crate::cli) fn map_of(terms: &Terms) -> Result<Vec<Mapping>, Failure> {
        let mapping = |(heading, to): &(String, String)| {
            let to = to.parse();
            to.map(|to| Mapping::by_flag(heading.clone(), to))
        };
        let map: Result<_, TargetError> = terms.map.iter().map(mapping).collect();
        map.map_err(Failure::usage)
    }

    /// What a run is asked to do if nobody says anything else.
    pub(in crate::cli) fn usual_terms(action: Action) -> Terms {
        Terms {
            file: PathBuf::new(),
            sha256: String::new(),
            reading: Reading::default(),
            nodes: Vec::new(),
            action: action.to_string(),
            only_action: false,
            map: Vec::new(),
            on_conflict: name(&OnConflict::default()),
            skip_invalid: false,
            create_teams: false,
            batch: BATCH,
            bulk: name(&BulkUse::default()),
            replace: false,
        }
    }

    pub(super) fn terms(&self, sites: &[&Site]) -> Terms {
        let roster = &sites[0].roster;
        let mapped = roster.columns().mapped(roster.header());
        Terms {
            action: self.action.to_string(),
            only_action: self.only_action,
            map: mapped
                .map(|(heading, to)| (heading.to_owned(), to.name().to_owned()))
                .collect(),
            on_conflict: name(&self.on_conflict),
            skip_invalid: self.input.skip_invalid,
            create_teams: self.input.create_teams,
            batch: self.input.batch,
            bulk: name(&self.input.bulk),
            replace: self.input.replace,
            reading: self.input.spreadsheet.reading.clone().into(),
            file: whole(&self.file),
            sha256: roster.sha256().to_owned(),
            nodes: sites
                .iter()
                .map(|site| site.destination.address())
                .collect(),
        }
    }
}

/// The value as the command line writes it.
fn name(value: &impl ValueEnum) -> String {
    let value = value.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}
