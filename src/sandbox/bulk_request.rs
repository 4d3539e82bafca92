//! What a bulk request asks for, as it is written (RFC 7644, section 3.7).

use std::collections::HashSet;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::attribute::Kind;
use super::bulk_id;
use super::error::ScimError;
use super::json::{self, Fields};

const REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

/// A request whose form is right.
#[derive(Debug)]
pub(super) struct Request {
    /// How many errors end the request; at least 1.
    pub(super) fail_on_errors: Option<u64>,
    pub(super) operations: Vec<Operation>,
}

/// One operation. What is wrong with its path and data is found out when it is carried out.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) verb: Verb,
    /// Unique in the request; every POST has one.
    pub(super) bulk_id: Option<String>,
    pub(super) path: String,
    pub(super) target: Result<Target, ScimError>,
    /// Null if there is none.
    pub(super) data: Value,
}

/// What a path is about: a collection, or one resource in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) kind: Kind,
    pub(super) id: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Post,
    Put,
    Patch,
    Delete,
}

impl Request {
    pub(super) fn read(body: &[u8]) -> Result<Self, ScimError> {
        let Value::Object(mut fields) = json::parse(body)? else {
            return Err(ScimError::syntax("the body is not a JSON object"));
        };
        let schemas = json::field(&fields, "schemas").and_then(Value::as_array);
        if !schemas.is_some_and(|schemas| schemas.iter().any(|schema| schema == REQUEST)) {
            return Err(ScimError::syntax(format!(
                "\"schemas\" must hold {REQUEST:?}"
            )));
        }
        let fail_on_errors = match json::take(&mut fields, "failOnErrors") {
            None | Some(Value::Null) => None,
            Some(number) => Some(number.as_u64().filter(|most| *most > 0).ok_or_else(|| {
                ScimError::value("\"failOnErrors\" must be a whole number of at least 1")
            })?),
        };
        let operations = json::operations(&mut fields)?
            .into_iter()
            .map(Operation::read)
            .collect::<Result<Vec<_>, _>>()?;
        let mut seen = HashSet::new();
        let mut bulk_ids = operations.iter().filter_map(|one| one.bulk_id.as_deref());
        if let Some(twice) = bulk_ids.find(|bulk_id| !seen.insert(*bulk_id)) {
            return Err(ScimError::value(format!("bulkId {twice:?} is there twice")));
        }
        Ok(Self {
            fail_on_errors,
            operations,
        })
    }
}

impl Operation {
    fn read(operation: Value) -> Result<Self, ScimError> {
        let Value::Object(mut fields) = operation else {
            return Err(ScimError::syntax("an operation is not a JSON object"));
        };
        let method = text(&mut fields, "method")?.unwrap_or_default();
        let verb = Verb::read(&method)?;
        let bulk_id = text(&mut fields, "bulkId")?.filter(|bulk_id| !bulk_id.is_empty());
        if verb == Verb::Post && bulk_id.is_none() {
            return Err(ScimError::syntax("a POST operation needs a \"bulkId\""));
        }
        let path = text(&mut fields, "path")?
            .ok_or_else(|| ScimError::syntax("an operation has no \"path\""))?;
        Ok(Self {
            verb,
            bulk_id,
            target: Target::read(&path),
            path,
            data: json::take(&mut fields, "data").unwrap_or(Value::Null),
        })
    }

    /// Visits all ids that stand in links of `data`.
    pub(super) fn each_link(
        &self,
        kind: Kind,
        data: &mut Value,
        visit: &mut dyn FnMut(&mut String) -> Result<(), ScimError>,
    ) -> Result<(), ScimError> {
        match self.verb {
            Verb::Post | Verb::Put => bulk_id::in_document(kind, data, visit),
            Verb::Patch => bulk_id::in_patch(kind, data, visit),
            Verb::Delete => Ok(()),
        }
    }

    /// The names of all `bulkId`s that the operation refers to.
    pub(super) fn references(&mut self) -> Vec<String> {
        let Ok(Target { kind, id }) = &self.target else {
            return Vec::new();
        };
        let referred = |id: &String| bulk_id::referred(id).map(str::to_owned);
        let mut names = Vec::from_iter(id.as_ref().and_then(referred));
        let mut data = self.data.take();
        // A reference where none may stand is refused when the operation is carried out.
        let _ = self.each_link(*kind, &mut data, &mut |id| {
            names.extend(referred(id));
            Ok(())
        });
        self.data = data;
        names
    }
}

impl Target {
    fn read(path: &str) -> Result<Self, ScimError> {
        let nothing = || ScimError::no_such_place(path);
        let below = path.strip_prefix('/').ok_or_else(|| {
            ScimError::path(format!("path {path:?} must begin with /, as in /Users"))
        })?;
        let (endpoint, id) = match below.split_once('/') {
            Some((endpoint, id)) => (endpoint, Some(id)),
            None => (below, None),
        };
        let mut kinds = [Kind::User, Kind::Group].into_iter();
        let kind = kinds
            .find(|kind| kind.endpoint() == endpoint)
            .ok_or_else(nothing)?;
        let id = match id {
            Some(id) if id.is_empty() || id.contains('/') => return Err(nothing()),
            Some(id) => {
                let id = percent_decode_str(id).decode_utf8();
                Some(id.map_err(|_| nothing())?.into_owned())
            }
            None => None,
        };
        Ok(Self { kind, id })
    }
}

impl Verb {
    fn read(method: &str) -> Result<Self, ScimError> {
        let all = [Verb::Post, Verb::Put, Verb::Patch, Verb::Delete];
        let found = all.into_iter().find(|verb| verb.name() == method);
        found.ok_or_else(|| {
            ScimError::syntax(format!(
                "the method of an operation is POST, PUT, PATCH or DELETE, not {method:?}"
            ))
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Verb::Post => "POST",
            Verb::Put => "PUT",
            Verb::Patch => "PATCH",
            Verb::Delete => "DELETE",
        }
    }
}

/// A text, if the member is there at all.
fn text(fields: &mut Fields, name: &str) -> Result<Option<String>, ScimError> {
    match json::take(fields, name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(ScimError::syntax(format!("{name:?} is not a string"))),
    }
}
