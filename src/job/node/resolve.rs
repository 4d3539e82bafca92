//! Flags, variables and a profile made into a node that can be called.

use super::super::JobError;
use super::destination::{Destination, NodeTarget, no_token};
use super::{Network, NodeRef};
use crate::roster::{Person, Protected};
use crate::scim::Capabilities;
use crate::settings::{
    Address, Config, Layers, Named, Node, NodeError, Origin, Said, Setting, TokenSource, Usage,
};

impl NodeRef {
    /// The one node that a command works with.
    pub fn one(&self) -> Result<Destination, JobError> {
        let mut nodes = self.all()?;
        match (nodes.pop(), nodes.is_empty()) {
            (Some(node), true) => Ok(node),
            _ => Err(JobError::usage(
                "this works with one node; give one --profile only",
            )),
        }
    }

    /// The nodes that the flags name, one at least.
    pub fn all(&self) -> Result<Vec<Destination>, JobError> {
        self.names_one_way()?;
        if self.profiles.is_empty() {
            return Ok(vec![self.plain()?]);
        }
        let config = self.config()?;
        let mut names: Vec<&String> = Vec::new();
        for name in &self.profiles {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        self.of_profiles(&config, names.into_iter().map(String::as_str))
    }

    /// Refuses to guess which of two nodes is meant.
    pub fn names_one_way(&self) -> Result<(), JobError> {
        if self.ways().into_iter().filter(|named| *named).count() > 1 {
            return Err(JobError::usage(
                "which node? Give only one of --sandbox, --url, --profile, and --region with --node (or their \
                 HEADCOUNT_ variables)",
            ));
        }
        Ok(())
    }

    /// The nodes of all profiles that there are.
    pub fn every_profile(&self) -> Result<Vec<Destination>, JobError> {
        let config = self.config()?;
        self.of_profiles(&config, config.names())
    }

    pub fn of_profiles<'n>(
        &self,
        config: &Config,
        names: impl Iterator<Item = &'n str>,
    ) -> Result<Vec<Destination>, JobError> {
        let nodes = names.map(|name| self.of_profile(config, name));
        let nodes = nodes.collect::<Result<Vec<_>, _>>()?;
        if self.token_file_first && nodes.len() > 1 {
            return Err(JobError::usage(
                "a token is for one node: with several profiles, each names its own token_file, token_env, \
                 token_keyring or ksm",
            ));
        }
        Ok(nodes)
    }

    /// A profile's node; what the flags say goes before what the profile says.
    fn of_profile(&self, config: &Config, name: &str) -> Result<Destination, JobError> {
        let profile = config.profile(name).map_err(JobError::usage)?;
        let named = Named {
            config,
            name,
            profile,
        };
        let (node, token) = match config.address_of(name, profile).map_err(JobError::usage)? {
            Address::Known(node) => {
                let token = self.token(Some(named), &node).value;
                (node, token)
            }
            Address::InRecord(record) => {
                let node = record
                    .node()
                    .map_err(|error| no_token(Some(name), &error.into()))?;
                let token = if self.token_file_first {
                    self.token(None, &node).value
                } else {
                    // The record that was just asked for.
                    TokenSource::SecretsManager(record, Some(Box::new(node.clone())))
                };
                (node, token)
            }
        };
        let usage = self.usage(Some(named));
        let protected = self.protected(config, &node);
        Ok(Destination {
            profile: Some(name.to_owned()),
            capabilities: profile.dialect,
            network: self.network.with(Some((config, profile))),
            ..destination(NodeTarget::At { node, token }, usage, protected)
        })
    }

    /// The node that the other flags name.
    pub fn plain(&self) -> Result<Destination, JobError> {
        let (node_target, protected) = if self.sandbox {
            (NodeTarget::Sandbox, self.protected_by_flags().collect())
        } else {
            let node = self.address().map_err(JobError::usage)?;
            let protected = self.protected(&self.config()?, &node);
            let token = self.token(None, &node).value;
            (NodeTarget::At { node, token }, protected)
        };
        Ok(Destination {
            network: self.network.with(None),
            ..destination(node_target, self.usage(None), protected)
        })
    }

    /// Who may say something, besides the flags and variables themselves.
    pub fn layers<'a>(&'a self, profile: Option<Named<'a>>) -> Layers<'a> {
        Layers {
            by_flag: &self.by_flag,
            profile,
        }
    }

    /// How the node is used, and who said so.
    pub fn usage(&self, profile: Option<Named<'_>>) -> Usage {
        let said = Said {
            role_prefix: self.role_prefix.clone(),
            rate: self.rate,
            concurrency: self.concurrency,
            timeout: self.timeout,
        };
        Usage::of(said, &self.layers(profile))
    }

    /// Who is protected on a node: by the flags, and by each profile of the node.
    fn protected(&self, config: &Config, node: &Node) -> Protected {
        let profiles = config.of_node(node);
        let by_profiles = profiles.flat_map(|(_, profile)| profile.protected.iter().cloned());
        self.protected_by_flags().chain(by_profiles).collect()
    }

    pub fn protected_by_flags(&self) -> impl Iterator<Item = Person> {
        // Each of them was checked when the command line was read.
        self.protect.iter().flat_map(|text| text.parse())
    }

    pub fn address(&self) -> Result<Node, NodeError> {
        match (&self.url, self.region, &self.id) {
            (Some(url), ..) => Node::at(url),
            (None, Some(region), Some(node)) => Node::in_region(region, node),
            (None, Some(_), None) => Err(NodeError::MissingId),
            (None, None, Some(id)) => Err(NodeError::MissingRegion(id.clone())),
            (None, None, None) => Err(NodeError::Missing),
        }
    }

    /// Where the token of a node comes from, and who said so: the command line, the profile, the environment.
    pub fn token(&self, profile: Option<Named<'_>>, node: &Node) -> Setting<TokenSource> {
        let of_profile = || {
            let named = profile?;
            let value = named.config.token_of(named.profile, node)?;
            let key = named.profile.token_keys().first().copied()?;
            Some(Setting {
                value,
                origin: named.origin(key),
            })
        };
        if !self.token_file_first
            && let Some(setting) = of_profile()
        {
            return setting;
        }
        match self.token_of_flags() {
            Some(value) => Setting {
                value,
                origin: self.layers(None).said("token_file"),
            },
            None if std::env::var_os("HEADCOUNT_TOKEN").is_some() => Setting {
                value: TokenSource::usual(node),
                origin: Origin::Variable("token"),
            },
            None => Setting {
                value: TokenSource::usual(node),
                origin: Origin::Default,
            },
        }
    }

    /// Where the flags and variables say that the token is.
    pub fn token_of_flags(&self) -> Option<TokenSource> {
        let path = self.token_file.as_ref()?;
        Some(if path.as_os_str() == "-" {
            TokenSource::StandardInput
        } else {
            TokenSource::File(path.clone())
        })
    }

    /// Whether the token comes over standard input, so that nothing can be asked there.
    pub fn uses_standard_input(&self) -> bool {
        matches!(self.token_of_flags(), Some(TokenSource::StandardInput))
    }
}

fn destination(node_target: NodeTarget, usage: Usage, protected: Protected) -> Destination {
    Destination {
        profile: None,
        node_target,
        role_prefix: usage.role_prefix.value,
        rate: usage.rate.value,
        concurrency: usize::from(usage.concurrency.value),
        timeout: usage.timeout.value,
        network: Network::default(),
        protected,
        capabilities: Capabilities::default(),
    }
}
