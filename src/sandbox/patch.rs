//! PATCH bodies (RFC 7644, section 3.5.2), in all the forms that clients of the provider send: with and without
//! `path`, dotted keys, `op` in any case, no `schemas`.
//!
//! What an operation does to a user or a group is in `users` and `groups`, behind [`Target`]. Both work on a draft, so
//! that a PATCH takes effect as a whole or not at all.

use serde_json::Value;

use super::attribute::{Attr, Kind, Top};
use super::error::ScimError;
use super::filter::Filter;
use super::json::{self, Fields};
use super::path::Path;

/// A PATCH that has been read.
#[derive(Debug)]
pub(super) struct Patch {
    operations: Vec<Operation>,
}

#[derive(Debug)]
struct Operation {
    verb: Verb,
    path: Option<Path>,
    /// Null if there is none.
    value: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Add,
    Replace,
    Remove,
}

/// A draft of a resource that operations and documents work on.
pub(super) trait Target {
    const KIND: Kind;

    /// Gives `attr` the value, or adds it if `attr` is a list and `verb` says so. Never called with [`Verb::Remove`].
    fn set(&mut self, attr: Attr, value: &Value, verb: Verb) -> Result<(), ScimError>;

    /// Takes away `attr`, or of a list the elements in `value` unless that is null.
    fn remove(&mut self, attr: Attr, value: &Value) -> Result<(), ScimError>;

    /// Does the same to the elements of the list `attr.top` that `filter` matches.
    fn change_elements(
        &mut self,
        attr: Attr,
        filter: &Filter,
        value: &Value,
        verb: Verb,
    ) -> Result<(), ScimError>;
}

/// Fills a draft from the body of a POST or PUT. Attributes that the node does not hold are ignored.
pub(super) fn fill(target: &mut impl Target, document: &Fields) -> Result<(), ScimError> {
    fill_known(target, document, Verb::Replace, |_| Ok(()))
}

fn fill_known<T: Target>(
    target: &mut T,
    fields: &Fields,
    verb: Verb,
    unknown: fn(&str) -> Result<(), ScimError>,
) -> Result<(), ScimError> {
    for (key, value) in fields {
        match Attr::read(T::KIND, key) {
            Some(attr) if read_only(attr) || attr.top == Top::Roles => {}
            Some(attr) => target.set(attr, value, verb)?,
            None => unknown(key)?,
        }
    }
    Ok(())
}

impl Patch {
    /// Reads a PATCH on a resource of `kind`.
    pub(super) fn read(kind: Kind, body: Value) -> Result<Self, ScimError> {
        let Value::Object(mut fields) = body else {
            return Err(ScimError::syntax("the body is not a JSON object"));
        };
        let operations = json::operations(&mut fields)?
            .into_iter()
            .map(|operation| Operation::read(kind, operation))
            .collect::<Result<_, _>>()?;
        Ok(Self { operations })
    }

    /// Carries the operations out on a draft, in their order.
    pub(super) fn apply<T: Target>(&self, target: &mut T) -> Result<(), ScimError> {
        self.operations
            .iter()
            .try_for_each(|operation| operation.apply(target))
    }
}

impl Operation {
    fn read(kind: Kind, operation: Value) -> Result<Self, ScimError> {
        let Value::Object(mut fields) = operation else {
            return Err(ScimError::syntax("an operation is not a JSON object"));
        };
        let verb = match json::field(&fields, "op") {
            Some(Value::String(op)) => Verb::read(op)?,
            _ => return Err(ScimError::syntax("an operation has no \"op\"")),
        };
        let path = match json::field(&fields, "path") {
            None | Some(Value::Null) => None,
            Some(Value::String(path)) => Some(
                Path::read(kind, path)
                    .map_err(|error| ScimError::path(format!("path {path:?}: {error}")))?,
            ),
            Some(_) => return Err(ScimError::path("\"path\" is not a string")),
        };
        if verb == Verb::Remove && path.is_none() {
            return Err(ScimError::no_target("\"remove\" needs a \"path\""));
        }
        let value = json::take(&mut fields, "value");
        if value.is_none() && verb != Verb::Remove {
            return Err(ScimError::value("\"add\" and \"replace\" need a \"value\""));
        }
        Ok(Self {
            verb,
            path,
            value: value.unwrap_or(Value::Null),
        })
    }

    fn apply<T: Target>(&self, target: &mut T) -> Result<(), ScimError> {
        let Some(path) = &self.path else {
            let Value::Object(fields) = &self.value else {
                return Err(ScimError::value(
                    "an operation without \"path\" needs an object as its \"value\"",
                ));
            };
            return fill_known(target, fields, self.verb, |key| {
                Err(ScimError::path(format!("unknown attribute {key:?}")))
            });
        };
        let attr = path.attr;
        if read_only(attr) {
            return Err(ScimError::bad("mutability", format!("{attr} is read-only")));
        }
        if attr.top == Top::Roles {
            // The provider ignores `roles`; a client that sends them is not wrong.
            return Ok(());
        }
        match (&path.filter, self.verb) {
            (Some(filter), verb) => target.change_elements(attr, filter, &self.value, verb),
            (None, Verb::Remove) => target.remove(attr, &self.value),
            (None, verb) => target.set(attr, &self.value, verb),
        }
    }
}

impl Verb {
    fn read(op: &str) -> Result<Self, ScimError> {
        match op.to_ascii_lowercase().as_str() {
            "add" => Ok(Verb::Add),
            "replace" => Ok(Verb::Replace),
            "remove" => Ok(Verb::Remove),
            _ => Err(ScimError::syntax(format!(
                "unknown op {op:?}: it is add, replace or remove"
            ))),
        }
    }
}

fn read_only(attr: Attr) -> bool {
    matches!(attr.top, Top::Schemas | Top::Id | Top::Meta)
}
