//! `headcount request`: one call as it stands.

use bytes::Bytes;
use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};

use super::args::CallArgs;
use super::printed::print;
use super::{Exit, JobError, signals};
use crate::report::say;
use crate::request::{CurlBody, Data, curl, pretty, telling};
use crate::scim::{Raw, RequestTarget};
use crate::transport::retry::{CallStatus, call_status};
use crate::transport::{Fault, FaultKind};

const EXAMPLES: &str = "\
Examples:
  headcount request GET /ServiceProviderConfig --sandbox
  headcount request get 'Users?startIndex=1&count=2'
  headcount request GET /Users --query 'filter=userName eq \"ann@example.com\"'
  headcount request POST /Groups --data '{\"displayName\": \"Night shift\"}'
  headcount request PATCH /Users/123 --data @lock.json
  headcount request DELETE /Groups/abc
  headcount request POST /Users --data @ann.json --curl    the same for a shell; nothing is sent

This is the way past everything else: it does not ask before it locks or deletes, checks nothing but
that the body is JSON, and is in no results. The call is sent once, whatever is answered.

The body of the answer goes to standard output, laid out if it is JSON; the status and header fields
that tell something go to standard error.

Exit codes: 0 the node said yes (2xx), 2 wrong usage or a body that is not JSON (nothing was sent),
3 no answer, or the token may not do this (401, 403), 4 any other answer, 130 interrupted.";

/// Make one raw call to the node
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct RequestArgs {
    /// The method, in upper or lower case
    #[arg(value_enum, ignore_case = true)]
    method: Method,
    /// The path below the node's address, as it stands in an address: /Users, Users/123?count=5
    path: String,
    /// The JSON to send; @FILE for what is in a file, @- for standard input
    #[arg(long, value_name = "JSON|@FILE|@-", env = "HEADCOUNT_DATA")]
    data: Option<String>,
    /// A query parameter, written as it is meant (it is encoded on the way); several times if need be
    #[arg(long, value_name = "NAME=VALUE", value_parser = parameter, env = "HEADCOUNT_QUERY")]
    query: Vec<(String, String)>,
    /// Print the call as a command for a shell, and send nothing
    #[arg(long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_CURL")]
    curl: bool,
    #[command(flatten)]
    pub(super) node: CallArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "UPPER")]
enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl From<Method> for reqwest::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Get => Self::GET,
            Method::Post => Self::POST,
            Method::Put => Self::PUT,
            Method::Patch => Self::PATCH,
            Method::Delete => Self::DELETE,
        }
    }
}

fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(format!("{text:?} is not NAME=VALUE, such as count=5")),
    }
}

/// `headcount request`
pub(super) async fn request(args: RequestArgs) -> Result<Exit, JobError> {
    let mut target = RequestTarget::read(&args.path).map_err(JobError::usage)?;
    for (name, value) in &args.query {
        target = target.with(name, value);
    }
    let data = args.data.as_deref().map(Data::from);
    if args.method == Method::Get && data.is_some() {
        return Err(JobError::usage(
            "GET sends no body; parameters go into the path or --query",
        ));
    }
    if data == Some(Data::StandardInput) && args.node.node_ref().uses_standard_input() && !args.curl
    {
        return Err(JobError::usage(
            "the token and the body cannot both come over standard input; put one of them in a file",
        ));
    }
    if args.curl {
        return written(&args, &target, data.as_ref());
    }
    let body = read(data.as_ref())?;
    let node = args.node.node_ref().one()?;
    let node = node.connect(node.pace()).await?;
    let method = args.method.into();
    let answer = tokio::select! {
        answer = node.client.ask(method, &target, body) => answer,
        () = signals::once() => {
            let said = "interrupted; the call may have been carried out";
            return Err(JobError::new(Exit::Interrupted, said));
        }
    };
    show(&answer.map_err(|fault| unanswered(&fault, args.method))?)
}

fn read(data: Option<&Data>) -> Result<Option<Bytes>, JobError> {
    data.map(Data::read).transpose().map_err(JobError::usage)
}

/// Prints the call for a shell.
fn written(
    args: &RequestArgs,
    target: &RequestTarget,
    data: Option<&Data>,
) -> Result<Exit, JobError> {
    let destination = args.node.node_ref().one()?;
    let node = destination.lasting()?;
    let body = read(data)?;
    let text = body.as_deref().map(String::from_utf8_lossy);
    let body = match (data, &text) {
        (Some(Data::File(path)), _) => Some(CurlBody::File(path)),
        (_, Some(text)) => Some(CurlBody::Text(text)),
        _ => None,
    };
    let command = curl(
        &args.method.into(),
        &target.on(node.base()),
        body,
        destination.network.for_curl(),
    );
    print(command.as_bytes())?;
    Ok(Exit::Done)
}

/// Shows an answer.
fn show(answer: &Raw) -> Result<Exit, JobError> {
    let reason = answer.status.canonical_reason().unwrap_or_default();
    say(format!("HTTP {} {reason}", answer.status.as_u16()).trim_end());
    for field in telling(&answer.headers) {
        say(field);
    }
    match pretty(&answer.body).or_else(|| String::from_utf8(answer.body.to_vec()).ok()) {
        Some(text) => print(text.as_bytes())?,
        None => print(&answer.body)?,
    }
    Ok(match answer.status.as_u16() {
        200..=299 => Exit::Done,
        // A 403 may also be the provider's way of saying "too fast".
        401 | 403 if call_status(answer.status, &answer.body) == CallStatus::Decided => {
            Exit::NoNode
        }
        _ => Exit::RowsFailed,
    })
}

fn unanswered(fault: &Fault, method: Method) -> JobError {
    let doubtful = fault.kind != FaultKind::Unreachable && method != Method::Get;
    let advice = if doubtful {
        "; it may have been carried out: look before you send it again"
    } else {
        ""
    };
    JobError::new(Exit::NoNode, format_args!("{fault}{advice}"))
}
