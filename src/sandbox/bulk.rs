//! Bulk requests (RFC 7644, section 3.7): many operations in one call, each with an answer of its own.
//!
//! Where RFC 7644 leaves a choice, the node takes this side:
//!
//! - The form of a request is checked as a whole; if it is wrong, nothing is carried out. Everything else is an
//!   operation's own success or failure, and the call is answered 200.
//! - Operations are carried out in their order, but one that refers to a later one waits for it. Answers come in the
//!   order of the request.
//! - Operations that refer to each other in a circle are refused with 409 at once. A reference to what does not exist
//!   or was not created is 400.
//! - A success is answered without the resource.
//! - The store is locked for one operation at a time: other calls may come in between.

use std::collections::HashMap;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::post;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::attribute::Kind;
use super::bulk_id;
use super::bulk_request::{Operation, Request, Target, Verb};
use super::error::{ScimError, answer};
use super::node::{Node, Shared};
use super::operation;
use super::options::{Bulk, Offer};
use super::params::Payload;
use super::patch::Patch;
use super::store::{group_id, user_id};

const RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";

/// `/Bulk`, if there is one.
pub(super) fn routes(offer: Offer) -> Router<Shared> {
    match offer.bulk {
        Bulk::No => Router::new(),
        Bulk::Claimed => Router::new().route(
            "/Bulk",
            post(async || {
                let detail = "bulk requests are not supported";
                ScimError::new(StatusCode::NOT_IMPLEMENTED, detail)
            }),
        ),
        Bulk::Yes => Router::new().route(
            "/Bulk",
            post(async |State(node): State<Shared>, Payload(body): Payload| {
                carry_out(&node, &body)
            }),
        ),
    }
}

fn carry_out(node: &Node, body: &[u8]) -> Result<Response, ScimError> {
    let Offer {
        max_operations,
        max_payload,
        ..
    } = node.bulk;
    if body.len() > max_payload {
        return Err(too_much("maxPayloadSize", max_payload, body.len(), "bytes"));
    }
    let request = Request::read(body)?;
    let count = request.operations.len();
    if count > max_operations {
        return Err(too_much(
            "maxOperations",
            max_operations,
            count,
            "operations",
        ));
    }
    let answers = Job::new(node, request).run();
    let body = json!({ "schemas": [RESPONSE], "Operations": answers });
    Ok(answer(StatusCode::OK, body.to_string()))
}

/// The refusal of RFC 7644, section 3.7.4, which names the limit.
fn too_much(limit: &str, most: usize, found: usize, unit: &str) -> ScimError {
    ScimError::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("The bulk request has {found} {unit}, which exceeds the {limit} ({most})."),
    )
}

/// What became of an operation.
struct Outcome {
    result: Result<StatusCode, ScimError>,
    /// What it was about, if that is known; after a POST, what that created.
    target: Option<Target>,
}

/// A request being carried out.
struct Job<'a> {
    node: &'a Node,
    operations: Vec<Operation>,
    /// Operations that create something, by their `bulkId`.
    creating: HashMap<String, usize>,
    /// For each operation, those it refers to.
    referred: Vec<Vec<usize>>,
    outcomes: Vec<Option<Outcome>>,
    /// How many more errors end the request.
    errors_left: u64,
}

impl<'a> Job<'a> {
    fn new(node: &'a Node, request: Request) -> Self {
        let mut operations = request.operations;
        let creating: HashMap<String, usize> = (0..)
            .zip(&operations)
            .filter(|(_, operation)| operation.verb == Verb::Post)
            .filter_map(|(at, operation)| Some((operation.bulk_id.clone()?, at)))
            .collect();
        let referred = operations
            .iter_mut()
            .map(|operation| {
                let names = operation.references();
                let known = names.iter().filter_map(|name| creating.get(name).copied());
                known.collect()
            })
            .collect();
        Self {
            node,
            outcomes: operations.iter().map(|_| None).collect(),
            operations,
            creating,
            referred,
            errors_left: request.fail_on_errors.unwrap_or(u64::MAX),
        }
    }

    /// Carries out everything, or up to one error too many; gives the answers.
    fn run(mut self) -> Vec<Value> {
        for at in 0..self.operations.len() {
            if self.errors_left == 0 {
                break;
            }
            self.settle(at);
        }
        let done = self.operations.iter().zip(self.outcomes);
        let base = self.node.read().base.clone();
        done.filter_map(|(operation, outcome)| Some(answered(&base, operation, outcome?)))
            .collect()
    }

    /// Carries out the operation at `first` and, before it, those it refers to. Without recursion: a chain of
    /// references may be as long as the request.
    fn settle(&mut self, first: usize) {
        let mut chain = vec![first];
        while let Some(&at) = chain.last() {
            if self.errors_left == 0 {
                return;
            }
            if self.outcomes[at].is_some() {
                chain.pop();
                continue;
            }
            let mut referred = self.referred[at].iter();
            match referred.find(|other| self.outcomes[**other].is_none()) {
                None => {
                    let outcome = self.operate(at);
                    self.note(at, outcome);
                }
                Some(&other) => match chain.iter().position(|link| *link == other) {
                    None => chain.push(other),
                    Some(start) => {
                        for link in chain.split_off(start) {
                            let target = self.operations[link].target.clone().ok();
                            self.note(link, Outcome::circular(target));
                        }
                    }
                },
            }
        }
    }

    fn note(&mut self, at: usize, outcome: Outcome) {
        if outcome.result.is_err() {
            self.errors_left = self.errors_left.saturating_sub(1);
        }
        self.outcomes[at] = Some(outcome);
    }

    fn operate(&mut self, at: usize) -> Outcome {
        let data = self.operations[at].data.take();
        let operation = &self.operations[at];
        let target = operation.target.clone().and_then(|mut target| {
            if let Some(id) = &mut target.id {
                self.resolve(id)?;
            }
            Ok(target)
        });
        match target {
            Ok(mut target) => Outcome {
                result: self.apply(operation, &mut target, data),
                target: Some(target),
            },
            Err(refusal) => Outcome {
                result: Err(refusal),
                target: None,
            },
        }
    }

    /// Does to `target` what the same call on its own would do. What a POST creates becomes the target.
    fn apply(
        &self,
        operation: &Operation,
        target: &mut Target,
        mut data: Value,
    ) -> Result<StatusCode, ScimError> {
        let kind = target.kind;
        if data.is_null() && operation.verb != Verb::Delete {
            return Err(ScimError::syntax(format!(
                "{} needs \"data\"",
                operation.verb.name()
            )));
        }
        operation.each_link(kind, &mut data, &mut |id| self.resolve(id))?;
        match (operation.verb, target.id.as_deref()) {
            (Verb::Post, None) => {
                let place = operation::create(&mut self.node.write(), kind, &data)?;
                let id = match kind {
                    Kind::User => user_id(place),
                    Kind::Group => group_id(place),
                };
                target.id = Some(id.to_string());
                return Ok(StatusCode::CREATED);
            }
            (Verb::Put, Some(id)) => {
                operation::replace(&mut self.node.write(), kind, id, &data)?;
            }
            (Verb::Patch, Some(id)) => {
                let patch = Patch::read(kind, data)?;
                operation::patch(&mut self.node.write(), kind, id, &patch)?;
            }
            (Verb::Delete, Some(id)) => {
                operation::delete(&mut self.node.write(), kind, id)?;
                return Ok(StatusCode::NO_CONTENT);
            }
            (verb, _) => return Err(ScimError::no_such_method(verb.name(), &operation.path)),
        }
        Ok(StatusCode::OK)
    }

    /// Puts the id of what was created in the place of a reference to it.
    fn resolve(&self, id: &mut String) -> Result<(), ScimError> {
        let Some(name) = bulk_id::referred(id) else {
            return Ok(());
        };
        let Some(at) = self.creating.get(name) else {
            return Err(ScimError::value(format!(
                "no operation of this request creates bulkId {name:?}"
            )));
        };
        let outcome = self.outcomes[*at].as_ref();
        match outcome.map(|outcome| (&outcome.result, &outcome.target)) {
            Some((Ok(_), Some(Target { id: Some(new), .. }))) => {
                id.clone_from(new);
                Ok(())
            }
            _ => Err(ScimError::value(format!(
                "what bulkId {name:?} stands for was not created"
            ))),
        }
    }
}

impl Outcome {
    fn circular(target: Option<Target>) -> Self {
        let detail = "operations refer to each other in a circle";
        Self {
            result: Err(ScimError::new(StatusCode::CONFLICT, detail)),
            target,
        }
    }
}

/// An operation of the response.
fn answered(base: &str, operation: &Operation, outcome: Outcome) -> Value {
    let mut answer = json!({ "method": operation.verb.name() });
    if let Some(bulk_id) = &operation.bulk_id {
        answer["bulkId"] = bulk_id.as_str().into();
    }
    // All have a location but what was not created, and what was never found out.
    if let Some(Target { kind, id: Some(id) }) = &outcome.target
        && bulk_id::referred(id).is_none()
        && (operation.verb != Verb::Post || outcome.result.is_ok())
    {
        let id = utf8_percent_encode(id, NON_ALPHANUMERIC);
        answer["location"] = format!("{base}/{}/{id}", kind.endpoint()).into();
    }
    match outcome.result {
        Ok(status) => answer["status"] = status.as_str().into(),
        Err(refusal) => {
            answer["status"] = refusal.status.as_str().into();
            answer["response"] = refusal.body();
        }
    }
    answer
}
