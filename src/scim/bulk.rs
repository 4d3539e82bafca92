//! Bulk requests: many operations in one call, each with an answer of its own (RFC 7644, section 3.7).
//!
//! A [`BulkRequest`] keeps to the node's [`BulkLimits`] and names its operations itself, so that one that is too large,
//! or has two operations of one name, cannot be built. What comes back is for `bulk_response`.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::value::RawValue;

use super::discovery::Bulk;
use super::error::Error;
use super::message::Patch;
use super::resource::Resource;
use crate::transport::Idempotency;

/// What a node grants to one bulk request (`bulk` of `ServiceProviderConfig`; RFC 7643, section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BulkLimits {
    /// The most operations.
    pub max_operations: usize,
    /// The most bytes of the body.
    pub max_payload: usize,
}

impl BulkLimits {
    /// Limits for a node that is said to take bulk requests, and does not say how large ones.
    pub const MODEST: BulkLimits = BulkLimits {
        max_operations: 100,
        max_payload: 256 << 10,
    };

    /// The limits that a node names; nothing when it does not take bulk requests, or does not say how
    /// large they may be.
    #[must_use]
    pub fn of(bulk: &Bulk) -> Option<Self> {
        let limit = |most: Option<u64>| usize::try_from(most?).ok().filter(|most| *most > 0);
        let limits = BulkLimits {
            max_operations: limit(bulk.max_operations)?,
            max_payload: limit(bulk.max_payload)?,
        };
        bulk.supported.then_some(limits)
    }

    /// The same for requests that stop doing harm when more than `errors` of their operations fail.
    #[must_use]
    pub fn of_at_most(self, errors: Option<u64>) -> Self {
        let most = errors.map_or(usize::MAX, |errors| {
            usize::try_from(errors.saturating_add(1)).unwrap_or(usize::MAX)
        });
        BulkLimits {
            max_operations: self.max_operations.min(most),
            ..self
        }
    }
}

/// A method that an operation may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum BulkMethod {
    /// Creates.
    Post,
    /// Replaces.
    Put,
    /// Changes.
    Patch,
    /// Removes.
    Delete,
}

impl BulkMethod {
    pub(super) fn read(name: &str) -> Option<Self> {
        [Self::Post, Self::Put, Self::Patch, Self::Delete]
            .into_iter()
            .find(|method| method.name().eq_ignore_ascii_case(name))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// One operation of a bulk request.
#[derive(Debug, Clone, Serialize)]
pub struct BulkOperation {
    pub(super) method: BulkMethod,
    pub(super) path: String,
    /// As it is sent: thousands of them may be waiting.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Box<RawValue>>,
}

/// An operation under its name.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Named {
    #[serde(rename = "bulkId")]
    pub(super) bulk_id: String,
    #[serde(flatten)]
    pub(super) operation: BulkOperation,
}

impl BulkOperation {
    /// `POST /Users` or `POST /Groups`.
    #[must_use]
    pub fn create<R: Resource>(data: &impl Serialize) -> Self {
        BulkOperation {
            method: BulkMethod::Post,
            path: format!("/{}", R::ENDPOINT),
            data: Some(json(data)),
        }
    }

    /// `PUT /Users/{id}` or `PUT /Groups/{id}`.
    ///
    /// # Errors
    /// [`Error::ImpossibleId`]
    pub fn replace<R: Resource>(id: &str, data: &impl Serialize) -> Result<Self, Error> {
        Ok(BulkOperation {
            method: BulkMethod::Put,
            path: item::<R>(id)?,
            data: Some(json(data)),
        })
    }

    /// `PATCH /Users/{id}` or `PATCH /Groups/{id}`.
    ///
    /// # Errors
    /// [`Error::ImpossibleId`]
    pub fn patch<R: Resource>(id: &str, patch: &Patch) -> Result<Self, Error> {
        Ok(BulkOperation {
            method: BulkMethod::Patch,
            path: item::<R>(id)?,
            data: Some(json(patch)),
        })
    }

    /// `DELETE /Users/{id}` or `DELETE /Groups/{id}`.
    ///
    /// # Errors
    /// [`Error::ImpossibleId`]
    pub fn delete<R: Resource>(id: &str) -> Result<Self, Error> {
        Ok(BulkOperation {
            method: BulkMethod::Delete,
            path: item::<R>(id)?,
            data: None,
        })
    }

    /// How many bytes it takes in a bulk request, more or less.
    #[must_use]
    pub fn size(&self) -> usize {
        const NAME_AND_COMMA: usize = 20;
        length(self) + NAME_AND_COMMA
    }
}

/// Characters that may stand in a path as they are (RFC 3986, section 3.3); the colon for `bulkId:`.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b':');

fn item<R: Resource>(id: &str) -> Result<String, Error> {
    // Dots would climb up in the address, however they are written.
    if matches!(id, "" | "." | "..") {
        return Err(Error::ImpossibleId(id.to_owned()));
    }
    let id = utf8_percent_encode(id, IN_PATH);
    Ok(format!("/{}/{id}", R::ENDPOINT))
}

fn json(data: &impl Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(data)
        .expect("names and values of a SCIM message are all strings and booleans")
}

/// What an operation is called inside its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BulkId(usize);

impl BulkId {
    /// What stands for the id of what the operation creates, in other operations of the same request
    /// (RFC 7644, section 3.7.2).
    #[must_use]
    pub fn reference(self) -> String {
        format!("bulkId:{self}")
    }

    /// Where the operation stands in its request, from 0.
    #[must_use]
    pub fn place(self) -> usize {
        self.0
    }
}

impl fmt::Display for BulkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "op{}", self.0)
    }
}

/// A bulk request that a node's limits allow.
#[derive(Debug, Clone, Serialize)]
pub struct BulkRequest {
    schemas: [&'static str; 1],
    #[serde(rename = "Operations")]
    pub(super) operations: Vec<Named>,
    #[serde(skip)]
    size: usize,
    #[serde(skip)]
    limits: BulkLimits,
}

/// An operation that a bulk request has no room for, to be put into another one.
///
/// If the request was empty, the operation is too large for any: it is to be sent as a call of its own.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the bulk request has no room for another operation")]
pub struct NoRoom(pub BulkOperation);

impl BulkRequest {
    /// An empty request.
    #[must_use]
    pub fn new(limits: BulkLimits) -> Self {
        let mut request = BulkRequest {
            schemas: ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
            operations: Vec::new(),
            size: 0,
            limits,
        };
        request.size = length(&request);
        request
    }

    /// Adds an operation behind the others.
    ///
    /// # Errors
    /// Gives it back when the node's limits leave no room for it.
    pub fn add(&mut self, operation: BulkOperation) -> Result<BulkId, NoRoom> {
        let id = BulkId(self.operations.len());
        let named = Named {
            bulk_id: id.to_string(),
            operation,
        };
        let comma = usize::from(!self.operations.is_empty());
        let size = self.size + comma + length(&named);
        if self.operations.len() >= self.limits.max_operations || size > self.limits.max_payload {
            return Err(NoRoom(named.operation));
        }
        self.size = size;
        self.operations.push(named);
        Ok(id)
    }

    /// How many operations it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// Whether it has none: then there is nothing to send.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// How many bytes its body has.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// Whether it may be sent twice: not if it creates anything, else as its operations.
    #[must_use]
    pub fn idempotency(&self) -> Idempotency {
        let creates = |named: &Named| named.operation.method == BulkMethod::Post;
        if self.operations.iter().any(creates) {
            Idempotency::LookFirst
        } else {
            Idempotency::Safe
        }
    }
}

/// How many bytes `value` has as JSON.
fn length(value: &impl Serialize) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    serde_json::to_writer(&mut count, value)
        .expect("counting cannot fail, and a bulk request is all JSON values");
    count.0
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::creation::NewUser;
    use super::super::message::Operation;
    use super::super::resource::{Group, User};
    use super::*;
    use crate::attribute::{Attribute, Texts};

    const WIDE: BulkLimits = BulkLimits {
        max_operations: 1000,
        max_payload: 1 << 20,
    };

    fn user(name: &str) -> BulkOperation {
        BulkOperation::create::<User>(&NewUser {
            texts: Texts::from([(Attribute::UserName, Some(name.into()))]),
            ..NewUser::default()
        })
    }

    #[test]
    fn requests_are_written_as_the_rfc_shows() {
        let mut request = BulkRequest::new(WIDE);
        let ann = request.add(user("ann@example.com")).unwrap();
        let add = Patch::new(vec![Operation::add("members", [ann.reference().as_str()])]);
        request
            .add(BulkOperation::patch::<Group>("t/1", &add).unwrap())
            .unwrap();
        let put = BulkOperation::replace::<Group>("t-2", &json!({"displayName": "Sales"}));
        request.add(put.unwrap()).unwrap();
        let lock = BulkOperation::delete::<User>(&ann.reference());
        request.add(lock.unwrap()).unwrap();
        assert_eq!(
            serde_json::to_value(&request).unwrap(),
            json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
                "Operations": [
                    {"method": "POST", "path": "/Users", "bulkId": "op0", "data": {
                        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                        "userName": "ann@example.com",
                        "emails": [{"value": "ann@example.com", "primary": true}]
                    }},
                    {"method": "PATCH", "path": "/Groups/t%2F1", "bulkId": "op1", "data": {
                        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                        "Operations": [{"op": "add", "path": "members", "value": [{"value": "bulkId:op0"}]}]
                    }},
                    {"method": "PUT", "path": "/Groups/t-2", "bulkId": "op2", "data": {"displayName": "Sales"}},
                    {"method": "DELETE", "path": "/Users/bulkId:op0", "bulkId": "op3"}
                ]
            })
        );
    }

    #[test]
    fn ids_that_climb_are_refused() {
        for id in ["", ".", ".."] {
            let refused = BulkOperation::delete::<User>(id).unwrap_err();
            assert_eq!(refused, Error::ImpossibleId(id.to_owned()));
        }
    }

    #[test]
    fn no_request_is_larger_than_the_node_allows() {
        let mut request = BulkRequest::new(BulkLimits {
            max_operations: 3,
            max_payload: 600,
        });
        assert!(request.is_empty());
        let mut left = Vec::new();
        for n in 0..10 {
            let name = format!("{}@example.com", "x".repeat(n * 30));
            if let Err(NoRoom(operation)) = request.add(user(&name)) {
                left.push(operation);
            }
            let written = serde_json::to_vec(&request).unwrap().len();
            assert_eq!(request.size(), written);
            assert!(written <= 600 && request.len() <= 3);
        }
        assert_eq!(request.len() + left.len(), 10);
        assert_eq!(left[0].method, BulkMethod::Post);

        let mut few = BulkRequest::new(BulkLimits {
            max_operations: 1,
            ..WIDE
        });
        assert!(few.add(user("a@example.com")).is_ok());
        assert!(few.add(user("b@example.com")).is_err());
    }

    #[test]
    fn a_request_that_creates_is_not_sent_twice_in_doubt() {
        let mut request = BulkRequest::new(WIDE);
        assert_eq!(request.idempotency(), Idempotency::Safe);
        let lock = BulkOperation::delete::<User>("7").unwrap();
        request.add(lock).unwrap();
        assert_eq!(request.idempotency(), Idempotency::Safe);
        request.add(user("ann@example.com")).unwrap();
        assert_eq!(request.idempotency(), Idempotency::LookFirst);
    }

    #[test]
    fn limits_are_known_only_where_bulk_can_be_used() {
        let bulk = |supported, max_operations, max_payload| {
            BulkLimits::of(&Bulk {
                supported,
                max_operations,
                max_payload,
            })
        };
        let limits = BulkLimits {
            max_operations: 50,
            max_payload: 9000,
        };
        assert_eq!(bulk(true, Some(50), Some(9000)), Some(limits));
        assert_eq!(bulk(false, Some(50), Some(9000)), None);
        assert_eq!(bulk(true, Some(0), Some(9000)), None);
        assert_eq!(bulk(true, Some(50), None), None);
    }
}
