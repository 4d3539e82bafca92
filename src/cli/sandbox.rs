//! `headcount sandbox`: the embedded node as a server of its own.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use clap::builder::FalseyValueParser;

use super::{Exit, JobError};
use crate::report::{Style, say};
use crate::sandbox::{Bulk, Faults, Gzip, Limits, Options, Paging, Sandbox, Tls, Versions};

const EXAMPLES: &str = "\
Examples:
  headcount sandbox --listen 127.0.0.1:8080 --token secret
  headcount sandbox --users 100000 --page-max 500 --rate 50
  headcount sandbox --limit users=180/min:fixed,groups=30/min --tell-limits
  headcount sandbox --faults '500=5%,reset@after=1%' --seed 7
  headcount sandbox --users 5000 --paging cursor --gzip
  headcount sandbox --bulk --bulk-max-operations 100
  headcount sandbox --tls --ca-out sandbox-ca.pem

Fault kinds: 500, 503, 429, throttled, reset, cut, delay, html, empty, malformed, content-type; each
as KIND[@before|@after]=SHARE: before or after the call takes effect.";

/// Run a node for trying things out, on this machine only
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct SandboxArgs {
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0", env = "HEADCOUNT_LISTEN")]
    listen: SocketAddr,
    /// Encrypt: with a certificate that is made for this, and whose authority --ca-cert is to name
    #[arg(long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_SANDBOX_TLS")]
    tls: bool,
    /// Where to write the authority's certificate; else to a temporary file
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls",
        env = "HEADCOUNT_SANDBOX_CA_OUT"
    )]
    ca_out: Option<PathBuf>,
    /// A name that the certificate is for, beside those of this machine
    #[arg(
        long,
        value_name = "NAME",
        requires = "tls",
        value_delimiter = ',',
        env = "HEADCOUNT_SANDBOX_TLS_NAME"
    )]
    tls_name: Vec<String>,
    /// Encrypt with this certificate (PEM), and those between it and its authority
    #[arg(
        long,
        value_name = "FILE",
        requires = "key",
        conflicts_with = "tls",
        env = "HEADCOUNT_SANDBOX_CERT"
    )]
    cert: Option<PathBuf>,
    /// The private key of --cert (PEM)
    #[arg(
        long,
        value_name = "FILE",
        requires = "cert",
        env = "HEADCOUNT_SANDBOX_KEY"
    )]
    key: Option<PathBuf>,
    /// The versions of HTTP that it offers where it encrypts
    #[arg(
        long,
        value_enum,
        value_name = "VERSIONS",
        env = "HEADCOUNT_SANDBOX_HTTP"
    )]
    http: Option<Versions>,
    /// The node's id
    #[arg(long, value_name = "ID", env = "HEADCOUNT_SANDBOX_NODE")]
    node: Option<String>,
    /// The token to ask for; else a random one is made
    #[arg(long, env = "HEADCOUNT_SANDBOX_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// How many users it holds at first
    #[arg(long, value_name = "N", env = "HEADCOUNT_SANDBOX_USERS")]
    users: Option<usize>,
    /// How many teams it holds at first
    #[arg(long, value_name = "N", env = "HEADCOUNT_SANDBOX_TEAMS")]
    teams: Option<usize>,
    /// How many licensed seats it has; more users are refused with 428
    #[arg(long, value_name = "N", env = "HEADCOUNT_SANDBOX_SEATS")]
    seats: Option<usize>,
    /// The largest page it grants
    #[arg(long, value_name = "N", env = "HEADCOUNT_SANDBOX_PAGE_MAX")]
    page_max: Option<usize>,
    /// By which way it gives lists page by page
    #[arg(long, value_enum, value_name = "HOW", env = "HEADCOUNT_SANDBOX_PAGING")]
    paging: Option<Paging>,
    /// Calls a second that it takes; more are refused with 429
    #[arg(long, value_name = "N", env = "HEADCOUNT_SANDBOX_RATE")]
    rate: Option<u32>,
    /// What else it takes, by class of call: writes=180/min:20, groups=600/min:fixed, all=6/once; see the
    /// reference
    #[arg(long, value_name = "SPEC", env = "HEADCOUNT_SANDBOX_LIMIT")]
    limit: Option<Limits>,
    /// Say in each answer what is left of the limits (`RateLimit` fields)
    #[arg(long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_SANDBOX_TELL_LIMITS")]
    tell_limits: bool,
    /// How long it takes to answer, in milliseconds
    #[arg(long, value_name = "MS", env = "HEADCOUNT_SANDBOX_LATENCY")]
    latency: Option<u64>,
    /// Which answers it packs by gzip; alone it means those for which that is asked
    #[arg(
        long,
        value_enum,
        num_args = 0..=1,
        default_missing_value = "asked",
        value_name = "WHICH",
        env = "HEADCOUNT_SANDBOX_GZIP"
    )]
    gzip: Option<Gzip>,
    /// Which calls go wrong, and how
    #[arg(long, value_name = "SPEC", env = "HEADCOUNT_SANDBOX_FAULTS")]
    faults: Option<Faults>,
    /// What the faults are drawn from: the same number, the same faults
    #[arg(long, value_name = "N", env = "HEADCOUNT_SANDBOX_SEED")]
    seed: Option<u64>,
    /// What names of roles begin with
    #[arg(long, value_name = "PREFIX", env = "HEADCOUNT_SANDBOX_ROLE_PREFIX")]
    role_prefix: Option<String>,
    /// Whether it takes bulk requests; alone it means yes
    #[arg(
        long,
        value_enum,
        num_args = 0..=1,
        default_missing_value = "yes",
        value_name = "HOW",
        env = "HEADCOUNT_SANDBOX_BULK"
    )]
    bulk: Option<Bulk>,
    /// The most operations of a bulk request; more are refused with 413
    #[arg(long, value_name = "N", env = "HEADCOUNT_SANDBOX_BULK_MAX_OPERATIONS")]
    bulk_max_operations: Option<usize>,
    /// The most bytes of a bulk request; more are refused with 413
    #[arg(long, value_name = "BYTES", env = "HEADCOUNT_SANDBOX_BULK_MAX_PAYLOAD")]
    bulk_max_payload: Option<usize>,
}

impl SandboxArgs {
    /// What was said, and what a sandbox does otherwise.
    fn options(self) -> Result<Options, JobError> {
        let default = Options::default();
        Ok(Options {
            listen: self.listen,
            tls: tls(&self)?,
            versions: self.http.unwrap_or_default(),
            node: self.node.unwrap_or(default.node),
            token: self.token,
            users: self.users.unwrap_or(default.users),
            teams: self.teams.unwrap_or(default.teams),
            seats: self.seats.or(default.seats),
            page_max: self.page_max.unwrap_or(default.page_max),
            paging: self.paging.unwrap_or(default.paging),
            rate: self.rate.or(default.rate),
            limits: self.limit.unwrap_or(default.limits),
            tell_limits: self.tell_limits,
            latency: self.latency.map_or(default.latency, Duration::from_millis),
            gzip: self.gzip.unwrap_or(default.gzip),
            faults: self.faults.unwrap_or(default.faults),
            seed: self.seed.unwrap_or(default.seed),
            role_prefix: self.role_prefix.unwrap_or(default.role_prefix),
            bulk: self.bulk.unwrap_or(default.bulk),
            bulk_max_operations: self
                .bulk_max_operations
                .unwrap_or(default.bulk_max_operations),
            bulk_max_payload: self.bulk_max_payload.unwrap_or(default.bulk_max_payload),
        })
    }
}

/// `headcount sandbox`
pub(super) async fn serve(args: SandboxArgs) -> Result<Exit, JobError> {
    let (listen, ca_out) = (args.listen, args.ca_out.clone());
    let own_token = args.token.is_some();
    let sandbox = Sandbox::start(args.options()?).await.map_err(|error| {
        JobError::usage(format_args!(
            "the sandbox cannot listen on {listen}: {error}"
        ))
    })?;
    let url = sandbox.base_url();
    // Removed with this, unless it was named.
    let authority = sandbox
        .authority()
        .map(|pem| authority(pem, ca_out.as_deref()));
    let authority = authority.transpose()?;
    super::printed::print(format!("{url}\n").as_bytes())?;
    let trust = match &authority {
        Some(file) => format!(" \\\n    HEADCOUNT_CA_CERT={}", file.path().display()),
        None => String::new(),
    };
    // The one place where a token is shown: this one opens nothing but the sandbox.
    let token = if own_token { "..." } else { sandbox.token() };
    let export = Style::Command.on(format_args!(
        "export HEADCOUNT_URL={url} HEADCOUNT_TOKEN={token}{trust}"
    ));
    let users = Style::Command.on("headcount export users");
    say(format_args!(
        "A node to try things out with is at {url}\nUse it from another terminal (Ctrl-C here ends it):\n  {export}\n  \
         {users}"
    ));
    super::signals::once().await;
    sandbox.stop().await;
    Ok(Exit::Done)
}

/// The certificate that was asked for.
fn tls(args: &SandboxArgs) -> Result<Option<Tls>, JobError> {
    let read = |path: &Path| {
        std::fs::read(path).map_err(|error| {
            JobError::usage(format_args!("{} cannot be read: {error}", path.display()))
        })
    };
    Ok(match (&args.cert, &args.key) {
        (Some(cert), Some(key)) => Some(Tls::Given {
            chain: read(cert)?,
            key: read(key)?,
        }),
        _ => args.tls.then(|| Tls::Made {
            names: args.tls_name.clone(),
        }),
    })
}

/// The file with the certificate of the sandbox's authority.
enum AuthorityFile {
    Named(PathBuf),
    Temporary(tempfile::NamedTempFile),
}

impl AuthorityFile {
    fn path(&self) -> &Path {
        match self {
            AuthorityFile::Named(path) => path,
            AuthorityFile::Temporary(file) => file.path(),
        }
    }
}

fn authority(pem: &str, named: Option<&Path>) -> Result<AuthorityFile, JobError> {
    let written = match named {
        Some(path) => std::fs::write(path, pem).map(|()| AuthorityFile::Named(path.to_owned())),
        None => temporary(pem).map(AuthorityFile::Temporary),
    };
    written.map_err(|error| {
        JobError::usage(format_args!(
            "the certificate of the sandbox's authority cannot be written: {error}"
        ))
    })
}

fn temporary(pem: &str) -> std::io::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::Builder::new()
        .prefix("headcount-sandbox-ca-")
        .suffix(".pem")
        .tempfile()?;
    file.write_all(pem.as_bytes())?;
    Ok(file)
}
