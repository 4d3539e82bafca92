//! Which nodes a job is about: named by a caller ([`NodeRef`]), found in flags and profiles ([`Destination`]), called
//! ([`Connected`]).

mod destination;
mod network;
mod resolve;

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use destination::{Connected, Destination, NodeTarget, SANDBOX};
pub use network::{Network, NetworkRef};

use super::JobError;
use crate::roster::{MappedBy, Mapping};
use crate::settings::{Config, Region};
use crate::transport::RateSetting;

/// How a caller names nodes, as whom they are called, and how fast. A ledger keeps it, so that the run can be continued on
/// the same nodes; it never holds a token.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeRef {
    /// The region of the tenant.
    pub region: Option<Region>,
    /// The node's id.
    pub id: Option<String>,
    /// The node's whole SCIM address, instead of region and id.
    pub url: Option<String>,
    /// The profiles of the nodes.
    pub profiles: Vec<String>,
    /// The file with the profiles, instead of the one in the user's configuration folder.
    pub config: Option<PathBuf>,
    /// The node inside this program.
    pub sandbox: bool,
    /// The file that holds the token; `-` for standard input.
    pub token_file: Option<PathBuf>,
    /// Whether the token file goes before what a profile says.
    pub token_file_first: bool,
    /// What names of roles begin with.
    pub role_prefix: Option<String>,
    /// The ceiling of the calls.
    pub rate: Option<RateSetting>,
    /// The most calls in flight.
    pub concurrency: Option<u16>,
    /// How long a call may take, in seconds.
    pub timeout: Option<u64>,
    /// How calls get there.
    pub network: NetworkRef,
    /// People who are never locked or deleted, by email or id, beside those of the profiles.
    pub protect: Vec<String>,
    /// The settings above that the user named just now, by the names of their flags: what
    /// [`Layers`](crate::settings::Layers) goes by.
    #[serde(skip)]
    pub by_flag: BTreeSet<&'static str>,
}

/// What a ledger keeps.
#[derive(Serialize, Deserialize)]
struct Recorded {
    version: u32,
    #[serde(flatten)]
    node: NodeRef,
}

impl NodeRef {
    /// The format in which ledgers keep it.
    const VERSION: u32 = 1;

    /// What a ledger keeps: the same for another working directory.
    pub(super) fn to_record(&self) -> Result<serde_json::Value, JobError> {
        let absolute = |path: &Option<PathBuf>| match path {
            Some(path) if path.as_os_str() != "-" => {
                Some(std::path::absolute(path).unwrap_or_else(|_| path.clone()))
            }
            path => path.clone(),
        };
        let recorded = Recorded {
            version: Self::VERSION,
            node: NodeRef {
                config: absolute(&self.config),
                token_file: absolute(&self.token_file),
                network: NetworkRef {
                    ca_cert: absolute(&self.network.ca_cert),
                    ..self.network.clone()
                },
                ..self.clone()
            },
        };
        serde_json::to_value(recorded).map_err(JobError::unexpected)
    }

    /// What a ledger kept, with what is said now before it. Which node that is, is said as a whole.
    pub(super) fn or_recorded(self, record: &serde_json::Value) -> Result<Self, JobError> {
        let unknown = |why: &dyn std::fmt::Display| {
            JobError::unexpected(format_args!(
                "the record of the run does not say which node it was on: {why}"
            ))
        };
        let Recorded { version, node } =
            serde_json::from_value(record.clone()).map_err(|error| unknown(&error))?;
        if version != Self::VERSION {
            return Err(unknown(&format_args!(
                "its format is {version}, this version of headcount reads {}",
                Self::VERSION
            )));
        }
        Ok(self.or(node))
    }

    fn or(self, earlier: NodeRef) -> Self {
        let (named, is_named_now) = if self.names_a_node() {
            (self.clone(), true)
        } else {
            (earlier.clone(), false)
        };
        NodeRef {
            region: named.region,
            id: named.id,
            url: named.url,
            profiles: named.profiles,
            sandbox: named.sandbox,
            config: self.config.or(earlier.config),
            token_file_first: self.token_file_first
                || (self.token_file.is_none() && !is_named_now && earlier.token_file_first),
            token_file: self
                .token_file
                .or(earlier.token_file.filter(|_| !is_named_now)),
            role_prefix: self.role_prefix.or(earlier.role_prefix),
            rate: self.rate.or(earlier.rate),
            concurrency: self.concurrency.or(earlier.concurrency),
            timeout: self.timeout.or(earlier.timeout),
            network: self.network.or(earlier.network),
            protect: [self.protect, earlier.protect].concat(),
            by_flag: self.by_flag,
        }
    }

    /// Whether it names a node; else a file with a column `node` may.
    pub fn names_a_node(&self) -> bool {
        self.ways().into_iter().any(|named| named)
    }

    /// The ways in which a node can be named, and which of them were used.
    fn ways(&self) -> [bool; 4] {
        [
            self.sandbox,
            self.url.is_some(),
            self.region.is_some() || self.id.is_some(),
            !self.profiles.is_empty(),
        ]
    }

    /// Whether the user named a node just now, so that variables that name one do not count.
    pub fn is_named_by_flags(&self) -> bool {
        let naming = ["region", "node", "url", "sandbox", "profile"];
        naming.iter().any(|flag| self.by_flag.contains(flag))
    }

    /// What headings are said to stand for: by `said`, and by the profiles of the nodes, which are all
    /// profiles if nothing names a node.
    pub fn mappings(&self, said: &[Mapping]) -> Result<Vec<Mapping>, JobError> {
        let mut mappings = said.to_vec();
        if self.names_a_node() && self.profiles.is_empty() {
            return Ok(mappings);
        }
        let config = self.config()?;
        let names: Vec<&str> = match self.profiles.as_slice() {
            [] => config.names().collect(),
            some => some.iter().map(String::as_str).collect(),
        };
        for name in names {
            let profile = config.profile(name).map_err(JobError::usage)?;
            let said = profile.map.iter().map(|(heading, to)| Mapping {
                heading: heading.clone(),
                to: *to,
                by: MappedBy::Profile(name.to_owned()),
            });
            mappings.extend(said);
        }
        Ok(mappings)
    }

    /// The file with the profiles.
    pub fn config(&self) -> Result<Config, JobError> {
        Config::load(self.config.as_deref()).map_err(JobError::usage)
    }
}
