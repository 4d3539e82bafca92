//! Flags of every command that talks to a node. Which node they name, and what counts where a profile says something as
//! well, is in [`resolve`](crate::cli::resolve).

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args};
use serde::{Deserialize, Serialize};

use super::network::NetworkArgs;
use crate::cli::Failure;
use crate::pace::Tempo;
use crate::roster::{MappedBy, Mapping, Person, PersonError};
use crate::settings::{Config, Profile, Region};

/// The flags here.
const FLAGS: [&str; 16] = [
    "region",
    "node",
    "url",
    "profile",
    "config",
    "sandbox",
    "token_file",
    "role_prefix",
    "rate",
    "concurrency",
    "timeout",
    "ca_cert",
    "proxy",
    "connect_timeout",
    "http_version",
    "protect",
];

/// Which node, as whom, and how fast. A ledger keeps it, and so it never holds a token.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Node")]
pub(in crate::cli) struct NodeArgs {
    /// The region of your Keeper tenant
    #[arg(long, value_enum, env = "HEADCOUNT_REGION")]
    pub(in crate::cli) region: Option<Region>,
    /// The node's id, shown on the SCIM page of the admin console
    #[arg(long, value_name = "ID", env = "HEADCOUNT_NODE")]
    pub(in crate::cli) node: Option<String>,
    /// The node's whole SCIM address, instead of --region and --node
    #[arg(long, value_name = "BASE", env = "HEADCOUNT_URL")]
    pub(in crate::cli) url: Option<String>,
    /// The node of this profile; for several nodes, several (see the reference)
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        env = "HEADCOUNT_PROFILE"
    )]
    pub(in crate::cli) profile: Vec<String>,
    /// The file with the profiles, instead of the one in your configuration folder
    #[arg(long, value_name = "FILE", env = "HEADCOUNT_CONFIG")]
    pub(in crate::cli) config: Option<PathBuf>,
    /// Try it out: start a node in this program and use it; nothing leaves this machine
    #[arg(long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_SANDBOX")]
    pub(in crate::cli) sandbox: bool,
    /// A file that holds the token (- for standard input), instead of `HEADCOUNT_TOKEN`
    #[arg(long, value_name = "FILE", env = "HEADCOUNT_TOKEN_FILE")]
    pub(in crate::cli) token_file: Option<PathBuf>,
    /// Whether it was named on the command line: then it goes before a profile's own.
    #[arg(skip)]
    pub(in crate::cli) token_file_given: bool,
    /// What names of roles begin with on the node (its role mapping prefix)
    #[arg(long, value_name = "PREFIX", env = "HEADCOUNT_ROLE_PREFIX")]
    pub(in crate::cli) role_prefix: Option<String>,
    /// Never send more calls than this: 50/s, 180/min, 25000/h; auto, unless given: as many as the node allows; off: no rate control, each call waits only when the node refuses it (for comparison, or if auto is too slow on your node)
    #[arg(long, value_name = "N[/s|/min|/h]|auto|off", env = "HEADCOUNT_RATE")]
    pub(in crate::cli) rate: Option<Tempo>,
    /// At most this many calls in flight at once; 8 unless given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(Profile::CONCURRENCY)), env = "HEADCOUNT_CONCURRENCY")]
    pub(in crate::cli) concurrency: Option<u16>,
    /// How long one call may take before its answer counts as lost, in seconds; 60 unless
    /// given
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=Profile::TIMEOUT), env = "HEADCOUNT_TIMEOUT")]
    pub(in crate::cli) timeout: Option<u64>,
    #[command(flatten)]
    #[serde(default)]
    pub(in crate::cli) network: NetworkArgs,
    /// Never lock or delete this person, beside those who are protected in a profile of the node
    #[arg(long, value_name = "EMAIL|ID", value_delimiter = ',', value_parser = somebody, env = "HEADCOUNT_PROTECT")]
    #[serde(default)]
    pub(in crate::cli) protect: Vec<String>,
    /// Those of the flags that stand on the command line. What an earlier run was told needs no origin.
    #[arg(skip)]
    #[serde(skip)]
    pub(in crate::cli) by_flag: BTreeSet<&'static str>,
}

impl NodeArgs {
    /// Lets the command line name the node alone: what the environment says of another one is
    /// forgotten, so that the two are never mixed up.
    pub(in crate::cli) fn prefer_command_line(&mut self, matches: &ArgMatches) {
        let on_command_line =
            |flag: &&str| matches.value_source(flag) == Some(ValueSource::CommandLine);
        self.by_flag = FLAGS.into_iter().filter(on_command_line).collect();
        let by_flag = &self.by_flag;
        let given = |flags: &[&str]| flags.iter().any(|flag| by_flag.contains(flag));
        let (region, url, sandbox, profile) = (
            given(&["region", "node"]),
            given(&["url"]),
            given(&["sandbox"]),
            given(&["profile"]),
        );
        self.token_file_given = given(&["token_file"]);
        if !self.command_line_names_a_node() {
            return;
        }
        if !region {
            self.region = None;
            self.node = None;
        }
        if !url {
            self.url = None;
        }
        if !profile {
            self.profile.clear();
        }
        self.sandbox &= sandbox;
    }

    /// Whether the command line names a node, so that what variables say of one does not count.
    pub(in crate::cli) fn command_line_names_a_node(&self) -> bool {
        let naming = ["region", "node", "url", "sandbox", "profile"];
        naming.iter().any(|flag| self.by_flag.contains(flag))
    }

    /// The same with what an earlier run was told, where nothing else is said. Which node that is, is
    /// said as a whole.
    pub(in crate::cli) fn or(self, earlier: NodeArgs) -> Self {
        let (whereabouts, named) = if self.names_a_node() {
            (self.clone(), true)
        } else {
            (earlier.clone(), false)
        };
        NodeArgs {
            region: whereabouts.region,
            node: whereabouts.node,
            url: whereabouts.url,
            profile: whereabouts.profile,
            sandbox: whereabouts.sandbox,
            config: self.config.or(earlier.config),
            token_file_given: self.token_file_given
                || (self.token_file.is_none() && !named && earlier.token_file_given),
            token_file: self.token_file.or(earlier.token_file.filter(|_| !named)),
            role_prefix: self.role_prefix.or(earlier.role_prefix),
            rate: self.rate.or(earlier.rate),
            concurrency: self.concurrency.or(earlier.concurrency),
            timeout: self.timeout.or(earlier.timeout),
            network: self.network.or(earlier.network),
            protect: [self.protect, earlier.protect].concat(),
            by_flag: self.by_flag,
        }
    }

    /// The same for another working directory.
    pub(in crate::cli) fn anywhere(&self) -> Self {
        let absolute = |path: &Option<PathBuf>| match path {
            Some(path) if path.as_os_str() != "-" => {
                Some(std::path::absolute(path).unwrap_or_else(|_| path.clone()))
            }
            path => path.clone(),
        };
        NodeArgs {
            config: absolute(&self.config),
            token_file: absolute(&self.token_file),
            network: self.network.anywhere(),
            ..self.clone()
        }
    }

    /// Whether it is the node inside this program.
    pub(in crate::cli) fn is_sandbox(&self) -> bool {
        self.sandbox
    }

    /// Whether the flags themselves name a node; else a file with a column `node` may.
    pub(in crate::cli) fn names_a_node(&self) -> bool {
        self.ways().into_iter().any(|named| named)
    }

    /// The ways in which a node can be named, and which of them were used.
    pub(in crate::cli) fn ways(&self) -> [bool; 4] {
        [
            self.sandbox,
            self.url.is_some(),
            self.region.is_some() || self.node.is_some(),
            !self.profile.is_empty(),
        ]
    }

    /// What headings are said to stand for: by flags, and by the profiles of the nodes, which are all
    /// profiles if nothing names a node.
    pub(in crate::cli) fn mappings(&self, flags: &[Mapping]) -> Result<Vec<Mapping>, Failure> {
        let mut mappings = flags.to_vec();
        if self.names_a_node() && self.profile.is_empty() {
            return Ok(mappings);
        }
        let config = self.config()?;
        let names: Vec<&str> = match self.profile.as_slice() {
            [] => config.names().collect(),
            some => some.iter().map(String::as_str).collect(),
        };
        for name in names {
            let profile = config.profile(name).map_err(Failure::usage)?;
            let said = profile.map.iter().map(|(heading, to)| Mapping {
                heading: heading.clone(),
                to: *to,
                by: MappedBy::Profile(name.to_owned()),
            });
            mappings.extend(said);
        }
        Ok(mappings)
    }

    pub(in crate::cli) fn config(&self) -> Result<Config, Failure> {
        Config::load(self.config.as_deref()).map_err(Failure::usage)
    }
}

/// Checks that a text names somebody.
fn somebody(text: &str) -> Result<String, PersonError> {
    text.parse::<Person>().map(|_| text.to_owned())
}
