//! Flags of every command that talks to a node, and the nodes that they name.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args};
use serde::{Deserialize, Serialize};

use super::Failure;
use super::destination::{Destination, Whereabouts};
use super::network::NetworkArgs;
use crate::pace::Tempo;
use crate::roster::{MappedBy, Mapping, Person, PersonError, Protected};
use crate::scim::Dialect;
use crate::settings::{Config, Node, NodeError, Region, TokenSource};

/// How many calls are in flight at the most, unless somebody says otherwise.
const CONCURRENCY: u16 = 8;

/// How long a call may take, unless somebody says otherwise.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Which node, as whom, and how fast. A ledger keeps it, and so it never holds a token.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Node")]
pub(super) struct NodeArgs {
    /// The region of your Keeper tenant
    #[arg(long, value_enum, env = "HEADCOUNT_REGION")]
    region: Option<Region>,
    /// The node's id, shown on the SCIM page of the admin console
    #[arg(long, value_name = "ID", env = "HEADCOUNT_NODE")]
    node: Option<String>,
    /// The node's whole SCIM address, instead of --region and --node
    #[arg(long, value_name = "BASE", env = "HEADCOUNT_URL")]
    url: Option<String>,
    /// The node of this profile; for several nodes, several (see the reference)
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        env = "HEADCOUNT_PROFILE"
    )]
    profile: Vec<String>,
    /// The file with the profiles, instead of the one in your configuration folder
    #[arg(long, value_name = "FILE", env = "HEADCOUNT_CONFIG")]
    config: Option<PathBuf>,
    /// Try it out: start a node in this program and use it; nothing leaves this machine
    #[arg(long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_SANDBOX")]
    sandbox: bool,
    /// A file that holds the token (- for standard input), instead of `HEADCOUNT_TOKEN`
    #[arg(long, value_name = "FILE", env = "HEADCOUNT_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// Whether it was named on the command line: then it goes before a profile's own.
    #[arg(skip)]
    token_file_given: bool,
    /// What names of roles begin with on the node (its role mapping prefix)
    #[arg(long, value_name = "PREFIX", env = "HEADCOUNT_ROLE_PREFIX")]
    role_prefix: Option<String>,
    /// Never send more calls than this: 50/s, 180/min, 25000/h; auto, unless given: as many as the node allows
    #[arg(long, value_name = "N[/s|/min|/h]|auto", env = "HEADCOUNT_RATE")]
    rate: Option<Tempo>,
    /// At most this many calls in flight at once; 8 unless given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), env = "HEADCOUNT_CONCURRENCY")]
    concurrency: Option<u16>,
    /// How long one call may take before its answer counts as lost, in seconds; 60 unless
    /// given
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600), env = "HEADCOUNT_TIMEOUT")]
    timeout: Option<u64>,
    #[command(flatten)]
    #[serde(default)]
    network: NetworkArgs,
    /// Never lock or delete this person, beside those who are protected in a profile of the node
    #[arg(long, value_name = "EMAIL|ID", value_delimiter = ',', value_parser = somebody, env = "HEADCOUNT_PROTECT")]
    #[serde(default)]
    protect: Vec<String>,
}

impl NodeArgs {
    /// Lets the command line name the node alone: what the environment says of another one is
    /// forgotten, so that the two are never mixed up.
    pub(super) fn prefer_command_line(&mut self, matches: &ArgMatches) {
        let given = |flags: &[&str]| {
            flags
                .iter()
                .any(|flag| matches.value_source(flag) == Some(ValueSource::CommandLine))
        };
        let (region, url, sandbox, profile) = (
            given(&["region", "node"]),
            given(&["url"]),
            given(&["sandbox"]),
            given(&["profile"]),
        );
        self.token_file_given = given(&["token_file"]);
        if !(region || url || sandbox || profile) {
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

    /// The same with what an earlier run was told, where nothing else is said. Which node that is, is
    /// said as a whole.
    pub(super) fn or(self, earlier: NodeArgs) -> Self {
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
        }
    }

    /// The same for another working directory.
    pub(super) fn anywhere(&self) -> Self {
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
    pub(super) fn is_sandbox(&self) -> bool {
        self.sandbox
    }

    /// Whether the flags themselves name a node; else a file with a column `node` may.
    pub(super) fn names_a_node(&self) -> bool {
        self.ways().into_iter().any(|named| named)
    }

    /// The ways in which a node can be named, and which of them were used.
    fn ways(&self) -> [bool; 4] {
        [
            self.sandbox,
            self.url.is_some(),
            self.region.is_some() || self.node.is_some(),
            !self.profile.is_empty(),
        ]
    }

    /// The one node that a command works with.
    pub(super) fn one(&self) -> Result<Destination, Failure> {
        let mut nodes = self.all()?;
        match (nodes.pop(), nodes.is_empty()) {
            (Some(node), true) => Ok(node),
            _ => Err(Failure::usage(
                "this works with one node; give one --profile only",
            )),
        }
    }

    /// The nodes that the flags name, one at least.
    pub(super) fn all(&self) -> Result<Vec<Destination>, Failure> {
        // Refuses to guess which of two nodes is meant.
        if self.ways().into_iter().filter(|named| *named).count() > 1 {
            return Err(Failure::usage(
                "which node? Give only one of --sandbox, --url, --profile, and --region with --node (or their \
                 HEADCOUNT_ variables)",
            ));
        }
        if self.profile.is_empty() {
            return Ok(vec![self.plain()?]);
        }
        let config = self.config()?;
        let mut names: Vec<&String> = Vec::new();
        for name in &self.profile {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        self.of_profiles(&config, names.into_iter().map(String::as_str))
    }

    /// The nodes of all profiles that there are.
    pub(super) fn every_profile(&self) -> Result<Vec<Destination>, Failure> {
        let config = self.config()?;
        self.of_profiles(&config, config.names())
    }

    /// What headings are said to stand for: by flags, and by the profiles of the nodes, which are all
    /// profiles if nothing names a node.
    pub(super) fn mappings(&self, flags: &[Mapping]) -> Result<Vec<Mapping>, Failure> {
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

    fn config(&self) -> Result<Config, Failure> {
        Config::load(self.config.as_deref()).map_err(Failure::usage)
    }

    fn of_profiles<'n>(
        &self,
        config: &Config,
        names: impl Iterator<Item = &'n str>,
    ) -> Result<Vec<Destination>, Failure> {
        let nodes = names.map(|name| self.of_profile(config, name));
        let nodes = nodes.collect::<Result<Vec<_>, _>>()?;
        if self.token_file_given && nodes.len() > 1 {
            return Err(Failure::usage(
                "a token is for one node: with several profiles, each names its own token_file or token_env",
            ));
        }
        Ok(nodes)
    }

    /// A profile's node; what the flags say goes before what the profile says.
    fn of_profile(&self, config: &Config, name: &str) -> Result<Destination, Failure> {
        let profile = config.profile(name).map_err(Failure::usage)?;
        let node = config.node_of(name, profile).map_err(Failure::usage)?;
        let token = (!self.token_file_given).then(|| config.token_of(profile));
        let role_prefix = self
            .role_prefix
            .clone()
            .or_else(|| profile.role_prefix.clone());
        Ok(Destination {
            profile: Some(name.to_owned()),
            role_prefix,
            rate: self.rate.or(profile.rate).and_then(Tempo::ceiling),
            concurrency: usize::from(
                self.concurrency
                    .or(profile.concurrency)
                    .unwrap_or(CONCURRENCY)
                    .max(1),
            ),
            timeout: seconds(self.timeout.or(profile.timeout)),
            network: self.network.with(Some((config, profile))),
            protected: self.protected(config, &node),
            dialect: profile.dialect,
            whereabouts: Whereabouts::At {
                node,
                token: token.flatten().unwrap_or_else(|| self.token()),
            },
        })
    }

    /// The node that the other flags name.
    fn plain(&self) -> Result<Destination, Failure> {
        let (whereabouts, protected) = if self.sandbox {
            (Whereabouts::Sandbox, self.protected_by_flags().collect())
        } else {
            let node = self.address().map_err(Failure::usage)?;
            let protected = self.protected(&self.config()?, &node);
            let token = self.token();
            (Whereabouts::At { node, token }, protected)
        };
        Ok(Destination {
            profile: None,
            whereabouts,
            role_prefix: self.role_prefix.clone(),
            rate: self.rate.and_then(Tempo::ceiling),
            concurrency: usize::from(self.concurrency.unwrap_or(CONCURRENCY)),
            timeout: seconds(self.timeout),
            network: self.network.with(None),
            protected,
            dialect: Dialect::default(),
        })
    }

    /// Who is protected on a node: by the flags, and by each profile of the node.
    fn protected(&self, config: &Config, node: &Node) -> Protected {
        let by_profiles = config.protected_on(node).cloned();
        self.protected_by_flags().chain(by_profiles).collect()
    }

    pub(super) fn protected_by_flags(&self) -> impl Iterator<Item = Person> {
        // Each of them was checked when the command line was read.
        self.protect.iter().flat_map(|text| text.parse())
    }

    fn address(&self) -> Result<Node, NodeError> {
        match (&self.url, self.region, &self.node) {
            (Some(url), ..) => Node::at(url),
            (None, Some(region), Some(node)) => Node::in_region(region, node),
            _ => Err(NodeError::Missing),
        }
    }

    fn token(&self) -> TokenSource {
        match &self.token_file {
            None => TokenSource::usual(),
            Some(path) if path.as_os_str() == "-" => TokenSource::StandardInput,
            Some(path) => TokenSource::File(path.clone()),
        }
    }

    /// Whether the token comes over standard input, so that nothing can be asked there.
    pub(super) fn uses_standard_input(&self) -> bool {
        self.token() == TokenSource::StandardInput
    }
}

/// Checks that a text names somebody.
fn somebody(text: &str) -> Result<String, PersonError> {
    text.parse::<Person>().map(|_| text.to_owned())
}

fn seconds(timeout: Option<u64>) -> Duration {
    timeout.map_or(TIMEOUT, |seconds| Duration::from_secs(seconds.max(1)))
}
