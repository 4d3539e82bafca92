//! A node that was named, and the connection to it.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use super::super::memory::Memory;
use super::super::{Exit, JobError};
use super::Network;
use crate::roster::{NodeNames, Protected};
use crate::sandbox::{Options, Sandbox};
use crate::scim::Capabilities;
use crate::scim::{BulkLimits, Client};
use crate::settings::{Node, SecretsManagerError, TokenError, TokenSource};
use crate::transport::{
    self, HttpOptions, LearnedRates, NoHttp, Pace, RateSetting, Route, Transport,
};

/// Which node, as whom, and how fast.
#[derive(Debug, Clone)]
pub struct Destination {
    /// The name of its profile, if it was named by one.
    pub profile: Option<String>,
    pub node_target: NodeTarget,
    pub role_prefix: Option<String>,
    /// The ceiling, if one is given.
    pub rate: RateSetting,
    /// How many calls may be in flight.
    pub concurrency: usize,
    pub timeout: Duration,
    /// How calls get there.
    pub network: Network,
    /// Who is never locked or deleted.
    pub protected: Protected,
    /// How changes are put to it, as far as its profile says.
    pub capabilities: Capabilities,
}

/// The address of the node inside this program.
pub const SANDBOX: &str = "sandbox";

/// Where it is.
#[derive(Debug, Clone)]
pub enum NodeTarget {
    /// In this program, for as long as it runs.
    Sandbox,
    /// Somewhere.
    At { node: Node, token: TokenSource },
}

/// A node that can be called.
#[derive(Debug)]
pub struct Connected {
    pub client: Arc<Client>,
    /// The node in words.
    pub name: String,
    /// The node's address; the same for every sandbox of this program.
    pub address: String,
    pub role_prefix: Option<String>,
    /// How large bulk requests may be, where changes go by them.
    pub bulk: Option<BulkLimits>,
    /// How changes are put to it, as far as that is known.
    pub capabilities: Capabilities,
    /// Keeps the embedded node alive.
    _sandbox: Option<Sandbox>,
}

impl Destination {
    /// The pace of the calls to it.
    pub fn pace(&self) -> Arc<Pace> {
        Arc::new(Pace::new(self.concurrency, self.rate))
    }

    /// The same, as far as it is known from earlier runs. A sandbox begins anew each time.
    pub fn remembered_pace(&self, memory: &Memory) -> Arc<Pace> {
        let learned = match self.node_target {
            NodeTarget::Sandbox => LearnedRates::default(),
            NodeTarget::At { .. } => memory.of(&self.address()),
        };
        Arc::new(Pace::remembering(self.concurrency, self.rate, learned))
    }

    /// Keeps what a run found out about its pace.
    pub fn remember(&self, pace: &Pace, memory: &Memory) {
        if let Some(learned) = pace.learned()
            && !self.is_sandbox()
        {
            memory.keep(&self.address(), learned);
        }
    }

    pub fn is_sandbox(&self) -> bool {
        matches!(self.node_target, NodeTarget::Sandbox)
    }

    /// What a file may call it.
    pub fn names(&self) -> NodeNames {
        let id = match &self.node_target {
            NodeTarget::Sandbox => "sandbox".to_owned(),
            NodeTarget::At { node, .. } => node.id().to_owned(),
        };
        match &self.profile {
            Some(profile) => NodeNames {
                name: profile.clone(),
                others: vec![id],
            },
            None => NodeNames {
                name: id,
                others: Vec::new(),
            },
        }
    }

    /// Its address; the same for every sandbox of this program.
    pub fn address(&self) -> String {
        match &self.node_target {
            NodeTarget::Sandbox => SANDBOX.to_owned(),
            NodeTarget::At { node, .. } => node.base().to_string(),
        }
    }

    /// The node in words.
    pub fn in_words(&self) -> String {
        match (&self.node_target, &self.profile) {
            (NodeTarget::Sandbox, _) => "the sandbox".to_owned(),
            (NodeTarget::At { node, .. }, Some(profile)) => format!("{profile} ({node})"),
            (NodeTarget::At { node, .. }, None) => node.to_string(),
        }
    }

    /// Waits for no answer longer than this.
    pub fn wait_at_most(&mut self, patience: Duration) {
        self.timeout = self.timeout.min(patience);
    }

    /// The node, if it is one that outlives this program.
    pub fn lasting(&self) -> Result<&Node, JobError> {
        match &self.node_target {
            NodeTarget::At { node, .. } => Ok(node),
            NodeTarget::Sandbox => Err(JobError::usage(
                "the node of --sandbox is gone when this command ends; start one with: headcount sandbox",
            )),
        }
    }

    /// Makes a client for the node; no call is sent yet.
    pub async fn connect(&self, pace: Arc<Pace>) -> Result<Connected, JobError> {
        let (node, token) = match &self.node_target {
            NodeTarget::Sandbox => return self.start_sandbox(pace).await,
            NodeTarget::At { node, token } => (node, token),
        };
        // A keyring may have to be unlocked first, and other places are asked over the network.
        let source = token.clone();
        let token = tokio::task::spawn_blocking(move || source.read()).await;
        let token = token.map_err(JobError::unexpected)?;
        let token = token.map_err(|error| no_token(self.profile.as_deref(), &error))?;
        Ok(Connected {
            client: self.client(node, &token, pace)?,
            name: self.in_words(),
            address: self.address(),
            role_prefix: self.role_prefix.clone(),
            bulk: None,
            capabilities: self.capabilities,
            _sandbox: None,
        })
    }

    async fn start_sandbox(&self, pace: Arc<Pace>) -> Result<Connected, JobError> {
        let options = Options::default();
        let role_prefix = self.role_prefix.clone();
        let role_prefix = role_prefix.unwrap_or_else(|| options.role_prefix.clone());
        let sandbox = Sandbox::start(options)
            .await
            .map_err(JobError::unexpected)?;
        let node = Node::at(&sandbox.base_url()).map_err(JobError::unexpected)?;
        let client = self.client(&node, &SecretString::from(sandbox.token()), pace)?;
        Ok(Connected {
            client,
            name: self.in_words(),
            address: self.address(),
            role_prefix: Some(role_prefix),
            bulk: None,
            capabilities: self.capabilities,
            _sandbox: Some(sandbox),
        })
    }

    /// The way to it.
    pub fn route(&self) -> Route {
        match &self.node_target {
            NodeTarget::Sandbox => Route::Straight,
            NodeTarget::At { node, .. } => self.route_to(node),
        }
    }

    fn route_to(&self, node: &Node) -> Route {
        Route::to(node.base(), self.network.proxy.as_ref())
    }

    fn client(
        &self,
        node: &Node,
        token: &SecretString,
        pace: Arc<Pace>,
    ) -> Result<Arc<Client>, JobError> {
        let options = HttpOptions {
            node: node.base().clone(),
            connect_timeout: self.network.connect_timeout(self.timeout),
            timeout: self.timeout,
            connections: self.concurrency,
            route: self.route_to(node),
            ca_certs: self.network.ca_certs()?,
            version: self.network.http_version,
        };
        let http = transport::client(options).map_err(|error| match error {
            NoHttp::NoAuthorities => JobError::new(Exit::NoNode, error),
            NoHttp::Other(_) => JobError::unexpected(error),
        })?;
        let line = Transport::new(http, token, pace).map_err(JobError::usage)?;
        Ok(Arc::new(Client::new(line, node.base().clone())))
    }
}

/// There is no token for the node of a profile, or for the one that flags name.
pub fn no_token(profile: Option<&str>, error: &TokenError) -> JobError {
    let exit = match error {
        TokenError::SecretsManager(SecretsManagerError::Refused { .. }) => Exit::NoNode,
        _ => Exit::Usage,
    };
    match profile {
        Some(profile) => JobError::new(exit, format_args!("profile {profile:?}: {error}")),
        None => JobError::new(exit, error),
    }
}
