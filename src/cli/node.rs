//! Flags of every command that talks to a node, and the connection they lead to.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args};
use secrecy::SecretString;

use super::{Exit, Failure};
use crate::pace::{self, HttpOptions, Line, Pace, Rate};
use crate::sandbox::{Options, Sandbox};
use crate::scim::{BulkLimits, Client};
use crate::settings::{Node, NodeError, Region, TokenSource};

/// Which node, as whom, and how fast.
#[derive(Debug, Args)]
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
    /// Try it out: start a node in this program and use it; nothing leaves this machine
    #[arg(long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_SANDBOX")]
    pub(super) sandbox: bool,
    /// A file that holds the token (- for standard input), instead of `HEADCOUNT_TOKEN`
    #[arg(long, value_name = "FILE", env = "HEADCOUNT_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// What names of roles begin with on the node (its role mapping prefix)
    #[arg(long, value_name = "PREFIX", env = "HEADCOUNT_ROLE_PREFIX")]
    role_prefix: Option<String>,
    /// Never send more calls than this: 50/s, 180/min, 25000/h
    #[arg(long, value_name = "N[/s|/min|/h]", env = "HEADCOUNT_RATE")]
    pub(super) rate: Option<Rate>,
    /// At most this many calls in flight at once
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1024), env = "HEADCOUNT_CONCURRENCY")]
    concurrency: u16,
    /// How long one call may take before its answer counts as lost, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600), env = "HEADCOUNT_TIMEOUT")]
    timeout: u64,
}

/// A node that can be called.
#[derive(Debug)]
pub(super) struct Connected {
    pub(super) client: Arc<Client>,
    /// The node in words.
    pub(super) name: String,
    /// The node's address; the same for every sandbox of this program.
    pub(super) address: String,
    pub(super) role_prefix: Option<String>,
    /// How large bulk requests may be, where changes go by them.
    pub(super) bulk: Option<BulkLimits>,
    /// Keeps the embedded node alive.
    _sandbox: Option<Sandbox>,
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
        let (region, url, sandbox) = (
            given(&["region", "node"]),
            given(&["url"]),
            given(&["sandbox"]),
        );
        if url || sandbox {
            self.region = self.region.filter(|_| region);
            self.node = self.node.take().filter(|_| region);
        }
        if region || sandbox {
            self.url = self.url.take().filter(|_| url);
        }
        if region || url {
            self.sandbox &= sandbox;
        }
    }

    /// Refuses to guess which of two nodes is meant.
    fn check_one_node(&self) -> Result<(), Failure> {
        let named = [
            self.sandbox,
            self.url.is_some(),
            self.region.is_some() || self.node.is_some(),
        ];
        if named.into_iter().filter(|named| *named).count() > 1 {
            return Err(Failure::usage(
                "which node? Give only one of --sandbox, --url, and --region with --node (or their HEADCOUNT_ variables)",
            ));
        }
        Ok(())
    }

    /// The pace of this command's calls.
    pub(super) fn pace(&self) -> Arc<Pace> {
        Arc::new(Pace::new(self.concurrency(), self.rate))
    }

    pub(super) fn concurrency(&self) -> usize {
        usize::from(self.concurrency)
    }

    /// The ceiling, if one is given.
    pub(super) fn rate(&self) -> Option<Rate> {
        self.rate
    }

    /// Waits for no answer longer than this.
    pub(super) fn wait_at_most(&mut self, patience: Duration) {
        self.timeout = self.timeout.min(patience.as_secs());
    }

    /// The node, if it is one that outlives this program.
    pub(super) fn lasting(&self) -> Result<Node, Failure> {
        self.check_one_node()?;
        if self.sandbox {
            return Err(Failure::usage(
                "the node of --sandbox is gone when this command ends; start one with: headcount sandbox",
            ));
        }
        self.address().map_err(Failure::usage)
    }

    /// Whether the token comes over standard input, so that nothing can be asked there.
    pub(super) fn uses_standard_input(&self) -> bool {
        self.token_file
            .as_ref()
            .is_some_and(|path| path.as_os_str() == "-")
    }

    /// Makes a client for the node; no call is sent yet.
    pub(super) async fn connect(&self, pace: Arc<Pace>) -> Result<Connected, Failure> {
        self.check_one_node()?;
        if self.sandbox {
            let options = Options::default();
            let role_prefix = Some(
                self.role_prefix
                    .clone()
                    .unwrap_or_else(|| options.role_prefix.clone()),
            );
            let sandbox = Sandbox::start(options).await.map_err(Failure::unexpected)?;
            let node = Node::at(&sandbox.base_url()).map_err(Failure::unexpected)?;
            let client = self.client(&node, &SecretString::from(sandbox.token()), pace)?;
            return Ok(Connected {
                client,
                name: "the sandbox".to_owned(),
                address: "sandbox".to_owned(),
                role_prefix,
                bulk: None,
                _sandbox: Some(sandbox),
            });
        }
        let node = self.address().map_err(Failure::usage)?;
        let source = match &self.token_file {
            None => TokenSource::Environment,
            Some(path) if path.as_os_str() == "-" => TokenSource::StandardInput,
            Some(path) => TokenSource::File(path.clone()),
        };
        let token = source.read().map_err(Failure::usage)?;
        let client = self.client(&node, &token, pace)?;
        Ok(Connected {
            client,
            name: node.to_string(),
            address: node.base().to_string(),
            role_prefix: self.role_prefix.clone(),
            bulk: None,
            _sandbox: None,
        })
    }

    fn address(&self) -> Result<Node, NodeError> {
        match (&self.url, self.region, &self.node) {
            (Some(url), ..) => Node::at(url),
            (None, Some(region), Some(node)) => Node::in_region(region, node),
            _ => Err(NodeError::Missing),
        }
    }

    fn client(
        &self,
        node: &Node,
        token: &SecretString,
        pace: Arc<Pace>,
    ) -> Result<Arc<Client>, Failure> {
        let options = HttpOptions {
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(self.timeout),
            connections: self.concurrency(),
            loopback: node.is_loopback(),
        };
        let http = pace::client(options).map_err(|error| {
            Failure::new(
                Exit::Unexpected,
                format!("no connection can be set up: {error}"),
            )
        })?;
        let line = Line::new(http, token, pace).map_err(Failure::usage)?;
        Ok(Arc::new(Client::new(line, node.base().clone())))
    }
}
