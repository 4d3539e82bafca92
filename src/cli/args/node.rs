//! Flags of every command that talks to a node: each command takes those it uses, and makes them a [`NodeRef`].

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args};

use super::network::NetworkArgs;
use crate::job::NodeRef;
use crate::roster::{Person, PersonError};
use crate::settings::{Profile, Region};
use crate::transport::RateSetting;

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

/// The file with the profiles, and which of them are meant.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Node")]
pub(in crate::cli) struct ProfileArgs {
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
    /// Those of the flags in [`FLAGS`] that stand on the command line.
    #[arg(skip)]
    by_flag: BTreeSet<&'static str>,
}

/// Which node, or nodes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Node")]
pub(in crate::cli) struct AddressArgs {
    /// The region of your Keeper tenant
    #[arg(long, value_enum, env = "HEADCOUNT_REGION")]
    region: Option<Region>,
    /// The node's id, shown on the SCIM page of the admin console
    #[arg(long, value_name = "ID", env = "HEADCOUNT_NODE")]
    node: Option<String>,
    /// The node's whole SCIM address, instead of --region and --node
    #[arg(long, value_name = "BASE", env = "HEADCOUNT_URL")]
    url: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) profiles: ProfileArgs,
}

/// A node on which calls can be made.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Node")]
pub(in crate::cli) struct CallArgs {
    #[command(flatten)]
    pub(in crate::cli) address: AddressArgs,
    /// Try it out: start a node in this program and use it; nothing leaves this machine
    #[arg(long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_SANDBOX")]
    sandbox: bool,
    #[command(flatten)]
    token: TokenArgs,
    /// How long one call may take before its answer counts as lost, in seconds; 60 unless
    /// given
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=Profile::TIMEOUT), env = "HEADCOUNT_TIMEOUT")]
    timeout: Option<u64>,
    #[command(flatten)]
    network: NetworkArgs,
}

/// Where the token is.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Node")]
pub(in crate::cli) struct TokenArgs {
    /// A file that holds the token (- for standard input), instead of `HEADCOUNT_TOKEN`
    #[arg(long, value_name = "FILE", env = "HEADCOUNT_TOKEN_FILE")]
    token_file: Option<PathBuf>,
}

/// A node whose users and teams are read or changed, with many calls.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Node")]
pub(in crate::cli) struct NodeArgs {
    #[command(flatten)]
    pub(in crate::cli) call: CallArgs,
    /// What names of roles begin with on the node (its role mapping prefix)
    #[arg(long, value_name = "PREFIX", env = "HEADCOUNT_ROLE_PREFIX")]
    role_prefix: Option<String>,
    /// Never send more calls than this: 50/s, 180/min, 25000/h; auto, unless given: as many as the node allows; off: no rate control, each call waits only when the node refuses it (for comparison, or if auto is too slow on your node)
    #[arg(long, value_name = "N[/s|/min|/h]|auto|off", env = "HEADCOUNT_RATE")]
    rate: Option<RateSetting>,
    /// At most this many calls in flight at once; 8 unless given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(Profile::CONCURRENCY)), env = "HEADCOUNT_CONCURRENCY")]
    concurrency: Option<u16>,
}

/// A node on which people may be locked or deleted.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Node")]
pub(in crate::cli) struct GuardedNodeArgs {
    #[command(flatten)]
    pub(in crate::cli) node: NodeArgs,
    /// Never lock or delete this person, beside those who are protected in a profile of the node
    #[arg(long, value_name = "EMAIL|ID", value_delimiter = ',', value_parser = somebody, env = "HEADCOUNT_PROTECT")]
    protect: Vec<String>,
}

impl ProfileArgs {
    /// Notes which flags stand on the command line: they go before variables and profiles.
    pub(in crate::cli) fn note_flags(&mut self, matches: &ArgMatches) {
        let on_command_line = |flag: &&str| {
            matches.ids().any(|id| id == *flag)
                && matches.value_source(flag) == Some(ValueSource::CommandLine)
        };
        self.by_flag = FLAGS.into_iter().filter(on_command_line).collect();
    }

    /// The nodes of profiles.
    pub(in crate::cli) fn node_ref(&self) -> NodeRef {
        NodeRef {
            profiles: self.profile.clone(),
            config: self.config.clone(),
            by_flag: self.by_flag.clone(),
            ..NodeRef::default()
        }
    }
}

impl AddressArgs {
    /// The node as named here. Where the command line names one, what variables say of another is forgotten, so that the
    /// two are never mixed up.
    pub(in crate::cli) fn node_ref(&self) -> NodeRef {
        let mut node = NodeRef {
            region: self.region,
            id: self.node.clone(),
            url: self.url.clone(),
            ..self.profiles.node_ref()
        };
        if node.is_named_by_flags() {
            let given = |flags: &[&str]| flags.iter().any(|flag| node.by_flag.contains(flag));
            let (region, url, profile) = (
                given(&["region", "node"]),
                given(&["url"]),
                given(&["profile"]),
            );
            if !region {
                node.region = None;
                node.id = None;
            }
            if !url {
                node.url = None;
            }
            if !profile {
                node.profiles.clear();
            }
        }
        node
    }
}

impl TokenArgs {
    /// Adds where the token is.
    pub(in crate::cli) fn add_to(&self, node: &mut NodeRef) {
        node.token_file.clone_from(&self.token_file);
        node.token_file_first = node.by_flag.contains("token_file");
    }
}

impl CallArgs {
    /// The node that calls are made to.
    pub(in crate::cli) fn node_ref(&self) -> NodeRef {
        let mut node = self.address.node_ref();
        let is_given = !node.is_named_by_flags() || node.by_flag.contains("sandbox");
        node.sandbox = self.sandbox && is_given;
        node.timeout = self.timeout;
        node.network = self.network.to_ref();
        self.token.add_to(&mut node);
        node
    }
}

impl NodeArgs {
    /// The node whose users and teams are meant.
    pub(in crate::cli) fn node_ref(&self) -> NodeRef {
        NodeRef {
            role_prefix: self.role_prefix.clone(),
            rate: self.rate,
            concurrency: self.concurrency,
            ..self.call.node_ref()
        }
    }

    pub(in crate::cli) fn profiles(&mut self) -> &mut ProfileArgs {
        &mut self.call.address.profiles
    }
}

impl GuardedNodeArgs {
    /// The node whose people are meant.
    pub(in crate::cli) fn node_ref(&self) -> NodeRef {
        NodeRef {
            protect: self.protect.clone(),
            ..self.node.node_ref()
        }
    }

    pub(in crate::cli) fn profiles(&mut self) -> &mut ProfileArgs {
        self.node.profiles()
    }
}

/// Checks that a text names a person.
fn somebody(text: &str) -> Result<String, PersonError> {
    text.parse::<Person>().map(|_| text.to_owned())
}
