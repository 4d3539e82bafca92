//! Reading what servers really send: attribute names in any case (RFC 7643, section 2.1), numbers
//! as strings, strings as numbers, booleans as words, `null` for "none".

use serde_json::{Map, Value};

/// A JSON object whose members are taken out by name.
pub(super) struct Object(Map<String, Value>);

impl Object {
    pub(super) fn from(value: Value) -> Option<Self> {
        match value {
            Value::Object(map) => Some(Object(map)),
            _ => None,
        }
    }

    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        // A byte order mark is not JSON, and some servers send one.
        let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
        Self::from(serde_json::from_slice(body).ok()?)
    }

    /// Whether this is the protocol's error message (RFC 7644, section 3.12), whatever the status.
    pub(super) fn is_error(&self) -> bool {
        let schemas = self.0.get("schemas").and_then(Value::as_array);
        schemas.is_some_and(|schemas| {
            schemas
                .iter()
                .any(|schema| schema == "urn:ietf:params:scim:api:messages:2.0:Error")
        })
    }

    /// The member called `name`, unless it is missing or `null`.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        let value = match self.0.remove(name) {
            Some(value) => value,
            None => {
                let key = self
                    .0
                    .keys()
                    .find(|key| key.eq_ignore_ascii_case(name))?
                    .clone();
                self.0.remove(&key)?
            }
        };
        (!value.is_null()).then_some(value)
    }

    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.take(name).and_then(text)
    }

    pub(super) fn flag(&mut self, name: &str) -> Option<bool> {
        self.take(name).as_ref().and_then(flag)
    }

    pub(super) fn number(&mut self, name: &str) -> Option<u64> {
        self.take(name).as_ref().and_then(number)
    }

    pub(super) fn object(&mut self, name: &str) -> Option<Object> {
        self.take(name).and_then(Object::from)
    }

    /// A list; one thing where a list is meant is a list of one.
    pub(super) fn list(&mut self, name: &str) -> Option<Vec<Value>> {
        match self.take(name)? {
            Value::Array(values) => Some(values),
            value @ Value::Object(_) => Some(vec![value]),
            _ => None,
        }
    }
}

/// A string that says something; numbers are written out, since ids sometimes come as numbers.
pub(super) fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        Value::Number(number) if number.as_u64() == Some(1) => Some(true),
        Value::Number(number) if number.as_u64() == Some(0) => Some(false),
        _ => None,
    }
}

fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_found_in_any_case_and_shape() {
        let mut object = Object::from(json!({
            "ID": 17, "totalresults": "501", "Active": "False", "one": {"value": "x"}, "none": null, "empty": ""
        }))
        .unwrap();
        assert_eq!(object.text("id").as_deref(), Some("17"));
        assert_eq!(object.number("totalResults"), Some(501));
        assert_eq!(object.flag("active"), Some(false));
        assert_eq!(object.list("one").map(|list| list.len()), Some(1));
        assert!(object.take("none").is_none());
        assert!(object.text("empty").is_none());
    }

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        assert!(Object::parse(b"\xEF\xBB\xBF{}").is_some());
        assert!(Object::parse(b"<html>").is_none());
        assert!(Object::parse(b"[]").is_none());
    }
}
