//! What a node says became of the operations of a bulk request (RFC 7644, section 3.7.3).
//!
//! Nothing is guessed: an operation that the response does not speak of, or speaks of twice, counts as one whose answer
//! was lost.

use std::collections::HashMap;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use reqwest::StatusCode;
use serde_json::Value;

use super::bulk::{BulkMethod, BulkRequest, Named};
use super::error::{Error, Refusal};
use super::loose::{self, Object, Text};
use super::message::detail;
use super::reply::Reply;
use super::resource::{Resource, resource};
use crate::transport::retry::{CallStatus, call_status};
use crate::transport::{Fault, FaultKind, Refused};

/// What came back, in the node's own order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkResponse {
    /// Those that have a status.
    pub results: Vec<BulkResult>,
}

/// What became of one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkResult {
    /// The name of the operation, if the node gives it back.
    pub bulk_id: Option<String>,
    /// What the operation does.
    pub method: Option<BulkMethod>,
    /// The address of what it is about; a POST that failed has none.
    pub location: Option<String>,
    /// The status code that the operation would have had as a call of its own.
    pub status: u16,
    /// The body that it would have had; with a success the node may leave it out.
    pub response: Option<Value>,
}

impl BulkResult {
    fn read(operation: Value) -> Option<Self> {
        let mut operation = Object::from(operation)?;
        let method = operation.text("method");
        Some(BulkResult {
            bulk_id: operation.text("bulkId"),
            method: method.and_then(|method| BulkMethod::read(&method)),
            location: operation.text("location"),
            status: status(operation.take("status")?)?,
            response: operation.take("response"),
        })
    }

    /// The id of what the operation is about, from the body or the address.
    #[must_use]
    pub fn id(&self) -> Option<String> {
        let body = self.response.clone().and_then(Object::from);
        body.and_then(|mut body| body.text("id")).or_else(|| {
            let last = self.location.as_deref()?.rsplit('/').next()?;
            let id = percent_decode_str(last).decode_utf8().ok()?;
            (!id.is_empty()).then(|| id.into_owned())
        })
    }

    /// The resource, where the node shows it.
    #[must_use]
    pub fn resource<R: Resource>(&self) -> Option<R> {
        resource(self.response.as_ref()?)
    }
}

/// `"201"` of RFC 7644, the `{"code": "201"}` of its drafts, a number, or a whole status line.
fn status(value: Value) -> Option<u16> {
    let written = match value {
        Value::Object(_) => Object::from(value)?.text("code")?,
        other => loose::of::<Text, _>(other)??,
    };
    let mut words = written.split_whitespace();
    let code = words.find_map(|word| word.parse().ok())?;
    (100..600).contains(&code).then_some(code)
}

impl BulkResponse {
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let mut object = Object::parse(body).filter(|object| !object.is_error())?;
        let operations = object.list("Operations")?;
        Some(BulkResponse {
            results: operations
                .into_iter()
                .filter_map(BulkResult::read)
                .collect(),
        })
    }

    /// The results in the order of the request, `None` for an operation that has none.
    ///
    /// They are matched by `bulkId`. A node need not give that back but for a POST: then by method and address.
    #[must_use]
    pub fn for_request(self, request: &BulkRequest) -> Vec<Option<BulkResult>> {
        let mut named: HashMap<String, Vec<BulkResult>> = HashMap::new();
        let mut nameless = Vec::new();
        for result in self.results {
            match &result.bulk_id {
                Some(name) => named.entry(name.clone()).or_default().push(result),
                None => nameless.push(result),
            }
        }
        let operations = &request.operations;
        let mut found: Vec<Option<BulkResult>> = operations
            .iter()
            .map(|operation| only(named.remove(&operation.bulk_id)?, operation))
            .collect();
        if !nameless.is_empty() {
            match_by_address(&mut found, nameless, operations);
        }
        found
    }
}

/// The one result of a name, unless there are two or it is about something else.
fn only(mut results: Vec<BulkResult>, asked: &Named) -> Option<BulkResult> {
    let result = results.pop().filter(|_| results.is_empty())?;
    let method = result.method.unwrap_or(asked.operation.method);
    (method == asked.operation.method).then_some(result)
}

/// Gives results without a name to the operations that have none: those with the same method and address in their
/// order, if there are as many results as operations.
fn match_by_address(
    found: &mut [Option<BulkResult>],
    nameless: Vec<BulkResult>,
    operations: &[Named],
) {
    let mut by_address: HashMap<(BulkMethod, String), Vec<BulkResult>> = HashMap::new();
    for result in nameless {
        let address = result.location.as_deref().and_then(below_base);
        if let (Some(method), Some(address)) = (result.method, address) {
            by_address
                .entry((method, address))
                .or_default()
                .push(result);
        }
    }
    let mut open: HashMap<(BulkMethod, String), Vec<usize>> = HashMap::new();
    for (at, Named { operation, .. }) in operations.iter().enumerate() {
        // What a POST creates has no address before.
        if found[at].is_none()
            && operation.method != BulkMethod::Post
            && let Some(address) = below_base(&operation.path)
        {
            open.entry((operation.method, address))
                .or_default()
                .push(at);
        }
    }
    for (key, places) in open {
        let results = by_address.remove(&key).unwrap_or_default();
        if results.len() == places.len() {
            for (at, result) in places.into_iter().zip(results) {
                found[at] = Some(result);
            }
        }
    }
}

/// `Users/7` of `/Users/7` or `https://node/scim/v2/Users/7`.
fn below_base(address: &str) -> Option<String> {
    let mut segments = address.rsplit('/');
    let (id, endpoint) = (segments.next()?, segments.next()?);
    let id = percent_decode_str(id).decode_utf8().ok()?;
    (!id.is_empty()).then(|| format!("{endpoint}/{id}"))
}

impl Reply<BulkResponse> {
    /// What became of each operation, in the order of the request, as if each had been a call of its own.
    ///
    /// An operation without a result, or that failed on the way (5xx), is a lost answer: it may have taken effect.
    /// One that was throttled (429) is a refusal like any other here: to send it again is for the caller.
    #[must_use]
    pub fn results(self, request: &BulkRequest) -> Vec<Result<Reply<BulkResult>, Error>> {
        let (whole, response) = self.split();
        let results = response.for_request(request).into_iter();
        results
            .map(|result| match result {
                Some(result) => result.of_call(&whole),
                None => {
                    let cause = "the answer to the bulk request says nothing of it".to_owned();
                    Err(lost(&whole, None, Some(cause)))
                }
            })
            .collect()
    }
}

impl BulkResult {
    /// How a call of its own would have ended that was answered so.
    fn of_call(self, whole: &Reply<()>) -> Result<Reply<Self>, Error> {
        let status = self.status;
        if (200..300).contains(&status) {
            return Ok(Reply {
                status,
                attempts: whole.attempts,
                doubtful: whole.doubtful,
                put_off: whole.put_off,
                date: whole.date,
                value: self,
            });
        }
        let body = match self.response {
            Some(Value::String(text)) => text,
            Some(body) => body.to_string(),
            None => String::new(),
        };
        let body = body.as_bytes();
        let what = StatusCode::from_u16(status).map(|status| call_status(status, body));
        if let Ok(CallStatus::Unavailable | CallStatus::ServerError) = what {
            return Err(lost(whole, Some(status), detail(body)));
        }
        Err(Error::Refused(Refusal {
            status,
            detail: detail(body),
            scim_type: Object::parse(body).and_then(|mut body| body.text("scimType")),
            attempts: whole.attempts,
            doubtful: whole.doubtful,
            put_off: whole.put_off,
        }))
    }
}

fn lost(whole: &Reply<()>, status: Option<u16>, cause: Option<String>) -> Error {
    Error::Fault(Fault {
        kind: FaultKind::AnswerLost,
        cause: cause.map(Into::into),
        status,
        attempts: whole.attempts,
        may_have_worked: true,
        lasted: Duration::ZERO,
        refused: Refused::No,
        wait: None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::bulk::{BulkLimits, BulkOperation};
    use super::super::creation::NewUser;
    use super::super::message::Patch;
    use super::super::resource::{Group, User};
    use super::*;

    fn create() -> BulkOperation {
        BulkOperation::create::<User>(&NewUser::default())
    }

    fn delete(id: &str) -> BulkOperation {
        BulkOperation::delete::<User>(id).unwrap()
    }

    fn request(operations: Vec<BulkOperation>) -> BulkRequest {
        let mut request = BulkRequest::new(BulkLimits {
            max_operations: 100,
            max_payload: 1 << 20,
        });
        for operation in operations {
            request.add(operation).unwrap();
        }
        request
    }

    fn response(operations: &Value) -> BulkResponse {
        let body = json!({"Operations": operations}).to_string();
        BulkResponse::parse(body.as_bytes()).expect("a bulk response")
    }

    fn statuses(request: &BulkRequest, operations: &Value) -> Vec<Option<u16>> {
        let results = response(operations).for_request(request).into_iter();
        results.map(|result| Some(result?.status)).collect()
    }

    #[test]
    fn a_status_is_read_in_every_form_that_servers_use() {
        for (written, code) in [
            (json!("201"), Some(201)),
            (json!(201), Some(201)),
            (json!({"code": "201"}), Some(201)),
            (json!({"Code": 201, "description": "Created"}), Some(201)),
            (json!("409 Conflict"), Some(409)),
            (json!("HTTP/1.1 204 No Content"), Some(204)),
            (json!("done"), None),
            (json!("20"), None),
            (json!(true), None),
            (json!({}), None),
        ] {
            assert_eq!(status(written.clone()), code, "{written}");
        }
    }

    #[test]
    fn results_are_found_by_name_in_any_order() {
        let request = request(vec![create(), create(), delete("7")]);
        let operations = json!([
            {"BULKID": "op2", "METHOD": "delete", "Status": 204},
            {"bulkId": "op1", "method": "POST", "status": {"code": "409"}},
            {"bulkId": "stranger", "method": "POST", "status": "201"},
            {"bulkId": "op0", "status": "201", "location": "https://node/v2/Users/a%2Fb"},
        ]);
        assert_eq!(
            statuses(&request, &operations),
            [Some(201), Some(409), Some(204)]
        );
        let results = response(&operations).for_request(&request);
        assert_eq!(results[0].as_ref().unwrap().id().as_deref(), Some("a/b"));
        assert_eq!(results[1].as_ref().unwrap().id(), None);
    }

    #[test]
    fn what_is_missing_or_contradicts_itself_is_noticed() {
        let request = request(vec![create(), create(), create(), create(), create()]);
        let operations = json!([
            {"bulkId": "op0", "method": "POST", "status": "201"},
            {"bulkId": "op1", "method": "POST"},
            {"bulkId": "op2", "method": "POST", "status": "201"},
            {"bulkId": "op2", "method": "POST", "status": "409"},
            {"bulkId": "op3", "method": "DELETE", "status": "204"},
            {"method": "POST", "status": "201", "location": "https://node/Users/5"},
            "nonsense",
        ]);
        assert_eq!(
            statuses(&request, &operations),
            [Some(201), None, None, None, None]
        );
    }

    #[test]
    fn results_without_a_name_are_found_by_method_and_address() {
        let patch = || BulkOperation::patch::<Group>("t 1", &Patch::new(vec![])).unwrap();
        let request = request(vec![
            delete("7"),
            patch(),
            delete("17"),
            patch(),
            delete("8"),
            create(),
        ]);
        let at = |path: &str| format!("https://node/api/v2/{path}");
        let operations = json!([
            {"method": "PATCH", "location": at("Groups/t%201"), "status": "200"},
            {"method": "DELETE", "location": at("Users/17"), "status": "204"},
            {"method": "PATCH", "location": at("Groups/t%201"), "status": "400"},
            {"method": "DELETE", "location": at("Users/7"), "status": "404"},
            {"method": "DELETE", "location": at("Users/8"), "status": "204"},
            {"method": "DELETE", "location": at("Users/8"), "status": "404"},
            {"bulkId": "op5", "method": "POST", "location": at("Users/9"), "status": "201"},
        ]);
        assert_eq!(
            statuses(&request, &operations),
            [Some(404), Some(200), Some(204), Some(400), None, Some(201)]
        );
    }

    #[test]
    fn only_a_bulk_response_is_taken_for_one() {
        for (body, readable) in [
            (r#"{"Operations": []}"#, true),
            (r#"{"operations": [{"status": "200"}]}"#, true),
            ("\u{feff}{\"Operations\": []}", true),
            (r#"{"totalResults": 0}"#, false),
            (r#"{"Operations": null}"#, false),
            (
                r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "Operations": []}"#,
                false,
            ),
            ("<html>", false),
            ("", false),
        ] {
            assert_eq!(
                BulkResponse::parse(body.as_bytes()).is_some(),
                readable,
                "{body}"
            );
        }
    }

    #[test]
    fn each_operation_ends_as_a_call_of_its_own_would() {
        let request = request((0..6).map(|_| create()).collect());
        let error = |words: &str| json!({"detail": words, "scimType": "uniqueness"});
        let value = response(&json!([
            {"bulkId": "op0", "status": "201", "response": {"id": "7", "userName": "ann@example.com"}},
            {"bulkId": "op1", "status": "409", "response": error("taken")},
            {"bulkId": "op2", "status": "500", "response": error("broken")},
            {"bulkId": "op3", "status": "429"},
            {"bulkId": "op4", "status": "501", "response": "not here"},
        ]));
        let reply = Reply {
            status: 200,
            attempts: 2,
            doubtful: false,
            put_off: false,
            date: Some(5),
            value,
        };
        let results = reply.results(&request);
        let made = results[0].as_ref().unwrap();
        assert_eq!((made.status, made.attempts, made.date), (201, 2, Some(5)));
        assert_eq!(made.value.id().as_deref(), Some("7"));
        let user = made.value.resource::<User>().unwrap();
        assert_eq!(user.user_name(), Some("ann@example.com"));

        let refused = |at: usize| match &results[at] {
            Err(Error::Refused(refusal)) => refusal.clone(),
            other => panic!("{other:?}"),
        };
        assert!(refused(1).is_conflict());
        assert_eq!(refused(1).detail.as_deref(), Some("taken"));
        assert_eq!((refused(3).status, refused(3).detail), (429, None));
        assert_eq!(
            (refused(4).status, refused(4).detail.as_deref()),
            (501, Some("not here"))
        );

        for (at, status) in [(2, Some(500)), (5, None)] {
            let Err(Error::Fault(fault)) = &results[at] else {
                panic!("{:?}", results[at]);
            };
            assert!(fault.may_have_worked);
            assert_eq!((fault.kind, fault.status), (FaultKind::AnswerLost, status));
        }
    }
}
