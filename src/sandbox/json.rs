//! Reading values out of JSON bodies, with refusals that name the attribute.

use std::fmt;

use serde_json::{Map, Value};

use super::error::ScimError;

/// The members of a JSON object.
pub(super) type Fields = Map<String, Value>;

/// Reads a body.
pub(super) fn parse(body: &[u8]) -> Result<Value, ScimError> {
    serde_json::from_slice(body)
        .map_err(|error| ScimError::syntax(format!("the body is not JSON: {error}")))
}

/// `value` as an object.
pub(super) fn object<'a>(what: &str, value: &'a Value) -> Result<&'a Fields, ScimError> {
    value
        .as_object()
        .ok_or_else(|| ScimError::syntax(format!("{what} is not a JSON object")))
}

/// The member called `name`; names are matched without regard to case (RFC 7643, section 2.1).
pub(super) fn field<'a>(fields: &'a Fields, name: &str) -> Option<&'a Value> {
    let exact = fields.get(name);
    exact.or_else(|| {
        let mut others = fields.iter();
        others
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    })
}

/// The same, to be changed.
pub(super) fn field_mut<'a>(fields: &'a mut Fields, name: &str) -> Option<&'a mut Value> {
    let key = key(fields, name)?;
    fields.get_mut(&key)
}

/// The same, taken out.
pub(super) fn take(fields: &mut Fields, name: &str) -> Option<Value> {
    let key = key(fields, name)?;
    fields.remove(&key)
}

/// The operations of a PATCH or a bulk request, of which there must be some.
pub(super) fn operations(fields: &mut Fields) -> Result<Vec<Value>, ScimError> {
    match take(fields, "Operations") {
        Some(Value::Array(operations)) if !operations.is_empty() => Ok(operations),
        _ => Err(ScimError::syntax(
            "\"Operations\" must be an array with at least one operation",
        )),
    }
}

fn key(fields: &Fields, name: &str) -> Option<String> {
    if fields.contains_key(name) {
        return Some(name.to_owned());
    }
    let mut keys = fields.keys();
    keys.find(|key| key.eq_ignore_ascii_case(name)).cloned()
}

/// A text, or `None` for null.
pub(super) fn text(attr: impl fmt::Display, value: &Value) -> Result<Option<Box<str>>, ScimError> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.as_str().into())),
        other => Err(ScimError::value(format!(
            "{attr} must be a string, not {}",
            kind(other)
        ))),
    }
}

/// A truth value, also written as a string in any case (both are on the provider's page); `None` for null.
pub(super) fn boolean(attr: impl fmt::Display, value: &Value) -> Result<Option<bool>, ScimError> {
    match value {
        Value::Null => Ok(None),
        Value::Bool(value) => Ok(Some(*value)),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
        other => Err(ScimError::value(format!(
            "{attr} must be true or false, not {}",
            shown(other)
        ))),
    }
}

/// The elements of a list; a lone object counts as a list of one, null as an empty list.
pub(super) fn elements(attr: impl fmt::Display, value: &Value) -> Result<Vec<&Fields>, ScimError> {
    let wrong = |found: &Value| {
        ScimError::value(format!(
            "{attr} must be an array of objects, not {}",
            kind(found)
        ))
    };
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Object(fields) => Ok(vec![fields]),
        Value::Array(items) => items
            .iter()
            .map(|item| item.as_object().ok_or_else(|| wrong(item)))
            .collect(),
        other => Err(wrong(other)),
    }
}

/// The ids in a list of `{"value": "id"}`.
pub(super) fn link_ids(
    attr: impl fmt::Display + Copy,
    value: &Value,
) -> Result<Vec<&str>, ScimError> {
    elements(attr, value)?
        .into_iter()
        .map(|item| {
            field(item, "value").and_then(Value::as_str).ok_or_else(|| {
                ScimError::value(format!("an element of {attr} has no \"value\" with an id"))
            })
        })
        .collect()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Array(_) | Value::Object(_) => kind(value).to_owned(),
        other => other.to_string(),
    }
}
