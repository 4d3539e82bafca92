//! Which settings hold for a node, and who said so: what `headcount config show` shows.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::Serialize;

use super::JobError;
use crate::job::{NetworkRef, NodeRef};
use crate::roster::Person;
use crate::settings::{
    Address, Config, Explained, Layers, Named, Origin, Profile, Region, Setting, TokenSource, flag,
    nearest, variable,
};
use crate::transport::HttpVersion;

/// A variable of the environment, and what it does.
#[derive(Debug, Serialize)]
pub(super) struct SetVariable {
    pub(super) name: String,
    pub(super) note: String,
}

/// What holds for a profile, or without one; and why the node cannot be used, if it cannot.
pub(super) fn explain(
    node: &NodeRef,
    config: &Config,
    name: Option<&str>,
) -> Result<(Explained, Option<JobError>), JobError> {
    let named = match name {
        Some(name) => Some(Named {
            config,
            name,
            profile: config.profile(name).map_err(JobError::usage)?,
        }),
        None => None,
    };
    let layers = node.layers(named);
    let mut shown = Explained {
        profile: name.map(str::to_owned),
        settings: Vec::new(),
    };
    if let Some(name) = name {
        shown.say("profile", name.to_owned(), &layers.said("profile"));
    }
    let region = layers.settle("region", node.region, |profile| profile.region);
    shown.say_if("region", region.map(|region| region.map(Region::name)));
    shown.say_if(
        "node",
        layers.settle("node", node.id.clone(), |profile| profile.node.clone()),
    );
    shown.say_if(
        "url",
        layers.settle("url", node.url.clone(), |profile| profile.url.clone()),
    );
    let problem = explain_address(node, named, &mut shown);
    explain_usage(node, named, &mut shown);
    Ok((shown, problem))
}

/// The address that follows from the settings, and the token for it.
fn explain_address(
    node: &NodeRef,
    named: Option<Named<'_>>,
    shown: &mut Explained,
) -> Option<JobError> {
    if node.sandbox {
        let origin = node.layers(None).said("sandbox");
        shown.say(
            "address",
            "a sandbox in this program, with a token of its own".to_owned(),
            &origin,
        );
        return None;
    }
    if named.is_none() && !node.names_a_node() {
        // Nobody has said which, and nobody has to: a file can.
        shown.say("address", None, &Origin::Default);
        return None;
    }
    let address = match named {
        Some(named) => named
            .config
            .address_of(named.name, named.profile)
            .map_err(JobError::usage),
        None => node.address().map(Address::Known).map_err(JobError::usage),
    };
    match address {
        Ok(Address::Known(address)) => {
            shown.say_address(address.base().to_string());
            shown.say_token(&node.token(named, &address));
            None
        }
        Ok(Address::InRecord(record)) => {
            shown.say_address(format!(
                "in the record {}, which is asked for when it is needed",
                record.uid()
            ));
            let origin = named.map_or(Origin::Default, |named| named.origin("ksm"));
            let of_record = Setting {
                value: TokenSource::SecretsManager(record, None),
                origin,
            };
            let of_flag = node.token_of_flags().filter(|_| node.token_file_first);
            shown.say_token(&match of_flag {
                Some(value) => Setting {
                    value,
                    origin: Origin::Flag("token_file"),
                },
                None => of_record,
            });
            None
        }
        Err(failure) => {
            shown.say_address("none".to_owned());
            Some(failure)
        }
    }
}

fn explain_usage(node: &NodeRef, named: Option<Named<'_>>, shown: &mut Explained) {
    let usage = node.usage(named);
    let timeout = format!("{} s", usage.timeout.value.as_secs());
    shown.say(
        "role_prefix",
        usage.role_prefix.value,
        &usage.role_prefix.origin,
    );
    shown.say("rate", String::from(usage.rate.value), &usage.rate.origin);
    shown.say(
        "concurrency",
        usage.concurrency.value.to_string(),
        &usage.concurrency.origin,
    );
    shown.say("timeout", timeout, &usage.timeout.origin);
    let layers = node.layers(named);
    explain_network(&node.network, &layers, shown);
    if !node.protect.is_empty() {
        shown.say("protect", node.protect.join(", "), &layers.said("protect"));
    }
    explain_protected(node, named, shown);
    let Some(named) = named else {
        return;
    };
    let profile = named.profile;
    for (heading, to) in &profile.map {
        let to = to.name();
        shown.say("map", format!("{heading:?} = {to}"), &named.origin("map"));
    }
    let dialect = serde_json::to_value(profile.dialect).unwrap_or_default();
    let said = dialect.as_object().into_iter().flatten();
    for (key, value) in said.filter(|(_, value)| !value.is_null()) {
        let value = value.as_str().unwrap_or_default();
        shown.say(
            "dialect",
            format!("{key} = {value}"),
            &named.origin("dialect"),
        );
    }
}

/// How calls get to the node. The password of a proxy is not shown.
fn explain_network(network: &NetworkRef, layers: &Layers<'_>, shown: &mut Explained) {
    let path = |path: &PathBuf| path.display().to_string();
    let of_profile = |profile: &Profile| {
        let Named { config, .. } = layers.profile?;
        config.ca_cert_of(profile).as_ref().map(path)
    };
    let ca_cert = network.ca_cert.as_ref().map(path);
    shown.say_if("ca_cert", layers.settle("ca_cert", ca_cert, of_profile));
    let proxy = layers.settle("proxy", network.proxy.clone(), |profile| {
        profile.proxy.clone()
    });
    shown.say_if("proxy", proxy);
    let seconds = layers.settle("connect_timeout", network.connect_timeout, |profile| {
        profile.connect_timeout
    });
    let seconds = seconds.map(|setting| setting.map(|seconds| format!("{seconds} s")));
    shown.say_if("connect_timeout", seconds);
    let version = layers.settle("http_version", network.http_version, |_| None);
    let word = |version: HttpVersion| {
        let value = clap::ValueEnum::to_possible_value(&version);
        value.map_or(String::new(), |value| value.get_name().to_owned())
    };
    shown.say_if("http_version", version.map(|setting| setting.map(word)));
}

/// Whom the profiles of the node protect, whichever of them is used.
fn explain_protected(node: &NodeRef, named: Option<Named<'_>>, shown: &mut Explained) {
    let config = match named {
        Some(named) => Ok(named.config.clone()),
        None => node.config(),
    };
    let (Ok(config), false) = (config, node.sandbox) else {
        return;
    };
    let node = match named {
        Some(named) => match config.address_of(named.name, named.profile) {
            Ok(Address::Known(node)) => Some(node),
            _ => None,
        },
        None => node.address().ok(),
    };
    let profiles: Vec<_> = match &node {
        Some(node) => config.of_node(node).collect(),
        None => named
            .map(|named| (named.name, named.profile))
            .into_iter()
            .collect(),
    };
    for (name, profile) in profiles {
        let people: Vec<String> = profile.protected.iter().map(name_of).collect();
        if !people.is_empty() {
            let by = Named {
                config: &config,
                name,
                profile,
            };
            shown.say("protected", people.join(", "), &by.origin("protected"));
        }
    }
}

fn name_of(person: &Person) -> String {
    let email = person.email().map(ToString::to_string);
    let id = person.id().map(|id| id.as_str().to_owned());
    email.or(id).unwrap_or_default()
}

/// The variables of this program that are set, but for those that made one of the settings, or `named` the file.
pub(super) fn variables(node: &NodeRef, nodes: &[Explained], named: &str) -> Vec<SetVariable> {
    let known = known_variables(&super::command());
    let rows = || nodes.iter().flat_map(|node| &node.settings);
    let used = rows().map(|row| row.from.as_str()).chain([named]);
    let used: BTreeSet<&str> = used.collect();
    let token_is_said = rows().any(|row| row.name == "token");
    let mut set: Vec<String> = std::env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| name.starts_with("HEADCOUNT_") && !used.contains(name.as_str()))
        .collect();
    set.sort();
    let variables = set.into_iter().map(|name| SetVariable {
        note: note(&name, node, &known, token_is_said),
        name,
    });
    variables.collect()
}

/// What a variable does that made none of the settings.
fn note(
    name: &str,
    node: &NodeRef,
    known: &BTreeSet<(String, String)>,
    token_is_said: bool,
) -> String {
    let naming = ["region", "node", "url", "profile", "sandbox"].map(variable);
    if naming.iter().any(|naming| naming == name) && node.is_named_by_flags() {
        return "does not count: the command line names the node".to_owned();
    }
    if name == variable("token") || name == variable("token_file") {
        return if token_is_said {
            "does not count: the token comes from elsewhere".to_owned()
        } else {
            "is where the token is for a node that has none of its own".to_owned()
        };
    }
    match known.iter().find(|(known, _)| known == name) {
        Some((_, id)) if node.by_flag.contains(id.as_str()) => {
            format!("does not count: {} is on the command line", flag(id))
        }
        Some((_, id)) => format!("sets {}", flag(id)),
        None => {
            let names = known.iter().map(|(name, _)| name.as_str());
            // The one variable that is no flag's.
            let names: Vec<&str> = names.chain(["HEADCOUNT_TOKEN"]).collect();
            match nearest(name, &names) {
                Some(likely) => format!("is no variable of this program; did you mean {likely}?"),
                None => "is no variable of this program".to_owned(),
            }
        }
    }
}

/// All variables that set a flag of any command, with the flag.
fn known_variables(command: &clap::Command) -> BTreeSet<(String, String)> {
    let own = command.get_arguments().filter_map(|arg| {
        let name = arg.get_env()?.to_str()?;
        Some((name.to_owned(), arg.get_id().to_string()))
    });
    let below = command.get_subcommands().flat_map(known_variables);
    own.chain(below).collect()
}
